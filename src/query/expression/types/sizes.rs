//! Sizes in bytes: of strings and binary data, and of documents as BSON, which is what `$bsonSize` measures in MongoDB.

use crate::document::Value;
use crate::query::expression::operator::{Operator, int, list, null};

pub(in crate::query::expression) const OPERATORS: &[Operator] = &[
    list("$binarySize", 1, 1, |args| match args.get(0) {
        None | Some(Value::Null) => null(),
        Some(Value::String(text)) => int(text.len()),
        Some(Value::Binary(bytes)) => int(bytes.len()),
        Some(other) => args.fail(format!("needs a string or binary data, not {}", other.type_name())),
    }),
    list("$bsonSize", 1, 1, |args| match args.get(0) {
        None | Some(Value::Null) => null(),
        Some(object @ Value::Object(_)) => int(bson(object)),
        Some(other) => args.fail(format!("needs an object, not {}", other.type_name())),
    }),
];

/// Bytes of a value in BSON, without its type and name. Recursion is bounded by the depth of the value.
fn bson(value: &Value) -> usize {
    // A document is its length, its elements (type, name, NUL, value) and a NUL.
    let element = |name: usize, value: &Value| 2 + name + bson(value);
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) => 4,
        Value::Double(_) | Value::Long(_) | Value::Date(_) => 8,
        Value::ObjectId(_) => 12,
        Value::String(text) => 5 + text.len(),
        Value::Binary(bytes) => 5 + bytes.len(),
        Value::Object(fields) => {
            5 + fields.iter().map(|(key, value)| element(key.len(), value)).sum::<usize>()
        }
        Value::Array(items) => {
            let digits = |n: usize| n.checked_ilog10().unwrap_or(0) as usize + 1;
            5 + items.iter().enumerate().map(|(n, item)| element(digits(n), item)).sum::<usize>()
        }
    }
}
