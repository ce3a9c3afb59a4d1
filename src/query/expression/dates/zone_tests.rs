//! Operators on dates in time zones whose clocks change.

use crate::query::date;
use crate::query::expression::tests::{check, refused};

/// An expression and the time it gives, both with `~2024-01-31T12:00:00Z~` for dates.
fn gives(cases: &[(&str, &str)]) {
    let cases: Vec<(String, String)> = cases.iter().map(|(from, to)| (dates(from), dates(to))).collect();
    let cases: Vec<(&str, &str)> = cases.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    check("{}", &cases);
}

fn dates(text: &str) -> String {
    let part = |(at, part): (usize, &str)| match at % 2 {
        0 => part.to_owned(),
        _ => format!(
            r#"{{"$date": {{"$numberLong": "{}"}}}}"#,
            date::instant(part).unwrap_or_else(|| panic!("{part}"))
        ),
    };
    text.split('~').enumerate().map(part).collect()
}

#[test]
fn days_keep_the_time_of_the_clock_and_hours_are_elapsed_time() {
    gives(&[
        // Clocks of Berlin go on at 2024-03-31T01:00Z.
        (
            r#"{"$dateAdd": {"startDate": ~2024-03-30T11:00:00Z~, "unit": "day", "amount": 1, "timezone": "Europe/Berlin"}}"#,
            "~2024-03-31T10:00:00Z~",
        ),
        (
            r#"{"$dateAdd": {"startDate": ~2024-03-30T11:00:00Z~, "unit": "hour", "amount": 24, "timezone": "Europe/Berlin"}}"#,
            "~2024-03-31T11:00:00Z~",
        ),
        (
            r#"{"$dateSubtract": {"startDate": ~2024-04-07T10:00:00Z~, "unit": "week", "amount": 1, "timezone": "Europe/Berlin"}}"#,
            "~2024-03-31T10:00:00Z~",
        ),
        (
            r#"{"$dateSubtract": {"startDate": ~2024-04-30T10:00:00Z~, "unit": "month", "amount": 2, "timezone": "Europe/Berlin"}}"#,
            "~2024-02-29T11:00:00Z~",
        ),
        // The day of a month is that of the zone: in New York it is still January.
        (
            r#"{"$dateAdd": {"startDate": ~2024-02-01T03:00:00Z~, "unit": "month", "amount": 1, "timezone": "America/New_York"}}"#,
            "~2024-03-01T03:00:00Z~",
        ),
        // 02:30 is skipped.
        (
            r#"{"$dateAdd": {"startDate": ~2024-03-09T07:30:00Z~, "unit": "day", "amount": 1, "timezone": "America/New_York"}}"#,
            "~2024-03-10T07:30:00Z~",
        ),
        // 01:30 occurs twice: from summer it is the first, from winter the second.
        (
            r#"{"$dateAdd": {"startDate": ~2024-11-02T05:30:00Z~, "unit": "day", "amount": 1, "timezone": "America/New_York"}}"#,
            "~2024-11-03T05:30:00Z~",
        ),
        (
            r#"{"$dateSubtract": {"startDate": ~2024-11-04T06:30:00Z~, "unit": "day", "amount": 1, "timezone": "America/New_York"}}"#,
            "~2024-11-03T06:30:00Z~",
        ),
        (
            r#"{"$dateAdd": {"startDate": ~2024-11-03T05:30:00Z~, "unit": "hour", "amount": 1, "timezone": "America/New_York"}}"#,
            "~2024-11-03T06:30:00Z~",
        ),
        (
            r#"{"$dateAdd": {"startDate": ~2024-11-03T05:30:00Z~, "unit": "day", "amount": 0, "timezone": "America/New_York"}}"#,
            "~2024-11-03T05:30:00Z~",
        ),
        // A day of Samoa that there was not.
        (
            r#"{"$dateAdd": {"startDate": ~2011-12-29T22:00:00Z~, "unit": "day", "amount": 1, "timezone": "Pacific/Apia"}}"#,
            "~2011-12-30T22:00:00Z~",
        ),
    ]);
}

