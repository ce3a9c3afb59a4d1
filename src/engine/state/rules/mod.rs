//! What a collection asks of its documents.
//!
//! - `validator`: the filter that documents must match, as it is stored and compiled
//! - `rules`: which documents may be stored, and what is told of the others

#[expect(clippy::module_inception, reason = "the main file of the folder, private")]
mod rules;
mod validator;

pub(crate) use rules::{Checked, Rules};
pub(crate) use validator::{Action, Level, Validator, read, write};
