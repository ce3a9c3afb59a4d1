//! What the engine asks of storage: to keep commits (reserve, append, drive, flush, read, close), and to begin
//! a new generation from a snapshot (cut, begin_snapshot, install, forget).
//!
//! A commit is `reserve` then `append`, both under the engine's commit lock, so that the order of places is
//! the order of lsns. `reserve` is the last step that may fail for want of space; what `append` was given is
//! written by the thread that calls `drive` first, many frames in one write, and its completion settles in lsn order.

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// The payload offset that `bytes` begins at: 0, but in a copy made to keep one record and let the rest go.
    pub base: u32,
    /// The payload, from `base` on.
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
    /// Segments since the snapshot, or since the beginning.
    pub segments: u64,
    /// Bytes in those segments: what the next open replays.
    pub log_bytes: u64,
    /// Bytes of the snapshot; 0 without one.
    pub snapshot_bytes: u64,
    /// Bytes of all files that the database names.
    pub bytes_on_disk: u64,
    /// Bytes queued and not yet written.
    pub queued_bytes: u64,
    /// Bytes of blocks appended since open, in the memory backend; 0 in the others, whose files tell more.
    pub appended: u64,
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

    /// Whether a frame of this size could be reserved, appended and driven within microseconds by a thread that must
    /// not wait: into space that is there, with nobody writing, no fsync under way, no file to begin. Called under
    /// the commit lock. What changes after a yes costs that thread time, and nothing else.
    fn is_nonblocking(&self, _size: &FrameSize) -> bool {
        false
    }

    /// As `drive`, for a thread that must not wait: `false` leaves what is queued to a thread that may.
    fn drive_nonblocking(&self) -> bool {
        false
    }

    /// A barrier: settles when every frame appended before it is durable. Drives by itself.
    fn flush(&self) -> Completion;

    /// Reads a block back with a positional read and verifies it. `CORRUPT` names file and offset.
    fn read(&self, place: BlockPlace) -> Result<Arc<Block>>;

    /// Flushes, seals and marks the database clean. Later verbs answer `CLOSED`.
    fn close(&self) -> Result<()> {
        self.close_leaving(&|_| None)
    }

    /// As `close`; where that marks the database clean at an lsn, `contents` is asked, then, for what the next opening
    /// may answer from until it has read the log. Asked under locks of the backend: it may read `stats`, no more.
    fn close_leaving(&self, contents: &dyn Fn(Lsn) -> Option<CheckpointContents>) -> Result<()>;

    /// Sizes and counters of now.
    fn stats(&self) -> StorageStats;

    /// Fixes the newest lsn given as the last of this generation: frames reserved from now on go into the
    /// next segment, whose space is allocated here (`STORAGE_FULL` leaves no trace). Called under the commit
    /// lock; does no waiting I/O. One cut at a time: a second before the first is installed or dropped is
    /// `INTERNAL`. `NOT_SUPPORTED` in the memory backend.
    fn cut(&self) -> Result<Cut>;

    /// Begins the snapshot of a cut, in a file that no manifest names. Dropping it unfinished removes it.
    fn begin_snapshot(&self, cut: &Cut) -> Result<Box<dyn SnapshotSink>>;

    /// Ends a snapshot: fsync, rename, fsync of the directory, read back, verified and proven; then, once the segment
    /// before the cut is sealed and durable, the manifest names it (the only commit point) and the generation
    /// before is retired as the retention option says. An error before the manifest, of the proof too, leaves the
    /// old generation as it was. Waits for I/O; writers go on meanwhile.
    fn install_proven(
        &self,
        cut: Cut,
        snapshot: Box<dyn SnapshotSink>,
        proof: &mut dyn SnapshotProof,
    ) -> Result<Installed>;

    /// As `install_proven`, of a snapshot whose contents mean nothing to the caller.
    fn install(&self, cut: Cut, snapshot: Box<dyn SnapshotSink>) -> Result<Installed> {
        self.install_proven(cut, snapshot, &mut Unproven)
    }

    /// Nothing reads these retired files any more: close them, and remove those that retention does not keep.
    fn forget(&self, files: &[FileId]);
}

