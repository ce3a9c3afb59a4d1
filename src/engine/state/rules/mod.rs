//! What a collection asks of its documents, and what a view reads.
//!
//! - `validator`: the filter that documents must match, as it is stored and compiled
//! - `rules`: which documents may be stored, and what is told of the others
//! - `view_definition`: the pipeline of a view

#[expect(clippy::module_inception, reason = "the main file of the folder, private")]
mod rules;
mod validator;
pub(crate) mod view_definition;

pub(crate) use rules::{Checked, Rules};
pub(crate) use validator::{Action, Level, Validator, read, write};
pub(crate) use view_definition::ViewDefinition;
