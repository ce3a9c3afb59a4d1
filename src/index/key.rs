//! Order-preserving keys: byte order equals MongoDB's order of the values.
//!
//! ```text
//! value    tag payload; tags ascend: null, number, string, object, array, binary, ObjectId, boolean, date
//! number   the largest float64 not above it, 8 bytes big endian, sign bit flipped (all bits, when negative),
//!          then u16: what an int64 has more than that float64; NaN is all zero bits
//! string   UTF-8, 00 escaped as 00 ff, then 00 00
//! object   per field: tag of the value, key as a string, payload of the value; then 00
//! array    per item: the value; then 00
//! binary   u32 length, bytes
//! date     i64 with its sign bit flipped
//! ```
//!
//! A float64 has at most 53 significant bits, so an int64 exceeds the largest float64 not above it by less than 1,024; for a
//! float64 the difference is 0. So equal numbers have equal keys, whatever their type.

use crate::document::kind::Class;
use crate::document::{MAX_DEPTH, RawKind, RawValue};

const END: u8 = 0x00;
/// The whole key of null.
pub(super) const NULL: u8 = 0x05;
const NUMBER: u8 = 0x0a;
const STRING: u8 = 0x0f;
const OBJECT: u8 = 0x14;
const ARRAY: u8 = 0x19;
const BINARY: u8 = 0x1e;
const OBJECT_ID: u8 = 0x23;
const BOOL: u8 = 0x28;
const DATE: u8 = 0x2d;

/// Appends the key of a value.
pub fn encode_key(value: RawValue<'_>, out: &mut Vec<u8>) {
    let kind = value.kind();
    out.push(class_tag(kind.class()));
    write_payload(kind, 1, out);
}

/// The first byte of the keys of values of a class.
pub(crate) fn class_tag(class: Class) -> u8 {
    match class {
        Class::Null => NULL,
        Class::Number => NUMBER,
        Class::String => STRING,
        Class::Object => OBJECT,
        Class::Array => ARRAY,
        Class::Binary => BINARY,
        Class::ObjectId => OBJECT_ID,
        Class::Bool => BOOL,
        Class::Date => DATE,
    }
}

/// Documents are no deeper than `MAX_DEPTH`. In bytes that were not validated, deeper values are left out.
fn write_payload(kind: RawKind<'_>, level: usize, out: &mut Vec<u8>) {
    match kind {
        RawKind::Null => {}
        RawKind::Int(value) => write_number(f64::from(value), 0, out),
        RawKind::Double(value) => write_number(value, 0, out),
        RawKind::Long(value) => write_long(value, out),
        RawKind::String(text) => write_text(text, out),
        RawKind::Object(object) => {
            if level <= MAX_DEPTH {
                for (key, value) in object.iter() {
                    let kind = value.kind();
                    out.push(class_tag(kind.class()));
                    write_text(key.as_bytes(), out);
                    write_payload(kind, level + 1, out);
                }
            }
            out.push(END);
        }
        RawKind::Array(array) => {
            if level <= MAX_DEPTH {
                for item in array.iter() {
                    let kind = item.kind();
                    out.push(class_tag(kind.class()));
                    write_payload(kind, level + 1, out);
                }
            }
            out.push(END);
        }
        RawKind::Binary(bytes) => {
            // Documents are at most 16 MiB.
            out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
            out.extend_from_slice(bytes);
        }
        RawKind::ObjectId(bytes) => out.extend_from_slice(bytes),
        RawKind::Bool(value) => out.push(u8::from(value)),
        RawKind::Date(millis) => out.extend_from_slice(&(millis ^ i64::MIN).to_be_bytes()),
    }
}

fn write_number(floor: f64, excess: u16, out: &mut Vec<u8>) {
    const SIGN: u64 = 1 << 63;
    let ordered = if floor.is_nan() {
        0
    } else {
        // Adding 0 turns -0 into 0.
        let bits = (floor + 0.0).to_bits();
        if bits & SIGN == 0 { bits | SIGN } else { !bits }
    };
    out.extend_from_slice(&ordered.to_be_bytes());
    out.extend_from_slice(&excess.to_be_bytes());
}

fn write_long(value: i64, out: &mut Vec<u8>) {
    let nearest = value as f64;
    let floor = if nearest as i128 > i128::from(value) { nearest.next_down() } else { nearest };
    let excess = i128::from(value) - floor as i128;
    write_number(floor, excess as u16, out);
}

fn write_text(text: &[u8], out: &mut Vec<u8>) {
    for (n, part) in text.split(|byte| *byte == 0).enumerate() {
        if n > 0 {
            out.extend_from_slice(&[0x00, 0xff]);
        }
        out.extend_from_slice(part);
    }
    out.extend_from_slice(&[0x00, 0x00]);
}

/// The length of the value's key at the start of these bytes, each of which was changed by XOR with `mask`. `None` when the
/// bytes end within the key.
pub(super) fn skip(key: &[u8], mask: u8) -> Option<usize> {
    let at = |index: usize| key.get(index).map(|byte| byte ^ mask);
    let mut next = 1;
    let mut depth = vec![];
    skip_payload(at(0)?, &at, &mut next, &mut depth)?;
    while let Some(container) = depth.last().copied() {
        let tag = at(next)?;
        next += 1;
        if tag == END {
            depth.pop();
            continue;
        }
        if container == OBJECT {
            skip_text(&at, &mut next)?;
        }
        skip_payload(tag, &at, &mut next, &mut depth)?;
    }
    (next <= key.len()).then_some(next)
}

fn skip_payload(
    tag: u8,
    at: &impl Fn(usize) -> Option<u8>,
    next: &mut usize,
    depth: &mut Vec<u8>,
) -> Option<()> {
    match tag {
        NULL => {}
        NUMBER => *next += 10,
        STRING => skip_text(at, next)?,
        OBJECT | ARRAY => depth.push(tag),
        BINARY => {
            let len = (0..4).try_fold(0, |len, n| Some(len << 8 | usize::from(at(*next + n)?)))?;
            *next += 4 + len;
        }
        OBJECT_ID => *next += 12,
        BOOL => *next += 1,
        DATE => *next += 8,
        _ => return None,
    }
    Some(())
}

fn skip_text(at: &impl Fn(usize) -> Option<u8>, next: &mut usize) -> Option<()> {
    loop {
        let byte = at(*next)?;
        *next += 1;
        if byte == 0 {
            let escaped = at(*next)? == 0xff;
            *next += 1;
            if !escaped {
                return Some(());
            }
        }
    }
}
