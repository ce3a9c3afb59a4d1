//! The grammar of schemas.

use std::collections::HashSet;

use super::number::same;
use super::schema::{Dependency, JsonSchema, Others, Properties, Rule};
use crate::document::order::compare_values;
use crate::document::{Node, NodeKind, Value};
use crate::error::{Error, Kind, Result, codes};
use crate::query::number::{as_double, as_integer};
use crate::query::pattern::{Pattern, Source};
use crate::query::refusal::{bad_query, refuse};
use crate::query::types::Types;
use crate::work::Work;

/// The path of the schema in messages.
const ROOT: &str = "$jsonSchema";

impl JsonSchema {
    /// Parses a schema; `BAD_QUERY` names the path of the fault.
    #[cfg(test)]
    pub(crate) fn parse(schema: crate::document::RawValue<'_>) -> Result<JsonSchema> {
        JsonSchema::parse_node(schema, &Work::default())
    }

    pub(in crate::query) fn parse_node<'a>(schema: impl Node<'a>, work: &Work) -> Result<JsonSchema> {
        parse_at(schema, ROOT, work)
    }
}

/// Recursion is bounded by the depth of the input.
fn parse_at<'a>(schema: impl Node<'a>, path: &str, work: &Work) -> Result<JsonSchema> {
    if !matches!(schema.seen(), NodeKind::Object(())) {
        return wrong(path, "must be a schema, an object", schema);
    }
    let mut rules = Vec::new();
    for (keyword, operand) in schema.fields() {
        work.step(1)?;
        // The three keywords of properties form one rule, at the first of them.
        let of_properties = matches!(keyword, "properties" | "patternProperties" | "additionalProperties");
        if of_properties && rules.iter().any(|rule| matches!(rule, Rule::Properties(_))) {
            continue;
        }
        rules.extend(rule(schema, keyword, operand, path, work)?);
    }
    Ok(JsonSchema { rules })
}

/// The rule of a keyword; `None` for one that has no rule of its own.
fn rule<'a, N: Node<'a>>(
    schema: N,
    keyword: &str,
    operand: N,
    path: &str,
    work: &Work,
) -> Result<Option<Rule>> {
    let at = format!("{path}.{keyword}");
    if let Some(rule) = rule_of_value(schema, keyword, operand, &at, path, work)? {
        return Ok(Some(rule));
    }
    Ok(Some(match keyword {
        "title" | "description" => {
            text(operand, &at)?;
            return Ok(None);
        }
        "exclusiveMinimum" if schema.field("minimum").is_none() => {
            return fail(&at, "needs minimum beside it");
        }
        "exclusiveMaximum" if schema.field("maximum").is_none() => {
            return fail(&at, "needs maximum beside it");
        }
        "exclusiveMinimum" | "exclusiveMaximum" => return Ok(None),
        "uniqueItems" if boolean(operand, &at)? => Rule::UniqueItems,
        "uniqueItems" => return Ok(None),
        "items" => items(schema, operand, path, work)?,
        "additionalItems" => {
            others(Some(operand), &at, work)?;
            return Ok(None);
        }
        "properties" | "patternProperties" | "additionalProperties" => {
            Rule::Properties(properties(schema, path, work)?)
        }
        "dependencies" => Rule::Dependencies(dependencies(operand, &at, work)?),
        "allOf" => Rule::AllOf(schemas(operand, &at, work)?),
        "anyOf" => Rule::AnyOf(schemas(operand, &at, work)?),
        "oneOf" => Rule::OneOf(schemas(operand, &at, work)?),
        "not" => Rule::Not(parse_at(operand, &at, work)?),
        "encrypt" | "encryptMetadata" => {
            let message = format!("the keyword '{keyword}' of $jsonSchema is not supported (at '{at}')");
            return Err(refuse(Kind::NotSupported, &at, message));
        }
        "$ref" | "$schema" | "default" | "definitions" | "format" | "id" => {
            return fail(&at, "is no keyword of MongoDB's $jsonSchema; leave it out");
        }
        _ => {
            let message = format!("unknown $jsonSchema keyword '{keyword}' (at '{at}')");
            return Err(bad_query(&at, message).with_code(codes::FAILED_TO_PARSE));
        }
    }))
}

