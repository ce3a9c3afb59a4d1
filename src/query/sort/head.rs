//! Heads of keys: 64 bits that decide most comparisons.

use super::candidate::Candidate;
use super::direction::Direction;
use super::key::Standing;
use crate::document::{Node, NodeKind};

/// The head of a candidate in this direction.
pub(super) fn of(direction: Direction, candidate: Candidate<'_>) -> u64 {
    match direction {
        Direction::Ascending => head(candidate),
        Direction::Descending => !head(candidate),
    }
}

/// The head of a standing.
pub(super) fn of_standing(direction: Direction, standing: &Standing) -> u64 {
    let head = match standing {
        Standing::EmptyArray => 0,
        Standing::Value(value) => of_value(value.seen()),
    };
    match direction {
        Direction::Ascending => head,
        Direction::Descending => !head,
    }
}

/// A number that never contradicts the order: the class, and as many bits of the value as fit. Sorting compares heads
/// first, which avoids most comparisons of values.
fn head(candidate: Candidate<'_>) -> u64 {
    match candidate {
        Candidate::EmptyArray => 0,
        Candidate::Missing => 1 << 56,
        Candidate::Value(value) => of_value(value.seen()),
    }
}

#[inline]
fn of_value(seen: NodeKind<'_>) -> u64 {
    const SIGN: u64 = 1 << 63;
    let number = |number: f64| {
        // NaN is the smallest, and -0 is 0.
        let bits = if number == 0.0 { 0 } else { number.to_bits() };
        match (number.is_nan(), bits & SIGN) {
            (true, _) => 0,
            (false, 0) => bits | SIGN,
            (false, _) => !bits,
        }
    };
    let bits = match seen {
        NodeKind::Int(value) => number(f64::from(value)),
        // Rounding keeps the order.
        NodeKind::Long(value) => number(value as f64),
        NodeKind::Double(value) => number(value),
        NodeKind::String(text) => first_bytes(text),
        NodeKind::ObjectId(id) => first_bytes(id),
        NodeKind::Bool(value) => u64::from(value) << 63,
        NodeKind::Date(millis) => millis as u64 ^ SIGN,
        NodeKind::Null | NodeKind::Object(()) | NodeKind::Array(()) | NodeKind::Binary(_) => 0,
    };
    // Classes are in the order of values; missing values and empty arrays sort before them.
    (seen.class() as u64 + 1) << 56 | bits >> 8
}

fn first_bytes(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(bytes) {
        *to = *from;
    }
    u64::from_be_bytes(first)
}
