//! Arithmetic.

use super::number::{Num, whole};
use super::total::Total;
use crate::document::Value;
use crate::error::codes;
use crate::query::expression::operator::{ANY, Args, Operator, Outcome, date, list, null};

pub(in crate::query::expression) const OPERATORS: &[Operator] = &[
    list("$abs", 1, 1, abs),
    list("$add", 0, ANY, add),
    list("$ceil", 1, 1, |args| rounded(args, f64::ceil)),
    list("$divide", 2, 2, divide),
    list("$exp", 1, 1, |args| function(args, |x| x.exp(), |_| true, "")),
    list("$floor", 1, 1, |args| rounded(args, f64::floor)),
    list("$ln", 1, 1, |args| function(args, f64::ln, |x| x > 0.0, "a number above 0")),
    list("$log", 2, 2, log),
    list("$log10", 1, 1, |args| function(args, f64::log10, |x| x > 0.0, "a number above 0")),
    list("$mod", 2, 2, modulo),
    list("$multiply", 0, ANY, multiply),
    list("$pow", 2, 2, pow),
    list("$rand", 0, 0, rand),
    list("$round", 1, 2, |args| to_place(args, Rounding::Even)),
    list("$sigmoid", 1, 1, |args| function(args, |x| 1.0 / (1.0 + (-x).exp()), |_| true, "")),
    list("$sqrt", 1, 1, |args| function(args, f64::sqrt, |x| x >= 0.0, "a number that is not negative")),
    list("$subtract", 2, 2, subtract),
    list("$trunc", 1, 2, |args| to_place(args, Rounding::Zero)),
];

fn number(value: f64) -> Outcome {
    Ok(Some(Value::number(value)))
}

fn function(args: &mut Args<'_>, apply: fn(f64) -> f64, takes: fn(f64) -> bool, wanted: &str) -> Outcome {
    if args.nullish(0) {
        return null();
    }
    let x = args.number(0)?.as_f64();
    if !x.is_nan() && !takes(x) {
        return args.fail(format!("needs {wanted}, not {x}"));
    }
    number(apply(x))
}

fn abs(args: &mut Args<'_>) -> Outcome {
    if args.nullish(0) {
        return null();
    }
    match args.number(0)? {
        Num::Int(value) => number(f64::from(value).abs()),
        Num::Double(value) => number(value.abs()),
        Num::Long(value) => match value.checked_abs() {
            Some(value) => Ok(Some(Value::Long(value))),
            None => args.fail("cannot take the absolute value of the smallest BigInt"),
        },
    }
}

fn add(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let mut total = Total::default();
    let mut start = None;
    for index in 0..args.len() {
        match args.get(index) {
            Some(Value::Date(millis)) if start.is_none() => start = Some(*millis),
            Some(Value::Date(_)) => return args.fail("takes one date only"),
            _ => total.add(args.number(index)?),
        }
    }
    match start {
        None => Ok(Some(total.value())),
        Some(start) => date(args, i128::from(start) + total.as_f64().round() as i128),
    }
}

fn subtract(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    match (args.get(0), args.get(1)) {
        (Some(Value::Date(a)), Some(Value::Date(b))) => number((a - b) as f64),
        (Some(Value::Date(a)), Some(_)) => {
            let (a, b) = (*a, args.number(1)?);
            date(args, i128::from(a) - b.as_f64().round() as i128)
        }
        _ => {
            let (a, b) = (args.number(0)?, args.number(1)?);
            match (a.as_whole(), b.as_whole()) {
                (Some(x), Some(y)) => {
                    Ok(Some(whole(i128::from(x) - i128::from(y), a.is_long() || b.is_long())))
                }
                _ => number(a.as_f64() - b.as_f64()),
            }
        }
    }
}

fn multiply(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let mut product = Value::Int(1);
    for index in 0..args.len() {
        let (a, b) = (Num::of(&product).unwrap_or(Num::Int(1)), args.number(index)?);
        product = match (a.as_whole(), b.as_whole()) {
            (Some(x), Some(y)) => whole(i128::from(x) * i128::from(y), a.is_long() || b.is_long()),
            _ => Value::number(a.as_f64() * b.as_f64()),
        };
    }
    Ok(Some(product))
}

fn divide(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let (a, b) = (args.number(0)?.as_f64(), args.number(1)?.as_f64());
    if b == 0.0 { args.fail("cannot divide by 0") } else { number(a / b) }
}

