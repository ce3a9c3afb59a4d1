//! Documents, indexes and collections in memory, and who sees which version of them.
//!
//! - [`version`]: one version of a document, in memory or on disk
//! - [`slab`]: the versions of a collection's documents, by slot
//! - [`index`]: an index of a collection
//! - [`collection`]: directory, documents and indexes under one number
//! - `collection_name`: which names a collection may have
//! - [`catalogue`]: the collections by name, as one commit left them
//! - [`views`]: the published state, and the older ones that are still read
//! - `holds`: when what nobody reads any more is dropped
//! - `recent`: the slots that changed lately, for upserts
//! - `tally`: sums over the documents, against which a snapshot is proved
//! - `scan_counts`: paths that costly scans read, for the indexes that are suggested

pub mod catalogue;
pub mod collection;
pub(crate) mod collection_name;
pub(crate) mod holds;
pub mod index;
pub mod recent;
pub(crate) mod scan_counts;
pub mod slab;
pub mod tally;
pub mod version;
pub mod views;

pub use collection::Collection;
pub use index::Index;
