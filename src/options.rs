//! The options of opening a database, as plain Rust types, validated once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};

/// The path of a database in memory, without a directory.
pub const MEMORY: &str = ":memory:";

/// The maximum number of documents that one commit of a long write changes. After a crash such a write is there up to one of
/// its commits.
pub const PART_DOCUMENTS: usize = 1_000;
/// The approximate maximum of document bytes that one commit of a long write changes.
pub const PART_BYTES: usize = 8 << 20;
/// Documents in a cursor's batch when no batch size is given.
pub const BATCH_DOCUMENTS: usize = 1_000;
/// Approximate bytes after which a cursor's batch ends, whatever the batch size is.
pub const BATCH_BYTES: usize = 4 << 20;
/// Bytes of documents that share a block of the log or of a snapshot: what reading one of them from disk reads, and checks.
/// A larger document has a block of its own.
pub const BLOCK_BYTES: usize = 4 << 10;

/// Where writes go, and what a resolved write promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageMode {
    /// Written to the operating system before the write resolves, fsynced within the flush interval.
    /// A killed process loses nothing; a power cut loses at most the last interval, always a suffix.
    Async,
    /// Fsynced before the write resolves. Neither a killed process nor a power cut loses anything.
    Sync,
    /// Nothing is written to disk.
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

/// What to do with a damaged tail that a power cut does not explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryPolicy {
    /// Refuse with `CORRUPT_TAIL`; modify nothing.
    Strict,
    /// Cut it off and keep the cut bytes in `quarantine/`.
    Truncate,
}

/// What an opening reads of a database that has a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The checkpoint, and the log after it: damage elsewhere is reported by the operation that reads it.
    Quick,
    /// Snapshot and log, all of them: damage fails the opening.
    Full,
}

/// How much memory a database may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryLimit {
    /// A quarter of the memory that the process may use: the machine's, or less where its control group is limited. None where that
    /// is not known, and for a database in memory.
    Share,
    /// So many bytes.
    Bytes(u64),
    /// No limit.
    Unlimited,
}

/// The share of the memory that the process may use.
const MEMORY_SHARE: u64 = 4;

impl MemoryLimit {
    /// The bytes, where there is a limit. A share is one once it is settled.
    pub const fn bytes(self) -> Option<u64> {
        match self {
            MemoryLimit::Bytes(bytes) => Some(bytes),
            MemoryLimit::Share | MemoryLimit::Unlimited => None,
        }
    }
}

impl From<Option<u64>> for MemoryLimit {
    fn from(bytes: Option<u64>) -> MemoryLimit {
        bytes.map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes)
    }
}

/// How the database is accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads and writes under an exclusive lock.
    ReadWrite,
    /// Reads only, under a shared lock; no byte of the directory changes.
    ReadOnly,
}

/// What to do when the directory holds a database, or holds none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// Open the database; create it when there is none.
    IfMissing,
    /// Open the database; fail when there is none.
    Never,
    /// Create the database; fail when there is one.
    MustBeNew,
}

/// Whether the database compacts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoCompact {
    /// When more than half of the file bytes are garbage, or there are many segments.
    On,
    /// Only when `compact()` is called.
    Off,
}

/// What to do about a path for which queries often scan the whole collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoIndex {
    /// Nothing.
    Off,
    /// Report it in statistics and in explain.
    Suggest,
    /// Build an index on it in the background.
    On,
}

/// The longest password, in bytes.
const LONGEST_PASSWORD: usize = 64 << 10;

/// What an encrypted database is opened with. Its bytes are overwritten when the last copy of it is dropped, and nothing shows them.
#[derive(Clone)]
pub struct EncryptionKey(Arc<Secret>);

/// The bytes of a key.
pub(crate) enum Secret {
    /// A password, from which a key is derived.
    Password(Zeroizing<Vec<u8>>),
    /// A key of 32 random bytes.
    Raw(Zeroizing<[u8; 32]>),
    /// The key that was derived already, and how: for a copy that the same key opens.
    Derived(Zeroizing<[u8; 32]>, [u8; 64]),
}

impl EncryptionKey {
    /// A password: the bytes of its text.
    pub fn password(text: Zeroizing<Vec<u8>>) -> Result<EncryptionKey> {
        if text.is_empty() || text.len() > LONGEST_PASSWORD {
            let message = "an encryptionKey that is a text must have 1 to 65536 bytes";
            return Err(Error::new(Kind::Argument, message));
        }
        Ok(EncryptionKey(Arc::new(Secret::Password(text))))
    }

