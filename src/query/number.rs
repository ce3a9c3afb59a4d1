//! Numbers of any type.

use crate::document::Value;

/// The nearest float64 of a number.
pub(super) fn as_double(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(f64::from(*value)),
        Value::Double(value) => Some(*value),
        Value::Long(value) => Some(*value as f64),
        _ => None,
    }
}

/// The first float64 past int64.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;

/// The integer, if the number is one within int64.
pub(super) fn as_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(value) => Some(i64::from(*value)),
        Value::Long(value) => Some(*value),
        Value::Double(value) if value.fract() == 0.0 && value.abs() < TWO_63 => Some(*value as i64),
        _ => None,
    }
}
