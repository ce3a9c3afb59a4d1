//! The option `let`: variables whose values are known before any document is read.
//!
//! Their values replace their names when expressions are parsed, so evaluation does not see them. A variable of
//! `$let`, `$map` or `$lookup` with the same name hides them, as an inner scope does.

use std::sync::Arc;

use crate::document::Value;
use crate::work::Work;

/// The variables of an operation, and the work that its expressions count with.
#[derive(Clone, Debug, Default)]
pub struct Constants {
    /// Names and values; a value may be missing (`$$REMOVE`).
    all: Arc<[(Box<str>, Option<Value>)]>,
    seed: u64,
    work: Work,
}

impl Constants {
    /// No variables, and the seed of the operation's `$rand`.
    pub fn none(seed: u64) -> Constants {
        Constants { seed, ..Constants::default() }
    }

    /// These variables.
    pub(super) fn of(variables: Vec<(Box<str>, Option<Value>)>, seed: u64, work: &Work) -> Constants {
        Constants { all: variables.into(), seed, work: work.clone() }
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
