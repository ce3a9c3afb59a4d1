//! What reads of a database that was opened from a checkpoint bring into memory: what they ask for, and with the third document of a page
//! of slots those around it.

use moltendb_node::document::Value;
use moltendb_node::engine::InsertOrder;
use moltendb_node::index::Spec;

use crate::checkpoint::{options, spec};
use crate::disk::{DIR, Disk};
use crate::support::{Client, object};

const DOCUMENTS: i32 = 6_400;
/// Slots of a page.
const PAGE: i32 = 64;

fn numbered(n: i32) -> Value {
    let text = Value::String("x".repeat(200));
    object(&[("_id", Value::Int(n)), ("n", Value::Int(n % PAGE)), ("text", text)])
}

fn reopened() -> Client {
    let disk = Disk::default();
    let client = Client::open_on(&disk.host(), DIR, options()).unwrap();
    client.database.create_indexes("c", &[Spec::parse(&spec()).unwrap()]).unwrap();
    for from in (0..DOCUMENTS).step_by(800) {
        let documents: Vec<Value> = (from..from + 800).map(numbered).collect();
        client.insert("c", &documents, InsertOrder::Ordered).unwrap();
    }
    client.database.close().unwrap();
    Client::open_on(&disk.host(), DIR, options()).unwrap()
}

/// Bytes of documents and of slots in memory.
fn in_memory(client: &Client) -> (u64, u64) {
    let stats = client.database.stats().unwrap();
    (stats.hot_bytes, stats.slot_bytes)
}

fn find(client: &Client, n: i32) {
    let expected: Vec<Value> = (n..DOCUMENTS).step_by(PAGE as usize).map(numbered).collect();
    assert_eq!(client.find("c", &object(&[("n", Value::Int(n))])).unwrap(), expected);
}

#[test]
fn documents_that_an_index_finds_far_apart_come_into_memory_without_those_between() {
    let client = reopened();
    let found = (DOCUMENTS / PAGE) as u64;
    for (asked, n) in [(1, 5), (1, 5), (2, 40)] {
        find(&client, n);
        let (documents, slots) = in_memory(&client);
        assert!(documents >= asked * found * 200 && documents < asked * found * 400, "{documents}");
        assert!(slots > 0 && slots < asked * found * 120, "{slots}");
    }
    // The third of a page brings all of it, and with a document those in its block.
    find(&client, 20);
    let (documents, slots) = in_memory(&client);
    assert!(documents > 10 * found * 200, "{documents}");
    assert!(slots > DOCUMENTS as u64 * 20, "{slots}");
    for n in 0..PAGE {
        find(&client, n);
    }
    client.database.check_indexes().unwrap();
    client.database.close().unwrap();
}

#[test]
fn documents_that_were_read_by_themselves_are_changed_and_read_as_any_other() {
    let client = reopened();
    let again = |n| object(&[("_id", Value::Int(n)), ("n", Value::Int(-1))]);
    let asked: Vec<i32> = (0..DOCUMENTS).step_by(97).collect();
    for n in &asked {
        assert_eq!(client.get("c", &Value::Int(*n)).unwrap(), Some(numbered(*n)));
    }
    for (at, n) in asked.iter().enumerate() {
        match at % 3 {
            0 => client.set("c", &[(again(*n), None)]).map(drop).unwrap(),
            1 => assert!(client.delete_id("c", &Value::Int(*n)).unwrap()),
            _ => {}
        }
    }
    for (at, n) in asked.iter().enumerate() {
        let expected = [Some(again(*n)), None, Some(numbered(*n))][at % 3].clone();
        assert_eq!(client.get("c", &Value::Int(*n)).unwrap(), expected, "{n}");
        assert_eq!(client.get("c", &Value::Int(*n + 1)).unwrap(), Some(numbered(*n + 1)));
    }
    client.database.check_indexes().unwrap();
    client.database.close().unwrap();
}
