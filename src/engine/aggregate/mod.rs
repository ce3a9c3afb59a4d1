//! Aggregation pipelines over a view.
//!
//! - [`aggregation`]: a pipeline in progress, returned in batches
//! - `source`: the collections that it reads
//! - `sink`: what `$out` and `$merge` write

pub mod aggregation;
pub(crate) mod sink;
pub(crate) mod source;

pub use aggregation::Aggregation;

#[cfg(test)]
mod group_tests;
