//! Stages.
//!
//! - `matching`, `shaping` (its tree in `branch`), `unwind`: one document at a time
//! - `steps`: `$limit`, `$skip`, `$unionWith`; `sampling`: `$sample`; `sorting`: `$sort`
//! - `lookup`, `facet`: pipelines inside of pipelines
//! - `write`: `$merge` and `$out`

mod branch;
pub(super) mod facet;
pub(super) mod lookup;
pub(super) mod matching;
pub(super) mod sampling;
pub(super) mod shaping;
pub(super) mod sorting;
pub(super) mod steps;
pub(super) mod unwind;
pub(super) mod write;
