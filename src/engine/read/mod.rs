//! Finding documents in a view.
//!
//! - [`point`]: by `_id`
//! - [`fetch`]: the documents of slots, in memory or from disk
//! - [`scan`]: in natural order, on several threads; `backward`: from the last to the first
//! - [`selection`]: by a plan; `index_order`: in the order of an index
//! - `top_k`: sorted in memory; [`results`]: the one of these that a query needs
//! - [`find`]: the cursor of a find
//! - [`count`], `distinct`: without returning documents
//! - [`missing_indexes`]: the indexes that costly scans need

pub(crate) mod backward;
pub mod count;
pub(crate) mod distinct;
pub mod fetch;
pub mod find;
pub(crate) mod index_order;
pub mod missing_indexes;
pub mod point;
pub mod results;
pub mod scan;
pub mod selection;
pub(crate) mod top_k;

pub use point::Hot;

#[cfg(test)]
mod selection_tests;
