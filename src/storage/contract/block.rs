//! Payloads, where they are, and parts of them.

use std::ops::Range;

/// A file that holds blocks: a segment or a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileId {
    /// `seg-<16 hex>.log`
    Segment(u64),
    /// `snap-<16 hex>.snp`
    Snapshot(u64),
    /// No file: a block of the memory backend.
    Memory,
}

/// The location of a block's payload; all that a reference to a cold document needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockPlace {
    /// The file.
    pub file: FileId,
    /// Offset of the enclosing frame (segment) or of the block (snapshot), where verification starts.
    pub frame: u64,
    /// Offset of the payload.
    pub offset: u64,
    /// Length of the payload.
    pub len: u32,
}

/// A payload in memory: the same bytes as in the log, and their location.
#[derive(Debug)]
pub struct Block {
    /// The location of the payload.
    pub place: BlockPlace,
    /// The payload offset of the first byte of `bytes`: 0, except in a copy that keeps only one record.
    pub base: u32,
    /// The payload, from `base` on.
    pub bytes: Box<[u8]>,
    /// Whether it was read for one reader, and no slot has it.
    pub transient: bool,
}

/// A part of a payload: its first bytes, and a range behind them, which a block of its own has right behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    head: u32,
    range: Range<u32>,
}

impl Part {
    /// The first `head` bytes and this range; `None` where the range begins among them, or is none.
    pub fn new(head: usize, range: Range<usize>) -> Option<Part> {
        let fits = |number: usize| u32::try_from(number).ok();
        let (head, range) = (fits(head)?, fits(range.start)?..fits(range.end)?);
        (head <= range.start && range.start <= range.end).then_some(Part { head, range })
    }

    /// Whether this block has it, and nothing else.
    pub fn is_all_of(&self, block: &Block) -> bool {
        let len: usize = self.ranges().into_iter().map(|range| range.len()).sum();
        block.base == self.base() && block.bytes.len() == len
    }

    /// Whether a payload of this length has it.
    pub(in crate::storage) fn is_of(&self, len: u32) -> bool {
        self.range.end <= len
    }

    /// What the first byte of the range would be preceded by, if the first bytes stood right before it.
    pub(in crate::storage) fn base(&self) -> u32 {
        self.range.start - self.head
    }

    /// Both in the payload.
    pub(in crate::storage) fn ranges(&self) -> [Range<usize>; 2] {
        [0..self.head as usize, self.range.start as usize..self.range.end as usize]
    }
}
