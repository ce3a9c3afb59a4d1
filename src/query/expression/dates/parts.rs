//! Parts of dates, and dates of parts.

use super::arguments::{date_and_zone, zone};
use crate::document::{Object, Value};
use crate::error::codes;
use crate::query::date::{Fields, Local, iso_year_start};
use crate::query::expression::operator::{Args, Operator, Outcome, Shape, named, null};

macro_rules! part {
    ($name:literal, $read:expr) => {
        Operator {
            name: $name,
            shape: Shape::NamedOrOne(&["date", "timezone"], 1),
            run: |args| part(args, $read),
        }
    };
}

pub(in crate::query::expression) const OPERATORS: &[Operator] = &[
    part!("$dayOfMonth", |local| local.day()),
    part!("$dayOfWeek", |local| local.iso_weekday() % 7 + 1),
    part!("$dayOfYear", |local| local.day_of_year()),
    part!("$hour", |local| local.hour()),
    part!("$isoDayOfWeek", |local| local.iso_weekday()),
    part!("$isoWeek", |local| local.iso_week().1),
    part!("$isoWeekYear", |local| local.iso_week().0),
    part!("$millisecond", |local| local.millisecond()),
    part!("$minute", |local| local.minute()),
    part!("$month", |local| local.month()),
    part!("$second", |local| local.second()),
    part!("$week", |local| local.week()),
    part!("$year", |local| local.year()),
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

fn part(args: &mut Args<'_>, read: fn(&Local) -> i64) -> Outcome {
    match date_and_zone(args, 0, 1)? {
        Some((date, zone)) => Ok(Some(Value::number(read(&zone.fields(date)) as f64))),
        None => null(),
    }
}

fn from_parts(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let Some(zone) = zone(args, 10)? else { return null() };
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
    let fields = Fields { year, month, day, hour, minute, second, millisecond };
    let local = if iso {
        iso_year_start(year).and_then(|monday| fields.at_day(monday + (month - 1) * 7 + day - 1))
    } else {
        fields.local()
    };
    match local {
        Some(local) => crate::query::expression::operator::date(args, i128::from(zone.instant(local, false))),
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
    let Some((date, zone)) = date_and_zone(args, 0, 1)? else { return null() };
    let local = zone.fields(date);
    let front = if iso {
        let (iso_year, iso_week) = local.iso_week();
        [("isoWeekYear", iso_year), ("isoWeek", iso_week), ("isoDayOfWeek", local.iso_weekday())]
    } else {
        [("year", local.year()), ("month", local.month()), ("day", local.day())]
    };
    let back = [
        ("hour", local.hour()),
        ("minute", local.minute()),
        ("second", local.second()),
        ("millisecond", local.millisecond()),
    ];
    let field = |(name, part): (&str, i64)| (name.to_owned(), Value::number(part as f64));
    Ok(Some(Value::Object(front.into_iter().chain(back).map(field).collect::<Object>())))
}
