//! Writes by filter during other commits and index builds: what they may use, and what they may wait for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::by_filter;
use super::by_id;
use super::candidates;
use super::collections;
use super::modification::{Change, Modification};
use crate::document::{Shapes, Value, encode_plain};
use crate::engine::database::Database;
use crate::engine::exec::interrupt::{Interrupt, Limits};
use crate::engine::exec::nonblocking::nonblocking;
use crate::engine::index_build::create;
use crate::engine::operation::input::{Incoming, parse_filter};
use crate::engine::operation::request::{InsertOrder, Operation, Reach, SetEntry, Size, Task, Upsert};
use crate::engine::operation::response::{Answer, Answered};
use crate::engine::plan::hint::Hint;
use crate::engine::plan::planner::{self, Plan, Query};
use crate::engine::session::Session;
use crate::engine::state::index::Index;
use crate::engine::store::Store;
use crate::error::{Kind, Result};
use crate::index::Spec;
use crate::options::{OpenOptions, StorageMode};
use crate::query::{Sort, Update};
use crate::storage::Lsn;

fn object(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn incoming(value: &Value) -> Incoming {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
}

fn spec(path: &str) -> Spec {
    let pair = Value::Array(vec![Value::String(path.into()), Value::Int(1)]);
    Spec::parse(&object(&[("key", Value::Array(vec![pair]))])).unwrap()
}

fn one(id: i32) -> Value {
    object(&[("_id", Value::Int(id))])
}

struct Bench {
    database: Arc<Database>,
    session: Arc<Session>,
    _runtime: tokio::runtime::Runtime,
}

impl Bench {
    /// Ten documents, and an index on `n`.
    fn new() -> Bench {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = OpenOptions { storage: StorageMode::Memory, ..OpenOptions::default() };
        let database = Database::open(":memory:", options, runtime.handle().clone()).unwrap();
        let session = database.session();
        let documents: Vec<_> =
            (0..10).map(|n| incoming(&object(&[("_id", Value::Int(n)), ("n", Value::Int(n))]))).collect();
        by_id::insert(&session.store, "c", &documents, InsertOrder::Ordered).result.unwrap();
        create::run(&session.store, "c", &[spec("n")]).result.unwrap();
        Bench { database, session, _runtime: runtime }
    }

    fn store(&self) -> &Arc<Store> {
        &self.session.store
    }

    fn increment(&self, filter: &Value, hint: Option<&Hint>) -> Result<(u64, u64)> {
        let filter = parse_filter(&incoming(filter)).unwrap();
        let update = object(&[("$inc", object(&[("n", Value::Int(1))]))]);
        let update = Update::parse(incoming(&update).raw(), None).unwrap();
        let modification = Modification {
            name: "c",
            filter: &filter,
            reach: Reach::One,
            change: Change::Update(&update),
            upsert: (Upsert::No, None),
            sort: None,
            hint,
            answer: None,
            interrupt: &Interrupt::default(),
            ahead: None,
            if_version: None,
        };
        by_filter::modify(self.store(), &modification)
            .result
            .map(|outcome| (outcome.matched, outcome.modified))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.database.close().unwrap();
    }
}

/// Runs work while another thread commits. Work that waits for that commit is released in the end, and fails.
fn beside_a_commit<T>(store: &Store, work: impl FnOnce() -> T) -> T {
    let (held, holds) = mpsc::channel();
    let (done, until) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let _applied = store.applied();
            held.send(()).unwrap();
            let told = until.recv_timeout(Duration::from_secs(20));
            assert!(told.is_ok(), "this waits for a commit of somebody else");
        });
        holds.recv().unwrap();
        let result = work();
        let _late = done.send(());
        result
    })
}

#[test]
fn the_document_that_a_write_names_is_found_without_the_commit_lock() {
    let bench = Bench::new();
    let store = bench.store();
    let collection = store.applied_collection("c").unwrap();
    let filter = parse_filter(&incoming(&object(&[("_id", Value::Int(3)), ("n", Value::Int(3))]))).unwrap();
    let hints = [None, Some(Hint::Natural), Some(Hint::Name("n_1".into())), Some(Hint::Name("_id_".into()))];
    for hint in hints {
        let modification = Modification {
            name: "c",
            filter: &filter,
            reach: Reach::Many,
            change: Change::Delete,
            upsert: (Upsert::No, None),
            sort: None,
            hint: hint.as_ref(),
            answer: None,
            interrupt: &Interrupt::default(),
            ahead: None,
            if_version: None,
        };
        let found = beside_a_commit(store, || candidates::count(store, &collection, &modification).unwrap());
        assert_eq!(found, 1, "{hint:?}");
    }
    let none = Hint::Name("m_1".into());
    assert_eq!(bench.increment(&one(3), Some(&none)).unwrap_err().kind(), Kind::BadQuery);
}