/// The rule of a keyword about the value itself, not its contents; `None` for other keywords.
fn rule_of_value<'a, N: Node<'a>>(
    schema: N,
    keyword: &str,
    operand: N,
    at: &str,
    path: &str,
    work: &Work,
) -> Result<Option<Rule>> {
    Ok(Some(match keyword {
        "type" if schema.field("bsonType").is_some() => {
            return fail(at, "cannot stand beside bsonType; keep one of them");
        }
        "type" => Rule::Type("type", types(operand, at, &JSON_TYPES)?),
        "bsonType" => Rule::Type("bsonType", types(operand, at, &[])?),
        "enum" => Rule::Enum(distinct(operand, at)?),
        "minimum" => Rule::Minimum(number(operand, at)?, exclusive(schema, "exclusiveMinimum", path)?),
        "maximum" => Rule::Maximum(number(operand, at)?, exclusive(schema, "exclusiveMaximum", path)?),
        "multipleOf" => {
            let divisor = number(operand, at)?;
            if !as_double(&divisor).is_some_and(|divisor| divisor > 0.0 && divisor.is_finite()) {
                return fail(at, "must be a number above 0");
            }
            Rule::MultipleOf(divisor)
        }
        "minLength" => Rule::MinLength(size(operand, at)?),
        "maxLength" => Rule::MaxLength(size(operand, at)?),
        "pattern" => Rule::Pattern(pattern(&text(operand, at)?, at, work)?),
        "required" => Rule::Required(names(operand, at)?),
        "minProperties" => Rule::MinProperties(size(operand, at)?),
        "maxProperties" => Rule::MaxProperties(size(operand, at)?),
        "minItems" => Rule::MinItems(size(operand, at)?),
        "maxItems" => Rule::MaxItems(size(operand, at)?),
        _ => return Ok(None),
    }))
}

fn fail<T>(path: &str, message: &str) -> Result<T> {
    Err(bad_query(path, format!("'{path}' {message}")).with_code(codes::FAILED_TO_PARSE))
}

fn wrong<'a, T>(path: &str, wanted: &str, found: impl Node<'a>) -> Result<T> {
    let message = format!("'{path}' {wanted}, not {}", found.seen().type_name());
    Err(bad_query(path, message).with_code(codes::TYPE_MISMATCH))
}

fn text<'a>(operand: impl Node<'a>, at: &str) -> Result<String> {
    match operand.seen() {
        NodeKind::String(text) => Ok(String::from_utf8_lossy(text).into_owned()),
        _ => wrong(at, "must be a string", operand),
    }
}

fn boolean<'a>(operand: impl Node<'a>, at: &str) -> Result<bool> {
    match operand.seen() {
        NodeKind::Bool(value) => Ok(value),
        _ => wrong(at, "must be a boolean", operand),
    }
}

fn number<'a>(operand: impl Node<'a>, at: &str) -> Result<Value> {
    let value = operand.tree();
    if as_double(&value).is_some() { Ok(value) } else { wrong(at, "must be a number", operand) }
}

fn size<'a>(operand: impl Node<'a>, at: &str) -> Result<usize> {
    match as_integer(&operand.tree()).and_then(|size| usize::try_from(size).ok()) {
        Some(size) => Ok(size),
        None => fail(at, "must be a whole number that is not negative"),
    }
}

fn exclusive<'a, N: Node<'a>>(schema: N, keyword: &str, path: &str) -> Result<bool> {
    match schema.field(keyword) {
        None => Ok(false),
        Some(operand) => boolean(operand, &format!("{path}.{keyword}")),
    }
}

fn pattern(source: &str, at: &str, work: &Work) -> Result<Pattern> {
    Source { pattern: source, options: "" }.compile(at, work)
}

/// The names of `type`; `bsonType` has those of `$type`.
const JSON_TYPES: [(&str, &str); 6] = [
    ("object", "object"),
    ("array", "array"),
    ("number", "number"),
    ("boolean", "bool"),
    ("string", "string"),
    ("null", "null"),
];

/// One name or several distinct ones.
fn types<'a>(operand: impl Node<'a>, at: &str, json: &[(&str, &str)]) -> Result<Types> {
    let given = match operand.seen() {
        NodeKind::Array(()) => names(operand, at)?,
        _ => vec![text(operand, at)?],
    };
    let mut all = Types::default();
    for name in &given {
        let known = match json.iter().find(|(own, _)| own == name) {
            Some((_, name)) => Types::named(name),
            None if json.is_empty() => Types::named(name),
            None => None,
        };
        match known {
            Some(types) => all = all.and(types),
            None if name == "integer" => {
                return fail(
                    at,
                    "knows no 'integer', as in MongoDB; use bsonType: ['int', 'long'], or multipleOf: 1",
                );
            }
            None => {
                let message = format!("'{at}' knows no type '{name}'");
                return Err(bad_query(at, message).with_code(codes::BAD_VALUE));
            }
        }
    }
    Ok(all)
}

/// A list of at least one string without duplicates.
fn names<'a>(operand: impl Node<'a>, at: &str) -> Result<Vec<String>> {
    if !matches!(operand.seen(), NodeKind::Array(())) {
        return wrong(at, "must be an array of strings", operand);
    }
    let names: Vec<String> = operand.items().map(|item| text(item, at)).collect::<Result<_>>()?;
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => fail(at, &format!("names '{name}' twice")),
        None if names.is_empty() => fail(at, "must name at least one"),
        None => Ok(names),
    }
}

