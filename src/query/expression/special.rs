//! Operators that evaluate their operands themselves: some not at all, some many times, some with variables.

use super::convert;
use super::logic::is_true;
use super::operator::{null, refuse};
use super::parse::Parser;
use super::path::FieldPath;
use super::ranked::check_variable;
use super::regex::RegexCall;
use super::scope::Scope;
use super::tree::{Expression, Form, Outcome};
use crate::document::{MAX_DEPTH, Value};
use crate::error::codes::{self, Code};
use crate::error::{Error, Result};
use crate::query::place::depth;

#[derive(Clone, Debug)]
pub(super) enum Special {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Cond([Expression; 3]),
    IfNull(Vec<Expression>),
    Switch(Vec<(Expression, Expression)>, Option<Expression>),
    Let(Vec<(String, Expression)>, Expression),
    Map { input: Expression, name: String, each: Expression },
    Filter { input: Expression, name: String, keep: Expression, limit: Option<Expression> },
    Reduce { input: Expression, initial: Expression, step: Expression },
    Convert { input: Expression, to: Expression, on_error: Option<Expression>, on_null: Option<Expression> },
    GetField { field: Expression, input: Expression },
    Regex(RegexCall),
}

/// Levels that `$reduce` may add between two looks at the depth of its value.
const UNLOOKED: usize = 16;

/// Reads one of these operators; `None` for another.
pub(super) fn parse(parser: &mut Parser, name: &str, operand: &Value) -> Result<Option<Expression>> {
    let special = match name {
        "$literal" => return Ok(Some(Expression::literal(operand.clone()))),
        "$expr" => return parser.expression(operand).map(Some),
        "$const" => return Ok(Some(Expression::literal(operand.clone()))),
        "$and" => Special::And(list(parser, operand)?),
        "$or" => Special::Or(list(parser, operand)?),
        "$cond" => cond(parser, operand)?,
        "$ifNull" => {
            let all = list(parser, operand)?;
            if all.len() < 2 {
                return parser.fail_as(codes::IF_NULL_COUNT, "$ifNull takes at least 2 arguments");
            }
            Special::IfNull(all)
        }
        "$switch" => switch(parser, operand)?,
        "$let" => variables(parser, operand)?,
        "$map" => {
            let (given, name) = over(parser, name, operand, &["input", "as", "in"])?;
            let [input, each] = bound(parser, given, &name, ["input", "in"], 0)?;
            let (Some(input), Some(each)) = (input, each) else {
                return parser
                    .fail_as(missing("$map", given, &["input", "in"]), "$map needs 'input' and 'in'");
            };
            Special::Map { input, name, each }
        }
        "$filter" => {
            let (given, name) = over(parser, name, operand, &["input", "as", "cond", "limit"])?;
            let [input, keep] = bound(parser, given, &name, ["input", "cond"], 0)?;
            let limit = given.iter().find(|(key, _)| key == "limit");
            let limit = limit.map(|(_, value)| parser.expression(value)).transpose()?;
            let (Some(input), Some(keep)) = (input, keep) else {
                let code = missing("$filter", given, &["input", "cond"]);
                return parser.fail_as(code, "$filter needs 'input' and 'cond'");
            };
            Special::Filter { input, name, keep, limit }
        }
        "$reduce" => {
            let (given, _) = over(parser, name, operand, &["input", "initialValue", "in"])?;
            let [input, initial, step] = bound(parser, given, "value", ["input", "initialValue", "in"], 1)?;
            let (Some(input), Some(initial), Some(step)) = (input, initial, step) else {
                let code = missing("$reduce", given, &["input", "initialValue", "in"]);
                return parser.fail_as(code, "$reduce needs 'input', 'initialValue' and 'in'");
            };
            Special::Reduce { input, initial, step }
        }
        "$convert" => {
            let Value::Object(given) = operand else {
                return parser.fail_as(codes::FAILED_TO_PARSE, "$convert needs an object with input and to");
            };
            let fields = parser.fields(name, &["input", "to", "onError", "onNull"], 2, given)?;
            let Ok([Some(input), Some(to), on_error, on_null]) = <[_; 4]>::try_from(fields) else {
                return parser.fail("$convert needs 'input' and 'to'");
            };
            Special::Convert { input, to, on_error, on_null }
        }
        "$getField" => get_field(parser, operand)?,
        _ => match RegexCall::parse(parser, name, operand)? {
            Some(call) => Special::Regex(call),
            None => return Ok(None),
        },
    };
    Ok(Some(Expression(Form::Special(Box::new(special)))))
}

