//! Projections: which fields of a document a caller gets, and which are computed from it.
//!
//! - `parse`: reads a projection and decides what it does with fields that it does not name
//! - `apply`: what becomes of a document
//! - `branch`: the named paths, as a tree

mod apply;
mod branch;
mod parse;

use super::expression::Expression;
use super::operators::Element;
use super::slice::Slice;
use crate::work::Work;
use branch::Branch;

/// Which fields stay, and what of them.
#[derive(Clone, Debug)]
pub struct Projection {
    mode: Mode,
    /// Whether `_id` stays, where the projection names it as a whole.
    id: Option<Mode>,
    fields: Branch,
    /// The path that ends with `$`, without it.
    positional: Option<String>,
    /// Whether some field is computed.
    computed: bool,
    work: Work,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Include,
    Exclude,
}

/// What becomes of a field that a path names, or leads through.
#[derive(Clone, Debug)]
enum Rule {
    /// It stays or goes, by the mode.
    Whole,
    /// Paths lead into it.
    Below(Way),
    /// The element at the position of the match; other values stay whole.
    Matched,
    /// These elements of an array; other values stay whole.
    Slice(Slice),
    /// The first element like this, in an array; nothing of other values.
    First(Box<Element>),
    /// The value of the expression takes its place.
    Computed(Box<Expression>),
}

/// Paths that lead into a field.
#[derive(Clone, Debug, Default)]
struct Way {
    branch: Branch,
    /// Whether the positional path is one of them.
    positional: bool,
    /// Whether one of them is computed, so that the field is made where it is missing.
    computed: bool,
}
