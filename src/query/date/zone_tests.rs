//! Zones against facts of the IANA database.

use super::*;

const HOUR: i64 = 3_600_000;

fn at(text: &str) -> i64 {
    instant(text).unwrap_or_else(|| panic!("{text} is no time"))
}

fn zone(name: &str) -> Zone {
    Zone::find(name).unwrap_or_else(|| panic!("{name} is no zone"))
}

/// The transition, and the minutes east of UTC before and behind it.
const TRANSITIONS: &[(&str, &str, i64, i64)] = &[
    ("Europe/Berlin", "2024-03-31T01:00:00Z", 60, 120),
    ("Europe/Berlin", "2024-10-27T01:00:00Z", 120, 60),
    ("Europe/Berlin", "2050-03-27T01:00:00Z", 60, 120),
    ("Europe/London", "2024-03-31T01:00:00Z", 0, 60),
    ("America/New_York", "2006-04-02T07:00:00Z", -300, -240),
    ("America/New_York", "2024-03-10T07:00:00Z", -300, -240),
    ("America/New_York", "2024-11-03T06:00:00Z", -240, -300),
    ("Australia/Sydney", "2024-04-06T16:00:00Z", 660, 600),
    ("Australia/Sydney", "2024-10-05T16:00:00Z", 600, 660),
    ("Australia/Lord_Howe", "2024-04-06T15:00:00Z", 660, 630),
    ("Australia/Lord_Howe", "2024-10-05T15:30:00Z", 630, 660),
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z", -180, -120),
    ("America/Caracas", "2007-12-09T07:00:00Z", -240, -270),
    ("America/Caracas", "2016-05-01T07:00:00Z", -270, -240),
    ("Europe/Moscow", "2011-03-26T23:00:00Z", 180, 240),
    ("Europe/Moscow", "2014-10-25T22:00:00Z", 240, 180),
    ("Asia/Pyongyang", "2018-05-04T15:00:00Z", 510, 540),
    ("Asia/Kathmandu", "1985-12-31T18:30:00Z", 330, 345),
    ("Pacific/Apia", "2011-12-30T10:00:00Z", -600, 840),
];

#[test]
fn offsets_change_at_the_transitions_and_not_a_millisecond_before() {
    for &(name, time, before, behind) in TRANSITIONS {
        let (zone, time) = (zone(name), at(time));
        assert_eq!(zone.offset(time - 1), before * 60_000, "{name}");
        assert_eq!(zone.offset(time), behind * 60_000, "{name}");
    }
    for time in
        ["1970-01-01T00:00:00Z", "2024-01-01T00:00:00Z", "2024-07-01T00:00:00Z", "9999-07-01T00:00:00Z"]
    {
        assert_eq!(zone("Asia/Kolkata").offset(at(time)), 330 * 60_000, "{time}");
    }
    // Local mean time.
    assert_eq!(zone("Europe/Berlin").offset(at("1890-01-01T00:00:00Z")), (53 * 60 + 28) * 1_000);
}

#[test]
fn a_skipped_time_is_counted_on_from_the_transition() {
    for &(name, time, before, behind) in TRANSITIONS.iter().filter(|row| row.2 < row.3) {
        let (zone, time) = (zone(name), at(time));
        let skipped = time + before * 60_000;
        for dst in [false, true] {
            assert_eq!(zone.instant(skipped - 1, dst), time - 1, "{name}");
            assert_eq!(zone.instant(skipped, dst), time, "{name}");
            assert_eq!(zone.instant(skipped + 600_000, dst), time + 600_000, "{name}");
            assert_eq!(zone.instant(time + behind * 60_000, dst), time, "{name}");
        }
    }
    // The 30th of December 2011 is no day of Samoa.
    assert_eq!(zone("Pacific/Apia").instant(at("2011-12-30T12:00:00Z"), false), at("2011-12-30T22:00:00Z"));
}

#[test]
fn a_time_that_occurs_twice_is_the_one_that_the_flag_of_daylight_saving_tells() {
    let names = ["Europe/Berlin", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe"];
    for &(name, time, before, behind) in
        TRANSITIONS.iter().filter(|row| row.2 > row.3 && names.contains(&row.0))
    {
        let (zone, time) = (zone(name), at(time));
        let twice = time + behind * 60_000 + 600_000;
        assert_eq!(zone.instant(twice, true), twice - before * 60_000, "{name}");
        assert_eq!(zone.instant(twice, false), twice - behind * 60_000, "{name}");
    }
    // The law changed the standard time itself.
    for dst in [false, true] {
        assert_eq!(
            zone("Europe/Moscow").instant(at("2014-10-26T01:30:00Z"), dst),
            at("2014-10-25T22:30:00Z")
        );
        assert_eq!(
            zone("America/Caracas").instant(at("2007-12-09T02:45:00Z"), dst),
            at("2007-12-09T06:45:00Z")
        );
    }
}

#[test]
fn an_instant_comes_back_from_its_local_time() {
    for name in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata"] {
        let zone = zone(name);
        let mut time = at("1850-01-01T00:00:00Z");
        while time < at("2100-01-01T00:00:00Z") {
            assert_eq!(zone.instant(zone.local(time), zone.is_dst(time)), time, "{name} {time}");
            time += 41 * HOUR + 1;
        }
    }
}

#[test]
fn rules_go_on_beyond_the_years_that_jiff_knows() {
    let (zone, cycle) = (zone("Europe/Berlin"), 146_097 * DAY);
    for (time, hours) in [("2400-01-15T12:00:00Z", 1), ("2400-07-15T12:00:00Z", 2)] {
        for cycles in [0, 1, 18, 19, 20, 600] {
            let far = at(time) + cycles * cycle;
            assert_eq!(zone.offset(far), hours * HOUR, "{time} {cycles}");
            assert_eq!(zone.instant(far + hours * HOUR, false), far);
        }
    }
    assert_eq!(zone.offset(-8_640_000_000_000_000), zone.offset(at("1800-01-01T00:00:00Z")));
}

#[test]
fn names_are_those_of_the_database_in_their_own_case() {
    for name in ["Europe/Berlin", "US/Eastern", "Etc/GMT+5", "EST5EDT", "Asia/Calcutta", "GMT", "UTC"] {
        assert!(Zone::find(name).is_some(), "{name}");
    }
    for name in [
        "europe/berlin",
        "EUROPE/BERLIN",
        "utc",
        "Etc/Unknown",
        "Nowhere/City",
        "",
        "+1",
        "+25",
        "+0160",
        "+5:30",
        "--05",
    ] {
        assert!(Zone::find(name).is_none(), "{name}");
    }
    assert_eq!(Zone::similar("europe/berlin").as_deref(), Some("Europe/Berlin"));
    assert_eq!(Zone::similar("Etc/Unknown"), None);
    for (text, minutes) in [("+03", 180), ("-0330", -210), ("+05:30", 330), ("-00:00", 0)] {
        assert_eq!(Zone::offset_of(text), Some(minutes * 60_000), "{text}");
    }
    assert_eq!(zone("Etc/GMT+5").offset(0), -5 * HOUR);
}
