//! Properties of a filter, and whether a document matches.

use super::clause::{Clause, Filter, Test};
use crate::document::{Collation, Node, Path, RawValue, Value, weight};
use crate::error::Result;
use crate::work::Work;

impl Filter {
    /// The filter that every document matches.
    pub fn all() -> Filter {
        Filter { root: Clause::All(Vec::new()), work: Work::default() }
    }

    /// The documents that have one of these values at a path, or in an array there.
    pub(in crate::query) fn of_values(path: Path, mut values: Vec<Value>, collation: &Collation) -> Filter {
        values.sort_by(|a, b| collation.compare(a, b));
        Filter { root: Clause::Field(path, Test::In(values).under(collation)), work: Work::default() }
    }

    /// The same filter as a part of another operation.
    #[must_use]
    pub(crate) fn within(self, work: &Work) -> Filter {
        Filter { work: work.clone(), ..self }
    }

    /// Whether the document matches. Also false if its work was stopped, which `check` reports.
    #[inline]
    pub fn matches(&self, document: RawValue<'_>) -> bool {
        self.root.matches(document, &self.work)
    }

    /// The same for a value that is no stored document, counted against the work of another operation.
    #[inline]
    pub(crate) fn matches_within<'a>(&self, document: impl Node<'a>, work: &Work) -> bool {
        self.root.matches(document, work)
    }

    /// Fails if its work was stopped, so that the last result may be wrong.
    pub fn check(&self) -> Result<()> {
        self.work.check()
    }

    /// The work of the operation that it belongs to.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// The index of the array element by which the document matched, for `$` of an update or a projection: in the
    /// outermost array of the last condition that matched by an element.
    pub fn position(&self, document: RawValue<'_>) -> Option<usize> {
        let mut position = None;
        self.root.locate(document, &mut position, &self.work);
        position
    }

    /// Whether it is a condition on one `_id` and nothing else.
    pub fn is_of_id(&self) -> bool {
        matches!(&self.root, Clause::Field(path, Test::Equal(_)) if path.is_id())
    }

    /// Whether matching a small document is cheap: there is no pattern, schema or expression.
    pub fn is_light(&self) -> bool {
        self.root.is_light()
    }

    /// About how many bytes of memory its conditions take. Operands of the rarer ones are not counted.
    pub fn weight(&self) -> usize {
        self.root.weight()
    }

    /// The collation of its comparisons; the simple one where none depends on it.
    pub(crate) fn collation(&self) -> Collation {
        self.root.collation().cloned().unwrap_or_default()
    }

    /// Whether it has no conditions, so that every document matches.
    pub fn is_all(&self) -> bool {
        matches!(&self.root, Clause::All(clauses) if clauses.is_empty())
    }

    /// The documents that match both.
    #[must_use]
    pub(in crate::query) fn and(self, other: Filter) -> Filter {
        match (self.is_all(), other.is_all()) {
            (true, _) => other,
            (_, true) => self,
            _ => Filter { root: Clause::All(vec![self.root, other.root]), work: self.work },
        }
    }

    /// Whether it looks at no other fields of the document than those that pass.
    pub(in crate::query) fn looks_only_at(&self, passes: &impl Fn(&str) -> bool) -> bool {
        self.root.looks_only_at(passes)
    }

    /// The only `_id` that a matching document can have, if the filter determines it. `matches` still decides.
    pub fn id(&self) -> Option<&Value> {
        let mut id = None;
        self.root.equalities(&mut |path, value| {
            if path.is_id() && id.is_none() {
                id = Some(value);
            }
        });
        id
    }
}

/// The bytes of a condition besides its operands.
const EACH: usize = 64;

impl Test {
    /// About how many bytes of memory its operands take.
    fn weight(&self) -> usize {
        match self {
            Test::Equal(value) => weight(value),
            Test::Less(bound) | Test::Greater(bound) => weight(&bound.value),
            Test::In(values) => values.iter().map(|value| EACH / 2 + weight(value)).sum(),
            _ => 0,
        }
    }

    /// As it was given, without its collation.
    fn plain(&self) -> &Test {
        match self {
            Test::Collated(collated) => &collated.test,
            plain => plain,
        }
    }
}

impl Clause {
    /// About how many bytes of memory it takes.
    fn weight(&self) -> usize {
        let operands = match self {
            Clause::All(clauses) | Clause::Any(clauses) => clauses.iter().map(Clause::weight).sum(),
            Clause::Not(clause) => clause.weight(),
            Clause::Field(path, test) => {
                let names: usize = path.parts().iter().map(|part| EACH + part.name.len()).sum();
                names
                    + match test {
                        // With the sort keys.
                        Test::Collated(collated) => 3 * collated.test.weight(),
                        plain => plain.weight(),
                    }
            }
            Clause::Every(..) | Clause::Expression(_) => 0,
        };
        EACH + operands
    }

    fn collation(&self) -> Option<&Collation> {
        match self {
            Clause::All(clauses) | Clause::Any(clauses) => clauses.iter().find_map(Clause::collation),
            Clause::Not(clause) => clause.collation(),
            Clause::Field(_, Test::Collated(collated)) => Some(&collated.collation),
            _ => None,
        }
    }

    fn looks_only_at(&self, passes: &impl Fn(&str) -> bool) -> bool {
        match self {
            Clause::All(clauses) | Clause::Any(clauses) => {
                clauses.iter().all(|clause| clause.looks_only_at(passes))
            }
            Clause::Not(clause) => clause.looks_only_at(passes),
            Clause::Field(path, _) | Clause::Every(path, _) => {
                path.parts().first().is_some_and(|first| passes(&first.name))
            }
            Clause::Expression(_) => false,
        }
    }

    /// Calls `found` for each equality that every matching document fulfils.
    pub(in crate::query) fn equalities<'a>(&'a self, found: &mut impl FnMut(&'a Path, &'a Value)) {
        match self {
            Clause::All(clauses) => clauses.iter().for_each(|clause| clause.equalities(found)),
            Clause::Any(clauses) => {
                if let [only] = clauses.as_slice() {
                    only.equalities(found);
                }
            }
            Clause::Every(path, every) => every.values().for_each(|value| found(path, value)),
            Clause::Field(path, test) => match test.plain() {
                Test::Equal(value) => found(path, value),
                Test::In(values) => {
                    if let [only] = values.as_slice() {
                        found(path, only);
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
}
