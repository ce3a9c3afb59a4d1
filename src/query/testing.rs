//! Values for tests, written as Extended JSON; and a small encoder that writes objects as maps.

use std::sync::Arc;

use serde::de::DeserializeSeed;

use crate::document::{Object, RawValue, Shapes, StagedShapes, Value, encode_plain, token};
use crate::engine::extended_json::Parsed;

/// The value of this text. A pattern is an operand that no document holds, so it is read as a plain object.
pub(super) fn value(json: &str) -> Value {
    let plain = json.replace("\"$regularExpression\"", "\"$$regularExpression\"");
    let read = Parsed.deserialize(&mut serde_json::Deserializer::from_str(&plain));
    read.unwrap_or_else(|error| panic!("{error} in {json}"))
}

/// The object of this text.
pub(super) fn object(json: &str) -> Object {
    match value(json) {
        Value::Object(fields) => fields,
        other => panic!("{other:?} is no object"),
    }
}

/// Encoded bytes with their (empty) shapes.
pub(super) struct Encoded {
    bytes: Vec<u8>,
    shapes: Shapes,
}

impl Encoded {
    pub(super) fn raw(&self) -> RawValue<'_> {
        RawValue::new(&self.bytes, &self.shapes)
    }
}

/// The encoded form of this text.
pub(super) fn encoded(json: &str) -> Encoded {
    encode(&value(json))
}

/// Trees as a collection stores them, with the shapes that they share; those whose index `as_map` accepts are stored
/// as maps.
pub(super) fn stored(values: &[Value], as_map: impl Fn(usize) -> bool) -> (Arc<Shapes>, Vec<Vec<u8>>) {
    let shapes = Shapes::new();
    let mut staged = StagedShapes::new(&shapes);
    let bytes = |(number, value): (usize, &Value)| {
        let mut bytes = Vec::new();
        if as_map(number) {
            encode_plain(value, &mut bytes);
        } else {
            crate::document::encode(value, &mut staged, &mut bytes);
        }
        bytes
    };
    let all = values.iter().enumerate().map(bytes).collect();
    for shape in staged.into_staged() {
        shapes.push(shape).unwrap();
    }
    (Arc::new(shapes), all)
}

/// The encoded form of a tree.
pub(super) fn encode(value: &Value) -> Encoded {
    let mut bytes = Vec::new();
    write(value, &mut bytes);
    Encoded { bytes, shapes: Shapes::new() }
}

/// Writes long forms of all tokens, which a reader must accept.
fn write(value: &Value, out: &mut Vec<u8>) {
    let head = |out: &mut Vec<u8>, lead: u8, len: usize| {
        out.push(lead);
        out.extend((len as u32).to_be_bytes());
    };
    let string = |out: &mut Vec<u8>, text: &str| {
        head(out, token::STR32, text.len());
        out.extend(text.as_bytes());
    };
    let eight = |out: &mut Vec<u8>, leads: &[u8], bytes: [u8; 8]| {
        out.extend(leads);
        out.extend(bytes);
    };
    match value {
        Value::Null => out.push(token::NIL),
        Value::Bool(value) => out.push(if *value { token::TRUE } else { token::FALSE }),
        Value::Int(value) => {
            out.push(token::INT32);
            out.extend(value.to_be_bytes());
        }
        Value::Double(value) => eight(out, &[token::FLOAT64], value.to_be_bytes()),
        Value::Long(value) => eight(out, &[token::INT64], value.to_be_bytes()),
        Value::String(text) => string(out, text),
        Value::Binary(bytes) => {
            head(out, token::BIN32, bytes.len());
            out.extend(bytes);
        }
        Value::ObjectId(bytes) => {
            out.extend([token::EXT8, 12, token::EXT_OBJECT_ID]);
            out.extend(bytes);
        }
        Value::Date(millis) => eight(out, &[token::FIXEXT8, token::EXT_DATE], millis.to_be_bytes()),
        Value::Array(items) => {
            head(out, token::ARRAY32, items.len());
            items.iter().for_each(|item| write(item, out));
        }
        Value::Object(fields) => {
            head(out, token::MAP32, fields.len());
            for (key, value) in fields {
                string(out, key);
                write(value, out);
            }
        }
    }
}
