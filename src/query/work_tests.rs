//! Every operator, accumulator and stage counts its work: a new one fails here until it has an example.
//!
//! Steps are counted instead of time: an operator on n values must count a number of steps proportional to n, besides
//! those of its operands, or it would miss its deadline. An operator that allocates more than its operands take must
//! be refused beyond the memory of its query.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Filter;
use super::aggregate::{ACCUMULATORS, Access, Lists, Pipeline, STAGES};
use super::expression::{Constants, Env, Expression, Rooted, Scope, operators};
use super::testing::{encode, value};
use crate::document::Value;
use crate::error::{Error, Kind, Result};
use crate::query::filter::OPERATORS;
use crate::work::{QUERY_MEMORY, Stop, Work};

/// Elements, fields and characters of the operands.
const N: usize = 20_000;
/// The largest number of them that one step may cover.
const COARSE: usize = 256;

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    let mut out = String::from("[");
    for n in 0..count {
        let _ = write!(out, "{}{}", if n > 0 { "," } else { "" }, item(n));
    }
    out + "]"
}

fn wide(count: usize) -> String {
    let mut out = String::from("{");
    for n in 0..count {
        let _ = write!(out, "{}\"k{n}\":{}", if n > 0 { "," } else { "" }, n + 1);
    }
    out + "}"
}

/// A document with large values of every type.
fn large() -> Value {
    value(&format!(
        r#"{{"_id": 1, "l": {}, "m": {}, "p": {}, "t": "{}a", "w": {}, "s": {}}}"#,
        list(N, |n| (N - n).to_string()),
        list(N, |n| (n * 2).to_string()),
        list(N, |n| format!("[\"k{n}\",{n}]")),
        "ab,".repeat(N),
        wide(N),
        list(N, |n| format!("\"s{n}\"")),
    ))
}

fn unlimited() -> Work {
    Work::new(Arc::new(|| 0), Stop::default(), usize::MAX)
}

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