    /// 32 random bytes.
    pub fn raw(bytes: &[u8]) -> Result<EncryptionKey> {
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            let message = format!("an encryptionKey that is no text must have 32 bytes, not {}", bytes.len());
            return Err(Error::new(Kind::Argument, message));
        }
        key.copy_from_slice(bytes);
        Ok(EncryptionKey(Arc::new(Secret::Raw(key))))
    }

    pub(crate) fn derived(key: Zeroizing<[u8; 32]>, derivation: [u8; 64]) -> EncryptionKey {
        EncryptionKey(Arc::new(Secret::Derived(key, derivation)))
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.0
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey")
    }
}

impl PartialEq for EncryptionKey {
    /// Whether it is the same value. Bytes are not compared: that would take more or less time.
    fn eq(&self, other: &EncryptionKey) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The options of an open call.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenOptions {
    /// The key of an encrypted database.
    pub encryption: Option<EncryptionKey>,
    /// Durability.
    pub storage: StorageMode,
    /// The longest time between a write and its fsync in async mode.
    pub flush_interval: Duration,
    /// Bytes of memory for documents, keys, indexes and pages of the checkpoint.
    pub memory_limit: MemoryLimit,
    /// Bytes of memory of the machine, where the caller knows them and this package may not.
    pub system_memory: Option<u64>,
    /// Bytes that one query may hold besides the stored documents.
    pub query_memory_limit: usize,
    /// Read-write or read-only.
    pub access: Access,
    /// Whether to create the database.
    pub creation: Creation,
    /// What to do with a damaged tail.
    pub recovery: RecoveryPolicy,
    /// What is read at once.
    pub check: Check,
    /// Whether all files are read again in the background.
    pub scrub: Option<Scrub>,
    /// Whether the database compacts itself.
    pub auto_compact: AutoCompact,
    /// The maximum size of a segment: the next one begins when a frame would exceed it.
    pub segment_size: u64,
    /// Bytes that may wait in the commit queue before writers have to wait.
    pub queue_limit: u64,
    /// What happens to the files that a compaction replaces.
    pub retention: Retention,
    /// What is kept of the log after a compaction.
    pub history: History,
    /// What to do about a path for which queries often scan the whole collection.
    pub auto_index: AutoIndex,
    /// How often expired documents are looked for; `None`: never.
    pub ttl_interval: Option<Duration>,
    /// Bytes of files above which a clean close writes a checkpoint. Smaller databases are read fast enough without one.
    pub checkpoint_from: u64,
    /// Bytes of changes in memory up to which no checkpoint is written while the database is open, however low the memory limit.
    pub rebase_from: u64,
}

/// How all files are read again in the background while the database is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scrub {
    /// The pause after each pass. The first begins with the opening.
    pub interval: Duration,
    /// How fast it reads.
    pub bytes_per_second: u64,
}

impl Default for Scrub {
    fn default() -> Self {
        Scrub { interval: Duration::from_secs(7 * 24 * 60 * 60), bytes_per_second: 8 << 20 }
    }
}

/// How many old generations a compaction keeps on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The number of old generations kept in `backup/<generation>/`, each a complete database that can be opened. A
    /// compaction removes older ones. 0 keeps none, and leaves existing content of `backup/` alone.
    pub generations: u32,
}

/// What is kept of the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The log for change streams.
    pub changes: ChangeHistory,
    /// Earlier states.
    pub past: PastHistory,
}

/// Whether the snapshots that compactions replace are kept, with the log behind them, so that the states after them can be read again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PastHistory {
    /// As a session before this one wanted it, within the default limits; a new database keeps none.
    #[default]
    AsBefore,
    /// From now on, within these limits.
    Keep(PastLimits),
    /// Never: what was kept is given back.
    Off,
}

impl PastHistory {
    /// The limits; `None` when nothing is kept.
    pub const fn limits(self) -> Option<PastLimits> {
        match self {
            PastHistory::AsBefore => Some(PastLimits::DEFAULT),
            PastHistory::Keep(limits) => Some(limits),
            PastHistory::Off => None,
        }
    }
}

/// How much is kept of earlier states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastLimits {
    /// A snapshot goes when all states that need it are older.
    pub max_age: Duration,
    /// The oldest go when there are more bytes of snapshots and of the log between them; `None`: 1 GiB, or as many as the current
    /// snapshot has.
    pub max_bytes: Option<u64>,
}

impl PastLimits {
    /// A day.
    pub const DEFAULT: PastLimits = PastLimits { max_age: HistoryLimits::DEFAULT.max_age, max_bytes: None };

    /// The bytes, beside a snapshot of so many.
    pub fn bytes(&self, snapshot: u64) -> u64 {
        self.max_bytes.unwrap_or_else(|| HistoryLimits::DEFAULT.max_bytes.max(snapshot))
    }
}

