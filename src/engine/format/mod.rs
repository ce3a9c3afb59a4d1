//! The bytes that the engine passes to storage: the content of commits and of checkpoints.
//!
//! - [`record`]: the records of a commit; `put`: those of documents; `record_writer`: writing them
//! - [`key`]: the key of an `_id` in the directory of a collection
//! - [`span`]: the place of a document in a block
//! - `checkpoint`: the pages of a checkpoint
//! - `damage`: the error that locates damage in a file

pub(crate) mod checkpoint;
pub(crate) mod damage;
pub(crate) mod key;
mod put;
pub mod record;
mod record_writer;
pub(crate) mod span;
