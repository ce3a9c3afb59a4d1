//! Whether a document matches. The hot loop of a scan: nothing here allocates.

use std::cmp::Ordering;

use super::filter::{Bound, Clause, Test};
use super::pattern::Pattern;
use crate::document::order::{Class, compare_nodes};
use crate::document::{Leaf, Node, Seen, Value};

impl Clause {
    /// Whether the document fulfils it.
    pub(super) fn matches<'a>(&self, document: impl Node<'a>) -> bool {
        match self {
            Clause::All(clauses) => clauses.iter().all(|clause| clause.matches(document)),
            Clause::Any(clauses) => clauses.iter().any(|clause| clause.matches(document)),
            Clause::Not(clause) => !clause.matches(document),
            Clause::Field(path, test) => path.walk(document, test.leaf(), &mut |value| test.passes(value)),
            Clause::Expression(expression) => expression.holds_for(document),
        }
    }
}

impl Clause {
    /// Whether the value itself passes the operators: a condition whose paths lead nowhere else, and which does
    /// not look into an array.
    pub(super) fn holds<'a>(&self, value: impl Node<'a>) -> bool {
        match self {
            Clause::All(clauses) => clauses.iter().all(|clause| clause.holds(value)),
            Clause::Any(clauses) => clauses.iter().any(|clause| clause.holds(value)),
            Clause::Not(clause) => !clause.holds(value),
            Clause::Field(_, test) => test.passes(Some(value)),
            Clause::Expression(expression) => expression.holds_for(value),
        }
    }
}

impl Clause {
    /// `matches` that tells the array element which a condition passed by. As in MongoDB alternatives and negations
    /// tell none.
    pub(super) fn locate<'a>(&self, document: impl Node<'a>, position: &mut Option<usize>) -> bool {
        match self {
            Clause::All(clauses) => clauses.iter().all(|clause| clause.locate(document, position)),
            Clause::Any(clauses) => match clauses.as_slice() {
                [only] => only.locate(document, position),
                _ => self.matches(document),
            },
            Clause::Not(_) | Clause::Expression(_) => self.matches(document),
            Clause::Field(path, test) => {
                let mut found = None;
                let matched = path.walk_indexed(document, test.leaf(), &mut |value, outer| {
                    let passes = test.passes(value);
                    if passes {
                        found = outer.or_else(|| test.element_of(value));
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

fn finds(pattern: &Pattern, seen: Seen<'_>) -> bool {
    matches!(seen, Seen::String(text) if pattern.is_in(text))
}

impl Test {
    /// The first element that a test of a whole array passed by.
    fn element_of<'a>(&self, value: Option<impl Node<'a>>) -> Option<usize> {
        match self {
            Test::Element(element) => value?.items().position(|item| element.takes(item)),
            Test::Contains(operand, _) => {
                value?.items().position(|item| compare_nodes(item, operand).is_eq())
            }
            _ => None,
        }
    }

    pub(super) fn leaf(&self) -> Leaf {
        match self {
            Test::Exists | Test::Size(_) | Test::Element(_) | Test::Contains(..) | Test::Schema(_) => {
                Leaf::Whole
            }
            _ => Leaf::Elements,
        }
    }

    /// Whether this value passes; `None` is a missing one, which compares as null.
    #[inline]
    pub(super) fn passes<'a>(&self, value: Option<impl Node<'a>>) -> bool {
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
                matches!(value.seen(), Seen::Array) && value.items().count() == *size
            }
            (Test::Element(element), Some(value)) => value.items().any(|item| element.takes(item)),
            (Test::Pattern(pattern), Some(value)) => finds(pattern, value.seen()),
            (Test::Among(operands, patterns), Some(value)) => {
                operands.binary_search_by(|operand| compare_nodes(operand, value)).is_ok()
                    || patterns.iter().any(|pattern| finds(pattern, value.seen()))
            }
            (Test::Contains(operand, pattern), Some(value)) => {
                pattern.as_ref().is_some_and(|pattern| finds(pattern, value.seen()))
                    || value.items().any(|item| compare_nodes(item, operand).is_eq())
            }
            (Test::Bits(bits), Some(value)) => bits.are_of(value.seen()),
            (Test::Schema(schema), Some(value)) => schema.holds(value),
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

impl Bound {
    /// Comparisons stay within the class of the operand, and NaN is comparable with NaN alone.
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

fn is_nan(seen: Seen<'_>) -> bool {
    matches!(seen, Seen::Double(value) if value.is_nan())
}
