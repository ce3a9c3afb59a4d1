//! `$percentile` and `$median`: the smallest number such that at least this fraction of the numbers is not greater.
//! MongoDB's method 'approximate' may return a neighbour for many numbers; here it is exact.

use crate::document::Value;
use crate::error::codes;
use crate::query::expression::numbers::Num;
use crate::query::expression::operator::{Args, Operator, named};
use crate::query::merge_sort;
use crate::work::Work;

pub(in crate::query::expression) const OPERATORS: &[Operator] = &[
    named("$median", &["input", "method"], 2, |args| {
        method(args.get(1)).or_else(|message| args.fail(message))?;
        Ok(Some(of_parts(numbers(args)?, &[0.5], args.work())?.pop().unwrap_or(Value::Null)))
    }),
    named("$percentile", &["input", "p", "method"], 3, |args| {
        method(args.get(2)).or_else(|message| args.fail(message))?;
        let parts = parts(args.get(1)).or_else(|message| args.fail_as(codes::PERCENTILE_PARTS, message))?;
        Ok(Some(Value::Array(of_parts(numbers(args)?, &parts, args.work())?)))
    }),
];

/// Refuses other methods than 'approximate'.
pub(in crate::query) fn method(value: Option<&Value>) -> Result<(), String> {
    match value {
        Some(Value::String(method)) if method == "approximate" => Ok(()),
        _ => Err("needs method: 'approximate'".to_owned()),
    }
}

/// Quantiles from 0 to 1, at least one.
pub(in crate::query) fn parts(value: Option<&Value>) -> Result<Vec<f64>, String> {
    let part = |value: &Value| Num::of(value).map(Num::as_f64).filter(|part| (0.0..=1.0).contains(part));
    match value {
        Some(Value::Array(items)) if !items.is_empty() => items.iter().map(part).collect::<Option<_>>(),
        _ => None,
    }
    .ok_or_else(|| "needs an array of numbers from 0 to 1 as p".to_owned())
}

/// The value at each quantile; null without numbers.
pub(in crate::query) fn of_parts(
    numbers: Vec<f64>,
    parts: &[f64],
    work: &Work,
) -> crate::error::Result<Vec<Value>> {
    let numbers = merge_sort::sort_by(numbers, work, f64::total_cmp)?;
    let at = |part: &f64| {
        let rank = (part * numbers.len() as f64).ceil() as usize;
        numbers.get(rank.saturating_sub(1)).map_or(Value::Null, |number| Value::number(*number))
    };
    Ok(parts.iter().map(at).collect())
}

/// The numbers of the input, which is an array or one number; NaN is ignored.
fn numbers(args: &Args<'_>) -> crate::error::Result<Vec<f64>> {
    let number = |value: &Value| Num::of(value).map(Num::as_f64).filter(|number| !number.is_nan());
    Ok(match args.get(0) {
        Some(Value::Array(items)) => {
            args.step(items.len() / 8)?;
            args.hold(items.len() * size_of::<f64>())?;
            items.iter().filter_map(number).collect()
        }
        one => one.and_then(number).into_iter().collect(),
    })
}
