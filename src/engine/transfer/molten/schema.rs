//! Schemas of MoltenDB, which are JSON Schema of any draft, as validators of ours, which are MongoDB's subset of draft 4; and back.

use crate::document::{Object, RawValue, Shapes, Value, encode_plain};
use crate::query::Filter;

/// Says nothing about documents.
const NOTES: [&str; 11] = [
    "$schema",
    "$id",
    "id",
    "$comment",
    "default",
    "examples",
    "readOnly",
    "writeOnly",
    "deprecated",
    "title",
    "description",
];
/// Hold one schema, a list of schemas, or schemas by name.
const ONE: [&str; 3] = ["not", "additionalProperties", "additionalItems"];
const LIST: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const NAMED: [&str; 2] = ["properties", "patternProperties"];
/// Mean the same in all drafts.
const SAME: [&str; 12] = [
    "enum",
    "multipleOf",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "required",
    "minProperties",
    "maxProperties",
    "minItems",
    "maxItems",
];

/// The validator `{ $jsonSchema }` that a schema means, or why there is none.
pub(super) fn validator(schema: &Value) -> Result<Value, String> {
    let mut rules = here(schema)?;
    // The key is a field of its document here.
    let closed =
        rules.iter().any(|(name, rule)| name == "additionalProperties" && *rule == Value::Bool(false));
    if closed {
        let id = ("_id".to_owned(), Value::Object(Vec::new()));
        match rules.iter_mut().find(|(name, _)| name == "properties") {
            Some((_, Value::Object(properties))) => {
                if properties.iter().all(|(name, _)| name != "_id") {
                    properties.push(id);
                }
            }
            _ => rules.push(("properties".to_owned(), Value::Object(vec![id]))),
        }
    }
    let validator = Value::Object(vec![("$jsonSchema".to_owned(), Value::Object(rules))]);
    let mut bytes = Vec::new();
    encode_plain(&validator, &mut bytes);
    Filter::parse(RawValue::new(&bytes, &Shapes::new())).map_err(|error| error.message().to_owned())?;
    Ok(validator)
}

fn here(schema: &Value) -> Result<Object, String> {
    let rules = match schema {
        Value::Object(rules) => rules,
        Value::Bool(true) => return Ok(Vec::new()),
        Value::Bool(false) => return Ok(vec![("not".to_owned(), Value::Object(Vec::new()))]),
        _ => return Err("it is no object".to_owned()),
    };
    let mut made = Vec::new();
    let mut add = |name: &str, rule: Value| made.push((name.to_owned(), rule));
    for (name, rule) in rules {
        match name.as_str() {
            name if NOTES.contains(&name) => {}
            name if SAME.contains(&name) => add(name, rule.clone()),
            "uniqueItems" => add(name, rule.clone()),
            "additionalProperties" | "additionalItems" if matches!(rule, Value::Bool(_)) => {
                add(name, rule.clone())
            }
            name if ONE.contains(&name) => add(name, Value::Object(here(rule)?)),
            name if LIST.contains(&name) => {
                let Value::Array(all) = rule else { return Err(format!("{name} is no list")) };
                let all = all.iter().map(|one| here(one).map(Value::Object)).collect::<Result<_, _>>()?;
                add(name, Value::Array(all));
            }
            name if NAMED.contains(&name) => {
                let Value::Object(all) = rule else { return Err(format!("{name} is no object")) };
                let all = all.iter().map(|(own, one)| Ok((own.clone(), Value::Object(here(one)?))));
                add(name, Value::Object(all.collect::<Result<_, String>>()?));
            }
            "items" => match rule {
                Value::Array(all) => {
                    let all = all.iter().map(|one| here(one).map(Value::Object)).collect::<Result<_, _>>()?;
                    add(name, Value::Array(all));
                }
                one => add(name, Value::Object(here(one)?)),
            },
            "const" => add("enum", Value::Array(vec![rule.clone()])),
            "exclusiveMinimum" | "exclusiveMaximum" if matches!(rule, Value::Bool(_)) => {
                add(name, rule.clone())
            }
            "exclusiveMinimum" | "exclusiveMaximum" => {
                let bound = if name == "exclusiveMinimum" { "minimum" } else { "maximum" };
                if rules.iter().any(|(other, _)| other == bound) {
                    return Err(format!("{name} stands beside {bound}"));
                }
                add(bound, rule.clone());
                add(name, Value::Bool(true));
            }
            "type" => types(rule, &mut add)?,
            _ => return Err(format!("{name} has no equal in $jsonSchema")),
        }
    }
    Ok(made)
}

