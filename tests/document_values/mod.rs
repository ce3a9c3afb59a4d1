//! Arbitrary values for the tests of documents, including error-prone ones.

use std::collections::HashSet;

use moltendb_node::document::{Object, Value};
use proptest::prelude::*;

const MAX_DATE: i64 = 8_640_000_000_000_000;

pub fn any_number() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop_oneof![
            any::<i32>(),
            -40_000..70_000i32,
            -40..300i32,
            Just(i32::MIN),
            Just(i32::MAX),
            Just(0x1_0000),
            Just(-0x8001)
        ]
        .prop_map(Value::Int),
        any::<f64>().prop_map(Value::number),
        prop::sample::select(vec![
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -0.0,
            0.5,
            -0.5,
            f64::MAX,
            f64::MIN_POSITIVE,
            2147483648.0,
            -2147483649.0,
            9007199254740992.0,
            9007199254740994.0,
            -9007199254740992.0,
            9223372036854775807.0,
            -9223372036854775808.0,
            1e19,
        ])
        .prop_map(Value::number),
        any::<i64>().prop_map(Value::Long),
        (-3..4i64).prop_map(Value::Long),
        (-3..4i64).prop_map(|n| Value::Long((1 << 53) + n)),
        (-3..4i64).prop_map(|n| Value::Long(-(1 << 53) + n)),
        (0..2000i64).prop_map(|n| Value::Long(i64::MAX - n)),
        (0..2000i64).prop_map(|n| Value::Long(i64::MIN + n)),
    ]
}

pub fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c\\x00]{0,4}",
        4 => "[ -~]{0,40}",
        2 => "[\\u{80}-\\u{ff}a-z]{1,40}",
        2 => any::<String>(),
        1 => (prop::sample::select(vec![31usize, 32, 127, 255, 256, 2048, 4000, 4096, 4097, 65_535, 65_536]),
              prop::sample::select(vec!["a", "\u{e9}", "\u{4e2d}", "\u{1f600}"]))
            .prop_map(|(len, text)| text.repeat(len / text.len() + 1)),
        1 => prop::sample::select(vec![31usize, 32, 255, 256, 4096, 65_535, 65_536]).prop_map(|len| "x".repeat(len)),
    ]
}

fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        4 => any_number(),
        4 => any_text().prop_map(Value::String),
        1 => prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::Binary),
        1 => any::<[u8; 12]>().prop_map(Value::ObjectId),
        1 => (-MAX_DATE..=MAX_DATE).prop_map(Value::Date),
        1 => (-2..3i64).prop_map(Value::Date),
    ]
}

/// The fields with duplicate keys removed.
fn distinct(fields: Object) -> Value {
    let mut seen = HashSet::new();
    Value::Object(fields.into_iter().filter(|(key, _)| seen.insert(key.clone())).collect())
}

pub fn any_value() -> impl Strategy<Value = Value> {
    any_scalar().prop_recursive(5, 60, 24, |inner| {
        let key = prop_oneof![4 => "[a-c]{0,2}", 1 => any::<String>(), 1 => Just("__proto__".to_owned())];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::Array),
            prop::collection::vec((key, inner), 0..24).prop_map(distinct),
        ]
    })
}
