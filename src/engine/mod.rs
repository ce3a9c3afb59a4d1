//! The database: collections in memory over a log on disk.
//!
//! The folders, from the bottom up. Each imports only what stands above it in this list (`tests/layering`).
//!
//! - [`exec`]: how work runs: interruption, threads, backpressure
//! - [`format`]: the bytes of commits and checkpoints
//! - [`state`]: documents, indexes and collections in memory, and the views of them
//! - [`store`]: the open database that everything shares
//! - [`operation`]: requests, and their results
//! - [`plan`]: which index a query uses
//! - [`read`]: finding documents in a view
//! - [`commit`]: the one commit path
//! - [`index_build`]: making and dropping indexes
//! - [`write`]: inserts, updates, deletes, upserts
//! - [`aggregate`]: pipelines, `$out` and `$merge`
//! - [`explain`]: how an operation is executed
//! - [`recovery`]: replay, opening from a checkpoint, verify
//! - [`maintenance`]: compaction, checkpoints, backup
//! - [`expiry`]: deletes what TTL indexes say has expired
//! - [`transaction`]: several operations on one snapshot, and their one commit
//! - [`restore`]: snapshots of a database in memory
//! - [`changes`]: change streams: what commits have changed, as events
//! - [`live`]: live queries: results that follow the commits
//! - [`session`]: a caller's operations in order, and the open cursors
//! - [`transfer`]: export and import of JSON lines, and of MoltenDB's files
//! - [`database`]: the handle

#![allow(clippy::module_inception, reason = "the main file of a folder has the name of the folder")]

pub(crate) mod aggregate;
pub(crate) mod changes;
pub(crate) mod commit;
pub(crate) mod database;
pub(crate) mod exec;
pub(crate) mod expiry;
pub(crate) mod explain;
pub(crate) mod format;
pub(crate) mod index_build;
pub(crate) mod live;
pub(crate) mod maintenance;
pub(crate) mod operation;
pub(crate) mod plan;
pub(crate) mod read;
pub(crate) mod recovery;
pub(crate) mod restore;
pub(crate) mod session;
pub(crate) mod state;
pub(crate) mod store;
pub(crate) mod transaction;
pub(crate) mod transfer;
pub(crate) mod write;

pub use crate::options::MEMORY;
pub use database::{
    Database, DatabaseCounts, DatabaseStats, Description, RecoveredTo, Wanted, import_molten, recover_to,
    recover_to_on, recover_to_with,
};
pub use exec::{Interrupt, Limits, Progress};
pub use format::record;
pub use maintenance::{Backup, Compaction};
pub use operation::{
    Answer, Answered, BulkOutcome, CollectionInfo, Document, FindOptions, Incoming, InsertOrder,
    InsertOutcome, Isolation, Operation, Reach, Reply, Returned, SetEntry, Size, Step, Task, UpdateOutcome,
    Upsert, Verbosity, WriteError,
};
pub use read::Hot;
pub use recovery::{Verification, replay, verify};
pub use session::Session;
pub use state::{Collection, Index};
pub use store::scrub_state::{ScrubDamage, ScrubStats};
pub use transfer::{
    Export, Form, Import, ImportOptions, Imported, Input, MoltenExported, MoltenImported, MoltenOptions,
    Secret, extended_json,
};
