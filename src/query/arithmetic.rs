//! Sums of stored numbers, in the one form each number has.

use crate::document::Value;

/// Why two values have no sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsummable {
    /// One is no number.
    NotNumeric,
    /// A BigInt would leave int64.
    Overflow,
}

/// The sum. Numbers past int32 become float64; a BigInt stays one beside integers and becomes a number beside
/// a float64, as MongoDB's long does.
pub(super) fn add(a: &Value, b: &Value) -> Result<Value, Unsummable> {
    let long = |a: i64, b: i64| a.checked_add(b).map(Value::Long).ok_or(Unsummable::Overflow);
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Ok(Value::number(f64::from(*a) + f64::from(*b))),
        (Value::Long(a), Value::Long(b)) => long(*a, *b),
        (Value::Long(a), Value::Int(b)) | (Value::Int(b), Value::Long(a)) => long(*a, i64::from(*b)),
        (a, b) => match (as_double(a), as_double(b)) {
            (Some(a), Some(b)) => Ok(Value::number(a + b)),
            _ => Err(Unsummable::NotNumeric),
        },
    }
}

/// The nearest float64 of a number.
pub(super) fn as_double(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(f64::from(*value)),
        Value::Double(value) => Some(*value),
        Value::Long(value) => Some(*value as f64),
        _ => None,
    }
}

/// An integer given as any number.
pub(super) fn as_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(value) => Some(i64::from(*value)),
        Value::Long(value) => Some(*value),
        Value::Double(value) if value.fract() == 0.0 && value.abs() < 9e15 => Some(*value as i64),
        _ => None,
    }
}
