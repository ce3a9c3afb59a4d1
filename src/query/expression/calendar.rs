//! The proleptic Gregorian calendar: milliseconds since 1970 to days, weeks and clock, and back.

/// Milliseconds of a day.
pub(super) const DAY: i64 = 86_400_000;

/// A time of a calendar without zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) month: i64,
    /// 1 to 31.
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) millisecond: i64,
}

impl Civil {
    /// The calendar's view of a time.
    pub(super) fn of(millis: i64) -> Civil {
        let (days, rest) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
        let (year, month, day) = date_of(days);
        Civil {
            year,
            month,
            day,
            hour: rest / 3_600_000,
            minute: rest / 60_000 % 60,
            second: rest / 1_000 % 60,
            millisecond: rest % 1_000,
        }
    }

    /// Milliseconds since 1970. Parts may lie outside of their ranges: they carry over. `None` past int64.
    pub(super) fn millis(&self) -> Option<i64> {
        let months = self.year.checked_mul(12)?.checked_add(self.month.checked_sub(1)?)?;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        if year.abs() > 400_000 {
            return None;
        }
        let days = days_of(year, month, 1).checked_add(self.day.checked_sub(1)?)?;
        let mut total = i128::from(days) * i128::from(DAY);
        for (part, unit) in
            [(self.hour, 3_600_000), (self.minute, 60_000), (self.second, 1_000), (self.millisecond, 1)]
        {
            total += i128::from(part) * unit;
        }
        i64::try_from(total).ok()
    }

    /// 1 for the first of January.
    pub(super) fn day_of_year(&self) -> i64 {
        days_of(self.year, self.month, self.day) - days_of(self.year, 1, 1) + 1
    }

    /// Days since 1970.
    pub(super) fn days(&self) -> i64 {
        days_of(self.year, self.month, self.day)
    }

    /// 1 (Monday) to 7.
    pub(super) fn iso_weekday(&self) -> i64 {
        (self.days() + 3).rem_euclid(7) + 1
    }

    /// Weeks start on Sunday; days before the first Sunday are in week 0.
    pub(super) fn week(&self) -> i64 {
        (self.day_of_year() + 6 - self.iso_weekday() % 7) / 7
    }

    /// Year and number of the ISO 8601 week: the one that holds the week's Thursday.
    pub(super) fn iso_week(&self) -> (i64, i64) {
        let thursday = self.days() + 4 - self.iso_weekday();
        let (year, _, _) = date_of(thursday);
        (year, (thursday - days_of(year, 1, 1)) / 7 + 1)
    }
}

/// Days of a month.
pub(super) fn month_length(year: i64, month: i64) -> i64 {
    let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days_of(next_year, next, 1) - days_of(year, month, 1)
}

/// Days since 1970. Years are counted from March, so that the leap day is the last of its year, in eras of 400 years.
pub(super) fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_follow_one_another_through_leap_years() {
        let mut at = (1599, 12, 31);
        for days in days_of(1600, 1, 1)..days_of(2405, 1, 1) {
            let (year, month, day) = date_of(days);
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            let next = if at.2 < length[(at.1 - 1) as usize] || at.1 != month && day != 1 {
                (at.0, at.1, at.2 + 1)
            } else if at.1 == 12 {
                (at.0 + 1, 1, 1)
            } else {
                (at.0, at.1 + 1, 1)
            };
            at = (year, month, day);
            if day == 1 {
                assert_eq!(month_length(year, month), length[(month - 1) as usize]);
            } else {
                assert_eq!(at, next);
            }
            assert_eq!(days_of(year, month, day), days);
        }
    }

    proptest! {
        #[test]
        fn a_time_comes_back_from_the_calendar(millis in -8_640_000_000_000_000_i64..=8_640_000_000_000_000) {
            prop_assert_eq!(Civil::of(millis).millis(), Some(millis));
        }
    }
}
