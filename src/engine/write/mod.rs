//! Writes: by `_id`, by a filter, in bulk, and of collections as a whole.
//!
//! - [`by_id`]: inserts, sets and deletes
//! - [`by_filter`]: updates, replacements and deletions of the documents that a filter matches
//! - [`modification`]: a write by filter, as it is requested
//! - [`find_and_modify`]: the document that it returns
//! - `candidates`: the documents that it finds
//! - `prepared`: new documents, computed before the commit lock is taken
//! - [`upsert`]: the insert of a write that matched nothing
//! - [`bulk`]: several writes, in order
//! - [`collections`]: creating, dropping and renaming collections

pub(crate) mod bulk;
pub(crate) mod by_filter;
pub(crate) mod by_id;
pub(crate) mod candidates;
pub(crate) mod collections;
pub(crate) mod find_and_modify;
pub(crate) mod modification;
pub(crate) mod prepared;
pub(crate) mod upsert;

#[cfg(test)]
mod by_filter_tests;
