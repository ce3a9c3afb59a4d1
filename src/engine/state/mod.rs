//! Documents, indexes and collections in memory, and the versions that readers see.
//!
//! - [`version`]: one version of a document, in memory or on disk
//! - [`slab`]: the versions of a collection's documents, by slot
//! - `base`: what stands on disk below all of them
//! - [`index`]: an index of a collection
//! - `capped`: how large a capped collection may become, and where it begins
//! - [`collection`]: directory, documents and indexes under one number; `collection_options`: its options
//! - `copied`: what a restore brings back of a collection, and copies of it
//! - `namespace`: full names of collections, and names of databases
//! - [`catalogue`]: the collections by name, as one commit left them
//! - `feed`: the newest commits for those who watch them
//! - [`views`]: the published state, and the older ones that are still read
//! - `idle_readers`: open cursors, which end when the views that they keep hold too much
//! - `holds`: when unused files and versions are released
//! - `recent`: the slots that changed recently, for upserts
//! - `tally`: sums over the documents, against which a snapshot is proven
//! - `rules`: what a collection asks of its documents
//! - `scan_counts`: paths that costly scans read, for suggested indexes

pub(crate) mod base;
pub(crate) mod capped;
pub(crate) mod catalogue;
pub(crate) mod collection;
pub(crate) mod collection_options;
mod copied;
pub(crate) mod feed;
pub(crate) mod holds;
pub(crate) mod idle_readers;
pub(crate) mod index;
pub(crate) mod namespace;
pub(crate) mod recent;
pub(crate) mod rules;
pub(crate) mod scan_counts;
pub(crate) mod slab;
pub(crate) mod tally;
pub(crate) mod version;
pub(crate) mod views;

pub use collection::Collection;
pub use index::Index;
