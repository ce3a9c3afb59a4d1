//! Parts of dates, and dates of parts.

use super::calendar::{Civil, DAY, days_of};
use super::operator::{Args, Operator, Shape, named, null};
use super::tree::Outcome;
use super::zone::Zone;
use crate::document::{Object, Value};
use crate::error::{Result, codes};

macro_rules! part {
    ($name:literal, $read:expr) => {
        Operator {
            name: $name,
            shape: Shape::NamedOrOne(&["date", "timezone"], 1),
            run: |args| part(args, $read),
        }
    };
}

pub(super) const OPERATORS: &[Operator] = &[
    part!("$dayOfMonth", |civil| civil.day),
    part!("$dayOfWeek", |civil| civil.iso_weekday() % 7 + 1),
    part!("$dayOfYear", |civil| civil.day_of_year()),
    part!("$hour", |civil| civil.hour),
    part!("$isoDayOfWeek", |civil| civil.iso_weekday()),
    part!("$isoWeek", |civil| civil.iso_week().1),
    part!("$isoWeekYear", |civil| civil.iso_week().0),
    part!("$millisecond", |civil| civil.millisecond),
    part!("$minute", |civil| civil.minute),
    part!("$month", |civil| civil.month),
    part!("$second", |civil| civil.second),
    part!("$week", |civil| civil.week()),
    part!("$year", |civil| civil.year),
    named("$dateFromParts", &FROM, 0, from_parts),
    named("$dateToParts", &["date", "timezone", "iso8601"], 1, to_parts),
];

const FROM: [&str; 11] = [
    "year",
    "isoWeekYear",
    "month",
    "isoWeek",
    "day",
    "isoDayOfWeek",
    "hour",
    "minute",
    "second",
    "millisecond",
    "timezone",
];

fn part(args: &mut Args<'_>, read: fn(&Civil) -> i64) -> Outcome {
    match local(args, 0, 1)? {
        Some((millis, zone)) => Ok(Some(Value::number(read(&Civil::of(millis + zone.0)) as f64))),
        None => null(),
    }
}

/// A date and a zone; `None` where one of them is null or missing.
pub(super) fn local(args: &Args<'_>, date: usize, zone: usize) -> Result<Option<(i64, Zone)>> {
    if args.nullish(date) {
        return Ok(None);
    }
    let Some(zone) = Zone::of(args, zone)? else { return Ok(None) };
    Ok(Some((args.date(date)?, zone)))
}

fn from_parts(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let Some(zone) = Zone::of(args, 10)? else { return null() };
    let iso = args.is_given(1);
    let (own, other) = if iso { ([3, 5], [0, 2, 4]) } else { ([2, 4], [1, 3, 5]) };
    if other.into_iter().any(|index| args.is_given(index)) || !(iso || args.is_given(0)) {
        let mixed = other.into_iter().any(|index| args.is_given(index));
        let code = if mixed { codes::DATE_PARTS_MIXED } else { codes::DATE_PARTS_YEAR };
        let message =
            "needs either year, month, day or isoWeekYear, isoWeek, isoDayOfWeek, the year at least";
        return args.fail_as(code, message);
    }
    let part = |index: usize, other: i64| if args.is_given(index) { args.integer(index) } else { Ok(other) };
    let year = part(usize::from(iso), 1970)?;
    let first = if iso { 0 } else { 1 };
    if !(first..=9999).contains(&year) {
        return args.fail(format!("needs a year from {first} to 9999, not {year}"));
    }
    let (month, day) = (part(own[0], 1)?, part(own[1], 1)?);
    let (hour, minute, second, millisecond) = (part(6, 0)?, part(7, 0)?, part(8, 0)?, part(9, 0)?);
    if [month, day, hour, minute, second, millisecond].into_iter().any(|part| part.abs() > 1 << 40) {
        return args.fail_as(codes::DATE_PARTS_RANGE, "needs smaller parts");
    }
    let civil = if iso {
        // The fourth of January is always in week 1.
        let fourth = days_of(year, 1, 4);
        let monday = fourth - (fourth + 3).rem_euclid(7);
        Civil {
            year: 1970,
            month: 1,
            day: 1 + monday + (month - 1) * 7 + day - 1,
            hour,
            minute,
            second,
            millisecond,
        }
    } else {
        Civil { year, month, day, hour, minute, second, millisecond }
    };
    match civil.millis() {
        Some(millis) => super::arithmetic::date(args, i128::from(millis) - i128::from(zone.0)),
        None => args.fail_as(codes::OVERFLOW, "leaves the range of dates"),
    }
}

fn to_parts(args: &mut Args<'_>) -> Outcome {
    let iso = match args.get(2) {
        Some(Value::Bool(iso)) => *iso,
        _ if !args.is_given(2) => false,
        None | Some(Value::Null) => return null(),
        Some(_) => return args.fail("needs a boolean as iso8601"),
    };
    let Some((millis, zone)) = local(args, 0, 1)? else { return null() };
    let civil = Civil::of(millis + zone.0);
    let (iso_year, iso_week) = civil.iso_week();
    let front = if iso {
        [("isoWeekYear", iso_year), ("isoWeek", iso_week), ("isoDayOfWeek", civil.iso_weekday())]
    } else {
        [("year", civil.year), ("month", civil.month), ("day", civil.day)]
    };
    let back = [
        ("hour", civil.hour),
        ("minute", civil.minute),
        ("second", civil.second),
        ("millisecond", civil.millisecond),
    ];
    let field = |(name, part): (&str, i64)| (name.to_owned(), Value::number(part as f64));
    Ok(Some(Value::Object(front.into_iter().chain(back).map(field).collect::<Object>())))
}

/// Whole days since 1970 of a local time.
pub(super) fn day_number(local: i64) -> i64 {
    local.div_euclid(DAY)
}
