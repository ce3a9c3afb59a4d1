//! The storage interface of the engine: commits (reserve, append, drive, flush, read, close), and new generations that begin
//! with a snapshot (cut, begin_snapshot, install, forget), beside which a checkpoint is written (begin_checkpoint, end_checkpoint).
//!
//! A commit is `reserve` followed by `append`, both under the engine's commit lock, so that places are in LSN order.
//! `reserve` is the last step that can fail for lack of space. The thread that calls `drive` first writes the appended
//! frames, many in one write; their completions settle in LSN order.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use smallvec::SmallVec;

pub use super::block::{Block, BlockPlace, FileId, Part};
use super::completion::Completion;
use crate::error::{Error, Kind, Result};
use crate::storage::pages::pointer::Pointer;

/// The log sequence number of a commit; 0 is before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(pub u64);

impl Lsn {
    /// Later than every commit: a view of this number sees the newest applied versions.
    pub const NEWEST: Lsn = Lsn(u64::MAX);
}

/// The payload lengths of a future frame. Each is at most 64 KiB, except that of a larger document with a block of its own.
#[derive(Clone, Debug, Default)]
pub struct FrameSize {
    /// One length per block, in order.
    pub blocks: SmallVec<[u32; 2]>,
    /// How many records the frame holds; stored in its header.
    pub records: u32,
}

/// The reserved place of a frame: space that is already allocated, and an LSN that no other frame has.
#[derive(Clone, Debug)]
pub struct Place {
    /// The LSN of the commit.
    pub lsn: Lsn,
    /// The segment, or `FileId::Memory`.
    pub file: FileId,
    /// Offset of the frame header.
    pub offset: u64,
    /// The future location of each block's payload.
    pub blocks: SmallVec<[BlockPlace; 2]>,
    /// How many records the frame holds.
    pub records: u32,
    /// `lsn` minus the newest LSN known to be durable, saturating: the `lag` of the frame header.
    pub durable_lag: u32,
}

/// One commit read while opening; commits come in LSN order.
pub struct Replayed {
    /// The LSN of the commit.
    pub lsn: Lsn,
    /// Its blocks.
    pub blocks: SmallVec<[Arc<Block>; 2]>,
}

/// Reads commits again that are published, in order. It keeps no file open between calls, so it holds no space that a compaction gives back.
pub trait LogReader: Send {
    /// Commits from `from` to `to` (both included, all of them published), as many as fit in about `most` bytes, at least one;
    /// none where `from` is after `to`. Remembers where it stopped, so that reading on costs no search. `HISTORY_LOST` where
    /// `from` is no longer kept, `CORRUPT` with file and offset where its bytes are damaged.
    fn read(&mut self, from: Lsn, to: Lsn, most: usize) -> Result<Vec<Replayed>>;
}

/// How far back the log can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryReach {
    /// The oldest commit that can be read; one more than the last commit if there is none.
    pub first: Lsn,
    /// The time of that commit (ms since 1970); `None` where there is none, or it is not known.
    pub time: Option<i64>,
    /// Bytes of segments that are kept only for this.
    pub bytes: u64,
    /// Whether compactions keep the log for readers.
    pub on: bool,
}

/// Statistics of a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StorageStats {
    /// Segments since the snapshot, or since creation.
    pub segments: u64,
    /// Bytes in those segments: what the next open has to replay.
    pub log_bytes: u64,
    /// Bytes of the snapshot; 0 without one.
    pub snapshot_bytes: u64,
    /// Bytes of all files of the database.
    pub bytes_on_disk: u64,
    /// Bytes of the newest checkpoint, which are not in the sum; 0 without one.
    pub checkpoint_bytes: u64,
    /// Bytes of temporary files of running operations, which are not in the sum.
    pub spill_bytes: u64,
    /// Bytes queued and not yet written.
    pub queued_bytes: u64,
    /// Bytes of blocks appended since open, in the memory backend; 0 in the others, which report file sizes.
    pub appended: u64,
    /// fsync and fdatasync calls since open.
    pub syncs: u64,
    /// The newest LSN known to be durable.
    pub durable: Lsn,
}

/// How far a read may go for its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// To the device.
    Device,
    /// To the memory in which the system keeps what was read and written: for threads that must not block.
    PageCache,
}