fn list(parser: &mut Parser, operand: &Value) -> Result<Vec<Expression>> {
    match operand {
        Value::Array(items) => items.iter().map(|item| parser.expression(item)).collect(),
        one => Ok(vec![parser.expression(one)?]),
    }
}

fn cond(parser: &mut Parser, operand: &Value) -> Result<Special> {
    let parts = match operand {
        Value::Object(given) => {
            parser.fields("$cond", &["if", "then", "else"], 3, given)?.into_iter().flatten().collect()
        }
        other => list(parser, other)?,
    };
    match <[Expression; 3]>::try_from(parts) {
        Ok(parts) => Ok(Special::Cond(parts)),
        Err(_) => parser.fail_as(codes::ARGUMENT_COUNT, "$cond takes 3 arguments: if, then, else"),
    }
}

fn switch(parser: &mut Parser, operand: &Value) -> Result<Special> {
    let numbers = codes::operator("$switch");
    let Value::Object(given) = operand else {
        return parser.fail_as(numbers.of_shape(), "$switch needs an object with branches");
    };
    let mut branches = Vec::new();
    let mut default = None;
    for (key, value) in given {
        match (key.as_str(), value) {
            ("branches", Value::Array(items)) => {
                for item in items {
                    let Value::Object(branch) = item else {
                        let code = codes::operator("a branch of $switch").of_shape();
                        return parser
                            .fail_as(code, "each branch of $switch needs an object with case and then");
                    };
                    let fields = parser.fields("a branch of $switch", &["case", "then"], 2, branch)?;
                    if let Ok([Some(case), Some(then)]) = <[_; 2]>::try_from(fields) {
                        branches.push((case, then));
                    }
                }
            }
            ("default", value) => {
                default = Some(parser.inside("default", |parser| parser.expression(value))?)
            }
            _ => {
                let known = key == "branches";
                let code = if known { codes::SWITCH_BRANCHES } else { numbers.unknown() };
                let message = format!("$switch knows branches (an array) and default, but not '{key}'");
                return parser.fail_as(code, message);
            }
        }
    }
    if branches.is_empty() {
        return parser.fail_as(numbers.missing(0), "$switch needs at least one branch");
    }
    Ok(Special::Switch(branches, default))
}

fn variables(parser: &mut Parser, operand: &Value) -> Result<Special> {
    let numbers = codes::operator("$let");
    let Value::Object(given) = operand else {
        return parser.fail_as(numbers.of_shape(), "$let needs an object with vars and in");
    };
    let find = |name: &str| given.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let (Some(Value::Object(vars)), Some(body), 2) = (find("vars"), find("in"), given.len()) else {
        let code = if given.iter().any(|(key, _)| key != "vars" && key != "in") {
            numbers.unknown()
        } else {
            missing("$let", given, &["vars", "in"])
        };
        return parser.fail_as(code, "$let needs an object with vars (an object) and in");
    };
    let mut all = Vec::new();
    for (name, value) in vars {
        check_variable(parser, name)?;
        all.push((name.clone(), parser.inside(name, |parser| parser.expression(value))?));
    }
    let names: Vec<&str> = vars.iter().map(|(name, _)| name.as_str()).collect();
    let body = parser.binding(&names, |parser| parser.inside("in", |parser| parser.expression(body)))?;
    Ok(Special::Let(all, body))
}

/// The number of the first of these fields that is missing.
fn missing(name: &str, given: &[(String, Value)], fields: &[&str]) -> Code {
    let absent = fields.iter().position(|field| !given.iter().any(|(key, _)| key == field));
    codes::operator(name).missing(absent.unwrap_or_default())
}

/// The error of an argument of a wrong type.
fn refuse_type(name: &str, argument: usize, message: &str) -> Error {
    refuse(name, message).with_code(codes::operator(name).of_type(argument))
}

