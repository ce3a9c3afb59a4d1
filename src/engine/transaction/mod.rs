//! Transactions: several operations on one snapshot, whose writes become one commit, or nothing.
//!
//! - [`transaction`]: its states and time limits; `registry`: those that are open in a session
//! - [`work`]: the snapshot, and what was written over it; `unique`: checks of unique indexes
//! - [`by_id`], [`by_filter`], `upsert`, [`bulk`]: the writes
//! - [`indexes`]: indexes of collections that it has begun
//! - [`commit`]: the commit; `recheck`: what other writers have changed since the snapshot, of what is written and, where it is
//!   serializable, of what was read
//! - [`errors`]: why a transaction, or an operation in it, is refused
//!
//! A write is checked and computed when it is called, against the snapshot and the transaction's own writes, and changes
//! nothing outside. The commit stages the final state of each document through the one commit path: what was written twice is
//! stored once, with the version that all writes make. The first committer wins: a document that another writer has changed
//! since the snapshot is a conflict, at the write and again under the commit lock.

pub(crate) mod bulk;
pub(crate) mod by_filter;
pub(crate) mod by_id;
pub(crate) mod commit;
pub(crate) mod errors;
pub(crate) mod indexes;
mod recheck;
pub(crate) mod registry;
pub(crate) mod transaction;
mod unique;
mod upsert;
pub(crate) mod work;
