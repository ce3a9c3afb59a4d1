//! Compaction during reads and writes: nothing is lost, nothing changes, the files shrink. `FACTOR=500` turns the 20,000
//! inserts of each mode into ten million.

use std::sync::atomic::{AtomicBool, Ordering};

use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::{InsertOrder, Reach};
use moltendb_node::options::{AutoCompact, StorageMode};

use crate::support::{Client, object};

const WRITERS: i32 = 16;
/// Inserts of one writer: 20,000 in all, a third of them updated, a seventh deleted.
const INSERTS: i32 = 1_250;

fn text(seed: i32) -> Value {
    Value::String(format!("{seed}").repeat(20))
}

#[test]
fn writers_during_continuous_compaction_lose_nothing() {
    for (mode, memory_limit) in
        [(StorageMode::Async, None), (StorageMode::Sync, None), (StorageMode::Async, Some(10_000))]
    {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db").to_str().unwrap().to_owned();
        let options = OpenOptions {
            storage: mode,
            memory_limit: memory_limit.into(),
            segment_size: 1 << 17,
            auto_compact: AutoCompact::Off,
            ..OpenOptions::default()
        };
        let factor = std::env::var("FACTOR").map_or(1, |text| text.parse::<i32>().unwrap());
        let writes = INSERTS * factor;
        let client = Client::open(&path, options.clone()).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let client =
                        Client { database: client.database.clone(), session: client.database.session() };
                    scope.spawn(move || {
                        for n in 0..writes {
                            let id = Value::Int(writer * 10_000_000 + n);
                            let document = object(&[("_id", id.clone()), ("t", text(n))]);
                            client.insert("c", &[document], InsertOrder::Ordered).unwrap();
                            if n % 3 == 0 {
                                let set = object(&[("$set", object(&[("t", text(n + 1))]))]);
                                let answer = client
                                    .update("c", &object(&[("_id", id.clone())]), &set, Reach::One)
                                    .unwrap();
                                assert_eq!(answer, (1, 1));
                            }
                            if n % 7 == 0 {
                                assert!(client.delete_id("c", &id).unwrap());
                            }
                        }
                    })
                })
                .collect();
            let (client, done) = (&client, &done);
            let compactor = scope.spawn(move || {
                let mut compactions = 0;
                while !done.load(Ordering::Acquire) {
                    client.database.compact().unwrap();
                    compactions += 1;
                }
                compactions
            });
            for writer in writers {
                writer.join().unwrap();
            }
            done.store(true, Ordering::Release);
            assert!(compactor.join().unwrap() > 0);
        });
        let check = |client: &Client| {
            for writer in 0..WRITERS {
                for n in 0..writes {
                    let id = Value::Int(writer * 10_000_000 + n);
                    let seed = if n % 3 == 0 { n + 1 } else { n };
                    let expected = (n % 7 != 0).then(|| object(&[("_id", id.clone()), ("t", text(seed))]));
                    assert_eq!(client.get("c", &id).unwrap(), expected, "{mode:?} {id:?}");
                }
            }
            let expected = i64::from(WRITERS * (writes - (writes + 6) / 7));
            assert_eq!(client.find("c", &object(&[])).unwrap().len() as i64, expected);
        };
        check(&client);
        client.database.close().unwrap();
        let client = Client::open(&path, options.clone()).unwrap();
        check(&client);
        // Once more from the snapshot alone.
        client.database.compact().unwrap();
        check(&client);
        client.database.close().unwrap();
        let client = Client::open(&path, options).unwrap();
        check(&client);
        client.database.close().unwrap();
    }
}

#[test]
fn a_cursor_reads_on_over_compactions_and_the_files_shrink() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db").to_str().unwrap().to_owned();
    let options = OpenOptions {
        memory_limit: Some(0).into(),
        auto_compact: AutoCompact::Off,
        ..OpenOptions::default()
    };
    let client = Client::open(&path, options).unwrap();
    let documents: Vec<Value> =
        (0..2_000).map(|n| object(&[("_id", Value::Int(n)), ("t", text(n)), ("v", Value::Int(0))])).collect();
    client.insert("c", &documents, InsertOrder::Ordered).unwrap();
    let (cursor, mut seen) = client.first("c", &object(&[]), 10).unwrap();
    for _ in 0..5 {
        let inc = object(&[("$inc", object(&[("v", Value::Int(1))]))]);
        client.update("c", &object(&[]), &inc, Reach::Many).unwrap();
    }
    client.delete("c", &object(&[("_id", object(&[("$gte", Value::Int(1_000))]))]), Reach::Many).unwrap();
    let compaction = client.database.compact().unwrap();
    assert_eq!(compaction.documents, 1_000);
    assert!(compaction.bytes_after * 5 < compaction.bytes_before, "{compaction:?}");
    client.database.compact().unwrap();
    seen.extend(client.rest(cursor, 100).unwrap());
    assert_eq!(seen, documents);
    assert_eq!(client.count("c", &object(&[])).unwrap(), 1_000);
    client.database.close().unwrap();
    // Nothing of the old generations remains once no reader needs them.
    let files: Vec<_> = std::fs::read_dir(directory.path().join("db")).unwrap().collect();
    assert!(files.len() <= 6, "{files:?}");
}

