//! Random schemas against a naive implementation of each keyword.

use proptest::prelude::*;

use super::JsonSchema;
use crate::document::order::compare_values;
use crate::document::{Object, Value};
use crate::query::testing::encode;

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3..4).prop_map(Value::Int),
        (-3..4_i64).prop_map(Value::Long),
        (-6..6).prop_map(|n| Value::number(f64::from(n) / 4.0)),
        "[ab\u{e9}]{0,3}".prop_map(Value::String),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map("[abc]", inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// One keyword and its operand.
fn rule(inner: BoxedStrategy<Value>) -> impl Strategy<Value = (String, Value)> {
    let named = |name: &'static str| move |value: Value| (name.to_owned(), value);
    let small = || (0..4).prop_map(Value::Int);
    let list = |of: BoxedStrategy<Value>| proptest::collection::vec(of, 1..3).prop_map(Value::Array);
    let map = |of: BoxedStrategy<Value>| {
        proptest::collection::btree_map("[abc]", of, 0..3)
            .prop_map(|fields| Value::Object(fields.into_iter().collect()))
    };
    prop_oneof![
        prop_oneof![
            Just("object"),
            Just("array"),
            Just("number"),
            Just("boolean"),
            Just("string"),
            Just("null")
        ]
        .prop_map(|name| ("type".to_owned(), text(name))),
        (-3..4).prop_map(|n| ("minimum".to_owned(), Value::number(f64::from(n) / 2.0))),
        (-3..4).prop_map(|n| ("maximum".to_owned(), Value::number(f64::from(n) / 2.0))),
        (1..4).prop_map(|n| ("multipleOf".to_owned(), Value::number(f64::from(n) / 4.0))),
        small().prop_map(named("minLength")),
        small().prop_map(named("maxLength")),
        small().prop_map(named("minProperties")),
        small().prop_map(named("maxProperties")),
        small().prop_map(named("minItems")),
        small().prop_map(named("maxItems")),
        Just(("uniqueItems".to_owned(), Value::Bool(true))),
        "[abc]".prop_map(|name| ("required".to_owned(), Value::Array(vec![Value::String(name)]))),
        any_value().prop_map(|value| ("enum".to_owned(), Value::Array(vec![value]))),
        map(inner.clone()).prop_map(named("properties")),
        inner.clone().prop_map(named("additionalProperties")),
        inner.clone().prop_map(named("items")),
        list(inner.clone()).prop_map(named("items")),
        inner.clone().prop_map(named("additionalItems")),
        list(inner.clone()).prop_map(named("allOf")),
        list(inner.clone()).prop_map(named("anyOf")),
        list(inner.clone()).prop_map(named("oneOf")),
        inner.prop_map(named("not")),
    ]
}

fn schema() -> impl Strategy<Value = Value> {
    Just(Value::Object(Object::new())).boxed().prop_recursive(3, 16, 3, |inner| {
        proptest::collection::vec(rule(inner.boxed()), 0..4).prop_map(|rules| {
            let mut fields = Object::new();
            for (name, operand) in rules {
                if !fields.iter().any(|(known, _)| *known == name) {
                    fields.push((name, operand));
                }
            }
            Value::Object(fields)
        })
    })
}

fn get<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let Value::Object(fields) = value else { return None };
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        _ => &[],
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(f64::from(*n)),
        Value::Long(n) => Some(*n as f64),
        Value::Double(n) => Some(*n),
        _ => None,
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    compare_values(a, b).is_eq()
}

/// Whether the value is valid, by a second implementation of every keyword. Keys of objects are in order here, so
/// equality is plain.
fn valid(schema: &Value, value: &Value) -> bool {
    let Value::Object(rules) = schema else { panic!("{schema:?} is no schema") };
    rules.iter().all(|(keyword, operand)| {
        let n = number(operand).unwrap_or_default();
        let length = match value {
            Value::String(text) => Some(("Length", text.chars().count())),
            Value::Object(fields) => Some(("Properties", fields.len())),
            Value::Array(items) => Some(("Items", items.len())),
            _ => None,
        };
        let counted = |bound: &str| length.filter(|(kind, _)| keyword.strip_prefix(bound) == Some(*kind));
        match (keyword.as_str(), value) {
            ("type", _) => match value.type_name() {
                "int" | "long" | "double" => equal(operand, &text("number")),
                "bool" => equal(operand, &text("boolean")),
                name => equal(operand, &text(name)),
            },
            ("minimum", _) => number(value).is_none_or(|value| value >= n),
            ("maximum", _) => number(value).is_none_or(|value| value <= n),
            ("multipleOf", _) => number(value).is_none_or(|value| (value / n).fract() == 0.0),
            ("required", Value::Object(_)) => items(operand)
                .iter()
                .all(|name| matches!(name, Value::String(name) if get(value, name).is_some())),
            ("enum", _) => items(operand).iter().any(|one| equal(one, value)),
            ("uniqueItems", Value::Array(all)) => {
                all.iter().enumerate().all(|(n, item)| !all[..n].iter().any(|other| equal(item, other)))
            }
            ("properties", Value::Object(fields)) => {
                fields.iter().all(|(key, value)| get(operand, key).is_none_or(|below| valid(below, value)))
            }
            ("additionalProperties", Value::Object(fields)) => fields.iter().all(|(key, value)| {
                get(schema, "properties").and_then(|known| get(known, key)).is_some() || valid(operand, value)
            }),
            ("items", Value::Array(all)) => match operand {
                Value::Array(schemas) => schemas.iter().zip(all).all(|(schema, item)| valid(schema, item)),
                below => all.iter().all(|item| valid(below, item)),
            },
            ("additionalItems", Value::Array(all)) => match get(schema, "items") {
                Some(Value::Array(schemas)) => {
                    all.iter().skip(schemas.len()).all(|item| valid(operand, item))
                }
                _ => true,
            },
            ("allOf", _) => items(operand).iter().all(|one| valid(one, value)),
            ("anyOf", _) => items(operand).iter().any(|one| valid(one, value)),
            ("oneOf", _) => items(operand).iter().filter(|one| valid(one, value)).count() == 1,
            ("not", _) => !valid(operand, value),
            _ => {
                counted("min").is_none_or(|(_, found)| found as f64 >= n)
                    && counted("max").is_none_or(|(_, found)| found as f64 <= n)
            }
        }
    })
}

proptest! {
    #[test]
    fn a_value_is_valid_as_a_plain_reading_says(schema in schema(), values in proptest::collection::vec(any_value(), 1..5)) {
        let compiled = JsonSchema::parse(encode(&schema).raw()).unwrap();
        for value in values {
            let wanted = valid(&schema, &value);
            let encoded = encode(&value);
            prop_assert_eq!(compiled.validates(encoded.raw()), wanted, "{:?}", value);
            prop_assert_eq!(compiled.holds(&value, &crate::work::Work::default()), wanted, "{:?} as a tree", value);
            prop_assert_eq!(compiled.violation(encoded.raw()).is_none(), wanted, "{:?}", value);
        }
    }
}
