//! A projection, parsed.

use super::slice::Slice;
use crate::document::Collation;
use crate::query::expression::Expression;
use crate::query::filter::Element;
use crate::query::wide::Keys;
use crate::work::Work;

/// The fields to keep, and their parts.
#[derive(Clone, Debug)]
pub struct Projection {
    pub(super) mode: Mode,
    /// The mode of `_id`, if the projection names it as a whole.
    pub(super) id: Option<Mode>,
    pub(super) fields: Branch,
    /// The path that ends with `$`, without it.
    pub(super) positional: Option<String>,
    /// Whether some field is computed.
    pub(super) computed: bool,
    pub(super) collation: Collation,
    pub(super) work: Work,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Include,
    Exclude,
}

/// The projection of a field.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    /// It is included or excluded, by the mode.
    Whole,
    /// Paths continue below it.
    Below(Way),
    /// The matched element of an array; other values stay whole.
    Matched,
    /// These elements of an array; other values stay whole.
    Slice(Slice),
    /// The first element of an array that passes; other values are excluded.
    First(Box<Element>),
    /// The value of the expression replaces it.
    Computed(Box<Expression>),
}

/// Paths that continue below a field.
#[derive(Clone, Debug, Default)]
pub(super) struct Way {
    pub(super) branch: Branch,
    /// Whether the positional path is one of them.
    pub(super) positional: bool,
    /// Whether one of them is computed, so that a missing field is created.
    pub(super) computed: bool,
}

/// Named paths as a tree.
#[derive(Clone, Debug, Default)]
pub(super) struct Branch {
    pub(super) rules: Vec<(String, Rule)>,
    pub(super) keys: Keys,
}

impl Branch {
    /// The position of the rule for a key.
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
