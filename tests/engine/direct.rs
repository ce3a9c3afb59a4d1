//! Small writes and finds executed in the call that submits them, alongside those that go to the session's queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use crate::indexes::spec;
use crate::support::{Client, batch_of, incoming, object};
use moltendb_node::document::Value;
use moltendb_node::engine::{
    Answer, Answered, FindOptions, InsertOrder, Limits, Operation, Reach, Session, SetEntry, Size, Task,
    Upsert,
};
use moltendb_node::error::Kind;
use moltendb_node::options::StorageMode;
use moltendb_node::{OpenOptions, Result};

fn submit(
    session: &Arc<Session>,
    operations: Vec<Operation>,
    reply: impl Fn(Result<Answer>) + Clone + Send + 'static,
) {
    let task = |operation| {
        let reply = reply.clone();
        let reply = Box::new(move |answered: Answered| reply(answered.answer));
        Task { name: "c".into(), operation, limits: Limits::default(), reply, transaction: 0 }
    };
    session.submit(operations.into_iter().map(task).collect(), Size::Small);
}

fn set(id: i32, text: usize) -> Operation {
    let document = object(&[("_id", Value::Int(id)), ("t", Value::String("x".repeat(text)))]);
    Operation::Set { entries: vec![SetEntry { document: incoming(&document), if_version: None }] }
}

fn increment(id: i32) -> Operation {
    Operation::Update {
        filter: incoming(&object(&[("_id", Value::Int(id))])),
        update: incoming(&object(&[("$inc", object(&[("n", Value::Int(1))]))])),
        array_filters: None,
        reach: Reach::One,
        upsert: Upsert::No,
        new_id: incoming(&Value::Null),
        hint: None,
        sort: None,
        if_version: None,
    }
}

fn open(path: &str, storage: StorageMode) -> Client {
    let flush_interval = Duration::from_millis(5);
    Client::open(
        path,
        OpenOptions { storage, flush_interval, segment_size: 1 << 18, ..OpenOptions::default() },
    )
    .unwrap()
}

#[test]
fn inline_and_queued_writes_commit_in_the_order_of_the_calls() {
    for storage in [StorageMode::Memory, StorageMode::Async, StorageMode::Sync] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db").to_str().unwrap().to_owned();
        let path = if storage == StorageMode::Memory { ":memory:" } else { &path };
        let client = open(path, storage);
        let (sender, receiver) = mpsc::channel();
        let here = Arc::new(AtomicUsize::new(0));
        let mut called = 0;
        for round in 0..400 {
            let this = std::thread::current().id();
            let operations: Vec<_> = (0..round % 7 + 1)
                // A large operation has to go to the queue, and so do all that follow it.
                .map(|n| set(1, if (round + n) % 11 == 0 { 20_000 } else { n as usize }))
                .collect();
            called += operations.len();
            let (sender, here) = (sender.clone(), here.clone());
            submit(&client.session, operations, move |result| {
                here.fetch_add(usize::from(std::thread::current().id() == this), Ordering::Relaxed);
                sender.send(result.unwrap()).unwrap();
            });
            if round % 5 == 0 {
                while client.version("c", &Value::Int(1)).unwrap() != Some(called as u64) {
                    std::thread::yield_now();
                }
            }
        }
        drop(sender);
        let versions: Vec<_> = receiver
            .iter()
            .take(called)
            .map(|answer| match answer {
                Answer::Versions(versions) => versions[0],
                _ => panic!("a set has another answer"),
            })
            .collect();
        assert_eq!(versions, (1..=called as u64).collect::<Vec<_>>(), "{storage:?}");
        let here = here.load(Ordering::Relaxed);
        match storage {
            StorageMode::Sync => assert_eq!(here, 0, "an fdatasync is waiting"),
            _ => assert!(here > 0 && here < called, "{storage:?}: {here} of {called}"),
        }
        client.database.close().unwrap();
    }
}

