//! Dates as text, and text as dates.

use super::arguments::{date_and_zone, zone};
use super::format as date_format;
use super::format::{STANDARD, STANDARD_LOCAL};
use crate::document::Value;
use crate::error::codes;
use crate::query::date;
use crate::query::expression::operator::{Args, Operator, Outcome, named, null};

pub(in crate::query::expression) const OPERATORS: &[Operator] = &[
    named("$dateFromString", &["dateString", "format", "timezone", "onError", "onNull"], 1, from_string),
    named("$dateToString", &["date", "format", "timezone", "onNull"], 1, to_string),
];

fn to_string(args: &mut Args<'_>) -> Outcome {
    if args.nullish(0) && args.is_given(3) {
        return Ok(args.take(3));
    }
    let Some((date, zone)) = date_and_zone(args, 0, 2)? else { return null() };
    let format = match args.get(1) {
        Some(Value::String(format)) => format.as_str(),
        _ if !args.is_given(1) && zone.is_utc() => STANDARD,
        _ if !args.is_given(1) => STANDARD_LOCAL,
        None | Some(Value::Null) => return null(),
        Some(_) => return args.fail_as(codes::DATE_FORMAT_TYPE, "needs a string as format"),
    };
    match date_format::write(date, &zone, format) {
        Ok(text) => Ok(Some(Value::String(text))),
        Err(message) if format.chars().rev().take_while(|c| *c == '%').count() % 2 == 1 => {
            args.fail_as(codes::DATE_FORMAT_END, message)
        }
        Err(message) => args.fail(message),
    }
}

fn from_string(args: &mut Args<'_>) -> Outcome {
    if args.nullish(0) {
        return if args.is_given(4) { Ok(args.take(4)) } else { null() };
    }
    let Some(zone) = zone(args, 2)? else { return null() };
    let read = match (args.get(0), args.get(1)) {
        (Some(Value::String(text)), Some(Value::String(format))) => date_format::read(text, format),
        (Some(Value::String(_)), None | Some(Value::Null)) if args.is_given(1) => return null(),
        (Some(Value::String(text)), None) => {
            date::read(text).ok_or_else(|| format!("cannot read '{text}' as a date"))
        }
        (Some(Value::String(_)), Some(_)) => {
            return args.fail_as(codes::DATE_READ_FORMAT_TYPE, "needs a string as format");
        }
        (other, _) => Err(format!("needs a string, not {}", other.map_or("missing", Value::type_name))),
    };
    let read = read.and_then(|written| {
        if written.offset.is_some() && !zone.is_utc() {
            return Err("takes a string with an offset or the argument timezone, not both".to_owned());
        }
        written.instant(&zone).ok_or_else(|| "leaves the range of dates".to_owned())
    });
    match read {
        Ok(millis) => crate::query::expression::operator::date(args, i128::from(millis)),
        Err(_) if args.is_given(3) => Ok(args.take(3)),
        Err(message) => args.fail(message),
    }
}
