//! What transactions may hold.

use std::sync::Arc;

use super::*;
use crate::document::{Shapes, Value, encode_plain};
use crate::engine::database::Database;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::nonblocking::nonblocking;
use crate::engine::format::key::key_of;
use crate::engine::operation::input::Incoming;
use crate::engine::transaction::by_id;
use crate::error::codes;
use crate::options::{OpenOptions, StorageMode};

fn document(id: i32) -> Incoming {
    let mut bytes = Vec::new();
    encode_plain(&Value::Object(vec![("_id".into(), Value::Int(id))]), &mut bytes);
    Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
}

fn key_of_id(id: i32) -> Key {
    let incoming = document(id);
    key_of(incoming.raw().get("_id").unwrap())
}

fn insert(work: &mut Work, id: i32) -> Result<()> {
    let mut outcome = by_id::insert(work, "c", &[document(id)], &Interrupt::default())?;
    outcome.failures.pop().map_or(Ok(()), |failure| Err(failure.error))
}

#[test]
fn a_transaction_and_all_of_them_hold_so_much_and_no_more() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let options = OpenOptions { storage: StorageMode::Memory, ..OpenOptions::default() };
    let database = Database::open(":memory:", options, runtime.handle().clone()).unwrap();
    let store = database.store().clone();
    let mut work = Work::begin(&store, Origin::default(), Isolation::Snapshot);
    insert(&mut work, 1).unwrap();
    let held = work.bytes;
    assert!(held > 0);
    work.bytes = MOST - 10;
    let refused = insert(&mut work, 2).unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::Limit, Some(codes::TRANSACTION_TOO_LARGE)));
    work.bytes = held;
    // Another one holds nearly all.
    assert!(store.transactions().hold(MOST_OF_ALL - held - 10, MOST_OF_ALL));
    assert_eq!(insert(&mut work, 2).unwrap_err().kind(), Kind::Limit);
    store.transactions().release(MOST_OF_ALL - held - 10);
    insert(&mut work, 2).unwrap();
    // What was rolled back, or dropped, is held no more.
    let mark = work.mark();
    let before = work.bytes;
    insert(&mut work, 3).unwrap();
    work.roll_back_to(mark).unwrap();
    assert_eq!(work.bytes, before);
    drop(work);
    assert!(store.transactions().hold(MOST_OF_ALL, MOST_OF_ALL), "nothing is held");
    store.transactions().release(MOST_OF_ALL);
}

#[test]
fn a_write_that_is_refused_because_it_would_block_has_changed_nothing_and_holds_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let options = OpenOptions { storage: StorageMode::Memory, ..OpenOptions::default() };
    let database = Database::open(":memory:", options, runtime.handle().clone()).unwrap();
    let store = database.store().clone();
    let mut work = Work::begin(&store, Origin::default(), Isolation::Snapshot);
    insert(&mut work, 1).unwrap();
    let (held, written) = (work.bytes, work.is_empty());
    let refused = nonblocking(|| {
        assert!(would_block(|| true).is_err());
        assert!(insert(&mut work, 2).is_err());
        let collection = work.collection("c").unwrap();
        let key = key_of_id(1);
        let seen = work.seen(&collection, &key).unwrap();
        assert!(work.delete("c", &collection, &key, &seen).is_err());
    });
    assert!(refused.is_none());
    assert_eq!((work.bytes, work.is_empty()), (held, written));
    let collection = work.collection("c").unwrap();
    assert_eq!(work.own(&collection).unwrap().documents().count(), 1);
}
