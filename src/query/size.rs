//! Estimates of the memory that values take.

use crate::document::Value;

/// The approximate number of bytes that a tree takes. Recursion is bounded by its depth.
pub(super) fn size(value: &Value) -> usize {
    32 + match value {
        Value::String(text) => text.len(),
        Value::Binary(bytes) => bytes.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.iter().map(|(key, value)| field(key) + size(value)).sum(),
        _ => 0,
    }
}

/// The memory of a field besides its value.
pub(super) fn field(key: &str) -> usize {
    24 + key.len()
}
