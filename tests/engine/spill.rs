//! Sorts and groups of more than `queryMemoryLimit`: their results, and what becomes of their files.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use moltendb_node::OpenOptions;
use moltendb_node::document::{Object, Value};
use moltendb_node::engine::{
    Answer, Answered, FindOptions, InsertOrder, Limits, Operation, Reach, Size, Task, Verbosity, verify,
};
use moltendb_node::error::{Error, Kind};
use moltendb_node::options::{Access, StorageMode};
use moltendb_node::storage::Host;

use crate::files::{Word, with_words};
use crate::support::{Client, batch_of, incoming, object};

const DOCUMENTS: i32 = 6_000;

fn options() -> OpenOptions {
    OpenOptions { storage: StorageMode::Async, query_memory_limit: 1 << 20, ..OpenOptions::default() }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// The key of a document: 500 of them, each of 200 bytes.
fn key(n: i32) -> String {
    format!("{:03}{}", n.wrapping_mul(7_919).rem_euclid(500), "k".repeat(197))
}

fn document(n: i32) -> Value {
    let weight = f64::from(n % 97) * 10_f64.powi(n % 20 - 10);
    object(&[("_id", Value::Int(n)), ("k", text(&key(n))), ("x", Value::number(weight))])
}

fn fill(client: &Client) {
    for from in (0..DOCUMENTS).step_by(1_000) {
        let documents: Vec<Value> = (from..from + 1_000).map(document).collect();
        client.insert("c", &documents, InsertOrder::Ordered).unwrap();
    }
}

fn pairs(fields: &[(&str, i32)]) -> Value {
    let pair = |(path, way): &(&str, i32)| Value::Array(vec![text(path), Value::Int(*way)]);
    Value::Array(fields.iter().map(pair).collect())
}

fn by_key(limit: u64, batch: u32) -> Operation {
    let sort = Some(incoming(&pairs(&[("k", 1)])));
    let options = FindOptions { sort, limit, batch, ..FindOptions::default() };
    Operation::Find { filter: incoming(&object(&[])), options }
}

/// `_id`s in the order of their keys; equal keys in the order of insertion.
fn expected() -> Vec<i32> {
    let mut all: Vec<i32> = (0..DOCUMENTS).collect();
    all.sort_by_key(|n| key(*n));
    all
}

fn ids(documents: &[Value]) -> Vec<i32> {
    let id = |one: &Value| match one {
        Value::Object(fields) => match fields.first() {
            Some((_, Value::Int(id))) => *id,
            other => panic!("{other:?} is no _id"),
        },
        other => panic!("{other:?} is no document"),
    };
    documents.iter().map(id).collect()
}

fn group() -> Operation {
    let one = |operator: &str, operand: &str| object(&[(operator, text(operand))]);
    let fields = object(&[
        (
            "_id",
            object(&[
                ("k", text("$k")),
                ("id", object(&[("$mod", Value::Array(vec![text("$_id"), Value::Int(1_500)]))])),
            ]),
        ),
        ("sum", one("$sum", "$x")),
        ("dev", one("$stdDevPop", "$x")),
        ("all", one("$push", "$_id")),
    ]);
    let stages = Value::Array(vec![object(&[("$group", fields)])]);
    Operation::Aggregate { pipeline: incoming(&stages), batch: 100, hint: None }
}

/// The same groups without trees, on several threads.
fn fast_group() -> Operation {
    let one = |operator: &str, operand: &str| object(&[(operator, text(operand))]);
    let key = object(&[("k", text("$k")), ("id", text("$_id"))]);
    let fields = object(&[
        ("_id", key),
        ("sum", one("$sum", "$x")),
        ("mean", one("$avg", "$x")),
        ("most", one("$max", "$k")),
    ]);
    let stages = Value::Array(vec![object(&[("$group", fields)])]);
    Operation::Aggregate { pipeline: incoming(&stages), batch: 100, hint: None }
}

fn all(client: &Client, operation: Operation) -> Result<Vec<Value>, Error> {
    let (cursor, mut documents) = batch_of(client.call("c", operation)?)?;
    documents.extend(client.rest(cursor, 500)?);
    Ok(documents)
}

fn spill_bytes(client: &Client) -> u64 {
    client.database.stats().unwrap().spill_bytes
}

fn leftovers(path: &Path) -> Vec<String> {
    let names = path.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("spill-")).collect()
}

