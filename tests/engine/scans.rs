//! Scans of collections large enough to be split over the cores, compared with one loop over a list.

use crate::support::{Client, incoming, object};
use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::{Answer, FindOptions, InsertOrder, Operation, Reach};

const DOCUMENTS: i32 = 60_000;

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// A tenth has another order of keys, a few have no value at all.
fn document(n: i32) -> Value {
    let (id, rank) =
        (("_id", Value::Int(n)), ("rank", Value::number(f64::from(n * 7_919 % DOCUMENTS) / 2.0)));
    let city = ("city", text(&format!("city {}", n * 31 % 97)));
    match n % 10 {
        3 => object(&[id, city, ("note", text("turned round")), rank]),
        7 if n % 1_000 == 7 => object(&[id, city]),
        _ => object(&[id, rank, city]),
    }
}

fn rank(document: &Value) -> Option<f64> {
    let Value::Object(fields) = document else { return None };
    match fields.iter().find(|(key, _)| key == "rank")?.1 {
        Value::Int(rank) => Some(f64::from(rank)),
        Value::Double(rank) => Some(rank),
        _ => None,
    }
}

fn city(document: &Value) -> Value {
    let Value::Object(fields) = document else { return Value::Null };
    fields.iter().find(|(key, _)| key == "city").map_or(Value::Null, |(_, city)| city.clone())
}

fn id(document: &Value) -> i32 {
    match document {
        Value::Object(fields) => match fields.first() {
            Some((_, Value::Int(id))) => *id,
            _ => panic!("{document:?}"),
        },
        _ => panic!("{document:?}"),
    }
}

/// Loads the documents, deletes some and changes others, so that slots are empty or have old versions; returns the documents
/// in natural order.
fn load(client: &Client) -> Vec<Value> {
    let mut all: Vec<Value> = (0..DOCUMENTS).map(document).collect();
    for batch in all.chunks(2_000) {
        client.insert("c", batch, InsertOrder::Ordered).unwrap();
    }
    let gone = |document: &Value| rank(document).is_some_and(|rank| (100.0..300.0).contains(&rank));
    let range = object(&[("$gte", Value::Int(100)), ("$lt", Value::Int(300))]);
    let deleted = client.delete("c", &object(&[("rank", range)]), Reach::Many).unwrap();
    assert_eq!(deleted as usize, all.iter().filter(|document| gone(document)).count());
    all.retain(|document| !gone(document));
    let update = object(&[("$set", object(&[("city", text("moved"))]))]);
    client.update("c", &object(&[("city", text("city 5"))]), &update, Reach::Many).unwrap();
    for document in &mut all {
        if city(document) == text("city 5")
            && let Value::Object(fields) = document
        {
            for (key, value) in fields {
                if key == "city" {
                    *value = text("moved");
                }
            }
        }
    }
    all
}

fn below(rank: i32) -> Value {
    object(&[("rank", object(&[("$lt", Value::Int(rank))]))])
}

fn ids(documents: &[Value]) -> Vec<i32> {
    documents.iter().map(id).collect()
}

fn check(client: &Client, all: &[Value]) {
    for limit in [50, 1_000, 20_000, DOCUMENTS] {
        let expected: Vec<Value> = all
            .iter()
            .filter(|document| rank(document).is_some_and(|rank| rank < f64::from(limit)))
            .cloned()
            .collect();
        for batch in [0, 77, 5_000] {
            let (cursor, mut found) = client.first("c", &below(limit), batch).unwrap();
            found.extend(client.rest(cursor, batch).unwrap());
            assert_eq!(ids(&found), ids(&expected), "below {limit} in batches of {batch}");
        }
        let count = |skip, limited| {
            let operation =
                Operation::Count { filter: incoming(&below(limit)), skip, limit: limited, hint: None };
            match client.call("c", operation).unwrap().1 {
                Answer::Count(count) => count as usize,
                _ => panic!("a count has another answer"),
            }
        };
        assert_eq!(count(0, 0), expected.len());
        assert_eq!(count(30, 45), expected.len().saturating_sub(30).min(45));
        assert_eq!(count(3, 9_000), expected.len().saturating_sub(3).min(9_000));
    }
    let mut cities = Vec::new();
    for document in all {
        if !cities.contains(&city(document)) {
            cities.push(city(document));
        }
    }
    let operation =
        Operation::Distinct { key: incoming(&text("city")), filter: incoming(&object(&[])), hint: None };
    match client.call("c", operation).unwrap().1 {
        Answer::Values(values) => assert_eq!(values, cities),
        _ => panic!("distinct has another answer"),
    }
    check_order(client, all);
    check_groups(client, all, &cities);
}

