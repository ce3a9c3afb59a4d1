//! What the engine writes into a checkpoint: the catalogue, and the records of its trees of slots.
//!
//! ```text
//! catalogue   files: count, then a file each: 01 segment or 02 snapshot, id
//!             payloads: count, then length and bytes of each: records as in a snapshot's blocks of collection 0
//!             collections: count, then each
//! collection  number, end of its slots, documents, bytes of them, digest of its tally: u64, tree of slots, tree of keys
//!             indexes: count, then each: multikey, 01 where keys were cut, tree
//! tree        00 where it has no entries; else 01, height, pointer (32 bytes)
//! slots       blocks: count, then each: place of its file among the files, frame, where the payload begins from the frame on,
//!             length of the payload
//!             a slot each: 00 where it is empty, else 1 + place of its block among the blocks, offset of the document,
//!             length of it and of the head of its record, low half of the version
//! ```
//!
//! Numbers are LEB128. A tree of slots has a record for every [`SLOTS`] slots, under their number divided by that. A tree of
//! keys holds each `_id`'s key (`key`), after its length as a big-endian u16, so that none begins with another. The trees of
//! indexes hold what indexes hold in memory.

use smallvec::SmallVec;

use super::record::varint;
use super::span::Span;
use crate::storage::format::version::LARGEST_NUMBER;
use crate::storage::pages::pointer::{POINTER_LEN, Pointer};
use crate::storage::runs::tree_writer::Root;
use crate::storage::{BlockPlace, FileId};

/// Slots of a record.
pub(crate) const SLOTS: usize = 64;
/// The longest key of an `_id` that a tree of keys holds.
pub(crate) const LONGEST_KEY: usize = 1_000;

/// Slots that are never used again are passed by every scan: a collection of a checkpoint has at most so many for each document,
/// and these. Where there are more, the database is read whole, which numbers the slots anew.
const UNUSED: u64 = 8;
const FREE: u64 = 1 << 20;

/// Whether a collection with so many slots and documents may be in a checkpoint.
pub(crate) fn is_dense(end: u64, documents: u64) -> bool {
    end <= documents.saturating_mul(UNUSED).saturating_add(FREE).min(1 << 36)
}

const SEGMENT: u64 = 1;
const SNAPSHOT: u64 = 2;

/// The catalogue of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Contents {
    /// The files that documents are in.
    pub(crate) files: Vec<FileId>,
    /// Names, shapes, indexes and counters.
    pub(crate) payloads: Vec<Vec<u8>>,
    /// The collections.
    pub(crate) collections: Vec<CollectionContents>,
}

/// A collection of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CollectionContents {
    pub(crate) number: u32,
    /// One past the last slot.
    pub(crate) end: u64,
    pub(crate) documents: u64,
    pub(crate) live_bytes: u64,
    pub(crate) digest: u64,
    pub(crate) slots: Option<Root>,
    pub(crate) ids: Option<Root>,
    /// In the order of their definitions.
    pub(crate) indexes: Vec<IndexContents>,
}

impl CollectionContents {
    /// The number of its trees.
    pub(crate) fn trees(&self) -> u32 {
        2 + self.indexes.len() as u32
    }
}

/// An index of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct IndexContents {
    pub(crate) multikey: u32,
    pub(crate) truncated: bool,
    pub(crate) tree: Option<Root>,
}

impl Contents {
    /// Its bytes; `None` when a document is in no file.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        varint(&mut out, self.files.len() as u64);
        for file in &self.files {
            let (kind, id) = match file {
                FileId::Segment(id) => (SEGMENT, *id),
                FileId::Snapshot(id) => (SNAPSHOT, *id),
                FileId::Memory => return None,
            };
            varint(&mut out, kind);
            varint(&mut out, id);
        }
        varint(&mut out, self.payloads.len() as u64);
        for payload in &self.payloads {
            varint(&mut out, payload.len() as u64);
            out.extend_from_slice(payload);
        }
        varint(&mut out, self.collections.len() as u64);
        for one in &self.collections {
            for number in [u64::from(one.number), one.end, one.documents, one.live_bytes] {
                varint(&mut out, number);
            }
            out.extend_from_slice(&one.digest.to_le_bytes());
            put_root(&mut out, one.slots.as_ref());
            put_root(&mut out, one.ids.as_ref());
            varint(&mut out, one.indexes.len() as u64);
            for index in &one.indexes {
                varint(&mut out, u64::from(index.multikey));
                varint(&mut out, u64::from(index.truncated));
                put_root(&mut out, index.tree.as_ref());
            }
        }
        Some(out)
    }

    /// Decodes them; `None` when they are malformed.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Contents> {
        let mut bytes = Bytes(bytes);
        let mut contents = Contents::default();
        for _ in 0..bytes.number()? {
            let (kind, id) = (bytes.number()?, bytes.number()?);
            contents.files.push(match kind {
                SEGMENT => FileId::Segment(id),
                SNAPSHOT => FileId::Snapshot(id),
                _ => return None,
            });
        }
        for _ in 0..bytes.number()? {
            let len = usize::try_from(bytes.number()?).ok()?;
            contents.payloads.push(bytes.take(len)?.to_vec());
        }
        for _ in 0..bytes.number()? {
            let number = u32::try_from(bytes.number()?).ok()?;
            let (end, documents, live_bytes) = (bytes.number()?, bytes.number()?, bytes.number()?);
            let digest = u64::from_le_bytes(bytes.take(8)?.try_into().ok()?);
            let (slots, ids) = (bytes.root()?, bytes.root()?);
            let mut indexes = Vec::new();
            for _ in 0..bytes.number()? {
                let multikey = u32::try_from(bytes.number()?).ok()?;
                let truncated = bytes.number()? == 1;
                indexes.push(IndexContents { multikey, truncated, tree: bytes.root()? });
            }
            let one = CollectionContents { number, end, documents, live_bytes, digest, slots, ids, indexes };
            contents.collections.push(one);
        }
        let whole =
            bytes.0.is_empty() && contents.collections.iter().all(|one| is_dense(one.end, one.documents));
        whole.then_some(contents)
    }
}

