//! Records that a segment was begun, so that a missing segment is noticed.
//!
//! A clean close records where the log ends. A killed session records nothing: without its newest segment the log would end
//! cleanly where the previous session closed it. So a session writes records of 64 bytes after the 512 bytes of MANIFEST, in
//! place, alternating between two slots, so that the previous record stays until the next one is complete:
//!
//! ```text
//!   0  magic "MOLTNSES"    8  u64 segment    16  u64 end    24  zero    60  u32 crc32c over what stands before
//! ```
//!
//! A record says that the segment exists and that its first `end` bytes are durable. The first record of a session is
//! written after the name and the header of the segment are durable, and is durable before the first frame is written (one
//! fsync per session). Later records, of the following segments and of the first frames in each, cost no fsync: they survive
//! a kill, and a power cut may lose the newest. A record is never ahead of the data. Each slot lies in its own sector; bytes
//! that are not a valid record are ignored. A clean close and a compaction replace the whole MANIFEST and so remove the
//! records.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::frame::{u32_at, u64_at};
use super::manifest;
use super::segment::SEGMENT_HEADER_LEN;
use super::version::LARGEST_NUMBER;
use crate::error::{Error, Kind, Result};
use crate::storage::host::home::Home;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{OpenMode, write_all_at};

/// Length of a record.
pub const LEN: usize = 64;
/// The number of slots.
pub const PLACES: usize = 2;

const MAGIC: &[u8; 8] = b"MOLTNSES";
const CRC_AT: usize = LEN - 4;

/// A record: a segment that a session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// The segment.
    pub segment: u64,
    /// How many of its bytes are durable: at least the header.
    pub end: u64,
    /// The slot that it is in.
    pub place: usize,
}

impl Witnessed {
    /// A record for a segment whose header and name are durable.
    pub(crate) fn begun(segment: u64) -> Witnessed {
        Witnessed { segment, end: SEGMENT_HEADER_LEN, place: 0 }
    }

    /// Encodes the record.
    pub fn encode(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..16].copy_from_slice(&self.segment.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.end.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The newest record in these bytes, which begin at the first slot; `None` when there is none.
    pub fn decode(bytes: &[u8]) -> Option<Witnessed> {
        let records = bytes.chunks_exact(LEN).enumerate().filter_map(|(place, bytes)| {
            let holds = bytes[..8] == *MAGIC
                && u32_at(bytes, CRC_AT) == crc32c::crc32c(&bytes[..CRC_AT])
                && bytes[24..CRC_AT].iter().all(|byte| *byte == 0);
            let (segment, end) = (u64_at(bytes, 8), u64_at(bytes, 16));
            let sane = segment.max(end) <= LARGEST_NUMBER && end >= SEGMENT_HEADER_LEN;
            (holds && sane).then_some(Witnessed { segment, end, place })
        });
        records.max_by_key(Witnessed::age)
    }

    /// The order of records: a later one has more.
    fn age(&self) -> (u64, u64) {
        (self.segment, self.end)
    }

    /// Refuses a file that is shorter than recorded, or missing.
    pub(crate) fn check_len(&self, path: &Path, len: Option<u64>) -> Result<()> {
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

    /// Refuses a segment whose valid frames end before the recorded end.
    pub(crate) fn check_frames(&self, path: &Path, segment: u64, end: u64) -> Result<()> {
        if segment == self.segment && end < self.end {
            let what = format!("it was good and durable up to offset {} at least", self.end);
            return Err(Error::corrupt(path, end, what));
        }
        Ok(())
    }
}

/// Writes the records of the open session.
pub(crate) struct Witness {
    host: Host,
    home: Arc<Home>,
    /// Held while MANIFEST is written or replaced.
    state: Mutex<State>,
    /// The newest segment that has a record of a frame.
    proven: AtomicU64,
}

/// The content of MANIFEST.
pub(crate) struct State {
    /// The newest record.
    pub(crate) record: Option<Witnessed>,
    /// Whether this session wrote it durably.
    pub(crate) ours: bool,
}

impl State {
    /// The newest record of this session, if that is newer.
    pub(crate) fn since(&self, other: Witnessed) -> Witnessed {
        let said = self.record.filter(|record| self.ours && record.age() > other.age());
        Witnessed { place: 0, ..said.unwrap_or(other) }
    }
}

impl Witness {
    /// Continues after the record of a session that was not closed.
    pub(crate) fn new(host: Host, home: Arc<Home>, record: Option<Witnessed>) -> Witness {
        let state = Mutex::new(State { record, ours: false });
        Witness { host, home, state, proven: AtomicU64::new(0) }
    }

    /// Records that the name and the header of this segment are durable. Returns the number of fsyncs.
    pub(crate) fn begun(&self, segment: u64) -> Result<u64> {
        self.say(Witnessed::begun(segment))
    }

    /// Records that the first `end` bytes of this segment are durable.
    pub(crate) fn proven(&self, segment: u64, end: u64) -> Result<()> {
        if end <= SEGMENT_HEADER_LEN || self.proven.load(Ordering::Acquire) >= segment {
            return Ok(());
        }
        self.say(Witnessed { segment, end, place: 0 })?;
        self.proven.fetch_max(segment, Ordering::AcqRel);
        Ok(())
    }

    /// Locks MANIFEST to replace it; when the guard is dropped, it must hold the new content.
    pub(crate) fn replacing(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn say(&self, new: Witnessed) -> Result<u64> {
        let mut state = self.state.lock();
        if state.ours && state.record.is_some_and(|record| record.age() >= new.age()) {
            return Ok(0);
        }
        let place = state.record.map_or(0, |record| (record.place + 1) % PLACES);
        let path = self.home.dir().join(manifest::NAME);
        self.home.check()?;
        let open = self.host.vfs.open(&path, OpenMode::ReadWrite);
        let file = open.map_err(|error| Error::io("open", &path, error))?;
        let at = (manifest::LEN + place * LEN) as u64;
        match write_all_at(&*file, at, &new.encode()).map_err(|error| Error::io("write", &path, error)) {
            // The commit already has its space and is more important. The next segment tries again.
            Err(error) if error.kind() == Kind::StorageFull => {
                tracing::warn!(%error, "a new segment could not be recorded");
                return Ok(0);
            }
            result => result?,
        }
        let first = !state.ours;
        if first {
            file.sync_data().map_err(|error| Error::io("fsync", &path, error))?;
        }
        *state = State { record: Some(Witnessed { place, ..new }), ours: true };
        Ok(u64::from(first))
    }
}
