//! `$inc`, `$mul` and `$bit` on stored numbers, with results in their canonical form.
//!
//! Numbers beyond int32 become float64. A BigInt with an integer gives a BigInt, with a float64 a number, like
//! MongoDB's long.

use crate::document::{Node, Value};
use crate::error::{Result, codes};
use crate::query::number::as_double;
use crate::query::refusal::bad_update;

/// The reason why a calculation has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::query) enum Unfit {
    /// The value of the document has the wrong type; the type that is needed.
    Type(&'static str),
    /// A BigInt would overflow int64.
    Overflow,
}

/// A calculation with the value of the document.
#[derive(Clone, Debug)]
pub(in crate::query) enum Arithmetic {
    Inc(Value),
    Mul(Value),
    Bit(Vec<(Bit, Value)>),
}

#[derive(Clone, Copy, Debug)]
pub(in crate::query) enum Bit {
    And,
    Or,
    Xor,
}

impl Arithmetic {
    /// Reads the operand of one of these operators; `None` for another one.
    pub(in crate::query) fn parse<'a>(
        operator: &str,
        name: &str,
        operand: impl Node<'a>,
    ) -> Result<Option<Arithmetic>> {
        let number = || {
            let amount = operand.tree();
            if as_double(&amount).is_some() {
                return Ok(amount);
            }
            let found = amount.type_name();
            let message = format!("{operator} at '{name}' needs a number, not a value of type {found}");
            Err(bad_update(name, message).with_code(codes::TYPE_MISMATCH))
        };
        Ok(Some(match operator {
            "$inc" => Arithmetic::Inc(number()?),
            "$mul" => Arithmetic::Mul(number()?),
            "$bit" => Arithmetic::Bit(parse_bits(name, operand)?),
            _ => return Ok(None),
        }))
    }

    /// The operator, for messages.
    pub(in crate::query) fn operator(&self) -> &'static str {
        match self {
            Arithmetic::Inc(_) => "$inc",
            Arithmetic::Mul(_) => "$mul",
            Arithmetic::Bit(_) => "$bit",
        }
    }

    /// The new value.
    pub(in crate::query) fn of(&self, old: &Value) -> Result<Value, Unfit> {
        match self {
            Arithmetic::Inc(amount) => add(old, amount),
            Arithmetic::Mul(factor) => multiply(old, factor),
            Arithmetic::Bit(bits) => {
                bits.iter().try_fold(old.clone(), |value, (bit, mask)| bit.of(&value, mask))
            }
        }
    }

    /// The value of a field that was missing.
    pub(in crate::query) fn of_missing(&self) -> Result<Value, Unfit> {
        match self {
            Arithmetic::Inc(amount) => Ok(amount.clone()),
            Arithmetic::Mul(Value::Long(_)) => Ok(Value::Long(0)),
            Arithmetic::Mul(_) => Ok(Value::Int(0)),
            Arithmetic::Bit(_) => self.of(&Value::Int(0)),
        }
    }
}

fn parse_bits<'a>(name: &str, operand: impl Node<'a>) -> Result<Vec<(Bit, Value)>> {
    let mut bits = Vec::new();
    for (key, mask) in operand.fields() {
        let bit = match key {
            "and" => Bit::And,
            "or" => Bit::Or,
            "xor" => Bit::Xor,
            _ => {
                return Err(bad_update(
                    name,
                    format!("$bit at '{name}' knows and, or, xor, but not '{key}'"),
                ));
            }
        };
        let mask = mask.tree();
        if !matches!(mask, Value::Int(_) | Value::Long(_)) {
            return Err(bad_update(name, format!("$bit at '{name}' needs an int32 or a BigInt in '{key}'")));
        }
        bits.push((bit, mask));
    }
    if bits.is_empty() {
        return Err(bad_update(name, format!("$bit at '{name}' needs an object with and, or, or xor")));
    }
    Ok(bits)
}

impl Bit {
    fn of(self, value: &Value, mask: &Value) -> Result<Value, Unfit> {
        let apply = |a: i64, b: i64| match self {
            Bit::And => a & b,
            Bit::Or => a | b,
            Bit::Xor => a ^ b,
        };
        let whole = |value: &Value| match value {
            Value::Int(value) => Some(i64::from(*value)),
            Value::Long(value) => Some(*value),
            _ => None,
        };
        match (value, mask) {
            // Sign extension commutes with the operators, so the result is an int32 again.
            (Value::Int(a), Value::Int(b)) => Ok(Value::number(apply(i64::from(*a), i64::from(*b)) as f64)),
            _ => match (whole(value), whole(mask)) {
                (Some(a), Some(b)) => Ok(Value::Long(apply(a, b))),
                _ => Err(Unfit::Type("an int32 or a BigInt")),
            },
        }
    }
}

/// The sum.
pub(in crate::query) fn add(a: &Value, b: &Value) -> Result<Value, Unfit> {
    combine(a, b, |a, b| a + b, i64::checked_add)
}

/// The product.
pub(in crate::query) fn multiply(a: &Value, b: &Value) -> Result<Value, Unfit> {
    combine(a, b, |a, b| a * b, i64::checked_mul)
}

fn combine(
    a: &Value,
    b: &Value,
    doubles: impl Fn(f64, f64) -> f64,
    longs: impl Fn(i64, i64) -> Option<i64>,
) -> Result<Value, Unfit> {
    let long = |a: i64, b: i64| longs(a, b).map(Value::Long).ok_or(Unfit::Overflow);
    match (a, b) {
        // Integers never give -0, and int64 holds every result of two int32.
        (Value::Int(a), Value::Int(b)) => longs(i64::from(*a), i64::from(*b))
            .map(|value| Value::number(value as f64))
            .ok_or(Unfit::Overflow),
        (Value::Long(a), Value::Long(b)) => long(*a, *b),
        (Value::Long(a), Value::Int(b)) | (Value::Int(b), Value::Long(a)) => long(*a, i64::from(*b)),
        (a, b) => match (as_double(a), as_double(b)) {
            (Some(a), Some(b)) => Ok(Value::number(doubles(a, b))),
            _ => Err(Unfit::Type("a number")),
        },
    }
}