fn put_root(out: &mut Vec<u8>, root: Option<&Root>) {
    let Some(root) = root else { return out.push(0) };
    out.extend_from_slice(&[1, root.height]);
    root.pointer.encode(out);
}

/// The number of a file among the files of a checkpoint.
pub(crate) fn file_number(files: &mut Vec<FileId>, file: FileId) -> u64 {
    let known = files.iter().rposition(|known| *known == file);
    known.unwrap_or_else(|| {
        files.push(file);
        files.len() - 1
    }) as u64
}

/// Collects the record of [`SLOTS`] slots.
#[derive(Default)]
pub(crate) struct SlotsBuilder {
    blocks: Vec<BlockPlace>,
    slots: Vec<u8>,
    /// Slots that the record has so far.
    len: usize,
    filled: bool,
}

impl SlotsBuilder {
    /// Adds the slot `at` of the record, which must come after the last one.
    pub(crate) fn push(&mut self, at: usize, place: BlockPlace, span: Span) {
        while self.len < at {
            self.slots.push(0);
            self.len += 1;
        }
        let block = match self.blocks.iter().rposition(|known| *known == place) {
            Some(block) => block,
            None => {
                self.blocks.push(place);
                self.blocks.len() - 1
            }
        };
        varint(&mut self.slots, block as u64 + 1);
        for part in span.to_parts() {
            varint(&mut self.slots, u64::from(part));
        }
        self.len += 1;
        self.filled = true;
    }

    /// The record, empty where all slots are, for files with these numbers; the builder is empty afterwards.
    pub(crate) fn finish(&mut self, files: &mut Vec<FileId>, out: &mut Vec<u8>) {
        out.clear();
        if std::mem::take(&mut self.filled) {
            varint(out, self.blocks.len() as u64);
            for BlockPlace { file, frame, offset, len } in &self.blocks {
                varint(out, file_number(files, *file));
                varint(out, *frame);
                varint(out, offset.saturating_sub(*frame));
                varint(out, u64::from(*len));
            }
            out.extend_from_slice(&self.slots);
        }
        self.blocks.clear();
        self.slots.clear();
        self.len = 0;
    }
}

/// The blocks of a record, and of each slot that is not empty its place in the record, the block and the span; `None` when
/// the record is malformed.
pub(crate) type Slots = (SmallVec<[BlockPlace; 16]>, Vec<(usize, usize, Span)>);

/// Decodes a record of slots.
pub(crate) fn slots(record: &[u8], files: &[FileId]) -> Option<Slots> {
    let mut bytes = Bytes(record);
    let blocks = place_of_blocks(&mut bytes, files)?;
    let mut slots = Vec::with_capacity(SLOTS);
    let mut at = 0;
    while !bytes.0.is_empty() {
        if let Some(block) = usize::try_from(bytes.number()?).ok()?.checked_sub(1) {
            if block >= blocks.len() {
                return None;
            }
            let mut part = || u32::try_from(bytes.number()?).ok();
            let span = Span::of_parts([part()?, part()?, part()?]);
            slots.push((at, block, span));
        }
        at += 1;
    }
    (at <= SLOTS).then_some((blocks, slots))
}

/// The document at this place of a record of slots; `None` for a record that is malformed up to there.
pub(crate) fn slot(record: &[u8], files: &[FileId], wanted: usize) -> Option<Option<(BlockPlace, Span)>> {
    let mut bytes = Bytes(record);
    let blocks = place_of_blocks(&mut bytes, files)?;
    for at in 0..=wanted {
        if bytes.0.is_empty() {
            return Some(None);
        }
        let Some(block) = usize::try_from(bytes.number()?).ok()?.checked_sub(1) else { continue };
        let mut part = || u32::try_from(bytes.number()?).ok();
        let span = Span::of_parts([part()?, part()?, part()?]);
        if at == wanted {
            return Some(Some((*blocks.get(block)?, span)));
        }
    }
    Some(None)
}

