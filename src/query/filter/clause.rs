//! A filter as a tree of conditions.

use super::bits::Bits;
use super::every::Every;
use super::remainder::Remainder;
use crate::document::collation::has_text;
use crate::document::kind::Class;
use crate::document::{Collation, Path, Value};
use crate::query::expression::Expression;
use crate::query::pattern::Pattern;
use crate::query::schema::JsonSchema;
use crate::query::types::Types;
use crate::work::Work;

/// The documents that an operation applies to.
#[derive(Clone, Debug)]
pub struct Filter {
    pub(in crate::query) root: Clause,
    pub(in crate::query) work: Work,
}

/// A condition on documents.
#[derive(Clone, Debug)]
pub(in crate::query) enum Clause {
    All(Vec<Clause>),
    Any(Vec<Clause>),
    Not(Box<Clause>),
    /// A value at the path passes the test.
    Field(Path, Test),
    /// The path has each of many values: `$all`.
    Every(Path, Every),
    /// `$expr`, under a collation.
    Expression(Box<(Expression, Collation)>),
}

/// A condition on a value at the end of a path.
#[derive(Clone, Debug)]
pub(in crate::query) enum Test {
    Equal(Value),
    Less(Bound),
    Greater(Bound),
    /// Sorted by the total order.
    In(Vec<Value>),
    /// `$in` with regular expressions: equal to one of the values, or matched by one of the patterns.
    Among(Vec<Value>, Vec<Pattern>),
    /// A string in which the pattern is found.
    Pattern(Pattern),
    /// `$contains`: an array with this element, or a string in which the pattern is found.
    Contains(Value, Option<Pattern>),
    Exists,
    Type(Types),
    Size(usize),
    Mod(Remainder),
    /// An array with an element like this.
    Element(Box<Element>),
    Bits(Bits),
    /// `$jsonSchema`, on the empty path.
    Schema(Box<JsonSchema>),
    /// A comparison with strings under a collation.
    Collated(Box<Collated>),
}

/// A comparison under a collation: an equality, an order, or an equality with one of several values or with an element.
#[derive(Clone, Debug)]
pub(in crate::query) struct Collated {
    pub(in crate::query) collation: Collation,
    /// As it was given.
    pub(in crate::query) test: Test,
    /// The same of sort keys.
    pub(in crate::query) keyed: Test,
}

impl Test {
    /// The comparison under this collation. It is the same where there is no string to compare with.
    #[must_use]
    pub(in crate::query) fn under(self, collation: &Collation) -> Test {
        if collation.is_simple() || !self.operands().any(has_text) {
            return self;
        }
        let all = |values: &[Value]| values.iter().map(|value| collation.keyed(value)).collect();
        let bound = |bound: &Bound| Bound { value: collation.keyed(&bound.value), ..bound.clone() };
        let keyed = match &self {
            Test::Equal(value) => Test::Equal(collation.keyed(value)),
            Test::Less(one) => Test::Less(bound(one)),
            Test::Greater(one) => Test::Greater(bound(one)),
            Test::In(values) => Test::In(all(values)),
            Test::Among(values, patterns) => Test::Among(all(values), patterns.clone()),
            Test::Contains(value, pattern) => Test::Contains(collation.keyed(value), pattern.clone()),
            _ => return self,
        };
        Test::Collated(Box::new(Collated { collation: collation.clone(), test: self, keyed }))
    }

    /// The values that it compares with.
    fn operands(&self) -> impl Iterator<Item = &Value> {
        let values = match self {
            Test::Equal(value) | Test::Contains(value, _) => std::slice::from_ref(value),
            Test::Less(bound) | Test::Greater(bound) => std::slice::from_ref(&bound.value),
            Test::In(values) | Test::Among(values, _) => values.as_slice(),
            _ => &[],
        };
        values.iter()
    }
}

/// The operand of a comparison.
#[derive(Clone, Debug)]
pub(in crate::query) struct Bound {
    pub(in crate::query) value: Value,
    pub(in crate::query) class: Class,
    /// Whether the operand itself passes.
    pub(in crate::query) inclusive: bool,
}

/// A condition on an array element.
#[derive(Clone, Debug)]
pub(in crate::query) enum Element {
    /// An object that matches a filter.
    Matching(Filter),
    /// A value that passes operators.
    Passing(Clause),
}
