//! The paths that a projection names, as a tree.

use super::Rule;
use crate::query::wide::Keys;

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
