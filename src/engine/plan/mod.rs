//! How documents are found: by `_id`, by an index, or by a scan.
//!
//! - [`planner`]: the plans that fit a query, what they cost, and the cheapest
//! - [`key_ranges`]: the ranges of an index that bounds of fields make
//! - [`hint`]: the index that a query is told to use

pub mod hint;
pub mod key_ranges;
pub mod planner;

#[cfg(test)]
mod planner_tests;