fn check_order(client: &Client, all: &[Value]) {
    let mut expected = all.to_vec();
    // Values without a rank come first.
    expected.sort_by(|a, b| rank(a).unwrap_or(-1.0).total_cmp(&rank(b).unwrap_or(-1.0)));
    for (limit, skip) in [(0, 0), (20, 0), (500, 70), (30_000, 5)] {
        let pair = Value::Array(vec![Value::Array(vec![text("rank"), Value::Int(1)])]);
        let options = FindOptions {
            sort: Some(incoming(&pair)),
            skip,
            limit,
            batch: 100_000,
            ..FindOptions::default()
        };
        let operation = Operation::Find { filter: incoming(&object(&[])), options };
        let (collection, answer) = client.call("c", operation).unwrap();
        let Answer::Batch { documents, .. } = answer else { panic!("a find has another answer") };
        let collection = collection.unwrap();
        let found: Vec<i32> =
            documents.iter().map(|one| id(&one.stored(&collection).unwrap().to_value())).collect();
        let limit = if limit == 0 { usize::MAX } else { limit as usize };
        let expected: Vec<i32> = expected.iter().skip(skip as usize).take(limit).map(id).collect();
        assert_eq!(found, expected, "skip {skip}, limit {limit}");
    }
}

/// Sums and counts by city, in the order of first appearance, and the same on each run.
fn check_groups(client: &Client, all: &[Value], cities: &[Value]) {
    let sum = |operand| object(&[("$sum", operand)]);
    let fields = [
        ("_id", text("$city")),
        ("count", sum(Value::Int(1))),
        ("sum", sum(text("$rank"))),
        ("least", object(&[("$min", text("$rank"))])),
    ];
    let pipeline = incoming(&Value::Array(vec![object(&[("$group", object(&fields))])]));
    let groups = || {
        let operation = Operation::Aggregate { pipeline: pipeline.clone(), batch: 0, hint: None };
        match client.call("c", operation).unwrap().1 {
            Answer::Batch { documents, .. } => documents
                .into_iter()
                .map(|one| match one {
                    moltendb_node::engine::Document::Projected(value) => value,
                    _ => panic!("a group is no stored document"),
                })
                .collect::<Vec<_>>(),
            _ => panic!("an aggregation has another answer"),
        }
    };
    let expected: Vec<Value> = cities
        .iter()
        .map(|of| {
            let (mut count, mut sum, mut least) = (0, 0.0, f64::INFINITY);
            for document in all.iter().filter(|document| city(document) == *of) {
                count += 1;
                // Halves of small numbers: exact.
                sum += rank(document).unwrap_or(0.0);
                least = least.min(rank(document).unwrap_or(f64::INFINITY));
            }
            object(&[
                ("_id", of.clone()),
                ("count", Value::Int(count)),
                ("sum", Value::number(sum)),
                ("least", Value::number(least)),
            ])
        })
        .collect();
    assert_eq!(groups(), expected);
    assert_eq!(groups(), groups());
}

#[test]
fn scans_of_many_slots_answer_as_one_loop_would() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    let all = load(&client);
    check(&client, &all);
}

#[test]
fn scans_of_documents_that_are_mostly_on_disk_answer_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db").to_str().unwrap().to_owned();
    let options = OpenOptions { memory_limit: Some(1 << 20).into(), ..OpenOptions::default() };
    let client = Client::open(&path, options).unwrap();
    let all = load(&client);
    check(&client, &all);
}

#[test]
fn a_cursor_over_many_slots_sees_one_state_while_documents_go() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    let all = load(&client);
    let expected: Vec<i32> =
        all.iter().filter(|document| rank(document).is_some_and(|rank| rank < 9_000.0)).map(id).collect();
    let (cursor, mut found) = client.first("c", &below(9_000), 100).unwrap();
    client.delete("c", &object(&[]), Reach::Many).unwrap();
    found.extend(client.rest(cursor, 900).unwrap());
    assert_eq!(ids(&found), expected);
    assert_eq!(client.count("c", &below(9_000)).unwrap(), 0);
}

#[test]
fn ranges_of_large_documents_are_not_held_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db").to_str().unwrap().to_owned();
    let options = OpenOptions { memory_limit: Some(1 << 20).into(), ..OpenOptions::default() };
    let client = Client::open(&path, options).unwrap();
    let pad = text(&"large ".repeat(120));
    let all: Vec<Value> = (0..45_000)
        .map(|n| object(&[("_id", Value::Int(n)), ("pad", pad.clone()), ("n", Value::Int(n % 50))]))
        .collect();
    for batch in all.chunks(3_000) {
        client.insert("c", batch, InsertOrder::Ordered).unwrap();
    }
    let most = object(&[("n", object(&[("$ne", Value::Int(7))]))]);
    let found = ids(&client.find("c", &most).unwrap());
    assert_eq!(found, (0..45_000).filter(|n| n % 50 != 7).collect::<Vec<_>>());
}