/// Where a generation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The last commit of the generation.
    pub lsn: Lsn,
    /// The first segment of the next.
    pub next_segment: u64,
}

/// A snapshot while it is written: blocks in order, each of one collection.
pub trait SnapshotSink: Send {
    /// Appends a block: the collection it belongs to (0: the database itself), how many documents it holds,
    /// and its payload. Answers where the payload will stand once installed.
    fn block(&mut self, collection: u32, documents: u32, payload: &[u8]) -> Result<BlockPlace>;

    /// Bytes written so far.
    fn bytes(&self) -> u64;

    /// For the backend that made it.
    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any>;
}

/// Judges a snapshot that was read back from disk, before a manifest names it. An error leaves everything as it was.
pub trait SnapshotProof {
    /// Takes each block, its checksum verified, in the order of the file.
    fn block(&mut self, block: &ReadBack<'_>) -> Result<()>;

    /// Every block was taken.
    fn end(&mut self) -> Result<()>;
}

/// Asks for no more than checksums.
pub struct Unproven;

impl SnapshotProof for Unproven {
    fn block(&mut self, _block: &ReadBack<'_>) -> Result<()> {
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

/// What a checkpoint holds: bytes that mean something to the caller.
#[derive(Clone, Debug, Default)]
pub struct CheckpointContents {
    /// What is read at once.
    pub state: Vec<u8>,
    /// What is read piece by piece, in order of the numbers, each of which is above the one before.
    pub pages: Vec<(u32, Vec<u8>)>,
}

/// What an installed snapshot changed.
#[derive(Clone, Debug, Default)]
pub struct Installed {
    /// Files of the generation before: readable until forgotten.
    pub retired: Vec<FileId>,
    /// Bytes of the database's files before and after (retired files not counted after).
    pub bytes: (u64, u64),
}

/// One block of a snapshot met while opening. Blocks come in file order, possibly from several threads.
pub struct SnapshotBlock {
    /// The snapshot's cut.
    pub lsn: Lsn,
    /// Its place among the snapshot's blocks, from 0.
    pub index: u32,
    /// The collection it belongs to; 0 for the database itself.
    pub collection: u32,
    /// Documents in it, and in all blocks of the same collection before it.
    pub documents: u32,
    /// Ordinal of its first document within the collection.
    pub first_document: u64,
    /// The payload, verified, and its place.
    pub block: Arc<Block>,
}

/// One block of a snapshot that was written and is read back.
#[derive(Clone, Copy, Debug)]
pub struct ReadBack<'a> {
    /// The collection it belongs to; 0 for the database itself.
    pub collection: u32,
    /// Documents in it.
    pub documents: u32,
    /// Ordinal of its first document within the collection.
    pub first_document: u64,
    /// Where the payload stands.
    pub place: BlockPlace,
    /// The payload, verified.
    pub payload: &'a [u8],
}

/// What opening feeds. Blocks of collection 0 (names, shapes, counters) come first, in order, on one thread; then
/// blocks of documents, in any order, from several threads; then the commits after the cut, in order, on one thread.
/// An error ends the opening, and nothing has been modified.
pub trait Loader: Sync {
    /// Takes a block of collection 0.
    fn database_block(&mut self, block: SnapshotBlock) -> Result<()>;

    /// Bytes of a payload that a document takes at least: blocks that count more are refused before one is handed on.
    fn least_document(&self) -> u32 {
        1
    }

    /// Takes a block of documents.
    fn documents(&self, block: SnapshotBlock) -> Result<()>;

    /// Takes a commit after the snapshot.
    fn frame(&mut self, frame: Replayed) -> Result<()>;
}

/// Keeps nothing of what it is handed: for a database that is opened to be written only.
pub struct Discard;

impl Loader for Discard {
    fn database_block(&mut self, _block: SnapshotBlock) -> Result<()> {
        Ok(())
    }

    fn documents(&self, _block: SnapshotBlock) -> Result<()> {
        Ok(())
    }

    fn frame(&mut self, _frame: Replayed) -> Result<()> {
        Ok(())
    }
}