/// The fields of an operator that goes over an array, and the name of its variable.
fn over<'v>(
    parser: &Parser,
    name: &str,
    operand: &'v Value,
    known: &[&str],
) -> Result<(&'v [(String, Value)], String)> {
    let Value::Object(given) = operand else {
        let message = format!("{name} needs an object with {}", known.join(", "));
        return parser.fail_as(codes::operator(name).of_shape(), message);
    };
    if let Some((key, _)) = given.iter().find(|(key, _)| !known.contains(&key.as_str())) {
        let message = format!("{name} knows {}, but not '{key}'", known.join(", "));
        return parser.fail_as(codes::operator(name).unknown(), message);
    }
    let variable = match given.iter().find(|(key, _)| key == "as") {
        Some((_, Value::String(variable))) => {
            check_variable(parser, variable)?;
            variable.clone()
        }
        Some(_) => return parser.fail_as(codes::FAILED_TO_PARSE, format!("'as' of {name} must be a name")),
        None => "this".to_owned(),
    };
    Ok((given, variable))
}

/// Reads fields; the last one sees the variable, and `this` beside it from the index on that `extra` says.
fn bound<const N: usize>(
    parser: &mut Parser,
    given: &[(String, Value)],
    variable: &str,
    fields: [&str; N],
    extra: usize,
) -> Result<[Option<Expression>; N]> {
    let mut all = [const { None }; N];
    for (n, (field, slot)) in fields.iter().zip(&mut all).enumerate() {
        let Some((_, value)) = given.iter().find(|(key, _)| key == field) else { continue };
        let names: &[&str] = match (n + 1 == N, extra) {
            (false, _) => &[],
            (true, 0) => &[variable],
            (true, _) => &[variable, "this"],
        };
        *slot =
            Some(parser.binding(names, |parser| parser.inside(field, |parser| parser.expression(value)))?);
    }
    Ok(all)
}

fn get_field(parser: &mut Parser, operand: &Value) -> Result<Special> {
    let here = || Expression(Form::Field(FieldPath::here()));
    match operand {
        Value::Object(given) if given.iter().any(|(key, _)| key == "field") => {
            let fields = parser.fields("$getField", &["field", "input"], 1, given)?;
            match <[_; 2]>::try_from(fields) {
                Ok([Some(field), input]) => {
                    Ok(Special::GetField { field, input: input.unwrap_or_else(here) })
                }
                _ => parser.fail("$getField needs 'field'"),
            }
        }
        other => Ok(Special::GetField { field: parser.expression(other)?, input: here() }),
    }
}

