//! Steps between dates: adding, counting, cutting off.

use super::arithmetic::date;
use super::calendar::{Civil, DAY, days_of, month_length};
use super::date_parts::{day_number, local};
use super::operator::{Args, Operator, named, null};
use super::tree::Outcome;
use super::zone::Zone;
use crate::document::Value;
use crate::error::{Result, codes};

pub(super) const OPERATORS: &[Operator] = &[
    named("$dateAdd", &["startDate", "unit", "amount", "timezone"], 3, |args| step(args, 1)),
    named("$dateSubtract", &["startDate", "unit", "amount", "timezone"], 3, |args| step(args, -1)),
    named("$dateDiff", &["startDate", "endDate", "unit", "timezone", "startOfWeek"], 3, difference),
    named("$dateTrunc", &["date", "unit", "binSize", "timezone", "startOfWeek"], 2, truncate),
];

#[derive(Clone, Copy)]
enum Unit {
    /// This many months.
    Months(i64),
    Week,
    Day,
    /// Below a day: this many milliseconds.
    Millis(i64),
}

impl Unit {
    fn of(args: &Args<'_>, index: usize) -> Result<Unit> {
        Ok(match args.text(index)? {
            "year" => Unit::Months(12),
            "quarter" => Unit::Months(3),
            "month" => Unit::Months(1),
            "week" => Unit::Week,
            "day" => Unit::Day,
            "hour" => Unit::Millis(3_600_000),
            "minute" => Unit::Millis(60_000),
            "second" => Unit::Millis(1_000),
            "millisecond" => Unit::Millis(1),
            other => {
                let step = matches!(args.name(), "$dateAdd" | "$dateSubtract");
                let code = if step { codes::FAILED_TO_PARSE } else { codes::TIME_UNIT };
                let message = format!("does not know the unit '{other}'; use one from year to millisecond");
                return args.fail_as(code, message);
            }
        })
    }
}

/// 0 for Monday to 6, the day that weeks start on; Sunday when none is given.
fn start_of_week(args: &Args<'_>, index: usize) -> Result<i64> {
    if !args.is_given(index) {
        return Ok(6);
    }
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let text = args.text(index)?.to_ascii_lowercase();
    match DAYS.iter().position(|day| *day == text || (text.len() == 3 && day.starts_with(&text))) {
        Some(day) => Ok(day as i64),
        None => args.fail_as(codes::START_OF_WEEK, format!("does not know the day '{text}' as startOfWeek")),
    }
}

fn step(args: &mut Args<'_>, sign: i64) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let Some((start, zone)) = local(args, 0, 3)? else { return null() };
    let unit = Unit::of(args, 1)?;
    let amount = i128::from(args.integer(2)?) * i128::from(sign);
    let start = i128::from(start);
    match unit {
        Unit::Millis(millis) => date(args, start + amount * i128::from(millis)),
        Unit::Day => date(args, start + amount * i128::from(DAY)),
        Unit::Week => date(args, start + amount * i128::from(DAY) * 7),
        Unit::Months(months) => {
            let Ok(months) = i64::try_from(amount * i128::from(months)) else {
                return args.fail("leaves the range of dates");
            };
            match add_months(start as i64 + zone.0, months) {
                Some(millis) => date(args, i128::from(millis) - i128::from(zone.0)),
                None => args.fail("leaves the range of dates"),
            }
        }
    }
}

/// The same day of another month, or its last day.
fn add_months(local: i64, months: i64) -> Option<i64> {
    let civil = Civil::of(local);
    let total = (civil.year * 12 + civil.month - 1).checked_add(months)?;
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
    if year.abs() > 400_000 {
        return None;
    }
    Civil { year, month, day: civil.day.min(month_length(year, month)), ..civil }.millis()
}

/// How many borders of the unit lie between the dates.
fn difference(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let Some(zone) = Zone::of(args, 3)? else { return null() };
    let (start, end) = (args.date(0)? + zone.0, args.date(1)? + zone.0);
    let unit = Unit::of(args, 2)?;
    let week = start_of_week(args, 4)?;
    let borders = |local: i64| match unit {
        Unit::Millis(millis) => local.div_euclid(millis),
        Unit::Day => day_number(local),
        // The first of January 1970 was a Thursday.
        Unit::Week => (day_number(local) + 3 - week).div_euclid(7),
        Unit::Months(months) => {
            let civil = Civil::of(local);
            (civil.year * 12 + civil.month - 1).div_euclid(months)
        }
    };
    Ok(Some(Value::number((borders(end) - borders(start)) as f64)))
}

/// Bins are counted from the first of January 2000, weeks from the first week that starts after it.
fn truncate(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let Some((millis, zone)) = local(args, 0, 3)? else { return null() };
    let unit = Unit::of(args, 1)?;
    let size = if args.is_given(2) { args.integer(2)? } else { 1 };
    if !(1..=1 << 32).contains(&size) {
        return args.fail("needs a binSize above 0");
    }
    let week = start_of_week(args, 4)?;
    let local = millis + zone.0;
    let origin = days_of(2000, 1, 1);
    let bins = |from: i64, bin: i64| {
        let bin = bin.saturating_mul(size);
        from + (local - from).div_euclid(bin).saturating_mul(bin)
    };
    let start = match unit {
        Unit::Millis(unit) => bins(origin * DAY, unit),
        Unit::Day => bins(origin * DAY, DAY),
        Unit::Week => {
            let first = origin + (week - (origin + 3)).rem_euclid(7);
            bins(first * DAY, 7 * DAY)
        }
        Unit::Months(months) => {
            let bin = months.saturating_mul(size);
            let civil = Civil::of(local);
            let since = civil.year * 12 + civil.month - 1 - 2000 * 12;
            let start = since.div_euclid(bin).saturating_mul(bin) + 2000 * 12;
            let first = Civil {
                year: start.div_euclid(12),
                month: start.rem_euclid(12) + 1,
                day: 1,
                hour: 0,
                minute: 0,
                second: 0,
                millisecond: 0,
            };
            match first.millis() {
                Some(millis) => millis,
                None => return args.fail_as(codes::OVERFLOW, "leaves the range of dates"),
            }
        }
    };
    date(args, i128::from(start) - i128::from(zone.0))
}
