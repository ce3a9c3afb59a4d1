//! The content of a slot: versions of a document, in memory or on disk.

use std::sync::Arc;

pub(crate) use crate::engine::format::span::Span;
use crate::storage::{Block, BlockPlace, Lsn};

/// The memory of a block besides its bytes: the two counts of its Arc, its fields, and the allocator's header of each part.
const BLOCK_COST: usize = 2 * size_of::<usize>() + size_of::<Block>() + 2 * 16;

/// The number of a slot, assigned in order from 0 and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SlotId(pub u64);

/// The content of a version.
#[derive(Clone, Debug)]
pub(crate) enum Content {
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
    /// Bytes of memory that the document takes: its share of the block, or all of it. Always the same for the same content,
    /// so that what was added can be subtracted.
    pub(crate) fn hot_bytes(&self) -> u64 {
        let bytes = match self {
            Content::Hot(block, span) if span.is_alone(block) => block.bytes.len() + BLOCK_COST,
            Content::Hot(_, span) => span.head() + span.len(),
            _ => 0,
        };
        bytes as u64
    }

    /// The low half of the version of the document, if there is one.
    pub(crate) fn version(&self) -> Option<u32> {
        match self {
            Content::Hot(_, span) | Content::Cold(_, span) => Some(span.version()),
            _ => None,
        }
    }

    /// Whether there is a document in memory.
    pub(crate) fn is_hot(&self) -> bool {
        matches!(self, Content::Hot(..))
    }

    /// Bytes of the document, in memory or on disk: without the head of its record, whose length changes when it moves to another file.
    pub(crate) fn live_bytes(&self) -> usize {
        match self {
            Content::Hot(_, span) | Content::Cold(_, span) => span.len(),
            _ => 0,
        }
    }

    /// Whether there is a document.
    pub(crate) fn is_document(&self) -> bool {
        matches!(self, Content::Hot(..) | Content::Cold(..))
    }
}

/// One version of a document, and the commit that made it.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// The commit.
    pub lsn: Lsn,
    /// Its content.
    pub content: Content,
}

impl Version {
    /// The identity of its bytes on disk, when they are not in memory.
    pub(crate) fn on_disk(&self) -> Option<OnDisk> {
        match &self.content {
            Content::Cold(place, span) => Some(OnDisk { lsn: self.lsn, place: place.clone(), span: *span }),
            _ => None,
        }
    }
}

/// Identifies the version in a slot: the commit and, because a commit may write a document twice, the low half of the
/// document's version number; none for a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    lsn: Lsn,
    version: Option<u32>,
}

impl Stamp {
    /// For a document that this commit left in this version.
    pub(crate) fn new(lsn: Lsn, version: u64) -> Stamp {
        Stamp { lsn, version: Some(version as u32) }
    }

    /// For the current content of a slot.
    pub(crate) fn of(version: &Version) -> Stamp {
        let own = match &version.content {
            Content::Hot(_, span) | Content::Cold(_, span) => Some(span.version()),
            _ => None,
        };
        Stamp { lsn: version.lsn, version: own }
    }
}

/// The identity of a version's bytes on disk: the commit, the place of the block, the span in it. A caller that reads
/// outside of a lock keeps it, and compares all of it before it uses the bytes for the current content of the slot: the
/// commit alone stays the same when a compaction moves the version, and a commit may write a document twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OnDisk {
    lsn: Lsn,
    place: Arc<BlockPlace>,
    span: Span,
}

impl OnDisk {
    /// The commit that made the version.
    pub(crate) fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// The place of its block. Versions in one block may share it.
    pub(crate) fn place(&self) -> &Arc<BlockPlace> {
        &self.place
    }

    /// Its range in the block.
    pub(crate) fn span(&self) -> Span {
        self.span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_takes_no_more_memory_for_saying_which_it_is() {
        assert_eq!(size_of::<Version>(), 32);
    }
}