impl Special {
    pub(super) fn eval(&self, scope: &Scope<'_>) -> Outcome {
        match self {
            Special::And(all) => {
                for one in all {
                    if !one.holds(scope)? {
                        return Ok(Some(Value::Bool(false)));
                    }
                }
                Ok(Some(Value::Bool(true)))
            }
            Special::Or(all) => {
                for one in all {
                    if one.holds(scope)? {
                        return Ok(Some(Value::Bool(true)));
                    }
                }
                Ok(Some(Value::Bool(false)))
            }
            Special::Cond([test, then, other]) => if test.holds(scope)? { then } else { other }.eval(scope),
            Special::IfNull(all) => {
                let mut last = None;
                for one in all {
                    last = one.eval(scope)?;
                    if !matches!(last, None | Some(Value::Null)) {
                        break;
                    }
                }
                Ok(last)
            }
            Special::Switch(branches, default) => {
                for (case, then) in branches {
                    if case.holds(scope)? {
                        return then.eval(scope);
                    }
                }
                match default {
                    Some(default) => default.eval(scope),
                    None => Err(refuse("$switch", "found no branch that holds and has no default; add one")),
                }
            }
            Special::Let(variables, body) => {
                let values: Vec<Option<Value>> =
                    variables.iter().map(|(_, value)| value.eval(scope)).collect::<Result<_>>()?;
                let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
                bind_all(scope, &names, &values, body)
            }
            Special::Map { input, name, each } => {
                let Some(items) = array_of("$map", input, scope)? else { return null() };
                let mapped = items.iter().map(|item| {
                    let value = scope.bind(name, Some(item), |scope| each.eval(scope))?;
                    Ok(value.unwrap_or(Value::Null))
                });
                Ok(Some(Value::Array(mapped.collect::<Result<_>>()?)))
            }
            Special::Filter { input, name, keep, limit } => filter(scope, input, name, keep, limit.as_ref()),
            Special::Reduce { input, initial, step } => reduce(scope, input, initial, step),
            Special::Convert { input, to, on_error, on_null } => {
                let input = input.eval(scope)?;
                let to = to.eval(scope)?;
                if matches!(input, None | Some(Value::Null)) {
                    return on_null.as_ref().map_or_else(null, |value| value.eval(scope));
                }
                match (convert::convert(input.as_ref(), to.as_ref()), on_error) {
                    (Err(error), Some(value)) if error.kind() == crate::error::Kind::BadQuery => {
                        value.eval(scope)
                    }
                    (result, _) => result,
                }
            }
            Special::Regex(call) => call.eval(scope),
            Special::GetField { field, input } => {
                let Some(Value::String(field)) = field.eval(scope)? else {
                    return Err(refuse_type("$getField", 0, "needs a string as field"));
                };
                Ok(match input.eval(scope)? {
                    Some(Value::Object(fields)) => {
                        fields.into_iter().find(|(key, _)| *key == field).map(|(_, value)| value)
                    }
                    Some(Value::Null) => Some(Value::Null),
                    _ => None,
                })
            }
        }
    }
}

fn bind_all(scope: &Scope<'_>, names: &[&str], values: &[Option<Value>], body: &Expression) -> Outcome {
    match (names.split_first(), values.split_first()) {
        (Some((name, names)), Some((value, values))) => {
            scope.bind(name, value.as_ref(), |scope| bind_all(scope, names, values, body))
        }
        _ => body.eval(scope),
    }
}

/// The array that an operator goes over; `None` where it is null or missing.
fn array_of(name: &str, input: &Expression, scope: &Scope<'_>) -> Result<Option<Vec<Value>>> {
    match input.eval(scope)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(other) => {
            Err(refuse_type(name, 0, &format!("needs an array as input, not {}", other.type_name())))
        }
    }
}

fn filter(
    scope: &Scope<'_>,
    input: &Expression,
    name: &str,
    keep: &Expression,
    limit: Option<&Expression>,
) -> Outcome {
    let Some(items) = array_of("$filter", input, scope)? else { return null() };
    let limit = match limit.map(|limit| limit.eval(scope)).transpose()?.flatten() {
        None | Some(Value::Null) => usize::MAX,
        Some(limit) => {
            match crate::query::arithmetic::as_integer(&limit).and_then(|n| usize::try_from(n).ok()) {
                Some(limit) if limit > 0 => limit,
                _ => {
                    let whole = crate::query::arithmetic::as_integer(&limit).is_some();
                    let error = refuse("$filter", "needs a whole number above 0 as limit");
                    return Err(if whole { error } else { error.with_code(codes::FILTER_LIMIT) });
                }
            }
        }
    };
    let mut kept = Vec::new();
    for item in items {
        if is_true(scope.bind(name, Some(&item), |scope| keep.eval(scope))?.as_ref()) {
            kept.push(item);
            if kept.len() == limit {
                break;
            }
        }
    }
    Ok(Some(Value::Array(kept)))
}

fn reduce(scope: &Scope<'_>, input: &Expression, initial: &Expression, step: &Expression) -> Outcome {
    let Some(items) = array_of("$reduce", input, scope)? else { return null() };
    let mut value = initial.eval(scope)?;
    for (n, item) in items.iter().enumerate() {
        value = scope.bind("value", value.as_ref(), |scope| {
            scope.bind("this", Some(item), |scope| step.eval(scope))
        })?;
        if n % UNLOOKED == 0 && value.as_ref().is_some_and(|value| depth(value) > MAX_DEPTH) {
            return Err(refuse("$reduce", format!("builds a value deeper than {MAX_DEPTH} levels")));
        }
    }
    Ok(value)
}
