//! The place of a document in a block of the log or of a snapshot.

use super::record::{PAYLOAD_HEAD, Put, Records};
use crate::storage::{Block, Part};

/// The place of a document within its block, and its version: offset and length of the document, length of the record head
/// before it (packed, because every slot has one), and the low half of the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Span {
    offset: u32,
    packed: u32,
    version: u32,
}

impl Span {
    /// A document (at most 16 MiB) at this place of the payload, after a head of `head` bytes (at most 63).
    pub(crate) fn new(document: std::ops::Range<usize>, head: u32, version: u64) -> Span {
        let len = document.len() as u32;
        debug_assert!(len < 1 << 26 && head < 1 << 6, "a document and its record head fit their fields");
        Span { offset: document.start as u32, packed: len << 6 | head, version: version as u32 }
    }

    /// The span of a record in the payload that it was read from.
    pub(crate) fn of_put(put: &Put) -> Span {
        Span::new(put.document.clone(), put.head, put.version)
    }

    /// Whether both have the same version of a document, in whichever blocks they are.
    pub(crate) fn is_same_version(self, other: Span) -> bool {
        self.version == other.version && self.len() == other.len()
    }

    /// The low half of the document's version.
    pub(crate) fn version(self) -> u32 {
        self.version
    }

    /// Whether it is this version of the document, as far as the low half of the number tells.
    pub(crate) fn is_of(self, version: u64) -> bool {
        self.version == version as u32
    }

    /// Its three fields.
    pub(crate) fn to_parts(self) -> [u32; 3] {
        [self.offset, self.packed, self.version]
    }

    /// The span of these fields.
    pub(crate) fn of_parts([offset, packed, version]: [u32; 3]) -> Span {
        Span { offset, packed, version }
    }

    /// The document's range in the payload.
    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.offset as usize..self.offset as usize + self.len()
    }

    /// The document's length.
    pub(crate) fn len(self) -> usize {
        (self.packed >> 6) as usize
    }

    /// The length of the record's head.
    pub(crate) fn head(self) -> usize {
        (self.packed & 63) as usize
    }

    /// The document's bytes.
    pub(crate) fn of(self, block: &Block) -> &[u8] {
        block.bytes.get(self.within(block)).unwrap_or_default()
    }

    /// The document's range in the bytes of its block.
    pub(crate) fn within(self, block: &Block) -> std::ops::Range<usize> {
        let start = (self.offset as usize).saturating_sub(block.base as usize);
        start..start + self.len()
    }

    /// The document's record.
    pub(crate) fn record(self, block: &Block) -> Option<Put> {
        let start = (self.offset as usize).checked_sub(block.base as usize)?;
        let put = Records::put_at(&block.bytes, start, self.head())?;
        (put.document == (start..start + self.len()) && self.is_of(put.version)).then_some(put)
    }

    /// Whether the record has a block of its own, or nearly so: the block cannot be made smaller.
    pub(crate) fn is_alone(self, block: &Block) -> bool {
        block.bytes.len() <= 2 * (PAYLOAD_HEAD + self.head() + self.len())
    }

    /// A block with only this record.
    pub(crate) fn alone(self, block: &Block) -> Option<Block> {
        Span::part(block, &[self])
    }

    /// What a block with only this record has of the payload.
    pub(crate) fn alone_part(self) -> Option<Part> {
        Part::new(PAYLOAD_HEAD, (self.offset as usize).checked_sub(self.head())?..self.range().end)
    }

    /// A block with only these records and what stands between them.
    pub(crate) fn part(block: &Block, spans: &[Span]) -> Option<Block> {
        let begins = spans.iter().map(|span| (span.offset as usize).checked_sub(span.head()));
        let start = begins.min().flatten()?;
        let end = spans.iter().map(|span| span.range().end).max()?;
        let base = block.base as usize;
        let records = block.bytes.get(start.checked_sub(base)?..end.checked_sub(base)?)?;
        let mut bytes = Vec::with_capacity(PAYLOAD_HEAD + records.len());
        bytes.extend_from_slice(block.bytes.get(..PAYLOAD_HEAD)?);
        bytes.extend_from_slice(records);
        let base = u32::try_from(start.checked_sub(PAYLOAD_HEAD)?).ok()?;
        Some(Block { place: block.place, base, bytes: bytes.into_boxed_slice(), transient: false })
    }
}
