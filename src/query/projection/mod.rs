//! Projections: which fields of a document a caller gets, and which are computed from it.
//!
//! - `parse`: reads a projection and decides what it does with fields that it does not name
//! - `apply`: what becomes of a document

mod apply;
mod parse;

use super::expression::Expression;
use super::operators::Element;
use super::slice::Slice;
use super::wide::Keys;
use crate::work::Work;

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

/// Named paths as a tree.
#[derive(Clone, Debug, Default)]
struct Branch {
    rules: Vec<(String, Rule)>,
    keys: Keys,
}

impl Branch {
    /// Where the rule for a key stands.
    fn find(&self, key: &str) -> Option<usize> {
        self.keys.find(&self.rules, key)
    }

    fn rule(&self, key: &str) -> Option<&Rule> {
        self.find(key).and_then(|at| self.rules.get(at)).map(|(_, rule)| rule)
    }

    fn push(&mut self, key: &str, rule: Rule) {
        self.rules.push((key.to_owned(), rule));
        self.keys.follow(&self.rules);
    }
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
