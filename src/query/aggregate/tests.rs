//! Stages by examples.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::{Access, Destination, Gather, Home, Merged, Pipeline, Row, Rows, Stored};
use crate::document::order::compare_values;
use crate::document::{RawValue, Shapes, Value, id};
use crate::error::{Error, Kind, Result};
use crate::query::expression::Env;
use crate::query::testing::{encode, encoded, stored, value};
use crate::query::{Filter, Update, UpdateTarget};
use crate::work::Work;

/// Collections as lists, whose documents are stored rows.
#[derive(Default)]
pub(in crate::query) struct Lists(pub(in crate::query) Mutex<BTreeMap<String, Vec<Value>>>);

struct Held {
    bytes: Vec<u8>,
    shapes: Arc<Shapes>,
}

impl Stored for Held {
    fn raw(&self) -> RawValue<'_> {
        RawValue::new(&self.bytes, &self.shapes)
    }

    fn home(&self) -> Option<Arc<dyn Home>> {
        Some(Arc::new(HeldHome(self.shapes.clone())))
    }
}

struct HeldHome(Arc<Shapes>);

impl Home for HeldHome {
    fn number(&self) -> u64 {
        Arc::as_ptr(&self.0) as u64
    }

    fn row(&self, bytes: Vec<u8>) -> Arc<dyn Stored> {
        Arc::new(Held { bytes, shapes: self.0.clone() })
    }
}

/// Rows that support `gather`.
struct Visited(Vec<Arc<Held>>);

impl Rows for Visited {
    fn next(&mut self) -> Result<Option<Row>> {
        Ok(if self.0.is_empty() { None } else { Some(Row::Stored(self.0.remove(0))) })
    }

    /// In parts of three documents.
    fn gather(&mut self, gather: &dyn Gather) -> Result<bool> {
        for some in std::mem::take(&mut self.0).chunks(3) {
            let mut part = gather.part();
            for held in some {
                part.add(held.raw())?;
                if part.is_full() {
                    part.relieve()?;
                }
            }
            part.finish()?;
        }
        Ok(true)
    }
}

fn id_of(document: &Value) -> Value {
    let Value::Object(fields) = document else { return Value::Null };
    fields.iter().find(|(key, _)| key == "_id").map_or(Value::Null, |(_, id)| id.clone())
}

impl Access for Lists {
    fn scan(&self, collection: &str, filter: Filter) -> Result<Box<dyn Rows>> {
        let lists = self.0.lock().unwrap();
        let (shapes, all) =
            stored(lists.get(collection).map_or(&[], Vec::as_slice), |number| number % 4 == 3);
        let held = |bytes| Arc::new(Held { bytes, shapes: shapes.clone() });
        Ok(Box::new(Visited(all.into_iter().map(held).filter(|held| filter.matches(held.raw())).collect())))
    }

    fn new_id(&self) -> Value {
        Value::String("new".to_owned())
    }

    fn replace_all(&self, into: &Destination, documents: Vec<Value>) -> Result<()> {
        self.0.lock().unwrap().insert(into.to_string(), documents);
        Ok(())
    }

    fn merge(&self, into: &Destination, documents: Vec<Value>, merged: Merged<'_>) -> Result<()> {
        let mut lists = self.0.lock().unwrap();
        let list = lists.entry(into.to_string()).or_default();
        for document in documents {
            let at = list.iter().position(|old| compare_values(&id_of(old), &id_of(&document)).is_eq());
            if let Some(next) = merged(at.and_then(|at| list.get(at)), &document)? {
                match at {
                    Some(at) => list[at] = next,
                    None => list.push(next),
                }
            }
        }
        Ok(())
    }
}

/// Runs a pipeline on these collections; the first is the one it runs on.
fn database(collections: &[(&str, &str)]) -> Arc<Lists> {
    let lists = Lists::default();
    for (name, documents) in collections {
        let Value::Array(documents) = value(documents) else { panic!("{name}") };
        lists.0.lock().unwrap().insert((*name).to_owned(), documents);
    }
    Arc::new(lists)
}

