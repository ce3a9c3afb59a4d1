//! The database: collections, the one commit path, views, recovery.
//!
//! - [`operation`]: what can be asked, and what is answered
//! - [`database`]: a handle; [`session`]: a caller's operations in order, `cursors`: what it has open; `asked`: what kind of operation one is
//! - [`direct`]: small writes on the caller's own thread; [`promptly`]: refusing where one would wait
//! - [`store`]: an open database; [`commit`], [`present`], [`staging`], [`apply`]: THE commit path; [`insert`], [`modify`], `work_out`, [`upsert`], [`namespace`],
//!   `writing`, [`bulk`], [`read`], [`cursor`], [`aggregate`], `merge`: the operations; [`duplicate`]: what stands in a write's way; `precedence`, `recent`: what others write meanwhile;
//!   [`limits`]: when they stop, `interrupt`: all of a session; [`scan`]: documents in natural order, `sorted` in another, `distinct`: values,
//!   `parallel` on several threads; `packed`: documents on their way into a commit
//! - [`collection`], [`slab`], [`version`], [`key`], [`catalogue`], [`views`]: the state and who sees which of it
//! - [`plan`], [`ranges`], [`hint`]: how documents are found; `select`, `ordered`, `backward`, [`hits`], [`count`]: finding them;
//!   [`explain`]: telling it; [`suggest`]: indexes that are missed
//! - [`index`]: an index of a collection; [`indexing`], [`build`]: making and dropping them; [`index_requests`]: what was asked for;
//!   [`figures`]: what a collection tells of itself
//! - [`record`], [`replay`]: what the log says, and its reading
//! - `loading`: reading the log of a database that is open already; `early`: answering meanwhile, from what `checkpoint` left
//! - [`compact`]: a new generation from a snapshot; [`backup`]: a copy of its own; [`cool`]: larger than memory
//! - [`verify`]: reading everything, changing nothing
//! - [`export`], [`import`], [`ejson`]: documents as lines of JSON, out and in
//! - [`budget`], [`waiting`], [`lane`]: room, publication, threads
//! - [`registry`]: the databases open in this process

pub mod aggregate;
mod background_load;
pub mod backup;
mod checkpoint;
pub mod commit;
pub mod compact;
mod cursors;
mod damaged;
pub mod database;
pub mod direct;
mod early;
pub mod ejson;
pub mod exec;
pub mod explain;
pub mod export;
pub mod figures;
pub mod format;
pub mod import;
pub mod index_build;
mod interrupt;
pub mod operation;
mod pack;
pub mod plan;
#[cfg(test)]
mod plan_tests;
mod proof;
pub mod read;
pub mod registry;
pub mod replay;
#[cfg(test)]
mod select_tests;
pub mod session;
pub mod state;
pub mod store;
pub mod verify;
pub mod write;
mod writing;

pub use crate::options::MEMORY;
pub use backup::Backup;
pub use compact::Compaction;
pub use database::{Database, DatabaseStats, Description};
pub use exec::{Limits, Watch};
pub use export::Export;
pub use format::record;
pub use import::{Import, ImportOptions, Imported};
pub use operation::{
    Answer, BulkOutcome, CollectionInfo, Document, FindOptions, Incoming, InsertOrder, Operation, Reach,
    Reply, Returned, SetEntry, Size, Task, UpdateOutcome, Upsert, Verbosity, WriteError,
};
pub use read::Hot;
pub use session::Session;
pub use state::{Collection, Index};
pub use verify::{Verification, verify};

#[cfg(test)]
mod group_tests;
#[cfg(test)]
mod index_tests;
#[cfg(test)]
mod modify_tests;
#[cfg(test)]
mod proof_tests;
