//! Parsing the operators that evaluate their operands themselves.

use super::parser::Parser;
use crate::document::Value;
use crate::error::Result;
use crate::error::codes::{self, Code};
use crate::query::expression::path::FieldPath;
use crate::query::expression::strings::regex::compile;
use crate::query::expression::tree::{Expression, Form, RegexCall, RegexOperand, Special};
use crate::query::merge_sort;
use crate::query::pattern::Source;

/// The number of constants of `$in` from which on they are sorted.
const MANY: usize = 16;

/// The operators that are parsed here. `work_tests` has a slow example of each.
pub(in crate::query) const NAMES: &[&str] = &[
    "$and",
    "$cond",
    "$const",
    "$convert",
    "$expr",
    "$filter",
    "$getField",
    "$ifNull",
    "$in",
    "$let",
    "$literal",
    "$map",
    "$or",
    "$reduce",
    "$regexFind",
    "$regexFindAll",
    "$regexMatch",
    "$switch",
];

/// Parses one of these operators; `None` for another one.
pub(in crate::query) fn parse(
    parser: &mut Parser,
    name: &str,
    operand: &Value,
) -> Result<Option<Expression>> {
    if !NAMES.contains(&name) {
        return Ok(None);
    }
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
        "$in" => match one_of(parser, operand)? {
            Some(special) => special,
            None => return Ok(None),
        },
        "$switch" => switch(parser, operand)?,
        "$let" => variables(parser, operand)?,
        "$map" => map(parser, operand)?,
        "$filter" => filter(parser, operand)?,
        "$reduce" => reduce(parser, operand)?,
        "$convert" => convert(parser, operand)?,
        "$getField" => get_field(parser, operand)?,
        _ => match regex(parser, name, operand)? {
            Some(call) => Special::Regex(call),
            None => return Ok(None),
        },
    };
    Ok(Some(Expression(Form::Special(Box::new(special)))))
}

fn map(parser: &mut Parser, operand: &Value) -> Result<Special> {
    let (given, name) = over(parser, "$map", operand, &["input", "as", "in"])?;
    let [input, each] = bound(parser, given, &name, ["input", "in"], 0)?;
    let (Some(input), Some(each)) = (input, each) else {
        return parser.fail_as(missing("$map", given, &["input", "in"]), "$map needs 'input' and 'in'");
    };
    Ok(Special::Map { input, name, each })
}

fn filter(parser: &mut Parser, operand: &Value) -> Result<Special> {
    let (given, name) = over(parser, "$filter", operand, &["input", "as", "cond", "limit"])?;
    let [input, keep] = bound(parser, given, &name, ["input", "cond"], 0)?;
    let limit = given.iter().find(|(key, _)| key == "limit");
    let limit = limit.map(|(_, value)| parser.expression(value)).transpose()?;
    let (Some(input), Some(keep)) = (input, keep) else {
        let code = missing("$filter", given, &["input", "cond"]);
        return parser.fail_as(code, "$filter needs 'input' and 'cond'");
    };
    Ok(Special::Filter { input, name, keep, limit })
}

fn reduce(parser: &mut Parser, operand: &Value) -> Result<Special> {
    let (given, _) = over(parser, "$reduce", operand, &["input", "initialValue", "in"])?;
    let [input, initial, step] = bound(parser, given, "value", ["input", "initialValue", "in"], 1)?;
    let (Some(input), Some(initial), Some(step)) = (input, initial, step) else {
        let code = missing("$reduce", given, &["input", "initialValue", "in"]);
        return parser.fail_as(code, "$reduce needs 'input', 'initialValue' and 'in'");
    };
    Ok(Special::Reduce { input, initial, step })
}

fn convert(parser: &mut Parser, operand: &Value) -> Result<Special> {
    let Value::Object(given) = operand else {
        return parser.fail_as(codes::FAILED_TO_PARSE, "$convert needs an object with input and to");
    };
    let fields = parser.fields("$convert", &["input", "to", "onError", "onNull"], 2, given)?;
    let Ok([Some(input), Some(to), on_error, on_null]) = <[_; 4]>::try_from(fields) else {
        return parser.fail("$convert needs 'input' and 'to'");
    };
    Ok(Special::Convert { input, to, on_error, on_null })
}

