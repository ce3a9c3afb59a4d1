//! The content of a checkpoint: the collections with their shapes and indexes, and for each document the place of its
//! record, by the hash of its key. It contains no keys and no documents: a lookup reads the record, which contains the key.
//!
//! ```text
//! state    files: count, then a file each: 01 segment or 02 snapshot, id
//!          payloads: count, then length and bytes of each: records as in a snapshot's blocks of collection 0
//! page     entry ...
//! entry    hash: in the first entry of a page itself, in the others minus that of the entry before
//!          frame * files + place of the file among the files
//!          where the payload begins, from the frame on
//!          length of the payload
//!          where the record begins in the payload
//! ```
//!
//! Numbers are LEB128. The hash is CRC-32C of the collection's number (u32) and the key (`key`). Entries are sorted by hash;
//! those of one hash are in one page.

use super::key::Key;
use super::record::varint;
use super::span::Span;
use crate::storage::format::version::LARGEST_NUMBER;
use crate::storage::{BlockPlace, FileId};

/// Bytes after which a page ends.
const PAGE: usize = 4 << 10;
pub(crate) const SEGMENT: u64 = 1;
pub(crate) const SNAPSHOT: u64 = 2;

/// The place of a document's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) place: BlockPlace,
    /// The offset of the record in the payload.
    pub(crate) start: u32,
}

/// The hash of a key.
pub(crate) fn hash_of(collection: u32, key: &Key) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&collection.to_le_bytes()), key)
}

/// The decoded state.
pub(crate) struct State {
    pub(crate) files: Vec<FileId>,
    pub(crate) payloads: Vec<Vec<u8>>,
}

pub(crate) struct Entry {
    hash: u32,
    file: u32,
    frame: u64,
    inside: u32,
    len: u32,
    start: u32,
}

/// Collects the documents of a checkpoint.
#[derive(Default)]
pub(crate) struct Entries {
    pub(crate) files: Vec<FileId>,
    pub(crate) list: Vec<Entry>,
}

impl Entries {
    /// `None` when the document is not on disk.
    pub(crate) fn push(&mut self, hash: u32, place: BlockPlace, span: Span) -> Option<()> {
        if place.file == FileId::Memory {
            return None;
        }
        let file = match self.files.iter().rposition(|known| *known == place.file) {
            Some(file) => file,
            None => {
                self.files.push(place.file);
                self.files.len() - 1
            }
        };
        let inside = u32::try_from(place.offset.checked_sub(place.frame)?).ok()?;
        let start = u32::try_from(span.range().start.checked_sub(span.head())?).ok()?;
        let (file, frame, len) = (file as u32, place.frame, place.len);
        self.list.push(Entry { hash, file, frame, inside, len, start });
        Some(())
    }

    pub(crate) fn into_pages(mut self) -> Vec<(u32, Vec<u8>)> {
        self.list.sort_unstable_by_key(|entry| entry.hash);
        let mut pages: Vec<(u32, Vec<u8>)> = Vec::new();
        let mut last = None;
        for entry in self.list {
            match (pages.last_mut(), last) {
                (Some((_, page)), Some(hash)) if page.len() < PAGE || hash == entry.hash => {
                    put(page, entry.hash - hash, &entry, self.files.len());
                }
                _ => {
                    let mut page = Vec::with_capacity(PAGE + 32);
                    put(&mut page, entry.hash, &entry, self.files.len());
                    pages.push((entry.hash, page));
                }
            }
            last = Some(entry.hash);
        }
        pages
    }
}

fn put(page: &mut Vec<u8>, hash: u32, entry: &Entry, files: usize) {
    varint(page, u64::from(hash));
    varint(page, entry.frame * files as u64 + u64::from(entry.file));
    varint(page, u64::from(entry.inside));
    varint(page, u64::from(entry.len));
    varint(page, u64::from(entry.start));
}

/// Decodes the state; `None` when it is malformed.
pub(crate) fn decode_state(bytes: &[u8]) -> Option<State> {
    let mut bytes = Bytes(bytes);
    let mut state = State { files: Vec::new(), payloads: Vec::new() };
    for _ in 0..bytes.number()? {
        let (kind, id) = (bytes.number()?, bytes.number()?);
        state.files.push(match kind {
            SEGMENT => FileId::Segment(id),
            SNAPSHOT => FileId::Snapshot(id),
            _ => return None,
        });
    }
    for _ in 0..bytes.number()? {
        let len = usize::try_from(bytes.number()?).ok()?;
        let (payload, rest) = bytes.0.split_at_checked(len)?;
        state.payloads.push(payload.to_vec());
        bytes.0 = rest;
    }
    bytes.0.is_empty().then_some(state)
}

