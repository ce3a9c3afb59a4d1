//! Arrays.

use crate::document::Value;
use crate::error::codes;
use crate::query::expression::operator::{
    ANY, Args, Operator, Outcome, Shape, array, bool, int, list, named, null,
};

pub(in crate::query::expression) const OPERATORS: &[Operator] = &[
    list("$arrayElemAt", 2, 2, element),
    list("$concatArrays", 0, ANY, concat),
    list("$first", 1, 1, |args| end_of(args, |items| items.first())),
    list("$in", 2, 2, contains),
    list("$indexOfArray", 2, 4, index_of),
    list("$isArray", 1, 1, |args| bool(matches!(args.get(0), Some(Value::Array(_))))),
    list("$last", 1, 1, |args| end_of(args, |items| items.last())),
    list("$range", 2, 3, range),
    list("$reverseArray", 1, 1, reverse),
    list("$size", 1, 1, |args| int(args.array(0)?.len())),
    list("$slice", 2, 3, slice),
    Operator { name: "$zip", shape: Shape::Named(&["inputs", "useLongestLength", "defaults"], 1), run: zip },
    named("$firstN", &["input", "n"], 2, first_n),
    named("$lastN", &["input", "n"], 2, last_n),
];

/// Elements whose memory is counted at once.
const BLOCK: usize = 1_024;

/// Elements that an operator may create; more would take hundreds of megabytes.
pub(in crate::query) const MOST_ELEMENTS: usize = 4_000_000;

/// The position that an index names, counted from the end if negative.
fn place(index: i64, len: usize) -> Option<usize> {
    let from_end = i64::try_from(len).ok()?.checked_add(index)?;
    usize::try_from(if index < 0 { from_end } else { index }).ok()
}

fn element(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let index = args.integer(1)?;
    let items = args.array(0)?;
    Ok(place(index, items.len()).and_then(|place| items.get(place)).cloned())
}

fn end_of(args: &mut Args<'_>, pick: fn(&[Value]) -> Option<&Value>) -> Outcome {
    if args.nullish(0) {
        return null();
    }
    Ok(pick(args.array(0)?).cloned())
}

fn concat(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let mut all = Vec::new();
    for index in 0..args.len() {
        let items = args.take_array(index)?;
        args.step(1 + items.len() / 16)?;
        args.hold(items.len() * size_of::<Value>())?;
        all.extend(items);
        if all.len() > MOST_ELEMENTS {
            return args
                .fail_as(codes::EXCEEDED_MEMORY_LIMIT, format!("makes more than {MOST_ELEMENTS} elements"));
        }
    }
    array(all)
}

fn contains(args: &mut Args<'_>) -> Outcome {
    let items = args.array(1)?;
    args.step(items.len())?;
    let wanted = args.get(0);
    bool(items.iter().any(|item| wanted.is_some_and(|wanted| args.collation().equal(item, wanted))))
}

fn index_of(args: &mut Args<'_>) -> Outcome {
    if args.nullish(0) {
        return null();
    }
    let items = args.array(0)?;
    let bound = |index: usize, other: usize| {
        if !args.is_given(index) {
            return Ok(other);
        }
        match usize::try_from(args.integer(index)?) {
            Ok(bound) => Ok(bound),
            Err(_) => args.fail("needs bounds that are not negative"),
        }
    };
    let (start, end) = (bound(2, 0)?, bound(3, items.len())?.min(items.len()));
    let wanted = args.get(1);
    args.step(items.len())?;
    let found = (start..end).find(|index| {
        matches!((items.get(*index), wanted), (Some(item), Some(wanted)) if args.collation().equal(item, wanted))
    });
    Ok(Some(found.map_or(Value::Int(-1), |index| Value::number(index as f64))))
}