/// The blocks that a record of slots names first.
fn place_of_blocks(bytes: &mut Bytes<'_>, files: &[FileId]) -> Option<SmallVec<[BlockPlace; 16]>> {
    let count = usize::try_from(bytes.number()?).ok().filter(|count| *count <= SLOTS)?;
    let mut blocks = SmallVec::new();
    for _ in 0..count {
        let file = *files.get(usize::try_from(bytes.number()?).ok()?)?;
        let (frame, inside) = (bytes.number()?, bytes.number()?);
        let offset = frame.checked_add(inside).filter(|offset| *offset <= LARGEST_NUMBER)?;
        blocks.push(BlockPlace { file, frame, offset, len: u32::try_from(bytes.number()?).ok()? });
    }
    Some(blocks)
}

/// The key of an `_id` as the tree of keys holds it; `None` where it is too long.
pub(crate) fn tree_key(key: &[u8]) -> Option<Vec<u8>> {
    let len = u16::try_from(key.len()).ok().filter(|len| usize::from(*len) <= LONGEST_KEY)?;
    Some([&len.to_be_bytes(), key].concat())
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
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

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn root(&mut self) -> Option<Option<Root>> {
        if self.take(1)? == [0] {
            return Some(None);
        }
        let height = *self.take(1)?.first()?;
        let pointer = Pointer::decode(self.take(POINTER_LEN)?)?;
        Some(Some(Root { pointer, height }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(file: FileId, frame: u64, inside: u64, len: u32) -> BlockPlace {
        BlockPlace { file, frame, offset: frame + inside, len }
    }

    fn record(files: &mut Vec<FileId>) -> (Vec<u8>, Vec<(usize, BlockPlace, Span)>) {
        let mut builder = SlotsBuilder::default();
        let mut expected = Vec::new();
        for at in (0..SLOTS).filter(|at| at % 5 != 2) {
            let file = [FileId::Snapshot(3), FileId::Segment(9)][at / 40];
            let place = place(file, (at as u64 / 10) << 40, 70, 3_000);
            let span = Span::new(at * 40 + 20..at * 40 + 50, 12, at as u64);
            builder.push(at, place, span);
            expected.push((at, place, span));
        }
        let mut out = Vec::new();
        builder.finish(files, &mut out);
        (out, expected)
    }

    #[test]
    fn a_record_of_slots_reads_as_it_was_written_and_an_empty_one_is_empty() {
        let mut files = Vec::new();
        let (out, expected) = record(&mut files);
        assert_eq!(files, [FileId::Snapshot(3), FileId::Segment(9)]);
        let (blocks, found) = slots(&out, &files).unwrap();
        let found: Vec<_> = found.into_iter().map(|(at, block, span)| (at, blocks[block], span)).collect();
        assert_eq!(found, expected);
        let mut out = vec![1];
        SlotsBuilder::default().finish(&mut files, &mut out);
        assert!(out.is_empty());
    }

    #[test]
    fn a_catalogue_reads_as_it_was_written() {
        let pointer = Pointer { file: 0, offset: 4_096, length: 90, sum: 7, net: 5 };
        let root = Some(Root { pointer, height: 2 });
        let index = IndexContents { multikey: 3, truncated: true, tree: root };
        let one = CollectionContents {
            number: 7,
            end: 1 << 20,
            documents: 5,
            live_bytes: 900,
            digest: u64::MAX,
            slots: root,
            ids: None,
            indexes: vec![index.clone(), IndexContents::default()],
        };
        let contents = Contents {
            files: vec![FileId::Segment(1), FileId::Snapshot(2)],
            payloads: vec![vec![1, 2], Vec::new()],
            collections: vec![one, CollectionContents::default()],
        };
        let bytes = contents.encode().unwrap();
        assert_eq!(Contents::decode(&bytes), Some(contents));
        let memory = Contents { files: vec![FileId::Memory], ..Contents::default() };
        assert_eq!(memory.encode(), None);
    }

    #[test]
    fn any_cut_or_changed_byte_is_read_without_panic() {
        let mut files = Vec::new();
        let (record, _) = record(&mut files);
        let catalogue = Contents { files: files.clone(), payloads: vec![vec![7; 9]], ..Contents::default() };
        for bytes in [&record[..], &catalogue.encode().unwrap()[..]] {
            for cut in 0..bytes.len() {
                let _ = (Contents::decode(&bytes[..cut]), slots(&bytes[..cut], &files));
            }
            for at in 0..bytes.len() {
                for value in 0..=255 {
                    let mut changed = bytes.to_vec();
                    changed[at] = value;
                    let _ = (Contents::decode(&changed), slots(&changed, &files), slots(&changed, &[]));
                }
            }
        }
    }

    #[test]
    fn no_key_of_the_tree_begins_with_another() {
        let keys = ["", "a", "ab", "abc"].map(|key| tree_key(key.as_bytes()).unwrap());
        for a in &keys {
            assert_eq!(keys.iter().filter(|b| b.starts_with(a)).count(), 1);
        }
        assert_eq!(tree_key(&[0; LONGEST_KEY + 1]), None);
    }
}
