//! The option `let`: variables whose values are known before any document is read.
//!
//! Their values replace their names when expressions are parsed, so evaluation does not see them. A variable of
//! `$let`, `$map` or `$lookup` with the same name hides them, as an inner scope does.

use std::sync::Arc;

use crate::document::{Collation, Path, Value};
use crate::work::Work;

/// The variables of an operation, and the work that its expressions count with.
#[derive(Clone, Debug, Default)]
pub struct Constants {
    /// Names and values; a value may be missing (`$$REMOVE`).
    all: Arc<[(Box<str>, Option<Value>)]>,
    seed: u64,
    work: Work,
    collation: Collation,
    /// Whether the operation names the collation.
    named: bool,
}

/// How values compare in a part of an operation.
#[derive(Clone, Copy)]
pub(in crate::query) struct Terms<'c> {
    pub(in crate::query) work: &'c Work,
    collation: &'c Collation,
    /// Whether its paths begin in stored documents, whose `_id` compares by bytes.
    stored: bool,
}

impl<'c> Terms<'c> {
    /// Under this collation, with paths that begin anywhere.
    pub(in crate::query) fn under(collation: &'c Collation, work: &'c Work) -> Terms<'c> {
        Terms { work, collation, stored: false }
    }

    /// The same for paths that begin within a document.
    #[must_use]
    pub(in crate::query) fn nested(self) -> Terms<'c> {
        Terms { stored: false, ..self }
    }

    /// The same for paths that begin in stored documents, if that is so.
    #[must_use]
    pub(in crate::query) fn of_stored(self, stored: bool) -> Terms<'c> {
        Terms { stored, ..self }
    }

    /// The collation.
    pub(in crate::query) fn collation(self) -> &'c Collation {
        self.collation
    }

    /// The collation of the values at a path.
    pub(in crate::query) fn at(self, path: &Path) -> &'c Collation {
        if self.stored && path.is_id() { &Collation::SIMPLE } else { self.collation }
    }
}

impl Constants {
    /// No variables, and the seed of the operation's `$rand`.
    pub fn none(seed: u64) -> Constants {
        Constants { seed, ..Constants::default() }
    }

    /// These variables.
    pub(super) fn of(variables: Vec<(Box<str>, Option<Value>)>, seed: u64, work: &Work) -> Constants {
        Constants {
            all: variables.into(),
            seed,
            work: work.clone(),
            collation: Collation::SIMPLE,
            named: false,
        }
    }

    /// The seed of the operation's `$rand`.
    pub(in crate::query) fn seed(&self) -> u64 {
        self.seed
    }

    /// The same for an operation with this work.
    #[must_use]
    pub fn within(mut self, work: &Work) -> Constants {
        self.work = work.clone();
        self
    }

    /// The same under a collation.
    #[must_use]
    pub fn under(mut self, collation: Collation) -> Constants {
        self.collation = collation;
        self
    }

    /// The same where the operation names the collation.
    #[must_use]
    pub(crate) fn named(self) -> Constants {
        Constants { named: true, ..self }
    }

    /// Whether the operation names the collation; else it is that of its collection.
    pub(crate) fn is_named(&self) -> bool {
        self.named
    }

    /// The order of strings.
    pub fn collation(&self) -> &Collation {
        &self.collation
    }

    /// How the values of stored documents compare.
    pub(in crate::query) fn terms(&self) -> Terms<'_> {
        Terms { work: &self.work, collation: &self.collation, stored: true }
    }

    /// The work of the operation.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// The value of this variable, or `None` where there is no such variable.
    #[expect(clippy::option_option, reason = "a variable without a value and no variable are two things")]
    pub(super) fn get(&self, name: &str) -> Option<Option<&Value>> {
        self.all.iter().find(|(own, _)| **own == *name).map(|(_, value)| value.as_ref())
    }
}
