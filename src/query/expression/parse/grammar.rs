//! The grammar of expressions. [`Parser::expression`] parses an operator, and an operator parses its operands with
//! it.

use super::parser::Parser;
use super::special_forms;
use crate::document::{Node, Value};
use crate::error::{Result, codes};
use crate::query::date::Zone;
use crate::query::expression::constants::Constants;
use crate::query::expression::dates::arguments::unknown_zone;
use crate::query::expression::operator::{Operator, Shape};
use crate::query::expression::path::{FieldPath, path_fault};
use crate::query::expression::registry;
use crate::query::expression::registry::UNSUPPORTED;
use crate::query::expression::tree::{Expression, Form};

/// The names of all expression operators.
#[cfg(test)]
pub(in crate::query) fn operators() -> Vec<&'static str> {
    registry::names().chain(special_forms::NAMES.iter().copied()).collect()
}

impl Expression {
    /// Parses an expression; `BAD_QUERY` names the path of the fault.
    #[cfg(test)]
    pub(in crate::query) fn parse_node<'a>(expression: impl Node<'a>) -> Result<Expression> {
        Parser::default().expression(&expression.tree())
    }

    /// Parses the operand of `$expr` in a filter, in which `$$NOW` and `$rand` are not supported.
    pub(in crate::query) fn of_filter<'a>(
        expression: impl Node<'a>,
        constants: &Constants,
    ) -> Result<Expression> {
        Parser::of_find("$expr").knowing(constants).expression(&expression.tree())
    }

    /// Parses the value of the field at this path in a projection, in which `$$NOW` and `$rand` are not supported.
    pub(in crate::query) fn of_projection<'a>(
        path: &str,
        expression: impl Node<'a>,
        constants: &Constants,
    ) -> Result<Expression> {
        Parser::of_find(path).knowing(constants).expression(&expression.tree())
    }
}

