//! Dates as text, and text as dates.

use super::calendar::{Civil, month_length};
use super::date_parts::local;
use super::operator::{Args, Operator, named, null};
use super::tree::Outcome;
use super::zone::{Zone, offset};
use crate::document::Value;
use crate::error::codes;

pub(super) const OPERATORS: &[Operator] = &[
    named("$dateFromString", &["dateString", "format", "timezone", "onError", "onNull"], 1, from_string),
    named("$dateToString", &["date", "format", "timezone", "onNull"], 1, to_string),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn to_string(args: &mut Args<'_>) -> Outcome {
    if args.nullish(0) && args.is_given(3) {
        return Ok(args.take(3));
    }
    let Some((millis, zone)) = local(args, 0, 2)? else { return null() };
    let standard =
        if args.is_given(2) && zone.0 != 0 { "%Y-%m-%dT%H:%M:%S.%L" } else { "%Y-%m-%dT%H:%M:%S.%LZ" };
    let format = match args.get(1) {
        Some(Value::String(format)) => format.clone(),
        _ if !args.is_given(1) => standard.to_owned(),
        None | Some(Value::Null) => return null(),
        Some(_) => return args.fail_as(codes::DATE_FORMAT_TYPE, "needs a string as format"),
    };
    match written(millis, zone, &format) {
        Ok(text) => Ok(Some(Value::String(text))),
        Err(message) if format.chars().rev().take_while(|c| *c == '%').count() % 2 == 1 => {
            args.fail_as(codes::DATE_FORMAT_END, message)
        }
        Err(message) => args.fail(message),
    }
}

/// The text of a date by a format.
fn written(millis: i64, zone: Zone, format: &str) -> Result<String, String> {
    use std::fmt::Write;
    let civil = Civil::of(millis + zone.0);
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let month = MONTHS.get(civil.month as usize - 1).copied().unwrap_or_default();
        // Writing to a string does not fail.
        let _ = match chars.next() {
            Some('%') => write!(out, "%"),
            Some('b') => write!(out, "{}", month.get(..3).unwrap_or_default()),
            Some('B') => write!(out, "{month}"),
            Some('d') => write!(out, "{:02}", civil.day),
            Some('G') => write!(out, "{:04}", civil.iso_week().0),
            Some('H') => write!(out, "{:02}", civil.hour),
            Some('j') => write!(out, "{:03}", civil.day_of_year()),
            Some('L') => write!(out, "{:03}", civil.millisecond),
            Some('m') => write!(out, "{:02}", civil.month),
            Some('M') => write!(out, "{:02}", civil.minute),
            Some('S') => write!(out, "{:02}", civil.second),
            Some('u') => write!(out, "{}", civil.iso_weekday()),
            Some('U') => write!(out, "{:02}", civil.week()),
            Some('V') => write!(out, "{:02}", civil.iso_week().1),
            Some('w') => write!(out, "{}", civil.iso_weekday() % 7 + 1),
            Some('Y') => write!(out, "{:04}", civil.year),
            Some('z') => write!(out, "{}", zone.compact()),
            Some('Z') => write!(out, "{:+04}", zone.0 / 60_000),
            other => {
                let shown = other.map(String::from).unwrap_or_default();
                return Err(format!("does not know '%{shown}' in a format"));
            }
        };
    }
    Ok(out)
}

/// The text that `$toString` gives.
pub(super) fn standard(millis: i64) -> String {
    written(millis, Zone::default(), "%Y-%m-%dT%H:%M:%S.%LZ").unwrap_or_default()
}

fn from_string(args: &mut Args<'_>) -> Outcome {
    if args.nullish(0) {
        return if args.is_given(4) { Ok(args.take(4)) } else { null() };
    }
    let Some(zone) = Zone::of(args, 2)? else { return null() };
    let read = match (args.get(0), args.get(1)) {
        (Some(Value::String(text)), Some(Value::String(format))) => by_format(text, format, zone),
        (Some(Value::String(_)), None | Some(Value::Null)) if args.is_given(1) => return null(),
        (Some(Value::String(text)), None) => {
            read(text, zone).ok_or_else(|| format!("cannot read '{text}' as a date"))
        }
        (Some(Value::String(_)), Some(_)) => {
            return args.fail_as(codes::DATE_READ_FORMAT_TYPE, "needs a string as format");
        }
        (other, _) => Err(format!("needs a string, not {}", other.map_or("missing", Value::type_name))),
    };
    match read {
        Ok(millis) => super::arithmetic::date(args, i128::from(millis)),
        Err(_) if args.is_given(3) => Ok(args.take(3)),
        Err(message) => args.fail(message),
    }
}

/// Takes digits from the front: at least `least`, at most `most` of them.
fn digits(rest: &mut &str, least: usize, most: usize) -> Option<i64> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (number, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    number.parse().ok()
}

fn checked(civil: &Civil, zone: Zone) -> Option<i64> {
    let sound = (1..=12).contains(&civil.month)
        && (1..=month_length(civil.year, civil.month)).contains(&civil.day)
        && civil.hour < 24
        && civil.minute < 60
        && civil.second < 60;
    if sound { civil.millis()?.checked_sub(zone.0) } else { None }
}

