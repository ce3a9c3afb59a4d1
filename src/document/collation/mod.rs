//! Orders of strings by language, as MongoDB's collations are.
//!
//! - `locales`: the locales that there are, under MongoDB's names
//! - `options`: the document of a collation
//! - `rules`: a collation: its options, and the comparison of values under it; `runs`: texts with more combining marks than a collator
//!   should be given

mod locales;
mod options;
mod rules;
mod runs;

pub use rules::Collation;
pub(crate) use rules::{DATA_VERSION, has_text};

#[cfg(test)]
mod tests;
