//! The open database: the shared state of commits, reads and sessions.
//!
//! - `store`: storage, collections, the commit lock
//! - [`publish_waiters`]: callbacks for when a commit is published
//! - `publisher`: the end of every commit
//! - `past`: what is different in an earlier state
//! - [`precedence`]: how a slow write completes among faster ones
//! - [`cold`]: reading documents from disk
//! - [`documents`]: those that were read, and stay in memory under `memoryLimit`
//! - [`eviction`]: dropping documents from memory under `memoryLimit`
//! - [`scrub_state`]: how far the scrub is
//! - `snapshots`: states that a database in memory can be put back in
//! - [`transaction_counts`]: the open transactions, and how the others ended
//! - `compaction_state`: whether an automatic compaction runs, and when to check again

pub(crate) mod cold;
pub(crate) mod compaction_state;
pub(crate) mod documents;
pub(crate) mod eviction;
mod past;
pub(crate) mod precedence;
pub(crate) mod publish_waiters;
mod publisher;
pub(crate) mod scrub_state;
mod snapshots;
mod store;
pub(crate) mod transaction_counts;

#[cfg(test)]
pub(crate) use cold::READS;
pub(crate) use compaction_state::RebaseOrder;
pub(crate) use publisher::{Publisher, Room};
pub(crate) use snapshots::{Restored, Snapshot};
pub(crate) use store::{Applied, Recovered, Store};
