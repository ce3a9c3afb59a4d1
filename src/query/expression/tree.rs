//! An expression as a tree: `parse` makes it, `evaluate` computes its value.

use super::operator::Operator;
use super::path::FieldPath;
use crate::document::Value;
use crate::query::pattern::CapturingPattern;

/// An aggregation expression, parsed.
#[derive(Clone, Debug)]
pub(crate) struct Expression(pub(super) Form);

#[derive(Clone, Debug)]
pub(super) enum Form {
    /// A constant; `None` is `$$REMOVE`.
    Literal(Option<Value>),
    Field(FieldPath),
    Now,
    Variable(Box<str>, FieldPath),
    Object(Vec<(String, Expression)>),
    Array(Vec<Expression>),
    Call(&'static Operator, Vec<Option<Expression>>),
    Special(Box<Special>),
}

impl Expression {
    /// A constant.
    pub(in crate::query) fn literal(value: Value) -> Expression {
        Expression(Form::Literal(Some(value)))
    }

    /// The constant, if it is one.
    pub(in crate::query) fn as_literal(&self) -> Option<&Value> {
        match &self.0 {
            Form::Literal(value) => value.as_ref(),
            _ => None,
        }
    }

    /// The field path, if it is one.
    pub(in crate::query) fn as_path(&self) -> Option<&FieldPath> {
        match &self.0 {
            Form::Field(path) => Some(path),
            _ => None,
        }
    }

    /// Fields and their expressions, if it is an object of them.
    pub(in crate::query) fn as_object(&self) -> Option<&[(String, Expression)]> {
        match &self.0 {
            Form::Object(fields) => Some(fields),
            _ => None,
        }
    }
}

/// Operators that evaluate their operands themselves: some not at all, some many times, some with variables.
#[derive(Clone, Debug)]
pub(super) enum Special {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Cond([Expression; 3]),
    IfNull(Vec<Expression>),
    Switch(Vec<(Expression, Expression)>, Option<Expression>),
    Let(Vec<(String, Expression)>, Expression),
    /// `$in` of a list of constants, sorted.
    OneOf(Expression, Vec<Value>),
    Map {
        input: Expression,
        name: String,
        each: Expression,
    },
    Filter {
        input: Expression,
        name: String,
        keep: Expression,
        limit: Option<Expression>,
    },
    Reduce {
        input: Expression,
        initial: Expression,
        step: Expression,
    },
    Convert {
        input: Expression,
        to: Expression,
        on_error: Option<Expression>,
        on_null: Option<Expression>,
    },
    GetField {
        field: Expression,
        input: Expression,
    },
    Regex(RegexCall),
}

impl Special {
    /// The operator's name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Special::And(_) => "$and",
            Special::Or(_) => "$or",
            Special::Cond(_) => "$cond",
            Special::IfNull(_) => "$ifNull",
            Special::Switch(..) => "$switch",
            Special::OneOf(..) => "$in",
            Special::Let(..) => "$let",
            Special::Map { .. } => "$map",
            Special::Filter { .. } => "$filter",
            Special::Reduce { .. } => "$reduce",
            Special::Convert { .. } => "$convert",
            Special::Regex(call) => call.name,
            Special::GetField { .. } => "$getField",
        }
    }
}

/// `$regexMatch`, `$regexFind` or `$regexFindAll`.
#[derive(Clone, Debug)]
pub(super) struct RegexCall {
    pub(super) name: &'static str,
    pub(super) input: Expression,
    pub(super) regex: RegexOperand,
}

#[derive(Clone, Debug)]
pub(super) enum RegexOperand {
    /// A constant, compiled once.
    Compiled(CapturingPattern),
    /// Pattern and options, computed for each document.
    Computed(Expression, Option<Expression>),
}
