//! Aggregation expressions: parsed once, evaluated per document.
//!
//! - `tree`: an expression and its evaluation; `parse` reads it, `special` and `special_eval` hold what evaluates its
//!   operands itself
//! - `constants`: the variables of the option `let`; `scope`: what an expression sees; `path`: field paths; `identity`: equality as bytes
//! - `operator`: the table of operators that are plain functions, and their arguments
//! - `number`, `arithmetic`, `trigonometry`, `bits`: numbers; `logic`: booleans and comparison; `total`: sums without drift
//! - `arrays`, `ranked`, `percentile`, `sets`, `objects`: containers
//! - `strings`, `search`, `regex`: text; `convert`, `sizes`: types and sizes
//! - `date_parts`, `date_steps`, `date_format`, `date_text`: dates; `date_args`: dates and time zones as arguments

mod arithmetic;
mod arrays;
mod bits;
mod constants;
mod convert;
mod date_args;
mod date_format;
mod date_parts;
mod date_steps;
#[cfg(test)]
mod date_tests;
mod date_text;
#[cfg(test)]
mod date_zone_tests;
pub(super) mod identity;
mod logic;
pub(super) mod number;
mod objects;
mod operator;
mod parse;
mod path;
pub(super) mod percentile;
mod ranked;
mod regex;
mod scope;
mod search;
mod sets;
mod sizes;
mod special;
mod special_eval;
mod strings;
#[cfg(test)]
mod tests;
pub(super) mod total;
mod tree;
mod trigonometry;

pub use constants::Constants;
pub(super) use objects::lay_over;
#[cfg(test)]
pub(super) use operator::names as operators;
pub(super) use parse::{Parser, path_fault};
pub(in crate::query) use path::Blocked;
pub use path::FieldPath;
pub(super) use ranked::check_variable;
pub use scope::{Env, Root, Rooted, Scope};
pub use tree::Expression;