/// `$in` whose second operand is a long list of constants.
fn one_of(parser: &mut Parser, operand: &Value) -> Result<Option<Special>> {
    let Value::Array(pair) = operand else { return Ok(None) };
    let [wanted, list] = pair.as_slice() else { return Ok(None) };
    let items = match list {
        Value::Object(fields) => match fields.as_slice() {
            [(name, literal)] if name == "$literal" => literal,
            _ => return Ok(None),
        },
        items => items,
    };
    if !matches!(items, Value::Array(items) if items.len() >= MANY) {
        return Ok(None);
    }
    let list = parser.inside("1", |parser| parser.expression(list))?;
    let Some(Value::Array(values)) = list.as_literal() else { return Ok(None) };
    let values = merge_sort::sort_by(values.clone(), parser.work(), |a, b| parser.collation().compare(a, b))?;
    Ok(Some(Special::OneOf(parser.inside("0", |parser| parser.expression(wanted))?, values)))
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
        parser.check_variable(name)?;
        all.push((name.clone(), parser.inside(name, |parser| parser.expression(value))?));
    }
    let names: Vec<&str> = vars.iter().map(|(name, _)| name.as_str()).collect();
    let body = parser.binding(&names, |parser| parser.inside("in", |parser| parser.expression(body)))?;
    Ok(Special::Let(all, body))
}

/// The error code of the first of these fields that is missing.
fn missing(name: &str, given: &[(String, Value)], fields: &[&str]) -> Code {
    let absent = fields.iter().position(|field| !given.iter().any(|(key, _)| key == field));
    codes::operator(name).missing(absent.unwrap_or_default())
}

/// The fields of an operator that iterates over an array, and the name of its variable.
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
            parser.check_variable(variable)?;
            variable.clone()
        }
        Some(_) => return parser.fail_as(codes::FAILED_TO_PARSE, format!("'as' of {name} must be a name")),
        None => "this".to_owned(),
    };
    Ok((given, variable))
}

/// Parses fields; the variable is in scope in the last one, and `this` as well if `extra` is not 0.
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

/// `$regexMatch` and its like; `None` for another operator.
fn regex(parser: &mut Parser, name: &str, operand: &Value) -> Result<Option<RegexCall>> {
    const NAMES: [&str; 3] = ["$regexMatch", "$regexFind", "$regexFindAll"];
    let Some(name) = NAMES.into_iter().find(|own| *own == name) else { return Ok(None) };
    let Value::Object(given) = operand else {
        let message = format!("{name} needs an object with input, regex, options");
        return parser.fail_as(codes::operator(name).of_shape(), message);
    };
    let find = |name: &str| given.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    if let Some((key, _)) =
        given.iter().find(|(key, _)| !["input", "regex", "options"].contains(&key.as_str()))
    {
        let message = format!("{name} knows input, regex, options, but not '{key}'");
        return parser.fail_as(codes::operator(name).unknown(), message);
    }
    let (Some(input), Some(regex)) = (find("input"), find("regex")) else {
        let code = codes::operator(name).missing(usize::from(find("input").is_some()));
        return parser.fail_as(code, format!("{name} needs 'input' and 'regex'"));
    };
    let input = parser.inside("input", |parser| parser.expression(input))?;
    let options = find("options").map(|value| parser.inside("options", |parser| parser.expression(value)));
    let options = options.transpose()?;
    let constant = options.as_ref().map(Expression::as_literal);
    let regex = if let Some(source) = Source::of(regex) {
        let Some(options) = constant.unwrap_or(Some(&Value::Null)) else {
            return parser.fail(format!("{name} with a regular expression needs constant options"));
        };
        RegexOperand::Compiled(compile(name, source, Some(options), parser.work())?)
    } else {
        let regex = parser.inside("regex", |parser| parser.expression(regex))?;
        match (regex.as_literal(), constant) {
            (Some(Value::String(text)), None | Some(Some(_))) => {
                let source = Source { pattern: text, options: "" };
                RegexOperand::Compiled(compile(name, source, constant.flatten(), parser.work())?)
            }
            _ => RegexOperand::Computed(regex, options),
        }
    };
    Ok(Some(RegexCall { name, input, regex }))
}