/// Runs a pipeline on documents of `{ _id, n, s, o, l }`.
fn run(pipeline: &str, documents: usize, work: &Work) -> Result<usize> {
    let one = |n: usize| {
        value(&format!(
            r#"{{"_id": {n}, "n": {n}, "s": "a string of some length {n}", "o": {{"k{n}": {n}}}, "l": [1, 2, 3]}}"#
        ))
    };
    let lists = Lists::default();
    lists.0.lock().unwrap().insert("c".to_owned(), (0..documents).map(one).collect());
    let access: Arc<dyn Access> = Arc::new(lists);
    let pipeline = encode(&value(pipeline));
    let parsed = Pipeline::parse_with(pipeline.raw(), &Constants::default().within(work))?;
    let env = Arc::new(Env::new(0, 7).within(work.clone()));
    let mut rows = parsed.open("c", &env, &access)?;
    let mut count = 0;
    while rows.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// A stage of each kind.
const EXAMPLES: &[(&str, &str)] = &[
    ("$addFields", r#"{"$addFields": {"x": "$n"}}"#),
    ("$bucket", r#"{"$bucket": {"groupBy": "$n", "boundaries": [0, 10], "default": 11}}"#),
    ("$bucketAuto", r#"{"$bucketAuto": {"groupBy": "$n", "buckets": 7}}"#),
    ("$count", r#"{"$count": "n"}"#),
    ("$facet", r#"{"$facet": {"a": [{"$skip": 1}], "b": [{"$sort": {"n": 1}}]}}"#),
    ("$group", r#"{"$group": {"_id": {"$concat": ["$s", "x"]}}}"#),
    ("$limit", r#"{"$limit": 1000000}"#),
    ("$lookup", r#"{"$lookup": {"from": "c", "localField": "n", "foreignField": "n", "as": "x"}}"#),
    ("$match", r#"{"$match": {"$expr": {"$gt": ["$n", 5]}}}"#),
    ("$merge", r#"{"$merge": "o"}"#),
    ("$out", r#"{"$out": "o"}"#),
    ("$project", r#"{"$project": {"n": 1}}"#),
    ("$replaceRoot", r#"{"$replaceRoot": {"newRoot": "$o"}}"#),
    ("$replaceWith", r#"{"$replaceWith": "$o"}"#),
    ("$sample", r#"{"$sample": {"size": 1000000}}"#),
    ("$set", r#"{"$set": {"x": "$n"}}"#),
    ("$skip", r#"{"$skip": 3}"#),
    ("$sort", r#"{"$sort": {"s": -1}}"#),
    ("$sortByCount", r#"{"$sortByCount": "$s"}"#),
    ("$unionWith", r#"{"$unionWith": "c"}"#),
    ("$unset", r#"{"$unset": "s"}"#),
    ("$unwind", r#"{"$unwind": "$l"}"#),
];

#[test]
fn every_stage_stops_at_its_deadline() {
    let known: BTreeSet<&str> = EXAMPLES.iter().map(|(name, _)| *name).chain(["$documents"]).collect();
    let missing: Vec<&&str> = STAGES.iter().filter(|name| !known.contains(**name)).collect();
    assert!(missing.is_empty(), "no example of work for {missing:?}");
    for (name, stage) in EXAMPLES {
        // Documents that do not come from a scan, so that the stage itself has to count.
        let pipeline = format!(
            r#"[{{"$documents": {{"$map": {{"input": {{"$range": [0, 4000]}}, "as": "x", "in": {{"_id": "$$x", "n": "$$x", "s": {{"$toString": "$$x"}}, "o": {{"k": "$$x"}}, "l": [1, 2, 3]}}}}}}}}, {stage}]"#
        );
        let all = unlimited();
        run(&pipeline, 0, &all).unwrap_or_else(|error| panic!("{name}: {error}"));
        let parse = unlimited();
        run(&pipeline.replace(&format!(", {stage}"), r#", {"$limit": 1}"#), 0, &parse).unwrap();
        let own = all.steps() - parse.steps();
        assert!(own >= 3_900, "{name} counts {own} steps for 4,000 documents");
        let many = pipeline.replace("4000", "40000");
        let stopped = run(&many, 0, &Work::of_steps(parse.steps() * 10 + 8_192, usize::MAX)).unwrap_err();
        assert_eq!(stopped.kind(), Kind::Timeout, "{name}: {stopped}");
    }
}

#[test]
fn every_accumulator_stops_at_its_deadline_and_those_that_keep_much_at_the_limit() {
    const KEEPING: &[&str] =
        &["$addToSet", "$bottomN", "$firstN", "$lastN", "$maxN", "$mergeObjects", "$minN", "$push", "$topN"];
    for name in ACCUMULATORS {
        let operand = match *name {
            "$count" => "{}".to_owned(),
            "$mergeObjects" => r#""$o""#.to_owned(),
            "$firstN" | "$lastN" | "$minN" | "$maxN" => r#"{"input": "$s", "n": 1000000}"#.to_owned(),
            "$top" | "$bottom" => r#"{"sortBy": {"n": 1}, "output": "$s"}"#.to_owned(),
            "$topN" | "$bottomN" => r#"{"sortBy": {"n": 1}, "output": "$s", "n": 1000000}"#.to_owned(),
            "$median" => r#"{"input": "$n", "method": "approximate"}"#.to_owned(),
            "$percentile" => r#"{"input": "$n", "p": [0.5], "method": "approximate"}"#.to_owned(),
            "$push" | "$addToSet" | "$first" | "$last" | "$min" | "$max" => r#""$s""#.to_owned(),
            _ => r#""$n""#.to_owned(),
        };
        let pipeline =
            format!(r#"[{{"$limit": 100000}}, {{"$group": {{"_id": null, "x": {{"{name}": {operand}}}}}}}]"#);
        let stopped = run(&pipeline, 6_000, &Work::of_steps(4_096, usize::MAX)).unwrap_err();
        assert_eq!(stopped.kind(), Kind::Timeout, "{name}: {stopped}");
        let held = Work::new(Arc::new(|| 0), Stop::default(), 100_000);
        let answered = run(&pipeline, 6_000, &held);
        if KEEPING.contains(name) {
            let error = answered.expect_err(name);
            assert_eq!(error.kind(), Kind::Limit, "{name}: {error}");
            assert!(error.message().starts_with("$group would hold more than 100000 bytes"), "{error}");
        } else {
            answered.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

#[test]
fn stages_that_gather_are_refused_beyond_the_memory_of_their_query_and_give_it_back() {
    for stage in [
        r#"{"$sort": {"s": 1}}"#,
        r#"{"$sample": {"size": 100000}}"#,
        r#"{"$bucketAuto": {"groupBy": "$n", "buckets": 3}}"#,
        r#"{"$facet": {"a": [{"$skip": 0}]}}"#,
        r#"{"$group": {"_id": "$s"}}"#,
        r#"{"$lookup": {"from": "c", "pipeline": [], "as": "x"}}"#,
        r#"{"$lookup": {"from": "c", "localField": "n", "foreignField": "n", "as": "x"}}"#,
    ] {
        let limited = |memory| Work::new(Arc::new(|| 0), Stop::default(), memory);
        let error = run(&format!("[{stage}]"), 3_000, &limited(100_000)).expect_err(stage);
        assert_eq!(error.kind(), Kind::Limit, "{stage}: {error}");
        let plenty = limited(QUERY_MEMORY);
        run(&format!("[{{\"$limit\": 100}}, {stage}]"), 100, &plenty).unwrap();
        assert_eq!(plenty.held(), 0, "{stage}");
    }
}

#[test]
fn documents_that_stages_make_too_deep_are_refused_by_the_name_of_the_stage() {
    let deep = vec!["a"; 90].join(".");
    let stages = [
        ("$facet", r#"{"$facet": {"a": [{"$skip": 0}]}}"#.to_owned()),
        (
            "$bucketAuto",
            r#"{"$bucketAuto": {"groupBy": "$n", "buckets": 1, "output": {"a": {"$push": "$$ROOT"}}}}"#
                .to_owned(),
        ),
        ("$group", r#"{"$group": {"_id": null, "a": {"$push": "$$ROOT"}}}"#.to_owned()),
        ("$project", r#"{"$project": {"_id": 0, "a": "$$ROOT"}}"#.to_owned()),
        ("$replaceWith", r#"{"$replaceWith": {"a": "$$ROOT"}}"#.to_owned()),
        (
            "$lookup",
            format!(
                r#"{{"$lookup": {{"from": "c", "pipeline": [{{"$limit": 1}}, {{"$addFields": {{"x.{deep}": 1}}}}], "as": "{deep}"}}}}"#
            ),
        ),
        (
            "$addFields",
            format!(
                r#"{{"$addFields": {{"{deep}": {{"x": {{"$reduce": {{"input": {{"$range": [0, 14]}}, "initialValue": 1, "in": ["$$value"]}}}}}}}}}}"#
            ),
        ),
    ];
    for (name, stage) in stages {
        let all = vec![stage; 120].join(",");
        let error = run(&format!("[{{\"$limit\": 1}}, {all}]"), 1, &Work::default()).expect_err(name);
        assert_eq!(error.kind(), Kind::Limit, "{name}: {error}");
        assert!(error.message().starts_with(name), "{name}: {error}");
    }
}

#[test]
fn paths_of_too_many_parts_are_refused_wherever_a_stage_or_expression_takes_one() {
    let long = vec!["a"; 20_000].join(".");
    for stage in [
        format!(r#"{{"$addFields": {{"{long}": 1}}}}"#),
        format!(r#"{{"$set": {{"{long}": 1}}}}"#),
        format!(r#"{{"$project": {{"{long}": 1}}}}"#),
        format!(r#"{{"$project": {{"x": "${long}"}}}}"#),
        format!(r#"{{"$project": {{"x": "$$ROOT.{long}"}}}}"#),
        format!(r#"{{"$unset": "{long}"}}"#),
        format!(r#"{{"$unwind": "${long}"}}"#),
        format!(r#"{{"$unwind": {{"path": "$l", "includeArrayIndex": "{long}"}}}}"#),
        format!(r#"{{"$lookup": {{"from": "c", "localField": "n", "foreignField": "n", "as": "{long}"}}}}"#),
        format!(r#"{{"$lookup": {{"from": "c", "localField": "{long}", "foreignField": "n", "as": "a"}}}}"#),
        format!(r#"{{"$group": {{"_id": "${long}"}}}}"#),
        format!(r#"{{"$sort": {{"{long}": 1}}}}"#),
        format!(r#"{{"$match": {{"{long}": 1}}}}"#),
        format!(r#"{{"$merge": {{"into": "o", "whenMatched": [{{"$addFields": {{"{long}": 1}}}}]}}}}"#),
    ] {
        let error = run(&format!("[{stage}]"), 1, &Work::default()).expect_err(&stage[..30]);
        assert_eq!(error.kind(), Kind::BadQuery, "{error}");
        assert!(
            error.message().contains("at most 100"),
            "{}",
            &error.message()[..200.min(error.message().len())]
        );
        assert!(error.message().len() < 1_000, "a message of {} bytes", error.message().len());
    }
}

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

/// These took from half a minute to hours when they were quadratic.
#[test]
fn what_works_on_many_values_takes_about_as_many_steps_as_there_are() {
    const MANY: usize = 200_000;
    let began = Instant::now();
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
    let fields = MANY / 4;
    let wide = format!(
        r#"[{{"$limit": 1}}, {{"$addFields": {}}}, {{"$addFields": {}}}, {{"$project": {}}}, {{"$unset": {}}}]"#,
        wide(fields),
        wide(fields),
        wide(fields),
        list(fields, |n| format!("\"k{n}\""))
    );
    run(&wide, 1, &Work::default()).unwrap();
    let merging = r#"[{"$group": {"_id": null, "o": {"$mergeObjects": "$o"}}}]"#;
    run(merging, 5_000, &Work::default()).unwrap();
    let numbers = list(fields, |n| n.to_string());
    let document = value(&format!(r#"{{"l": {numbers}}}"#));
    stopped_filter(&format!(r#"{{"l": {{"$all": {numbers}}}}}"#), &document, &Work::default()).unwrap();
    assert!(began.elapsed() < Duration::from_secs(60), "it took {:?}", began.elapsed());
}
