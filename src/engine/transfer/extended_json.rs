//! Converts values to MongoDB Extended JSON v2 and back, without loss.
//!
//! Numbers, strings, booleans, null, arrays and objects are plain JSON (the relaxed format); values that JSON cannot
//! represent are written in the canonical format:
//!
//! ```text
//! BigInt                  {"$numberLong":"-5"}
//! NaN, Infinity, -0       {"$numberDouble":"NaN"}  "Infinity"  "-Infinity"  "-0.0"
//! Date                    {"$date":{"$numberLong":"1700000000000"}}
//! bytes                   {"$binary":{"base64":"AAE=","subType":"00"}}
//! ObjectId                {"$oid":"0123456789abcdef01234567"}
//! ```
//!
//! An object whose first key is one of those names, or one with more dollars in front, is a plain object that only looks
//! like a wrapper: that key is written with an additional dollar, which reading removes.

use std::fmt;

use data_encoding::{BASE64, Encoding, HEXLOWER};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::document::value::MAX_DATE;
use crate::document::{MAX_DEPTH, Object, RawKind, RawValue, Value, id};
use crate::query::date;

/// Names of wrappers, including those of types that cannot be stored.
const WRAPPERS: [&str; 16] = [
    "$oid",
    "$date",
    "$binary",
    "$numberLong",
    "$numberDouble",
    "$numberInt",
    "$numberDecimal",
    "$uuid",
    "$timestamp",
    "$regularExpression",
    "$undefined",
    "$minKey",
    "$maxKey",
    "$code",
    "$symbol",
    "$dbPointer",
];

/// The wrapper that a key names, without its additional dollars.
pub(super) fn wrapper(key: &str) -> Option<&'static str> {
    let name = key.trim_start_matches('$');
    WRAPPERS.into_iter().find(|known| key.starts_with('$') && known.get(1..) == Some(name))
}

/// Appends a stored value. Values deeper than the limit of a document are written as null.
pub fn write(value: RawValue<'_>, out: &mut Vec<u8>) {
    write_at(value, 1, out);
}

fn write_at(value: RawValue<'_>, level: usize, out: &mut Vec<u8>) {
    match value.kind() {
        RawKind::Array(_) | RawKind::Object(_) if level > MAX_DEPTH => out.extend_from_slice(b"null"),
        RawKind::Null => out.extend_from_slice(b"null"),
        RawKind::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        RawKind::Int(value) => display(value, out),
        RawKind::Double(value) => write_double(value, out),
        RawKind::Long(value) => write_long(value, out),
        RawKind::String(text) => write_text(text, out),
        RawKind::Binary(bytes) => write_binary(bytes, out),
        RawKind::ObjectId(bytes) => {
            out.extend_from_slice(b"{\"$oid\":\"");
            encode(&HEXLOWER, bytes, out);
            out.extend_from_slice(b"\"}");
        }
        RawKind::Date(millis) => {
            out.extend_from_slice(b"{\"$date\":");
            write_long(millis, out);
            out.push(b'}');
        }
        RawKind::Array(array) => {
            out.push(b'[');
            for (at, element) in array.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_at(element, level + 1, out);
            }
            out.push(b']');
        }
        RawKind::Object(object) => {
            out.push(b'{');
            for (at, (key, field)) in object.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                let start = out.len();
                write_text(key.as_bytes(), out);
                if at == 0 && wrapper(key).is_some() {
                    out.insert(start + 1, b'$');
                }
                out.push(b':');
                write_at(field, level + 1, out);
            }
            out.push(b'}');
        }
    }
}

fn display(value: impl fmt::Display, out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = std::io::Write::write_fmt(out, format_args!("{value}"));
}

fn write_long(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"$numberLong\":\"");
    display(value, out);
    out.extend_from_slice(b"\"}");
}

fn write_double(value: f64, out: &mut Vec<u8>) {
    let special = if value.is_nan() {
        "NaN"
    } else if value == f64::INFINITY {
        "Infinity"
    } else if value == f64::NEG_INFINITY {
        "-Infinity"
    } else if value == 0.0 {
        "-0.0"
    } else {
        // Writing to memory cannot fail, and the number is finite.
        let _ = serde_json::to_writer(out, &value);
        return;
    };
    out.extend_from_slice(b"{\"$numberDouble\":\"");
    out.extend_from_slice(special.as_bytes());
    out.extend_from_slice(b"\"}");
}

