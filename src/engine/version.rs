//! What a slot holds: versions of a document, in memory or on disk.

use std::sync::Arc;

use super::record::{PAYLOAD_HEAD, Put, Records};
use crate::storage::{Block, BlockPlace, Lsn};

/// What a block costs beside its bytes: the two counts of its Arc, its fields, and the allocator's head of each part.
const BLOCK_COST: usize = 2 * size_of::<usize>() + size_of::<Block>() + 2 * 16;

/// The number of a slot, given in order from 0 and never again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(pub u64);

/// Where a document stands within its block: offset and length of the document, length of the record head
/// before it (packed, because every slot has one).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Span {
    offset: u32,
    packed: u32,
}

impl Span {
    /// A document of `len` bytes (at most 16 MiB) at `offset`, after a head of `head` bytes (at most 63).
    pub fn new(offset: u32, len: u32, head: u32) -> Span {
        debug_assert!(len < 1 << 26 && head < 1 << 6, "a document and its record head fit their fields");
        Span { offset, packed: len << 6 | head }
    }

    /// The document's place in the payload.
    pub fn range(self) -> std::ops::Range<usize> {
        self.offset as usize..self.offset as usize + self.len()
    }

    /// The document's length.
    pub fn len(self) -> usize {
        (self.packed >> 6) as usize
    }

    /// Whether there is no document.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The length of the record's head.
    pub fn head(self) -> usize {
        (self.packed & 63) as usize
    }

    /// The document's bytes.
    pub fn of(self, block: &Block) -> &[u8] {
        block.bytes.get(self.within(block)).unwrap_or_default()
    }

    /// The document's place in the bytes of its block.
    pub fn within(self, block: &Block) -> std::ops::Range<usize> {
        let start = (self.offset as usize).saturating_sub(block.base as usize);
        start..start + self.len()
    }

    /// The document's record.
    pub fn record(self, block: &Block) -> Option<Put> {
        let start = (self.offset as usize).checked_sub(block.base as usize)?;
        let put = Records::put_at(&block.bytes, start, self.head())?;
        (put.document == (start..start + self.len())).then_some(put)
    }

    /// Whether the record has the block to itself, or shares it with little else: it can then be made no smaller.
    pub fn is_alone(self, block: &Block) -> bool {
        block.bytes.len() <= 2 * (PAYLOAD_HEAD + self.head() + self.len())
    }

    /// A block that holds this record alone.
    pub fn alone(self, block: &Block) -> Option<Block> {
        let start = (self.offset as usize).checked_sub(self.head())?;
        let record = start.checked_sub(block.base as usize)?;
        let mut bytes = Vec::with_capacity(PAYLOAD_HEAD + self.head() + self.len());
        bytes.extend_from_slice(block.bytes.get(..PAYLOAD_HEAD)?);
        bytes.extend_from_slice(block.bytes.get(record..record + self.head() + self.len())?);
        let base = u32::try_from(start.checked_sub(PAYLOAD_HEAD)?).ok()?;
        Some(Block { place: block.place, base, bytes: bytes.into_boxed_slice() })
    }
}

/// What a version is.
#[derive(Clone, Debug)]
pub enum Content {
    /// No version at all: the slot was emptied or never filled.
    Vacant,
    /// The document was deleted.
    Tombstone,
    /// The document, in memory.
    Hot(Arc<Block>, Span),
    /// The document, on disk.
    Cold(Arc<BlockPlace>, Span),
}

impl Content {
    /// Bytes of memory that the document takes, its share of the block or all of it. The same for the same content at any
    /// time, so that what was added can be taken away.
    pub fn hot_bytes(&self) -> u64 {
        let bytes = match self {
            Content::Hot(block, span) if span.is_alone(block) => block.bytes.len() + BLOCK_COST,
            Content::Hot(_, span) => span.head() + span.len(),
            _ => 0,
        };
        bytes as u64
    }

    /// Whether there is a document in memory.
    pub fn is_hot(&self) -> bool {
        matches!(self, Content::Hot(..))
    }

    /// Bytes of the document, in memory or on disk.
    pub fn live_bytes(&self) -> usize {
        match self {
            Content::Hot(_, span) | Content::Cold(_, span) => span.len() + span.head(),
            _ => 0,
        }
    }

    /// Whether there is a document.
    pub fn is_document(&self) -> bool {
        matches!(self, Content::Hot(..) | Content::Cold(..))
    }
}

/// One version of a document, and the commit that made it.
#[derive(Clone, Debug)]
pub struct Version {
    /// The commit.
    pub lsn: Lsn,
    /// What it made.
    pub content: Content,
}