/// Whether the log before a compaction is kept, so that its commits can be read again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangeHistory {
    /// From the first time on that the database is watched, also after it is opened again, within the default limits. A
    /// database that nobody watches gives its disk back with each compaction.
    #[default]
    WhenWatched,
    /// Always, within these limits.
    Keep(HistoryLimits),
    /// Never: what was kept is given back.
    Off,
}

impl ChangeHistory {
    /// The limits; `None` when nothing is kept.
    pub const fn limits(self) -> Option<HistoryLimits> {
        match self {
            ChangeHistory::WhenWatched => Some(HistoryLimits::DEFAULT),
            ChangeHistory::Keep(limits) => Some(limits),
            ChangeHistory::Off => None,
        }
    }
}

/// How much of the log is kept that is not needed otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryLimits {
    /// A segment goes when its newest commit is older.
    pub max_age: Duration,
    /// The oldest segments go when there are more bytes.
    pub max_bytes: u64,
}

impl HistoryLimits {
    /// A day, and 1 GiB.
    pub const DEFAULT: HistoryLimits =
        HistoryLimits { max_age: Duration::from_secs(24 * 60 * 60), max_bytes: 1 << 30 };
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions {
            encryption: None,
            storage: StorageMode::Async,
            flush_interval: Duration::from_millis(50),
            memory_limit: MemoryLimit::Share,
            system_memory: None,
            query_memory_limit: crate::work::QUERY_MEMORY,
            access: Access::ReadWrite,
            creation: Creation::IfMissing,
            recovery: RecoveryPolicy::Strict,
            check: Check::Quick,
            scrub: None,
            auto_compact: AutoCompact::On,
            segment_size: 64 << 20,
            queue_limit: 64 << 20,
            retention: Retention::default(),
            history: History::default(),
            auto_index: AutoIndex::Suggest,
            ttl_interval: Some(Duration::from_secs(60)),
            checkpoint_from: 1 << 20,
            rebase_from: 4 << 20,
        }
    }
}

impl OpenOptions {
    /// Makes a number of bytes of a share of the memory that the process may use, if that is known.
    pub fn settle_memory(&mut self, allowed: Option<u64>) {
        if self.memory_limit != MemoryLimit::Share {
            return;
        }
        let known = allowed.into_iter().chain(self.system_memory).min();
        let share = known.filter(|_| self.storage != StorageMode::Memory).map(|bytes| bytes / MEMORY_SHARE);
        self.memory_limit = share.into();
    }

    /// Checks what the types do not: ranges and combinations.
    pub fn validate(&self) -> Result<()> {
        if self.flush_interval < Duration::from_millis(1) || self.flush_interval > Duration::from_secs(60) {
            return Err(Error::new(Kind::Argument, "option flushInterval must be 1 to 60000 milliseconds"));
        }
        let year = Duration::from_secs(366 * 24 * 60 * 60);
        if self.ttl_interval.is_some_and(|interval| interval < Duration::from_millis(1) || interval > year) {
            return Err(Error::new(Kind::Argument, "option ttlInterval must be 1 ms to a year"));
        }
        if self.scrub.is_some_and(|scrub| scrub.interval > Duration::from_secs(366 * 24 * 60 * 60)) {
            return Err(Error::new(Kind::Argument, "option scrub.interval must be at most a year"));
        }
        if self.scrub.is_some_and(|scrub| scrub.bytes_per_second < 1024) {
            return Err(Error::new(Kind::Argument, "option scrub.bytesPerSecond must be at least 1024"));
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
        if let ChangeHistory::Keep(limits) = self.history.changes
            && limits.max_age.is_zero()
        {
            return Err(Error::new(Kind::Argument, "option history.changes.maxAge must be at least 1 ms"));
        }
        if let PastHistory::Keep(limits) = self.history.past
            && limits.max_age.is_zero()
        {
            return Err(Error::new(Kind::Argument, "option history.past.maxAge must be at least 1 ms"));
        }
        if self.access == Access::ReadOnly && self.creation == Creation::MustBeNew {
            return Err(Error::new(Kind::Argument, "options readOnly and errorIfExists exclude each other"));
        }
        if self.storage == StorageMode::Memory && self.access == Access::ReadOnly {
            return Err(Error::new(Kind::Argument, "a ':memory:' database cannot be readOnly"));
        }
        if self.storage == StorageMode::Memory && self.memory_limit.bytes().is_some() {
            let message = "a ':memory:' database has no files to read documents from, so it takes no memoryLimit; \
                           leave it out, or open a directory";
            return Err(Error::new(Kind::Argument, message));
        }
        Ok(())
    }
}
