//! How a database is opened, as plain Rust, validated once.

use std::time::Duration;

use crate::error::{Error, Kind, Result};

/// The path that means no directory at all.
pub const MEMORY: &str = ":memory:";

/// Documents that one commit of a longer write changes at most. What a crash leaves of such a write is whole commits.
pub const PART_DOCUMENTS: usize = 1_000;
/// Bytes of documents that one commit of a longer write changes, about, at most.
pub const PART_BYTES: usize = 8 << 20;
/// Documents in the batch of a cursor that names no size.
pub const BATCH_DOCUMENTS: usize = 1_000;
/// Bytes, about, after which a batch of a cursor ends, whatever its size.
pub const BATCH_BYTES: usize = 4 << 20;
/// Bytes of documents that share a block of the log or of a snapshot; a larger document stands alone.
pub const BLOCK_BYTES: usize = 64 << 10;

/// Where writes go and what a resolved write promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageMode {
    /// Written to the operating system before the write resolves, fsynced within the flush interval.
    /// A killed process loses nothing; a power cut loses at most the last interval, always a suffix.
    Async,
    /// Fsynced before the write resolves. Neither a killed process nor a power cut loses anything.
    Sync,
    /// Nothing on disk.
    Memory,
}

impl StorageMode {
    /// The name used in options and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            StorageMode::Async => "async",
            StorageMode::Sync => "sync",
            StorageMode::Memory => "memory",
        }
    }
}

/// What to do with a tail that a power cut does not explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryPolicy {
    /// Refuse with `CORRUPT_TAIL`; nothing is modified.
    Strict,
    /// Cut it, keeping the cut bytes in `quarantine/`.
    Truncate,
}

/// How the database may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads and writes under an exclusive lock.
    ReadWrite,
    /// Reads only, under a shared lock; no byte of the directory changes.
    ReadOnly,
}

/// What to do when the directory does or does not hold a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// Open it, or make it when there is none.
    IfMissing,
    /// Open it; an error when there is none.
    Never,
    /// Make it; an error when there is one.
    MustBeNew,
}

/// Whether the database compacts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoCompact {
    /// When more than half of its files is garbage, or there are many segments.
    On,
    /// Only when asked.
    Off,
}

/// What becomes of a path that costly scans ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoIndex {
    /// Nothing.
    Off,
    /// Statistics and explanations name it.
    Suggest,
    /// An index on it is made in the background.
    On,
}

/// The options of an open call.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenOptions {
    /// Durability.
    pub storage: StorageMode,
    /// Longest time between a write and its fsync in async mode.
    pub flush_interval: Duration,
    /// Bytes of hot documents kept in memory; `None` for all.
    pub memory_limit: Option<u64>,
    /// Bytes that one query may hold besides the documents of the database.
    pub query_memory_limit: usize,
    /// Read-write or read-only.
    pub access: Access,
    /// Whether to create.
    pub creation: Creation,
    /// What to do with a suspect tail.
    pub recovery: RecoveryPolicy,
    /// Whether the database compacts itself.
    pub auto_compact: AutoCompact,
    /// A segment is closed and a new one begun when the next frame would pass this size.
    pub segment_size: u64,
    /// Bytes that may wait in the commit queue before writers wait.
    pub queue_limit: u64,
    /// What happens to the files that a compaction replaces.
    pub retention: Retention,
    /// What becomes of a path that costly scans ask for.
    pub auto_index: AutoIndex,
    /// Bytes of files from which on a clean close leaves a checkpoint; fewer are read soon enough.
    pub checkpoint_from: u64,
}

/// How much of the past a compaction leaves on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// So many generations before the present one are kept in `backup/<generation>/`, each a database that opens by
    /// itself; a compaction removes older ones. 0 keeps none, and leaves alone what `backup/` holds already.
    pub generations: u32,
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions {
            storage: StorageMode::Async,
            flush_interval: Duration::from_millis(50),
            memory_limit: None,
            query_memory_limit: crate::work::QUERY_MEMORY,
            access: Access::ReadWrite,
            creation: Creation::IfMissing,
            recovery: RecoveryPolicy::Strict,
            auto_compact: AutoCompact::On,
            segment_size: 64 << 20,
            queue_limit: 64 << 20,
            retention: Retention::default(),
            auto_index: AutoIndex::Suggest,
            checkpoint_from: 1 << 20,
        }
    }
}

impl OpenOptions {
    /// Checks what the types cannot: ranges and combinations.
    pub fn validate(&self) -> Result<()> {
        if self.flush_interval < Duration::from_millis(1) || self.flush_interval > Duration::from_secs(60) {
            return Err(Error::new(Kind::Argument, "option flushInterval must be 1 to 60000 milliseconds"));
        }
        if self.segment_size < 4096 || self.segment_size > 1 << 40 {
            return Err(Error::new(Kind::Argument, "option segmentSize must be 4 KiB to 1 TiB"));
        }
        if self.query_memory_limit < 1 << 20 {
            return Err(Error::new(Kind::Argument, "option queryMemoryLimit must be at least 1 MiB"));
        }
        if self.retention.generations > 1000 {
            return Err(Error::new(Kind::Argument, "option retention.generations must be 0 to 1000"));
        }
        if self.access == Access::ReadOnly && self.creation == Creation::MustBeNew {
            return Err(Error::new(Kind::Argument, "options readOnly and errorIfExists exclude each other"));
        }
        if self.storage == StorageMode::Memory && self.access == Access::ReadOnly {
            return Err(Error::new(Kind::Argument, "a ':memory:' database cannot be readOnly"));
        }
        if self.storage == StorageMode::Memory && self.memory_limit.is_some() {
            let message = "a ':memory:' database has no files to read documents from, so it takes no memoryLimit; \
                           leave it out, or open a directory";
            return Err(Error::new(Kind::Argument, message));
        }
        Ok(())
    }
}
