//! The keywords of `$jsonSchema`.

use std::collections::HashMap;

use super::report::{Expected, Fields, RULE, Report, field, number, reason, text};
use crate::document::{Node, NodeKind, Value};
use crate::query::pattern::Source;
use crate::query::schema::JsonSchema;

/// The keywords that are told, in the order in which the server checks them.
const KEYWORDS: &[&str] = &[
    "maxLength",
    "minLength",
    "pattern",
    "maximum",
    "minimum",
    "multipleOf",
    "maxItems",
    "minItems",
    "uniqueItems",
    "items",
    "additionalItems",
    "properties",
    "patternProperties",
    "additionalProperties",
    "required",
    "minProperties",
    "maxProperties",
    "dependencies",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "enum",
    "type",
    "bsonType",
];

/// Why a document is not as expected of a schema; `None` where it is.
pub(super) fn explain<'a>(
    schema: &Value,
    document: impl Node<'a>,
    expected: Expected,
    report: &Report<'_>,
) -> Option<Value> {
    let mut fields = vec![text("operatorName", "$jsonSchema")];
    annotate(schema, &mut fields);
    let rules = rules(schema, document, report);
    match (expected, rules.is_empty()) {
        (Expected::Match, false) => fields.push(field("schemaRulesNotSatisfied", Value::Array(rules))),
        (Expected::NoMatch, true) => fields.push(reason("schema matched")),
        _ => return None,
    }
    Some(Value::Object(fields))
}

/// Title and description of a schema are told with what fails in it.
fn annotate(schema: &Value, fields: &mut Fields) {
    for name in ["title", "description"] {
        fields.extend(schema.field(name).map(|words| field(name, words.clone())));
    }
}

/// The rules of a schema that a value breaks. Recursion follows the schema, whose nesting is bounded.
fn rules<'a>(schema: &Value, value: impl Node<'a>, report: &Report<'_>) -> Vec<Value> {
    let mut broken = Vec::new();
    for keyword in KEYWORDS {
        if let Some(operand) = schema.field(keyword)
            && report.work.goes_on(1)
            && report.looks_at(parts_of(value))
        {
            broken.extend(rule(schema, keyword, operand, value, report).map(Value::Object));
        }
    }
    broken
}

/// The fields or elements of a value.
fn parts_of<'a>(value: impl Node<'a>) -> usize {
    value.fields().count() + value.items().count()
}

/// The fields of an object by their names: each is looked for once, however many there are.
struct Named<'a, N>(HashMap<&'a str, N, foldhash::fast::RandomState>);

impl<'a, N: Node<'a>> Named<'a, N> {
    fn of(object: N) -> Named<'a, N> {
        Named(object.fields().collect())
    }

    fn get(&self, name: &str) -> Option<N> {
        self.0.get(name).copied()
    }
}

/// Whether a value is valid by one keyword alone, with those that say more of it.
fn holds<'a>(
    schema: &Value,
    keyword: &str,
    operand: &Value,
    value: impl Node<'a>,
    report: &Report<'_>,
) -> bool {
    let alone = specified(schema, keyword, operand);
    JsonSchema::parse_node(&alone, report.work).is_ok_and(|schema| schema.holds(value, report.work))
}

/// The keyword as it is written, with those that say more of it.
fn specified(schema: &Value, keyword: &str, operand: &Value) -> Value {
    let more = match keyword {
        "minimum" => "exclusiveMinimum",
        "maximum" => "exclusiveMaximum",
        _ => "",
    };
    let more = schema.field(more).map(|value| field(more, value.clone()));
    Value::Object([field(keyword, operand.clone())].into_iter().chain(more).collect())
}

/// What is told of a keyword that a value breaks.
fn rule<'a>(
    schema: &Value,
    keyword: &str,
    operand: &Value,
    value: impl Node<'a>,
    report: &Report<'_>,
) -> Option<Fields> {
    let seen = value.seen();
    match (keyword, seen) {
        ("items", NodeKind::Array(())) => return items(operand, value, report),
        ("additionalItems", NodeKind::Array(())) => return additional_items(schema, operand, value, report),
        ("properties", NodeKind::Object(())) => return properties(operand, value, report),
        ("patternProperties", NodeKind::Object(())) => return by_pattern(operand, value, report),
        ("additionalProperties", NodeKind::Object(())) => return additional(schema, operand, value, report),
        ("required", NodeKind::Object(())) => return required(operand, value, report),
        ("dependencies", NodeKind::Object(())) => return dependencies(operand, value, report),
        ("allOf" | "anyOf" | "oneOf", _) => return of_schemas(keyword, operand, value, report),
        ("not", _) => {
            let mut fields = vec![text("operatorName", "not")];
            fields.push(reason("child expression matched"));
            return rules(operand, value, report).is_empty().then_some(fields);
        }
        (
            "items"
            | "additionalItems"
            | "properties"
            | "patternProperties"
            | "additionalProperties"
            | "required"
            | "dependencies",
            _,
        ) => return None,
        _ => {}
    }
    if holds(schema, keyword, operand, value, report) {
        return None;
    }
    let why = match keyword {
        "maxLength" | "minLength" => "specified string length was not satisfied",
        "pattern" => "regular expression did not match",
        "multipleOf" => "considered value is not a multiple of the specified value",
        "maxItems" | "minItems" => "array did not match specified length",
        "uniqueItems" => "found a duplicate item",
        "minProperties" | "maxProperties" => "specified number of properties was not satisfied",
        "enum" => "value was not found in enum",
        "type" | "bsonType" => "type did not match",
        _ => "comparison failed",
    };
    let mut fields = report.operator(keyword, &specified(schema, keyword, operand), why);
    match keyword {
        "minProperties" | "maxProperties" => {
            fields.push(number("numberOfProperties", value.fields().count()))
        }
        _ => report.considered(&[value], &mut fields),
    }
    if let "type" | "bsonType" = keyword {
        report.types(&[value], &mut fields);
    }
    Some(fields)
}

