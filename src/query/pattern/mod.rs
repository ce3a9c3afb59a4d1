//! Regular expressions, as JavaScript writes them, matched in time linear in the text.
//!
//! - `pattern`: compiled expressions
//! - `translate`: JavaScript's syntax to that of the crate `regex`

#[expect(clippy::module_inception, reason = "the main file of the folder, private")]
mod pattern;
mod translate;

pub(super) use pattern::{CapturingPattern, Pattern, Source};
