//! What the engine asks of storage, in six verbs: reserve, append, drive, flush, read, close.
//!
//! A commit is `reserve` then `append`, both under the engine's commit lock, so that the order of places is
//! the order of lsns. `reserve` is the last step that may fail for want of space; what `append` was given is
//! written by whoever calls `drive` first, many frames in one write, and its completion settles in lsn order.

use std::sync::Arc;

use smallvec::SmallVec;

use super::completion::Completion;
use crate::error::Result;

/// The number of a commit; 0 is before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(pub u64);

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

/// Where a block's payload stands, which is all a cold pointer needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockPlace {
    /// The file.
    pub file: FileId,
    /// Offset of the enclosing frame (segments) or of the block (snapshots), where verification starts.
    pub frame: u64,
    /// Offset of the payload.
    pub offset: u64,
    /// Length of the payload.
    pub len: u32,
}

/// A payload in memory: the very bytes that went into the log, and where they stand in it.
#[derive(Debug)]
pub struct Block {
    /// Where it stands.
    pub place: BlockPlace,
    /// The payload.
    pub bytes: Box<[u8]>,
}

/// The payload lengths of a frame to come. Each is at most 64 KiB, but a larger document alone in its block.
#[derive(Clone, Debug, Default)]
pub struct FrameSize {
    /// One length a block, in order.
    pub blocks: SmallVec<[u32; 2]>,
    /// How many records the frame holds; kept in its header.
    pub records: u32,
}

/// Where a frame will stand: space that is already allocated, and a number that no other frame has.
#[derive(Clone, Debug)]
pub struct Place {
    /// The commit's number.
    pub lsn: Lsn,
    /// The segment, or `FileId::Memory`.
    pub file: FileId,
    /// Offset of the frame header.
    pub offset: u64,
    /// Where each block's payload will stand.
    pub blocks: SmallVec<[BlockPlace; 2]>,
    /// How many records the frame holds.
    pub records: u32,
    /// `lsn` minus the newest lsn known to be fsynced, saturating: the frame header's durable lag.
    pub durable_lag: u32,
}

/// One commit met while opening, in lsn order.
pub struct Replayed {
    /// The commit's number.
    pub lsn: Lsn,
    /// Its blocks.
    pub blocks: SmallVec<[Arc<Block>; 2]>,
}

/// What a backend knows about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StorageStats {
    /// Segments on disk.
    pub segments: u64,
    /// Bytes of all files that the database names.
    pub bytes_on_disk: u64,
    /// Bytes queued and not yet written.
    pub queued_bytes: u64,
    /// fsync and fdatasync calls since open.
    pub syncs: u64,
    /// The newest lsn known to be durable.
    pub durable: Lsn,
}

/// A place to keep frames. Every backend keeps these promises; `tests/` runs one suite over all of them.
pub trait StorageBackend: Send + Sync {
    /// Gives the next commit its number and its place in space already allocated.
    ///
    /// The last step of a commit that may fail: `STORAGE_FULL` leaves no trace. Called under the commit lock,
    /// and followed by exactly one `append` of this place before the lock is released.
    fn reserve(&self, size: &FrameSize) -> Result<Place>;

    /// Queues the frame. Settles, in lsn order, when it is published: written (async), fdatasynced (sync), at
    /// once (memory). An error means this frame and every later one is not: the backend is poisoned.
    fn append(&self, place: Place, blocks: &[Arc<Block>]) -> Completion;

    /// Writes what is queued, on the calling thread, unless another thread is at it already; that thread then
    /// takes what was queued meanwhile too. Blocks for the write and, in sync mode, the fdatasync.
    fn drive(&self);

    /// A barrier: settles when every frame appended before it is durable. Drives by itself.
    fn flush(&self) -> Completion;

    /// Reads a block back with a positional read and verifies it. `CORRUPT` names file and offset.
    fn read(&self, place: BlockPlace) -> Result<Arc<Block>>;

    /// Flushes, seals and marks the database clean. Later verbs answer `CLOSED`.
    fn close(&self) -> Result<()>;

    /// Sizes and counters of now.
    fn stats(&self) -> StorageStats;
}
