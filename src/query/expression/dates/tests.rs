//! Dates by examples.

use crate::query::expression::tests::{check, refused};

const DAY: &str = r#"{"at": {"$date": {"$numberLong": "1483228800000"}}, "late": {"$date": {"$numberLong": "1388584905123"}}, "leap": {"$date": {"$numberLong": "1580428800000"}}}"#;

#[test]
fn parts_of_dates() {
    // 2014-01-01T14:01:45.123Z, a Wednesday.
    check(
        DAY,
        &[
            (r#"{"$year": "$late"}"#, "2014"),
            (r#"{"$month": "$late"}"#, "1"),
            (r#"{"$dayOfMonth": "$late"}"#, "1"),
            (r#"{"$hour": "$late"}"#, "14"),
            (r#"{"$hour": {"date": "$late", "timezone": "-03:30"}}"#, "10"),
            (r#"{"$minute": "$late"}"#, "1"),
            (r#"{"$second": "$late"}"#, "45"),
            (r#"{"$millisecond": "$late"}"#, "123"),
            (r#"{"$dayOfYear": "$late"}"#, "1"),
            (r#"{"$dayOfWeek": "$late"}"#, "4"),
            (r#"{"$week": "$late"}"#, "0"),
            (r#"{"$isoDayOfWeek": "$late"}"#, "3"),
            (r#"{"$isoWeek": "$at"}"#, "52"),
            (r#"{"$isoWeekYear": "$at"}"#, "2016"),
            (r#"{"$year": "$none"}"#, "null"),
            (
                r#"{"$dateToParts": {"date": "$at"}}"#,
                r#"{"year": 2017, "month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0, "millisecond": 0}"#,
            ),
            (
                r#"{"$dateToParts": {"date": "$at", "iso8601": true, "timezone": "+01"}}"#,
                r#"{"isoWeekYear": 2016, "isoWeek": 52, "isoDayOfWeek": 7, "hour": 1, "minute": 0, "second": 0, "millisecond": 0}"#,
            ),
            (
                r#"{"$dateFromParts": {"year": 2017, "month": 2, "day": 8, "hour": 12}}"#,
                r#"{"$date": {"$numberLong": "1486555200000"}}"#,
            ),
            (
                r#"{"$dateFromParts": {"year": 2018, "month": 14, "day": 0}}"#,
                r#"{"$date": {"$numberLong": "1548892800000"}}"#,
            ),
            (
                r#"{"$dateFromParts": {"isoWeekYear": 2017, "isoWeek": 6, "isoDayOfWeek": 3, "hour": 12}}"#,
                r#"{"$date": {"$numberLong": "1486555200000"}}"#,
            ),
        ],
    );
}

#[test]
fn dates_as_text_and_back() {
    check(
        DAY,
        &[
            (r#"{"$dateToString": {"date": "$late"}}"#, r#""2014-01-01T14:01:45.123Z""#),
            (
                r#"{"$dateToString": {"date": "$late", "format": "%Y-%m-%d %H:%M:%S:%L%z %j %u %V %G %U %w"}}"#,
                r#""2014-01-01 14:01:45:123+0000 001 3 01 2014 00 4""#,
            ),
            (
                r#"{"$dateToString": {"date": "$late", "format": "%H:%M %z %Z", "timezone": "-0400"}}"#,
                r#""10:01 -0400 -240""#,
            ),
            (r#"{"$dateToString": {"date": "$late", "format": "%b %B %%"}}"#, r#""Jan January %""#),
            (r#"{"$dateToString": {"date": null, "onNull": "none"}}"#, r#""none""#),
            (
                r#"{"$dateFromString": {"dateString": "2017-02-08T12:10:40.787"}}"#,
                r#"{"$date": {"$numberLong": "1486555840787"}}"#,
            ),
            (
                r#"{"$dateFromString": {"dateString": "2017-02-08T12:10:40.787", "timezone": "+01:00"}}"#,
                r#"{"$date": {"$numberLong": "1486552240787"}}"#,
            ),
            (
                r#"{"$dateFromString": {"dateString": "2017-02-08T12:10:40Z"}}"#,
                r#"{"$date": {"$numberLong": "1486555840000"}}"#,
            ),
            (
                r#"{"$dateFromString": {"dateString": "166 2018", "format": "%j %Y"}}"#,
                r#"{"$date": {"$numberLong": "1529020800000"}}"#,
            ),
            (
                r#"{"$dateFromString": {"dateString": "2018-W24-5 10:00 +120%", "format": "%G-W%V-%u %H:%M %Z%%"}}"#,
                r#"{"$date": {"$numberLong": "1529049600000"}}"#,
            ),
            (
                r#"{"$dateFromString": {"dateString": "15 june 2018 -0330", "format": "%d %B %Y %z"}}"#,
                r#"{"$date": {"$numberLong": "1529033400000"}}"#,
            ),
            (
                r#"{"$dateFromString": {"dateString": "06-15-2018", "format": "%m-%d-%Y"}}"#,
                r#"{"$date": {"$numberLong": "1529020800000"}}"#,
            ),
            (
                r#"{"$dateFromString": {"dateString": "15 Jun 2018", "format": "%d %b %Y"}}"#,
                r#"{"$date": {"$numberLong": "1529020800000"}}"#,
            ),
            (r#"{"$dateFromString": {"dateString": "bad", "onError": 1}}"#, "1"),
            (r#"{"$dateFromString": {"dateString": null, "onNull": 2}}"#, "2"),
        ],
    );
    refused(&[
        (r#"{"$dateFromString": {"dateString": "2017-02-30"}}"#, "cannot read '2017-02-30' as a date"),
        (r#"{"$dateFromString": {"dateString": "31 Feb", "format": "%d %b"}}"#, "by the format '%d %b'"),
        (r#"{"$dateFromString": {"dateString": "7 Juni", "format": "%d %b"}}"#, "by the format '%d %b'"),
        (
            r#"{"$dateFromString": {"dateString": "7", "format": "%q"}}"#,
            "does not know '%q' in a format for reading",
        ),
        (
            r#"{"$hour": {"date": {"$date": {"$numberLong": "0"}}, "timezone": "Europe/Bonn"}}"#,
            "does not know the time zone 'Europe/Bonn'",
        ),
        (
            r#"{"$dateToString": {"date": {"$date": {"$numberLong": "0"}}, "format": "%q"}}"#,
            "does not know '%q'",
        ),
    ]);
}

#[test]
fn steps_between_dates() {
    // `leap` is 2020-01-31.
    check(
        DAY,
        &[
            (
                r#"{"$dateAdd": {"startDate": "$leap", "unit": "month", "amount": 1}}"#,
                r#"{"$date": {"$numberLong": "1582934400000"}}"#,
            ),
            (
                r#"{"$dateAdd": {"startDate": "$leap", "unit": "day", "amount": 3}}"#,
                r#"{"$date": {"$numberLong": "1580688000000"}}"#,
            ),
            (
                r#"{"$dateSubtract": {"startDate": "$leap", "unit": "year", "amount": 1}}"#,
                r#"{"$date": {"$numberLong": "1548892800000"}}"#,
            ),
            (
                r#"{"$dateSubtract": {"startDate": "$leap", "unit": "hour", "amount": 1}}"#,
                r#"{"$date": {"$numberLong": "1580425200000"}}"#,
            ),
            (r#"{"$dateDiff": {"startDate": "$late", "endDate": "$at", "unit": "year"}}"#, "3"),
            (r#"{"$dateDiff": {"startDate": "$late", "endDate": "$at", "unit": "quarter"}}"#, "12"),
            (r#"{"$dateDiff": {"startDate": "$late", "endDate": "$at", "unit": "day"}}"#, "1096"),
            (
                r#"{"$dateDiff": {"startDate": "$leap", "endDate": {"$date": {"$numberLong": "1580601600000"}}, "unit": "week"}}"#,
                "1",
            ),
            (
                r#"{"$dateDiff": {"startDate": "$leap", "endDate": {"$date": {"$numberLong": "1580601600000"}}, "unit": "week", "startOfWeek": "Monday"}}"#,
                "0",
            ),
            (
                r#"{"$dateTrunc": {"date": "$late", "unit": "day"}}"#,
                r#"{"$date": {"$numberLong": "1388534400000"}}"#,
            ),
            (
                r#"{"$dateTrunc": {"date": "$late", "unit": "hour", "binSize": 2}}"#,
                r#"{"$date": {"$numberLong": "1388584800000"}}"#,
            ),
            (
                r#"{"$dateTrunc": {"date": "$leap", "unit": "month"}}"#,
                r#"{"$date": {"$numberLong": "1577836800000"}}"#,
            ),
            (
                r#"{"$dateTrunc": {"date": "$leap", "unit": "week", "startOfWeek": "monday"}}"#,
                r#"{"$date": {"$numberLong": "1580083200000"}}"#,
            ),
            (
                r#"{"$dateTrunc": {"date": "$leap", "unit": "quarter", "binSize": 2}}"#,
                r#"{"$date": {"$numberLong": "1577836800000"}}"#,
            ),
        ],
    );
    refused(&[
        (
            r#"{"$dateAdd": {"startDate": {"$date": {"$numberLong": "0"}}, "unit": "fortnight", "amount": 1}}"#,
            "unit 'fortnight'",
        ),
        (
            r#"{"$dateAdd": {"startDate": {"$date": {"$numberLong": "0"}}, "unit": "year", "amount": 300000}}"#,
            "range of dates",
        ),
        (r#"{"$dateAdd": {"startDate": 5, "unit": "year", "amount": 1}}"#, "needs a date"),
    ]);
}