/// Appends a string of JSON.
pub fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut copied = 0;
    for (at, byte) in text.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 => b"",
            _ => continue,
        };
        out.extend_from_slice(text.get(copied..at).unwrap_or_default());
        copied = at + 1;
        if escape.is_empty() {
            out.extend_from_slice(b"\\u00");
            encode(&HEXLOWER, &[*byte], out);
        } else {
            out.extend_from_slice(escape);
        }
    }
    out.extend_from_slice(text.get(copied..).unwrap_or_default());
    out.push(b'"');
}

/// Appends bytes as text of this encoding.
fn encode(encoding: &Encoding, bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + encoding.encode_len(bytes.len()), 0);
    if let Some(place) = out.get_mut(start..) {
        encoding.encode_mut(bytes, place);
    }
}

fn write_binary(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"$binary\":{\"base64\":\"");
    encode(&BASE64, bytes, out);
    out.extend_from_slice(b"\",\"subType\":\"00\"}}");
}

/// Reads a value from a JSON reader.
pub struct Parsed;

impl<'de> DeserializeSeed<'de> for Parsed {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Parsed {
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

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or_else(|_| Value::number(value as f64), whole))
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
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(Parsed)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some(mut key) = map.next_key::<String>()? {
            if object.is_empty() && wrapper(&key).is_some() {
                if !key.starts_with("$$") {
                    return unwrap(&key, &mut map);
                }
                key.remove(0);
            }
            object.push((key, map.next_value_seed(Parsed)?));
        }
        Ok(Value::Object(object))
    }
}

/// A whole number. One that is written otherwise as a double is an integer of 64 bits, as other programs write those so.
fn whole(value: i64) -> Value {
    let number = value as f64;
    let is_small = value.unsigned_abs() <= 1 << 53;
    if is_small || number.to_string() == value.to_string() {
        Value::number(number)
    } else {
        Value::Long(value)
    }
}

fn unwrap<'de, A: MapAccess<'de>>(key: &str, map: &mut A) -> Result<Value, A::Error> {
    let content = map.next_value_seed(Parsed)?;
    if let Some(other) = map.next_key::<String>()? {
        return Err(de::Error::custom(format!("{key} stands beside the key {other}; it must be alone")));
    }
    typed(key, content).map_err(de::Error::custom)
}

/// The value that a wrapper stands for.
pub(super) fn typed(key: &str, content: Value) -> Result<Value, String> {
    let wrong = |expected: &str| Err(format!("{key} must hold {expected}"));
    match (key, &content) {
        ("$oid", Value::String(text)) => match id::object_id_from_hex(text) {
            Some(bytes) => Ok(Value::ObjectId(bytes)),
            None => wrong("24 hexadecimal digits"),
        },
        ("$oid", _) => wrong("24 hexadecimal digits"),
        ("$numberLong", Value::String(text)) => match text.parse() {
            Ok(long) => Ok(Value::Long(long)),
            Err(_) => wrong("a whole number of 64 bits as a string"),
        },
        ("$numberLong", _) => wrong("a whole number of 64 bits as a string"),
        ("$numberInt" | "$numberDouble", Value::String(text)) => match number(text) {
            Some(number) => Ok(Value::number(number)),
            None => wrong("a number as a string"),
        },
        ("$numberInt" | "$numberDouble", _) => wrong("a number as a string"),
        ("$date", Value::Long(millis)) if millis.unsigned_abs() <= MAX_DATE => Ok(Value::Date(*millis)),
        ("$date", Value::String(text)) => match date::instant(text) {
            Some(millis) => Ok(Value::Date(millis)),
            None => wrong("{\"$numberLong\": milliseconds} or a time such as 2024-01-31T12:00:00.000Z"),
        },
        ("$date", _) => wrong("{\"$numberLong\": milliseconds} or a time such as 2024-01-31T12:00:00.000Z"),
        ("$binary", Value::Object(fields)) => match fields.as_slice() {
            [(first, Value::String(base64)), (second, Value::String(sub_type))]
                if first == "base64" && second == "subType" =>
            {
                if sub_type != "00" && sub_type != "0" {
                    return Err(format!("$binary has the subtype {sub_type}; only 00 can be stored"));
                }
                match BASE64.decode(base64.as_bytes()) {
                    Ok(bytes) => Ok(Value::Binary(bytes)),
                    Err(_) => wrong("base64 text"),
                }
            }
            _ => wrong("base64 and subType"),
        },
        ("$binary", _) => wrong("base64 and subType"),
        _ => Err(format!("{key} is a type that cannot be stored")),
    }
}

fn number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => text.parse().ok().filter(|number: &f64| number.is_finite()),
    }
}

#[cfg(test)]
#[path = "extended_json_tests.rs"]
mod tests;
