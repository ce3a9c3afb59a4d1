//! Records that a segment was begun, so that a missing segment is noticed.
//!
//! A clean close records where the log ends. A killed session records nothing: without its newest segment the log would end
//! cleanly where the previous session closed it. So a session writes records of 64 bytes after the 512 bytes of MANIFEST, in
//! place, alternating between two slots, so that the previous record stays until the next one is complete:
//!
//! ```text
//!   0  magic "MOLTNSES"    8  u64 segment    16  u64 end    24  mac, 16 bytes, when encrypted    40  zero
//!  60  u32 crc32c over what stands before
//! ```
//!
//! A record says that the segment exists and that its first `end` bytes are durable. The first record of a session is
//! written after the name and the header of the segment are durable, and is durable before the first frame is written (one
//! fsync per session). Later records, of the following segments and of the first frames in each, cost no fsync: they survive
//! a kill, and a power cut may lose the newest. A record is never ahead of the data. Each slot lies in its own sector; bytes
//! that are not a valid record are ignored. A clean close and a compaction replace the whole MANIFEST and so remove the
//! records.

use std::path::Path;

use super::frame::{u32_at, u64_at};
use super::segment::SEGMENT_HEADER_LEN;
use super::version::LARGEST_NUMBER;
use crate::error::{Error, Result};
use crate::storage::cipher::unit::{FileCipher, TAG, is_same};

/// Length of a record.
pub(crate) const LEN: usize = 64;
/// The number of slots.
pub(crate) const PLACES: usize = 2;

const MAGIC: &[u8; 8] = b"MOLTNSES";
const CRC_AT: usize = LEN - 4;
const MAC_AT: usize = 24;
const MAC_END: usize = MAC_AT + TAG;

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
        self.encode_sealed(&FileCipher::PLAIN)
    }

    /// The same with the mac of an encrypted database.
    pub(crate) fn encode_sealed(&self, macs: &FileCipher) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..16].copy_from_slice(&self.segment.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.end.to_le_bytes());
        let mac = macs.mac(&[&bytes[..MAC_AT]]);
        bytes[MAC_AT..MAC_END].copy_from_slice(&mac);
        let crc = crc32c::crc32c(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The newest record in these bytes, which begin at the first slot; `None` when there is none.
    pub fn decode(bytes: &[u8]) -> Option<Witnessed> {
        Self::decode_sealed(bytes, &FileCipher::PLAIN, (Path::new(""), 0)).ok().flatten()
    }

    /// The same of bytes at this offset of a file; an error where a record of an encrypted database was not written with its key.
    pub(crate) fn decode_sealed(
        bytes: &[u8],
        macs: &FileCipher,
        (path, at): (&Path, usize),
    ) -> Result<Option<Witnessed>> {
        let mut newest: Option<Witnessed> = None;
        for (place, bytes) in bytes.chunks_exact(LEN).enumerate() {
            let zeros = if macs.is_sealing() { MAC_END } else { MAC_AT };
            let holds = bytes[..8] == *MAGIC
                && u32_at(bytes, CRC_AT) == crc32c::crc32c(&bytes[..CRC_AT])
                && bytes[zeros..CRC_AT].iter().all(|byte| *byte == 0);
            let (segment, end) = (u64_at(bytes, 8), u64_at(bytes, 16));
            let sane = segment.max(end) <= LARGEST_NUMBER && end >= SEGMENT_HEADER_LEN;
            if !holds || !sane {
                continue;
            }
            if macs.is_sealing() && !is_same(&macs.mac(&[&bytes[..MAC_AT]]), &bytes[MAC_AT..MAC_END]) {
                let at = at + place * LEN;
                return Err(Error::tampered(
                    path,
                    at as u64,
                    "a record of the session has a mac of another content",
                ));
            }
            let found = Witnessed { segment, end, place };
            newest = newest.into_iter().chain([found]).max_by_key(Witnessed::age);
        }
        Ok(newest)
    }

    /// The order of records: a later one has more.
    pub(super) fn age(&self) -> (u64, u64) {
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