fn modulo(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let (a, b) = (args.number(0)?, args.number(1)?);
    if b.as_f64() == 0.0 {
        return args.fail("cannot divide by 0");
    }
    match (a.as_whole(), b.as_whole()) {
        (Some(x), Some(y)) => Ok(Some(whole(i128::from(x) % i128::from(y), a.is_long() || b.is_long()))),
        _ => number(a.as_f64() % b.as_f64()),
    }
}

fn log(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let (x, base) = (args.number(0)?.as_f64(), args.number(1)?.as_f64());
    if x <= 0.0 || base <= 0.0 || base == 1.0 {
        let message = "needs numbers above 0 and a base other than 1";
        return if x <= 0.0 { args.fail(message) } else { args.fail_as(codes::LOG_BASE, message) };
    }
    // These are exact for whole powers, where the quotient of logarithms would be off by rounding.
    let exact = if base == 10.0 {
        x.log10()
    } else if base == 2.0 {
        x.log2()
    } else {
        x.ln() / base.ln()
    };
    number(exact)
}

fn pow(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let (base, exponent) = (args.number(0)?, args.number(1)?);
    if base.as_f64() == 0.0 && exponent.as_f64() < 0.0 {
        return args.fail("cannot raise 0 to a negative power");
    }
    let long = base.is_long() || exponent.is_long();
    if let (Some(x), Some(n)) = (base.as_whole(), exponent.as_whole())
        && let Ok(n) = u32::try_from(n)
        && let Some(result) = i128::from(x).checked_pow(n)
        && i64::try_from(result).is_ok()
    {
        return Ok(Some(whole(result, long)));
    }
    number(base.as_f64().powf(exponent.as_f64()))
}

fn rand(args: &mut Args<'_>) -> Outcome {
    number(args.env().random())
}

fn rounded(args: &mut Args<'_>, round: fn(f64) -> f64) -> Outcome {
    if args.nullish(0) {
        return null();
    }
    Ok(Some(match args.number(0)? {
        Num::Double(value) => Value::number(round(value)),
        integer => integer.value(),
    }))
}

#[derive(Clone, Copy)]
enum Rounding {
    /// Halves round to the even neighbour.
    Even,
    Zero,
}

fn to_place(args: &mut Args<'_>, rounding: Rounding) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let place = if args.is_given(1) { args.integer(1)? } else { 0 };
    if !(-20..=100).contains(&place) {
        return args.fail(format!("needs a place from -20 to 100, not {place}"));
    }
    let x = args.number(0)?;
    match x {
        Num::Double(value) if value.is_finite() => number(round_double(value, place as i32, rounding)),
        Num::Double(value) => number(value),
        _ if place >= 0 => Ok(Some(x.value())),
        _ => {
            let unit = 10_i128.pow(place.unsigned_abs() as u32);
            let whole_value = i128::from(x.as_whole().unwrap_or_default());
            let (down, rest) = (whole_value / unit, whole_value % unit);
            let up = match (rounding, (2 * rest.abs()).cmp(&unit)) {
                (Rounding::Zero, _) | (Rounding::Even, std::cmp::Ordering::Less) => false,
                (Rounding::Even, std::cmp::Ordering::Greater) => true,
                (Rounding::Even, std::cmp::Ordering::Equal) => down % 2 != 0,
            };
            Ok(Some(whole((down + if up { whole_value.signum() } else { 0 }) * unit, x.is_long())))
        }
    }
}

/// Formatting rounds the exact decimal expansion, halves to even, so there is no rounding error of a multiplication.
fn round_double(value: f64, place: i32, rounding: Rounding) -> f64 {
    if place < 0 {
        let unit = 10_f64.powi(-place);
        let scaled = value / unit;
        return unit
            * if matches!(rounding, Rounding::Even) { scaled.round_ties_even() } else { scaled.trunc() };
    }
    let digits = place as usize;
    match rounding {
        Rounding::Even => format!("{value:.digits$}").parse().unwrap_or(value),
        Rounding::Zero => {
            // The shortest text of a double has all significant digits.
            let text = format!("{value}");
            match text.split_once('.') {
                Some((front, back)) => {
                    let back: String = back.chars().take(digits).collect();
                    format!("{front}.{back}0").parse().unwrap_or(value)
                }
                None => value,
            }
        }
    }
}
