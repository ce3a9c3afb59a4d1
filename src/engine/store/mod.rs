//! The open database: what commits, reads and sessions share.
//!
//! - `store`: storage, collections, the commit lock, and the end of every commit
//! - [`publish_waiters`]: who waits for a commit to be published
//! - [`precedence`]: how a slow write comes to its end among faster ones
//! - `loading`: whether the log was read, and what answers until then
//! - [`eviction`]: documents that leave memory under `memoryLimit`
//! - `compaction_state`: whether an automatic compaction runs, and when the next is worth a look

pub(crate) mod compaction_state;
pub mod eviction;
pub(crate) mod loading;
pub mod precedence;
pub mod publish_waiters;
mod store;

#[cfg(test)]
pub(crate) use store::READS;
pub use store::{Applied, LeaveCheckpoint, Publisher, Recovered, Room, Store};
