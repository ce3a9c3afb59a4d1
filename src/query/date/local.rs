//! The fields of a local time.
//!
//! jiff supports the years -9999 to 9999, and dates of documents go beyond. The Gregorian calendar repeats every 400
//! years, which are whole weeks: a time beyond is computed at the corresponding time of another cycle.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, ISOWeekDate, Time, Weekday};
use jiff::tz::Offset;

/// Milliseconds of a day.
pub(in crate::query) const DAY: i64 = 86_400_000;
/// Years after which the calendar repeats, and their days.
const CYCLE: i64 = 400;
const CYCLE_DAYS: i64 = 146_097;
/// Milliseconds after which the calendar repeats.
pub(super) const CYCLE_MILLIS: i64 = CYCLE_DAYS * DAY;
/// No date reaches this year.
const FARTHEST_YEAR: i64 = 400_000_000;

/// A local time, by its fields.
#[derive(Clone, Copy, Debug)]
pub(in crate::query) struct Local {
    time: DateTime,
    /// Cycles to add to the year of `time`.
    cycles: i64,
}

impl Local {
    /// The fields of a local time in milliseconds since 1970.
    #[inline]
    pub(in crate::query) fn of(millis: i64) -> Local {
        match Timestamp::from_millisecond(millis) {
            Ok(time) => Local { time: Offset::UTC.to_datetime(time), cycles: 0 },
            Err(_) => {
                let time = Timestamp::from_millisecond(millis.rem_euclid(CYCLE_MILLIS)).unwrap_or_default();
                Local { time: Offset::UTC.to_datetime(time), cycles: millis.div_euclid(CYCLE_MILLIS) }
            }
        }
    }

    pub(in crate::query) fn year(&self) -> i64 {
        i64::from(self.time.year()) + self.cycles * CYCLE
    }

    /// 1 to 12.
    pub(in crate::query) fn month(&self) -> i64 {
        self.time.month().into()
    }

    /// Months since January of the year 0.
    pub(in crate::query) fn months(&self) -> i64 {
        self.year() * 12 + self.month() - 1
    }

    /// 1 to 31.
    pub(in crate::query) fn day(&self) -> i64 {
        self.time.day().into()
    }

    pub(in crate::query) fn hour(&self) -> i64 {
        self.time.hour().into()
    }

    pub(in crate::query) fn minute(&self) -> i64 {
        self.time.minute().into()
    }

    pub(in crate::query) fn second(&self) -> i64 {
        self.time.second().into()
    }

    pub(in crate::query) fn millisecond(&self) -> i64 {
        self.time.millisecond().into()
    }

    /// 1 for the first of January.
    pub(in crate::query) fn day_of_year(&self) -> i64 {
        self.time.day_of_year().into()
    }

    /// 1 (Monday) to 7.
    pub(in crate::query) fn iso_weekday(&self) -> i64 {
        self.time.weekday().to_monday_one_offset().into()
    }

    /// Weeks start on Sunday; days before the first Sunday are in week 0.
    pub(in crate::query) fn week(&self) -> i64 {
        (self.day_of_year() + 6 - self.iso_weekday() % 7) / 7
    }

    /// Year and number of the ISO 8601 week.
    pub(in crate::query) fn iso_week(&self) -> (i64, i64) {
        let week = self.time.date().iso_week_date();
        (i64::from(week.year()) + self.cycles * CYCLE, week.week().into())
    }
}

/// The fields of a time. Fields outside of their ranges carry over.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::query) struct Fields {
    pub(in crate::query) year: i64,
    /// 1 is January.
    pub(in crate::query) month: i64,
    /// 1 is the first of the month.
    pub(in crate::query) day: i64,
    pub(in crate::query) hour: i64,
    pub(in crate::query) minute: i64,
    pub(in crate::query) second: i64,
    pub(in crate::query) millisecond: i64,
}

impl Fields {
    /// The start of a year.
    pub(in crate::query) fn start(year: i64) -> Fields {
        Fields { year, month: 1, day: 1, hour: 0, minute: 0, second: 0, millisecond: 0 }
    }

    /// The local time in milliseconds since 1970, or `None` beyond int64.
    pub(in crate::query) fn local(&self) -> Option<i64> {
        let months = self.year.checked_mul(12)?.checked_add(self.month.checked_sub(1)?)?;
        let (first, _) = first_day(months)?;
        self.at_day(first.checked_add(self.day.checked_sub(1)?)?)
    }

    /// The time of day of these fields on a day counted from 1970.
    pub(in crate::query) fn at_day(&self, day: i64) -> Option<i64> {
        let units =
            [(self.hour, 3_600_000), (self.minute, 60_000), (self.second, 1_000), (self.millisecond, 1)];
        let time: i128 = units.into_iter().map(|(part, unit)| i128::from(part) * unit).sum();
        i64::try_from(i128::from(day) * i128::from(DAY) + time).ok()
    }

    /// Whether there is such a day.
    pub(in crate::query) fn date_is_in_range(&self) -> bool {
        let months = self.year.saturating_mul(12).saturating_add(self.month.saturating_sub(1));
        (1..=12).contains(&self.month)
            && first_day(months).is_some_and(|(_, length)| (1..=length).contains(&self.day))
    }

    /// Whether there is such a time of day.
    pub(in crate::query) fn time_is_in_range(&self) -> bool {
        let parts = [(self.hour, 24), (self.minute, 60), (self.second, 60), (self.millisecond, 1_000)];
        parts.into_iter().all(|(part, end)| (0..end).contains(&part))
    }
}

/// The day, counted from 1970, at which a month starts, and how many days the month has. Months are counted from January
/// of the year 0. `None` for months that no date reaches.
pub(in crate::query) fn first_day(months: i64) -> Option<(i64, i64)> {
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    let (near, days) = near(year)?;
    let first = Date::new(near, i8::try_from(month).ok()?, 1).ok()?;
    Some((day_number(first)? + days, first.days_in_month().into()))
}

/// The day, counted from 1970, at which the first week of an ISO 8601 year starts.
pub(in crate::query) fn iso_year_start(year: i64) -> Option<i64> {
    let (near, days) = near(year)?;
    let monday = ISOWeekDate::new(near, 1, Weekday::Monday).ok()?.date();
    Some(day_number(monday)? + days)
}

/// A year from 2000 to 2399 with the same calendar, and the days from that year to this one.
fn near(year: i64) -> Option<(i16, i64)> {
    if !(-FARTHEST_YEAR..=FARTHEST_YEAR).contains(&year) {
        return None;
    }
    let near = 2000 + year.rem_euclid(CYCLE);
    Some((i16::try_from(near).ok()?, (year - near) / CYCLE * CYCLE_DAYS))
}

fn day_number(date: Date) -> Option<i64> {
    let midnight = Offset::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok()?;
    Some(midnight.as_millisecond().div_euclid(DAY))
}