/// Reads ISO 8601: a date, perhaps a time behind `T` or a space, perhaps a zone.
pub(super) fn read(text: &str, zone: Zone) -> Option<i64> {
    let mut rest = text.trim();
    let mut civil = Civil {
        year: digits(&mut rest, 4, 4)?,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        millisecond: 0,
    };
    let dashed = rest.strip_prefix('-').is_some();
    rest = rest.strip_prefix('-').unwrap_or(rest);
    civil.month = digits(&mut rest, 2, 2)?;
    if dashed {
        rest = rest.strip_prefix('-')?;
    }
    civil.day = digits(&mut rest, 2, 2)?;
    let mut zone = zone;
    if let Some(time) = rest.strip_prefix(['T', 't', ' ']) {
        rest = time.trim_start();
        civil.hour = digits(&mut rest, 2, 2)?;
        civil.minute = match rest.strip_prefix(':') {
            Some(behind) => {
                rest = behind;
                digits(&mut rest, 2, 2)?
            }
            None => digits(&mut rest, 2, 2)?,
        };
        if let Some(behind) = rest.strip_prefix(':') {
            rest = behind;
            civil.second = digits(&mut rest, 2, 2)?;
        }
        if let Some(behind) = rest.strip_prefix(['.', ',']) {
            let count = behind.bytes().take_while(u8::is_ascii_digit).count();
            let fraction: String = behind.get(..count)?.chars().chain("000".chars()).take(3).collect();
            civil.millisecond = fraction.parse().ok()?;
            rest = behind.get(count..)?;
        }
        let name = rest.trim_start();
        if !name.is_empty() {
            zone = offset(name)?;
            rest = "";
        }
    }
    if rest.is_empty() { checked(&civil, zone) } else { None }
}

fn by_format(text: &str, format: &str, zone: Zone) -> Result<i64, String> {
    let fault = || format!("cannot read '{text}' by the format '{format}'");
    let mut civil = Civil { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, millisecond: 0 };
    let (mut zone, mut rest, mut chars) = (zone, text, format.chars());
    let mut iso: [Option<i64>; 3] = [None; 3];
    let mut day_of_year = None;
    while let Some(c) = chars.next() {
        if c != '%' {
            rest = rest.strip_prefix(c).ok_or_else(fault)?;
            continue;
        }
        let mut number = |least, most| digits(&mut rest, least, most).ok_or_else(fault);
        match chars.next() {
            Some('d') => civil.day = number(1, 2)?,
            Some('G') => iso[0] = Some(number(4, 4)?),
            Some('H') => civil.hour = number(1, 2)?,
            Some('j') => day_of_year = Some(number(1, 3)?),
            Some('L') => civil.millisecond = number(1, 3)?,
            Some('m') => civil.month = number(1, 2)?,
            Some('M') => civil.minute = number(1, 2)?,
            Some('S') => civil.second = number(1, 2)?,
            Some('u') => iso[2] = Some(number(1, 1)?),
            Some('V') => iso[1] = Some(number(1, 2)?),
            Some('Y') => civil.year = number(4, 4)?,
            Some(name @ ('b' | 'B')) => {
                let found = MONTHS.iter().position(|month| {
                    let month = if name == 'b' { month.get(..3).unwrap_or_default() } else { month };
                    rest.get(..month.len()).is_some_and(|start| start.eq_ignore_ascii_case(month))
                });
                let month = found.ok_or_else(fault)?;
                let length = if name == 'b' { 3 } else { MONTHS.get(month).map_or(0, |month| month.len()) };
                rest = rest.get(length..).unwrap_or_default();
                civil.month = month as i64 + 1;
            }
            Some('z') => {
                let length = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | ':')))
                    .unwrap_or(rest.len());
                zone = rest.get(..length).and_then(offset).ok_or_else(fault)?;
                rest = rest.get(length..).unwrap_or_default();
            }
            Some('Z') => {
                let sign = if rest.starts_with('-') { -1 } else { 1 };
                rest = rest.strip_prefix(['+', '-']).ok_or_else(fault)?;
                zone = Zone(sign * digits(&mut rest, 1, 4).ok_or_else(fault)? * 60_000);
            }
            Some('%') => rest = rest.strip_prefix('%').ok_or_else(fault)?,
            other => {
                let shown = other.map(String::from).unwrap_or_default();
                return Err(format!("does not know '%{shown}' in a format for reading"));
            }
        }
    }
    if !rest.is_empty() {
        return Err(fault());
    }
    if let Some(year) = iso[0] {
        let fourth = super::calendar::days_of(year, 1, 4);
        let monday = fourth - (fourth + 3).rem_euclid(7);
        let day = monday + (iso[1].unwrap_or(1) - 1) * 7 + iso[2].unwrap_or(1) - 1;
        let date = Civil::of(day * super::calendar::DAY);
        (civil.year, civil.month, civil.day) = (date.year, date.month, date.day);
    }
    if let Some(day) = day_of_year {
        let days = super::calendar::days_of(civil.year, 1, 1) + day - 1;
        let date = Civil::of(days * super::calendar::DAY);
        (civil.month, civil.day) = (date.month, date.day);
    }
    checked(&civil, zone).ok_or_else(fault)
}
