//! The database: collections, the one commit path, views, recovery.

pub mod collection;
pub mod operation;

pub use collection::Collection;
pub use operation::{
    Answer, CollectionInfo, Document, FindOptions, Incoming, InsertOrder, Operation, Reach, Reply, SetEntry,
    UpdateOutcome, Upsert, WriteError,
};
