//! Values of MoltenDB's JSON, and back.
//!
//! A whole number beyond 2^53 is a BigInt here and plain digits there. What JSON has no form for is an object with one name,
//! as in Extended JSON: `{"$date":"2024-01-31T12:00:00.000Z"}`, `$binary`, `$oid`, and `$numberDouble` of numbers that are not
//! finite. An object of that form that is meant as such has one more dollar in its name, which reading takes away again.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::document::{MAX_DOCUMENT, Object, RawKind, RawObject, RawValue, Value};
use crate::engine::transfer::extended_json::{self, typed, wrapper};
use crate::query::date;

/// The largest whole number up to which every one is a number of JavaScript.
const MAX_SAFE: u64 = 1 << 53;

/// Reads a value. The budget counts down; at its end the value is refused, so that a line of zeros takes no gigabytes.
#[derive(Clone, Copy)]
pub(super) struct Parsed<'b> {
    pub(super) budget: &'b Budget,
    /// Whether it is a document itself, which is an object whatever its names are.
    pub(super) whole: bool,
}

/// How many values a value may still hold: each takes at least a byte of the encoded form. Text is as long as its line at most.
pub(super) struct Budget(Cell<usize>);

impl Budget {
    /// That of one document.
    pub(super) fn of_document() -> Budget {
        Budget(Cell::new(MAX_DOCUMENT + (64 << 10)))
    }

    /// Takes one value.
    pub(super) fn take(&self) -> Result<(), String> {
        match self.0.get().checked_sub(1) {
            Some(left) => {
                self.0.set(left);
                Ok(())
            }
            None => Err(format!("it holds more than a document may, {} MiB", MAX_DOCUMENT >> 20)),
        }
    }
}

/// A whole number, exactly.
pub(super) fn whole(number: i64) -> Value {
    if number.unsigned_abs() <= MAX_SAFE { Value::number(number as f64) } else { Value::Long(number) }
}

/// A whole number that is not negative, exactly.
pub(super) fn unsigned(number: u64) -> Result<Value, String> {
    i64::try_from(number)
        .map(whole)
        .map_err(|_| format!("the number {number} is above 2^63 - 1, the largest that can be stored exactly"))
}

/// An object, whose last value of a name counts; unless it is a document, the value that it stands for if it is of Extended JSON.
pub(super) fn object(fields: Vec<(String, Value)>, is_document: bool) -> Value {
    let mut object = distinct(fields);
    if !is_document
        && let [(key, content)] = object.as_mut_slice()
        && let Some(name) = wrapper(key)
        && let Ok(value) = typed(name, content.clone())
    {
        if key.len() == name.len() {
            return value;
        }
        key.remove(0);
    }
    Value::Object(object)
}

fn distinct(fields: Vec<(String, Value)>) -> Object {
    let mut places = std::collections::HashMap::with_capacity(fields.len());
    let repeats =
        fields.iter().enumerate().filter(|(at, (key, _))| places.insert(key.clone(), *at).is_some());
    if repeats.count() == 0 {
        return fields;
    }
    let last = fields.into_iter().enumerate().filter(|(at, (key, _))| places.get(key) == Some(at));
    last.map(|(_, field)| field).collect()
}

impl<'de> DeserializeSeed<'de> for Parsed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        self.budget.take().map_err(de::Error::custom)?;
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Parsed<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(whole(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        unsigned(value).map_err(E::custom)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = Parsed { whole: false, ..self };
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = Parsed { whole: false, ..self };
        let mut fields = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            fields.push((key, map.next_value_seed(inner)?));
        }
        Ok(object(fields, self.whole))
    }
}

/// Appends a value as MoltenDB's JSON.
pub(super) fn write(value: RawValue<'_>, out: &mut Vec<u8>) {
    match value.kind() {
        RawKind::Long(number) => display(number, out),
        RawKind::Date(millis) => write_date(value, millis, out),
        RawKind::Double(0.0) => out.extend_from_slice(b"-0.0"),
        RawKind::Array(array) => {
            out.push(b'[');
            for (at, element) in array.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(element, out);
            }
            out.push(b']');
        }
        RawKind::Object(object) => {
            let escape = looks_typed(&object);
            out.push(b'{');
            for (at, (key, field)) in object.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                let start = out.len();
                extended_json::write_text(key.as_bytes(), out);
                if escape {
                    out.insert(start + 1, b'$');
                }
                out.push(b':');
                write(field, out);
            }
            out.push(b'}');
        }
        _ => extended_json::write(value, out),
    }
}

