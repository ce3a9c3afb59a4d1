//! What is told of a document that a validator refuses.

use super::explain::explain;
use super::filter::explain as explained;
use super::report::{Expected, Report};
use crate::document::Collation;
use crate::document::Value;
use crate::query::Filter;
use crate::query::testing::value;
use crate::work::Work;

/// What is told, and what is told of the same filter under a negation.
fn both(filter: &Value, document: &Value) -> (Option<Value>, Option<Value>) {
    let work = Work::default();
    let report = Report::new(&work, &Collation::SIMPLE, document);
    let told = |expected| explained(filter, document, expected, &report);
    (told(Expected::Match), told(Expected::NoMatch))
}

#[test]
fn something_is_told_exactly_of_documents_that_do_not_match() {
    let filters = [
        r#"{}"#,
        r#"{ "a": 1 }"#,
        r#"{ "a": null }"#,
        r#"{ "a": { "$gt": 1, "$lt": 9 }, "b": { "$exists": false } }"#,
        r#"{ "a": { "$in": [1, 2] } }"#,
        r#"{ "a": { "$nin": [1, "x"] } }"#,
        r#"{ "a": { "$ne": 1 } }"#,
        r#"{ "a": { "$not": { "$gt": 1, "$lt": 9 } } }"#,
        r#"{ "a.b": { "$type": "string" } }"#,
        r#"{ "a": { "$size": 2 } }"#,
        r#"{ "a": { "$all": [1, 2] } }"#,
        r#"{ "a": { "$elemMatch": { "b": 1 } } }"#,
        r#"{ "a": { "$mod": [2, 1] } }"#,
        r#"{ "a": { "$regex": "^X", "$options": "i" } }"#,
        r#"{ "a": { "$regularExpression": { "pattern": "^x", "options": "" } } }"#,
        r#"{ "a": { "$not": { "$regularExpression": { "pattern": "^x", "options": "" } } } }"#,
        r#"{ "a": { "$bitsAllSet": 1 } }"#,
        r#"{ "$or": [{ "a": 1 }, { "b": 2 }] }"#,
        r#"{ "$and": [{ "a": 1 }, { "$nor": [{ "b": 2 }, { "c": 3 }] }] }"#,
        r#"{ "$nor": [{ "$and": [{ "a": 1 }, { "b": 2 }] }, { "$or": [{ "c": 3 }] }] }"#,
        r#"{ "$expr": { "$eq": ["$a", "$b"] } }"#,
        r#"{ "$jsonSchema": { "required": ["a"], "properties": { "a": { "bsonType": "int", "minimum": 1, "exclusiveMinimum": true } } } }"#,
        r#"{ "$nor": [{ "$jsonSchema": { "required": ["a"] } }] }"#,
        r#"{ "$jsonSchema": { "properties": { "a": { "items": { "type": "number" }, "minItems": 1, "uniqueItems": true } } } }"#,
        r#"{ "$jsonSchema": { "properties": { "a": { "items": [{ "type": "number" }], "additionalItems": false } } } }"#,
        r#"{ "$jsonSchema": { "properties": { "a": { "items": [{}], "additionalItems": { "type": "string" } } } } }"#,
        r#"{ "$jsonSchema": { "patternProperties": { "^b": { "type": "number" } }, "additionalProperties": { "type": "array" } } }"#,
        r#"{ "$jsonSchema": { "properties": { "a": {} }, "additionalProperties": false } }"#,
        r#"{ "$jsonSchema": { "minProperties": 2, "maxProperties": 2, "dependencies": { "a": ["b"], "b": { "required": ["c"] } } } }"#,
        r#"{ "$jsonSchema": { "anyOf": [{ "required": ["a"] }, { "required": ["c"] }], "not": { "required": ["d"] } } }"#,
        r#"{ "$jsonSchema": { "oneOf": [{ "required": ["a"] }, { "required": ["b"] }] } }"#,
        r#"{ "$jsonSchema": { "allOf": [{ "properties": { "a": { "enum": [1, [1, 2], "xyz"] } } }] } }"#,
        r#"{ "$jsonSchema": { "properties": { "a": { "minLength": 2, "maxLength": 3, "pattern": "^x", "multipleOf": 2, "maximum": 3 } } } }"#,
        r#"{ "$jsonSchema": { "properties": { "a": { "properties": { "b": { "type": "string" } }, "type": "object" } } } }"#,
    ];
    let documents = [
        r#"{}"#,
        r#"{ "a": 1 }"#,
        r#"{ "a": 2, "b": 2 }"#,
        r#"{ "a": 1, "b": 2, "c": 3 }"#,
        r#"{ "a": "xyz" }"#,
        r#"{ "a": "X", "b": [] }"#,
        r#"{ "a": [1, 2] }"#,
        r#"{ "a": [] }"#,
        r#"{ "a": [1, 1, "s"], "d": 1 }"#,
        r#"{ "a": { "b": "s" }, "c": [1] }"#,
        r#"{ "a": [{ "b": 1 }, { "b": "s" }], "b": "s" }"#,
        r#"{ "a": null, "b": { "c": 1 } }"#,
    ];
    for filter in filters.map(value) {
        let compiled = Filter::parse_under(&filter, &Collation::SIMPLE, &Work::default()).unwrap();
        for document in documents.map(value) {
            let matches = compiled.matches_within(&document, &Work::default());
            let (broken, held) = both(&filter, &document);
            assert_eq!(broken.is_none(), matches, "{filter:?} of {document:?}: {broken:?}");
            // An empty conjunction has nothing that could be told under a negation.
            if filter.type_name() == "object" && !compiled.is_all() {
                assert_eq!(held.is_some(), matches, "{filter:?} of {document:?}: {held:?}");
            }
        }
    }
}

