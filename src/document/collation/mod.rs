//! Orders of strings by language, as MongoDB's collations are.
//!
//! - `locales`: the locales that there are, under MongoDB's names
//! - `options`: the document of a collation
//! - `rules`: a collation: its options, and the comparison of values under it

mod locales;
mod options;
mod rules;

pub use rules::Collation;
pub(crate) use rules::{DATA_VERSION, has_text};

#[cfg(test)]
mod tests;
