//! Projections: which fields of a document a caller gets, and which are computed from it.
//!
//! - `projection`: a projection, parsed: the paths that it names as a tree; `slice`: `$slice`
//! - `parse`: the grammar, and what happens to fields that the projection does not name
//! - `apply`: the projected document

mod apply;
mod parse;
#[expect(clippy::module_inception, reason = "the main file of the folder, private")]
mod projection;
mod slice;

pub use projection::Projection;
