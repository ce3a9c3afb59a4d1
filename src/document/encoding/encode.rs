//! Trees to bytes, and the writers of single tokens. Each value has exactly one canonical encoding.

use smallvec::SmallVec;

use super::token;
use crate::document::MAX_DEPTH;
use crate::document::check::fault::{Fault, Refusal, Step, small_enough};
use crate::document::shapes::shape::ShapeId;
use crate::document::shapes::staged::StagedShapes;
use crate::document::value::{MAX_DATE, Object, Value};
use crate::error::Result;

/// Appends the stored form of a value that is known to be within the limits; its objects become records of the shapes that they find or stage.
pub fn encode(value: &Value, shapes: &mut StagedShapes<'_>, out: &mut Vec<u8>) {
    write_value(value, &mut Some(shapes), out);
}

/// [`encode`] for a document that was computed, for example by an update, and was not validated yet.
///
/// Refuses with `BAD_DOCUMENT`, naming the dotted path, what [`incoming::store`](crate::document::incoming::store)
/// would refuse: nesting deeper than `MAX_DEPTH`, dates that JavaScript does not have, more than `MAX_DOCUMENT`
/// bytes. Then `shapes` and `out` are as they were.
pub(crate) fn encode_document(value: &Value, shapes: &mut StagedShapes<'_>, out: &mut Vec<u8>) -> Result<()> {
    let (start, staged) = (out.len(), shapes.staged().len());
    let outcome = storable(value, 1).and_then(|()| {
        encode(value, shapes, out);
        small_enough(out.len() - start)
    });
    outcome.map_err(|refusal| {
        out.truncate(start);
        shapes.truncate(staged);
        refusal.bad_document()
    })
}

fn storable(value: &Value, level: usize) -> Step {
    match value {
        Value::Array(_) | Value::Object(_) if level > MAX_DEPTH => Err(Refusal::new(Fault::TooDeep, 0)),
        Value::Date(millis) if millis.unsigned_abs() > MAX_DATE => Err(Refusal::new(Fault::BadDate, 0)),
        Value::Array(items) => {
            let storable = |(index, item)| storable(item, level + 1).map_err(|refusal| refusal.inside(index));
            items.iter().enumerate().try_for_each(storable)
        }
        Value::Object(fields) => fields
            .iter()
            .try_for_each(|(key, value)| storable(value, level + 1).map_err(|refusal| refusal.inside(key))),
        _ => Ok(()),
    }
}

/// Appends a value with its objects as maps, so that it is readable without any shapes.
pub fn encode_plain(value: &Value, out: &mut Vec<u8>) {
    write_value(value, &mut None, out);
}

/// [`encode_plain`] of an object that has only those of the fields that are wanted.
pub(crate) fn encode_plain_part(object: &Object, wanted: impl Fn(&str) -> bool, out: &mut Vec<u8>) {
    let fields = object.iter().filter(|(key, _)| wanted(key));
    write_map_head(fields.clone().count(), out);
    for (key, value) in fields {
        write_string(key, out);
        write_value(value, &mut None, out);
    }
}

fn write_value(value: &Value, shapes: &mut Option<&mut StagedShapes<'_>>, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(token::NIL),
        Value::Bool(value) => write_bool(*value, out),
        Value::Int(value) => write_int(*value, out),
        Value::Double(value) => write_number(*value, out),
        Value::Long(value) => write_long(*value, out),
        Value::String(value) => write_string(value, out),
        Value::Binary(value) => write_binary(value, out),
        Value::ObjectId(value) => write_object_id(value, out),
        Value::Date(value) => write_date(*value, out),
        Value::Array(items) => {
            write_array_head(items.len(), out);
            for item in items {
                write_value(item, shapes, out);
            }
        }
        Value::Object(object) => write_object(object, shapes, out),
    }
}

fn write_object(object: &Object, shapes: &mut Option<&mut StagedShapes<'_>>, out: &mut Vec<u8>) {
    let number = shapes.as_mut().and_then(|shapes| {
        let keys: SmallVec<[&str; 16]> = object.iter().map(|(key, _)| key.as_str()).collect();
        shapes.number(&keys)
    });
    match number {
        Some(id) => {
            write_record_head(id, out);
            for (_, value) in object {
                write_value(value, shapes, out);
            }
        }
        None => {
            write_map_head(object.len(), out);
            for (key, value) in object {
                write_string(key, out);
                write_value(value, shapes, out);
            }
        }
    }
}

/// Appends a boolean.
pub(crate) fn write_bool(value: bool, out: &mut Vec<u8>) {
    out.push(if value { token::TRUE } else { token::FALSE });
}

/// Appends an int32 in its smallest form.
pub(crate) fn write_int(value: i32, out: &mut Vec<u8>) {
    if value >= 0 {
        match value {
            0..=0x7f => out.push(value as u8),
            0x80..=0xff => out.extend_from_slice(&[token::UINT8, value as u8]),
            0x100..=0xffff => write_lead(token::UINT16, (value as u16).to_be_bytes(), out),
            _ => write_lead(token::UINT32, (value as u32).to_be_bytes(), out),
        }
    } else {
        match value {
            -32..=-1 => out.push(value as u8),
            -0x80..=-33 => out.extend_from_slice(&[token::INT8, value as u8]),
            -0x8000..=-0x81 => write_lead(token::INT16, (value as i16).to_be_bytes(), out),
            _ => write_lead(token::INT32, value.to_be_bytes(), out),
        }
    }
}

/// Appends a JavaScript number in its canonical form: int or float64.
pub(crate) fn write_number(value: f64, out: &mut Vec<u8>) {
    match Value::number(value) {
        Value::Int(int) => write_int(int, out),
        _ if value.is_nan() => write_lead(token::FLOAT64, token::NAN_BITS.to_be_bytes(), out),
        _ => write_lead(token::FLOAT64, value.to_be_bytes(), out),
    }
}