#[test]
fn nothing_is_lost_between_threads_that_write_here_flushes_and_compactions() {
    const THREADS: usize = 4;
    const WRITES: usize = 1_500;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db").to_str().unwrap().to_owned();
    let client = open(&path, StorageMode::Async);
    client
        .insert("c", &[object(&[("_id", Value::Int(0)), ("n", Value::Int(0))])], InsertOrder::Ordered)
        .unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                client.database.compact().unwrap();
            }
        });
        let writers: Vec<_> = (0..THREADS)
            .map(|_| {
                let session = client.database.session();
                scope.spawn(move || {
                    let (sender, receiver) = mpsc::channel();
                    for _ in 0..WRITES {
                        let sender = sender.clone();
                        submit(&session, vec![increment(0)], move |result| sender.send(result).unwrap());
                        assert!(matches!(receiver.recv().unwrap(), Ok(Answer::Updated(outcome)) if outcome.modified == 1));
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Release);
    });
    let expected = object(&[("_id", Value::Int(0)), ("n", Value::Int((THREADS * WRITES) as i32))]);
    assert_eq!(client.get("c", &Value::Int(0)).unwrap().as_ref(), Some(&expected));
    client.database.close().unwrap();
    let client = open(&path, StorageMode::Async);
    assert_eq!(client.get("c", &Value::Int(0)).unwrap(), Some(expected));
    client.database.close().unwrap();
}

#[test]
fn what_is_refused_is_refused_here_too() {
    let client = open(":memory:", StorageMode::Memory);
    let (sender, receiver) = mpsc::channel();
    let reply = move |result: Result<Answer>| sender.send(result).unwrap();
    let document = incoming(&object(&[("_id", Value::Int(1))]));
    let insert = || Operation::Insert { documents: vec![document.clone()], order: InsertOrder::Ordered };
    submit(&client.session, vec![insert(), insert(), increment(2)], reply.clone());
    let answers: Vec<_> = receiver.try_iter().map(Result::unwrap).collect();
    let failures = |answer: &Answer| match answer {
        Answer::Inserted(outcome) => outcome.failures.iter().map(|failure| failure.error.kind()).collect(),
        Answer::Updated(outcome) => vec![Kind::Internal; outcome.matched as usize],
        _ => panic!("a write has another answer"),
    };
    assert_eq!(answers.iter().map(failures).collect::<Vec<_>>(), [vec![], vec![Kind::DuplicateKey], vec![]]);
    client.database.close().unwrap();
    submit(&client.session, vec![insert()], reply);
    assert_eq!(receiver.recv().unwrap().err().unwrap().kind(), Kind::Closed);
}

/// Submits a find together with the same one called; returns whether it was answered in the call that submits it, and how
/// many documents it found.
fn found(client: &Client, filter: &Value, options: &FindOptions) -> (bool, usize) {
    let find = || Operation::Find { filter: incoming(filter), options: options.clone() };
    let (sender, receiver) = mpsc::channel();
    let this = std::thread::current().id();
    let reply = Box::new(move |Answered { collection, answer: result }| {
        let here = std::thread::current().id() == this;
        sender.send((here, batch_of((collection, result.unwrap())).unwrap())).unwrap();
    });
    let task = Task { name: "c".into(), operation: find(), limits: Limits::default(), reply, transaction: 0 };
    client.session.submit(vec![task], Size::Small);
    let (here, (cursor, mut documents)) = receiver.recv().unwrap();
    documents.extend(client.rest(cursor, 100).unwrap());
    let (cursor, mut expected) = batch_of(client.call("c", find()).unwrap()).unwrap();
    expected.extend(client.rest(cursor, 100).unwrap());
    assert_eq!(documents, expected, "{filter:?}");
    (here, documents.len())
}

fn wanted(sort: Option<&str>, limit: u64, batch: u32) -> FindOptions {
    let sort = sort.map(|path| {
        incoming(&Value::Array(vec![Value::Array(vec![Value::String(path.into()), Value::Int(1)])]))
    });
    FindOptions { sort, projection: None, skip: 0, limit, batch, hint: None, meta: false }
}

fn where_is(operator: &str, path: &str, value: Value) -> Value {
    object(&[(path, object(&[(operator, value)]))])
}

#[test]
fn a_find_that_reads_few_documents_runs_in_the_call_and_any_other_on_the_queue_of_scans() {
    let client = open(":memory:", StorageMode::Memory);
    let documents: Vec<_> = (0..2_000)
        .map(|n| {
            let text = if n % 10 == 9 { 1_000 } else { 5 };
            object(&[
                ("_id", Value::Int(n)),
                ("ten", Value::Int(n % 10)),
                ("k", Value::Int(n)),
                ("t", Value::String("x".repeat(text))),
            ])
        })
        .collect();
    client.insert("c", &documents, InsertOrder::Ordered).unwrap();
    client.database.create_indexes("c", &[spec(&[("ten", 1)], &[]), spec(&[("k", 1)], &[])]).unwrap();
    let all = &wanted(None, 0, 0);
    let ids = Value::Array((0..40).map(Value::Int).collect());
    for (filter, options, here, count) in [
        (object(&[("k", Value::Int(7))]), all, true, 1),
        (object(&[("k", Value::Int(-7))]), all, true, 0),
        (object(&[("ten", Value::Int(3))]), all, true, 200),
        (object(&[("ten", Value::Int(3))]), &wanted(None, 0, 30), true, 200),
        (where_is("$in", "_id", ids), all, true, 40),
        (where_is("$gte", "k", Value::Int(100)), &wanted(Some("k"), 20, 0), true, 20),
        // More than a call may read, by the plan or only by the bytes.
        (where_is("$lt", "ten", Value::Int(2)), all, false, 400),
        (where_is("$gte", "k", Value::Int(100)), &wanted(Some("t"), 20, 0), false, 20),
        (object(&[("ten", Value::Int(9))]), all, false, 200),
        (object(&[("t", Value::String("x".into()))]), all, false, 0),
        (object(&[]), all, false, 2_000),
        (where_is("$regex", "k", Value::String("^x".into())), all, false, 0),
    ] {
        assert_eq!(found(&client, &filter, options), (here, count), "{filter:?}");
    }
    client.database.close().unwrap();
}

#[test]
fn a_find_of_what_is_on_disk_is_not_answered_in_the_call() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db").to_str().unwrap().to_owned();
    let options = OpenOptions {
        storage: StorageMode::Async,
        memory_limit: Some(1 << 20).into(),
        ..OpenOptions::default()
    };
    let client = Client::open(&path, options).unwrap();
    for n in 0..100 {
        let text = ("t", Value::String("x".repeat(100_000)));
        client
            .insert(
                "c",
                &[object(&[("_id", Value::Int(n)), ("k", Value::Int(n)), text])],
                InsertOrder::Ordered,
            )
            .unwrap();
    }
    client.database.create_indexes("c", &[spec(&[("k", 1)], &[])]).unwrap();
    let here = (0..100)
        .filter(|n| {
            let (here, count) = found(&client, &object(&[("k", Value::Int(*n))]), &wanted(None, 0, 0));
            assert_eq!(count, 1);
            here
        })
        .count();
    assert!(here < 100, "10 MB are not in memory of 1 MiB");
    client.database.close().unwrap();
}

