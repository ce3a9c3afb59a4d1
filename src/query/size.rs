//! About how much memory values take, for what counts it.

use crate::document::Value;

/// About how many bytes a tree takes. Recursion is bounded by its depth.
pub(super) fn size(value: &Value) -> usize {
    32 + match value {
        Value::String(text) => text.len(),
        Value::Binary(bytes) => bytes.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.iter().map(|(key, value)| field(key) + size(value)).sum(),
        _ => 0,
    }
}

/// What a field takes besides its value.
pub(super) fn field(key: &str) -> usize {
    24 + key.len()
}