/// Appends a BigInt.
pub(crate) fn write_long(value: i64, out: &mut Vec<u8>) {
    write_lead(token::INT64, value.to_be_bytes(), out);
}

/// Appends a string.
pub(crate) fn write_string(value: &str, out: &mut Vec<u8>) {
    write_string_head(value.len(), out);
    out.extend_from_slice(value.as_bytes());
}

/// Appends the lead and length of a string of this many bytes.
pub(crate) fn write_string_head(len: usize, out: &mut Vec<u8>) {
    match len {
        0..=31 => out.push(0xa0 | len as u8),
        32..=0xff => out.extend_from_slice(&[token::STR8, len as u8]),
        _ => write_long_head(token::STR16, token::STR32, len, out),
    }
}

/// Appends bytes.
pub(crate) fn write_binary(value: &[u8], out: &mut Vec<u8>) {
    match value.len() {
        0..=0xff => out.extend_from_slice(&[token::BIN8, value.len() as u8]),
        _ => write_long_head(token::BIN16, token::BIN32, value.len(), out),
    }
    out.extend_from_slice(value);
}

/// Appends an ObjectId.
pub(crate) fn write_object_id(value: &[u8; 12], out: &mut Vec<u8>) {
    out.extend_from_slice(&[token::EXT8, 12, token::EXT_OBJECT_ID]);
    out.extend_from_slice(value);
}

/// Appends a date of this many milliseconds since 1970.
pub(crate) fn write_date(millis: i64, out: &mut Vec<u8>) {
    out.push(token::FIXEXT8);
    write_lead(token::EXT_DATE, millis.to_be_bytes(), out);
}

/// Appends the head of an array of this many items.
pub(crate) fn write_array_head(len: usize, out: &mut Vec<u8>) {
    match len {
        0..=15 => out.push(0x90 | len as u8),
        _ => write_long_head(token::ARRAY16, token::ARRAY32, len, out),
    }
}

/// Appends the head of a map of this many entries.
pub(crate) fn write_map_head(len: usize, out: &mut Vec<u8>) {
    match len {
        0..=15 => out.push(0x80 | len as u8),
        _ => write_long_head(token::MAP16, token::MAP32, len, out),
    }
}

/// Appends the head of a record of this shape.
pub(crate) fn write_record_head(id: ShapeId, out: &mut Vec<u8>) {
    write_lead(token::RECORD, id.0.to_be_bytes(), out);
}

/// Lengths stay below 4 GiB: values are at most [`MAX_DOCUMENT`](crate::document::MAX_DOCUMENT) where they are
/// stored.
fn write_long_head(lead16: u8, lead32: u8, len: usize, out: &mut Vec<u8>) {
    match u16::try_from(len) {
        Ok(len) => write_lead(lead16, len.to_be_bytes(), out),
        Err(_) => write_lead(lead32, (len as u32).to_be_bytes(), out),
    }
}

#[inline]
fn write_lead<const N: usize>(lead: u8, rest: [u8; N], out: &mut Vec<u8>) {
    out.push(lead);
    out.extend_from_slice(&rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{MAX_DOCUMENT, Shapes};

    fn refusal(value: &Value) -> (String, String) {
        let table = Shapes::new();
        let mut shapes = StagedShapes::new(&table);
        let mut out = vec![1];
        let error = encode_document(value, &mut shapes, &mut out).unwrap_err();
        assert!(shapes.is_empty() && out == [1]);
        (error.details().path.clone().unwrap_or_default(), error.message().to_owned())
    }

    #[test]
    fn numbers_take_the_smallest_form() {
        let cases: &[(i32, &[u8])] = &[
            (0, &[0]),
            (127, &[0x7f]),
            (128, &[0xcc, 0x80]),
            (256, &[0xcd, 1, 0]),
            (65_536, &[0xce, 0, 1, 0, 0]),
            (i32::MAX, &[0xce, 0x7f, 0xff, 0xff, 0xff]),
            (-1, &[0xff]),
            (-32, &[0xe0]),
            (-33, &[0xd0, 0xdf]),
            (-128, &[0xd0, 0x80]),
            (-129, &[0xd1, 0xff, 0x7f]),
            (-32_769, &[0xd2, 0xff, 0xff, 0x7f, 0xff]),
        ];
        for (number, bytes) in cases {
            for value in [Value::Int(*number), Value::Double(f64::from(*number))] {
                let mut out = Vec::new();
                encode_plain(&value, &mut out);
                assert_eq!(&out, bytes, "{number}");
            }
        }
        let mut out = Vec::new();
        write_number(-0.0, &mut out);
        assert_eq!(out, [0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_computed_document_keeps_the_limits() {
        let mut deep = Value::Array(vec![]);
        for _ in 1..MAX_DEPTH {
            deep = Value::Array(vec![deep]);
        }
        let table = Shapes::new();
        encode_document(&deep, &mut StagedShapes::new(&table), &mut Vec::new()).unwrap();
        let (path, message) = refusal(&Value::Object(vec![("a".into(), deep)]));
        assert!(path.starts_with("a.0.0"), "{path}");
        assert!(message.contains("100 levels"), "{message}");

        let late = Value::Array(vec![Value::Null, Value::Date(i64::MIN)]);
        let (path, message) = refusal(&Value::Object(vec![("at".into(), late)]));
        assert_eq!(path, "at.1");
        assert!(message.contains("Date"), "{message}");

        let large = Value::Object(vec![("a".into(), Value::Binary(vec![0; MAX_DOCUMENT]))]);
        assert!(refusal(&large).1.contains("16777216"));
    }
}
