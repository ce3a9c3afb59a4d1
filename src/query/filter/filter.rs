//! What is known of a filter without a document, and whether a document matches.

use super::clause::{Clause, Filter, Test};
use crate::document::{Path, RawValue, Value};
use crate::error::Result;
use crate::work::Work;

impl Filter {
    /// The filter that every document matches.
    pub fn all() -> Filter {
        Filter { root: Clause::All(Vec::new()), work: Work::default() }
    }

    /// Whether the document matches. False when its work was stopped: ask `check` before that is believed.
    #[inline]
    pub fn matches(&self, document: RawValue<'_>) -> bool {
        self.root.matches(document, &self.work)
    }

    /// Refuses when it was stopped, so that what it said last may be wrong.
    pub fn check(&self) -> Result<()> {
        self.work.check()
    }

    /// The work of the operation that it belongs to.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// The place in the array that made the document match, as `$` of an update or a projection means it: of the
    /// outermost array that a condition looked into, of the last condition that did.
    pub fn position(&self, document: RawValue<'_>) -> Option<usize> {
        let mut position = None;
        self.root.locate(document, &mut position, &self.work);
        position
    }

    /// Whether it asks for one `_id` and nothing else: an answer that never changes.
    pub fn is_of_id(&self) -> bool {
        matches!(&self.root, Clause::Field(path, Test::Equal(_))
            if matches!(path.parts(), [part] if &*part.name == "_id"))
    }

    /// Whether matching a small document is little work: there is no pattern, schema or expression.
    pub fn is_light(&self) -> bool {
        self.root.is_light()
    }

    /// Whether every document matches, because nothing is asked.
    pub fn is_all(&self) -> bool {
        matches!(&self.root, Clause::All(clauses) if clauses.is_empty())
    }

    /// The one `_id` that a matching document can have, where the filter says it. `matches` still decides.
    pub fn id(&self) -> Option<&Value> {
        let mut id = None;
        self.root.equalities(&mut |path, value| {
            if let [part] = path.parts()
                && &*part.name == "_id"
                && id.is_none()
            {
                id = Some(value);
            }
        });
        id
    }
}

impl Clause {
    /// Calls back for each equality that every matching document fulfils.
    pub(in crate::query) fn equalities<'a>(&'a self, found: &mut impl FnMut(&'a Path, &'a Value)) {
        match self {
            Clause::All(clauses) => clauses.iter().for_each(|clause| clause.equalities(found)),
            Clause::Any(clauses) => {
                if let [only] = clauses.as_slice() {
                    only.equalities(found);
                }
            }
            Clause::Field(path, Test::Equal(value)) => found(path, value),
            Clause::Every(path, every) => every.values().for_each(|value| found(path, value)),
            Clause::Field(path, Test::In(values)) => {
                if let [only] = values.as_slice() {
                    found(path, only);
                }
            }
            _ => {}
        }
    }
}
