//! Index keys compare as the values do.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod document_values;

use std::cmp::Ordering;

use document_values::{any_number, any_text, any_value};
use moltendb_node::document::{RawValue, Shapes, Value, encode_plain};
use moltendb_node::index::encode_key;
use proptest::prelude::*;

fn key(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    let mut key = Vec::new();
    encode_key(RawValue::new(&bytes, &Shapes::new()), &mut key);
    key
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Int(_) | Value::Double(_) | Value::Long(_) => 1,
        Value::String(_) => 2,
        Value::Object(_) => 3,
        Value::Array(_) => 4,
        Value::Binary(_) => 5,
        Value::ObjectId(_) => 6,
        Value::Bool(_) => 7,
        Value::Date(_) => 8,
    }
}

/// A number as (class, whole part, fraction): exact, because beyond 2^53 doubles are whole.
fn number(value: &Value) -> (i8, i128, f64) {
    let double = match value {
        Value::Int(int) => return (0, i128::from(*int), 0.0),
        Value::Long(long) => return (0, i128::from(*long), 0.0),
        Value::Double(double) => *double,
        _ => unreachable!(),
    };
    if double.is_nan() {
        (-2, 0, 0.0)
    } else if double.abs() >= 1e30 {
        (if double < 0.0 { -1 } else { 1 }, 0, double)
    } else {
        (0, double.trunc() as i128, double.fract())
    }
}

fn compare(a: &Value, b: &Value) -> Ordering {
    rank(a).cmp(&rank(b)).then_with(|| match (a, b) {
        (Value::String(a), Value::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Binary(a), Value::Binary(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        (Value::ObjectId(a), Value::ObjectId(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            let differ = a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
            differ.unwrap_or(a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => {
            let field = |((k, a), (l, b)): (&(String, Value), &(String, Value))| {
                rank(a).cmp(&rank(b)).then_with(|| k.cmp(l)).then_with(|| compare(a, b))
            };
            a.iter().zip(b).map(field).find(|order| order.is_ne()).unwrap_or(a.len().cmp(&b.len()))
        }
        (Value::Null, _) => Ordering::Equal,
        (a, b) => number(a).partial_cmp(&number(b)).unwrap(),
    })
}

/// The value with one change somewhere near its end, so that pairs share long prefixes.
fn near(value: &Value, with: &Value) -> Value {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let mut items = items.clone();
            let last = items.pop().unwrap();
            items.push(near(&last, with));
            Value::Array(items)
        }
        Value::Object(fields) if !fields.is_empty() => {
            let mut fields = fields.clone();
            let (key, last) = fields.pop().unwrap();
            fields.push((key, near(&last, with)));
            Value::Object(fields)
        }
        _ => with.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn keys_of_numbers_compare_as_numbers_of_any_type(a in any_number(), b in any_number()) {
        prop_assert_eq!(key(&a).cmp(&key(&b)), compare(&a, &b), "{:?} {:?}", a, b);
    }

    #[test]
    fn keys_of_an_int64_and_the_double_next_to_it_compare_exactly(long in any::<i64>(), ulps in -2i64..3) {
        let double = f64::from_bits((long as f64).to_bits().wrapping_add_signed(ulps));
        let (a, b) = (Value::Long(long), Value::number(double));
        prop_assert_eq!(key(&a).cmp(&key(&b)), compare(&a, &b), "{:?} {:?}", a, b);
    }

    #[test]
    fn keys_of_strings_compare_as_bytes(a in any_text(), b in any_text()) {
        let longer = Value::String(format!("{a}{b}"));
        let (a, b) = (Value::String(a), Value::String(b));
        prop_assert_eq!(key(&a).cmp(&key(&b)), compare(&a, &b));
        prop_assert_eq!(key(&a).cmp(&key(&longer)), compare(&a, &longer));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn keys_of_values_compare_as_values(a in any_value(), b in any_value()) {
        prop_assert_eq!(key(&a).cmp(&key(&b)), compare(&a, &b));
        let c = near(&a, &b);
        prop_assert_eq!(key(&a).cmp(&key(&c)), compare(&a, &c));
        let (nested_a, nested_b) = (Value::Array(vec![a, b.clone()]), Value::Array(vec![c, b]));
        prop_assert_eq!(key(&nested_a).cmp(&key(&nested_b)), compare(&nested_a, &nested_b));
    }
}

#[test]
fn numbers_that_are_equal_have_one_key() {
    let one = key(&Value::Int(1));
    assert_eq!(one, key(&Value::Long(1)));
    assert_eq!(one, key(&Value::Double(1.0)));
    assert_eq!(key(&Value::Int(0)), key(&Value::Double(-0.0)));
    assert_eq!(key(&Value::Double(f64::NAN)), key(&Value::Double(-f64::NAN)));
    assert!(key(&Value::Double(f64::NAN)) < key(&Value::Double(f64::NEG_INFINITY)));
    assert!(key(&Value::Long((1 << 53) + 1)) > key(&Value::Double(9007199254740992.0)));
    assert!(key(&Value::Long(i64::MAX)) < key(&Value::Double(9223372036854775808.0)));
}

#[test]
fn an_object_has_one_key_in_either_form() {
    let value = Value::Object(vec![("a".into(), Value::Int(1)), ("b".into(), Value::Null)]);
    let table = Shapes::new();
    let mut shapes = moltendb_node::document::StagedShapes::new(&table);
    let mut bytes = Vec::new();
    moltendb_node::document::encode(&value, &mut shapes, &mut bytes);
    for shape in shapes.into_staged() {
        table.push(shape).unwrap();
    }
    let mut record = Vec::new();
    encode_key(RawValue::new(&bytes, &table), &mut record);
    assert_eq!(record, key(&value));
}