/// The records with this hash in a page, at most this many; `None` when there are more, or the page is malformed.
pub(crate) fn spots(page: &[u8], hash: u32, files: &[FileId], most: usize) -> Option<Vec<Spot>> {
    let mut bytes = Bytes(page);
    let mut found = Vec::new();
    let mut own = 0_u64;
    while !bytes.0.is_empty() {
        own = own.checked_add(bytes.number()?)?;
        let (at, inside) = (bytes.number()?, bytes.number()?);
        let (len, start) = (bytes.number()?, bytes.number()?);
        if own > u64::from(hash) {
            break;
        }
        if own == u64::from(hash) {
            if found.len() == most {
                return None;
            }
            let count = files.len() as u64;
            let file = *files.get(usize::try_from(at.checked_rem(count)?).ok()?)?;
            let frame = at / count;
            let offset = frame.checked_add(inside).filter(|offset| *offset <= LARGEST_NUMBER)?;
            let place = BlockPlace { file, frame, offset, len: u32::try_from(len).ok()? };
            found.push(Spot { place, start: u32::try_from(start).ok()? });
        }
    }
    Some(found)
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(file: FileId, frame: u64, inside: u64, len: u32) -> BlockPlace {
        BlockPlace { file, frame, offset: frame + inside, len }
    }

    #[test]
    fn records_are_found_by_their_hash_also_where_several_share_it() {
        let files = [FileId::Snapshot(3), FileId::Segment(9), FileId::Segment(10)];
        let mut entries = Entries::default();
        let mut expected: Vec<(u32, Spot)> = Vec::new();
        for n in 0..5_000_u32 {
            // Some hashes occur once, one has enough entries to fill a page, and the largest is included.
            let hash = match n % 10 {
                0 => 77_777,
                1 => u32::MAX,
                _ => n.wrapping_mul(0x9e37_79b9),
            };
            let file = files[n as usize % 3];
            let place = place(file, u64::from(n) << (n % 30), u64::from(n % 70), n * 3);
            entries.push(hash, place, Span::new(n as usize + 20..n as usize + 25, 12, 1)).unwrap();
            expected.push((hash, Spot { place, start: n + 8 }));
        }
        let files = entries.files.clone();
        let pages = entries.into_pages();
        assert!(pages.windows(2).all(|pair| pair[0].0 < pair[1].0) && pages.len() > 10);
        let all = |hash: u32| {
            let at = pages.partition_point(|(low, _)| *low <= hash).checked_sub(1);
            at.map_or(Some(Vec::new()), |at| spots(&pages[at].1, hash, &files, 1_000))
        };
        for (hash, spot) in &expected {
            let found = all(*hash).unwrap();
            assert!(found.contains(spot));
            assert_eq!(found.len(), expected.iter().filter(|(own, _)| own == hash).count());
        }
        assert_eq!(all(77_776), Some(Vec::new()));
        assert!(spots(&pages[0].1, pages[0].0, &files, 0).is_none());
    }

    #[test]
    fn any_cut_or_changed_byte_is_read_without_panic() {
        let mut entries = Entries::default();
        for n in 0..40 {
            entries
                .push(
                    n * n,
                    place(FileId::Segment(1), 64, 32, 900),
                    Span::new(8 + n as usize..15 + n as usize, 6, 1),
                )
                .unwrap();
        }
        let (_, page) = entries.into_pages().remove(0);
        let state = [1, 1, 9, 2, 2, 5, 6, 1, 7];
        assert_eq!(decode_state(&state).unwrap().payloads, [vec![5, 6], vec![7]]);
        for bytes in [&page[..], &state[..]] {
            for cut in 0..bytes.len() {
                let _ = (decode_state(&bytes[..cut]), spots(&bytes[..cut], 900, &[FileId::Segment(1)], 4));
            }
            for at in 0..bytes.len() {
                for value in 0..=255 {
                    let mut changed = bytes.to_vec();
                    changed[at] = value;
                    let _ = (decode_state(&changed), spots(&changed, 900, &[FileId::Segment(1)], 4));
                    let _ = spots(&changed, 900, &[], 4);
                }
            }
        }
    }
}
