//! What a collection asks of its documents, and what a view reads.
//!
//! - `validator`: the filter that documents must match, as it is stored and compiled
//! - `rules`: which documents may be stored, and what is told of the others
//! - `traits`: what every operation looks at
//! - `collation_text`: the collation, as it is stored
//! - `view_definition`: the pipeline of a view

pub(crate) mod collation_text;
#[expect(clippy::module_inception, reason = "the main file of the folder, private")]
mod rules;
mod traits;
mod validator;
pub(crate) mod view_definition;

pub(crate) use rules::{Checked, Rules};
pub(crate) use traits::Traits;
pub(crate) use validator::{Action, Level, Validator, read, write};
pub(crate) use view_definition::ViewDefinition;
