//! Many writers and readers at once: every write once, every view whole.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Client, object};
use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::{InsertOrder, Reach};
use moltendb_node::options::StorageMode;

const THREADS: i32 = 8;
const WRITES: i32 = 250;

fn id(writer: i32, n: i32) -> Value {
    Value::String(format!("{writer}-{n}"))
}

#[test]
fn concurrent_writers_lose_nothing_and_it_is_there_after_reopening() {
    for mode in [StorageMode::Async, StorageMode::Sync] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db").to_str().unwrap().to_owned();
        let options = OpenOptions { storage: mode, segment_size: 1 << 16, ..OpenOptions::default() };
        let client = Client::open(&path, options.clone()).unwrap();
        let counter = object(&[("_id", Value::Int(0)), ("n", Value::Int(0))]);
        client.insert("counters", &[counter], InsertOrder::Ordered).unwrap();
        std::thread::scope(|scope| {
            for writer in 0..THREADS {
                let session = client.database.session();
                let client = Client { database: client.database.clone(), session };
                scope.spawn(move || {
                    for n in 0..WRITES {
                        let document = object(&[("_id", id(writer, n)), ("n", Value::Int(n))]);
                        client.insert("c", &[document], InsertOrder::Ordered).unwrap();
                        let inc = object(&[("$inc", object(&[("n", Value::Int(1))]))]);
                        client.update("counters", &object(&[]), &inc, Reach::One).unwrap();
                        if n % 5 == 4 {
                            assert!(client.delete_id("c", &id(writer, n - 2)).unwrap());
                        }
                    }
                });
            }
        });
        let check = |client: &Client| {
            let documents = client.find("c", &object(&[])).unwrap();
            assert_eq!(documents.len() as i32, THREADS * (WRITES - WRITES / 5));
            for writer in 0..THREADS {
                for n in 0..WRITES {
                    let expected =
                        (n % 5 != 2).then(|| object(&[("_id", id(writer, n)), ("n", Value::Int(n))]));
                    assert_eq!(client.get("c", &id(writer, n)).unwrap(), expected);
                }
            }
            let counter = client.get("counters", &Value::Int(0)).unwrap();
            assert_eq!(counter, Some(object(&[("_id", Value::Int(0)), ("n", Value::Int(THREADS * WRITES))])));
        };
        check(&client);
        client.database.close().unwrap();
        let client = Client::open(&path, options).unwrap();
        check(&client);
        client.database.close().unwrap();
    }
}

#[test]
fn every_find_sees_one_state_while_writers_go_on() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    let documents: Vec<Value> =
        (0..500).map(|n| object(&[("_id", Value::Int(n)), ("n", Value::Int(0))])).collect();
    client.insert("c", &documents, InsertOrder::Ordered).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = Client { database: client.database.clone(), session: client.database.session() };
        let done = &done;
        scope.spawn(move || {
            for _ in 0..300 {
                // One frame: all documents of a state have the same n.
                let inc = object(&[("$inc", object(&[("n", Value::Int(1))]))]);
                assert_eq!(writer.update("c", &object(&[]), &inc, Reach::Many).unwrap(), (500, 500));
            }
            done.store(true, Ordering::Release);
        });
        for batch in [0, 7, 100] {
            let reader = Client { database: client.database.clone(), session: client.database.session() };
            scope.spawn(move || {
                while !done.load(Ordering::Acquire) {
                    let (cursor, mut documents) = reader.first("c", &object(&[]), batch).unwrap();
                    documents.extend(reader.rest(cursor, batch).unwrap());
                    assert_eq!(documents.len(), 500);
                    let n = |document: &Value| match document {
                        Value::Object(fields) => fields[1].1.clone(),
                        other => other.clone(),
                    };
                    assert!(documents.iter().all(|document| n(document) == n(&documents[0])));
                }
            });
        }
    });
    let stats = client.database.stats().unwrap();
    assert_eq!(stats.views, 0);
    assert!(stats.hot_bytes < 2 * stats.live_bytes, "old versions are released: {} bytes", stats.hot_bytes);
}

