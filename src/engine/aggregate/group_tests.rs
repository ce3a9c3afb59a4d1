//! Groups sum doubles to the same result for every plan and every number of threads.

use std::sync::Arc;

use super::aggregation::Aggregation;
use crate::document::{Shapes, Value, encode_plain};
use crate::engine::database::Database;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::parallel::Workers;
use crate::engine::index_build::create;
use crate::engine::operation::input::{Incoming, parse_filter};
use crate::engine::operation::request::{InsertOrder, Reach, Upsert};
use crate::engine::operation::response::Document;
use crate::engine::read::layers::source::Source;
use crate::engine::store::Store;
use crate::engine::write::by_filter;
use crate::engine::write::by_id;
use crate::engine::write::modification::{Change, Modification};
use crate::index::Spec;
use crate::options::{OpenOptions, StorageMode};
use crate::query::expression::Constants;

const DOCUMENTS: i32 = 60_000;

fn object(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn incoming(value: &Value) -> Incoming {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
}

fn spec(paths: &[&str]) -> Spec {
    let pairs = paths.iter().map(|path| Value::Array(vec![text(path), Value::Int(1)])).collect();
    Spec::parse(&object(&[("key", Value::Array(pairs))])).unwrap()
}

/// The groups, byte by byte.
fn groups(store: &Arc<Store>, filter: &Value, by: &Value, hint: &Value) -> Vec<Vec<u8>> {
    let of = |operator: &str, operand: Value| object(&[(operator, operand)]);
    let share = object(&[("$multiply", Value::Array(vec![text("$x"), Value::Double(0.7)]))]);
    let group = object(&[
        ("_id", by.clone()),
        ("sum", of("$sum", text("$x"))),
        ("mean", of("$avg", text("$x"))),
        ("share", of("$sum", share)),
        ("count", of("$sum", Value::Int(1))),
    ]);
    let stages = Value::Array(vec![of("$match", filter.clone()), of("$group", group)]);
    let (pipeline, hint) = (incoming(&stages), incoming(hint));
    let mut aggregation = Aggregation::open(
        store,
        Source::newest(store),
        "c",
        (&pipeline, &Constants::default()),
        Some(&hint),
        &Interrupt::default(),
    )
    .unwrap();
    let found = aggregation.next_batch(1_000_000, &Interrupt::default()).unwrap();
    assert!(found.len() < 1_000_000);
    let bytes = |one| match one {
        Document::Projected(value) => {
            let mut bytes = Vec::new();
            encode_plain(&value, &mut bytes);
            bytes
        }
        _ => panic!("a group is no stored document"),
    };
    found.into_iter().map(bytes).collect()
}

#[test]
fn sums_of_doubles_are_the_same_to_the_bit_by_an_index_and_by_scans_on_one_core_and_on_several() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let context = runtime.enter();
    let options = OpenOptions { storage: StorageMode::Memory, ..OpenOptions::default() };
    let database = Database::open(":memory:", options, runtime.handle().clone()).unwrap();
    drop(context);
    let session = database.session();
    let store = &session.store;
    let document = |n: i32| {
        // The magnitudes are so different that every other order of additions rounds differently.
        let x = f64::from(n * 7_919 % 10_007) / 10.0 * 10_f64.powi(n % 13 - 6);
        let (k, city) = (Value::Int(n * 31 % 100), text(&format!("city {}", n % 7)));
        incoming(&object(&[("_id", Value::Int(n)), ("k", k), ("x", Value::Double(x)), ("city", city)]))
    };
    for from in (0..DOCUMENTS).step_by(5_000) {
        let documents: Vec<Incoming> = (from..from + 5_000).map(document).collect();
        by_id::insert(store, "c", &documents, InsertOrder::Ordered).result.unwrap();
    }
    // Slots without documents, including a whole range of them.
    let range = |from: i32, to: i32| object(&[("$gte", Value::Int(from)), ("$lt", Value::Int(to))]);
    for gone in [object(&[("_id", range(16_000, 26_000))]), object(&[("k", Value::Int(2))])] {
        let filter = parse_filter(&incoming(&gone)).unwrap();
        let modification = Modification {
            name: "c",
            filter: &filter,
            reach: Reach::Many,
            change: Change::Delete,
            upsert: (Upsert::No, None),
            sort: None,
            hint: None,
            answer: None,
            interrupt: &Interrupt::default(),
            ahead: None,
            if_version: None,
        };
        assert!(by_filter::modify(store, &modification).result.unwrap().matched >= 500);
    }
    create::run(store, "c", &[spec(&["k"]), spec(&["city", "k"])]).result.unwrap();
    let natural = Value::Array(vec![Value::Array(vec![text("$natural"), Value::Int(1)])]);
    let cases = [
        (object(&[("k", range(0, 40))]), "k_1"),
        (object(&[("k", Value::Int(7))]), "k_1"),
        (object(&[("city", text("city 3")), ("k", range(10, 90))]), "city_1_k_1"),
        (object(&[("k", range(0, 100)), ("city", object(&[("$ne", text("city 1"))]))]), "k_1"),
    ];
    for (filter, index) in &cases {
        for by in [Value::Null, text("$city")] {
            let alone = Workers::of(64);
            let expected = groups(store, filter, &by, &natural);
            let by_index = groups(store, filter, &by, &text(index));
            drop(alone);
            assert_eq!(by_index, expected, "{filter:?} by {index}");
            for _ in 0..3 {
                assert_eq!(groups(store, filter, &by, &natural), expected, "{filter:?} on several cores");
                assert_eq!(groups(store, filter, &by, &text(index)), expected, "{filter:?} by {index}");
            }
        }
    }
    database.close().unwrap();
}