fn range(args: &mut Args<'_>) -> Outcome {
    let (start, end) = (args.integer(0)?, args.integer(1)?);
    let step = if args.is_given(2) { args.integer(2)? } else { 1 };
    if step == 0 {
        return args.fail("needs a step other than 0");
    }
    let mut items = Vec::new();
    let mut at = start;
    while if step > 0 { at < end } else { at > end } {
        if items.len() == MOST_ELEMENTS {
            return args
                .fail_as(codes::EXCEEDED_MEMORY_LIMIT, format!("makes more than {MOST_ELEMENTS} elements"));
        }
        if items.len() % BLOCK == 0 {
            args.hold(BLOCK * size_of::<Value>())?;
        }
        items.push(Value::number(at as f64));
        at = at.saturating_add(step);
    }
    array(items)
}

fn reverse(args: &mut Args<'_>) -> Outcome {
    if args.nullish(0) {
        return null();
    }
    let mut items = args.take_array(0)?;
    items.reverse();
    array(items)
}

fn slice(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let (first, count) =
        if args.is_given(2) { (Some(args.integer(1)?), args.integer(2)?) } else { (None, args.integer(1)?) };
    if first.is_some() && count <= 0 {
        return args.fail("needs a count above 0 after a position");
    }
    let mut items = args.take_array(0)?;
    let len = items.len();
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(len);
    let start = match first {
        Some(first) if first < 0 => {
            len.saturating_sub(usize::try_from(first.unsigned_abs()).unwrap_or(usize::MAX))
        }
        Some(first) => usize::try_from(first).unwrap_or(usize::MAX).min(len),
        None if count < 0 => len - wanted,
        None => 0,
    };
    items.drain(..start);
    items.truncate(wanted);
    array(items)
}

fn zip(args: &mut Args<'_>) -> Outcome {
    if args.nullish(0) {
        return null();
    }
    let longest = matches!(args.get(1), Some(Value::Bool(true)));
    if args.is_given(1) && !matches!(args.get(1), Some(Value::Bool(_))) {
        return args.fail_as(codes::ZIP_LONGEST, "needs a boolean as useLongestLength");
    }
    let inputs = args.array(0)?;
    let mut rows = Vec::with_capacity(inputs.len());
    for input in inputs {
        match input {
            Value::Array(items) => rows.push(items.as_slice()),
            Value::Null => return null(),
            other => return args.fail(format!("needs arrays as inputs, not {}", other.type_name())),
        }
    }
    let defaults = if args.is_given(2) { args.array(2)? } else { &[] };
    if args.is_given(2) && (!longest || defaults.len() != rows.len()) {
        let code = if longest { codes::ZIP_DEFAULTS_COUNT } else { codes::ZIP_DEFAULTS };
        return args.fail_as(code, "takes defaults, one for each input, with useLongestLength: true only");
    }
    let lengths = rows.iter().map(|row| row.len());
    let count = if longest { lengths.max() } else { lengths.min() }.unwrap_or(0);
    let cell = |row: usize, column: usize| {
        let value = rows.get(row).and_then(|items| items.get(column)).or_else(|| defaults.get(row));
        value.cloned().unwrap_or(Value::Null)
    };
    let mut zipped = Vec::new();
    for n in 0..count {
        args.step(1 + rows.len() / 4)?;
        args.hold((rows.len() + 1) * size_of::<Value>())?;
        let row: Vec<Value> = (0..rows.len()).map(|row| cell(row, n)).collect();
        args.hold(row.iter().map(content).sum())?;
        zipped.push(Value::Array(row));
    }
    array(zipped)
}

/// Bytes that a value owns.
fn content(value: &Value) -> usize {
    crate::query::size::size(value).saturating_sub(size_of::<Value>())
}

fn first_n(args: &mut Args<'_>) -> Outcome {
    let n = count_of(args)?;
    let mut items = args.take_array(0)?;
    items.truncate(n);
    array(items)
}

fn last_n(args: &mut Args<'_>) -> Outcome {
    let n = count_of(args)?;
    let mut items = args.take_array(0)?;
    items.drain(..items.len().saturating_sub(n));
    array(items)
}

/// `n` of `$firstN` and the like.
pub(in crate::query) fn count_of(args: &Args<'_>) -> crate::error::Result<usize> {
    match usize::try_from(args.integer(1)?) {
        Ok(n) if n > 0 => Ok(n),
        _ => args.fail("needs a whole number above 0 as n"),
    }
}
