//! Every operator counts its work: a new one fails here until it has an example.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Env, Expression, Rooted, Scope, operators};
use crate::document::Value;
use crate::error::{Kind, Result};
use crate::query::large_values::{COARSE, N, large, unlimited};
use crate::query::testing::value;
use crate::work::{QUERY_MEMORY, Stop, Work};

fn eval(expression: &Value, document: &Value, work: &Work) -> Result<Option<Value>> {
    let env = Env::new(0, 7).within(work.clone());
    Expression::parse_node(expression)?.eval(&Scope::new(&Rooted(document), &env))
}

/// Operators whose own work does not grow with their operands.
const CONSTANT: &[&str] = &[
    "$abs",
    "$acos",
    "$acosh",
    "$add",
    "$and",
    "$arrayElemAt",
    "$asin",
    "$asinh",
    "$atan",
    "$atan2",
    "$atanh",
    "$binarySize",
    "$bitAnd",
    "$bitNot",
    "$bitOr",
    "$bitXor",
    "$bsonSize",
    "$ceil",
    "$cmp",
    "$concat",
    "$cond",
    "$const",
    "$convert",
    "$cos",
    "$cosh",
    "$dateAdd",
    "$dateDiff",
    "$dateFromParts",
    "$dateFromString",
    "$dateSubtract",
    "$dateToParts",
    "$dateToString",
    "$dateTrunc",
    "$dayOfMonth",
    "$dayOfWeek",
    "$dayOfYear",
    "$degreesToRadians",
    "$divide",
    "$eq",
    "$exp",
    "$expr",
    "$first",
    "$firstN",
    "$floor",
    "$getField",
    "$gt",
    "$gte",
    "$hour",
    "$ifNull",
    "$isArray",
    "$isNumber",
    "$isoDayOfWeek",
    "$isoWeek",
    "$isoWeekYear",
    "$last",
    "$lastN",
    "$literal",
    "$ln",
    "$log",
    "$log10",
    "$lt",
    "$lte",
    "$millisecond",
    "$minute",
    "$mod",
    "$month",
    "$multiply",
    "$ne",
    "$not",
    "$or",
    "$pow",
    "$radiansToDegrees",
    "$rand",
    "$reverseArray",
    "$round",
    "$second",
    "$sigmoid",
    "$sin",
    "$sinh",
    "$size",
    "$slice",
    "$sqrt",
    "$strLenBytes",
    "$strLenCP",
    "$strcasecmp",
    "$substr",
    "$substrBytes",
    "$substrCP",
    "$subtract",
    "$switch",
    "$tan",
    "$tanh",
    "$toBool",
    "$toDate",
    "$toDouble",
    "$toInt",
    "$toLong",
    "$toLower",
    "$toObjectId",
    "$toString",
    "$toUpper",
    "$trunc",
    "$type",
    "$week",
    "$year",
    "$let",
];

