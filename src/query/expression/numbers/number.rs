//! Numbers of expressions, in the forms of the stored values: int and double are JavaScript's number, long is a BigInt.

use crate::document::Value;

/// A number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::query) enum Num {
    Int(i32),
    Long(i64),
    Double(f64),
}

impl Num {
    pub(in crate::query) fn of(value: &Value) -> Option<Num> {
        match value {
            Value::Int(value) => Some(Num::Int(*value)),
            Value::Long(value) => Some(Num::Long(*value)),
            Value::Double(value) => Some(Num::Double(*value)),
            _ => None,
        }
    }

    /// The value, in its canonical form.
    pub(in crate::query) fn value(self) -> Value {
        match self {
            Num::Int(value) => Value::Int(value),
            Num::Long(value) => Value::Long(value),
            Num::Double(value) => Value::number(value),
        }
    }

    pub(in crate::query) fn as_f64(self) -> f64 {
        match self {
            Num::Int(value) => f64::from(value),
            Num::Long(value) => value as f64,
            Num::Double(value) => value,
        }
    }

    /// An integer of either kind.
    pub(in crate::query) fn as_whole(self) -> Option<i64> {
        match self {
            Num::Int(value) => Some(i64::from(value)),
            Num::Long(value) => Some(value),
            Num::Double(_) => None,
        }
    }

    pub(in crate::query) fn is_long(self) -> bool {
        matches!(self, Num::Long(_))
    }
}

/// The result of integers: a BigInt if an operand was one, else a number; a double beyond int64.
pub(in crate::query) fn whole(result: i128, long: bool) -> Value {
    match i64::try_from(result) {
        Ok(result) if long => Value::Long(result),
        _ => Value::number(result as f64),
    }
}
