//! Databases of each format must open with all their content in every later release.
//!
//! `fixtures/format-N` was closed, `fixtures/format-N-killed` was copied while open. Those of the newest format were written by
//!
//! ```text
//! cargo test --no-default-features --test fixture -- --ignored
//! ```
//!
//! Never run it again for a released format: a new format gets its own fixture.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "only some of its calls are needed here")]
#[path = "engine/support.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moltendb_node::document::Value;
use moltendb_node::engine::{Answer, InsertOrder, Operation, Reach};
use moltendb_node::options::{Access, StorageMode};
use moltendb_node::storage::Host;
use moltendb_node::storage::host::{Clock, Rng};
use moltendb_node::{Database, OpenOptions};
use support::{Client, incoming, object, runtime};

/// The times of the first session's writes, and of the second's (ms).
const FIRST: u64 = 1_700_000_000_000;
const SECOND: u64 = 1_700_000_060_000;
/// More key lists than a collection has shapes: the last documents are stored as maps.
const SHAPES: i32 = 1_030;

struct Hand(AtomicU64);

impl Clock for Hand {
    fn now_millis(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct Counting(AtomicU64);

impl Rng for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.iter_mut().for_each(|byte| *byte = self.0.fetch_add(41, Ordering::SeqCst) as u8);
    }
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// One document for each type, with the values that encodings most often get wrong.
fn values() -> Vec<Value> {
    let list = |values: Vec<Value>| Value::Array(values);
    let deep = (0..97).fold(Value::Int(1), |inner, _| Value::Array(vec![inner]));
    let values = vec![
        Value::Null,
        Value::Bool(true),
        Value::Bool(false),
        list(
            [0, 127, 128, 255, 256, 65_535, 65_536, i32::MAX, -1, -32, -33, -128, -129, i32::MIN]
                .map(Value::Int)
                .to_vec(),
        ),
        list(
            [0.5, -0.0, 2_147_483_648.0, 9_007_199_254_740_991.0, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY]
                .map(Value::Double)
                .to_vec(),
        ),
        Value::Double(f64::NAN),
        list([0, 1, i64::MAX, i64::MIN, 1 << 53].map(Value::Long).to_vec()),
        list([0, 31, 32, 255, 256, 65_535, 65_536].map(|len| text(&"x".repeat(len))).to_vec()),
        text("\u{0}\u{7f}\u{e9}\u{4e2d}\u{1f600}"),
        list([0, 12, 255, 256, 70_000].map(|len| Value::Binary(vec![0xa5; len])).to_vec()),
        Value::ObjectId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 255]),
        list([0, -1, 8_640_000_000_000_000, -8_640_000_000_000_000].map(Value::Date).to_vec()),
        list(vec![list(Vec::new()), object(&[]), object(&[("", Value::Null), ("__proto__", Value::Int(1))])]),
        deep,
    ];
    let whole = |(n, value)| object(&[("_id", Value::Int(n)), ("value", value)]);
    (0..).zip(values).map(whole).collect()
}

/// Every type that an `_id` may have.
fn ids() -> Vec<Value> {
    let ids = vec![
        text("a string"),
        text("018bcfe5-6800-7000-8000-000000000000"),
        Value::Int(-7),
        Value::Double(0.5),
        Value::Long(i64::MAX),
        Value::ObjectId([9; 12]),
        Value::Binary(vec![1, 2, 3]),
        Value::Date(1),
        Value::Bool(false),
        Value::Null,
        object(&[("a", Value::Array(vec![Value::Int(1)]))]),
    ];
    ids.into_iter().map(|id| object(&[("_id", id)])).collect()
}

fn shaped() -> Vec<Value> {
    (0..SHAPES)
        .map(|n| object(&[("_id", Value::Int(n)), (&format!("key {n}"), text(&"v".repeat(80)))]))
        .collect()
}

fn person(n: i32, more: &[(&str, Value)]) -> Value {
    let name = text(&format!("person {n}"));
    object(&[&[("_id", Value::Int(n)), ("name", name)][..], more].concat())
}

