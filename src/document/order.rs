//! The total order of values, which is MongoDB's: null < numbers < strings < objects < arrays < binary < ObjectId <
//! booleans < dates. Sorts, filters and index keys follow it.
//!
//! - Numbers compare by value whatever their type, exactly (no rounding of a long to a double); NaN is the
//!   smallest and equals itself, -0 equals 0.
//! - Strings compare by bytes of UTF-8, which is by code point; under a collation by that.
//! - Objects compare field by field, each by class of the value, then key, then value; arrays element by
//!   element; the one that ends first is smaller.
//! - Binary compares by length, then bytes.

use std::cmp::Ordering;

use super::MAX_DEPTH;
use super::kind::NodeKind;
use super::node::Node;
use super::value::Value;
use crate::document::encoding::raw::RawValue;

/// The order of two encoded values.
#[inline]
pub fn compare(a: RawValue<'_>, b: RawValue<'_>) -> Ordering {
    compare_nodes(a, b)
}

/// The same order on trees.
pub fn compare_values(a: &Value, b: &Value) -> Ordering {
    compare_nodes(a, b)
}

/// Whether two encoded values are equal in the order: 1 equals 1n, -0 equals 0, NaN equals NaN.
#[inline]
pub fn equal(a: RawValue<'_>, b: RawValue<'_>) -> bool {
    compare_nodes(a, b).is_eq()
}

/// The order of two values in any form.
pub fn compare_nodes<'a, 'b>(a: impl Node<'a>, b: impl Node<'b>) -> Ordering {
    compare_at(a, b, &Bytes, DEEPEST)
}

/// The order of strings, on which that of values rests.
pub(crate) trait TextOrder {
    /// The order of two strings.
    fn compare_text(&self, a: &[u8], b: &[u8]) -> Ordering;
}

/// By bytes of UTF-8.
struct Bytes;

impl TextOrder for Bytes {
    #[inline(always)]
    fn compare_text(&self, a: &[u8], b: &[u8]) -> Ordering {
        a.cmp(b)
    }
}

/// The order of two values whose strings have another order. Keys of objects compare by bytes.
pub(crate) fn compare_by<'a, 'b>(a: impl Node<'a>, b: impl Node<'b>, texts: &impl TextOrder) -> Ordering {
    compare_at(a, b, texts, DEEPEST)
}

/// Levels that are compared: more than any validated value has. Deeper values compare as equal, so that no bytes make
/// the comparison recurse without bound.
const DEEPEST: usize = 2 * MAX_DEPTH;

fn compare_at<'a, 'b>(a: impl Node<'a>, b: impl Node<'b>, texts: &impl TextOrder, levels: usize) -> Ordering {
    let (left, right) = (a.seen(), b.seen());
    match (left, right) {
        (NodeKind::Int(a), NodeKind::Int(b)) => a.cmp(&b),
        (NodeKind::String(a), NodeKind::String(b)) => texts.compare_text(a, b),
        (NodeKind::Object(()), NodeKind::Object(())) => compare_objects(a, b, texts, levels),
        (NodeKind::Array(()), NodeKind::Array(())) => compare_arrays(a, b, texts, levels),
        (NodeKind::Binary(a), NodeKind::Binary(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        (NodeKind::ObjectId(a), NodeKind::ObjectId(b)) => a.cmp(b),
        (NodeKind::Bool(a), NodeKind::Bool(b)) => a.cmp(&b),
        (NodeKind::Date(a), NodeKind::Date(b)) => a.cmp(&b),
        _ => left.class().cmp(&right.class()).then_with(|| compare_numbers(left, right)),
    }
}

fn compare_objects<'a, 'b>(
    a: impl Node<'a>,
    b: impl Node<'b>,
    texts: &impl TextOrder,
    levels: usize,
) -> Ordering {
    let Some(levels) = levels.checked_sub(1) else { return Ordering::Equal };
    let mut right = b.fields();
    for (key, value) in a.fields() {
        let Some((other_key, other)) = right.next() else { return Ordering::Greater };
        let order = value.seen().class().cmp(&other.seen().class());
        let order =
            order.then_with(|| key.cmp(other_key)).then_with(|| compare_at(value, other, texts, levels));
        if order.is_ne() {
            return order;
        }
    }
    if right.next().is_some() { Ordering::Less } else { Ordering::Equal }
}

fn compare_arrays<'a, 'b>(
    a: impl Node<'a>,
    b: impl Node<'b>,
    texts: &impl TextOrder,
    levels: usize,
) -> Ordering {
    let Some(levels) = levels.checked_sub(1) else { return Ordering::Equal };
    let mut right = b.items();
    for value in a.items() {
        let Some(other) = right.next() else { return Ordering::Greater };
        let order = compare_at(value, other, texts, levels);
        if order.is_ne() {
            return order;
        }
    }
    if right.next().is_some() { Ordering::Less } else { Ordering::Equal }
}

/// Two numbers by value. Only nulls reach this besides numbers, and they are equal.
fn compare_numbers(a: NodeKind<'_>, b: NodeKind<'_>) -> Ordering {
    match (a, b) {
        (NodeKind::Double(a), NodeKind::Double(b)) => compare_doubles(a, b),
        (NodeKind::Double(a), b) => compare_long_with_double(as_long(b), a).reverse(),
        (a, NodeKind::Double(b)) => compare_long_with_double(as_long(a), b),
        (a, b) => as_long(a).cmp(&as_long(b)),
    }
}

fn as_long(seen: NodeKind<'_>) -> i64 {
    match seen {
        NodeKind::Int(value) => i64::from(value),
        NodeKind::Long(value) => value,
        _ => 0,
    }
}

fn compare_doubles(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

fn compare_long_with_double(long: i64, double: f64) -> Ordering {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    if double.is_nan() || double < -TWO_63 {
        Ordering::Greater
    } else if double >= TWO_63 {
        Ordering::Less
    } else {
        // In range, truncation is exact; the fraction decides between equals.
        long.cmp(&(double.trunc() as i64)).then_with(|| compare_doubles(0.0, double.fract()))
    }
}