#[test]
fn sorts_and_groups_on_disk_are_those_in_memory_whether_documents_are_in_memory_or_not() {
    let memory =
        Client::open(":memory:", OpenOptions { storage: StorageMode::Memory, ..OpenOptions::default() })
            .unwrap();
    fill(&memory);
    let groups = [all(&memory, group()).unwrap(), all(&memory, fast_group()).unwrap()];
    for memory_limit in [None, Some(1)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        let client = Client::open(
            path.to_str().unwrap(),
            OpenOptions { memory_limit: memory_limit.into(), ..options() },
        )
        .unwrap();
        fill(&client);
        assert_eq!(ids(&all(&client, by_key(0, 500)).unwrap()), expected());
        assert_eq!(ids(&all(&client, by_key(4_000, 500)).unwrap()), expected()[..4_000]);
        assert!(all(&client, group()).unwrap() == groups[0], "groups");
        assert!(all(&client, fast_group()).unwrap() == groups[1], "groups of stored documents");
        assert_eq!((spill_bytes(&client), leftovers(&path)), (0, vec![]));

        // A cursor that is left open keeps its file and its state, whatever happens to the documents.
        let (cursor, mut found) = batch_of(client.call("c", by_key(0, 500)).unwrap()).unwrap();
        assert!(spill_bytes(&client) > 0);
        client.delete("c", &object(&[]), Reach::Many).unwrap();
        client.database.compact().unwrap();
        found.extend(client.rest(cursor, 700).unwrap());
        assert_eq!(ids(&found), expected());
        assert!(found.iter().all(|one| *one == document(ids(std::slice::from_ref(one))[0])));
        assert_eq!(spill_bytes(&client), 0);
        client.database.close().unwrap();
    }
}

#[test]
fn explain_tells_what_a_sort_wrote_to_disk() {
    let directory = tempfile::tempdir().unwrap();
    let client = Client::open(directory.path().join("db").to_str().unwrap(), options()).unwrap();
    fill(&client);
    for (limit, used) in [(0, true), (10, false)] {
        let operation = Box::new(by_key(limit, 0));
        let explained =
            client.call("c", Operation::Explain { operation, verbosity: Verbosity::Execution }).unwrap();
        let Answer::Value(Value::Object(explained)) = explained.1 else {
            panic!("an explanation is a value")
        };
        let get = |object: &Object, name: &str| {
            object.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()).unwrap()
        };
        let Value::Object(stats) = get(&explained, "executionStats") else {
            panic!("statistics are an object")
        };
        assert_eq!(get(&stats, "usedDisk"), Value::Bool(used));
        assert_eq!(matches!(get(&stats, "spills"), Value::Int(n) if n > 1), used);
        assert_eq!(matches!(get(&stats, "spilledBytes"), Value::Int(n) if n > 1_000_000), used);
    }
}

/// Calls with limits, as a program does.
fn submitted(client: &Client, operation: Operation, limits: Limits) -> Result<Answer, Error> {
    let (sender, receiver) = mpsc::channel();
    let reply = Box::new(move |answered: Answered| sender.send(answered.answer).unwrap());
    client
        .session
        .submit(vec![Task { name: "c".into(), operation, limits, reply, transaction: 0 }], Size::Any);
    receiver.recv().unwrap()
}

#[test]
fn where_the_disk_is_not_to_be_used_the_limit_holds() {
    let directory = tempfile::tempdir().unwrap();
    let client = Client::open(directory.path().join("db").to_str().unwrap(), options()).unwrap();
    fill(&client);
    for operation in [by_key(0, 0), group(), fast_group()] {
        let error =
            submitted(&client, operation, Limits { no_disk: true, ..Limits::default() }).err().unwrap();
        assert_eq!(error.kind(), Kind::Limit, "{error}");
        assert!(error.message().contains("would hold more than 1 MiB, and allowDiskUse is false"), "{error}");
        assert_eq!(error.details().code.map(|code| code.number()), Some(292));
    }
    submitted(&client, by_key(100, 0), Limits { no_disk: true, ..Limits::default() }).unwrap();
}

/// Fails or cancels at an operation on a temporary file.
#[derive(Clone, Default)]
struct Spills {
    operations: Arc<AtomicU64>,
    failing: Arc<AtomicU64>,
    full: bool,
    cancel: Option<Arc<AtomicBool>>,
}

impl Word for Spills {
    fn before(&self, verb: &'static str, path: &Path, _bytes: usize) -> io::Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with("spill-") {
            return Ok(());
        }
        let number = self.operations.fetch_add(1, Ordering::Relaxed) + 1;
        if number != self.failing.load(Ordering::Relaxed) || verb == "remove" {
            return Ok(());
        }
        if let Some(cancel) = &self.cancel {
            cancel.store(true, Ordering::Relaxed);
            return Ok(());
        }
        Err(if self.full { io::ErrorKind::StorageFull.into() } else { io::Error::other("the drive is gone") })
    }
}