fn distinct<'a>(operand: impl Node<'a>, at: &str) -> Result<Vec<Value>> {
    if !matches!(operand.seen(), NodeKind::Array(())) {
        return wrong(at, "must be an array of values", operand);
    }
    let values: Vec<Value> = operand.items().map(Node::tree).collect();
    if values.iter().any(|value| Source::of(value).is_some()) {
        return fail(at, "takes values, not regular expressions; use pattern");
    }
    let mut sorted: Vec<&Value> = values.iter().collect();
    sorted.sort_by(|a, b| compare_values(a, b));
    let repeated = sorted.windows(2).any(|pair| matches!(pair, [a, b] if same(*a, *b)));
    match (repeated, values.is_empty()) {
        (true, _) => fail(at, "holds a value twice"),
        (_, true) => fail(at, "must hold at least one value"),
        _ => Ok(values),
    }
}

fn schemas<'a>(operand: impl Node<'a>, at: &str, work: &Work) -> Result<Vec<JsonSchema>> {
    if !matches!(operand.seen(), NodeKind::Array(())) {
        return wrong(at, "must be an array of schemas", operand);
    }
    let read = |(n, item)| parse_at(item, &format!("{at}.{n}"), work);
    let all: Vec<_> = operand.items().enumerate().map(read).collect::<Result<_>>()?;
    if all.is_empty() { fail(at, "must hold at least one schema") } else { Ok(all) }
}

fn others<'a>(operand: Option<impl Node<'a>>, at: &str, work: &Work) -> Result<Others> {
    let Some(operand) = operand else { return Ok(Others::Allowed) };
    match operand.seen() {
        NodeKind::Bool(true) => Ok(Others::Allowed),
        NodeKind::Bool(false) => Ok(Others::Forbidden),
        NodeKind::Object(()) => Ok(Others::Valid(Box::new(parse_at(operand, at, work)?))),
        _ => wrong(at, "must be a boolean or a schema", operand),
    }
}

fn items<'a, N: Node<'a>>(schema: N, operand: N, path: &str, work: &Work) -> Result<Rule> {
    let at = format!("{path}.items");
    match operand.seen() {
        NodeKind::Object(()) => Ok(Rule::Items(parse_at(operand, &at, work)?)),
        NodeKind::Array(()) => {
            let read = |(n, item)| parse_at(item, &format!("{at}.{n}"), work);
            let all = operand.items().enumerate().map(read).collect::<Result<_>>()?;
            Ok(Rule::Tuple(
                all,
                others(schema.field("additionalItems"), &format!("{path}.additionalItems"), work)?,
            ))
        }
        _ => wrong(&at, "must be a schema or an array of schemas", operand),
    }
}

fn properties<'a>(schema: impl Node<'a>, path: &str, work: &Work) -> Result<Properties> {
    let mut properties = Properties::default();
    let at = format!("{path}.properties");
    if let Some(given) = schema.field("properties") {
        for (name, below) in object(given, &at)?.fields() {
            properties.named.push((name.to_owned(), parse_at(below, &format!("{at}.{name}"), work)?));
        }
    }
    // Keys are distinct; they are sorted for binary search.
    properties.named.sort_by(|(a, _), (b, _)| a.cmp(b));
    let at = format!("{path}.patternProperties");
    if let Some(given) = schema.field("patternProperties") {
        for (source, below) in object(given, &at)?.fields() {
            let at = format!("{at}.{source}");
            properties.patterns.push((pattern(source, &at, work)?, parse_at(below, &at, work)?));
        }
    }
    let at = format!("{path}.additionalProperties");
    properties.others = others(schema.field("additionalProperties"), &at, work)?;
    Ok(properties)
}

fn object<'a, N: Node<'a>>(operand: N, at: &str) -> Result<N, Error> {
    match operand.seen() {
        NodeKind::Object(()) => Ok(operand),
        _ => wrong(at, "must be an object", operand),
    }
}

fn dependencies<'a>(operand: impl Node<'a>, at: &str, work: &Work) -> Result<Vec<(String, Dependency)>> {
    let mut all = Vec::new();
    for (name, given) in object(operand, at)?.fields() {
        let at = format!("{at}.{name}");
        let dependency = match given.seen() {
            NodeKind::Array(()) => Dependency::Properties(names(given, &at)?),
            NodeKind::Object(()) => Dependency::Schema(parse_at(given, &at, work)?),
            _ => return wrong(&at, "must be a schema or an array of names", given),
        };
        all.push((name.to_owned(), dependency));
    }
    Ok(all)
}
