//! What may be requested of a collection, and what it answers. The binding translates to and from these.
//!
//! - [`request`]: the operations with their options
//! - [`input`]: values as they came over the boundary, checked before anything rests on them
//! - [`response`]: the answers
//! - `classify`: whether an operation writes, and whether it names its documents

pub(crate) mod classify;
pub mod input;
pub mod request;
pub mod response;

pub use input::Incoming;
pub use request::{
    FindOptions, InsertOrder, Operation, Reach, Returned, SetEntry, Size, Task, Upsert, Verbosity,
};
pub use response::{Answer, BulkOutcome, CollectionInfo, Document, Reply, UpdateOutcome, WriteError};
