//! The matcher and ranker of scans against the functions for single documents.

use proptest::prelude::*;

use crate::document::order::compare_values;
use crate::document::{MAX_COLUMNS, RawValue, Value};
use crate::query::property_tests::{any_value, document, filter, number, path, scalar};
use crate::query::testing::{encode, stored, value};
use crate::query::{Filter, Ranker, Sort};

fn object(key: &str, value: Value) -> Value {
    Value::Object(vec![(key.to_owned(), value)])
}

/// Conditions on several fields at once, or one of strings.
fn filters() -> impl Strategy<Value = Value> {
    let text = prop_oneof![Just("a"), Just("b"), Just("")].prop_map(|text| Value::String(text.to_owned()));
    let texts = proptest::collection::vec(text, 0..3).prop_map(|texts| object("$in", Value::Array(texts)));
    let comparison =
        prop_oneof![Just("$eq"), Just("$lt"), Just("$lte"), Just("$gt"), Just("$gte"), Just("$ne")];
    let compared =
        (comparison, prop_oneof![scalar(), number()]).prop_map(|(name, operand)| object(name, operand));
    let field =
        (path(), prop_oneof![2 => compared, 1 => texts]).prop_map(|(path, test)| object(&path, test)).boxed();
    prop_oneof![
        filter(),
        field.clone(),
        (proptest::collection::vec(field, 1..4), any::<bool>())
            .prop_map(|(all, either)| object(if either { "$or" } else { "$and" }, Value::Array(all))),
    ]
}

/// Documents with numbers that are hard to compare.
fn documents() -> impl Strategy<Value = Vec<Value>> {
    let hard = (number(), any_value())
        .prop_map(|(number, other)| Value::Object(vec![("a".to_owned(), number), ("b".to_owned(), other)]));
    proptest::collection::vec(prop_oneof![3 => document(), 1 => hard], 1..10)
}

fn sort_by(path: &str, direction: i32) -> Sort {
    let pair = Value::Array(vec![Value::String(path.to_owned()), Value::Int(direction)]);
    Sort::parse(encode(&Value::Array(vec![pair])).raw()).unwrap().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_matcher_answers_as_its_filter(
        documents in documents(), others in documents(), filter in filters(), maps in any::<u16>(),
    ) {
        let filter = Filter::parse(encode(&filter).raw()).unwrap();
        let mut matcher = filter.matcher();
        for documents in [&documents, &others, &documents] {
            let (shapes, all) = stored(documents, |number| maps >> number & 1 == 1);
            for (bytes, document) in all.iter().zip(documents) {
                let raw = RawValue::new(bytes, &shapes);
                prop_assert_eq!(matcher.matches(raw), filter.matches(raw), "{:?}", document);
                prop_assert_eq!(filter.matches(raw), filter.matches(encode(document).raw()), "{:?}", document);
            }
        }
    }

    #[test]
    fn a_ranker_answers_as_its_sort(documents in documents(), first in path(), second in path(), down in any::<(bool, bool)>()) {
        prop_assume!(first != second);
        let pair = |path: &str, down| {
            Value::Array(vec![Value::String(path.to_owned()), Value::Int(if down { -1 } else { 1 })])
        };
        let keys = Value::Array(vec![pair(&first, down.0), pair(&second, down.1)]);
        let sort = Sort::parse(encode(&keys).raw()).unwrap().unwrap();
        let mut ranker = Ranker::new(&sort);
        let (shapes, all) = stored(&documents, |number| number % 5 == 4);
        for one in &all {
            let Ok(key) = sort.key(RawValue::new(one, &shapes)) else { continue };
            for other in &all {
                let other = RawValue::new(other, &shapes);
                let own = sort.key(other).ok();
                prop_assert!(ranker.key(other).ok() == own);
                prop_assert_eq!(ranker.is_before(other, &key).ok(), own.map(|own| own < key));
            }
        }
    }

    #[test]
    fn keys_are_in_the_order_of_values(a in prop_oneof![scalar(), number(), any_value()], b in prop_oneof![scalar(), number(), any_value()], texts in any::<(String, String)>()) {
        let pairs = [(a, b), (Value::String(texts.0), Value::String(texts.1))];
        for (a, b) in pairs {
            prop_assume!(!matches!((&a, &b), (Value::Array(_), _) | (_, Value::Array(_))));
            let key = |value: &Value, direction| sort_by("a", direction).key(encode(&object("a", value.clone())).raw()).unwrap();
            prop_assert_eq!(key(&a, 1).cmp(&key(&b, 1)), compare_values(&a, &b));
            prop_assert_eq!(key(&a, -1).cmp(&key(&b, -1)), compare_values(&b, &a));
        }
    }
}

#[test]
fn a_filter_may_name_more_fields_than_there_are_columns() {
    let names: Vec<String> = (0..MAX_COLUMNS + 3).map(|n| format!("f{n}")).collect();
    let all =
        |value: i32| Value::Object(names.iter().map(|name| (name.clone(), Value::Int(value))).collect());
    let filter = Filter::parse(encode(&all(1)).raw()).unwrap();
    let mut but_one = all(1);
    if let Value::Object(fields) = &mut but_one {
        fields.pop();
    }
    let documents = [all(1), all(2), but_one, value("{}")];
    let (shapes, bytes) = stored(&documents, |_| false);
    let mut matcher = filter.matcher();
    let found: Vec<bool> = bytes.iter().map(|one| matcher.matches(RawValue::new(one, &shapes))).collect();
    assert_eq!(found, [true, false, false, false]);
}
