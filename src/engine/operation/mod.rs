//! Requests to a collection, and their results. The binding translates to and from these.
//!
//! - [`request`]: the operations with their options
//! - [`input`]: values from the boundary, validated before anything depends on them
//! - [`response`]: the results
//! - `classify`: whether an operation writes, and whether it names its documents

pub(crate) mod classify;
pub mod input;
pub mod request;
pub mod response;

pub use input::Incoming;
pub use request::{
    FindOptions, InsertOrder, Operation, Reach, Returned, SetEntry, Size, Task, Upsert, Verbosity,
};
pub use response::{
    Answer, Answered, BulkOutcome, CollectionInfo, Document, InsertOutcome, Reply, UpdateOutcome, WriteError,
};
