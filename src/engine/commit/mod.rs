//! The one commit path: every change of the database goes through it.
//!
//! - [`path`]: the steps of a commit, from room in the queue to the unlock
//! - [`current_document`]: a document as a commit finds it, and what may replace it
//! - `documents`: documents in their stored form, on their way into a commit
//! - [`index_changes`], `index_delta`: what the steps change in indexes
//! - [`apply`]: the frame is queued, the steps are applied
//! - [`conflicts`]: the errors of a write that another stands in the way of
//! - `read_ahead`: what is on disk and is read before the lock is taken

pub mod apply;
pub mod conflicts;
pub mod current_document;
pub(crate) mod documents;
pub mod index_changes;
pub(crate) mod index_delta;
pub mod path;
pub(crate) mod read_ahead;

pub use path::{Commit, Committed, Halt};
