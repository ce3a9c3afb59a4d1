//! Filters: which documents an operation is about.
//!
//! - `clause`: a filter as a tree of conditions; `every`, `remainder`, `bits`: the conditions of `$all`, `$mod` and `$bitsAllSet`
//! - `parse`: the grammar; `operators`: parsing the rarer operators
//! - `filter`: what is known of a filter without a document
//! - `matching`: whether a document matches; [`matcher`]: the same for scans, which is faster over many documents
//! - [`bounds`]: the intervals of values in which a filter confines paths, for plans; [`interval`]: one of them
//! - `upsert_seed`: the document that an upsert starts from
//!
//! `parse` and `operators` call each other through `Filter::parse_node`, and conditions match through `Clause::matches`: the language
//! is recursive, by `$elemMatch` and `$and`.

mod bits;
pub(crate) mod bounds;
#[cfg(test)]
mod bounds_tests;
mod clause;
mod every;
#[expect(clippy::module_inception, reason = "the main file of the folder, private")]
mod filter;
pub(crate) mod interval;
pub(crate) mod matcher;
#[cfg(test)]
mod matcher_tests;
mod matching;
mod operators;
mod parse;
mod remainder;
#[cfg(test)]
mod tests;
mod upsert_seed;
#[cfg(test)]
mod work_tests;

pub(crate) use bounds::{Bounds, Demands};
pub use clause::Filter;
pub(super) use clause::{Clause, Element, Test};
pub(crate) use interval::{Edge, Interval};
pub(crate) use matcher::Matcher;
#[cfg(test)]
pub(super) use operators::NAMES as OPERATORS;
