//! Durable bytes: segments, snapshots, manifest, recovery. Storage knows nothing of documents.
//!
//! The folders, from the bottom up. Each imports only what stands above it in this list (`tests/layering`).
//!
//! - [`pages`]: the bytes of pages: trees of keys and of rows
//! - [`cipher`]: keys, and what is sealed with them
//! - [`contract`]: the trait that every backend implements, the completion of a durable call, the poison latch
//! - [`host`]: files, time, randomness and locks
//! - [`mod@format`]: the bytes of the files
//! - `log`: how a commit gets into the log
//! - `spill`: temporary files of running operations
//! - [`runs`]: run files, which are read page by page
//! - `generation`: snapshots, and how one generation replaces another
//! - `reseal`: all files written again, with another data key
//! - [`backends`]: sync, async, in memory
//! - [`open`]: from a path to a backend: recovery, inspection

#![allow(clippy::module_inception, reason = "the main file of a folder has the name of the folder")]

pub(crate) mod backends;
pub mod cipher;
pub(crate) mod contract;
pub(crate) mod format;
pub(crate) mod generation;
pub mod host;
pub(crate) mod log;
pub(crate) mod open;
pub mod pages;
pub(crate) mod reseal;
pub mod runs;
pub(crate) mod spill;

pub(crate) use backends::past::PastStorage;
pub use contract::backend::{
    Block, BlockPlace, CheckpointFile, CheckpointSink, Cut, Depth, Discard, FileId, FrameSize, HistoryReach,
    Installed, LeaveCheckpoint, Loader, LogReader, Lsn, Moment, PageSink, Part, PastFiles, PastReach, Place,
    ReadBack, Replayed, SnapshotBlock, SnapshotProof, SnapshotSink, StorageBackend, StorageStats,
};
pub use contract::completion::{Completer, Completion};
pub(crate) use contract::latch::poisoned_by;
pub use format::{checkpoint, frame, manifest, segment, snapshot};
pub(crate) use generation::retire::is_own_name;
#[cfg(feature = "node")]
pub(crate) use host::real_vfs::append_log;
pub use host::system::Host;
pub use host::vfs;
pub(crate) use open::clean::{CheckpointLoader, FromCheckpoint, of_directory as checkpoint_of};
pub use open::inspect::{Inspected, InspectedCommit, inspect};
pub(crate) use open::moment::{Directory, Led, Way};
pub use open::open::{Opened, open_disk, open_memory, open_memory_after, open_memory_with};
pub(crate) use open::open::{create_parents, open_disk_from_checkpoint};
pub use open::recovery::RecoveryReport;
pub use open::report::{Damage, FileReport};
pub(crate) use open::scrub::{ScrubVisitor, scrub};
pub use open::unlock::{Reencrypted, reencrypt, rekey, unlocked};
pub(crate) use open::whole::{Read, list_whole};
