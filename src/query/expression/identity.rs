//! Equality as bytes: values have the same bytes exactly if they are equal in the total order.

use crate::document::{Collation, Node, NodeKind, Value};

/// Appends the bytes of a value.
pub(in crate::query) fn write<'a>(node: impl Node<'a>, out: &mut Vec<u8>) {
    match node.seen() {
        NodeKind::Null => out.push(0),
        NodeKind::Int(value) => integer(i64::from(value), out),
        NodeKind::Long(value) => integer(value, out),
        NodeKind::Double(value) => double(value, out),
        NodeKind::String(text) => bytes(3, text, out),
        NodeKind::Binary(content) => bytes(4, content, out),
        NodeKind::ObjectId(id) => {
            out.push(5);
            out.extend_from_slice(id);
        }
        NodeKind::Bool(value) => out.extend_from_slice(&[6, u8::from(value)]),
        NodeKind::Date(millis) => {
            out.push(7);
            out.extend_from_slice(&millis.to_le_bytes());
        }
        NodeKind::Array(()) => {
            out.push(8);
            node.items().for_each(|item| write(item, out));
            out.push(255);
        }
        NodeKind::Object(()) => {
            out.push(9);
            for (key, value) in node.fields() {
                bytes(10, key.as_bytes(), out);
                write(value, out);
            }
            out.push(255);
        }
    }
}

fn integer(value: i64, out: &mut Vec<u8>) {
    out.push(1);
    out.extend_from_slice(&value.to_le_bytes());
}

fn double(value: f64, out: &mut Vec<u8>) {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    if value.fract() == 0.0 && (-TWO_63..TWO_63).contains(&value) {
        return integer(value as i64, out);
    }
    out.push(2);
    let bits = if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
    out.extend_from_slice(&bits.to_le_bytes());
}

fn bytes(tag: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&(content.len() as u64).to_le_bytes());
    out.extend_from_slice(content);
}

/// The bytes of a value under a collation: those of its sort keys.
pub(in crate::query) fn of_under(value: &Value, collation: &Collation) -> Vec<u8> {
    let mut out = Vec::new();
    write_under(value, collation, &mut out);
    out
}

/// Appends the bytes of a value under a collation.
pub(in crate::query) fn write_under<'a>(node: impl Node<'a>, collation: &Collation, out: &mut Vec<u8>) {
    if collation.is_simple() { write(node, out) } else { write(&collation.keyed(node), out) }
}