/// Keeps frames. `tests/` runs one conformance suite over all backends.
pub trait StorageBackend: Send + Sync {
    /// Assigns the next commit its LSN and its place in allocated space.
    ///
    /// The last step of a commit that may fail: `STORAGE_FULL` leaves no trace. Called under the commit lock, and followed
    /// by exactly one `append` with this place before the lock is released.
    fn reserve(&self, size: &FrameSize) -> Result<Place>;

    /// Queues the frame. The completion settles, in LSN order, when the frame is published: written (async), fdatasynced
    /// (sync), at once (memory). An error means that this frame and all later ones are not published: the backend is
    /// poisoned.
    fn append(&self, place: Place, blocks: &[Arc<Block>]) -> Completion;

    /// Writes the queued frames on the calling thread, unless another thread is writing; that thread then also writes the
    /// frames queued meanwhile. Blocks for the write and, in sync mode, for the fdatasync.
    fn drive(&self);

    /// Whether a frame of this size could be reserved, appended and driven within microseconds by a thread that must not
    /// block: into allocated space, with no write and no fsync under way, and without starting a file. Called under the
    /// commit lock. If the answer becomes outdated, that thread loses time and nothing else.
    fn is_nonblocking(&self, _size: &FrameSize) -> bool {
        false
    }

    /// Like `drive`, for a thread that must not block. `false` leaves the queued frames to another thread.
    fn drive_nonblocking(&self) -> bool {
        false
    }

    /// A barrier: settles when every frame appended before it is durable. Drives the queue itself.
    fn flush(&self) -> Completion;

    /// Reads a block with a positional read and verifies it; `None` where it lies deeper. `CORRUPT` names file and offset.
    fn read_from(&self, place: BlockPlace, depth: Depth) -> Result<Option<Arc<Block>>>;

    /// The same, in which all of the payload is verified, but only a part of it is needed: the block has that, or all of it.
    fn read_part(&self, place: BlockPlace, _part: &Part, depth: Depth) -> Result<Option<Arc<Block>>> {
        self.read_from(place, depth)
    }

    /// Reads a block, wherever it is.
    fn read(&self, place: BlockPlace) -> Result<Arc<Block>> {
        let lost = || Error::new(Kind::Internal, format!("a read of {place:?} returned nothing"));
        self.read_from(place, Depth::Device)?.ok_or_else(lost)
    }

    /// Flushes, seals and marks the database clean. Later calls return `CLOSED`.
    fn close(&self) -> Result<()> {
        self.close_leaving(&|_, _| Ok(None))
    }

