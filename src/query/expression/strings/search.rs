//! Finding and replacing in strings.

use memchr::memmem;

use crate::document::{MAX_DOCUMENT, Value};
use crate::error::{Result, codes};
use crate::query::expression::operator::{Args, Operator, Outcome, list, named, null, text};

/// Bytes that a search reads per step.
pub(in crate::query) const BYTES_A_STEP: usize = 128;

pub(in crate::query::expression) const OPERATORS: &[Operator] = &[
    list("$indexOfBytes", 2, 4, |args| index_of(args, Unit::Bytes)),
    list("$indexOfCP", 2, 4, |args| index_of(args, Unit::Points)),
    named("$replaceAll", &["input", "find", "replacement"], 3, |args| replace(args, usize::MAX)),
    named("$replaceOne", &["input", "find", "replacement"], 3, |args| replace(args, 1)),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Bytes,
    Points,
}

impl Unit {
    /// The byte offset of a position in this unit; the end for positions beyond it.
    fn offset(self, text: &str, place: usize) -> usize {
        match self {
            Unit::Bytes => place.min(text.len()),
            Unit::Points => text.char_indices().nth(place).map_or(text.len(), |(offset, _)| offset),
        }
    }

    fn count(self, text: &str) -> usize {
        match self {
            Unit::Bytes => text.len(),
            Unit::Points => text.chars().count(),
        }
    }
}

fn index_of(args: &mut Args<'_>, unit: Unit) -> Outcome {
    if args.nullish(0) {
        return null();
    }
    let (whole, wanted) = (args.text(0)?, args.text(1)?);
    let bound = |index: usize| -> Result<Option<usize>> {
        if !args.is_given(index) {
            return Ok(None);
        }
        match usize::try_from(args.integer(index)?) {
            Ok(bound) => Ok(Some(bound)),
            Err(_) => args.fail("needs bounds that are not negative"),
        }
    };
    args.step(1 + (whole.len() + wanted.len()) / BYTES_A_STEP)?;
    let none = Ok(Some(Value::Int(-1)));
    let (first, last) = (bound(2)?.unwrap_or(0), bound(3)?);
    if first > unit.count(whole) {
        return none;
    }
    let start = unit.offset(whole, first);
    let end = last.map_or(whole.len(), |last| unit.offset(whole, last));
    let window = whole.as_bytes().get(start..end).unwrap_or_default();
    let found =
        if wanted.is_empty() && start <= end { Some(0) } else { memmem::find(window, wanted.as_bytes()) };
    match found.and_then(|at| whole.get(..start + at)) {
        Some(before) => Ok(Some(Value::number(unit.count(before) as f64))),
        None => none,
    }
}

fn replace(args: &mut Args<'_>, most: usize) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    for index in 0..3 {
        if args.get(index).is_none() {
            return null();
        }
    }
    let (input, find, replacement) = (args.text(0)?, args.text(1)?, args.text(2)?);
    args.step(1 + (input.len() + find.len()) / BYTES_A_STEP)?;
    let count = if find.is_empty() { input.chars().count() + 1 } else { input.matches(find).count() };
    if input.len().saturating_add(count.min(most).saturating_mul(replacement.len())) > MAX_DOCUMENT {
        let message = format!("would make a string of more than {MAX_DOCUMENT} bytes");
        return args.fail_as(codes::BSON_OBJECT_TOO_LARGE, message);
    }
    text(input.replacen(find, replacement, count.min(most)))
}