/// Writes what the checks below expect, in two sessions; `killed` is copied before the second is closed.
fn write(closed: &Path, killed: &Path) {
    let clock = Arc::new(Hand(AtomicU64::new(FIRST)));
    let host = Host { clock: clock.clone(), rng: Arc::new(Counting(AtomicU64::new(1))), ..Host::system() };
    let path = closed.to_str().unwrap();
    let open = |storage| {
        let options = OpenOptions { storage, segment_size: 1 << 16, ..OpenOptions::default() };
        let database = Database::open_on(&host, path, options, runtime()).unwrap();
        let session = database.session();
        Client { database, session }
    };
    let id = |n: i32| object(&[("_id", Value::Int(n))]);
    let client = open(StorageMode::Sync);
    client.insert("values", &values(), InsertOrder::Ordered).unwrap();
    client.insert("ids", &ids(), InsertOrder::Ordered).unwrap();
    client.insert("shapes", &shaped(), InsertOrder::Ordered).unwrap();
    let people: Vec<Value> = (0..8).map(|n| person(n, &[])).collect();
    client.insert("people", &people, InsertOrder::Ordered).unwrap();
    client.insert("dropped", &people, InsertOrder::Ordered).unwrap();
    client.insert("again", &people, InsertOrder::Ordered).unwrap();
    client.database.close().unwrap();

    clock.0.store(SECOND, Ordering::SeqCst);
    let client = open(StorageMode::Async);
    let set = |n: i32| object(&[("$set", object(&[("visits", Value::Int(n))]))]);
    assert_eq!(client.update("people", &id(1), &set(1), Reach::One).unwrap(), (1, 1));
    assert_eq!(client.update("people", &id(1), &set(2), Reach::One).unwrap(), (1, 1));
    client.set("people", &[(person(2, &[("new", Value::Bool(true))]), None)]).unwrap();
    assert!(client.delete_id("people", &Value::Int(3)).unwrap());
    assert!(client.delete_id("people", &Value::Int(4)).unwrap());
    client.insert("people", &[person(4, &[("back", Value::Null)])], InsertOrder::Ordered).unwrap();
    assert!(client.drop_collection("dropped").unwrap());
    assert!(client.drop_collection("again").unwrap());
    client.insert("again", &[person(0, &[])], InsertOrder::Ordered).unwrap();
    client.database.flush().unwrap();
    copy(closed, killed);
    client.database.close().unwrap();
    for name in ["LOCK", "OWNER"] {
        std::fs::remove_file(closed.join(name)).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with("LOCK") && !path.ends_with("OWNER") {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// A document with its version, creation and last change.
type Row = (Value, u64, u64, u64);

/// The rows of each collection, in natural order.
fn expected() -> Vec<(&'static str, Vec<Row>)> {
    let fresh = |documents: Vec<Value>| documents.into_iter().map(|one| (one, 1, FIRST, FIRST)).collect();
    let mut people: Vec<Row> = fresh((0..8).map(|n| person(n, &[])).collect());
    people[1] = (person(1, &[("visits", Value::Int(2))]), 3, FIRST, SECOND);
    people[2] = (person(2, &[("new", Value::Bool(true))]), 2, FIRST, SECOND);
    people.push((person(4, &[("back", Value::Null)]), 1, SECOND, SECOND));
    people.drain(3..5);
    let again = vec![(person(0, &[]), 1, SECOND, SECOND)];
    vec![
        ("again", again),
        ("ids", fresh(ids())),
        ("people", people),
        ("shapes", fresh(shaped())),
        ("values", fresh(values())),
    ]
}

fn check(path: &Path, access: Access, clean: bool) {
    let options = OpenOptions { access, ..OpenOptions::default() };
    let client = Client::open(path.to_str().unwrap(), options).unwrap();
    assert_eq!(client.database.describe().recovery.clean, clean);
    assert!(client.database.describe().recovery.segments >= 3, "it has more than one segment a session");
    let Answer::Collections(mut listed) =
        client.call("", Operation::ListCollections { filter: None }).unwrap().1
    else {
        panic!("a listing has another answer");
    };
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    let names: Vec<&str> = listed.iter().map(|info| info.name.as_str()).collect();
    assert_eq!(names, expected().iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (name, documents) in expected() {
        let found = client.find(name, &object(&[])).unwrap();
        assert_eq!(client.count(name, &object(&[])).unwrap(), documents.len() as u64);
        assert_eq!(found.len(), documents.len());
        for ((document, version, created, modified), found) in documents.iter().zip(&found) {
            // Debug output tells -0 from 0 and shows NaN as itself.
            assert_eq!(format!("{found:?}"), format!("{document:?}"), "{name}");
            let Value::Object(fields) = document else { unreachable!() };
            let get = Operation::Get { id: incoming(&fields[0].1), meta: true };
            let Answer::Versioned { version: own, created_at, modified_at, .. } =
                client.call(name, get).unwrap().1
            else {
                panic!("{name} lacks {:?}", fields[0].1);
            };
            assert_eq!((own, created_at, modified_at), (*version, *created as i64, *modified as i64));
        }
    }
    client.database.close().unwrap();
}

#[test]
fn a_database_of_any_format_opens_with_everything_in_it() {
    let all =
        [("format-1", true), ("format-1-killed", false), ("format-2", true), ("format-2-killed", false)];
    for (name, clean) in all {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        copy(&fixture(name), &path);
        check(&path, Access::ReadOnly, clean);
        check(&path, Access::ReadWrite, clean);
        check(&path, Access::ReadWrite, true);
    }
}

#[test]
fn a_database_of_any_format_goes_on_being_written() {
    for name in ["format-1", "format-2"] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        copy(&fixture(name), &path);
        let client = Client::open(path.to_str().unwrap(), OpenOptions::default()).unwrap();
        let document = object(&[("_id", text("later")), ("value", Value::Null)]);
        client.insert("values", std::slice::from_ref(&document), InsertOrder::Ordered).unwrap();
        client.database.close().unwrap();
        let client = Client::open(path.to_str().unwrap(), OpenOptions::default()).unwrap();
        assert_eq!(client.get("values", &text("later")).unwrap(), Some(document), "{name}");
        assert_eq!(client.count("values", &object(&[])).unwrap(), values().len() as u64 + 1, "{name}");
        client.database.compact().unwrap();
        client.database.close().unwrap();
        let client = Client::open(path.to_str().unwrap(), OpenOptions::default()).unwrap();
        assert_eq!(
            client.count("values", &object(&[])).unwrap(),
            values().len() as u64 + 1,
            "{name}, compacted"
        );
        client.database.close().unwrap();
    }
}

#[test]
#[ignore = "writes the fixture, which is done once in the life of a format"]
fn write_the_fixture() {
    let (closed, killed) = (fixture("format-2"), fixture("format-2-killed"));
    assert!(!closed.exists() && !killed.exists(), "remove the old fixture first");
    std::fs::create_dir_all(fixture("")).unwrap();
    write(&closed, &killed);
}
