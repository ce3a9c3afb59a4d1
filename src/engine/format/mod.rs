//! The bytes that the engine hands to storage: what a commit logs, and what a checkpoint names.
//!
//! - [`record`]: the records of a commit
//! - [`key`]: the key of an `_id` in the directory of a collection
//! - [`span`]: where a document stands in a block
//! - `checkpoint`: the pages of a checkpoint
//! - `damage`: the error that names a damaged place in a file

pub(crate) mod checkpoint;
pub(crate) mod damage;
pub mod key;
pub mod record;
pub mod span;