pub(super) fn run_on(lists: &Arc<Lists>, pipeline: &Value) -> Result<Vec<Value>> {
    run_within(lists, pipeline, &Work::default())
}

/// Runs within a budget.
pub(super) fn run_within(lists: &Arc<Lists>, pipeline: &Value, work: &Work) -> Result<Vec<Value>> {
    let pipeline = Pipeline::parse(encode(pipeline).raw())?;
    let access: Arc<dyn Access> = lists.clone();
    let env = Arc::new(Env::new(1_000, 7).within(work.clone()));
    let mut rows = pipeline.open("docs", &env, &access)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(row.into_value());
    }
    Ok(all)
}

fn check(documents: &str, cases: &[(&str, &str)]) {
    for (pipeline, expected) in cases {
        let found = run_on(&database(&[("docs", documents)]), &value(pipeline));
        let found = found.unwrap_or_else(|error| panic!("{pipeline}: {error}"));
        assert_eq!(Value::Array(found), value(expected), "{pipeline}");
    }
}

fn refused(cases: &[(&str, &str)]) {
    for (pipeline, part) in cases {
        let error: Error = run_on(&database(&[("docs", r#"[{"_id": 1, "a": "x"}]"#)]), &value(pipeline))
            .expect_err(pipeline);
        assert!(matches!(error.kind(), Kind::BadQuery | Kind::NotSupported), "{pipeline}: {error:?}");
        assert!(error.message().contains(part), "{pipeline}: {error}");
    }
}

const SALES: &str = r#"[
    {"_id": 1, "item": "abc", "price": 10, "quantity": 2},
    {"_id": 2, "item": "jkl", "price": 20, "quantity": 1},
    {"_id": 3, "item": "xyz", "price": 5, "quantity": 5},
    {"_id": 4, "item": "abc", "price": 10, "quantity": 10}
]"#;

#[test]
fn matching_shaping_and_counting() {
    check(
        SALES,
        &[
            (
                r#"[{"$match": {"item": "abc"}}, {"$project": {"quantity": 1}}]"#,
                r#"[{"_id": 1, "quantity": 2}, {"_id": 4, "quantity": 10}]"#,
            ),
            (r#"[{"$match": {"$expr": {"$gt": ["$quantity", "$price"]}}}, {"$project": {"_id": 1}}]"#, "[]"),
            (
                r#"[{"$match": {"$or": [{"$expr": {"$eq": ["$quantity", "$price"]}}, {"_id": 2}]}}, {"$project": {"_id": 1}}]"#,
                r#"[{"_id": 2}, {"_id": 3}, {"_id": 4}]"#,
            ),
            (
                r#"[{"$limit": 1}, {"$project": {"_id": 0, "total": {"$multiply": ["$price", "$quantity"]}, "item": 1}}]"#,
                r#"[{"item": "abc", "total": 20}]"#,
            ),
            (r#"[{"$limit": 1}, {"$project": {"item": 0, "_id": 0}}]"#, r#"[{"price": 10, "quantity": 2}]"#),
            (
                r#"[{"$limit": 1}, {"$set": {"a.b": "$price", "item": "$$REMOVE"}}, {"$unset": ["quantity", "price"]}]"#,
                r#"[{"_id": 1, "a": {"b": 10}}]"#,
            ),
            (r#"[{"$skip": 3}, {"$replaceWith": {"v": "$item"}}]"#, r#"[{"v": "abc"}]"#),
            (
                r#"[{"$skip": 3}, {"$replaceRoot": {"newRoot": {"$mergeObjects": [{"x": 1}, {"y": "$price"}]}}}]"#,
                r#"[{"x": 1, "y": 10}]"#,
            ),
            (r#"[{"$count": "n"}]"#, r#"[{"n": 4}]"#),
            (r#"[{"$match": {"_id": 9}}, {"$count": "n"}]"#, "[]"),
            (
                r#"[{"$sortByCount": "$item"}]"#,
                r#"[{"_id": "abc", "count": 2}, {"_id": "jkl", "count": 1}, {"_id": "xyz", "count": 1}]"#,
            ),
            (
                r#"[{"$sort": {"price": -1, "_id": 1}}, {"$skip": 1}, {"$limit": 2}, {"$project": {"_id": 1}}]"#,
                r#"[{"_id": 1}, {"_id": 4}]"#,
            ),
            (
                r#"[{"$sort": {"price": 1}}, {"$project": {"_id": 1}}, {"$match": {"_id": {"$ne": 3}}}, {"$limit": 1}]"#,
                r#"[{"_id": 1}]"#,
            ),
        ],
    );
    check(
        r#"[{"_id": 1, "a": [{"x": 1, "y": 2}, 5, [{"x": 3, "y": 4}]], "s": 7}]"#,
        &[
            (r#"[{"$project": {"a.x": 1, "_id": 0}}]"#, r#"[{"a": [{"x": 1}, [{"x": 3}]]}]"#),
            (r#"[{"$project": {"a": {"y": 0}, "s": 0}}]"#, r#"[{"_id": 1, "a": [{"x": 1}, 5, [{"x": 3}]]}]"#),
            (r#"[{"$project": {"_id": 0, "s.t": "$s"}}]"#, r#"[{"s": {"t": 7}}]"#),
            (
                r#"[{"$addFields": {"a": {"z": 9}}}, {"$project": {"a": 1, "_id": 0}}]"#,
                r#"[{"a": [{"x": 1, "y": 2, "z": 9}, {"z": 9}, [{"x": 3, "y": 4, "z": 9}]]}]"#,
            ),
        ],
    );
    refused(&[
        (r#"[{"$project": {"a": 1, "b": 0}}]"#, "both include and exclude"),
        (r#"[{"$project": {}}]"#, "at least one field"),
        (r#"[{"$project": {"a": 1, "a.b": 1}}]"#, "collide at 'a.b'"),
        (r#"[{"$match": 1}]"#, "needs a filter"),
        (r#"[{"$limit": 0}]"#, "at least 1"),
        (r#"[{"$frob": 1}]"#, "unknown stage '$frob'"),
        (r#"[{"$setWindowFields": {}}]"#, "not supported"),
        (r#"[{"$match": {}, "$limit": 1}]"#, "exactly one operator"),
        (r#"[{"$replaceWith": "$a"}]"#, "needs an object as the new document, but it is string"),
        (r#"[{"$set": {"b": {"$add": ["$a", 1]}}}]"#, "$add needs a number as argument 1, not string"),
        (r#"[{"$group": {"_id": 1, "n": {"$what": 1}}}]"#, "unknown accumulator '$what'"),
        (r#"[{"$out": "x"}, {"$limit": 1}]"#, "must be the last stage"),
    ]);
}

#[test]
fn every_accumulator() {
    let group = |field: &str| format!(r#"[{{"$group": {{"_id": "$k", "v": {field}}}}}]"#);
    let documents = r#"[
        {"_id": 1, "k": "a", "n": 3, "o": {"x": 1}},
        {"_id": 2, "k": "a", "n": 1, "o": {"y": 2}},
        {"_id": 3, "k": "a", "n": 2},
        {"_id": 4, "k": "a", "n": null}
    ]"#;
    let cases = [
        (r#"{"$sum": "$n"}"#, "6"),
        (r#"{"$sum": 1}"#, "4"),
        (r#"{"$avg": "$n"}"#, "2"),
        (r#"{"$min": "$n"}"#, "1"),
        (r#"{"$max": "$n"}"#, "3"),
        (r#"{"$first": "$n"}"#, "3"),
        (r#"{"$last": "$n"}"#, "null"),
        (r#"{"$push": "$o"}"#, r#"[{"x": 1}, {"y": 2}]"#),
        (r#"{"$addToSet": {"$mod": ["$n", 2]}}"#, "[1, 0, null]"),
        (r#"{"$count": {}}"#, "4"),
        (r#"{"$stdDevSamp": "$n"}"#, "1"),
        (r#"{"$stdDevPop": {"$cond": [{"$in": ["$n", [1, 3]]}, "$n", null]}}"#, "1"),
        (r#"{"$mergeObjects": "$o"}"#, r#"{"x": 1, "y": 2}"#),
        (r#"{"$firstN": {"input": "$n", "n": 2}}"#, "[3, 1]"),
        (r#"{"$lastN": {"input": "$n", "n": 2}}"#, "[2, null]"),
        (r#"{"$minN": {"input": "$n", "n": 2}}"#, "[1, 2]"),
        (r#"{"$maxN": {"input": "$n", "n": 2}}"#, "[3, 2]"),
        (r#"{"$top": {"sortBy": {"n": -1}, "output": "$_id"}}"#, "1"),
        (r#"{"$bottom": {"sortBy": {"n": -1}, "output": "$_id"}}"#, "4"),
        (r#"{"$topN": {"sortBy": {"n": 1}, "output": ["$n", "$_id"], "n": 2}}"#, "[[null, 4], [1, 2]]"),
        (r#"{"$bottomN": {"sortBy": {"n": 1}, "output": "$n", "n": 2}}"#, "[2, 3]"),
    ];
    for (field, expected) in cases {
        check(documents, &[(&group(field), &format!(r#"[{{"_id": "a", "v": {expected}}}]"#))]);
    }
}

#[test]
fn groups_of_keys_that_are_equal_in_value() {
    check(
        r#"[{"k": 1}, {"k": {"$numberLong": "1"}}, {"k": null}, {}, {"k": [1]}, {"k": -0.0}, {"k": 0}]"#,
        &[
            (
                r#"[{"$group": {"_id": "$k", "n": {"$sum": 1}}}]"#,
                r#"[{"_id": 1, "n": 2}, {"_id": null, "n": 2}, {"_id": [1], "n": 1}, {"_id": {"$numberDouble": "-0"}, "n": 2}]"#,
            ),
            (r#"[{"$group": {"_id": null, "n": {"$sum": 1}}}]"#, r#"[{"_id": null, "n": 7}]"#),
            (
                r#"[{"$match": {"k": null}}, {"$group": {"_id": {"k": "$k"}, "n": {"$sum": 1}}}]"#,
                r#"[{"_id": {"k": null}, "n": 2}]"#,
            ),
        ],
    );
}

#[test]
fn buckets() {
    let documents = r#"[{"_id": 1, "y": 1868}, {"_id": 2, "y": 1845}, {"_id": 3, "y": 1859}, {"_id": 4, "y": 1850}, {"_id": 5, "y": 1900}]"#;
    check(
        documents,
        &[
            (
                r#"[{"$bucket": {"groupBy": "$y", "boundaries": [1840, 1850, 1860], "default": "Other", "output": {"n": {"$sum": 1}, "ids": {"$push": "$_id"}}}}]"#,
                r#"[{"_id": 1840, "n": 1, "ids": [2]}, {"_id": 1850, "n": 2, "ids": [3, 4]}, {"_id": "Other", "n": 2, "ids": [1, 5]}]"#,
            ),
            (
                r#"[{"$bucketAuto": {"groupBy": "$y", "buckets": 2}}]"#,
                r#"[{"_id": {"min": 1845, "max": 1868}, "count": 3}, {"_id": {"min": 1868, "max": 1900}, "count": 2}]"#,
            ),
        ],
    );
    refused(&[
        (r#"[{"$bucket": {"groupBy": "$a", "boundaries": [0, 1]}}]"#, "no bucket for a document"),
        (r#"[{"$bucket": {"groupBy": "$a", "boundaries": [1, 0]}}]"#, "ascending order"),
    ]);
}

#[test]
fn unwinding_follows_the_manual() {
    check(
        r#"[{"_id": 1, "s": ["S", "M"]}, {"_id": 2, "s": []}, {"_id": 3, "s": "M"}, {"_id": 4}, {"_id": 5, "s": null}]"#,
        &[
            (
                r#"[{"$unwind": "$s"}]"#,
                r#"[{"_id": 1, "s": "S"}, {"_id": 1, "s": "M"}, {"_id": 3, "s": "M"}]"#,
            ),
            (
                r#"[{"$unwind": {"path": "$s", "preserveNullAndEmptyArrays": true, "includeArrayIndex": "i"}}]"#,
                r#"[{"_id": 1, "s": "S", "i": 0}, {"_id": 1, "s": "M", "i": 1}, {"_id": 2, "i": null}, {"_id": 3, "s": "M", "i": null}, {"_id": 4, "i": null}, {"_id": 5, "s": null, "i": null}]"#,
            ),
        ],
    );
    refused(&[
        (r#"[{"$unwind": "s"}]"#, "'$' in front"),
        (r#"[{"$unwind": {"path": "$s", "x": 1}}]"#, "but not 'x'"),
    ]);
}

#[test]
fn lookups_by_fields_and_by_pipelines() {
    let lists = database(&[
        (
            "docs",
            r#"[{"_id": 1, "item": "almonds", "n": 2}, {"_id": 2, "item": "pecans", "n": 1}, {"_id": 3}]"#,
        ),
        (
            "stock",
            r#"[{"_id": 1, "sku": "almonds", "q": 120}, {"_id": 2, "sku": "bread", "q": 80}, {"_id": 4, "sku": ["pecans", "x"], "q": 70}, {"_id": 5, "sku": null}, {"_id": 6}]"#,
        ),
    ]);
    let cases = [
        (
            r#"[{"$lookup": {"from": "stock", "localField": "item", "foreignField": "sku", "as": "s"}}, {"$project": {"s": {"_id": 1}}}]"#,
            r#"[{"_id": 1, "s": [{"_id": 1}]}, {"_id": 2, "s": [{"_id": 4}]}, {"_id": 3, "s": [{"_id": 5}, {"_id": 6}]}]"#,
        ),
        (
            r#"[{"$match": {"_id": {"$lt": 3}}}, {"$lookup": {"from": "stock", "let": {"i": "$item", "n": "$n"}, "pipeline": [{"$match": {"$expr": {"$and": [{"$eq": ["$sku", "$$i"]}, {"$gte": ["$q", "$$n"]}]}}}, {"$project": {"_id": 0, "q": {"$add": ["$q", "$$n"]}}}], "as": "s"}}, {"$project": {"s": 1}}]"#,
            r#"[{"_id": 1, "s": [{"q": 122}]}, {"_id": 2, "s": []}]"#,
        ),
        (
            r#"[{"$limit": 1}, {"$lookup": {"from": "stock", "localField": "item", "foreignField": "sku", "pipeline": [{"$project": {"q": 1, "_id": 0}}], "as": "a.b"}}, {"$project": {"a": 1, "_id": 0}}]"#,
            r#"[{"a": {"b": [{"q": 120}]}}]"#,
        ),
        (
            r#"[{"$documents": [{"_id": 1, "item": ["x", "pecans", "bread", "almonds"]}]}, {"$lookup": {"from": "stock", "localField": "item", "foreignField": "sku", "as": "s"}}, {"$project": {"s": {"_id": 1}}}]"#,
            r#"[{"_id": 1, "s": [{"_id": 1}, {"_id": 2}, {"_id": 4}]}]"#,
        ),
        (
            r#"[{"$limit": 1}, {"$lookup": {"from": "none", "pipeline": [], "as": "s"}}, {"$project": {"s": 1}}]"#,
            r#"[{"_id": 1, "s": []}]"#,
        ),
        (
            r#"[{"$limit": 1}, {"$lookup": {"pipeline": [{"$documents": [{"x": 1}]}], "as": "s"}}, {"$project": {"s": 1}}]"#,
            r#"[{"_id": 1, "s": [{"x": 1}]}]"#,
        ),
        (
            r#"[{"$project": {"_id": 1}}, {"$limit": 1}, {"$unionWith": {"coll": "stock", "pipeline": [{"$match": {"q": 80}}, {"$project": {"q": 1}}]}}]"#,
            r#"[{"_id": 1}, {"_id": 2, "q": 80}]"#,
        ),
        (
            r#"[{"$facet": {"a": [{"$count": "n"}], "b": [{"$match": {"n": 1}}, {"$project": {"_id": 1}}]}}]"#,
            r#"[{"a": [{"n": 3}], "b": [{"_id": 2}]}]"#,
        ),
        (r#"[{"$documents": [{"x": {"$add": [1, 1]}}]}]"#, r#"[{"x": 2}]"#),
    ];
    for (pipeline, expected) in cases {
        let found = run_on(&lists, &value(pipeline)).unwrap_or_else(|error| panic!("{pipeline}: {error}"));
        assert_eq!(Value::Array(found), value(expected), "{pipeline}");
    }
}

#[test]
fn the_collections_that_a_pipeline_reads_are_found_before_it_is_parsed() {
    let names = |pipeline: &Value| {
        let mut names = Vec::new();
        super::read(encode(pipeline).raw(), &mut names);
        names
    };
    let pipeline = value(
        r#"[{"$match": {"from": "no"}}, {"$lookup": {"from": "a", "as": "x", "pipeline": [{"$unionWith": "b"}]}},
            {"$facet": {"x": [{"$unionWith": {"coll": "c", "pipeline": [{"$lookup": {"from": "d", "as": "y"}}]}}],
            "y": [{"$lookup": {"as": "z", "pipeline": [{"$documents": []}]}}]}}, {"$lookup": 5}, 7, {"$out": "no"}]"#,
    );
    assert_eq!(names(&pipeline), ["a", "b", "c", "d"]);
    let stage = value(r#"{"$unionWith": "a"}"#);
    assert_eq!(names(&Value::Array(vec![stage; 5_000])).len(), 1_000, "it will be refused");
    assert!(names(&Value::Int(1)).is_empty());
}

#[test]
fn the_collection_that_a_pipeline_writes_may_be_in_another_database() {
    let of = |stage: &str| {
        let pipeline = Value::Array(vec![value(r#"{"$match": {}}"#), value(stage)]);
        let found = super::written(encode(&pipeline).raw());
        let parsed = Pipeline::parse(encode(&pipeline).raw()).unwrap().destination().cloned();
        assert_eq!(found, parsed, "{stage}");
        found.map(|into| into.to_string())
    };
    assert_eq!(of(r#"{"$out": "a"}"#).as_deref(), Some("a"));
    assert_eq!(of(r#"{"$out": {"db": "b", "coll": "a.c"}}"#).as_deref(), Some("b.a.c"));
    assert_eq!(of(r#"{"$out": {"coll": "a"}}"#).as_deref(), Some("a"));
    assert_eq!(of(r#"{"$merge": {"into": {"db": "b", "coll": "a"}}}"#).as_deref(), Some("b.a"));
    assert_eq!(of(r#"{"$merge": {"into": "a"}}"#).as_deref(), Some("a"));
    assert_eq!(of(r#"{"$limit": 1}"#), None);
    let pipeline = Value::Array(vec![value(r#"{"$out": {"db": 1, "coll": "a"}}"#)]);
    assert!(Pipeline::parse(encode(&pipeline).raw()).is_err());
}

#[test]
fn writing_stages() {
    let target = r#"[{"_id": 1, "old": true, "n": 1}]"#;
    let cases = [
        (r#"{"$out": "target"}"#, r#"[{"_id": 1, "n": 5}, {"_id": 2, "n": 6}]"#),
        (r#"{"$merge": "target"}"#, r#"[{"_id": 1, "old": true, "n": 5}, {"_id": 2, "n": 6}]"#),
        (
            r#"{"$merge": {"into": "target", "whenMatched": "replace", "whenNotMatched": "discard"}}"#,
            r#"[{"_id": 1, "n": 5}]"#,
        ),
        (
            r#"{"$merge": {"into": "target", "on": "_id", "whenMatched": "keepExisting"}}"#,
            r#"[{"_id": 1, "old": true, "n": 1}, {"_id": 2, "n": 6}]"#,
        ),
        (
            r#"{"$merge": {"into": "target", "whenMatched": [{"$set": {"n": {"$add": ["$n", "$$new.n"]}}}]}}"#,
            r#"[{"_id": 1, "old": true, "n": 6}, {"_id": 2, "n": 6}]"#,
        ),
    ];
    for (stage, expected) in cases {
        let lists = database(&[("docs", r#"[{"_id": 1, "n": 5}, {"_id": 2, "n": 6}]"#), ("target", target)]);
        assert!(run_on(&lists, &value(&format!("[{stage}]"))).unwrap().is_empty());
        assert_eq!(Value::Array(lists.0.lock().unwrap()["target"].clone()), value(expected), "{stage}");
    }
    let lists = database(&[("docs", r#"[{"_id": 1}]"#), ("target", target)]);
    let fail = r#"[{"$merge": {"into": "target", "whenMatched": "fail"}}]"#;
    let error = run_on(&lists, &value(fail)).unwrap_err();
    assert_eq!(error.kind(), Kind::DuplicateKey);
    assert_eq!(error.details(), &id::taken(&Value::Int(1)));
}

#[test]
fn updates_by_pipeline() {
    let update = |pipeline: &str| Update::parse(encoded(pipeline).raw(), None);
    let mut document = vec![("_id".to_owned(), Value::Int(1)), ("a".to_owned(), Value::Int(2))];
    let one = update(r#"[{"$set": {"b": {"$add": ["$a", 1]}}}, {"$unset": "a"}, {"$set": {"at": "$$NOW"}}]"#)
        .unwrap();
    assert!(one.apply(&mut document, 9, UpdateTarget::Existing, None).unwrap());
    assert_eq!(
        Value::Object(document.clone()),
        value(r#"{"_id": 1, "b": 3, "at": {"$date": {"$numberLong": "9"}}}"#)
    );
    assert!(
        !one.apply(
            &mut vec![
                ("_id".to_owned(), Value::Int(1)),
                ("b".to_owned(), Value::Null),
                ("at".to_owned(), Value::Date(9))
            ],
            9,
            UpdateTarget::Existing,
            None
        )
        .unwrap()
    );
    let replace = update(r#"[{"$replaceWith": {"x": 1}}]"#).unwrap();
    assert!(replace.apply(&mut document, 9, UpdateTarget::Existing, None).unwrap());
    assert_eq!(Value::Object(document.clone()), value(r#"{"_id": 1, "x": 1}"#));
    let error = update(r#"[{"$set": {"_id": 2}}]"#)
        .unwrap()
        .apply(&mut document, 9, UpdateTarget::Existing, None)
        .unwrap_err();
    assert_eq!((error.kind(), error.message().contains("immutable")), (Kind::BadUpdate, true));
    assert_eq!(update(r#"[{"$match": {}}]"#).unwrap_err().kind(), Kind::BadUpdate);
    assert_eq!(update("[]").unwrap_err().kind(), Kind::BadUpdate);
}