#[test]
fn a_database_that_is_updated_again_and_again_compacts_itself() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db").to_str().unwrap().to_owned();
    let client = Client::open(&path, OpenOptions::default()).unwrap();
    let documents: Vec<Value> =
        (0..1_000).map(|n| object(&[("_id", Value::Int(n)), ("t", text(n)), ("v", Value::Int(0))])).collect();
    client.insert("c", &documents, InsertOrder::Ordered).unwrap();
    let inc = object(&[("$inc", object(&[("v", Value::Int(1))]))]);
    for _ in 0..400 {
        assert_eq!(client.update("c", &object(&[]), &inc, Reach::Many).unwrap(), (1_000, 1_000));
    }
    client.database.close().unwrap();
    let bytes: u64 = std::fs::read_dir(directory.path().join("db"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    // 400 rounds of about 80 KB were written.
    assert!(bytes < 20 << 20, "{bytes} bytes are left");
    let client = Client::open(&path, OpenOptions::default()).unwrap();
    assert_eq!(client.count("c", &object(&[("v", Value::Int(400))])).unwrap(), 1_000);
    client.database.close().unwrap();
}

/// Documents in shared blocks, of which all but every hundredth is deleted.
fn mostly_deleted(options: OpenOptions, count: i32) -> (Client, Vec<Value>) {
    let client = Client::open(":memory:", options).unwrap();
    let padding = |n: i32| Value::String(format!("{n} ").repeat(20));
    let documents: Vec<Value> = (0..count)
        .map(|n| object(&[("_id", Value::Int(n)), ("p", padding(n)), ("v", Value::Int(0))]))
        .collect();
    client.insert("c", &documents, InsertOrder::Ordered).unwrap();
    let gone: Vec<Value> = (0..count).filter(|n| n % 100 != 0).map(Value::Int).collect();
    let filter = object(&[("_id", object(&[("$in", Value::Array(gone))]))]);
    assert_eq!(client.delete("c", &filter, Reach::Many).unwrap(), count as u64 * 99 / 100);
    (client, documents.into_iter().step_by(100).collect())
}

#[test]
fn a_database_in_memory_lets_go_of_blocks_that_are_mostly_dead() {
    let (client, kept) =
        mostly_deleted(OpenOptions { auto_compact: AutoCompact::Off, ..OpenOptions::default() }, 2_000);
    let (cursor, first) = client.first("c", &object(&[]), 1).unwrap();
    let inc = object(&[("$inc", object(&[("v", Value::Int(1))]))]);
    let one = object(&[("_id", Value::Int(300))]);
    assert_eq!(client.update("c", &one, &inc, Reach::One).unwrap(), (1, 1));
    let done = client.database.compact().unwrap();
    assert_eq!(done.documents, 20);
    assert!(done.bytes_after * 20 < done.bytes_before, "{done:?}");
    let live = client.database.stats().unwrap().live_bytes;
    assert!(done.bytes_after < live * 2, "{done:?}, {live} bytes alive");
    // An earlier cursor sees its state, all other reads the newest, each with its version.
    let mut seen = first;
    seen.extend(client.rest(cursor, 3).unwrap());
    assert_eq!(seen, kept);
    assert_eq!(client.count("c", &object(&[("v", Value::Int(1))])).unwrap(), 1);
    assert_eq!(client.version("c", &Value::Int(300)).unwrap(), Some(2));
    assert_eq!(client.version("c", &Value::Int(400)).unwrap(), Some(1));
    let again = client.database.compact().unwrap();
    assert_eq!((again.bytes_before, again.bytes_after), (done.bytes_after, done.bytes_after));
    assert_eq!(client.update("c", &object(&[]), &inc, Reach::Many).unwrap(), (20, 20));
    client.database.close().unwrap();
}

#[test]
fn a_database_in_memory_compacts_itself() {
    let (client, kept) = mostly_deleted(OpenOptions::default(), 40_000);
    for n in 0..10_000 {
        client.set("other", &[(object(&[("_id", Value::Int(0)), ("n", Value::Int(n))]), None)]).unwrap();
        if n % 100 == 99 {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }
    let done = client.database.compact().unwrap();
    assert!(done.bytes_before < 1 << 20, "nobody compacted before: {done:?}");
    assert_eq!(client.find("c", &object(&[])).unwrap(), kept);
    client.database.close().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_database_whose_handle_is_kept_has_no_file_open() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let client = Client::open(path.to_str().unwrap(), OpenOptions::default()).unwrap();
    let document = |n: i32| object(&[("_id", Value::Int(n))]);
    client.insert("c", &[document(1)], InsertOrder::Ordered).unwrap();
    client.database.compact().unwrap();
    client.insert("c", &[document(2)], InsertOrder::Ordered).unwrap();
    let open = || {
        let links = std::fs::read_dir("/proc/self/fd").unwrap();
        let files = links.filter_map(|link| std::fs::read_link(link.unwrap().path()).ok());
        files.filter(|file| file.starts_with(&path)).count()
    };
    assert!(open() >= 3, "the lock, the snapshot and a segment");
    client.database.close().unwrap();
    assert_eq!(open(), 0);
}
