//! Stages that write to disk what memory has no room for, against the same stages in memory.

use std::sync::Arc;

use super::tests::{Lists, run_on, run_within};
use crate::document::{Value, encode_plain};
use crate::error::Kind;
use crate::query::spill::testing::spilling;
use crate::query::testing::value;

/// A small generator with a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn scalar(dice: &mut Dice) -> Value {
    match dice.below(9) {
        0 => Value::Null,
        1 => Value::Long(dice.below(5) as i64),
        2 => text(&"ab".repeat(dice.below(20) as usize)),
        3 => Value::Bool(true),
        4 => Value::Array(vec![Value::Int(dice.below(3) as i32), text("x")]),
        // Sums of these depend on their order.
        5 | 6 => Value::number(dice.below(1_000) as f64 * 10_f64.powi(dice.below(30) as i32 - 15)),
        _ => Value::Int(dice.below(7) as i32),
    }
}

fn documents(dice: &mut Dice, count: u64, keys: u64) -> Vec<Value> {
    let one = |n: u64| {
        let mut fields = vec![("_id".to_owned(), Value::Int(n as i32))];
        let key = match dice.below(4) {
            0 => Value::Int(dice.below(keys) as i32),
            1 => text(&format!("key {}", dice.below(keys))),
            _ => Value::Long(dice.below(keys) as i64),
        };
        fields.push(("k".to_owned(), key));
        for name in ["v", "w"] {
            if dice.below(8) > 0 {
                fields.push((name.to_owned(), scalar(dice)));
            }
        }
        if dice.below(50) == 0 {
            fields.push(("long".to_owned(), text(&"z".repeat(dice.below(900) as usize))));
        }
        Value::Object(fields)
    };
    (0..count).map(one).collect()
}

const ALL: &str = r#""sum": {"$sum": "$v"}, "avg": {"$avg": "$v"}, "min": {"$min": "$v"}, "max": {"$max": "$w"},
    "first": {"$first": "$v"}, "last": {"$last": "$w"}, "push": {"$push": "$v"}, "set": {"$addToSet": "$w"},
    "pop": {"$stdDevPop": "$v"}, "samp": {"$stdDevSamp": "$v"}, "merged": {"$mergeObjects": {"a": "$v", "b": "$w"}},
    "firstN": {"$firstN": {"input": "$v", "n": 2}}, "lastN": {"$lastN": {"input": "$v", "n": 2}},
    "minN": {"$minN": {"input": "$v", "n": 2}}, "maxN": {"$maxN": {"input": "$w", "n": 2}},
    "top": {"$top": {"sortBy": {"w": -1}, "output": "$v"}}, "bottomN": {"$bottomN": {"sortBy": {"v": 1, "k": -1}, "output": "$_id", "n": 3}},
    "median": {"$median": {"input": "$v", "method": "approximate"}},
    "percentile": {"$percentile": {"input": "$v", "p": [0.1, 0.9], "method": "approximate"}}, "count": {"$count": {}}"#;

