//! Adding to dates, counting units between dates, truncating dates.

use super::arguments::{date_and_zone, zone};
use crate::document::Value;
use crate::error::{Result, codes};
use crate::query::date::{DAY, Local, Zone, first_day};
use crate::query::expression::operator::{Args, Operator, Outcome, date, named, null};

pub(in crate::query::expression) const OPERATORS: &[Operator] = &[
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

/// Units from a day upwards keep the local time of day; hours and smaller units are elapsed time.
fn step(args: &mut Args<'_>, sign: i64) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let Some((start, zone)) = date_and_zone(args, 0, 3)? else { return null() };
    let unit = Unit::of(args, 1)?;
    let amount = i128::from(args.integer(2)?) * i128::from(sign);
    if amount == 0 {
        return date(args, i128::from(start));
    }
    let local = zone.local(start);
    let moved = match unit {
        Unit::Millis(millis) => return date(args, i128::from(start) + amount * i128::from(millis)),
        Unit::Day => i64::try_from(i128::from(local) + amount * i128::from(DAY)).ok(),
        Unit::Week => i64::try_from(i128::from(local) + amount * i128::from(DAY) * 7).ok(),
        Unit::Months(months) => {
            i64::try_from(amount * i128::from(months)).ok().and_then(|months| add_months(local, months))
        }
    };
    match moved {
        Some(local) => date(args, i128::from(zone.instant(local, zone.is_dst(start)))),
        None => args.fail("leaves the range of dates"),
    }
}

/// The same day of another month, or its last day.
fn add_months(local: i64, months: i64) -> Option<i64> {
    let fields = Local::of(local);
    let (first, length) = first_day(fields.months().checked_add(months)?)?;
    (first + fields.day().min(length) - 1).checked_mul(DAY)?.checked_add(local.rem_euclid(DAY))
}

/// The number of unit boundaries between the dates.
fn difference(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let Some(zone) = zone(args, 3)? else { return null() };
    let (start, end) = (args.date(0)?, args.date(1)?);
    let unit = Unit::of(args, 2)?;
    let week = start_of_week(args, 4)?;
    let borders = |date: i64| {
        let local = zone.local(date);
        match unit {
            Unit::Millis(millis) => local.div_euclid(millis),
            Unit::Day => local.div_euclid(DAY),
            // The first of January 1970 was a Thursday.
            Unit::Week => (local.div_euclid(DAY) + 3 - week).div_euclid(7),
            Unit::Months(months) => Local::of(local).months().div_euclid(months),
        }
    };
    let mut count = borders(end).saturating_sub(borders(start));
    if let Unit::Millis(millis) = unit {
        // Below a day, local time that was skipped or repeated does not count.
        count = count.saturating_add((zone.offset(start) - zone.offset(end)) / millis);
    }
    Ok(Some(Value::number(count as f64)))
}

/// The start of the bin that a date lies in.
fn truncate(args: &mut Args<'_>) -> Outcome {
    if args.any_nullish() {
        return null();
    }
    let Some((instant, zone)) = date_and_zone(args, 0, 3)? else { return null() };
    let unit = Unit::of(args, 1)?;
    let size = if args.is_given(2) { args.integer(2)? } else { 1 };
    if !(1..=1 << 32).contains(&size) {
        return args.fail("needs a binSize above 0");
    }
    let week = start_of_week(args, 4)?;
    match bin_start(instant, &zone, unit, size, week) {
        Some(start) => date(args, i128::from(start)),
        None => args.fail_as(codes::OVERFLOW, "leaves the range of dates"),
    }
}

/// 2000-01-01 in days and milliseconds since 1970.
const YEAR_2000: i64 = 10_957;
const YEAR_2000_MILLIS: i64 = YEAR_2000 * DAY;

/// Bins are counted from the start of the year 2000 in the zone, those of weeks from the first week that starts in it.
/// Bins of days and longer start at midnight of the zone; below, they are of equal elapsed time.
fn bin_start(instant: i64, zone: &Zone, unit: Unit, size: i64, week: i64) -> Option<i64> {
    let origin = YEAR_2000_MILLIS - zone.offset(YEAR_2000_MILLIS);
    let floor = |value: i64, from: i64, bin: i64| {
        let bin = bin.saturating_mul(size);
        value.checked_sub(value.checked_sub(from)?.rem_euclid(bin))
    };
    let local = zone.local(instant);
    let today = local.div_euclid(DAY);
    let day = match unit {
        Unit::Millis(millis) => return floor(instant, origin, millis),
        Unit::Day => floor(today, YEAR_2000, 1)?,
        Unit::Week => floor(today, YEAR_2000 + (week - (YEAR_2000 + 3)).rem_euclid(7), 7)?,
        Unit::Months(months) => first_day(floor(Local::of(local).months(), 2000 * 12, months)?)?.0,
    };
    Some(zone.instant(day.checked_mul(DAY)?, zone.is_dst(origin)))
}
