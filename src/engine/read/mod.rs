//! Finding documents in a view.
//!
//! - [`point`]: by `_id`
//! - [`fetch`]: the documents of slots, in memory or from disk
//! - [`scan`]: in natural order, on several threads; `backward`: from the last to the first
//! - [`selection`]: by a plan; `index_order`: in the order of an index
//! - `sort`: sorted in memory, or on disk; [`results`]: the one of these that a query needs
//! - [`layers`]: what an operation reads, and what its transaction has written over it
//! - [`find`]: the cursor of a find
//! - [`count`], `distinct`: without returning documents
//! - [`missing_indexes`]: the indexes that costly scans need

pub(crate) mod backward;
pub(crate) mod count;
pub(crate) mod distinct;
pub(crate) mod fetch;
pub(crate) mod find;
pub(crate) mod index_order;
pub(crate) mod layers;
pub(crate) mod missing_indexes;
pub(crate) mod point;
pub(crate) mod results;
pub(crate) mod scan;
pub(crate) mod selection;
mod sort;

pub use point::Hot;

#[cfg(test)]
mod random_queries;
#[cfg(test)]
mod selection_tests;
