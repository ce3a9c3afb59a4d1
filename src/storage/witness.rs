//! What says that a segment was begun, so that its absence is noticed.
//!
//! A clean close writes down where the log ends. A session that was killed wrote down nothing: without its newest segment
//! the log would end well, where the session before closed it. So a session puts a record of 64 bytes behind the 512 of
//! MANIFEST, in place:
//!
//! ```text
//!   0  magic "MOLTNSES"    8  u64 segment    16  u64 end    24  zero    60  u32 crc32c over what stands before
//! ```
//!
//! The segment is there, and its first `end` bytes are durable. The first record of a session is durable before the first
//! frame is written (one fsync a session), and after the name and the header of the segment are. Later records, of the
//! segments that follow and of the first frames in each, cost no fsync: a kill leaves them, a power cut may take
//! the newest. A record is never ahead of what it tells of. It lies in a sector of its own, so that no write tears it; what
//! is no record says nothing. A clean close and a compaction replace MANIFEST whole, and with it the record.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::frame::{u32_at, u64_at};
use super::home::Home;
use super::host::Host;
use super::manifest;
use super::segment::{LARGEST_NUMBER, SEGMENT_HEADER_LEN};
use super::vfs::{OpenMode, write_all_at};
use crate::error::{Error, Kind, Result};

/// Length of the record.
pub const LEN: usize = 64;

const MAGIC: &[u8; 8] = b"MOLTNSES";
const CRC_AT: usize = LEN - 4;

/// A record: a segment that a session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// The segment.
    pub segment: u64,
    /// So many of its bytes are durable: the header at least.
    pub end: u64,
}

impl Witnessed {
    /// A segment whose header and name are durable.
    pub(super) fn begun(segment: u64) -> Witnessed {
        Witnessed { segment, end: SEGMENT_HEADER_LEN }
    }

    /// The bytes.
    pub fn encode(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..16].copy_from_slice(&self.segment.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.end.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Parses the bytes; `None` when they are no record.
    pub fn decode(bytes: &[u8; LEN]) -> Option<Witnessed> {
        let holds = bytes[..8] == *MAGIC
            && u32_at(bytes, CRC_AT) == crc32c::crc32c(&bytes[..CRC_AT])
            && bytes[24..CRC_AT].iter().all(|byte| *byte == 0);
        let (segment, end) = (u64_at(bytes, 8), u64_at(bytes, 16));
        let sane = segment.max(end) <= LARGEST_NUMBER && end >= SEGMENT_HEADER_LEN;
        (holds && sane).then_some(Witnessed { segment, end })
    }

    /// Refuses a file that is shorter than it was, or not there.
    pub(super) fn check_len(&self, path: &Path, len: Option<u64>) -> Result<()> {
        match len {
            None => {
                Err(Error::corrupt(path, 0, "the segment is missing; a session that was not closed began it"))
            }
            Some(len) if len < self.end => Err(Error::corrupt(
                path,
                len,
                format!("the file ends here and had {} bytes at least", self.end),
            )),
            Some(_) => Ok(()),
        }
    }

    /// Refuses a segment whose good frames end before they did.
    pub(super) fn check_frames(&self, path: &Path, segment: u64, end: u64) -> Result<()> {
        if segment == self.segment && end < self.end {
            let what = format!("it was good and durable up to offset {} at least", self.end);
            return Err(Error::corrupt(path, end, what));
        }
        Ok(())
    }
}

/// Keeps the record of the session that is open.
pub(super) struct Witness {
    host: Host,
    home: Arc<Home>,
    /// What the record says; `None` before this session made one. Held while MANIFEST is written or replaced.
    said: Mutex<Option<Witnessed>>,
    /// The newest segment of which a frame is recorded.
    proven: AtomicU64,
}

impl Witness {
    pub(super) fn new(host: Host, home: Arc<Home>) -> Witness {
        Witness { host, home, said: Mutex::default(), proven: AtomicU64::new(0) }
    }

    /// Name and header of this segment are durable. Returns how many fsyncs it took.
    pub(super) fn begun(&self, segment: u64) -> Result<u64> {
        self.say(Witnessed::begun(segment))
    }

    /// The first `end` bytes of this segment are durable.
    pub(super) fn proven(&self, segment: u64, end: u64) -> Result<()> {
        if end <= SEGMENT_HEADER_LEN || self.proven.load(Ordering::Acquire) >= segment {
            return Ok(());
        }
        self.say(Witnessed { segment, end })?;
        self.proven.fetch_max(segment, Ordering::AcqRel);
        Ok(())
    }

    /// Locks MANIFEST to replace it; what stands in the guard afterwards is what the new one says.
    pub(super) fn replacing(&self) -> MutexGuard<'_, Option<Witnessed>> {
        self.said.lock()
    }

    fn say(&self, new: Witnessed) -> Result<u64> {
        let mut said = self.said.lock();
        if said.is_some_and(|said| (said.segment, said.end) >= (new.segment, new.end)) {
            return Ok(0);
        }
        let path = self.home.dir().join(manifest::NAME);
        self.home.check()?;
        let open = self.host.vfs.open(&path, OpenMode::ReadWrite);
        let file = open.map_err(|error| Error::io("open", &path, error))?;
        let written = write_all_at(&*file, manifest::LEN as u64, &new.encode());
        match written.map_err(|error| Error::io("write", &path, error)) {
            // The commit has its space already and matters more. The next segment tries again.
            Err(error) if error.kind() == Kind::StorageFull => {
                tracing::warn!(%error, "a new segment could not be recorded");
                return Ok(0);
            }
            result => result?,
        }
        let first = said.is_none();
        if first {
            file.sync_data().map_err(|error| Error::io("fsync", &path, error))?;
        }
        *said = Some(new);
        Ok(u64::from(first))
    }
}
