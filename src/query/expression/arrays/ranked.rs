//! Extremes, sums and sorting of arrays, and orders of values.

use std::cmp::Ordering;

use smallvec::SmallVec;

use super::elements::count_of;
use crate::document::{Collation, Value};
use crate::error::Result;
use crate::query::expression::numbers::{Num, Total};
use crate::query::expression::operator::{ANY, Args, Operator, Outcome, array, list, named, null};
use crate::query::expression::path::FieldPath;
use crate::query::merge_sort;
use crate::query::size::size;

pub(in crate::query::expression) const OPERATORS: &[Operator] = &[
    list("$avg", 0, ANY, average),
    list("$max", 0, ANY, |args| extreme(args, Ordering::Greater)),
    list("$min", 0, ANY, |args| extreme(args, Ordering::Less)),
    list("$sum", 0, ANY, sum),
    list("$stdDevPop", 0, ANY, |args| deviation(args, 0)),
    list("$stdDevSamp", 0, ANY, |args| deviation(args, 1)),
    named("$maxN", &["input", "n"], 2, |args| extremes(args, Ordering::Greater)),
    named("$minN", &["input", "n"], 2, |args| extremes(args, Ordering::Less)),
    named("$sortArray", &["input", "sortBy"], 2, sort),
];

/// The values that an accumulator takes as an expression: the elements of its only argument if that is an array.
fn values<'a>(args: &'a Args<'_>) -> Vec<&'a Value> {
    match (args.len(), args.get(0)) {
        (1, Some(Value::Array(items))) => items.iter().collect(),
        _ => args.iter().flatten().collect(),
    }
}

/// The number of these values.
fn elements(args: &Args<'_>) -> usize {
    match (args.len(), args.get(0)) {
        (1, Some(Value::Array(items))) => items.len(),
        (len, _) => len,
    }
}

fn sum(args: &mut Args<'_>) -> Outcome {
    args.step(elements(args) / 8)?;
    let mut total = Total::default();
    values(args).into_iter().filter_map(Num::of).for_each(|number| total.add(number));
    Ok(Some(total.value()))
}

fn average(args: &mut Args<'_>) -> Outcome {
    args.step(elements(args) / 8)?;
    let numbers: Vec<Num> = values(args).into_iter().filter_map(Num::of).collect();
    let mut total = Total::default();
    numbers.iter().for_each(|number| total.add(*number));
    if numbers.is_empty() { null() } else { Ok(Some(Value::number(total.as_f64() / numbers.len() as f64))) }
}

fn deviation(args: &mut Args<'_>, less: usize) -> Outcome {
    args.step(elements(args) / 8)?;
    let numbers: Vec<f64> = values(args).into_iter().filter_map(Num::of).map(Num::as_f64).collect();
    if numbers.len() <= less {
        return null();
    }
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
    Ok(Some(Value::number((squares / (numbers.len() - less) as f64).sqrt())))
}

fn extreme(args: &mut Args<'_>, wanted: Ordering) -> Outcome {
    args.step(elements(args) / 8)?;
    let mut best: Option<&Value> = None;
    for value in values(args).into_iter().filter(|value| !matches!(value, Value::Null)) {
        if best.is_none_or(|best| args.collation().compare(value, best) == wanted) {
            best = Some(value);
        }
    }
    Ok(Some(best.cloned().unwrap_or(Value::Null)))
}

fn extremes(args: &mut Args<'_>, wanted: Ordering) -> Outcome {
    let n = count_of(args)?;
    let mut items = args.take_array(0)?;
    items.retain(|item| !matches!(item, Value::Null));
    let collation = args.collation();
    let order =
        |a: &Value, b: &Value| if wanted.is_lt() { collation.compare(a, b) } else { collation.compare(b, a) };
    let mut items = merge_sort::sort_by(items, args.work(), order)?;
    items.truncate(n);
    array(items)
}

fn sort(args: &mut Args<'_>) -> Outcome {
    if args.nullish(0) {
        return null();
    }
    let order = match args.get(1).map(Order::read) {
        Some(Ok(order)) => order,
        Some(Err(message)) => return args.fail(message),
        None => return args.fail("needs sortBy"),
    };
    let items = args.take_array(0)?;
    array(order.sort(items, args)?)
}

/// An order of values: by themselves, or by fields of them.
#[derive(Clone, Debug)]
pub(in crate::query) struct Order {
    /// No fields: the value itself, in this direction.
    keys: Vec<(FieldPath, bool)>,
}

impl Order {
    /// Parses `1`, `-1` or `{ path: 1 | -1, ... }`; the error says what is wrong.
    pub(in crate::query) fn read(value: &Value) -> Result<Order, String> {
        let descending = |value: &Value| match crate::query::number::as_integer(value) {
            Some(1) => Ok(false),
            Some(-1) => Ok(true),
            _ => Err("needs 1 or -1 as direction of sortBy".to_owned()),
        };
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let key = |(path, direction): &(String, Value)| {
                    let parsed =
                        FieldPath::parse(path).ok_or_else(|| format!("cannot sort by the path '{path}'"))?;
                    Ok((parsed, descending(direction)?))
                };
                Ok(Order { keys: fields.iter().map(key).collect::<Result<_, String>>()? })
            }
            Value::Object(_) => Err("needs at least one path in sortBy".to_owned()),
            other => Ok(Order { keys: vec![(FieldPath::here(), descending(other)?)] }),
        }
    }

    /// Sorts values; the fields of the order are read once per value.
    fn sort(&self, items: Vec<Value>, args: &Args<'_>) -> Result<Vec<Value>> {
        let (work, collation) = (args.work(), args.collation());
        if self.keys.iter().all(|(path, _)| path.parts().is_empty()) {
            return merge_sort::sort_by(items, work, |a, b| self.compare(a, b, collation));
        }
        let mut keyed = Vec::with_capacity(items.len());
        for item in items {
            let keys: SmallVec<[Value; 1]> =
                self.keys.iter().map(|(path, _)| path.of(&item).unwrap_or(Value::Null)).collect();
            work.step(keys.len() + 1)?;
            args.hold(keys.iter().map(size).sum::<usize>() + size_of::<Value>())?;
            keyed.push((keys, item));
        }
        let compare = |a: &SmallVec<[Value; 1]>, b: &SmallVec<[Value; 1]>| {
            let pairs = a.iter().zip(b).zip(&self.keys);
            let orders = pairs.map(|((a, b), (_, descending))| {
                let order = collation.compare(a, b);
                if *descending { order.reverse() } else { order }
            });
            orders.fold(Ordering::Equal, Ordering::then)
        };
        let sorted = merge_sort::sort_by(keyed, work, |(a, _), (b, _)| compare(a, b))?;
        Ok(sorted.into_iter().map(|(_, item)| item).collect())
    }

    /// The order of two values.
    fn compare(&self, a: &Value, b: &Value, collation: &Collation) -> Ordering {
        for (path, descending) in &self.keys {
            let order = collation.compare_present(
                path.of(a).or(Some(Value::Null)).as_ref(),
                path.of(b).or(Some(Value::Null)).as_ref(),
            );
            if order.is_ne() {
                return if *descending { order.reverse() } else { order };
            }
        }
        Ordering::Equal
    }
}
