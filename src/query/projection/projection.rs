//! A projection, parsed.

use super::slice::Slice;
use crate::query::expression::Expression;
use crate::query::filter::Element;
use crate::query::wide::Keys;
use crate::work::Work;

/// Which fields stay, and what of them.
#[derive(Clone, Debug)]
pub struct Projection {
    pub(super) mode: Mode,
    /// Whether `_id` stays, where the projection names it as a whole.
    pub(super) id: Option<Mode>,
    pub(super) fields: Branch,
    /// The path that ends with `$`, without it.
    pub(super) positional: Option<String>,
    /// Whether some field is computed.
    pub(super) computed: bool,
    pub(super) work: Work,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Include,
    Exclude,
}

/// What becomes of a field that a path names, or leads through.
#[derive(Clone, Debug)]
pub(super) enum Rule {
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
pub(super) struct Way {
    pub(super) branch: Branch,
    /// Whether the positional path is one of them.
    pub(super) positional: bool,
    /// Whether one of them is computed, so that the field is made where it is missing.
    pub(super) computed: bool,
}

/// Named paths as a tree.
#[derive(Clone, Debug, Default)]
pub(super) struct Branch {
    pub(super) rules: Vec<(String, Rule)>,
    pub(super) keys: Keys,
}

impl Branch {
    /// Where the rule for a key stands.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        self.keys.find(&self.rules, key)
    }

    pub(super) fn rule(&self, key: &str) -> Option<&Rule> {
        self.find(key).and_then(|at| self.rules.get(at)).map(|(_, rule)| rule)
    }

    pub(super) fn push(&mut self, key: &str, rule: Rule) {
        self.rules.push((key.to_owned(), rule));
        self.keys.follow(&self.rules);
    }
}
