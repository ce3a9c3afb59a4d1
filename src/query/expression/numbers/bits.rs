//! Bits of integers.

use super::number::Num;
use crate::document::Value;
use crate::error::Result;
use crate::query::expression::operator::{ANY, Args, Operator, Outcome, list, null};

pub(in crate::query::expression) const OPERATORS: &[Operator] = &[
    list("$bitAnd", 0, ANY, |args| fold(args, -1, |a, b| a & b)),
    list("$bitNot", 1, 1, not),
    list("$bitOr", 0, ANY, |args| fold(args, 0, |a, b| a | b)),
    list("$bitXor", 0, ANY, |args| fold(args, 0, |a, b| a ^ b)),
];

/// An integer, and whether it is a BigInt.
fn integer(args: &Args<'_>, index: usize) -> Result<(i64, bool)> {
    match args.number(index)? {
        Num::Int(value) => Ok((i64::from(value), false)),
        Num::Long(value) => Ok((value, true)),
        Num::Double(value) => args.fail(format!("needs int32 numbers or BigInts, not {value}")),
    }
}

/// Sign extension commutes with the operators, so int32 gives int32.
fn made(value: i64, long: bool) -> Outcome {
    Ok(Some(if long { Value::Long(value) } else { Value::number(value as f64) }))
}

fn fold(args: &mut Args<'_>, start: i64, apply: fn(i64, i64) -> i64) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let (mut all, mut long) = (start, false);
    for index in 0..args.len() {
        let (value, is_long) = integer(args, index)?;
        all = apply(all, value);
        long |= is_long;
    }
    made(all, long)
}

fn not(args: &mut Args<'_>) -> Outcome {
    if args.nullish(0) {
        return null();
    }
    let (value, long) = integer(args, 0)?;
    made(!value, long)
}