#[test]
fn a_failing_operation_on_a_temporary_file_fails_its_query_and_nothing_else() {
    for full in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        let spills = Spills { full, ..Spills::default() };
        let host = with_words(Host::system(), spills.clone());
        let client = Client::open_on(&host, path.to_str().unwrap(), options()).unwrap();
        fill(&client);
        let groups = all(&client, group()).unwrap();
        spills.operations.store(0, Ordering::Relaxed);
        all(&client, group()).unwrap();
        let count = spills.operations.load(Ordering::Relaxed);
        assert!(count > 30);
        for failing in (1..=count).step_by(count as usize / 12) {
            spills.operations.store(0, Ordering::Relaxed);
            spills.failing.store(failing, Ordering::Relaxed);
            if let Err(error) = all(&client, group()) {
                assert_eq!(
                    error.kind(),
                    if full { Kind::StorageFull } else { Kind::Io },
                    "{failing}: {error}"
                );
                assert!(error.details().file.is_some());
            } else {
                assert_eq!(failing, 2, "only the removal of the name may fail unnoticed");
            }
            assert_eq!(spill_bytes(&client), 0);
            spills.failing.store(0, Ordering::Relaxed);
        }
        client.set("c", &[(document(1), None)]).unwrap();
        client.database.flush().unwrap();
        assert_eq!(ids(&all(&client, by_key(0, 0)).unwrap()).len(), DOCUMENTS as usize);
        assert_eq!(all(&client, group()).unwrap().len(), groups.len());
        assert_eq!(leftovers(&path), Vec::<String>::new());
        client.database.close().unwrap();
    }
}

#[test]
fn a_query_that_is_cancelled_while_it_writes_or_reads_its_file_stops_there() {
    let directory = tempfile::tempdir().unwrap();
    let cancel = Arc::new(AtomicBool::new(false));
    let spills = Spills { cancel: Some(cancel.clone()), ..Spills::default() };
    let host = with_words(Host::system(), spills.clone());
    let client = Client::open_on(&host, directory.path().join("db").to_str().unwrap(), options()).unwrap();
    fill(&client);
    for failing in [3, 40, 200] {
        for operation in [by_key(0, u32::MAX), group()] {
            spills.operations.store(0, Ordering::Relaxed);
            spills.failing.store(failing, Ordering::Relaxed);
            cancel.store(false, Ordering::Relaxed);
            let limits = Limits { cancel: Some(cancel.clone()), ..Limits::default() };
            let answer = submitted(&client, operation, limits);
            // A page more at most, of each part.
            assert!(spills.operations.load(Ordering::Relaxed) <= failing + 20, "{failing}");
            assert_eq!(answer.err().map(|error| error.kind()), Some(Kind::Aborted), "{failing}");
            assert_eq!(spill_bytes(&client), 0);
        }
    }
}

#[test]
fn closing_ends_open_cursors_and_removes_their_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let client = Client::open(path.to_str().unwrap(), options()).unwrap();
    fill(&client);
    let (cursor, _) = batch_of(client.call("c", by_key(0, 10)).unwrap()).unwrap();
    assert!(cursor != 0 && spill_bytes(&client) > 0);
    client.database.close().unwrap();
    assert_eq!(client.rest(cursor, 10).unwrap_err().kind(), Kind::Closed);
    assert_eq!(leftovers(&path), Vec::<String>::new());
    let open = Path::new("/proc/self/fd").read_dir().into_iter().flatten();
    let ours =
        open.filter_map(|open| open.ok()?.path().read_link().ok()).filter(|file| file.starts_with(&path));
    assert_eq!(ours.count(), 0);
    let client = Client::open(path.to_str().unwrap(), options()).unwrap();
    assert_eq!(client.count("c", &object(&[])).unwrap(), DOCUMENTS as u64);
}

#[test]
fn files_that_a_killed_process_left_are_removed_at_opening_and_other_files_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let place = path.to_str().unwrap();
    Client::open(place, options()).unwrap().database.close().unwrap();
    std::fs::write(path.join("spill-0000000000000007.tmp"), [1; 100]).unwrap();
    std::fs::write(path.join("spill-notes.txt"), "mine").unwrap();
    verify(place).unwrap();
    let readers = OpenOptions { access: Access::ReadOnly, ..options() };
    Client::open(place, readers).unwrap().database.close().unwrap();
    assert_eq!(leftovers(&path).len(), 2, "neither verify nor a reader removes anything");
    let client = Client::open(place, options()).unwrap();
    assert_eq!(leftovers(&path), ["spill-notes.txt"]);
    fill(&client);
    let (_cursor, _) = batch_of(client.call("c", by_key(0, 10)).unwrap()).unwrap();
    let copy = directory.path().join("copy");
    client.database.backup(copy.to_str().unwrap()).unwrap();
    assert_eq!(leftovers(&copy), Vec::<String>::new());
    client.database.close().unwrap();
}

#[test]
fn a_database_that_is_open_read_only_writes_no_temporary_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let client = Client::open(path.to_str().unwrap(), options()).unwrap();
    fill(&client);
    client.database.close().unwrap();
    let access = Access::ReadOnly;
    let client = Client::open(path.to_str().unwrap(), OpenOptions { access, ..options() }).unwrap();
    assert_eq!(all(&client, group()).err().map(|error| error.kind()), Some(Kind::Limit));
    assert_eq!(ids(&all(&client, by_key(0, 0)).unwrap()), expected());
}
