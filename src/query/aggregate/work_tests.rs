//! Every stage and accumulator counts its work: a new one fails here until it has an example.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{ACCUMULATORS, Access, Lists, Pipeline, STAGES};
use crate::error::{Kind, Result};
use crate::query::expression::{Constants, Env};
use crate::query::large_values::{list, unlimited, wide};
use crate::query::testing::{encode, value};
use crate::work::{QUERY_MEMORY, Stop, Work};

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

/// These took from half a minute to hours when they were quadratic: such a test would not end.
#[test]
fn stages_on_many_fields_take_about_as_many_steps_as_there_are() {
    let fields = 50_000;
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
}