    /// Like `close`. Where that marks the database clean at an LSN, `leave` is called to write the checkpoint, with which the
    /// next opening begins. It is called under locks of the backend and may call only `stats`.
    fn close_leaving(&self, leave: &LeaveCheckpoint<'_>) -> Result<()>;

    /// Current sizes and counters.
    fn stats(&self) -> StorageStats;

    /// Why a backend has no generations of files: the answer of `cut` and of all that follows it, unless a backend has them.
    fn no_generations(&self) -> Error {
        Error::new(Kind::NotSupported, "this storage keeps no files to compact")
    }

    /// Makes the newest assigned LSN the last of this generation: later frames go into the next segment, whose space is
    /// allocated here (`STORAGE_FULL` leaves no trace). Called under the commit lock; does no blocking I/O. Only one cut at
    /// a time: a second one before the first is installed or dropped is `INTERNAL`. `NOT_SUPPORTED` in the memory backend.
    fn cut(&self) -> Result<Cut> {
        Err(self.no_generations())
    }

    /// Begins the snapshot of a cut, in a file that no manifest names. Dropping it unfinished removes the file.
    fn begin_snapshot(&self, _cut: &Cut) -> Result<Box<dyn SnapshotSink>> {
        Err(self.no_generations())
    }

    /// Finishes a snapshot: fsync, rename, fsync of the directory, then reading back, verification and proof. Once the
    /// segment before the cut is sealed and durable, the manifest is replaced (the only commit point) and the previous
    /// generation is retired according to the retention option. An error before the manifest is replaced, including one of
    /// the proof, leaves the old generation as it was. Blocks for I/O; writers continue meanwhile.
    fn install_proven(
        &self,
        _cut: Cut,
        _snapshot: Box<dyn SnapshotSink>,
        _proof: &mut dyn SnapshotProof,
    ) -> Result<Installed> {
        Err(self.no_generations())
    }

    /// Like `install_proven`, for a snapshot whose contents the caller does not check.
    fn install(&self, cut: Cut, snapshot: Box<dyn SnapshotSink>) -> Result<Installed> {
        self.install_proven(cut, snapshot, &mut Unproven)
    }

    /// Writes the checkpoint of the state at a cut, durably, in place of all others. The log behind the cut goes on in its next
    /// segment, and the generation stays. `leave` writes the pages; without any, or after an error, the other checkpoints stay.
    /// Blocks for I/O; writers continue meanwhile.
    fn checkpoint(&self, _cut: Cut, _leave: &LeaveCheckpoint<'_>) -> Result<Option<CheckpointFile>> {
        Err(self.no_generations())
    }

    /// Begins the checkpoint of a cut whose snapshot is being written, in a file that means nothing yet. Dropping it removes the file.
    fn begin_checkpoint(&self, _cut: &Cut) -> Result<Box<dyn CheckpointSink>> {
        Err(self.no_generations())
    }

    /// Ends the checkpoint of a cut whose snapshot was installed last, durably, in place of all others; `catalogue` is what stands in
    /// its catalogue, which means something only to the caller. Blocks for I/O.
    fn end_checkpoint(&self, _sink: Box<dyn CheckpointSink>, _catalogue: &[u8]) -> Result<CheckpointFile> {
        Err(self.no_generations())
    }

    /// Where operations may put what they have no room for in memory; `None` where nothing can be written.
    fn spill(&self) -> Option<Arc<dyn crate::work::Disk>> {
        None
    }

    /// Called when nothing reads these retired files any more: closes them, and removes those that neither retention nor the
    /// history keeps.
    fn forget(&self, files: &[FileId]);

    /// The id of the database: that of MANIFEST, or in memory a random one of this opening.
    fn database_id(&self) -> [u8; 16];

    /// A reader of published commits; `None` where the log is not kept at all (memory).
    fn log_reader(&self) -> Option<Box<dyn LogReader>> {
        None
    }

    /// How far back a reader reaches now; `None` where the log is not kept at all.
    fn history(&self) -> Option<HistoryReach> {
        None
    }

    /// Whether compactions keep the log for readers. Costs no I/O.
    fn keeps_history(&self) -> bool {
        false
    }

    /// Keeps the log for readers from now on, also after the database is opened again; durable when it returns. Cheap if it is
    /// on. Does nothing where the options say off, or where the database is read-only.
    fn keep_history(&self) -> Result<()> {
        Ok(())
    }

    /// Gives back what the limits of the history no longer keep at this time (milliseconds since 1970). Cheap if there is
    /// nothing. Blocks for I/O otherwise; an error is logged, and leaves everything as it was.
    fn trim_history(&self, _now_ms: i64) {}

    /// The first 8 bytes of the salt of the segment with this published commit; `None` where it is no longer kept, or in
    /// memory. Costs no I/O. Another history with the same numbers has another salt.
    fn salt_at(&self, _lsn: Lsn) -> Option<u64> {
        None
    }

    /// The files of an earlier state, not behind `newest`, which is published. `HISTORY_LOST` where it is not kept,
    /// `NOT_SUPPORTED` in memory.
    fn past(&self, _moment: Moment, _newest: Lsn) -> Result<Arc<dyn PastFiles>> {
        let message = "a database in memory keeps no earlier states; open a directory instead of ':memory:'";
        Err(Error::new(Kind::NotSupported, message))
    }

    /// How far back earlier states reach; `None` in memory.
    fn past_reach(&self) -> Option<PastReach> {
        None
    }
}

/// The end of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The last commit of the generation.
    pub lsn: Lsn,
    /// The first segment of the next.
    pub next_segment: u64,
}

/// A snapshot being written: blocks in order, each of one collection.
pub trait SnapshotSink: Send {
    /// Appends a block: its collection (0: the database itself), its number of documents, and its payload. Returns the
    /// future location of the payload.
    fn block(&mut self, collection: u32, documents: u32, payload: &[u8]) -> Result<BlockPlace>;

    /// Bytes written so far.
    fn bytes(&self) -> u64;

    /// For the backend that created it.
    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any>;
}

