//! Queries, pure: parsed once, matched many times over encoded bytes. No I/O, no locks.
//!
//! - [`filter`]: which documents; `operators` and `bits` read its rarer operators, `pattern` (and `translate`) its regular expressions, [`schema`]
//!   its `$jsonSchema`, `matcher` decides, `every` for `$all`, and [`scanning`] decides faster over many documents
//! - [`bounds`]: the intervals of values that a filter says of paths; [`interval`]: one of them
//! - [`update`]: what changes; `positional` tells which array elements, `place` finds the place in a tree, `change` changes the value there,
//!   `push`, `elements` and `arithmetic` are its larger operators; `update_raw` changes scalars in stored bytes
//! - [`projection`]: which fields of a document; `slice` which elements of an array
//! - [`sort`]: in which order; `merge_sort`: sorting that can be stopped
//! - [`date`]: dates in calendars and time zones
//! - `size`: what values take; `wide`: objects of many fields
//! - [`expression`]: values computed from a document; [`aggregate`]: pipelines of stages

pub mod aggregate;
mod arithmetic;
mod bits;
pub mod bounds;
#[cfg(test)]
mod bounds_tests;
mod change;
pub mod date;
mod elements;
mod every;
pub mod expression;
pub mod filter;
#[cfg(test)]
mod filter_tests;
pub mod interval;
pub mod made;
mod matcher;
mod merge_sort;
mod name;
mod operators;
mod pattern;
mod place;
mod positional;
pub mod projection;
#[cfg(test)]
mod property_tests;
mod push;
mod refusal;
#[cfg(test)]
mod result_tests;
pub mod scanning;
#[cfg(test)]
mod scanning_tests;
pub mod schema;
mod size;
mod slice;
pub mod sort;
#[cfg(test)]
mod testing;
mod translate;
pub mod update;
mod update_raw;
#[cfg(test)]
mod update_raw_tests;
#[cfg(test)]
mod update_tests;
mod update_wide;
mod wide;
#[cfg(test)]
mod work_tests;

pub use aggregate::Pipeline;
pub use bounds::{Bounds, Demands};
pub use filter::Filter;
pub use interval::{Edge, Interval};
pub use name::name_fault;
pub use projection::Projection;
pub use scanning::Matcher;
pub use schema::JsonSchema;
pub use sort::{Ranker, Sort, SortKey};
pub use update::Update;
pub use update_raw::Rewrite;
