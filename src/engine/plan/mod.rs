//! How documents are found: by `_id`, by an index, or by a scan.
//!
//! - [`planner`]: the plans for a query, their costs, and the cheapest
//! - `distinct`: the distinct values of a field from the keys of its index
//! - [`key_ranges`]: the ranges of an index for bounds on its fields
//! - [`hint`]: the index that a query must use

mod distinct;
pub(crate) mod hint;
pub(crate) mod key_ranges;
pub(crate) mod planner;

#[cfg(test)]
mod planner_tests;
