//! `$mod`: the remainder of a division.

use crate::document::{Node, NodeKind};
use crate::error::Result;
use crate::query::refusal::bad_query;

/// `$mod`: the remainder that division by the divisor leaves.
#[derive(Clone, Copy, Debug)]
pub(in crate::query) struct Remainder {
    divisor: i64,
    remainder: i64,
}

impl Remainder {
    pub(in crate::query) fn parse<'a>(name: &str, operand: impl Node<'a>) -> Result<Remainder> {
        let mut items = operand.items();
        let (divisor, remainder, more) = (items.next(), items.next(), items.next());
        let whole = |item: Option<_>| item.and_then(|item| truncated(Node::seen(item)));
        match (whole(divisor), whole(remainder), more) {
            (Some(0), ..) => Err(bad_query(name, format!("the divisor of $mod at '{name}' must not be 0"))),
            (Some(divisor), Some(remainder), None) => Ok(Remainder { divisor, remainder }),
            _ => Err(bad_query(
                name,
                format!("$mod at '{name}' needs an array of two numbers, divisor and remainder"),
            )),
        }
    }

    #[inline]
    pub(in crate::query) fn is_of(self, seen: NodeKind<'_>) -> bool {
        truncated(seen).is_some_and(|value| value.wrapping_rem(self.divisor) == self.remainder)
    }
}

/// The integer part of a number, where int64 holds it.
fn truncated(seen: NodeKind<'_>) -> Option<i64> {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    match seen {
        NodeKind::Int(value) => Some(i64::from(value)),
        NodeKind::Long(value) => Some(value),
        NodeKind::Double(value) if (-TWO_63..TWO_63).contains(&value) => Some(value as i64),
        _ => None,
    }
}
