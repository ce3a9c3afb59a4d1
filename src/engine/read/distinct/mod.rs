//! The distinct values of a field.
//!
//! - `found`: those found so far
//! - `values`: by a plan
//! - `by_index`: from the keys of its index

mod by_index;
mod found;
mod values;

pub(crate) use found::Distinct;
pub(crate) use values::{by_plan, values};
