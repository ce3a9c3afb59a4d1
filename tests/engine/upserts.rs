//! Concurrent writes by filter to the same documents: upserts leave one document per key, and every update counts.

use crate::support::{Client, incoming, object};
use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::{InsertOrder, Operation, Reach, Returned, Upsert};

const THREADS: i32 = 8;
const KEYS: i32 = 120;

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// Filters of several shapes for the same key.
fn filter(shape: usize, key: i32) -> Value {
    let key = Value::Int(key);
    let bounds = object(&[("$gte", key.clone()), ("$lte", key.clone())]);
    match shape {
        0 => object(&[("k", key)]),
        1 => object(&[("k", object(&[("$in", Value::Array(vec![key]))])), ("kind", text("a"))]),
        2 => object(&[("k", bounds)]),
        3 => object(&[("$or", Value::Array(vec![object(&[("k", key)])]))]),
        _ => object(&[("$expr", object(&[("$eq", Value::Array(vec![text("$k"), key]))]))]),
    }
}

fn write(method: usize, shape: usize, key: i32) -> Operation {
    let filter = incoming(&filter(shape, key));
    let set = object(&[("k", Value::Int(key)), ("kind", text("a"))]);
    let update = object(&[("$set", set.clone()), ("$inc", object(&[("n", Value::Int(1))]))]);
    let id = text(&format!("{:?}", std::time::Instant::now()));
    let update = |reach| Operation::Update {
        filter: filter.clone(),
        update: incoming(&update),
        array_filters: None,
        reach,
        upsert: Upsert::Yes,
        new_id: incoming(&id),
        hint: None,
        sort: None,
        if_version: None,
    };
    match method {
        0 => update(Reach::One),
        1 => update(Reach::Many),
        2 => Operation::Replace {
            filter: filter.clone(),
            document: incoming(&set),
            upsert: Upsert::Yes,
            new_id: incoming(&id),
            hint: None,
            sort: None,
            if_version: None,
        },
        3 => Operation::FindOneAnd {
            write: Box::new(update(Reach::One)),
            sort: None,
            projection: None,
            returned: Returned::After,
        },
        _ => Operation::Bulk { operations: vec![update(Reach::One)], order: InsertOrder::Ordered },
    }
}

fn in_threads(client: &Client, work: impl Fn(&Client, i32) + Sync) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let client = Client { database: client.database.clone(), session: client.database.session() };
            let work = &work;
            scope.spawn(move || work(&client, thread));
        }
    });
}

fn count_of(document: &Value, field: &str) -> f64 {
    let Value::Object(fields) = document else { panic!("no document") };
    match fields.iter().find(|(key, _)| key == field) {
        Some((_, Value::Int(n))) => f64::from(*n),
        Some((_, Value::Double(n))) => *n,
        _ => 0.0,
    }
}

#[test]
fn concurrent_upserts_of_a_key_leave_one_document_for_filters_of_any_shape_by_every_method() {
    for (case, method) in (0..5).flat_map(|method| (0..5).map(move |shape| (shape, method))) {
        let client = Client::open(":memory:", OpenOptions::default()).unwrap();
        let indexed = (case + method) % 2 == 0;
        if indexed {
            let key = object(&[("key", Value::Array(vec![Value::Array(vec![text("k"), Value::Int(1)])]))]);
            client.call("c", Operation::CreateIndexes { specs: vec![incoming(&key)] }).unwrap();
        }
        in_threads(&client, |client, thread| {
            for n in 0..KEYS {
                // Threads use the same keys, and sometimes others.
                let key = if thread % 4 == 3 { KEYS - 1 - n } else { n };
                client.call("c", write(method, case, key)).unwrap();
            }
        });
        let found = client.find("c", &object(&[])).unwrap();
        let told = format!("method {method}, filter {case}, indexed {indexed}");
        assert_eq!(found.len() as i32, KEYS, "{told}");
        let mut keys: Vec<_> = found.iter().map(|one| count_of(one, "k") as i32).collect();
        keys.sort_unstable();
        assert_eq!(keys, (0..KEYS).collect::<Vec<_>>(), "{told}");
        if method != 2 {
            let all: f64 = found.iter().map(|one| count_of(one, "n")).sum();
            assert_eq!(all, f64::from(THREADS * KEYS), "{told}");
        }
        client.database.close().unwrap();
    }
}

#[test]
fn an_upsert_is_not_held_up_by_writers_of_other_documents() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    in_threads(&client, |client, thread| {
        for n in 0..1_500 {
            if thread < 4 {
                let document = object(&[("_id", text(&format!("{thread}-{n}"))), ("other", Value::Int(n))]);
                client.insert("c", &[document], InsertOrder::Ordered).unwrap();
            } else if n < 50 {
                client.call("c", write(0, 2, n)).unwrap();
            }
        }
    });
    let found = client.find("c", &object(&[("kind", text("a"))])).unwrap();
    assert_eq!(found.len(), 50);
    let all: f64 = found.iter().map(|one| count_of(one, "n")).sum();
    assert_eq!(all, 200.0);
    client.database.close().unwrap();
}

#[test]
fn updates_that_are_worked_out_outside_the_lock_and_small_ones_lose_nothing_on_one_document() {
    for by_id in [true, false] {
        let client = Client::open(":memory:", OpenOptions::default()).unwrap();
        let large = text(&"x".repeat(40_000));
        let counter =
            object(&[("_id", Value::Int(1)), ("n", Value::Int(0)), ("m", Value::Int(0)), ("pad", large)]);
        client.insert("c", &[counter], InsertOrder::Ordered).unwrap();
        let which = if by_id { object(&[("_id", Value::Int(1))]) } else { object(&[("m", Value::Int(0))]) };
        let sum = object(&[("$add", Value::Array(vec![text("$n"), Value::Int(1)]))]);
        let pipeline = Value::Array(vec![object(&[("$set", object(&[("n", sum)]))])]);
        let operators = object(&[("$inc", object(&[("n", Value::Int(1))]))]);
        in_threads(&client, |client, thread| {
            for _ in 0..100 {
                let update = if thread % 2 == 0 { &pipeline } else { &operators };
                assert_eq!(client.update("c", &which, update, Reach::One).unwrap(), (1, 1));
            }
        });
        let found = client.get("c", &Value::Int(1)).unwrap().unwrap();
        assert_eq!(count_of(&found, "n"), f64::from(THREADS * 100));
        client.database.close().unwrap();
    }
}

#[test]
fn merges_of_many_threads_into_the_same_documents_are_all_counted() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    let documents: Vec<_> =
        (0..40).map(|n| object(&[("_id", Value::Int(n)), ("n", Value::Int(1))])).collect();
    client.insert("from", &documents, InsertOrder::Ordered).unwrap();
    let sum = object(&[("$add", Value::Array(vec![text("$n"), text("$$new.n")]))]);
    let matched = Value::Array(vec![object(&[("$set", object(&[("n", sum)]))])]);
    let merge = object(&[("$merge", object(&[("into", text("into")), ("whenMatched", matched)]))]);
    let pipeline = incoming(&Value::Array(vec![merge]));
    in_threads(&client, |client, _| {
        for _ in 0..10 {
            let operation = Operation::Aggregate { pipeline: pipeline.clone(), batch: 0, hint: None };
            client.call("from", operation).unwrap();
        }
    });
    let found = client.find("into", &object(&[])).unwrap();
    assert_eq!(found.len(), 40);
    assert!(found.iter().all(|one| count_of(one, "n") == f64::from(THREADS * 10)), "{found:?}");
    client.database.close().unwrap();
}
