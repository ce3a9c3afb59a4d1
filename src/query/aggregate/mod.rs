//! Aggregation pipelines: stages that pull documents from one another.
//!
//! - `pipeline`: a pipeline, parsed; `parse`: the grammar; `operands`: parsing the operands of stages
//! - `run`: stages chained for a run; `row`: the documents between them; `row_form`: those on disk; `access`: what a pipeline
//!   needs of the engine; `memory`: what stages hold; `sorter`: what they put in order, in memory or on disk
//! - `stages`: one file a stage, or a few that are alike; `group`: the stages that gather documents in groups
//! - `update`: pipelines as updates; `events`: pipelines of change streams
//!
//! Stages that hold pipelines parse and run them through methods of `Pipeline`: the language is recursive.

mod access;
mod events;
mod group;
mod memory;
mod operands;
mod parse;
mod pipeline;
#[cfg(test)]
mod property_tests;
mod row;
mod row_form;
mod run;
mod sorter;
#[cfg(test)]
mod spill_tests;
mod stages;
#[cfg(test)]
mod tests;
pub(super) mod update;
#[cfg(test)]
mod work_tests;

pub(crate) use access::{Access, Merged};
pub(crate) use events::EventPipeline;
#[cfg(test)]
use group::ACCUMULATORS;
pub(crate) use operands::Destination;
#[cfg(test)]
use parse::STAGES;
pub(crate) use pipeline::{Pipeline, read, writes, written};
pub(crate) use row::{Gather, Home, Part, Row, Rows, Stored};
#[cfg(test)]
pub(super) use tests::Lists;