fn details(rules: Vec<Value>) -> (String, Value) {
    field("details", Value::Array(rules))
}

fn not_empty(name: &str, what: &str, all: Vec<Value>) -> Option<Fields> {
    (!all.is_empty()).then(|| vec![text("operatorName", name), field(what, Value::Array(all))])
}

/// A property that breaks its schema.
fn property<'a>(name: &str, schema: &Value, value: impl Node<'a>, report: &Report<'_>) -> Option<Fields> {
    let broken = rules(schema, value, report);
    if broken.is_empty() || !report.take(RULE + name.len()) {
        return None;
    }
    let mut fields = vec![text("propertyName", name)];
    annotate(schema, &mut fields);
    fields.push(details(broken));
    Some(fields)
}

fn properties<'a>(operand: &Value, object: impl Node<'a>, report: &Report<'_>) -> Option<Fields> {
    let named = Named::of(object);
    let broken = operand
        .fields()
        .take_while(|_| !report.is_full())
        .filter_map(|(name, schema)| property(name, schema, named.get(name)?, report).map(Value::Object));
    not_empty("properties", "propertiesNotSatisfied", broken.collect())
}

fn by_pattern<'a>(operand: &Value, object: impl Node<'a>, report: &Report<'_>) -> Option<Fields> {
    let mut broken = Vec::new();
    for (pattern, schema) in operand.fields() {
        let Ok(compiled) = (Source { pattern, options: "" }).compile("patternProperties", report.work) else {
            continue;
        };
        let matching = object.fields().filter(|(name, _)| compiled.is_in(name.as_bytes()));
        for (name, value) in matching.take_while(|_| !report.is_full()) {
            if let Some(mut fields) = property(name, schema, value, report) {
                fields.insert(1, text("regexMatched", pattern));
                broken.push(Value::Object(fields));
            }
        }
    }
    not_empty("patternProperties", "details", broken)
}

/// Properties that neither `properties` nor `patternProperties` name.
fn additional<'a>(
    schema: &Value,
    operand: &Value,
    object: impl Node<'a>,
    report: &Report<'_>,
) -> Option<Fields> {
    let patterns: Vec<_> = schema
        .field("patternProperties")
        .into_iter()
        .flat_map(Node::fields)
        .filter_map(|(pattern, _)| {
            Source { pattern, options: "" }.compile("patternProperties", report.work).ok()
        })
        .collect();
    let named = schema.field("properties").map(Named::of);
    let is_named = |name: &str| {
        named.as_ref().is_some_and(|named| named.get(name).is_some())
            || patterns.iter().any(|pattern| pattern.is_in(name.as_bytes()))
    };
    let mut others = object.fields().filter(|(name, _)| report.work.goes_on(1) && !is_named(name));
    match operand {
        Value::Bool(false) => {
            let names: Vec<_> =
                others.filter_map(|(name, _)| report.value(&Value::String(name.to_owned()))).collect();
            if names.is_empty() {
                return None;
            }
            let written = Value::Object(vec![field("additionalProperties", operand.clone())]);
            Some(vec![
                text("operatorName", "additionalProperties"),
                field("specifiedAs", written),
                field("additionalProperties", Value::Array(names)),
            ])
        }
        Value::Object(_) => others.find_map(|(name, value)| {
            let broken = rules(operand, value, report);
            (!broken.is_empty()).then(|| {
                vec![
                    text("operatorName", "additionalProperties"),
                    reason("at least one additional property did not match the subschema"),
                    text("failingProperty", name),
                    details(broken),
                ]
            })
        }),
        _ => None,
    }
}

/// Those of these names that an object does not have.
fn missing<'a, N: Node<'a>>(names: &Value, object: &Named<'a, N>) -> Vec<Value> {
    let is_missing = |name: &&Value| matches!(name, Value::String(name) if object.get(name).is_none());
    names.items().filter(is_missing).cloned().collect()
}