/// `integer` is a number that is a multiple of 1.
fn types(rule: &Value, add: &mut impl FnMut(&str, Value)) -> Result<(), String> {
    let integer = Value::String("integer".to_owned());
    match rule {
        Value::String(name) if name == "integer" => {
            add("type", Value::String("number".to_owned()));
            add("multipleOf", Value::Int(1));
        }
        Value::Array(names) if names.contains(&integer) => {
            if names.iter().any(|name| *name == Value::String("number".to_owned())) {
                add("type", Value::Array(names.iter().filter(|name| **name != integer).cloned().collect()));
            } else {
                let name = |name: &Value| {
                    if *name == integer { Value::String("number".to_owned()) } else { name.clone() }
                };
                add("type", Value::Array(names.iter().map(name).collect()));
                add("multipleOf", Value::Int(1));
            }
        }
        other => add("type", other.clone()),
    }
    Ok(())
}

/// The schema that a validator means to MoltenDB, or why there is none.
pub(super) fn schema(validator: &Value) -> Result<Value, String> {
    let Value::Object(fields) = validator else { return Err("it is no object".to_owned()) };
    let [(name, Value::Object(rules))] = fields.as_slice() else {
        return Err("it is more than a $jsonSchema".to_owned());
    };
    if name != "$jsonSchema" {
        return Err(format!("{name} is no rule of JSON Schema"));
    }
    if let Some(name) = only_ours(rules) {
        return Err(format!("{name} is no rule of JSON Schema"));
    }
    let draft = Value::String("http://json-schema.org/draft-04/schema#".to_owned());
    let mut schema = vec![("$schema".to_owned(), draft)];
    schema.extend(rules.iter().cloned());
    Ok(Value::Object(schema))
}

/// A keyword that only MongoDB's schemas have.
fn only_ours(rules: &Object) -> Option<&'static str> {
    rules.iter().find_map(|(name, rule)| match (name.as_str(), rule) {
        ("bsonType", _) => Some("bsonType"),
        ("properties" | "patternProperties" | "dependencies", Value::Object(named)) => {
            named.iter().find_map(|(_, rule)| only_ours_in(rule))
        }
        ("enum" | "required", _) => None,
        (_, rule) => only_ours_in(rule),
    })
}

fn only_ours_in(rule: &Value) -> Option<&'static str> {
    match rule {
        Value::Object(rules) => only_ours(rules),
        Value::Array(all) => all.iter().find_map(only_ours_in),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::transfer::molten::json::{Budget, Parsed};
    use serde::de::DeserializeSeed;

    fn value(text: &str) -> Value {
        let budget = Budget::of_document();
        Parsed { budget: &budget, whole: true }
            .deserialize(&mut serde_json::Deserializer::from_str(text))
            .unwrap()
    }

    #[test]
    fn keywords_of_later_drafts_become_those_of_draft_4() {
        let made = validator(&value(
            r#"{"$schema":"x","type":"object","additionalProperties":false,"properties":
              {"n":{"type":"integer","exclusiveMinimum":0},"k":{"const":5},"l":{"type":["integer","null"]}}}"#,
        ));
        let expected = value(
            r#"{"$jsonSchema":{"type":"object","additionalProperties":false,"properties":
              {"n":{"type":"number","multipleOf":1,"minimum":0,"exclusiveMinimum":true},"k":{"enum":[5]},
               "l":{"type":["number","null"],"multipleOf":1},"_id":{}}}}"#,
        );
        assert_eq!(made.unwrap(), expected);
    }

    #[test]
    fn a_schema_without_an_equal_is_refused_by_the_name_of_its_keyword() {
        for (schema, name) in [
            (r##"{"properties":{"a":{"$ref":"#/x"}}}"##, "$ref"),
            (r#"{"format":"email"}"#, "format"),
            (r#"{"if":{}}"#, "if"),
            (r#"{"type":"nonsense"}"#, "nonsense"),
            ("5", "no object"),
        ] {
            assert!(validator(&value(schema)).unwrap_err().contains(name), "{schema}");
        }
    }

    #[test]
    fn validators_of_json_schema_alone_go_back() {
        assert!(schema(&value(r#"{"$jsonSchema":{"required":["a"]}}"#)).is_ok());
        assert!(schema(&value(r#"{"$jsonSchema":{"properties":{"a":{"bsonType":"int"}}}}"#)).is_err());
        assert!(schema(&value(r#"{"a":5}"#)).is_err());
    }
}
