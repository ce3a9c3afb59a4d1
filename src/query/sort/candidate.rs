//! The values that a document may sort by, and the best of them.

use std::cmp::Ordering;

use super::direction::Direction;
use super::key::Standing;
use crate::document::order::{compare_nodes, compare_values};
use crate::document::path::Part;
use crate::document::{Collation, Node, NodeKind, RawKind, RawValue, Value};

/// A candidate for the value that a document sorts by.
#[derive(Clone, Copy)]
pub(super) enum Candidate<'a> {
    EmptyArray,
    Missing,
    Value(RawValue<'a>),
}

impl<'a> Candidate<'a> {
    pub(super) fn cmp(&self, other: &Candidate<'a>, collation: &Collation) -> Ordering {
        match (self, other) {
            (Candidate::Value(a), Candidate::Value(b)) => collation.compare(*a, *b),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// The order of empty arrays, missing values and null, before all other values.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Candidate::EmptyArray => 0,
            Candidate::Missing => 1,
            Candidate::Value(value) if matches!(value.seen(), NodeKind::Null) => 1,
            Candidate::Value(_) => 2,
        }
    }

    /// The order of its value and another key's.
    pub(super) fn cmp_standing(&self, other: &Standing) -> Ordering {
        match (self, other) {
            (Candidate::EmptyArray, Standing::EmptyArray) => Ordering::Equal,
            (Candidate::EmptyArray, Standing::Value(_)) => Ordering::Less,
            (_, Standing::EmptyArray) => Ordering::Greater,
            (Candidate::Missing, Standing::Value(other)) => compare_values(&Value::Null, other),
            (Candidate::Value(value), Standing::Value(other)) => compare_nodes(*value, other),
        }
    }

    /// The same with sort keys in place of strings.
    pub(super) fn keyed(self, collation: &Collation) -> Standing {
        match self {
            Candidate::Value(value) => Standing::Value(collation.keyed(value)),
            other => other.into_standing(),
        }
    }

    pub(super) fn into_standing(self) -> Standing {
        match self {
            Candidate::EmptyArray => Standing::EmptyArray,
            Candidate::Missing => Standing::Value(Value::Null),
            Candidate::Value(value) => Standing::Value(value.to_value()),
        }
    }
}

/// The value that a document sorts by; `met` becomes true if there is an array on the path.
pub(super) fn best<'a>(
    value: Option<RawValue<'a>>,
    parts: &[Part],
    (direction, collation): (Direction, &Collation),
    met: &mut bool,
) -> Candidate<'a> {
    // The most common case: a missing field, or one that is no array.
    match (value, parts) {
        (None, _) => return Candidate::Missing,
        (Some(value), []) if !matches!(value.kind(), RawKind::Array(_)) => return Candidate::Value(value),
        _ => {}
    }
    let mut best: Option<Candidate<'a>> = None;
    candidates(value, parts, met, &mut |candidate| {
        let better = match &best {
            None => true,
            Some(best) => direction.apply(candidate.cmp(best, collation)).is_lt(),
        };
        if better {
            best = Some(candidate);
        }
    });
    best.unwrap_or(Candidate::Missing)
}

/// Sorts traverse as index keys do, unlike filters: a number names an index of an array if it has one, and elements
/// that are not objects count as missing.
fn candidates<'a>(
    value: Option<RawValue<'a>>,
    parts: &[Part],
    met: &mut bool,
    found: &mut impl FnMut(Candidate<'a>),
) {
    let Some(value) = value else { return found(Candidate::Missing) };
    let Some((first, rest)) = parts.split_first() else {
        return match value.kind() {
            RawKind::Array(array) => {
                *met = true;
                if array.is_empty() {
                    return found(Candidate::EmptyArray);
                }
                array.iter().for_each(|item| found(Candidate::Value(item)));
            }
            _ => found(Candidate::Value(value)),
        };
    };
    match value.kind() {
        RawKind::Object(object) => candidates(object.get(&first.name), rest, met, found),
        RawKind::Array(array) => {
            *met = true;
            if array.is_empty() {
                return found(Candidate::Missing);
            }
            match first.index.and_then(|n| array.get(n)) {
                Some(item) => candidates(Some(item), rest, met, found),
                None => {
                    for item in array.iter() {
                        candidates(item.get(&first.name), rest, met, found);
                    }
                }
            }
        }
        _ => found(Candidate::Missing),
    }
}

/// Whether two of the paths reach different arrays first; if they reach the same one, its elements decide. Recursion
/// is bounded by the depth of the document.
pub(super) fn parallel<'p>(value: RawValue<'_>, paths: &[&'p [Part]]) -> bool {
    let mut shared: Option<RawValue<'_>> = None;
    let mut below: Vec<&'p [Part]> = Vec::new();
    for path in paths {
        let (mut at, mut rest) = (value, *path);
        let array = loop {
            match (at.kind(), rest.split_first()) {
                (RawKind::Array(_), _) => break Some(at),
                (RawKind::Object(object), Some((first, after))) => match object.get(&first.name) {
                    Some(next) => (at, rest) = (next, after),
                    None => break None,
                },
                _ => break None,
            }
        };
        match (array, shared) {
            (None, _) => continue,
            (Some(array), None) => shared = Some(array),
            // The same array has the same address.
            (Some(array), Some(other)) if std::ptr::eq(array.bytes(), other.bytes()) => {}
            (Some(_), Some(_)) => return true,
        }
        below.push(rest);
    }
    let Some(array) = shared.filter(|_| below.len() > 1) else { return false };
    array.items().enumerate().any(|(n, item)| {
        // A number names one element and is consumed by it.
        let step = |path: &&'p [Part]| {
            let (first, rest) = path.split_first()?;
            match first.index {
                Some(index) => (index == n).then_some(rest),
                None => Some(*path),
            }
        };
        let paths: Vec<&[Part]> = below.iter().filter_map(step).collect();
        paths.len() > 1 && parallel(item, &paths)
    })
}
