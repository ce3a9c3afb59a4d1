//! Aggregation expressions: parsed once, evaluated per document.
//!
//! - `tree`: an expression; `parse` makes it, `evaluate` computes its value; `equalities`: what an index finds of a condition
//! - `scope`: what an expression sees: the document, variables, the time; `constants`: the variables of the option `let`; `path`: field
//!   paths
//! - `operator`: an operator that is a function of its arguments; `registry`: all of them
//! - operators by subject: `numbers`, `logic`, `strings`, `dates`, `arrays`, `objects`, `types`
//! - `identity`: equality as bytes

mod arrays;
mod constants;
mod dates;
mod equalities;
mod evaluate;
pub(super) mod identity;
mod logic;
mod numbers;
mod objects;
mod operator;
mod parse;
mod path;
mod registry;
mod scope;
mod strings;
#[cfg(test)]
mod tests;
mod tree;
mod types;
#[cfg(test)]
mod work_tests;

pub(super) use arrays::percentile;
pub(crate) use constants::Constants;
pub(super) use constants::Terms;
pub(super) use numbers::{Num, Total};
pub(super) use objects::lay_over;
pub(super) use parse::Parser;
#[cfg(test)]
use parse::operators;
pub(crate) use path::FieldPath;
pub(super) use path::{Blocked, path_fault};
pub(crate) use scope::{Env, Rooted, Scope};
pub(crate) use tree::Expression;
