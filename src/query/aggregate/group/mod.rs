//! Stages that gather documents in groups.
//!
//! - `grouping`: what is grouped by; `groups`: the groups; `table`: those in memory; `split`: those
//!   on disk, `records` and `state_bytes` there; `accumulator`: what a group computes of its documents; `best`: the first n of many
//! - `group`: `$group`; `fast_group`: the same over stored documents, without trees and on several threads
//! - `buckets`: `$bucket` and `$bucketAuto`

mod accumulator;
mod best;
mod buckets;
mod fast_group;
#[expect(clippy::module_inception, reason = "the main file of the folder, private")]
mod group;
mod grouping;
mod groups;
mod records;
mod split;
mod state_bytes;
mod table;

#[cfg(test)]
pub(in crate::query) use accumulator::NAMES as ACCUMULATORS;
pub(super) use buckets::{AutoBucketing, AutoBuckets, parse_bucket};
pub(super) use group::Grouping;
pub(super) use grouping::Group;