/// Checks a snapshot that was read back from disk, before a manifest names it. An error leaves everything as it was.
pub trait SnapshotProof {
    /// Takes each block, its checksum verified, in file order.
    fn block(&mut self, block: &ReadBack<'_>) -> Result<()>;

    /// Called after the last block.
    fn end(&mut self) -> Result<()>;
}

/// Checks only checksums.
pub(crate) struct Unproven;

impl SnapshotProof for Unproven {
    fn block(&mut self, _block: &ReadBack<'_>) -> Result<()> {
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Writes the pages of the checkpoint of the state at an LSN, and returns what stands in its catalogue, which means something
/// only to the caller; `None` where there is to be none.
pub type LeaveCheckpoint<'l> = dyn Fn(Lsn, &mut dyn PageSink) -> Result<Option<Vec<u8>>> + 'l;

/// A checkpoint as it was written.
#[derive(Clone, Debug)]
pub struct CheckpointFile {
    /// The file.
    pub path: PathBuf,
    /// The database.
    pub database: [u8; 16],
    /// The number in the head of the file: the LSN of its state.
    pub run: u64,
    /// Set by who finds damage in it.
    pub damaged: Arc<AtomicBool>,
}

/// A file of pages that is being written.
pub trait PageSink {
    /// Appends a page; `net` is kept in the pointer to it.
    fn page(&mut self, page: &[u8], net: i64) -> Result<Pointer>;
}

/// The pages of a checkpoint that is written beside a snapshot.
pub trait CheckpointSink: PageSink {
    /// Puts all pages so far into the file, and returns where it is, and where they end. They are not durable.
    fn so_far(&mut self) -> Result<(CheckpointFile, u64)>;

    /// For the backend that created it.
    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any>;
}

/// What an installed snapshot changed.
#[derive(Clone, Debug, Default)]
pub struct Installed {
    /// Files of the previous generation: readable until `forget`.
    pub retired: Vec<FileId>,
    /// Bytes of the database's files before and after, without retired files.
    pub bytes: (u64, u64),
}

/// One block of a snapshot read while opening. Blocks come in file order, or out of order from several threads.
pub struct SnapshotBlock {
    /// The LSN of the snapshot.
    pub lsn: Lsn,
    /// Its index among the snapshot's blocks, from 0.
    pub index: u32,
    /// The collection it belongs to; 0 for the database itself.
    pub collection: u32,
    /// Documents in it, and in all earlier blocks of the same collection.
    pub documents: u32,
    /// Ordinal of its first document within the collection.
    pub first_document: u64,
    /// The payload, verified, and its place.
    pub block: Arc<Block>,
}

/// One block of a new snapshot, read back from disk.
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

/// Receives the database while it is opened. Blocks of collection 0 (names, shapes, counters) come first, in order, on one
/// thread; then blocks of documents, in any order, from several threads; then the commits after the snapshot, in order, on
/// one thread. An error ends the opening; nothing has been modified.
pub trait Loader: Sync {
    /// Learns how many bytes of files will be read, before anything is passed on.
    fn expect(&mut self, _bytes: u64) {}

    /// Takes a block of collection 0.
    fn database_block(&mut self, block: SnapshotBlock) -> Result<()>;

    /// The minimum payload bytes of a document. A block that claims more documents is refused before it is passed on.
    fn least_document(&self) -> u32 {
        1
    }

    /// Takes a block of documents.
    fn documents(&self, block: SnapshotBlock) -> Result<()>;

    /// Takes a commit after the snapshot.
    fn frame(&mut self, frame: Replayed) -> Result<()>;
}

/// Which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// After this commit.
    Lsn(Lsn),
    /// After the newest commit that is not later than this, in milliseconds since 1970.
    Time(i64),
}

/// How far back states reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastReach {
    /// The oldest state is the one after this commit.
    pub from: Lsn,
    /// The time of that commit, or a little later (ms since 1970); `None`: there was none before, or it is not known.
    pub time: Option<i64>,
    /// Bytes of snapshots that are kept only for this.
    pub bytes: u64,
    /// Whether compactions keep what earlier states need.
    pub on: bool,
}

/// The files of one earlier state. They are held open: what happens to the database meanwhile takes nothing from them.
pub trait PastFiles: Send + Sync {
    /// Passes the state to a loader: a snapshot, if there is one, and the commits after it.
    fn load(&self, loader: &mut dyn Loader) -> Result<()>;

    /// Reads a block that was passed to the loader and verifies it; `None` where it lies deeper.
    fn read_from(&self, place: BlockPlace, depth: Depth) -> Result<Option<Arc<Block>>>;
}

/// Discards everything: for a database that is opened only to be written.
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
