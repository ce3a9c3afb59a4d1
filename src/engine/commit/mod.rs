//! The one commit path: every change of the database goes through it.
//!
//! - [`path`]: the steps of a commit, from reserving queue space to releasing the lock
//! - [`staged`]: what a commit changes, before it is applied; `collections`: its changes of collections and indexes
//! - [`current_document`]: a document as a commit finds it, and what may replace it
//! - `documents`: documents in their stored form, on their way into a commit
//! - [`index_changes`], `index_delta`: what the steps change in indexes
//! - [`apply`]: queues the frame and applies the steps
//! - [`conflicts`]: the errors of conflicting writes
//! - `read_ahead`: reads documents from disk before the lock is taken

pub mod apply;
mod collections;
pub mod conflicts;
pub mod current_document;
pub(crate) mod documents;
pub mod index_changes;
pub(crate) mod index_delta;
pub mod path;
pub(crate) mod read_ahead;
pub mod staged;

pub use current_document::{Current, CurrentDocument, Over, Target};
pub(crate) use path::run_ahead;
pub use path::{Committed, run, run_within};
pub use staged::{Commit, Halt};