fn required<'a>(operand: &Value, object: impl Node<'a>, report: &Report<'_>) -> Option<Fields> {
    let missing = missing(operand, &Named::of(object));
    if missing.is_empty() {
        return None;
    }
    let written = Value::Object(vec![field("required", operand.clone())]);
    let mut fields = vec![text("operatorName", "required")];
    fields.extend(report.value(&written).map(|written| field("specifiedAs", written)));
    fields.push(field("missingProperties", Value::Array(missing)));
    Some(fields)
}

fn dependencies<'a>(operand: &Value, object: impl Node<'a>, report: &Report<'_>) -> Option<Fields> {
    let named = Named::of(object);
    let broken = operand.fields().filter(|(name, _)| named.get(name).is_some());
    let broken = broken.take_while(|_| !report.is_full()).filter_map(|(name, dependency)| {
        let what = match dependency {
            Value::Array(_) => {
                let missing = missing(dependency, &named);
                (!missing.is_empty()).then(|| field("missingProperties", Value::Array(missing)))
            }
            schema => Some(rules(schema, object, report)).filter(|broken| !broken.is_empty()).map(details),
        };
        what.map(|what| Value::Object(vec![text("conditionalProperty", name), what]))
    });
    not_empty("dependencies", "failingDependencies", broken.collect())
}

/// The first element that breaks a schema, as the keyword tells it.
fn element<'a, 's>(
    name: &str,
    elements: impl Iterator<Item = (usize, impl Node<'a>)>,
    schema_of: impl Fn(usize) -> Option<&'s Value>,
    report: &Report<'_>,
) -> Option<Fields> {
    let mut compiled: Option<(&Value, JsonSchema)> = None;
    for (n, item) in elements {
        let schema = schema_of(n)?;
        // Every element usually has the same schema.
        if compiled.as_ref().is_none_or(|(known, _)| !std::ptr::eq(*known, schema)) {
            compiled = Some((schema, JsonSchema::parse_node(schema, report.work).ok()?));
        }
        if compiled.as_ref().is_some_and(|(_, schema)| schema.holds(item, report.work)) {
            continue;
        }
        let what = if name == "items" { "item" } else { "additional item" };
        return Some(vec![
            text("operatorName", name),
            reason(&format!("At least one {what} did not match the sub-schema")),
            number("itemIndex", n),
            details(rules(schema, item, report)),
        ]);
    }
    None
}

fn items<'a>(operand: &Value, array: impl Node<'a>, report: &Report<'_>) -> Option<Fields> {
    let tuple = matches!(operand, Value::Array(_)).then(|| operand.items().count());
    let elements = array.items().enumerate().take(tuple.unwrap_or(usize::MAX));
    let schema_of = |n: usize| match operand {
        Value::Array(all) => all.get(n),
        schema => Some(schema),
    };
    element("items", elements, schema_of, report)
}

/// The elements behind those that `items` lists.
fn additional_items<'a>(
    schema: &Value,
    operand: &Value,
    array: impl Node<'a>,
    report: &Report<'_>,
) -> Option<Fields> {
    let Some(Value::Array(listed)) = schema.field("items") else { return None };
    let others = array.items().enumerate().skip(listed.len());
    match operand {
        Value::Bool(false) => {
            let told: Vec<_> = others.filter_map(|(_, item)| report.value(item)).collect();
            if array.items().count() <= listed.len() {
                return None;
            }
            let written = Value::Object(vec![field("additionalItems", operand.clone())]);
            let mut fields = report.operator("additionalItems", &written, "found additional items");
            fields.push(field("additionalItems", Value::Array(told)));
            Some(fields)
        }
        Value::Object(_) => element("additionalItems", others, |_| Some(operand), report),
        _ => None,
    }
}

/// `allOf`, `anyOf` and `oneOf`.
fn of_schemas<'a>(
    keyword: &str,
    operand: &Value,
    value: impl Node<'a>,
    report: &Report<'_>,
) -> Option<Fields> {
    let (mut broken, mut matching) = (Vec::new(), Vec::new());
    for (n, schema) in operand.items().enumerate() {
        let rules = rules(schema, value, report);
        if rules.is_empty() {
            matching.push(Value::number(n as f64));
        } else {
            broken.push(Value::Object(vec![number("index", n), details(rules)]));
        }
    }
    if keyword == "oneOf" && matching.len() > 1 {
        return Some(vec![
            text("operatorName", keyword),
            reason("more than one subschema matched"),
            field("matchingSchemaIndexes", Value::Array(matching)),
        ]);
    }
    let holds = match keyword {
        "allOf" => broken.is_empty(),
        _ => !matching.is_empty(),
    };
    if holds { None } else { not_empty(keyword, "schemasNotSatisfied", broken) }
}
