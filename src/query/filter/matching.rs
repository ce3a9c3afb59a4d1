//! Whether a document matches. The hot loop of a scan: nothing here allocates.

use std::cmp::Ordering;

use super::clause::{Bound, Clause, Collated, Element, Test};
use crate::document::kind::Class;
use crate::document::order::compare_nodes;
use crate::document::{Leaf, Node, NodeKind, Value};
use crate::query::pattern::Pattern;
use crate::work::Work;

/// Bytes of text that a pattern reads per step.
const TEXT: usize = 128;

impl Clause {
    /// Whether the document fulfils it.
    pub(in crate::query) fn matches<'a>(&self, document: impl Node<'a>, work: &Work) -> bool {
        match self {
            Clause::All(clauses) => clauses.iter().all(|clause| clause.matches(document, work)),
            Clause::Any(clauses) => clauses.iter().any(|clause| clause.matches(document, work)),
            Clause::Not(clause) => !clause.matches(document, work),
            Clause::Field(path, test) => {
                let visit = &mut |value: Option<_>| work.goes_on(1) && test.passes(value, work);
                path.walk(document, test.leaf(), visit)
            }
            Clause::Every(path, every) => every.is_met(path, document, work),
            Clause::Expression(condition) => condition.0.holds_for(document, &condition.1, work),
        }
    }
}

impl Clause {
    /// Whether the value itself passes the operators of a condition, whose paths are empty and which does not look
    /// into arrays.
    pub(in crate::query) fn holds<'a>(&self, value: impl Node<'a>, work: &Work) -> bool {
        match self {
            Clause::All(clauses) => clauses.iter().all(|clause| clause.holds(value, work)),
            Clause::Any(clauses) => clauses.iter().any(|clause| clause.holds(value, work)),
            Clause::Not(clause) => !clause.holds(value, work),
            Clause::Field(_, test) => work.goes_on(1) && test.passes(Some(value), work),
            // Such a condition does not look into an array.
            Clause::Every(_, every) => {
                every.values().all(|one| work.goes_on(1) && compare_nodes(value, one).is_eq())
            }
            Clause::Expression(condition) => condition.0.holds_for(value, &condition.1, work),
        }
    }
}

impl Clause {
    /// `matches`, which also sets the array element by which a condition passed. As in MongoDB, alternatives and
    /// negations set none.
    pub(in crate::query) fn locate<'a>(
        &self,
        document: impl Node<'a>,
        position: &mut Option<usize>,
        work: &Work,
    ) -> bool {
        match self {
            Clause::All(clauses) => clauses.iter().all(|clause| clause.locate(document, position, work)),
            Clause::Any(clauses) => match clauses.as_slice() {
                [only] => only.locate(document, position, work),
                _ => self.matches(document, work),
            },
            Clause::Not(_) | Clause::Expression(_) => self.matches(document, work),
            Clause::Every(path, every) => every.locate(path, document, position, work),
            Clause::Field(path, test) => {
                let mut found = None;
                let matched = path.walk_indexed(document, test.leaf(), &mut |value, outer| {
                    let passes = work.goes_on(1) && test.passes(value, work);
                    if passes {
                        found = outer.or_else(|| test.element_of(value, work));
                    }
                    passes
                });
                if found.is_some() {
                    *position = found;
                }
                matched
            }
        }
    }
}

impl Clause {
    /// See [`Filter::is_light`].
    pub(in crate::query) fn is_light(&self) -> bool {
        match self {
            Clause::All(clauses) | Clause::Any(clauses) => clauses.iter().all(Clause::is_light),
            Clause::Not(clause) => clause.is_light(),
            Clause::Field(_, test) => !matches!(
                test,
                Test::Among(..)
                    | Test::Pattern(_)
                    | Test::Contains(_, Some(_))
                    | Test::Element(_)
                    | Test::Schema(_)
                    | Test::Collated(_)
            ),
            Clause::Every(..) | Clause::Expression(_) => false,
        }
    }
}

fn finds(pattern: &Pattern, seen: NodeKind<'_>, work: &Work) -> bool {
    matches!(seen, NodeKind::String(text) if is_found(pattern, text, work))
}

/// Whether the expression is found in the text; counted by the length of the text.
pub(super) fn is_found(pattern: &Pattern, text: &[u8], work: &Work) -> bool {
    work.goes_on(1 + text.len() / TEXT) && pattern.is_in(text)
}

