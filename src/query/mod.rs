//! Queries, pure: parsed once, matched many times over encoded bytes. No I/O, no locks.
//!
//! - [`filter`]: which documents; `operators` reads its rarer operators, `pattern` its regular expressions,
//!   `matcher` decides, and [`scanning`] decides faster over many documents
//! - [`update`]: what changes; `positional` tells which array elements, `place` finds the place in a tree, `change` changes the value there,
//!   `push`, `elements` and `arithmetic` are its larger operators
//! - [`projection`]: which fields of a document; `slice` which elements of an array
//! - [`sort`]: in which order
//! - [`expression`]: values computed from a document; [`aggregate`]: pipelines of stages

pub mod aggregate;
mod arithmetic;
mod change;
mod elements;
pub mod expression;
pub mod filter;
#[cfg(test)]
mod filter_tests;
mod matcher;
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
mod slice;
pub mod sort;
#[cfg(test)]
mod testing;
pub mod update;
#[cfg(test)]
mod update_tests;

pub use aggregate::Pipeline;
pub use filter::Filter;
pub use projection::Projection;
pub use scanning::Matcher;
pub use sort::{Ranker, Sort, SortKey};
pub use update::Update;