#[test]
fn a_write_of_one_document_ends_when_its_collection_was_dropped_after_the_search_began() {
    let bench = Bench::new();
    let store = bench.store();
    let before = store.applied_collection("c").unwrap();
    collections::drop(store, "c").result.unwrap();
    let filter = parse_filter(&incoming(&object(&[]))).unwrap();
    let by_id = parse_filter(&incoming(&one(3))).unwrap();
    let order = Value::Array(vec![Value::Array(vec![Value::String("n".into()), Value::Int(-1)])]);
    let order = incoming(&order);
    let sort = Sort::parse(order.raw()).unwrap().unwrap();
    for (filter, sort) in [(&filter, Some(&sort)), (&filter, None), (&by_id, None)] {
        // Without end it would be interrupted.
        let limits = Limits { max_time: Some(20_000), ..Limits::default() };
        let modification = Modification {
            name: "c",
            filter,
            reach: Reach::One,
            change: Change::Delete,
            upsert: (Upsert::No, None),
            sort,
            hint: None,
            answer: None,
            interrupt: &Interrupt::start(&limits, store.now()),
            ahead: None,
            if_version: None,
        };
        let changed = by_filter::modify_matching(store, &modification, Some(&before), &mut Lsn(0)).unwrap();
        assert_eq!((changed.matched, changed.gone), (0, true));
    }
}

#[test]
fn an_index_is_not_planned_with_where_no_view_is_held() {
    let bench = Bench::new();
    let collection = bench.store().applied_collection("c").unwrap();
    let filter = parse_filter(&incoming(&object(&[("n", Value::Int(3))]))).unwrap();
    let view = bench.store().view();
    let with = planner::plan(&collection, &Query::of(&filter), view.lsn()).unwrap();
    assert!(matches!(with, Plan::Index(_)));
    assert!(matches!(planner::plan_without_view(&collection, &Query::of(&filter)).unwrap(), Plan::Scan));
}

#[test]
fn a_small_write_to_an_indexed_collection_is_done_here_unless_a_commit_is_in_the_way() {
    let bench = Bench::new();
    let (sender, receiver) = mpsc::channel();
    let submit = || {
        let update = object(&[("$inc", object(&[("n", Value::Int(100))]))]);
        let operation = Operation::Update {
            filter: incoming(&one(3)),
            update: incoming(&update),
            array_filters: None,
            reach: Reach::One,
            upsert: Upsert::No,
            new_id: incoming(&Value::Null),
            hint: None,
            sort: None,
            if_version: None,
        };
        let sender = sender.clone();
        let reply = Box::new(move |answered: Answered| {
            sender.send((std::thread::current().id(), answered.answer)).unwrap();
        });
        let begun = Arc::<AtomicBool>::default();
        let limits = Limits { begun: Some(Arc::clone(&begun)), ..Limits::default() };
        let task = Task { name: "c".into(), operation, transaction: 0, limits, reply };
        bench.session.submit(vec![task], Size::Small);
        begun
    };
    let modified = |result| matches!(result, Ok(Answer::Updated(outcome)) if outcome.modified == 1);
    let here = std::thread::current().id();
    let begun = submit();
    let (thread, result) = receiver.try_recv().unwrap();
    assert!(thread == here && modified(result) && begun.load(Ordering::Acquire));
    let begun = beside_a_commit(bench.store(), || {
        // One after the other: the second stays in the queue.
        let begun = [submit(), submit()];
        assert!(receiver.try_recv().is_err(), "nothing commits meanwhile");
        assert!(!begun[1].load(Ordering::Acquire), "it has not left its queue");
        begun
    });
    for begun in begun {
        let (thread, result) = receiver.recv().unwrap();
        assert!(thread != here && modified(result) && begun.load(Ordering::Acquire));
    }
    assert_eq!(bench.database.check_indexes().unwrap(), 10);
}

#[test]
fn what_may_take_long_because_of_indexes_is_not_done_where_nothing_may_wait() {
    let bench = Bench::new();
    let store = bench.store();
    assert_eq!(nonblocking(|| bench.increment(&one(3), None)).unwrap().unwrap(), (1, 1));
    // By an index, with any number of entries.
    assert!(nonblocking(|| bench.increment(&object(&[("n", Value::Int(1))]), None)).is_none());
    // On a large document, whose keys are indexed.
    let set = |pad: usize| {
        let pad = ("pad", Value::String("x".repeat(pad)));
        let document = incoming(&object(&[("_id", Value::Int(1)), ("n", Value::Int(1)), pad]));
        by_id::set(store, "c", &[SetEntry { document, if_version: None }]).result.map(drop)
    };
    set(20_000).unwrap();
    assert!(nonblocking(|| set(1)).is_none());
    set(1).unwrap();
    assert!(nonblocking(|| set(1)).is_some());
    // While an index is being built.
    let collection = store.applied_collection("c").unwrap();
    let index = Arc::new(Index::new(collection.next_index(), spec("m")).unwrap());
    collection.add_index(index.clone());
    assert!(nonblocking(|| bench.increment(&one(3), None)).is_none());
    assert!(nonblocking(|| set(1)).is_none());
    assert_eq!(bench.increment(&one(3), None).unwrap(), (1, 1));
    collection.remove_index(index.number());
    assert_eq!(nonblocking(|| bench.increment(&one(3), None)).unwrap().unwrap(), (1, 1));
    assert_eq!(bench.database.check_indexes().unwrap(), 10);
}