impl Parser {
    /// Parses an expression. Recursion follows the nesting of the input, which is at most `MAX_DEPTH`.
    pub(in crate::query) fn expression(&mut self, value: &Value) -> Result<Expression> {
        self.work().step(1)?;
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                let mut all = Vec::with_capacity(items.len());
                for (n, item) in items.iter().enumerate() {
                    all.push(self.inside(&n.to_string(), |parser| parser.expression(item))?);
                }
                let literal: Option<Vec<Value>> = all.iter().map(|one| one.as_literal().cloned()).collect();
                Ok(match literal {
                    Some(items) => Expression::literal(Value::Array(items)),
                    None => Expression(Form::Array(all)),
                })
            }
            Value::Object(fields) => match fields.as_slice() {
                [(name, operand)] if name.starts_with('$') => {
                    self.inside(name, |parser| parser.operator(name, operand))
                }
                _ => self.object(fields),
            },
            other => Ok(Expression::literal(other.clone())),
        }
    }

    fn object(&mut self, fields: &[(String, Value)]) -> Result<Expression> {
        let mut all = Vec::with_capacity(fields.len());
        for (key, value) in fields {
            if key.starts_with('$') {
                let message =
                    format!("an operator stands alone in its object, but {key} has fields beside it");
                let first = fields.first().is_some_and(|(first, _)| first == key);
                let code = if first { codes::EXPRESSION_FIELDS } else { codes::DOLLAR_IN_PATH };
                return self.fail_as(code, message);
            }
            if key.contains('.') || key.is_empty() {
                let code = if key.is_empty() { codes::EMPTY_PATH_PART } else { codes::DOT_IN_FIELD_NAME };
                let message = format!("'{key}' is no field name here: nest objects instead of using dots");
                return self.fail_as(code, message);
            }
            all.push((key.clone(), self.inside(key, |parser| parser.expression(value))?));
        }
        let literal: Option<Vec<(String, Value)>> =
            all.iter().map(|(key, one)| Some((key.clone(), one.as_literal()?.clone()))).collect();
        Ok(match literal {
            Some(fields) => Expression::literal(Value::Object(fields)),
            None => Expression(Form::Object(all)),
        })
    }

    fn text(&self, text: &str) -> Result<Expression> {
        let path = |rest: &str| match FieldPath::parse(rest) {
            Some(path) => Ok(path),
            None => {
                let (shown, why) = (FieldPath::shown(text), FieldPath::fault(rest));
                self.fail_as(path_fault(text), format!("'{shown}' is no field path: {why}"))
            }
        };
        let Some(rest) = text.strip_prefix('$') else {
            return Ok(Expression::literal(Value::String(text.to_owned())));
        };
        let Some(variable) = rest.strip_prefix('$') else {
            return Ok(Expression(Form::Field(path(rest)?)));
        };
        let (name, below) = match variable.split_once('.') {
            Some((name, below)) => (name, path(below)?),
            None => (variable, FieldPath::here()),
        };
        let form = match name {
            "ROOT" | "CURRENT" => Form::Field(below),
            "NOW" if self.is_of_find() => {
                return self.unsupported(
                    "$$NOW is not supported in filters and projections; give a Date, or use aggregate",
                );
            }
            "NOW" => Form::Now,
            "REMOVE" => Form::Literal(None),
            _ if self.knows(name)? => Form::Variable(name.into(), below),
            _ if self.constant(name).is_some() => {
                Form::Literal(self.constant(name).flatten().and_then(|value| below.of(value)))
            }
            "CLUSTER_TIME" | "SEARCH_META" | "USER_ROLES" | "DESCEND" | "PRUNE" | "KEEP" => {
                return self.unsupported(format!("the variable $${name} is not supported"));
            }
            _ => {
                let message = format!(
                    "there is no variable $${name} here; define it with let, or write {{ $literal: ... }}"
                );
                return self.fail_as(codes::UNDEFINED_VARIABLE, message);
            }
        };
        Ok(Expression(form))
    }

    fn operator(&mut self, name: &str, operand: &Value) -> Result<Expression> {
        if let Some(special) = special_forms::parse(self, name, operand)? {
            return Ok(special);
        }
        if name == "$rand" && self.is_of_find() {
            return self.unsupported("$rand is not supported in filters and projections; use aggregate");
        }
        let Some(operator) = registry::find(name) else {
            if UNSUPPORTED.contains(&name) {
                return self.unsupported(format!("the expression operator {name} is not supported"));
            }
            let message = format!("unknown expression operator '{name}'");
            return self.fail_as(codes::INVALID_PIPELINE_OPERATOR, message);
        };
        match (&operator.shape, operand) {
            (Shape::List(least, most), Value::Array(items)) => self.list(operator, *least, *most, items),
            (Shape::List(_, 0), Value::Object(given)) if given.is_empty() => self.list(operator, 0, 0, &[]),
            (Shape::List(least, most), one) => self.list(operator, *least, *most, std::slice::from_ref(one)),
            (Shape::Named(fields, required) | Shape::NamedOrOne(fields, required), Value::Object(given))
                if !given.first().is_some_and(|(key, _)| key.starts_with('$'))
                    && (matches!(operator.shape, Shape::Named(..))
                        || given.iter().any(|(key, _)| fields.contains(&key.as_str()))) =>
            {
                self.named(operator, fields, *required, given)
            }
            (Shape::Named(fields, _), _) => {
                let message = format!("{name} needs an object with {}", fields.join(", "));
                self.fail_as(codes::operator(name).of_shape(), message)
            }
            (Shape::NamedOrOne(fields, _), one) => {
                let one = match one {
                    Value::Array(items) => match items.as_slice() {
                        [one] => one,
                        _ => {
                            return self
                                .fail_as(codes::DATE_PART_COUNT, format!("{name} takes one argument"));
                        }
                    },
                    one => one,
                };
                let mut operands = vec![Some(self.expression(one)?)];
                operands.resize_with(fields.len(), || None);
                Ok(Expression(Form::Call(operator, operands)))
            }
        }
    }

    fn list(
        &mut self,
        operator: &'static Operator,
        least: usize,
        most: usize,
        items: &[Value],
    ) -> Result<Expression> {
        if items.len() < least || items.len() > most {
            let wanted = match (least, most) {
                (least, usize::MAX) => format!("at least {least}"),
                (least, most) if least == most => least.to_string(),
                (least, most) => format!("{least} to {most}"),
            };
            let usual = if least == most { codes::ARGUMENT_COUNT } else { codes::ARGUMENT_RANGE };
            let message = format!("{} takes {wanted} arguments, not {}", operator.name, items.len());
            return self.fail_as(codes::operator(operator.name).of_count(usual), message);
        }
        let mut operands = Vec::with_capacity(items.len());
        for (n, item) in items.iter().enumerate() {
            operands.push(Some(self.inside(&n.to_string(), |parser| parser.expression(item))?));
        }
        Ok(Expression(Form::Call(operator, operands)))
    }

    fn named(
        &mut self,
        operator: &'static Operator,
        fields: &[&str],
        required: usize,
        given: &[(String, Value)],
    ) -> Result<Expression> {
        let operands = self.fields(operator.name, fields, required, given)?;
        Ok(Expression(Form::Call(operator, operands)))
    }

    /// Parses the fields of an operator's object, in the order of `fields`.
    pub(in crate::query) fn fields(
        &mut self,
        name: &str,
        fields: &[&str],
        required: usize,
        given: &[(String, Value)],
    ) -> Result<Vec<Option<Expression>>> {
        if let Some((key, _)) = given.iter().find(|(key, _)| !fields.contains(&key.as_str())) {
            let message = format!("{name} knows {}, but not '{key}'", fields.join(", "));
            return self.fail_as(codes::operator(name).unknown(), message);
        }
        let mut operands = Vec::with_capacity(fields.len());
        for (n, field) in fields.iter().enumerate() {
            operands.push(match given.iter().find(|(key, _)| key == field) {
                Some((_, value)) => {
                    let operand = self.inside(field, |parser| parser.expression(value))?;
                    self.check_zone(name, field, &operand)?;
                    Some(operand)
                }
                None if n < required => {
                    return self.fail_as(codes::operator(name).missing(n), format!("{name} needs '{field}'"));
                }
                None => None,
            });
        }
        Ok(operands)
    }

    /// An unknown constant time zone is refused before any document is read.
    fn check_zone(&self, name: &str, field: &str, operand: &Expression) -> Result<()> {
        match operand.as_literal() {
            Some(Value::String(zone)) if field == "timezone" && Zone::find(zone).is_none() => {
                self.fail_as(codes::UNKNOWN_TIME_ZONE, format!("{name} {}", unknown_zone(zone)))
            }
            _ => Ok(()),
        }
    }
}
