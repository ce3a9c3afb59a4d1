//! The memory limit: its default, none, and a large one, which is not felt before it is near.

use moltendb_node::document::Value;
use moltendb_node::engine::{InsertOrder, Reach};
use moltendb_node::options::{MEMORY, MemoryLimit};
use moltendb_node::storage::host::memory;
use moltendb_node::{Kind, OpenOptions};

use crate::disk::{DIR, Disk};
use crate::support::{Client, object};

const LIMIT: u64 = 64 << 20;
const SIZE: usize = 20_000;

fn document(n: i32) -> Value {
    object(&[("_id", Value::Int(n)), ("n", Value::Int(n)), ("text", Value::String("x".repeat(SIZE)))])
}

fn insert(client: &Client, numbers: std::ops::Range<i32>) {
    for from in numbers.step_by(100) {
        let documents: Vec<Value> = (from..from + 100).map(document).collect();
        client.insert("c", &documents, InsertOrder::Ordered).unwrap();
    }
}

fn hot(client: &Client) -> u64 {
    client.database.stats().unwrap().hot_bytes
}

/// Reads every document up to this number.
fn scan(client: &Client, count: u64) {
    assert_eq!(client.count("c", &object(&[("text", Value::String("x".repeat(SIZE)))])).unwrap(), count);
}

fn limit_of(path: &str, options: OpenOptions) -> Option<u64> {
    let client = match path {
        MEMORY => Client::open(MEMORY, options).unwrap(),
        _ => Client::open_on(&Disk::default().host(), path, options).unwrap(),
    };
    let limit = client.database.stats().unwrap().memory_limit;
    client.database.close().unwrap();
    limit
}

#[test]
fn the_default_is_a_quarter_of_what_the_system_allows_and_in_memory_there_is_none() {
    let with =
        |memory_limit, system_memory| OpenOptions { memory_limit, system_memory, ..OpenOptions::default() };
    assert_eq!(OpenOptions::default().memory_limit, MemoryLimit::Share);
    let own = memory::allowed().map(|bytes| bytes / 4);
    assert_eq!(limit_of(DIR, OpenOptions::default()), own);
    assert_eq!(limit_of(DIR, with(MemoryLimit::Share, Some(4_000))), Some(1_000));
    assert_eq!(limit_of(DIR, with(MemoryLimit::Bytes(5_000), Some(4_000))), Some(5_000));
    assert_eq!(limit_of(DIR, with(MemoryLimit::Unlimited, Some(4_000))), None);
    for limit in [MemoryLimit::Share, MemoryLimit::Unlimited] {
        assert_eq!(limit_of(MEMORY, with(limit, Some(4_000))), None);
    }
    let refused = Client::open(MEMORY, with(MemoryLimit::Bytes(5_000), None)).err().unwrap();
    assert_eq!(refused.kind(), Kind::Argument);
}

#[test]
fn with_a_large_limit_what_is_read_stays_in_memory_until_that_is_nearly_full() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db").to_str().unwrap().to_owned();
    let options = OpenOptions { memory_limit: Some(LIMIT).into(), ..OpenOptions::default() };
    let client = Client::open(&path, options.clone()).unwrap();
    insert(&client, 0..1_000);
    client.database.close().unwrap();
    let client = Client::open(&path, options).unwrap();
    assert_eq!(hot(&client), 0);
    scan(&client, 1_000);
    assert!(hot(&client) >= 1_000 * SIZE as u64, "{} bytes stayed", hot(&client));
    insert(&client, 1_000..4_500);
    for _ in 0..2 {
        scan(&client, 4_500);
        assert!(hot(&client) <= LIMIT, "{} bytes are in memory", hot(&client));
    }
    for n in (0..4_500).step_by(97) {
        assert_eq!(client.get("c", &Value::Int(n)).unwrap(), Some(document(n)));
    }
    // There is room again.
    let most = object(&[("n", object(&[("$gte", Value::Int(500))]))]);
    assert_eq!(client.delete("c", &most, Reach::Many).unwrap(), 4_000);
    insert(&client, 5_000..5_500);
    scan(&client, 1_000);
    client.database.close().unwrap();
}

/// Regression: a change brought all 64 slots of its page into memory, so that random updates took 2,560 bytes each: twice the limit
/// before the next checkpoint was due.
#[test]
fn near_the_limit_a_change_brings_only_its_own_slot_into_memory() {
    const DOCUMENTS: i32 = 20_000;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db").to_str().unwrap().to_owned();
    let options = OpenOptions { memory_limit: Some(1 << 20).into(), ..OpenOptions::default() };
    let client = Client::open(&path, options.clone()).unwrap();
    // As many bytes as a close leaves a checkpoint for.
    let document = |id: i32, n: i32| {
        object(&[("_id", Value::Int(id)), ("n", Value::Int(n)), ("text", Value::String("x".repeat(300)))])
    };
    let all: Vec<Value> = (0..DOCUMENTS).map(|n| document(n, n)).collect();
    client.insert("c", &all, InsertOrder::Ordered).unwrap();
    client.database.close().unwrap();
    let client = Client::open(&path, options.clone()).unwrap();
    let below = |n| object(&[("n", object(&[("$lt", Value::Int(n))]))]);
    let change = object(&[("$inc", object(&[("n", Value::Int(-DOCUMENTS))]))]);
    let mut changed = 0;
    for n in (0..DOCUMENTS).step_by(67) {
        let outcome = client.update("c", &object(&[("_id", Value::Int(n))]), &change, Reach::One).unwrap();
        assert_eq!(outcome, (1, 1));
        changed += 1;
    }
    let bytes = client.database.stats().unwrap().slot_bytes;
    assert!(bytes < changed * 300, "{bytes} bytes of slots for {changed} changes");
    let check = |client: &Client| {
        assert_eq!(client.count("c", &below(0)).unwrap(), changed);
        assert_eq!(client.count("c", &below(DOCUMENTS)).unwrap(), DOCUMENTS as u64);
        for n in [0, 1, 66, 67, 68, 134, DOCUMENTS - 1] {
            let now = if n % 67 == 0 { n - DOCUMENTS } else { n };
            assert_eq!(client.get("c", &Value::Int(n)).unwrap(), Some(document(n, now)));
        }
    };
    check(&client);
    client.database.close().unwrap();
    let client = Client::open(&path, options).unwrap();
    check(&client);
    client.database.close().unwrap();
}