#[test]
fn an_update_by_pipeline_is_done_here_while_it_takes_few_steps_and_elsewhere_when_it_takes_many() {
    let bench = Bench::new();
    let (sender, receiver) = mpsc::channel();
    let submit = |id: i32, value: Value, upsert: Upsert| {
        let stage = object(&[("$set", object(&[("n", value)]))]);
        let operation = Operation::Update {
            filter: incoming(&one(id)),
            update: incoming(&Value::Array(vec![stage])),
            array_filters: None,
            reach: Reach::One,
            upsert,
            new_id: incoming(&Value::Null),
            hint: None,
            sort: None,
            if_version: None,
        };
        let sender = sender.clone();
        let reply = Box::new(move |answered: Answered| {
            sender.send((std::thread::current().id(), answered.answer)).unwrap();
        });
        let task = Task { name: "c".into(), operation, transaction: 0, limits: Limits::default(), reply };
        bench.session.submit(vec![task], Size::Small);
    };
    let here = std::thread::current().id();
    let call = |name: &str, operands: Vec<Value>| object(&[(name, Value::Array(operands))]);
    let small = || call("$add", vec![Value::String("$n".into()), Value::Int(1)]);
    // The sum of so many numbers.
    let large = |count: i32| object(&[("$sum", call("$range", vec![Value::Int(0), Value::Int(count)]))]);
    // The turn of a write ends a moment after its reply.
    let wait_idle = || {
        while !bench.session.is_idle() {
            std::thread::yield_now();
        }
    };
    for _ in 0..2 {
        wait_idle();
        submit(3, small(), Upsert::No);
        let (thread, result) = receiver.try_recv().unwrap();
        assert!(thread == here && matches!(result, Ok(Answer::Updated(outcome)) if outcome.modified == 1));
        for (id, upsert) in [(3, Upsert::No), (99, Upsert::Yes)] {
            submit(id, large(100_000), upsert);
            let (thread, result) = receiver.recv().unwrap();
            assert!(thread != here && matches!(result, Ok(Answer::Updated(_))), "{id}");
            by_id::delete(&bench.session.store, "c", &incoming(&Value::Int(99)), None).result.unwrap();
        }
    }
    // No other thread commits meanwhile: a change that is more than a little work is computed before the lock is taken.
    let store = bench.store();
    wait_idle();
    submit(4, small(), Upsert::No);
    assert_eq!(receiver.try_recv().unwrap().0, here);
    beside_a_commit(store, || {
        submit(4, small(), Upsert::No);
        assert!(receiver.try_recv().is_err(), "a commit is in the way");
    });
    let (thread, result) = receiver.recv().unwrap();
    assert!(thread != here && matches!(result, Ok(Answer::Updated(outcome)) if outcome.modified == 1));
    assert_eq!(bench.database.check_indexes().unwrap(), 10);
}

#[test]
fn an_update_of_many_ends_when_each_document_gets_a_new_shape() {
    let bench = Bench::new();
    let large = Value::String("y".repeat(20_000));
    let pipeline = Value::Array(vec![object(&[("$set", object(&[("d", Value::Int(1))]))])]);
    let operator = object(&[("$set", object(&[("e", Value::Int(1))]))]);
    let documents: Vec<_> = (0..1_200)
        .map(|n| {
            let own = format!("field{}", n % 300);
            let mut fields = vec![("_id", Value::Int(1_000 + n)), (own.as_str(), Value::Int(n))];
            if n % 7 == 0 {
                fields.push(("large", large.clone()));
            }
            incoming(&object(&fields))
        })
        .collect();
    let name = "shapes";
    by_id::insert(bench.store(), name, &documents, InsertOrder::Ordered).result.unwrap();
    let filter = parse_filter(&incoming(&object(&[]))).unwrap();
    for update in [pipeline, operator] {
        let update = Update::parse(incoming(&update).raw(), None).unwrap();
        // Long enough for any machine; without an end the test fails instead of hanging.
        let limits = Limits { max_time: Some(60_000), ..Limits::default() };
        let modification = Modification {
            name,
            filter: &filter,
            reach: Reach::Many,
            change: Change::Update(&update),
            upsert: (Upsert::No, None),
            sort: None,
            hint: None,
            answer: None,
            interrupt: &Interrupt::start(&limits, bench.store().now()),
            ahead: None,
            if_version: None,
        };
        let outcome = by_filter::modify(bench.store(), &modification).result.unwrap();
        assert_eq!((outcome.matched, outcome.modified), (1_200, 1_200));
    }
}