fn display(value: impl fmt::Display, out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = std::io::Write::write_fmt(out, format_args!("{value}"));
}

/// A time that text has no form for is written with its milliseconds.
fn write_date(value: RawValue<'_>, millis: i64, out: &mut Vec<u8>) {
    let text = date::text_of(millis);
    if date::instant(&text) != Some(millis) {
        return extended_json::write(value, out);
    }
    out.extend_from_slice(b"{\"$date\":");
    extended_json::write_text(text.as_bytes(), out);
    out.push(b'}');
}

/// Whether reading would take an object for another value, or a dollar from its name.
fn looks_typed(object: &RawObject<'_>) -> bool {
    let mut fields = object.iter();
    match (fields.next(), fields.next()) {
        (Some((key, content)), None) => {
            wrapper(key).is_some_and(|name| typed(name, content.to_value()).is_ok())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Deserializer;

    use super::*;
    use crate::document::{Shapes, encode_plain};

    fn read(text: &str) -> Result<Value, String> {
        let budget = Budget::of_document();
        let mut reader = Deserializer::from_str(text);
        Parsed { budget: &budget, whole: false }.deserialize(&mut reader).map_err(|error| error.to_string())
    }

    fn written(value: &Value) -> String {
        let (mut bytes, mut out) = (Vec::new(), Vec::new());
        encode_plain(value, &mut bytes);
        write(RawValue::new(&bytes, &Shapes::new()), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_moltendb_can_hold_comes_back_as_the_same_json() {
        for text in [
            "null",
            "true",
            "0",
            "-1",
            "1.5",
            "-0.0",
            "1e+300",
            "9007199254740993",
            "-9223372036854775808",
            r#""a\n\"\\\u0001""#,
            r#"{"":{"a.b":[],"$x":1},"__proto__":null}"#,
            r#"{"$oid":5}"#,
            r#"{"$$oid":"short"}"#,
            r#"{"$$date":"2024-01-31T12:00:00.000Z"}"#,
            r#"{"$date":"2024-01-31T12:00:00.000Z"}"#,
            r#"{"$date":"2024-01-31T12:00:00.000Z","a":1}"#,
            r#"{"$numberDouble":"NaN"}"#,
            r#"{"$oid":"0123456789abcdef01234567"}"#,
        ] {
            assert_eq!(written(&read(text).unwrap()), text);
        }
    }

    #[test]
    fn what_only_we_can_hold_comes_back_as_the_same_value() {
        let date = |millis| Value::Date(millis);
        let object = |key: &str, value| Value::Object(vec![(key.to_owned(), value)]);
        for value in [
            date(0),
            date(-1),
            date(8_640_000_000_000_000),
            Value::Binary(vec![0, 255]),
            Value::ObjectId([7; 12]),
            Value::Double(f64::INFINITY),
            Value::Long(i64::MIN),
            object("$oid", Value::String("0123456789abcdef01234567".into())),
            object("$$oid", Value::String("0123456789abcdef01234567".into())),
            object("$date", Value::Null),
        ] {
            assert_eq!(read(&written(&value)).unwrap(), value, "{}", written(&value));
        }
    }

    #[test]
    fn a_number_that_cannot_be_stored_exactly_and_a_value_that_is_too_large_are_refused() {
        assert!(read("18446744073709551615").unwrap_err().contains("2^63 - 1"));
        let zeros = format!("[{}0]", "0,".repeat(MAX_DOCUMENT + (64 << 10)));
        assert!(read(&zeros).unwrap_err().contains("16 MiB"));
        assert!(read(&"[".repeat(100_000)).unwrap_err().contains("recursion limit"));
    }

    #[test]
    fn of_a_repeated_name_the_last_value_counts() {
        assert_eq!(written(&read(r#"{"a":1,"b":2,"a":3}"#).unwrap()), r#"{"b":2,"a":3}"#);
    }
}
