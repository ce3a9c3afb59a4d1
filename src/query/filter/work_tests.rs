//! Every operator of filters counts its work: a new one fails here until it has an example.

use std::sync::Arc;

use super::{Filter, OPERATORS};
use crate::document::Value;
use crate::error::{Error, Kind, Result};
use crate::query::expression::Constants;
use crate::query::large_values::{COARSE, N, large, list, unlimited};
use crate::query::testing::{encode, value};
use crate::work::{QUERY_MEMORY, Stop, Work};

fn stopped_filter(filter: &str, document: &Value, work: &Work) -> Result<(), Error> {
    let filter = encode(&value(filter));
    let filter = Filter::parse_with(filter.raw(), &Constants::default().within(work))?;
    filter.matches(encode(document).raw());
    work.believe(())
}

#[test]
fn every_filter_operator_stops_at_its_deadline_on_a_long_array() {
    let document = large();
    for name in OPERATORS {
        let filter = match *name {
            "$and" | "$nor" | "$or" => {
                format!(r#"{{"{name}": [{{"l": {{"$lt": -1}}}}, {{"l": {{"$lt": -1}}}}]}}"#)
            }
            "$expr" => r#"{"$expr": {"$gt": [{"$size": {"$filter": {"input": "$l", "cond": false}}}, 1]}}"#
                .to_owned(),
            "$jsonSchema" => {
                r#"{"$jsonSchema": {"properties": {"l": {"items": {"type": "number"}}}}}"#.to_owned()
            }
            "$all" => format!(r#"{{"l": {{"$all": {}}}}}"#, list(100, |n| format!("{}", n + 1))),
            "$elemMatch" => r#"{"l": {"$elemMatch": {"$lt": -1}}}"#.to_owned(),
            "$in" | "$nin" => format!(
                r#"{{"s": {{"{name}": ["x", {{"$regularExpression": {{"pattern": "zz", "options": ""}}}}]}}}}"#
            ),
            "$not" => r#"{"l": {"$not": {"$lt": -1}}}"#.to_owned(),
            "$mod" => r#"{"l": {"$mod": [2, 7]}}"#.to_owned(),
            "$regex" => r#"{"s": {"$regex": "zz"}}"#.to_owned(),
            "$type" => r#"{"l": {"$type": "objectId"}}"#.to_owned(),
            "$bitsAllClear" | "$bitsAllSet" | "$bitsAnyClear" | "$bitsAnySet" => {
                format!(r#"{{"s": {{"{name}": 7}}}}"#)
            }
            "$contains" => r#"{"l": {"$contains": -1}}"#.to_owned(),
            // They read an array once.
            "$exists" | "$size" => continue,
            _ => format!(r#"{{"s": {{"{name}": ""}}}}"#),
        };
        // Not equal to the first element.
        let filter =
            if *name == "$gt" || *name == "$gte" { r#"{"l": {"$gt": 99999999}}"#.to_owned() } else { filter };
        let work = unlimited();
        stopped_filter(&filter, &document, &work).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(work.steps() >= (N / COARSE) as u64, "{name} counts {} steps for {N} values", work.steps());
    }
    let all = format!(r#"{{"$or": {}}}"#, list(200, |n| format!(r#"{{"l": -{}}}"#, n + 1)));
    let stopped = stopped_filter(&all, &document, &Work::of_steps(100_000, usize::MAX)).unwrap_err();
    assert_eq!(stopped.kind(), Kind::Timeout);
}

#[test]
fn many_regular_expressions_are_refused_beyond_the_memory_of_their_query() {
    let filter = format!(
        r#"{{"s": {{"$in": {}}}}}"#,
        list(2_000, |n| format!(
            r#"{{"$regularExpression": {{"pattern": "(?:\\w{{250}}){{20}}{n}", "options": ""}}}}"#
        ))
    );
    let work = Work::new(Arc::new(|| 0), Stop::default(), QUERY_MEMORY);
    assert_eq!(stopped_filter(&filter, &Value::Null, &work).unwrap_err().kind(), Kind::Limit);
    let small = format!(
        r#"{{"s": {{"$in": {}}}}}"#,
        list(1_000, |n| format!(r#"{{"$regularExpression": {{"pattern": "^word{n}", "options": "i"}}}}"#))
    );
    let work = Work::new(Arc::new(|| 0), Stop::default(), QUERY_MEMORY);
    stopped_filter(&small, &large(), &work).unwrap();
}

/// This took minutes when it was quadratic: such a test would not end.
#[test]
fn all_of_many_values_takes_about_as_many_steps_as_there_are() {
    let numbers = list(50_000, |n| n.to_string());
    let document = value(&format!(r#"{{"l": {numbers}}}"#));
    stopped_filter(&format!(r#"{{"l": {{"$all": {numbers}}}}}"#), &document, &Work::default()).unwrap();
}
