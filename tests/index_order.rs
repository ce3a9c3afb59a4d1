//! Index keys compare in the same order as documents: `index::key`, checked against `document::order`.

mod document_values;

use std::cmp::Ordering;

use document_values::{any_number, any_value};
use moltendb_node::document::order::{compare, compare_values};
use moltendb_node::document::{RawValue, Shapes, Value, encode_plain};
use moltendb_node::index::encode_key;
use proptest::prelude::*;

fn plain(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    bytes
}

/// By keys, by encoded bytes, by trees.
fn orders(a: &Value, b: &Value) -> [Ordering; 3] {
    let shapes = Shapes::new();
    let (left, right) = (plain(a), plain(b));
    let (left, right) = (RawValue::new(&left, &shapes), RawValue::new(&right, &shapes));
    let (mut one, mut other) = (Vec::new(), Vec::new());
    encode_key(left, &mut one);
    encode_key(right, &mut other);
    [one.cmp(&other), compare(left, right), compare_values(a, b)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn keys_of_values_compare_as_the_order_does(a in any_value(), b in any_value()) {
        let [key, raw, tree] = orders(&a, &b);
        prop_assert_eq!((key, raw), (tree, tree));
        let [key, raw, tree] = orders(&a, &a.clone());
        prop_assert_eq!((key, raw, tree), (Ordering::Equal, Ordering::Equal, Ordering::Equal));
    }

    #[test]
    fn keys_of_numbers_compare_as_the_order_does(a in any_number(), b in any_number()) {
        let [key, raw, tree] = orders(&a, &b);
        prop_assert_eq!((key, raw), (tree, tree), "{:?} {:?}", a, b);
    }

    #[test]
    fn keys_one_after_another_compare_as_arrays_do(
        a in proptest::collection::vec(any_value(), 0..3),
        b in proptest::collection::vec(any_value(), 0..3),
    ) {
        // A compound index depends on it: no key is a prefix of another.
        let joined = |values: &[Value]| {
            let mut key = Vec::new();
            for value in values {
                encode_key(RawValue::new(&plain(value), &Shapes::new()), &mut key);
            }
            key
        };
        let tree = compare_values(&Value::Array(a.clone()), &Value::Array(b.clone()));
        prop_assert_eq!(joined(&a).cmp(&joined(&b)), tree);
    }
}
