//! Each keyword with valid and invalid values, and malformed schemas.

use super::{JsonSchema, Violation};
use crate::error::Kind;
use crate::query::Filter;
use crate::query::testing::{encoded, value};

fn compiled(schema: &str) -> JsonSchema {
    JsonSchema::parse(encoded(schema).raw()).unwrap_or_else(|error| panic!("{error} in {schema}"))
}

#[track_caller]
fn check(schema: &str, valid: &[&str], invalid: &[&str]) {
    let schema = compiled(schema);
    for (texts, wanted) in [(valid, true), (invalid, false)] {
        for text in texts {
            let document = encoded(text);
            assert_eq!(schema.validates(document.raw()), wanted, "{text}");
            // The tree gives the same result as the bytes, and there is a violation exactly if the value is invalid.
            assert_eq!(schema.holds(&value(text), &crate::work::Work::default()), wanted, "{text}");
            assert_eq!(schema.violation(document.raw()).is_none(), wanted, "{text}");
        }
    }
}

#[track_caller]
fn refused(schema: &str, path: &str, words: &str) {
    let error = JsonSchema::parse(encoded(schema).raw()).expect_err(schema);
    assert_eq!(error.kind(), Kind::BadQuery, "{error}");
    assert_eq!(error.details().path.as_deref(), Some(path), "{error}");
    assert!(error.message().contains(words), "{error}");
}

