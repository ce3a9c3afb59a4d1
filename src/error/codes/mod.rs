//! The error codes of MongoDB.
//!
//! - [`mod@code`]: the codes and their names
//! - `operators`, `stages`: the codes of expressions, accumulators and stages, by fault

pub mod code;
mod operators;
mod stages;

pub use code::*;
pub use operators::{Operator, operator};
pub use stages::{Stage, stage};
