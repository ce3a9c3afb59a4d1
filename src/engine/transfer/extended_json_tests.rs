//! Every value is written and read back unchanged; malformed ones are refused.

use proptest::prelude::*;

use super::*;
use crate::document::{Shapes, encode_plain};

fn written(value: &Value) -> String {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    let mut out = Vec::new();
    write(RawValue::new(&bytes, &Shapes::new()), &mut out);
    String::from_utf8(out).unwrap()
}

fn read(text: &str) -> Result<Value, String> {
    let mut from = serde_json::Deserializer::from_str(text);
    Parsed.deserialize(&mut from).map_err(|error| error.to_string())
}

fn object(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

#[test]
fn each_type_has_its_form() {
    for (value, text) in [
        (Value::Int(5), "5"),
        (Value::Double(0.1), "0.1"),
        (Value::Double(5_000_000_000.0), "5000000000.0"),
        (Value::Double(-0.0), r#"{"$numberDouble":"-0.0"}"#),
        (Value::Double(f64::NAN), r#"{"$numberDouble":"NaN"}"#),
        (Value::Double(f64::NEG_INFINITY), r#"{"$numberDouble":"-Infinity"}"#),
        (Value::Long(5), r#"{"$numberLong":"5"}"#),
        (Value::Date(-1), r#"{"$date":{"$numberLong":"-1"}}"#),
        (Value::Binary(vec![0, 1]), r#"{"$binary":{"base64":"AAE=","subType":"00"}}"#),
        (Value::ObjectId([0xab; 12]), r#"{"$oid":"abababababababababababab"}"#),
        (Value::String("a\"\\\n\u{1}\u{2028}".into()), "\"a\\\"\\\\\\n\\u0001\u{2028}\""),
    ] {
        assert_eq!(written(&value), text);
        assert_eq!(read(text).unwrap(), value);
    }
}

#[test]
fn a_whole_number_that_a_double_writes_otherwise_keeps_its_digits() {
    for (text, value) in [
        ("9007199254740992", Value::Double(9_007_199_254_740_992.0)),
        ("9007199254740993", Value::Long(9_007_199_254_740_993)),
        ("-9223372036854775807", Value::Long(-9_223_372_036_854_775_807)),
        // As JavaScript writes 2 ** 60 + 2 ** 9, whose last digits are others.
        ("1152921504606847500", Value::Double(1_152_921_504_606_847_488.0)),
        ("1152921504606847487", Value::Long(1_152_921_504_606_847_487)),
        ("18446744073709551615", Value::Double(18_446_744_073_709_551_615.0)),
    ] {
        assert_eq!(read(text).unwrap(), value, "{text}");
    }
}

#[test]
fn an_object_that_looks_like_a_wrapper_stays_an_object() {
    for key in ["$oid", "$$oid", "$date", "$numberDecimal", "$other", "$", ""] {
        let value = object(&[(key, Value::Int(1)), ("$date", Value::Null)]);
        assert_eq!(read(&written(&value)).unwrap(), value);
    }
}

#[test]
fn times_as_other_tools_write_them_are_read() {
    for (text, millis) in [
        ("1970-01-01T00:00:00Z", 0),
        ("2024-02-29T12:34:56.789Z", 1_709_210_096_789),
        ("2024-02-29T14:34:56.7+02:00", 1_709_210_096_700),
        ("1969-12-31T23:59:59.999Z", -1),
        ("0000-03-01T00:00:00Z", -62_162_035_200_000),
    ] {
        assert_eq!(read(&format!("{{\"$date\":\"{text}\"}}")).unwrap(), Value::Date(millis), "{text}");
    }
    for text in ["2023-02-29T00:00:00Z", "2024-01-01", "2024-13-01T00:00:00Z", "x", "2024-01-01T24:00:00Z"] {
        assert!(read(&format!("{{\"$date\":\"{text}\"}}")).is_err(), "{text}");
    }
}

#[test]
fn wrong_wrappers_are_refused_by_name() {
    for text in [
        r#"{"$oid":"xyz"}"#,
        r#"{"$numberLong":5}"#,
        r#"{"$numberLong":"9223372036854775808"}"#,
        r#"{"$numberDecimal":"1"}"#,
        r#"{"$binary":{"base64":"AA=A","subType":"00"}}"#,
        r#"{"$binary":{"base64":"AAAA","subType":"04"}}"#,
        r#"{"$date":{"$numberLong":"8640000000000001"}}"#,
        r#"{"$oid":"abababababababababababab","x":1}"#,
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains('$'), "{text}: {error}");
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::Int),
        any::<u64>().prop_map(|bits| Value::number(f64::from_bits(bits))),
        any::<i64>().prop_map(Value::Long),
        any::<String>().prop_map(Value::String),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Value::Binary),
        any::<[u8; 12]>().prop_map(Value::ObjectId),
        (-8_640_000_000_000_000i64..=8_640_000_000_000_000).prop_map(Value::Date),
    ];
    let key = prop_oneof![any::<String>(), "\\${0,3}(oid|date|binary|numberLong|uuid|x)"];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::vec((key.clone(), inner), 0..5).prop_map(|fields| {
                let mut object: Object = Vec::new();
                for (key, value) in fields {
                    if object.iter().all(|(own, _)| *own != key) {
                        object.push((key, value));
                    }
                }
                Value::Object(object)
            }),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_comes_back_as_itself(value in value()) {
        prop_assert_eq!(read(&written(&value)).unwrap(), value);
    }

    #[test]
    fn no_text_panics(text in "[\\[\\]{}\":,$a-z0-9.TZ+-]{0,60}") {
        let _ = read(&text);
        let _ = read(&format!("{{\"$date\":\"{text}\"}}"));
    }
}