#[test]
fn a_document_deleted_and_inserted_again_moves_to_the_end_and_old_views_keep_it() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    let document =
        |n: i32, text: &str| object(&[("_id", Value::Int(n)), ("t", Value::String(text.to_owned()))]);
    let all = object(&[]);
    client
        .insert("c", &[document(1, "a"), document(2, "b"), document(3, "c")], InsertOrder::Ordered)
        .unwrap();
    let (cursor, first) = client.first("c", &all, 1).unwrap();
    client.delete_id("c", &Value::Int(2)).unwrap();
    client.insert("c", &[document(2, "again")], InsertOrder::Ordered).unwrap();
    assert_eq!(first, [document(1, "a")]);
    assert_eq!(client.rest(cursor, 1).unwrap(), [document(2, "b"), document(3, "c")]);
    assert_eq!(client.find("c", &all).unwrap(), [document(1, "a"), document(3, "c"), document(2, "again")]);
    assert_eq!(client.version("c", &Value::Int(2)).unwrap(), Some(1));
}

#[test]
fn documents_beyond_the_memory_limit_are_read_from_disk_with_the_same_answers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db").to_str().unwrap().to_owned();
    let limit = 100_000;
    let options = OpenOptions { memory_limit: Some(limit).into(), ..OpenOptions::default() };
    let text = |n: i32| Value::String(format!("{n}-{}", "x".repeat(100)));
    let document = |n: i32| object(&[("_id", Value::Int(n)), ("n", Value::Int(n % 7)), ("t", text(n))]);
    let documents: Vec<Value> = (0..10_000).map(document).collect();
    let check = |client: &Client| {
        assert_eq!(client.find("c", &object(&[])).unwrap(), documents);
        let some: Vec<_> = documents.iter().skip(3).step_by(7).cloned().collect();
        assert_eq!(client.find("c", &object(&[("n", Value::Int(3))])).unwrap(), some);
        for n in (0..10_000).step_by(37) {
            assert_eq!(client.get("c", &Value::Int(n)).unwrap().as_ref(), Some(&documents[n as usize]));
        }
        client.database.flush().unwrap();
        let hot = client.database.stats().unwrap().hot_bytes;
        assert!(hot <= limit + 10_000, "{hot} bytes of documents are in memory");
    };
    let client = Client::open(&path, options.clone()).unwrap();
    for part in documents.chunks(500) {
        client.insert("c", part, InsertOrder::Ordered).unwrap();
    }
    check(&client);
    client.database.close().unwrap();
    let client = Client::open(&path, options).unwrap();
    check(&client);
    client.database.close().unwrap();
}

#[test]
fn documents_written_several_times_in_one_commit_are_there_once_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let open = || Client::open(path.to_str().unwrap(), OpenOptions::default()).unwrap();
    let at = |n: i32, version: i32| object(&[("_id", Value::Int(n)), ("v", Value::Int(version))]);
    let client = open();
    for (round, name) in ["a", "b", "a"].into_iter().enumerate() {
        // Each block of the log has new documents between others that it, or the previous round, has already.
        let entries: Vec<_> =
            (0..9_000).map(|n| (at(n % 5_000 + 1_000 * round as i32, n + round as i32), None)).collect();
        client.set(name, &entries).unwrap();
        for n in (0..5_000).step_by(7) {
            client.delete_id(name, &Value::Int(n)).unwrap();
        }
    }
    client.set("b", &[(at(0, -1), None), (at(0, -2), None)]).unwrap();
    let look = |client: &Client| {
        let everything = |name| client.first(name, &object(&[]), 20_000).unwrap().1;
        let stats = client.database.stats().unwrap();
        let figures = (stats.documents, stats.hot_bytes, stats.live_bytes, stats.last_lsn);
        (everything("a"), everything("b"), figures)
    };
    let before = look(&client);
    client.database.close().unwrap();
    let client = open();
    let after = look(&client);
    assert_eq!(after, before);
    assert_eq!(client.get("b", &Value::Int(0)).unwrap(), Some(at(0, -2)));
}

#[test]
fn threads_that_open_a_new_directory_at_once_share_one_database() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..25 {
        let path = directory.path().join(format!("{round}")).to_str().unwrap().to_owned();
        let (path, start) = (&path, &std::sync::Barrier::new(4));
        let opened: Vec<_> = std::thread::scope(|scope| {
            let open = || {
                start.wait();
                Client::open(path, OpenOptions::default())
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
        });
        opened[0].insert("c", &[object(&[("_id", Value::Int(1))])], InsertOrder::Ordered).unwrap();
        for client in &opened {
            assert_eq!(client.database.stats().unwrap().documents, 1, "round {round}");
        }
        opened.iter().for_each(|client| client.database.close().unwrap());
    }
}