#[test]
fn finds_in_the_call_beside_writers_see_whole_commits() {
    let client = open(":memory:", StorageMode::Memory);
    let pair = |n: i32| {
        let of = |id| object(&[("_id", Value::Int(id)), ("k", Value::Int(1)), ("n", Value::Int(n))]);
        [(of(0), None), (of(1), None)]
    };
    client.set("c", &pair(0)).unwrap();
    client.database.create_indexes("c", &[spec(&[("k", 1)], &[])]).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..3_000 {
                client.set("c", &pair(n)).unwrap();
            }
            done.store(true, Ordering::Release);
        });
        let session = client.database.session();
        while !done.load(Ordering::Acquire) {
            let (sender, receiver) = mpsc::channel();
            let reply = Box::new(move |Answered { collection, answer: result }| {
                sender.send(batch_of((collection, result.unwrap())).unwrap().1).unwrap();
            });
            let filter = incoming(&object(&[("k", Value::Int(1))]));
            let operation = Operation::Find { filter, options: wanted(None, 0, 0) };
            let task = Task { name: "c".into(), operation, limits: Limits::default(), reply, transaction: 0 };
            session.submit(vec![task], Size::Small);
            let documents = receiver.recv().unwrap();
            let of = |document: &Value| match document {
                Value::Object(fields) => fields[2].1.clone(),
                _ => panic!("no document"),
            };
            assert_eq!(documents.len(), 2);
            assert_eq!(of(&documents[0]), of(&documents[1]));
        }
    });
    client.database.close().unwrap();
}
