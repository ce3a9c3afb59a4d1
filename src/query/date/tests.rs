//! Fields of local times against a calendar that counts day by day, and at the ends of int64.

use proptest::prelude::*;

use super::*;

/// Each day of some centuries as year, month, day and day of the year.
fn counted(from: i64, to: i64) -> Vec<(i64, i64, i64, i64)> {
    let mut days = Vec::new();
    for year in from..to {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut of_year = 0;
        for (month, length) in lengths.into_iter().enumerate() {
            for day in 1..=length {
                of_year += 1;
                days.push((year, month as i64 + 1, day, of_year));
            }
        }
    }
    days
}

#[test]
fn each_day_has_the_fields_that_counting_gives() {
    let (days, weekdays) = (counted(1596, 2410), 7);
    let start = days.iter().position(|day| (day.0, day.3) == (1970, 1)).unwrap() as i64;
    for (at, &(year, month, day, of_year)) in days.iter().enumerate().skip(7).take(days.len() - 50) {
        let number = at as i64 - start;
        let local = Local::of(number * DAY + 45_296_789);
        let clock = (local.hour(), local.minute(), local.second(), local.millisecond());
        assert_eq!(
            (local.year(), local.month(), local.day(), local.day_of_year()),
            (year, month, day, of_year)
        );
        assert_eq!(clock, (12, 34, 56, 789));
        // 1970 started on a Thursday.
        let weekday = (number + 3).rem_euclid(weekdays) + 1;
        assert_eq!(local.iso_weekday(), weekday);
        // An ISO week belongs to the year of its Thursday.
        let thursday = days[(at as i64 + 4 - weekday) as usize];
        assert_eq!(local.iso_week(), (thursday.0, (thursday.3 - 1) / weekdays + 1));
        // Weeks from Sunday on: how many Sundays of the year there were.
        let sundays = (0..of_year).filter(|back| (number - back + 4).rem_euclid(weekdays) == 0).count();
        assert_eq!(local.week(), sundays as i64);
        if day == 1 {
            let next = days[at..].iter().position(|other| other.1 != month).unwrap() as i64;
            assert_eq!(first_day(year * 12 + month - 1), Some((number, next)));
        }
        if local.iso_week().1 == 1 && weekday == 1 {
            assert_eq!(iso_year_start(thursday.0), Some(number));
        }
    }
}

#[test]
fn the_calendar_repeats_beyond_the_years_that_jiff_knows() {
    let cycle = 146_097 * DAY;
    for millis in [0, 1_709_210_096_789, -62_162_035_200_000, 253_402_300_799_999] {
        let near = Local::of(millis);
        for cycles in [-25, 25, -20_000, 20_000, -680_000, 680_000] {
            let far = Local::of(millis + cycles * cycle);
            assert_eq!(far.year(), near.year() + cycles * 400);
            assert_eq!((far.month(), far.day(), far.hour()), (near.month(), near.day(), near.hour()));
            assert_eq!(far.iso_week(), (near.iso_week().0 + cycles * 400, near.iso_week().1));
            assert_eq!((far.iso_weekday(), far.day_of_year()), (near.iso_weekday(), near.day_of_year()));
        }
    }
}

#[test]
fn the_farthest_dates_of_javascript_are_those_that_it_says() {
    let last = Local::of(8_640_000_000_000_000);
    assert_eq!((last.year(), last.month(), last.day(), last.hour()), (275_760, 9, 13, 0));
    let first = Local::of(-8_640_000_000_000_000);
    assert_eq!((first.year(), first.month(), first.day(), first.hour()), (-271_821, 4, 20, 0));
}

#[test]
fn nothing_overflows_at_the_ends_of_int64() {
    for millis in [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX] {
        let local = Local::of(millis);
        assert!((1..=12).contains(&local.month()) && (1..=366).contains(&local.day_of_year()), "{millis}");
        assert_eq!(local.millisecond(), millis.rem_euclid(1_000));
        for zone in ["Europe/Berlin", "Pacific/Apia", "America/New_York", "+14:00", "-12", "UTC"] {
            let zone = Zone::find(zone).unwrap();
            let local = zone.local(millis);
            let back = zone.instant(local, zone.is_dst(millis));
            let cut_off = local == i64::MIN || local == i64::MAX;
            assert!(cut_off || back == millis, "{zone:?} {millis} {back}");
        }
    }
    for number in [i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX] {
        assert_eq!((first_day(number), iso_year_start(number)), (None, None));
        let fields = Fields { month: number, ..Fields::start(number) };
        assert!(
            fields.local().is_none() && !fields.date_is_in_range() && Fields::start(number).local().is_none()
        );
        assert_eq!(Fields { day: number, ..Fields::start(2000) }.local(), None);
        assert_eq!(Fields { hour: number, ..Fields::start(2000) }.local(), None);
    }
}

#[test]
fn times_are_read_with_and_without_offsets() {
    for (text, local, offset) in [
        ("1970-01-01", 0, None),
        ("19700102", DAY, None),
        ("1970-01-01T00:00:00Z", 0, Some(0)),
        ("1970-01-01 00:00:01.5 GMT", 1_500, Some(0)),
        ("1970-01-01t01:02", 3_720_000, None),
        ("1970-01-01T0102", 3_720_000, None),
        ("2024-02-29T14:34:56.7899+02:00", 1_709_217_296_789, Some(7_200_000)),
        ("0000-03-01T00:00:00,1-0330", -62_162_035_199_900, Some(-12_600_000)),
    ] {
        assert_eq!(read(text), Some(Written { local, offset }), "{text}");
    }
    for text in [
        "",
        "x",
        "1970",
        "1970-01",
        "1970-0101",
        "2023-02-29",
        "2024-13-01",
        "2024-00-01",
        "2024-01-00",
        "2024-01-01T24:00:00Z",
        "2024-01-01T23:60:00Z",
        "2024-01-01T23:59:60Z",
        "2024-01-01T12:00:00+24:00",
        "2024-01-01T12:00:00 Europe/Berlin",
        "2024-01-01Z",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    assert_eq!(instant("2024-02-29T14:34:56.789+02:00"), Some(1_709_210_096_789));
    assert_eq!(instant("2024-02-29T14:34:56.789"), None);
}

proptest! {
    #[test]
    fn a_local_time_comes_back_from_its_fields(millis in any::<i64>()) {
        let local = Local::of(millis);
        let fields = Fields {
            year: local.year(), month: local.month(), day: local.day(),
            hour: local.hour(), minute: local.minute(), second: local.second(), millisecond: local.millisecond(),
        };
        prop_assert!(fields.date_is_in_range() && fields.time_is_in_range());
        prop_assert_eq!(fields.local(), Some(millis));
    }

    #[test]
    fn no_text_panics(text in "[0-9TZ:.,+ -]{0,40}") {
        let _ = read(&text);
        let _ = Zone::find(&text);
    }
}