#[test]
fn borders_are_counted_in_the_zone() {
    gives(&[
        (
            r#"{"$dateDiff": {"startDate": ~2024-03-30T23:30:00Z~, "endDate": ~2024-03-31T21:30:00Z~, "unit": "day", "timezone": "Europe/Berlin"}}"#,
            "0",
        ),
        (
            r#"{"$dateDiff": {"startDate": ~2024-03-30T23:30:00Z~, "endDate": ~2024-03-31T22:00:00Z~, "unit": "day", "timezone": "Europe/Berlin"}}"#,
            "1",
        ),
        // A day of 23 hours.
        (
            r#"{"$dateDiff": {"startDate": ~2024-03-30T23:00:00Z~, "endDate": ~2024-03-31T22:00:00Z~, "unit": "hour", "timezone": "Europe/Berlin"}}"#,
            "23",
        ),
        (
            r#"{"$dateDiff": {"startDate": ~2024-10-26T22:00:00Z~, "endDate": ~2024-10-27T23:00:00Z~, "unit": "minute", "timezone": "Europe/Berlin"}}"#,
            "1500",
        ),
        (
            r#"{"$dateDiff": {"startDate": ~2024-01-01T04:59:00Z~, "endDate": ~2024-01-01T05:00:00Z~, "unit": "year", "timezone": "America/New_York"}}"#,
            "1",
        ),
        (
            r#"{"$dateDiff": {"startDate": ~2024-03-30T11:00:00Z~, "endDate": ~2024-03-31T22:30:00Z~, "unit": "week", "timezone": "Europe/Berlin", "startOfWeek": "mon"}}"#,
            "1",
        ),
        (
            r#"{"$dateDiff": {"startDate": ~2011-12-30T09:59:00Z~, "endDate": ~2011-12-30T10:00:00Z~, "unit": "day", "timezone": "Pacific/Apia"}}"#,
            "2",
        ),
        (
            r#"{"$dateDiff": {"startDate": ~2011-12-30T09:59:00Z~, "endDate": ~2011-12-30T10:00:00Z~, "unit": "minute", "timezone": "Pacific/Apia"}}"#,
            "1",
        ),
    ]);
}

#[test]
fn bins_of_days_start_at_midnight_of_the_zone_and_those_of_hours_are_elapsed_time() {
    gives(&[
        (
            r#"{"$dateTrunc": {"date": ~2024-07-10T21:30:00Z~, "unit": "day", "timezone": "Europe/Berlin"}}"#,
            "~2024-07-09T22:00:00Z~",
        ),
        (
            r#"{"$dateTrunc": {"date": ~2024-03-31T12:00:00Z~, "unit": "day", "timezone": "Europe/Berlin"}}"#,
            "~2024-03-30T23:00:00Z~",
        ),
        (
            r#"{"$dateTrunc": {"date": ~2024-07-10T21:30:00Z~, "unit": "month", "timezone": "America/New_York"}}"#,
            "~2024-07-01T04:00:00Z~",
        ),
        (
            r#"{"$dateTrunc": {"date": ~2024-01-01T03:00:00Z~, "unit": "year", "timezone": "America/New_York"}}"#,
            "~2023-01-01T05:00:00Z~",
        ),
        (
            r#"{"$dateTrunc": {"date": ~2024-07-10T21:30:00Z~, "unit": "week", "timezone": "Europe/Berlin", "startOfWeek": "Monday"}}"#,
            "~2024-07-07T22:00:00Z~",
        ),
        // The first 02:30 and the second lie in different bins of an hour.
        (
            r#"{"$dateTrunc": {"date": ~2024-10-27T00:30:00Z~, "unit": "hour", "timezone": "Europe/Berlin"}}"#,
            "~2024-10-27T00:00:00Z~",
        ),
        (
            r#"{"$dateTrunc": {"date": ~2024-10-27T01:30:00Z~, "unit": "hour", "timezone": "Europe/Berlin"}}"#,
            "~2024-10-27T01:00:00Z~",
        ),
        // Six hours from midnight of winter time.
        (
            r#"{"$dateTrunc": {"date": ~2024-07-10T11:30:00Z~, "unit": "hour", "binSize": 6, "timezone": "Europe/Berlin"}}"#,
            "~2024-07-10T11:00:00Z~",
        ),
        // Hours start at :30 of UTC in Kolkata.
        (
            r#"{"$dateTrunc": {"date": ~2024-07-10T11:45:00Z~, "unit": "hour", "timezone": "Asia/Kolkata"}}"#,
            "~2024-07-10T11:30:00Z~",
        ),
        // Midnight of this day is skipped in Sao Paulo.
        (
            r#"{"$dateTrunc": {"date": ~2018-11-04T12:00:00Z~, "unit": "day", "timezone": "America/Sao_Paulo"}}"#,
            "~2018-11-04T03:00:00Z~",
        ),
    ]);
}

