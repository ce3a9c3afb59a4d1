//! The one commit path: every change of the database goes through it.
//!
//! - [`path`]: the steps of a commit, from reserving queue space to releasing the lock
//! - [`staged`]: what a commit changes, before it is applied; `collections`: its changes of collections and indexes
//! - [`current_document`]: a document as a commit finds it, and what may replace it
//! - `documents`: documents in their stored form, on their way into a commit
//! - [`index_changes`], `index_delta`: what the steps change in indexes
//! - [`apply`]: queues the frame and applies the steps
//! - `capping`: the documents of capped collections that make way for others
//! - `checks`: [`conflicts`], the errors of conflicting writes, and `validation`, the check by the rules of a collection
//! - `restored`: what a restore brings back
//! - `read_ahead`: reads documents from disk before the lock is taken

pub(crate) mod apply;
mod capping;
mod checks;
mod collections;
pub(crate) mod current_document;
pub(crate) mod documents;
pub(crate) mod index_changes;
pub(crate) mod index_delta;
pub(crate) mod path;
pub(crate) mod read_ahead;
pub(crate) mod restored;
pub(crate) mod staged;

pub(crate) use checks::{conflicts, validation};
pub(crate) use current_document::{Current, CurrentDocument, Over, Target};
pub(crate) use path::run_ahead;
pub(crate) use path::{Committed, run, run_within};
pub(crate) use staged::{Commit, Halt};
