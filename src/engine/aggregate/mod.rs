//! Aggregation pipelines over a view.
//!
//! - [`aggregation`]: a pipeline in progress, returned in batches
//! - `source`: the collections that it reads
//! - `sink`: what `$out` and `$merge` write

pub(crate) mod aggregation;
pub(crate) mod sink;
pub(crate) mod source;

#[cfg(test)]
mod group_tests;
