//! An expression, and its value for a document.

use super::constants::Constants;
use super::operator::{Args, Operator};
use super::parse::Parser;
use super::path::FieldPath;
use super::scope::{Env, NodeRoot, Scope};
use super::special::Special;
use crate::document::{Node, Object, RawValue, Value};
use crate::error::Result;
use crate::query::size;
use crate::work::Work;

/// What an evaluation gives: a value, or nothing where a field is missing.
pub(super) type Outcome = Result<Option<Value>>;

/// An aggregation expression, parsed.
#[derive(Clone, Debug)]
pub struct Expression(pub(super) Form);

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
    /// Reads an expression; `BAD_QUERY` names the path of what is wrong with it.
    pub fn parse(expression: RawValue<'_>) -> Result<Expression> {
        Expression::parse_node(expression)
    }

    pub(in crate::query) fn parse_node<'a>(expression: impl Node<'a>) -> Result<Expression> {
        Parser::default().expression(&expression.tree())
    }

    /// Reads the operand of `$expr` in a filter, which knows neither the time nor chance.
    pub(in crate::query) fn of_filter<'a>(
        expression: impl Node<'a>,
        constants: &Constants,
    ) -> Result<Expression> {
        Parser::of_find("$expr").knowing(constants).expression(&expression.tree())
    }

    /// Reads the value that a projection gives the field at this path; it knows neither the time nor chance.
    pub(in crate::query) fn of_projection<'a>(
        path: &str,
        expression: impl Node<'a>,
        constants: &Constants,
    ) -> Result<Expression> {
        Parser::of_find(path).knowing(constants).expression(&expression.tree())
    }

    /// Whether it holds for a document that a filter looks at. Where an operator cannot take its operands, it does not.
    pub(in crate::query) fn holds_for<'a>(&self, document: impl Node<'a>, work: &Work) -> bool {
        let root = NodeRoot::new(document);
        self.holds(&Scope::within(&root, &Env::default(), work).of("$expr")).unwrap_or(false)
    }

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

    /// Its value, or `None` where that is missing. Rejects with `BAD_QUERY` when an operator cannot take its operands.
    pub fn eval(&self, scope: &Scope<'_>) -> Result<Option<Value>> {
        scope.step(1)?;
        match &self.0 {
            Form::Literal(value) => copied(scope, value.clone()),
            Form::Field(path) if path.parts().is_empty() => copied(scope, Some(scope.root.whole())),
            Form::Field(path) => copied(scope, scope.root.at(path)),
            Form::Now => Ok(Some(Value::Date(scope.env.now()))),
            Form::Variable(name, path) => {
                let value = scope.variable(name)?.and_then(|value| path.of(value));
                copied(scope, value)
            }
            Form::Object(fields) => {
                let mut object = Object::with_capacity(fields.len());
                for (key, value) in fields {
                    if let Some(value) = value.eval(scope)? {
                        scope.hold_here(size::field(key) + 32)?;
                        object.push((key.clone(), value));
                    }
                }
                Ok(Some(Value::Object(object)))
            }
            Form::Array(items) => {
                scope.hold_here(items.len() * 32)?;
                let evaluated = items.iter().map(|item| Ok(item.eval(scope)?.unwrap_or(Value::Null)));
                Ok(Some(Value::Array(evaluated.collect::<Result<_>>()?)))
            }
            Form::Call(operator, operands) => {
                let before = scope.held();
                let outer = scope.enter(operator.name);
                let mut args = Args::new(operator.name, scope);
                for operand in operands {
                    args.push(operand.as_ref().map(|operand| operand.eval(scope)).transpose()?);
                }
                let value = (operator.run)(&mut args)?;
                drop(args);
                scope.enter(outer);
                scope.release_to(before);
                scope.hold_value(operator.name, value.as_ref())?;
                Ok(value)
            }
            Form::Special(special) => special.eval(scope),
        }
    }

    /// Whether its value counts as true: neither missing, null, false nor zero.
    pub(in crate::query) fn holds(&self, scope: &Scope<'_>) -> Result<bool> {
        let before = scope.held();
        let holds = super::logic::is_true(self.eval(scope)?.as_ref());
        scope.release_to(before);
        Ok(holds)
    }
}

/// A value that was copied, counted.
#[inline]
fn copied(scope: &Scope<'_>, value: Option<Value>) -> Outcome {
    scope.hold_copy(value.as_ref())?;
    Ok(value)
}
