//! Arrays as sets: order and repetition do not count.

use std::collections::HashSet;

use super::arrays::array;
use super::identity;
use super::logic::{bool, is_true};
use super::operator::{ANY, Args, Operator, list, null};
use super::tree::Outcome;
use crate::document::Value;
use crate::document::order::compare_values;
use crate::error::Result;

pub(super) const OPERATORS: &[Operator] = &[
    list("$allElementsTrue", 1, 1, |args| bool(args.array(0)?.iter().all(|item| is_true(Some(item))))),
    list("$anyElementTrue", 1, 1, |args| bool(args.array(0)?.iter().any(|item| is_true(Some(item))))),
    list("$setDifference", 2, 2, difference),
    list("$setEquals", 2, ANY, equals),
    list("$setIntersection", 0, ANY, intersection),
    list("$setIsSubset", 2, 2, |args| {
        let whole = set(args, 1)?;
        bool(set(args, 0)?.is_subset(&whole))
    }),
    list("$setUnion", 0, ANY, union),
];

fn set(args: &Args<'_>, index: usize) -> Result<HashSet<Vec<u8>>> {
    Ok(args.array(index)?.iter().map(identity::of).collect())
}

/// A set as an array: sorted, so that the answer does not depend on chance.
fn sorted(mut items: Vec<Value>) -> Outcome {
    items.sort_by(compare_values);
    items.dedup_by(|a, b| compare_values(a, b).is_eq());
    array(items)
}

fn difference(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let mut seen = set(args, 1)?;
    let mut items = args.take_array(0)?;
    items.retain(|item| seen.insert(identity::of(item)));
    array(items)
}

fn equals(args: &mut Args<'_>) -> Outcome {
    let first = set(args, 0)?;
    for index in 1..args.len() {
        if set(args, index)? != first {
            return bool(false);
        }
    }
    bool(true)
}

fn intersection(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    if args.len() == 0 {
        return array(Vec::new());
    }
    let mut items = args.take_array(0)?;
    for index in 1..args.len() {
        let other = set(args, index)?;
        items.retain(|item| other.contains(&identity::of(item)));
    }
    sorted(items)
}

fn union(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let mut items = Vec::new();
    for index in 0..args.len() {
        items.extend(args.take_array(index)?);
    }
    sorted(items)
}
