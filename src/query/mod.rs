//! Queries, pure: parsed once, matched many times over encoded bytes. No I/O, no locks.
//!
//! - [`filter`]: which documents; `pattern`: regular expressions; [`schema`]: `$jsonSchema`
//! - [`update`]: what changes; [`projection`]: which fields; [`sort`]: in which order
//! - [`expression`]: values computed from a document; [`date`]: dates in calendars and time zones
//! - [`aggregate`]: pipelines of stages
//! - `syntax`, `name`: rules that several of them share; `refusal`: their errors
//! - `number`, `types`, `size`, `wide`, `made`: numbers of any type, types by name, memory of values, objects of many fields, limits of
//!   computed documents; `merge_sort`: sorting that can be stopped

pub mod aggregate;
pub mod date;
pub mod expression;
pub mod filter;
pub mod made;
mod merge_sort;
mod name;
mod number;
mod pattern;
pub mod projection;
#[cfg(test)]
mod property_tests;
mod refusal;
#[cfg(test)]
mod result_tests;
pub mod schema;
mod size;
pub mod sort;
mod syntax;
#[cfg(test)]
mod testing;
mod types;
pub mod update;
mod wide;
#[cfg(test)]
mod work_tests;

pub use aggregate::Pipeline;
pub use filter::{Bounds, Demands, Edge, Filter, Interval, Matcher};
pub use name::name_fault;
pub use projection::Projection;
pub use schema::JsonSchema;
pub use sort::{Ranker, Sort, SortKey};
pub use update::{Rewrite, Update, UpdateTarget};
