//! Requests to a collection, and their results. The binding translates to and from these.
//!
//! - [`request`]: the operations with their options
//! - [`input`]: values from the boundary, validated before anything depends on them
//! - [`response`]: the results
//! - `classify`: whether an operation writes, and whether it names its documents

pub(crate) mod classify;
pub(crate) mod input;
pub(crate) mod request;
pub(crate) mod response;

pub use input::Incoming;
pub use request::{
    FindOptions, InsertOrder, Isolation, Operation, Reach, Returned, SetEntry, Size, Step, Task, Upsert,
    Verbosity,
};
pub use response::{
    Answer, Answered, BulkOutcome, CollectionInfo, Document, InsertOutcome, Reply, UpdateOutcome, WriteError,
};