/// Operators that loop over large operands, and the fields that they read.
const LOOPING: &[(&str, &str, &[&str])] = &[
    ("$allElementsTrue", r#"{"$allElementsTrue": ["$l"]}"#, &["$l"]),
    ("$anyElementTrue", r#"{"$anyElementTrue": ["$l"]}"#, &["$l"]),
    ("$arrayToObject", r#"{"$arrayToObject": "$p"}"#, &["$p"]),
    ("$avg", r#"{"$avg": "$l"}"#, &["$l"]),
    ("$concatArrays", r#"{"$concatArrays": ["$l", "$m"]}"#, &["$l", "$m"]),
    ("$filter", r#"{"$filter": {"input": "$l", "cond": false}}"#, &["$l"]),
    ("$in", r#"{"$in": [-1, "$l"]}"#, &["$l"]),
    ("$indexOfArray", r#"{"$indexOfArray": ["$l", -1]}"#, &["$l"]),
    ("$indexOfBytes", r#"{"$indexOfBytes": ["$t", "xyz"]}"#, &["$t"]),
    ("$indexOfCP", r#"{"$indexOfCP": ["$t", "xyz"]}"#, &["$t"]),
    ("$ltrim", r#"{"$ltrim": {"input": "$t", "chars": "ab,"}}"#, &["$t"]),
    ("$map", r#"{"$map": {"input": "$l", "in": 1}}"#, &["$l"]),
    ("$max", r#"{"$max": "$l"}"#, &["$l"]),
    ("$maxN", r#"{"$maxN": {"input": "$l", "n": 3}}"#, &["$l"]),
    ("$median", r#"{"$median": {"input": "$l", "method": "approximate"}}"#, &["$l"]),
    ("$mergeObjects", r#"{"$mergeObjects": ["$w", "$w"]}"#, &["$w", "$w"]),
    ("$min", r#"{"$min": "$l"}"#, &["$l"]),
    ("$minN", r#"{"$minN": {"input": "$l", "n": 3}}"#, &["$l"]),
    ("$objectToArray", r#"{"$objectToArray": "$w"}"#, &["$w"]),
    ("$percentile", r#"{"$percentile": {"input": "$l", "p": [0.5], "method": "approximate"}}"#, &["$l"]),
    ("$range", r#"{"$range": [0, 20000]}"#, &[]),
    ("$reduce", r#"{"$reduce": {"input": "$l", "initialValue": 0, "in": 1}}"#, &["$l"]),
    ("$regexFind", r#"{"$regexFind": {"input": "$t", "regex": "xyz"}}"#, &["$t"]),
    ("$regexFindAll", r#"{"$regexFindAll": {"input": "$t", "regex": "b"}}"#, &["$t"]),
    ("$regexMatch", r#"{"$regexMatch": {"input": "$t", "regex": "xyz"}}"#, &["$t"]),
    ("$replaceAll", r#"{"$replaceAll": {"input": "$t", "find": "b", "replacement": "c"}}"#, &["$t"]),
    ("$replaceOne", r#"{"$replaceOne": {"input": "$t", "find": "z", "replacement": "c"}}"#, &["$t"]),
    ("$rtrim", r#"{"$rtrim": {"input": "$t", "chars": "ab,"}}"#, &["$t"]),
    ("$setDifference", r#"{"$setDifference": ["$l", "$m"]}"#, &["$l", "$m"]),
    ("$setEquals", r#"{"$setEquals": ["$l", "$m"]}"#, &["$l", "$m"]),
    ("$setField", r#"{"$setField": {"field": "x", "input": "$w", "value": 1}}"#, &["$w"]),
    ("$setIntersection", r#"{"$setIntersection": ["$l", "$m"]}"#, &["$l", "$m"]),
    ("$setIsSubset", r#"{"$setIsSubset": ["$l", "$m"]}"#, &["$l", "$m"]),
    ("$setUnion", r#"{"$setUnion": ["$l", "$m"]}"#, &["$l", "$m"]),
    ("$sortArray", r#"{"$sortArray": {"input": "$l", "sortBy": 1}}"#, &["$l"]),
    ("$split", r#"{"$split": ["$t", ","]}"#, &["$t"]),
    ("$stdDevPop", r#"{"$stdDevPop": "$l"}"#, &["$l"]),
    ("$stdDevSamp", r#"{"$stdDevSamp": "$l"}"#, &["$l"]),
    ("$sum", r#"{"$sum": "$l"}"#, &["$l"]),
    ("$trim", r#"{"$trim": {"input": "$t", "chars": "ab,"}}"#, &["$t"]),
    ("$unsetField", r#"{"$unsetField": {"field": "x", "input": "$w"}}"#, &["$w"]),
    ("$zip", r#"{"$zip": {"inputs": ["$l", "$m"]}}"#, &["$l", "$m"]),
];

#[test]
fn every_expression_operator_counts_what_it_loops_over() {
    let known: BTreeSet<&str> =
        CONSTANT.iter().copied().chain(LOOPING.iter().map(|(name, ..)| *name)).collect();
    let missing: Vec<&str> = operators().into_iter().filter(|name| !known.contains(name)).collect();
    assert!(missing.is_empty(), "no example of work for {missing:?}: put them into CONSTANT or LOOPING");
    let document = large();
    for (name, text, fields) in LOOPING {
        let (all, operands) = (unlimited(), unlimited());
        eval(&value(text), &document, &all).unwrap_or_else(|error| panic!("{name}: {error}"));
        for field in *fields {
            eval(&Value::String((*field).to_owned()), &document, &operands).unwrap();
        }
        let own = all.steps() - operands.steps();
        assert!(own >= (N / COARSE) as u64, "{name} counts {own} steps of its own for {N} values");
    }
}

#[test]
fn an_expression_that_does_much_stops_at_its_deadline() {
    let document = large();
    for (name, text, _) in LOOPING {
        let slow = value(&format!(r#"{{"$map": {{"input": "$l", "as": "x", "in": {text}}}}}"#));
        let stopped = eval(&slow, &document, &Work::of_steps(100_000, usize::MAX)).unwrap_err();
        assert_eq!(stopped.kind(), Kind::Timeout, "{name}: {stopped}");
    }
}

#[test]
fn an_expression_that_makes_much_is_refused_beyond_the_memory_of_its_query() {
    let document = large();
    for text in [
        r#"{"$range": [0, 3900000]}"#,
        r#"[{"$range": [0, 900000]}, {"$range": [0, 900000]}, {"$range": [0, 900000]}, {"$range": [0, 900000]}]"#,
        r#"{"$size": {"$map": {"input": "$l", "in": {"$range": [0, 10000]}}}}"#,
        r#"{"$reduce": {"input": "$l", "initialValue": [1], "in": {"$concatArrays": ["$$value", "$$value"]}}}"#,
        r#"{"$reduce": {"input": {"$range": [0, 60]}, "initialValue": "xxxxxxxx", "in": ["$$value", "$$value"]}}"#,
        r#"{"$reduce": {"input": {"$range": [0, 60]}, "initialValue": "xxxxxxxx", "in": {"a": "$$value", "b": "$$value"}}}"#,
        r#"{"$zip": {"inputs": [{"$range": [0, 900000]}, {"$range": [0, 900000]}, {"$range": [0, 900000]}]}}"#,
        r#"{"$setUnion": [{"$range": [0, 900000]}, {"$range": [900000, 1800000]}, {"$range": [0, 900000]}, {"$range": [0, 900000]}]}"#,
        r#"{"$map": {"input": "$l", "in": "$w"}}"#,
        r#"{"$map": {"input": "$l", "in": "$$ROOT"}}"#,
        r#"{"$map": {"input": "$l", "in": {"$split": ["$t", ","]}}}"#,
        r#"{"$map": {"input": "$l", "in": {"$objectToArray": "$w"}}}"#,
        r#"{"$map": {"input": "$l", "in": {"$concat": ["$t", "$t"]}}}"#,
        r#"{"$map": {"input": "$l", "in": {"$regexFindAll": {"input": "$t", "regex": "a"}}}}"#,
    ] {
        let work = Work::new(Arc::new(|| 0), Stop::default(), QUERY_MEMORY);
        match eval(&value(text), &document, &work) {
            Err(error) => assert_eq!(error.kind(), Kind::Limit, "{text}: {error}"),
            Ok(_) => panic!("{text} was not refused"),
        }
    }
}

#[test]
fn what_an_expression_needs_for_a_moment_only_does_not_add_up() {
    let work = Work::new(Arc::new(|| 0), Stop::default(), 16 << 20);
    for text in [
        r#"{"$map": {"input": {"$range": [0, 100]}, "in": {"$size": {"$range": [0, 100000]}}}}"#,
        r#"{"$sum": {"$map": {"input": {"$range": [0, 100]}, "in": {"$size": {"$filter": {"input": {"$range": [0, 100000]}, "cond": false}}}}}}"#,
        r#"{"$size": {"$reduce": {"input": {"$range": [0, 3000]}, "initialValue": [], "in": {"$concatArrays": ["$$value", ["$$this"]]}}}}"#,
    ] {
        eval(&value(text), &Value::Null, &work).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    assert_eq!(work.held(), 0);
}

/// These took from half a minute to hours when they were quadratic: such a test would not end.
#[test]
fn what_works_on_many_values_takes_about_as_many_steps_as_there_are() {
    const MANY: usize = 200_000;
    let keys = format!(
        r#"{{"$map": {{"input": {{"$range": [0, {MANY}]}}, "in": [{{"$toString": "$$this"}}, 1]}}}}"#
    );
    let numbers = format!(r#"{{"$range": [0, {MANY}]}}"#);
    let object = format!(r#"{{"$arrayToObject": {keys}}}"#);
    for text in [
        format!(r#"{{"$size": {{"$objectToArray": {{"$mergeObjects": [{object}, {object}]}}}}}}"#),
        format!(r#"{{"$size": {{"$setUnion": [{numbers}, {numbers}]}}}}"#),
        format!(r#"{{"$size": {{"$setDifference": [{numbers}, {numbers}]}}}}"#),
        format!(r#"{{"$indexOfBytes": ["{}", "{}b"]}}"#, "a".repeat(MANY * 4), "a".repeat(MANY * 2)),
        format!(r#"{{"$trim": {{"input": "{}", "chars": "{}a"}}}}"#, "a".repeat(MANY), "b".repeat(MANY)),
    ] {
        eval(&value(&text), &Value::Null, &unlimited()).unwrap();
    }
}
