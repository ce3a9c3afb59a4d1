//! A filter as a tree of conditions.

use super::bits::Bits;
use super::every::Every;
use super::remainder::Remainder;
use crate::document::kind::Class;
use crate::document::{Path, Value};
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
    /// `$expr`
    Expression(Box<Expression>),
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