#[test]
fn types_are_exact_and_do_not_look_into_arrays() {
    check(
        r#"{"properties": {"a": {"bsonType": "int"}}}"#,
        &[r#"{"a": 1}"#, "{}"],
        &[r#"{"a": 1.5}"#, r#"{"a": [1]}"#, r#"{"a": null}"#],
    );
    check(
        r#"{"properties": {"a": {"bsonType": ["long", "binData", "date"]}}}"#,
        &[
            r#"{"a": {"$numberLong": "1"}}"#,
            r#"{"a": {"$date": {"$numberLong": "1"}}}"#,
            r#"{"a": {"$binary": {"base64": "eA==", "subType": "00"}}}"#,
        ],
        &[r#"{"a": 1}"#],
    );
    check(
        r#"{"properties": {"a": {"type": ["number", "boolean", "null"]}}}"#,
        &[r#"{"a": 1}"#, r#"{"a": {"$numberLong": "1"}}"#, r#"{"a": true}"#, r#"{"a": null}"#],
        &[r#"{"a": "x"}"#, r#"{"a": {}}"#],
    );
    check(r#"{"properties": {"a": {"bsonType": "decimal"}}}"#, &["{}"], &[r#"{"a": 1}"#]);
    check(r#"{"type": "object"}"#, &["{}"], &[]);
    check(r#"{"type": "string"}"#, &[], &["{}"]);
    check("{}", &["{}", r#"{"a": 1}"#], &[]);
}

#[test]
fn numbers_have_bounds_and_divisors() {
    let of = |rule: &str| format!(r#"{{"properties": {{"a": {{{rule}}}}}}}"#);
    check(
        &of(r#""minimum": 2"#),
        &[r#"{"a": 2}"#, r#"{"a": {"$numberLong": "3"}}"#, r#"{"a": "x"}"#],
        &[r#"{"a": 1.9}"#, r#"{"a": {"$numberDouble": "NaN"}}"#],
    );
    check(&of(r#""minimum": 2, "exclusiveMinimum": true"#), &[r#"{"a": 2.1}"#], &[r#"{"a": 2}"#]);
    check(
        &of(r#""exclusiveMaximum": true, "maximum": 2"#),
        &[r#"{"a": 1}"#],
        &[r#"{"a": 2}"#, r#"{"a": {"$numberDouble": "NaN"}}"#],
    );
    check(&of(r#""maximum": 2, "exclusiveMaximum": false"#), &[r#"{"a": 2}"#], &[r#"{"a": 2.5}"#]);
    check(
        &of(r#""multipleOf": 0.01"#),
        &[r#"{"a": 4.35}"#, r#"{"a": 7}"#, r#"{"a": 0}"#, r#"{"a": 1e300}"#],
        &[r#"{"a": 4.355}"#, r#"{"a": 1e-300}"#, r#"{"a": {"$numberDouble": "Infinity"}}"#],
    );
    check(
        &of(r#""multipleOf": 3"#),
        &[r#"{"a": 9}"#, r#"{"a": {"$numberLong": "9223372036854775806"}}"#, r#"{"a": "x"}"#],
        &[r#"{"a": 10}"#, r#"{"a": 9.5}"#],
    );
}

#[test]
fn strings_have_lengths_in_code_points_and_patterns() {
    let of = |rule: &str| format!(r#"{{"properties": {{"a": {{{rule}}}}}}}"#);
    check(
        &of(r#""minLength": 2, "maxLength": 3"#),
        &[r#"{"a": "\u00e9\u00e9"}"#, r#"{"a": "\ud83d\ude00\ud83d\ude00\ud83d\ude00"}"#, r#"{"a": 1}"#],
        &[r#"{"a": "\u00e9"}"#, r#"{"a": "abcd"}"#],
    );
    check(&of(r#""pattern": "^a\\d+$""#), &[r#"{"a": "a12"}"#, r#"{"a": 5}"#], &[r#"{"a": "ba1"}"#]);
    check(&of(r#""pattern": "b""#), &[r#"{"a": "abc"}"#], &[r#"{"a": "ac"}"#]);
}

#[test]
fn objects_have_properties() {
    check(r#"{"required": ["a", "b"]}"#, &[r#"{"a": null, "b": 1}"#], &[r#"{"a": 1}"#]);
    check(
        r#"{"minProperties": 1, "maxProperties": 2}"#,
        &[r#"{"a": 1}"#, r#"{"a": 1, "b": 2}"#],
        &["{}", r#"{"a": 1, "b": 2, "c": 3}"#],
    );
    check(
        r#"{"properties": {"a": {"type": "number"}}, "patternProperties": {"^s_": {"type": "string"}}, "additionalProperties": false}"#,
        &[r#"{"a": 1, "s_x": "y"}"#, "{}"],
        &[r#"{"b": 1}"#, r#"{"s_x": 1}"#, r#"{"a": "x"}"#],
    );
    check(
        r#"{"properties": {"a": {}}, "additionalProperties": {"type": "string"}}"#,
        &[r#"{"a": 1, "b": "x"}"#],
        &[r#"{"b": 1}"#],
    );
    check(r#"{"additionalProperties": false}"#, &["{}"], &[r#"{"a": 1}"#]);
    check(
        r#"{"dependencies": {"a": ["b", "c"]}}"#,
        &[r#"{"b": 1}"#, r#"{"a": 1, "b": 1, "c": 1}"#],
        &[r#"{"a": 1, "b": 1}"#],
    );
    check(
        r#"{"dependencies": {"a": {"required": ["b"]}}}"#,
        &["{}", r#"{"a": 1, "b": 1}"#],
        &[r#"{"a": 1}"#],
    );
    check(
        r#"{"properties": {"a": {"required": ["b"]}}}"#,
        &[r#"{"a": 5}"#, r#"{"a": {"b": 1}}"#],
        &[r#"{"a": {}}"#],
    );
}

#[test]
fn arrays_have_items() {
    let of = |rule: &str| format!(r#"{{"properties": {{"a": {{{rule}}}}}}}"#);
    check(
        &of(r#""items": {"type": "number"}"#),
        &[r#"{"a": [1, 2]}"#, r#"{"a": []}"#, r#"{"a": "x"}"#],
        &[r#"{"a": [1, "x"]}"#],
    );
    check(
        &of(r#""items": [{"type": "number"}, {"type": "string"}]"#),
        &[r#"{"a": [1]}"#, r#"{"a": [1, "x", null]}"#],
        &[r#"{"a": ["x"]}"#],
    );
    check(
        &of(r#""items": [{"type": "number"}], "additionalItems": false"#),
        &[r#"{"a": [1]}"#],
        &[r#"{"a": [1, 2]}"#],
    );
    check(
        &of(r#""items": [{}], "additionalItems": {"type": "string"}"#),
        &[r#"{"a": [1, "x"]}"#],
        &[r#"{"a": [1, 2]}"#],
    );
    check(&of(r#""items": {}, "additionalItems": false"#), &[r#"{"a": [1, 2]}"#], &[]);
    check(
        &of(r#""minItems": 1, "maxItems": 2"#),
        &[r#"{"a": [1]}"#],
        &[r#"{"a": []}"#, r#"{"a": [1, 2, 3]}"#],
    );
    check(
        &of(r#""uniqueItems": true"#),
        &[r#"{"a": [1, "1", [1], {"x": 1}]}"#],
        &[r#"{"a": [1, {"$numberLong": "1"}]}"#, r#"{"a": [{"x": 1, "y": 2}, {"y": 2, "x": 1}]}"#],
    );
    check(&of(r#""uniqueItems": false"#), &[r#"{"a": [1, 1]}"#], &[]);
}

#[test]
fn schemas_are_combined() {
    let of = |rule: &str| format!(r#"{{"properties": {{"a": {{{rule}}}}}}}"#);
    check(&of(r#""allOf": [{"minimum": 1}, {"maximum": 3}]"#), &[r#"{"a": 2}"#], &[r#"{"a": 4}"#]);
    check(
        &of(r#""anyOf": [{"minimum": 3}, {"type": "string"}]"#),
        &[r#"{"a": 3}"#, r#"{"a": "x"}"#],
        &[r#"{"a": 1}"#],
    );
    check(
        &of(r#""oneOf": [{"minimum": 1}, {"minimum": 3}]"#),
        &[r#"{"a": 2}"#],
        &[r#"{"a": 0}"#, r#"{"a": 3}"#],
    );
    check(&of(r#""not": {"type": "string"}"#), &[r#"{"a": 1}"#, "{}"], &[r#"{"a": "x"}"#]);
    check(
        &of(r#""enum": [1, "x", {"p": 1, "q": 2}, null]"#),
        &[r#"{"a": {"$numberLong": "1"}}"#, r#"{"a": {"q": 2, "p": 1}}"#, r#"{"a": null}"#],
        &[r#"{"a": "y"}"#, r#"{"a": [1]}"#],
    );
}

#[test]
fn a_violation_names_the_path_and_the_keyword() {
    let schema = compiled(
        r#"{"required": ["a"], "properties": {"a": {"properties": {"b": {"items": {"minimum": 3}}}}}, "additionalProperties": false}"#,
    );
    let found = |document: &str| {
        let Violation { path, keyword } = schema.violation(encoded(document).raw()).unwrap();
        (path, keyword)
    };
    assert_eq!(found("{}"), (String::new(), "required"));
    assert_eq!(found(r#"{"a": {"b": [3, 2]}}"#), ("a.b.1".to_owned(), "minimum"));
    assert_eq!(found(r#"{"a": 1, "c": 1}"#), (String::new(), "additionalProperties"));
}

#[test]
fn what_is_not_well_formed_is_refused_with_its_path() {
    refused(r#"{"foo": 1}"#, "$jsonSchema.foo", "unknown $jsonSchema keyword 'foo'");
    refused(
        r#"{"properties": {"a": {"bar": 1}}}"#,
        "$jsonSchema.properties.a.bar",
        "unknown $jsonSchema keyword",
    );
    refused(r#"{"$ref": "x"}"#, "$jsonSchema.$ref", "leave it out");
    refused(r#"{"type": "integer"}"#, "$jsonSchema.type", "bsonType");
    refused(r#"{"type": "bool"}"#, "$jsonSchema.type", "no type 'bool'");
    refused(r#"{"bsonType": "boolean"}"#, "$jsonSchema.bsonType", "no type 'boolean'");
    refused(r#"{"bsonType": 2}"#, "$jsonSchema.bsonType", "must be a string");
    refused(r#"{"type": "object", "bsonType": "object"}"#, "$jsonSchema.type", "beside bsonType");
    refused(r#"{"required": []}"#, "$jsonSchema.required", "at least one");
    refused(r#"{"required": ["a", "a"]}"#, "$jsonSchema.required", "twice");
    refused(r#"{"enum": []}"#, "$jsonSchema.enum", "at least one");
    refused(r#"{"enum": [1, {"$numberLong": "1"}]}"#, "$jsonSchema.enum", "twice");
    refused(r#"{"exclusiveMinimum": true}"#, "$jsonSchema.exclusiveMinimum", "needs minimum");
    refused(r#"{"minimum": 1, "exclusiveMinimum": 1}"#, "$jsonSchema.exclusiveMinimum", "boolean");
    refused(r#"{"multipleOf": 0}"#, "$jsonSchema.multipleOf", "above 0");
    refused(r#"{"minLength": -1}"#, "$jsonSchema.minLength", "not negative");
    refused(r#"{"pattern": "("}"#, "$jsonSchema.pattern", "not closed");
    refused(r#"{"items": 1}"#, "$jsonSchema.items", "array of schemas");
    refused(r#"{"anyOf": []}"#, "$jsonSchema.anyOf", "at least one");
    refused(r#"{"not": []}"#, "$jsonSchema.not", "must be a schema");
    refused(r#"{"dependencies": {"a": 1}}"#, "$jsonSchema.dependencies.a", "array of names");
    refused(r#"{"title": 1}"#, "$jsonSchema.title", "string");
    refused(r#"{"additionalProperties": 1}"#, "$jsonSchema.additionalProperties", "boolean or a schema");
    let error = JsonSchema::parse(encoded(r#"{"encrypt": {}}"#).raw()).unwrap_err();
    assert_eq!(error.kind(), Kind::NotSupported);
}

#[test]
fn it_stands_in_filters_beside_other_conditions() {
    let filter = r#"{"$jsonSchema": {"required": ["a"]}, "a": {"$gt": 1}}"#;
    let filter = Filter::parse(encoded(filter).raw()).unwrap();
    assert!(filter.matches(encoded(r#"{"a": 2}"#).raw()));
    assert!(!filter.matches(encoded(r#"{"a": 1}"#).raw()));
    let filter = r#"{"$nor": [{"$jsonSchema": {"required": ["a"]}}]}"#;
    let filter = Filter::parse(encoded(filter).raw()).unwrap();
    assert!(filter.matches(encoded(r#"{"b": 2}"#).raw()));
    assert!(!filter.matches(encoded(r#"{"a": 1}"#).raw()));
}

#[test]
fn schemas_nest_as_deep_as_documents() {
    for (open, close) in [(r#"{"not":"#, "}"), (r#"{"properties":{"a":"#, "}}"), (r#"{"anyOf":["#, "]}")] {
        let levels = if close.len() == 1 { 99 } else { 49 };
        let schema = compiled(&format!("{}{{}}{}", open.repeat(levels), close.repeat(levels)));
        let document = format!("{}1{}", r#"{"a":"#.repeat(99), "}".repeat(99));
        let document = encoded(&document);
        assert_eq!(schema.validates(document.raw()), schema.violation(document.raw()).is_none());
    }
}