#[test]
fn parts_and_texts_are_those_of_the_zone() {
    gives(&[
        (r#"{"$hour": {"date": ~2024-07-10T21:30:00Z~, "timezone": "Australia/Lord_Howe"}}"#, "8"),
        (r#"{"$dayOfMonth": {"date": ~2024-07-10T21:30:00Z~, "timezone": "Australia/Lord_Howe"}}"#, "11"),
        (
            r#"{"$dateToParts": {"date": ~2024-07-10T21:30:00Z~, "timezone": "Asia/Kolkata"}}"#,
            r#"{"year": 2024, "month": 7, "day": 11, "hour": 3, "minute": 0, "second": 0, "millisecond": 0}"#,
        ),
        (
            r#"{"$dateToString": {"date": ~2024-07-10T21:30:00Z~, "timezone": "America/New_York"}}"#,
            r#""2024-07-10T17:30:00.000""#,
        ),
        (
            r#"{"$dateToString": {"date": ~2024-01-10T21:30:00Z~, "timezone": "America/New_York", "format": "%H %z %Z"}}"#,
            r#""16 -0500 -300""#,
        ),
        (
            r#"{"$dateFromParts": {"year": 2024, "month": 7, "hour": 12, "timezone": "Europe/Berlin"}}"#,
            "~2024-07-01T10:00:00Z~",
        ),
        (
            r#"{"$dateFromParts": {"isoWeekYear": 2024, "isoWeek": 13, "isoDayOfWeek": 7, "hour": 2, "minute": 30, "timezone": "Europe/Berlin"}}"#,
            "~2024-03-31T01:30:00Z~",
        ),
        (
            r#"{"$dateFromParts": {"year": 2024, "month": 10, "day": 27, "hour": 2, "minute": 30, "timezone": "Europe/Berlin"}}"#,
            "~2024-10-27T01:30:00Z~",
        ),
        (
            r#"{"$dateFromString": {"dateString": "2024-07-10 12:00", "timezone": "America/New_York"}}"#,
            "~2024-07-10T16:00:00Z~",
        ),
        (
            r#"{"$dateFromString": {"dateString": "10.07.2024", "format": "%d.%m.%Y", "timezone": "America/New_York"}}"#,
            "~2024-07-10T04:00:00Z~",
        ),
        (
            r#"{"$dateFromString": {"dateString": "2024-07-10T12:00:00Z", "timezone": "America/New_York", "onError": 1}}"#,
            "1",
        ),
        (r#"{"$hour": {"date": ~2024-07-10T21:30:00Z~, "timezone": null}}"#, "null"),
    ]);
    refused(&[
        (
            r#"{"$hour": {"date": {"$date": {"$numberLong": "0"}}, "timezone": "europe/berlin"}}"#,
            "does not know the time zone 'europe/berlin'; its name is 'Europe/Berlin'",
        ),
        (
            r#"{"$dateToString": {"date": {"$date": {"$numberLong": "0"}}, "timezone": {"$concat": ["Nowhere", "/City"]}}}"#,
            "does not know the time zone 'Nowhere/City'; use a name of the IANA database",
        ),
        (
            r#"{"$dateFromString": {"dateString": "2024-07-10T12:00:00+01:00", "timezone": "Europe/Berlin"}}"#,
            "takes a string with an offset or the argument timezone, not both",
        ),
    ]);
}

#[test]
fn a_zone_that_is_a_constant_is_looked_at_before_any_document() {
    let expression =
        crate::query::testing::value(r#"{"$hour": {"date": "$none", "timezone": "Nowhere/City"}}"#);
    let refused = crate::query::expression::Expression::parse_node(&expression).unwrap_err();
    assert_eq!(refused.code().map(|code| code.number()), Some(40485));
}
