//! What says that a segment was begun, so that its absence is noticed.
//!
//! A clean close writes down where the log ends. A session that was killed wrote down nothing: without its newest segment
//! the log would end well, where the session before closed it. So a session puts records of 64 bytes behind the 512 of
//! MANIFEST, in place, in two places by turns, so that the last one stays until the next is whole:
//!
//! ```text
//!   0  magic "MOLTNSES"    8  u64 segment    16  u64 end    24  zero    60  u32 crc32c over what stands before
//! ```
//!
//! The segment is there, and its first `end` bytes are durable. The first record of a session is durable before the first
//! frame is written (one fsync a session), and after the name and the header of the segment are. Later records, of the
//! segments that follow and of the first frames in each, cost no fsync: a kill leaves them, a power cut may take
//! the newest. A record is never ahead of what it tells of. Both lie in a sector of their own; what is no record says
//! nothing. A clean close and a compaction replace MANIFEST whole, and with it the records.

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
/// Places for one.
pub const PLACES: usize = 2;

const MAGIC: &[u8; 8] = b"MOLTNSES";
const CRC_AT: usize = LEN - 4;

/// A record: a segment that a session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// The segment.
    pub segment: u64,
    /// So many of its bytes are durable: the header at least.
    pub end: u64,
    /// Which of the places it stands in.
    pub place: usize,
}

impl Witnessed {
    /// A segment whose header and name are durable.
    pub(crate) fn begun(segment: u64) -> Witnessed {
        Witnessed { segment, end: SEGMENT_HEADER_LEN, place: 0 }
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

    /// The newest record in these bytes, which begin with the first place; `None` when there is none.
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

    /// Later records have more of it.
    fn age(&self) -> (u64, u64) {
        (self.segment, self.end)
    }

    /// Refuses a file that is shorter than it was, or not there.
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

    /// Refuses a segment whose good frames end before they did.
    pub(crate) fn check_frames(&self, path: &Path, segment: u64, end: u64) -> Result<()> {
        if segment == self.segment && end < self.end {
            let what = format!("it was good and durable up to offset {} at least", self.end);
            return Err(Error::corrupt(path, end, what));
        }
        Ok(())
    }
}

/// Keeps the records of the session that is open.
pub(crate) struct Witness {
    host: Host,
    home: Arc<Home>,
    /// Held while MANIFEST is written or replaced.
    state: Mutex<State>,
    /// The newest segment of which a frame is recorded.
    proven: AtomicU64,
}

/// What MANIFEST says.
pub(crate) struct State {
    /// The newest record.
    pub(crate) record: Option<Witnessed>,
    /// This session made it, durably.
    pub(crate) ours: bool,
}

impl State {
    /// What this session said last, if that is newer.
    pub(crate) fn since(&self, other: Witnessed) -> Witnessed {
        let said = self.record.filter(|record| self.ours && record.age() > other.age());
        Witnessed { place: 0, ..said.unwrap_or(other) }
    }
}

impl Witness {
    /// Goes on behind the record of a session that was not closed.
    pub(crate) fn new(host: Host, home: Arc<Home>, record: Option<Witnessed>) -> Witness {
        let state = Mutex::new(State { record, ours: false });
        Witness { host, home, state, proven: AtomicU64::new(0) }
    }

    /// Name and header of this segment are durable. Returns how many fsyncs it took.
    pub(crate) fn begun(&self, segment: u64) -> Result<u64> {
        self.say(Witnessed::begun(segment))
    }

    /// The first `end` bytes of this segment are durable.
    pub(crate) fn proven(&self, segment: u64, end: u64) -> Result<()> {
        if end <= SEGMENT_HEADER_LEN || self.proven.load(Ordering::Acquire) >= segment {
            return Ok(());
        }
        self.say(Witnessed { segment, end, place: 0 })?;
        self.proven.fetch_max(segment, Ordering::AcqRel);
        Ok(())
    }

    /// Locks MANIFEST to replace it; what stands in the guard afterwards is what the new one says.
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
            // The commit has its space already and matters more. The next segment tries again.
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
