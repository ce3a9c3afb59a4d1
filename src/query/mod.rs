//! Queries, pure: parsed once, matched many times over encoded bytes. No I/O, no locks.
//!
//! - [`filter`]: which documents; `pattern`: regular expressions; [`schema`]: `$jsonSchema`
//! - [`update`]: what changes; [`projection`]: which fields; [`sort`]: in which order
//! - [`expression`]: values computed from a document; [`date`]: dates in calendars and time zones
//! - [`aggregate`]: pipelines of stages
//! - `violation`: what of a validator a document does not match
//! - `syntax`, `name`: rules that several of them share; `refusal`: their errors
//! - `number`, `types`, `size`, `wide`, `made`: numbers of any type, types by name, memory of values, objects of many fields, limits of
//!   computed documents; `merge_sort`: sorting that can be stopped; `spill`: sorting on disk

pub(crate) mod aggregate;
pub(crate) mod date;
pub(crate) mod expression;
pub(crate) mod filter;
#[cfg(test)]
mod large_values;
pub(crate) mod made;
mod merge_sort;
mod name;
mod number;
mod pattern;
pub(crate) mod projection;
#[cfg(test)]
mod property_tests;
mod refusal;
#[cfg(test)]
mod result_tests;
pub(crate) mod schema;
mod size;
pub(crate) mod sort;
pub(crate) mod spill;
mod syntax;
#[cfg(test)]
mod testing;
mod types;
pub(crate) mod update;
pub(crate) mod violation;
mod wide;

pub(crate) use aggregate::Pipeline;
pub use filter::Filter;
pub(crate) use filter::{Bounds, Demands, Edge, Interval, Matcher};
pub(crate) use name::{database_fault, name_fault};
pub use projection::Projection;
pub use sort::Sort;
pub(crate) use sort::{Ranker, SortKey};
pub(crate) use update::{Rewrite, difference};
pub use update::{Update, UpdateTarget};
