//! The checkpoint: a run file (`runs`) that a clean close leaves, so that later openings read neither the snapshot nor the log
//! before it: they begin with the checkpoint, and read the pages of it that they need. It can always be made again from snapshot
//! and log, so without it, or with one of another state, opening only takes longer.
//!
//! ```text
//! catalogue   0 u64 generation    8 u64 segment of the clean end    16 u64 length of it    24 u64 last lsn
//!            32 u32 head_crc of its SEAL    36 what the engine needs
//! ```
//!
//! A checkpoint is used only if the log has this clean end, in the same generation: a segment of that length, with that SEAL at
//! its end; or, where a compaction wrote it, if it is of the snapshot that begins the generation ([`Bound::of_snapshot`]). No other history of the same database has that checksum of the SEAL. Segments after it are replayed. It is written under
//! another name, fsynced and renamed: after a power cut it is complete, or not there.

use super::frame::{u32_at, u64_at};
use super::manifest::{Clean, Manifest};

/// Bytes of the clean end in the catalogue.
pub(crate) const END_LEN: usize = 36;

/// The state of a database that a checkpoint belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The database.
    pub database: [u8; 16],
    /// Its generation.
    pub generation: u64,
    /// Where the log ends.
    pub clean: Clean,
    /// Head checksum of the SEAL there.
    pub seal_crc: u32,
}

impl Bound {
    /// The state of the snapshot of this manifest, which ends with this LSN and follows the SEAL with this checksum. Its segment is
    /// the one before the first, which is gone: in place of its length stand the checksums of header and footer of the snapshot.
    pub(crate) fn of_snapshot(manifest: &Manifest, lsn: u64, seal_crc: u32) -> Option<Bound> {
        let Manifest { database, generation, first_segment, snapshot, .. } = manifest;
        let clean = Clean { segment: first_segment.checked_sub(1)?, len: snapshot.as_ref()?.sums(), lsn };
        Some(Bound { database: *database, generation: *generation, clean, seal_crc })
    }

    /// The file name of its checkpoint.
    pub(crate) fn name(&self) -> String {
        checkpoint_name(self.clean.lsn)
    }

    /// The beginning of the catalogue; the database stands in the head of the file.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(END_LEN);
        for number in [self.generation, self.clean.segment, self.clean.len, self.clean.lsn] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.seal_crc.to_le_bytes());
        bytes
    }

    /// The state of the checkpoint of this database with this catalogue, and the rest of the catalogue.
    pub(crate) fn decode(database: [u8; 16], catalogue: &[u8]) -> Option<(Bound, &[u8])> {
        let (end, rest) = catalogue.split_at_checked(END_LEN)?;
        let clean = Clean { segment: u64_at(end, 8), len: u64_at(end, 16), lsn: u64_at(end, 24) };
        Some((Bound { database, generation: u64_at(end, 0), clean, seal_crc: u32_at(end, 32) }, rest))
    }
}

/// The file name of the checkpoint at this LSN.
pub fn checkpoint_name(lsn: u64) -> String {
    format!("chk-{lsn:016x}.chk")
}

/// Its name while it is written.
pub(crate) fn unfinished_name(lsn: u64) -> String {
    format!("chk-{lsn:016x}.tmp")
}

/// The LSN in a checkpoint's file name; `None` for every other name.
pub fn parse_checkpoint_name(name: &str) -> Option<u64> {
    let lsn = u64::from_str_radix(name.strip_prefix("chk-")?.strip_suffix(".chk")?, 16).ok()?;
    (checkpoint_name(lsn) == name).then_some(lsn)
}

/// Whether it is the name of an unfinished checkpoint.
pub(crate) fn is_unfinished_name(name: &str) -> bool {
    let lsn = name.strip_prefix("chk-").and_then(|rest| rest.strip_suffix(".tmp"));
    lsn.and_then(|lsn| u64::from_str_radix(lsn, 16).ok()).is_some_and(|lsn| unfinished_name(lsn) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_one_lsn_and_nothing_else_is_taken_for_one() {
        for lsn in [0, 1, u64::MAX] {
            assert_eq!(parse_checkpoint_name(&checkpoint_name(lsn)), Some(lsn));
            assert!(is_unfinished_name(&unfinished_name(lsn)));
            assert!(
                !is_unfinished_name(&checkpoint_name(lsn))
                    && parse_checkpoint_name(&unfinished_name(lsn)).is_none()
            );
        }
        for name in
            ["chk-1.chk", "chk-000000000000000G.chk", "chk-00000000000000AA.chk", "chk-.tmp", "chk-0.tmp"]
        {
            assert!(parse_checkpoint_name(name).is_none() && !is_unfinished_name(name), "{name}");
        }
    }

    #[test]
    fn a_catalogue_tells_the_end_that_it_is_of_by_every_byte() {
        let clean = Clean { segment: 3, len: 900, lsn: 70 };
        let bound = Bound { database: [7; 16], generation: 2, clean, seal_crc: 0xabcd };
        let catalogue = [bound.encode(), b"rest".to_vec()].concat();
        assert_eq!(Bound::decode([7; 16], &catalogue), Some((bound, b"rest".as_slice())));
        for at in 0..END_LEN {
            let mut other = catalogue.clone();
            other[at] ^= 1;
            assert_ne!(Bound::decode([7; 16], &other).unwrap().0, bound, "{at}");
        }
        assert_eq!(Bound::decode([7; 16], &catalogue[..END_LEN - 1]), None);
    }
}
