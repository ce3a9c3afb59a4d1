//! Arrays as sets: order and repetition do not count.

use std::collections::HashSet;

use crate::document::Value;
use crate::error::Result;
use crate::query::expression::identity;
use crate::query::expression::logic::is_true;
use crate::query::expression::operator::{ANY, Args, Operator, Outcome, array, bool, list, null};
use crate::query::merge_sort;

/// The memory of an entry of a set besides its bytes.
const ENTRY: usize = 48;

pub(in crate::query::expression) const OPERATORS: &[Operator] = &[
    list("$allElementsTrue", 1, 1, |args| {
        args.step(args.array(0)?.len() / 4)?;
        bool(args.array(0)?.iter().all(|item| is_true(Some(item))))
    }),
    list("$anyElementTrue", 1, 1, |args| {
        args.step(args.array(0)?.len() / 4)?;
        bool(args.array(0)?.iter().any(|item| is_true(Some(item))))
    }),
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
    let items = args.array(index)?;
    let mut all = HashSet::new();
    for item in items {
        all.insert(key(args, item)?);
    }
    Ok(all)
}

/// The bytes that identify an element; their memory is counted.
fn key(args: &Args<'_>, item: &Value) -> Result<Vec<u8>> {
    let key = identity::of_under(item, args.collation());
    args.step(1 + key.len() / 64)?;
    args.hold(key.len() + ENTRY)?;
    Ok(key)
}

/// Keeps the elements that pass, by their bytes.
fn keep(args: &Args<'_>, items: Vec<Value>, mut passes: impl FnMut(Vec<u8>) -> bool) -> Result<Vec<Value>> {
    let mut kept = Vec::new();
    for item in items {
        if passes(key(args, &item)?) {
            kept.push(item);
        }
    }
    Ok(kept)
}

/// A set as an array, sorted, so that the result is deterministic.
fn sorted(args: &Args<'_>, items: Vec<Value>) -> Outcome {
    let mut items = merge_sort::sort_by(items, args.work(), |a, b| args.collation().compare(a, b))?;
    items.dedup_by(|a, b| args.collation().equal(&*a, &*b));
    array(items)
}

fn difference(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let mut seen = set(args, 1)?;
    let items = args.take_array(0)?;
    array(keep(args, items, |key| seen.insert(key))?)
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
        items = keep(args, items, |key| other.contains(&key))?;
    }
    sorted(args, items)
}

fn union(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let mut items = Vec::new();
    for index in 0..args.len() {
        let more = args.take_array(index)?;
        args.step(1 + more.len() / 16)?;
        args.hold(more.len() * size_of::<Value>())?;
        items.extend(more);
    }
    sorted(args, items)
}
