//! Numbers and equality as schemas define them.

use std::collections::HashMap;

use crate::document::order::compare_nodes;
use crate::document::{Node, NodeKind};

/// Fields from which on an index of them is built.
const WIDE: usize = 16;

/// Whether the value is the divisor times an integer. Doubles are taken as their decimal text, so that 4.35 is a
/// multiple of 0.01.
pub(super) fn is_multiple(value: NodeKind<'_>, divisor: NodeKind<'_>) -> bool {
    let (Some((value, low)), Some((divisor, other))) = (decimal(value), decimal(divisor)) else {
        return false;
    };
    if divisor == 0 {
        return false;
    }
    if low >= other {
        // The value is scaled to the power of ten of the divisor modulo the divisor.
        return (other..low).fold(value % divisor, |rest, _| rest * 10 % divisor) == 0;
    }
    let unit = 10_i128.checked_pow(low.abs_diff(other)).and_then(|unit| divisor.checked_mul(unit));
    // A divisor beyond all digits divides only 0.
    unit.map_or(value == 0, |unit| value % unit == 0)
}

/// Digits and a power of ten; `None` for a value that is not a finite number.
fn decimal(seen: NodeKind<'_>) -> Option<(i128, i32)> {
    match seen {
        NodeKind::Int(value) => Some((i128::from(value), 0)),
        NodeKind::Long(value) => Some((i128::from(value), 0)),
        NodeKind::Double(value) if value.is_finite() => {
            let text = format!("{value:e}");
            let (digits, exponent) = text.split_once('e')?;
            let (front, back) = digits.split_once('.').unwrap_or((digits, ""));
            let digits = format!("{front}{back}").parse().ok()?;
            Some((digits, exponent.parse::<i32>().ok()? - i32::try_from(back.len()).ok()?))
        }
        _ => None,
    }
}

/// Equality of values in which the order of an object's fields does not count.
pub(super) fn same<'a, 'b>(a: impl Node<'a>, b: impl Node<'b>) -> bool {
    match (a.seen(), b.seen()) {
        (NodeKind::Object(()), NodeKind::Object(())) => {
            let count = a.fields().count();
            if count != b.fields().count() {
                return false;
            }
            if count < WIDE {
                return a.fields().all(|(key, value)| b.field(key).is_some_and(|other| same(value, other)));
            }
            let others: HashMap<&str, _> = b.fields().collect();
            a.fields().all(|(key, value)| others.get(key).is_some_and(|other| same(value, *other)))
        }
        (NodeKind::Array(()), NodeKind::Array(())) => {
            a.items().count() == b.items().count() && a.items().zip(b.items()).all(|(a, b)| same(a, b))
        }
        _ => compare_nodes(a, b).is_eq(),
    }
}
