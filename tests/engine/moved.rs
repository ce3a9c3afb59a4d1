//! Documents on disk that a compaction moves while somebody is reading them.

use std::sync::{Arc, Mutex};

use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::{InsertOrder, Reach};
use moltendb_node::storage::Host;

use crate::files::{Word, with_words};
use crate::support::{Client, object};

/// Something that is done once, after so many reads and one more, and before that one answers.
#[derive(Clone, Default)]
struct Once(Arc<Mutex<Option<Next>>>);

/// How many reads pass before, and what is done then.
type Next = (u32, Box<dyn FnOnce() + Send>);

impl Word for Once {
    fn after_read(&self) {
        let mut next = self.0.lock().unwrap();
        match next.take() {
            Some((0, once)) => {
                drop(next);
                once();
            }
            Some((more, once)) => *next = Some((more - 1, once)),
            None => {}
        }
    }
}

/// Updates a document that is on disk while a compaction runs after that many reads; answers whether there were as many.
fn moves_after(reads: u32) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let once = Once::default();
    let host = with_words(Host::system(), once.clone());
    let options = OpenOptions { memory_limit: Some(1).into(), ..OpenOptions::default() };
    let path = dir.path().join("db");
    let client = Client::open_on(&host, path.to_str().unwrap(), options).unwrap();
    let document = |n: i32| object(&[("_id", Value::Int(n)), ("n", Value::Int(0))]);
    // Each in a commit of its own: in a snapshot they stand elsewhere in their blocks.
    for n in 0..50 {
        client.insert("c", &[document(n)], InsertOrder::Ordered).unwrap();
    }
    client.database.flush().unwrap();
    let id = |n: i32| object(&[("_id", Value::Int(n))]);
    let increment = object(&[("$inc", object(&[("n", Value::Int(1))]))]);
    assert_eq!(client.update("c", &id(10), &increment, Reach::One).unwrap(), (1, 1));
    client.database.flush().unwrap();
    let database = client.database.clone();
    let compact = Box::new(move || assert!(database.compact().is_ok()));
    *once.0.lock().unwrap() = Some((reads, compact));
    assert_eq!(client.update("c", &id(30), &increment, Reach::One).unwrap(), (1, 1), "after {reads} reads");
    let enough = once.0.lock().unwrap().take().is_none();
    let expected = object(&[("_id", Value::Int(30)), ("n", Value::Int(1))]);
    assert_eq!(client.get("c", &Value::Int(30)).unwrap(), Some(expected), "after {reads} reads");
    client.database.close().unwrap();
    enough
}

#[test]
fn a_document_that_moves_while_a_write_reads_it_is_written() {
    let reads = (0..20).take_while(|reads| moves_after(*reads)).count();
    assert!((1..20).contains(&reads), "a write read {reads} times");
}
