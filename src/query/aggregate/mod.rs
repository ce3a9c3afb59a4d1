//! Aggregation pipelines: stages that pull documents from one another.
//!
//! - `pipeline`: parsed stages, and their chaining; `row`: what flows between them; `access`: what the engine gives
//! - `matching`, `shaping` (its tree in `branch`), `steps`, `unwind`: one document at a time
//! - `group` with `accumulator` (`best`: the first of many) and `fast_group`, `buckets`, `sorting`: all documents before the first answer
//! - `lookup`, `facet`: pipelines inside of pipelines
//! - `write`: `$merge` and `$out`
//! - `memory`: how much a stage may hold; `read`: operands of stages
//! - `update`: pipelines as updates

mod access;
mod accumulator;
mod best;
mod branch;
mod buckets;
mod facet;
mod fast_group;
mod group;
mod lookup;
mod matching;
mod memory;
mod pipeline;
#[cfg(test)]
mod property_tests;
mod read;
mod row;
mod shaping;
mod sorting;
mod steps;
#[cfg(test)]
mod tests;
mod unwind;
pub(super) mod update;
mod write;

pub use access::{Access, Merged};
#[cfg(test)]
pub(super) use accumulator::NAMES as ACCUMULATORS;
#[cfg(test)]
pub(super) use pipeline::STAGES;
pub use pipeline::{Pipeline, writes};
pub use row::{Gather, Part, Row, Rows, Stored};
#[cfg(test)]
pub(super) use tests::Lists;
