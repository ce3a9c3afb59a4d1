//! The keys of documents, compared with a naive implementation of the rules; and the values reported for a key.

use proptest::prelude::*;

use super::extract::*;
use super::spec::Spec;
use super::{bounds::component_len, encode_key};
use crate::document::{Leaf, Path, RawValue, Shapes, Value, encode_plain};
use crate::error::Kind;

fn plain(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    bytes
}

fn object(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn spec(paths: &[(&str, i32)], options: &[(&str, Value)]) -> Spec {
    let text = |text: &str| Value::String(text.to_owned());
    let pairs = paths.iter().map(|(path, sign)| Value::Array(vec![text(path), Value::Int(*sign)])).collect();
    let mut fields = vec![("key", Value::Array(pairs))];
    fields.extend(options.iter().cloned());
    Spec::parse(&object(&fields)).unwrap()
}

fn keys(spec: &Spec, document: &Value, purpose: Purpose) -> crate::error::Result<Keys> {
    extract(spec, RawValue::new(&plain(document), &Shapes::new()), purpose, &mut Vec::new())
}

fn key(values: &[(Value, i32)]) -> Vec<u8> {
    let mut all = Vec::new();
    for (value, sign) in values {
        let start = all.len();
        encode_key(RawValue::new(&plain(value), &Shapes::new()), &mut all);
        if *sign < 0 {
            all[start..].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }
    all
}

fn list(keys: &Keys) -> Vec<Vec<u8>> {
    keys.list.iter().map(|key| key.to_vec()).collect()
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        (0..4).prop_map(Value::Int),
        any::<f64>().prop_map(Value::number),
        "[a-c\\x00]{0,3}".prop_map(Value::String),
        prop::collection::vec(any::<u8>(), 0..5).prop_map(Value::Binary),
        any::<bool>().prop_map(Value::Bool),
        (-3..3i64).prop_map(Value::Date),
    ];
    scalar.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(prop::sample::select(vec!["a", "b", "0"]), inner, 0..3).prop_map(
                |fields| Value::Object(
                    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
                )
            ),
        ]
    })
}

fn any_document() -> impl Strategy<Value = Value> {
    (any_value(), any_value()).prop_map(|(a, b)| object(&[("a", a), ("b", b)]))
}

proptest! {
    #[test]
    fn entries_cover_every_value_that_a_filter_meets_on_the_path(
        document in any_document(),
        path in prop::sample::select(vec!["a", "b", "a.a", "a.b", "a.0", "a.0.b", "a.b.a", "c"]),
        sign in prop::sample::select(vec![1, -1]),
    ) {
        let entries = keys(&spec(&[(path, sign)], &[]), &document, Purpose::Entries).unwrap();
        let mut expected: Vec<Value> = Vec::new();
        Path::parse(path).walk(&document, Leaf::Elements, &mut |value: Option<&Value>| {
            expected.push(value.cloned().unwrap_or(Value::Null));
            false
        });
        if expected.is_empty() {
            expected.push(Value::Null);
        }
        for value in expected {
            prop_assert!(entries.contains(&key(&[(value.clone(), sign)])), "{:?} of {:?}", value, document);
        }
        let mut sorted = list(&entries);
        sorted.sort();
        sorted.dedup();
        prop_assert_eq!(list(&entries), sorted);
        let unique = keys(&spec(&[(path, sign)], &[]), &document, Purpose::Unique).unwrap();
        for own in list(&unique) {
            prop_assert!(entries.contains(&own), "what collides has an entry");
        }
        if entries.multikey == 0 {
            prop_assert_eq!(entries.list.len(), 1);
            prop_assert_eq!(&entries.list, &unique.list);
        }
    }

    #[test]
    fn a_key_falls_apart_into_its_components(
        values in prop::collection::vec((any_value(), prop::sample::select(vec![1, -1])), 1..5),
        cut in 0..40usize,
    ) {
        let whole = key(&values);
        let mut rest = &whole[..];
        for (value, sign) in &values {
            let len = component_len(rest, *sign < 0);
            prop_assert_eq!(&rest[..len], key(&[(value.clone(), *sign)]));
            rest = &rest[len..];
        }
        prop_assert!(rest.is_empty());
        let part = &whole[..cut.min(whole.len())];
        prop_assert!(component_len(part, values[0].1 < 0) <= part.len());
    }

    #[test]
    fn the_values_behind_a_key_have_that_key(document in any_document()) {
        let spec = spec(&[("a", 1), ("b.a", -1)], &[]);
        let Ok(found) = keys(&spec, &document, Purpose::Unique) else { return Ok(()) };
        for own in list(&found) {
            let bytes = plain(&document);
            let Value::Object(fields) = values_of(&spec, RawValue::new(&bytes, &Shapes::new()), &own) else {
                panic!("values come by path")
            };
            prop_assert_eq!(key(&[(fields[0].1.clone(), 1), (fields[1].1.clone(), -1)]), own);
        }
    }
}

#[test]
fn a_document_without_the_field_has_the_key_of_null_unless_the_index_is_sparse() {
    let document = object(&[("x", Value::Int(1))]);
    let dense = keys(&spec(&[("a", 1), ("b", 1)], &[]), &document, Purpose::Entries).unwrap();
    assert_eq!(list(&dense), [key(&[(Value::Null, 1), (Value::Null, 1)])]);
    let sparse = spec(&[("a", 1), ("x", -1)], &[("sparse", Value::Bool(true))]);
    let one = keys(&sparse, &document, Purpose::Entries).unwrap();
    assert_eq!(list(&one), [key(&[(Value::Null, 1), (Value::Int(1), -1)])]);
    assert!(keys(&sparse, &object(&[]), Purpose::Entries).unwrap().list.is_empty());
}

#[test]
fn elements_of_one_array_combine_and_parallel_arrays_are_refused() {
    let item = |b: i32, c: i32| object(&[("b", Value::Int(b)), ("c", Value::Int(c))]);
    let document = object(&[("a", Value::Array(vec![item(1, 2), item(3, 4)])), ("d", Value::Array(vec![]))]);
    let one = keys(&spec(&[("a.b", 1), ("a.c", 1)], &[]), &document, Purpose::Entries).unwrap();
    assert_eq!((one.list.len(), one.multikey), (4, 0b11));
    let error = keys(&spec(&[("a.b", 1), ("x", 1), ("d", 1)], &[]), &document, Purpose::Entries).unwrap_err();
    assert_eq!(error.kind(), Kind::BadDocument);
    let scalar = keys(&spec(&[("x", 1), ("d", 1)], &[]), &document, Purpose::Entries).unwrap();
    assert_eq!((scalar.list.len(), scalar.multikey), (1, 0b10));
}

#[test]
fn a_key_is_cut_for_an_entry_and_whole_for_comparing() {
    let document = object(&[("a", Value::String("x".repeat(5_000)))]);
    let entry = keys(&spec(&[("a", 1)], &[]), &document, Purpose::Entries).unwrap();
    assert_eq!((entry.list[0].len(), entry.truncated), (1_024, true));
    let whole = keys(&spec(&[("a", 1)], &[]), &document, Purpose::Unique).unwrap();
    assert_eq!((whole.list[0].len(), whole.truncated), (5_003, false));
}