fn pipelines() -> Vec<String> {
    vec![
        r#"[{"$sort": {"v": 1}}]"#.to_owned(),
        r#"[{"$sort": {"k": -1, "v": 1}}, {"$skip": 3}]"#.to_owned(),
        r#"[{"$sort": {"w": -1}}, {"$limit": 60}]"#.to_owned(),
        r#"[{"$addFields": {"n": {"$add": ["$_id", 0.5]}}}, {"$sort": {"v": -1}}]"#.to_owned(),
        format!(r#"[{{"$group": {{"_id": "$k", {ALL}}}}}]"#),
        format!(r#"[{{"$group": {{"_id": {{"a": "$k", "b": "$none"}}, {ALL}}}}}, {{"$sort": {{"count": -1}}}}]"#),
        // Read from stored bytes, in parts.
        r#"[{"$group": {"_id": "$k", "s": {"$sum": "$v"}, "a": {"$avg": "$v"}, "l": {"$min": "$w"}, "g": {"$max": "$w"}}}]"#.to_owned(),
        r#"[{"$group": {"_id": {"a": "$k", "b": "$w"}, "s": {"$sum": "$v"}, "n": {"$sum": 1}}}]"#.to_owned(),
        r#"[{"$sortByCount": "$k"}]"#.to_owned(),
        r#"[{"$bucketAuto": {"groupBy": "$v", "buckets": 40, "output": {"n": {"$push": "$_id"}, "s": {"$sum": "$v"}}}}]"#.to_owned(),
        r#"[{"$bucketAuto": {"groupBy": "$k", "buckets": 7}}]"#.to_owned(),
        r#"[{"$bucket": {"groupBy": "$_id", "boundaries": [0, 10, 20, 50, 60, 70, 200], "default": "other", "output": {"n": {"$push": "$k"}}}}]"#.to_owned(),
        r#"[{"$facet": {"a": [{"$sort": {"v": -1}}, {"$limit": 5}], "b": [{"$sortByCount": "$k"}, {"$limit": 3}], "c": [{"$count": "n"}]}}]"#.to_owned(),
        r#"[{"$sort": {"v": 1}}, {"$group": {"_id": "$k", "all": {"$push": "$v"}, "one": {"$first": "$w"}}}, {"$sort": {"one": 1}}]"#.to_owned(),
        // An expression that fails for documents that the accumulator does not need.
        r#"[{"$addFields": {"n": {"$mod": ["$_id", 130]}}}, {"$group": {"_id": "$n", "x": {"$first": {"$divide": [1, {"$cond": [{"$lt": ["$_id", 130]}, 1, 0]}]}}}}]"#.to_owned(),
        r#"[{"$sample": {"size": 150}}]"#.to_owned(),
        r#"[{"$sample": {"size": 5000}}, {"$skip": 1}]"#.to_owned(),
        r#"[{"$unionWith": {"coll": "docs"}}, {"$sort": {"w": 1, "_id": 1}}]"#.to_owned(),
    ]
}

fn lists_of(documents: Vec<Value>) -> Arc<Lists> {
    let lists = Lists::default();
    lists.0.lock().unwrap().insert("docs".to_owned(), documents);
    Arc::new(lists)
}

fn bytes(documents: &[Value]) -> Vec<Vec<u8>> {
    let plain = |document| {
        let mut bytes = Vec::new();
        encode_plain(document, &mut bytes);
        bytes
    };
    documents.iter().map(plain).collect()
}

#[test]
fn stages_on_disk_answer_byte_for_byte_and_in_the_order_of_those_in_memory() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let rounds = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1);
    for seed in seed..seed + rounds {
        let mut dice = Dice(seed);
        let (count, keys) = (200 + dice.below(200), 1 + dice.below(150));
        let lists = lists_of(documents(&mut dice, count, keys));
        for pipeline in pipelines() {
            let pipeline_value = value(&pipeline);
            let expected = run_on(&lists, &pipeline_value).map(|all| bytes(&all));
            for memory in [1 << 10, 5_000, 20_000, 60_000] {
                let (work, pages) = spilling(memory, 0);
                let found = run_within(&lists, &pipeline_value, &work);
                let spilled = work.spilled();
                let told = format!("seed {seed}, {memory} bytes, {spilled:?}: {pipeline}");
                match (&expected, found) {
                    (_, Err(error)) if error.kind() == Kind::Limit => {
                        // One group alone, one document of a facet, or all of a bucket.
                        assert!(
                            memory <= 5_000 || keys < 20 || pipeline.contains("facet"),
                            "{error}: {told}"
                        );
                    }
                    (Ok(expected), Ok(found)) => {
                        assert!(bytes(&found) == *expected, "{told}");
                        assert!(
                            memory > 5_000 || spilled.spills > 0 || pipeline.contains("bucket"),
                            "{told}"
                        );
                        // What is read to its end leaves no pages; a facet is read again.
                        let ends = !pipeline.contains("limit") && !pipeline.contains("facet");
                        assert!(!ends || pages.used() == 0, "{told}");
                        assert_eq!(work.held(), 0, "{told}");
                    }
                    (Err(expected), Err(error)) => assert_eq!(expected.kind(), error.kind(), "{told}"),
                    (expected, found) => panic!("{expected:?} in memory, {found:?} on disk: {told}"),
                }
            }
        }
    }
}

#[test]
fn a_group_of_more_than_the_memory_is_refused_and_told_to_be_one_group() {
    let mut dice = Dice(3);
    let lists = lists_of(documents(&mut dice, 400, 3));
    for key in ["null", r#"{"$mod": ["$_id", 2]}"#] {
        let pipeline = value(&format!(r#"[{{"$group": {{"_id": {key}, "all": {{"$push": "$$ROOT"}}}}}}]"#));
        let (work, _) = spilling(8_000, 0);
        let error = run_within(&lists, &pipeline, &work).unwrap_err();
        assert_eq!(error.kind(), Kind::Limit);
        assert!(error.message().starts_with("$group has one group of more than 8000 bytes"), "{error}");
    }
}

#[test]
fn whichever_operation_of_the_disk_fails_the_query_has_that_error() {
    let mut dice = Dice(5);
    let lists = lists_of(documents(&mut dice, 120, 60));
    for pipeline in pipelines() {
        let pipeline_value = value(&pipeline);
        let (work, pages) = spilling(5_000, 0);
        let expected = run_within(&lists, &pipeline_value, &work).map(|all| bytes(&all));
        let operations = pages.operations();
        // Some of the first and of the rest.
        for failing in
            (1..=operations).filter(|n| [1, 2, 3, 5, 8].contains(n) || n % (operations / 6 + 1) == 0)
        {
            let (work, _) = spilling(5_000, failing);
            let error = run_within(&lists, &pipeline_value, &work).expect_err(&pipeline);
            assert_eq!(error.kind(), Kind::StorageFull, "operation {failing} of {pipeline}: {error}");
        }
        let (work, _) = spilling(5_000, operations + 1);
        assert!(run_within(&lists, &pipeline_value, &work).map(|all| bytes(&all)).ok() == expected.ok());
    }
}
