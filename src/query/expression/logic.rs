//! Booleans and comparison.

use std::cmp::Ordering;

use super::operator::{Args, Operator, bool, list};
use crate::document::Value;

pub(super) const OPERATORS: &[Operator] = &[
    list("$cmp", 2, 2, |args| Ok(Some(Value::Int(order(args) as i32)))),
    list("$eq", 2, 2, |args| bool(order(args).is_eq())),
    list("$gt", 2, 2, |args| bool(order(args).is_gt())),
    list("$gte", 2, 2, |args| bool(order(args).is_ge())),
    list("$lt", 2, 2, |args| bool(order(args).is_lt())),
    list("$lte", 2, 2, |args| bool(order(args).is_le())),
    list("$ne", 2, 2, |args| bool(order(args).is_ne())),
    list("$not", 1, 1, |args| bool(!is_true(args.get(0)))),
];

fn order(args: &mut Args<'_>) -> Ordering {
    args.collation().compare_present(args.get(0), args.get(1))
}

/// All but missing, null, false and zero.
pub(in crate::query) fn is_true(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false) | Value::Int(0) | Value::Long(0)) => false,
        Some(Value::Double(value)) => *value != 0.0,
        Some(_) => true,
    }
}
