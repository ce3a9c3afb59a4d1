//! Writes: by `_id`, by a filter, in bulk, and of collections as a whole.
//!
//! - [`by_id`]: inserts, sets and deletes
//! - [`by_filter`]: updates, replacements and deletes of what a filter matches
//! - [`modification`]: such a write as it is requested
//! - `prepared`: what becomes of a document, worked out before the commit lock is taken
//! - [`upsert`]: the insert of a write that matched nothing
//! - [`bulk`]: several writes, one after the other
//! - [`collections`]: making, dropping and renaming collections

pub mod bulk;
pub mod by_filter;
pub mod by_id;
pub mod collections;
pub mod modification;
pub(crate) mod prepared;
pub mod upsert;

#[cfg(test)]
mod by_filter_tests;