#[test]
fn the_keywords_of_a_schema_are_told_as_the_server_tells_them() {
    let told = |schema: &str, document: &str| {
        let filter = value(&format!(r#"{{ "$jsonSchema": {schema} }}"#));
        both(&filter, &value(document)).0.unwrap()
    };
    for (schema, document, rule) in [
        (
            r#"{ "additionalProperties": false, "properties": { "_id": {} } }"#,
            r#"{ "_id": 1, "b": 2 }"#,
            r#"{ "operatorName": "additionalProperties", "specifiedAs": { "additionalProperties": false }, "additionalProperties": ["b"] }"#,
        ),
        (
            r#"{ "minProperties": 3 }"#,
            r#"{ "_id": 1, "b": 2 }"#,
            r#"{ "operatorName": "minProperties", "specifiedAs": { "minProperties": 3 }, "reason": "specified number of properties was not satisfied", "numberOfProperties": 2 }"#,
        ),
        (
            r#"{ "dependencies": { "a": ["b", "c"] } }"#,
            r#"{ "a": 1, "c": 2 }"#,
            r#"{ "operatorName": "dependencies", "failingDependencies": [{ "conditionalProperty": "a", "missingProperties": ["b"] }] }"#,
        ),
        (
            r#"{ "oneOf": [{ "required": ["a"] }, { "required": ["b"] }, { "required": ["c"] }] }"#,
            r#"{ "a": 1, "c": 2 }"#,
            r#"{ "operatorName": "oneOf", "reason": "more than one subschema matched", "matchingSchemaIndexes": [0, 2] }"#,
        ),
        (
            r#"{ "not": { "required": ["a"] } }"#,
            r#"{ "a": 1 }"#,
            r#"{ "operatorName": "not", "reason": "child expression matched" }"#,
        ),
        (
            r#"{ "anyOf": [{ "required": ["a"] }] }"#,
            r#"{}"#,
            r#"{ "operatorName": "anyOf", "schemasNotSatisfied": [{ "index": 0, "details": [{ "operatorName": "required", "specifiedAs": { "required": ["a"] }, "missingProperties": ["a"] }] }] }"#,
        ),
    ] {
        let expected =
            value(&format!(r#"{{ "operatorName": "$jsonSchema", "schemaRulesNotSatisfied": [{rule}] }}"#));
        let found = told(schema, document);
        assert!(crate::document::order::compare_values(&found, &expected).is_eq(), "{found:?}");
    }
}

#[test]
fn a_value_that_breaks_many_rules_is_not_told_as_often() {
    let rules = (0..3_000).map(|n| format!(r#"{{ "a": {n} }}"#)).collect::<Vec<_>>().join(",");
    let document = Value::Object(vec![("a".to_owned(), Value::String("x".repeat(100_000)))]);
    let told = super::explain(
        &value(&format!(r#"{{ "$and": [{rules}] }}"#)),
        &document,
        &Collation::SIMPLE,
        &Work::default(),
    );
    assert!(format!("{told:?}").len() < 200, "{}", format!("{told:?}").len());
}

#[test]
fn what_is_told_has_no_more_levels_than_a_document_may_have() {
    let mut deep = Value::Int(1);
    for _ in 0..99 {
        deep = Value::Array(vec![deep]);
    }
    let document = Value::Object(vec![("a".to_owned(), deep)]);
    let told = super::explain(
        &value(r#"{ "a": { "$type": "string" } }"#),
        &document,
        &Collation::SIMPLE,
        &Work::default(),
    );
    assert!(crate::document::depth(&told) <= super::explain::LEVELS + 1, "{}", crate::document::depth(&told));
}

#[test]
fn of_twenty_thousand_fields_the_wrong_one_is_told_and_too_many_conditions_are_not() {
    let count = 20_000;
    let object =
        |of: &dyn Fn(usize) -> Value| Value::Object((0..count).map(|n| (format!("p{n}"), of(n))).collect());
    let document = object(&|n| if n + 1 == count { Value::Null } else { Value::Int(1) });
    let properties = object(&|_| value(r#"{ "bsonType": "int" }"#));
    let schema = |rules| Value::Object(vec![("$jsonSchema".to_owned(), Value::Object(vec![rules]))]);
    let filter = schema(("properties".to_owned(), properties));
    let told = format!("{:?}", explain(&filter, &document, &Collation::SIMPLE, &Work::default()));
    assert!(told.contains("p19999") && !told.contains("p19998"), "{told}");
    for filter in [object(&|_| Value::Int(1)), object(&|_| Value::Int(2))] {
        let told = format!("{:?}", explain(&filter, &document, &Collation::SIMPLE, &Work::default()));
        assert!(told.contains("too large to be told"), "{told}");
    }
}