impl Test {
    /// The first element by which a test of a whole array passed.
    fn element_of<'a>(&self, value: Option<impl Node<'a>>, work: &Work) -> Option<usize> {
        match self {
            Test::Element(element) => value?.items().position(|item| element.takes(item, work)),
            Test::Contains(operand, _) => {
                value?.items().position(|item| compare_nodes(item, operand).is_eq())
            }
            Test::Collated(collated) => match &collated.test {
                Test::Contains(operand, _) => {
                    value?.items().position(|item| collated.collation.equal(item, operand))
                }
                _ => None,
            },
            _ => None,
        }
    }

    pub(in crate::query) fn leaf(&self) -> Leaf {
        match self {
            Test::Exists | Test::Size(_) | Test::Element(_) | Test::Contains(..) | Test::Schema(_) => {
                Leaf::Whole
            }
            Test::Collated(collated) => collated.test.leaf(),
            _ => Leaf::Elements,
        }
    }

    /// Whether this value passes; `None` is a missing value, which compares as null.
    #[inline]
    pub(in crate::query) fn passes<'a>(&self, value: Option<impl Node<'a>>, work: &Work) -> bool {
        match (self, value) {
            (Test::Exists, value) => value.is_some(),
            (Test::Equal(operand), Some(value)) => compare_nodes(value, operand).is_eq(),
            (Test::Equal(operand), None) => matches!(operand, Value::Null),
            (Test::Less(bound), Some(value)) => bound.passes(value, Ordering::Less),
            (Test::Greater(bound), Some(value)) => bound.passes(value, Ordering::Greater),
            (Test::Less(bound) | Test::Greater(bound), None) => bound.class == Class::Null && bound.inclusive,
            (Test::In(operands), Some(value)) => {
                operands.binary_search_by(|operand| compare_nodes(operand, value)).is_ok()
            }
            (Test::Type(types), Some(value)) => types.contains(value.seen()),
            (Test::Mod(remainder), Some(value)) => remainder.is_of(value.seen()),
            (Test::Size(size), Some(value)) => {
                matches!(value.seen(), NodeKind::Array(())) && value.items().count() == *size
            }
            (Test::Element(element), Some(value)) => {
                value.items().any(|item| work.goes_on(1) && element.takes(item, work))
            }
            (Test::Pattern(pattern), Some(value)) => finds(pattern, value.seen(), work),
            (Test::Among(operands, patterns), Some(value)) => {
                operands.binary_search_by(|operand| compare_nodes(operand, value)).is_ok()
                    || patterns.iter().any(|pattern| finds(pattern, value.seen(), work))
            }
            (Test::Contains(operand, pattern), Some(value)) => {
                pattern.as_ref().is_some_and(|pattern| finds(pattern, value.seen(), work))
                    || value.items().any(|item| work.goes_on(1) && compare_nodes(item, operand).is_eq())
            }
            (Test::Bits(bits), Some(value)) => bits.are_of(value.seen()),
            (Test::Schema(schema), Some(value)) => schema.holds(value, work),
            (Test::Collated(collated), value) => collated.passes(value, work),
            (Test::Bits(_) | Test::Schema(_), None) => false,
            (Test::Type(_) | Test::Mod(_) | Test::Size(_) | Test::Element(_), None) => false,
            (Test::Pattern(_) | Test::Contains(..), None) => false,
            // Null is the smallest value: it can only be the first.
            (Test::In(operands) | Test::Among(operands, _), None) => {
                matches!(operands.first(), Some(Value::Null))
            }
        }
    }
}

impl Collated {
    /// Whether this value passes. Out of line, so that other conditions do not become slower.
    #[inline(never)]
    fn passes<'a>(&self, value: Option<impl Node<'a>>, work: &Work) -> bool {
        let collation = &self.collation;
        let Some(value) = value else { return self.test.passes(None::<&Value>, work) };
        if let NodeKind::String(text) = value.seen()
            && !work.goes_on(text.len() / TEXT)
        {
            return false;
        }
        let ordered = |bound: &Bound, wanted: Ordering| {
            value.seen().class() == bound.class
                && match collation.compare(value, &bound.value) {
                    Ordering::Equal => bound.inclusive,
                    order => order == wanted,
                }
        };
        match &self.test {
            Test::Equal(operand) => collation.equal(value, operand),
            Test::Less(bound) => ordered(bound, Ordering::Less),
            Test::Greater(bound) => ordered(bound, Ordering::Greater),
            Test::In(operands) => self.is_among(operands, value),
            Test::Among(operands, patterns) => {
                self.is_among(operands, value)
                    || patterns.iter().any(|pattern| finds(pattern, value.seen(), work))
            }
            Test::Contains(operand, pattern) => {
                pattern.as_ref().is_some_and(|pattern| finds(pattern, value.seen(), work))
                    || value.items().any(|item| work.goes_on(1) && collation.equal(item, operand))
            }
            _ => false,
        }
    }

    fn is_among<'a>(&self, operands: &[Value], value: impl Node<'a>) -> bool {
        operands.binary_search_by(|operand| self.collation.compare(operand, value)).is_ok()
    }
}

impl Bound {
    /// Comparisons are limited to the class of the operand, and NaN compares only with NaN.
    #[inline]
    fn passes<'a>(&self, value: impl Node<'a>, wanted: Ordering) -> bool {
        let seen = value.seen();
        if seen.class() != self.class {
            return false;
        }
        let order = compare_nodes(value, &self.value);
        if order.is_eq() {
            return self.inclusive;
        }
        order == wanted && !is_nan(seen) && !is_nan((&self.value).seen())
    }
}

fn is_nan(seen: NodeKind<'_>) -> bool {
    matches!(seen, NodeKind::Double(value) if value.is_nan())
}

impl Element {
    /// Whether the element passes. An element that is an array has its indexes as keys, and operators do not look
    /// into it.
    #[inline]
    pub(in crate::query) fn takes<'a>(&self, item: impl Node<'a>, work: &Work) -> bool {
        match self {
            Element::Matching(filter) => {
                matches!(item.seen(), NodeKind::Object(()) | NodeKind::Array(()))
                    && filter.root.matches(item, work)
            }
            Element::Passing(clause) => clause.holds(item, work),
        }
    }
}
