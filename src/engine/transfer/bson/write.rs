//! Stored documents to BSON.

use super::{MAX_LENGTH, kind};
use crate::document::{MAX_DEPTH, RawKind, RawObject, RawValue};

/// Appends a stored document. Tells the dotted path and the reason where BSON cannot hold it; then `out` is as it was.
pub(in crate::engine::transfer) fn write(document: RawValue<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    let start = out.len();
    let fields = document.as_object().ok_or_else(|| "it is no object".to_owned());
    let outcome = fields.and_then(|fields| write_object(fields, 1, out)).and_then(|()| {
        let length = out.len() - start;
        let fits = length <= MAX_LENGTH;
        fits.then_some(())
            .ok_or_else(|| format!("it takes {length} bytes in BSON, where at most {MAX_LENGTH} are allowed"))
    });
    if outcome.is_err() {
        out.truncate(start);
    }
    outcome
}

fn write_object(object: RawObject<'_>, level: usize, out: &mut Vec<u8>) -> Result<(), String> {
    sized(out, |out| object.iter().try_for_each(|(key, field)| write_field(key, field, level, out)))
}

/// Writes a length, what has it, and the zero at its end.
fn sized(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<(), String>) -> Result<(), String> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out)?;
    out.push(0);
    // No document is as long as 2 GiB.
    let length = i32::try_from(out.len() - start).map_err(|_| "it is too long".to_owned())?;
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    Ok(())
}

fn write_field(key: &str, value: RawValue<'_>, level: usize, out: &mut Vec<u8>) -> Result<(), String> {
    if key.as_bytes().contains(&0) {
        return Err(format!("the key {key:?} holds a zero, which no key of BSON does"));
    }
    // What is too long, whatever stands before it in the piece, is not written to its end.
    if out.len() > 2 * MAX_LENGTH {
        return Err(format!("it takes more in BSON than the {MAX_LENGTH} bytes that are allowed"));
    }
    let start = out.len();
    out.push(0);
    out.extend_from_slice(key.as_bytes());
    out.push(0);
    let of = match value.kind() {
        RawKind::Array(_) | RawKind::Object(_) if level >= MAX_DEPTH => kind::NULL,
        RawKind::Null => kind::NULL,
        RawKind::Bool(value) => {
            out.push(u8::from(value));
            kind::BOOL
        }
        RawKind::Int(value) => {
            out.extend_from_slice(&value.to_le_bytes());
            kind::INT
        }
        RawKind::Double(value) => {
            out.extend_from_slice(&value.to_le_bytes());
            kind::DOUBLE
        }
        RawKind::Long(value) => {
            out.extend_from_slice(&value.to_le_bytes());
            kind::LONG
        }
        RawKind::Date(millis) => {
            out.extend_from_slice(&millis.to_le_bytes());
            kind::DATE
        }
        RawKind::String(text) => {
            write_length(text.len() + 1, out)?;
            out.extend_from_slice(text);
            out.push(0);
            kind::STRING
        }
        RawKind::Binary(bytes) => {
            write_length(bytes.len(), out)?;
            out.push(0);
            out.extend_from_slice(bytes);
            kind::BINARY
        }
        RawKind::ObjectId(bytes) => {
            out.extend_from_slice(bytes);
            kind::OBJECT_ID
        }
        RawKind::Object(object) => {
            write_object(object, level + 1, out)?;
            kind::OBJECT
        }
        RawKind::Array(array) => {
            sized(out, |out| {
                let mut items = array.iter().enumerate();
                items.try_for_each(|(at, item)| write_field(&at.to_string(), item, level + 1, out))
            })?;
            kind::ARRAY
        }
    };
    if let Some(place) = out.get_mut(start) {
        *place = of;
    }
    Ok(())
}

fn write_length(length: usize, out: &mut Vec<u8>) -> Result<(), String> {
    let length = i32::try_from(length).map_err(|_| "it is too long".to_owned())?;
    out.extend_from_slice(&length.to_le_bytes());
    Ok(())
}
