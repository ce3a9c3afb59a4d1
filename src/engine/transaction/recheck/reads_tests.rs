//! Commits between the two comparisons.

use std::sync::Arc;

use super::*;
use crate::document::{Shapes, Value, encode_plain};
use crate::engine::commit::{self, Committed};
use crate::engine::database::Database;
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::{InsertOrder, Isolation};
use crate::engine::store::Store;
use crate::engine::transaction::work::Origin;
use crate::engine::write::by_id;
use crate::error::Kind;
use crate::options::{OpenOptions, StorageMode};
use crate::query::Filter;

fn object(fields: &[(&str, Value)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    encode_plain(&Value::Object(fields), &mut bytes);
    bytes
}

fn insert(store: &Store, ids: std::ops::Range<i32>, n: i32) {
    let document = |id| {
        let bytes = object(&[("_id", Value::Int(id)), ("n", Value::Int(n))]);
        Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
    };
    let documents: Vec<Incoming> = ids.map(document).collect();
    let (order, interrupt) = (InsertOrder::Ordered, Interrupt::default());
    by_id::insert_within(store, "c", &documents, order, &interrupt).result.unwrap();
}

fn locked(store: &Store, check: &ReadCheck<'_>) -> Result<bool> {
    let Committed { result, .. } = commit::run(store, 64, |commit| check.compare_locked(commit));
    result
}

#[test]
fn the_few_commits_after_the_comparison_are_compared_under_the_lock_and_many_outside_again() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let options = OpenOptions { storage: StorageMode::Memory, ..OpenOptions::default() };
    let database = Database::open(":memory:", options, runtime.handle().clone()).unwrap();
    let store = database.store().clone();
    insert(&store, 0..1, 0);
    let work = Work::begin(&store, Origin::default(), Isolation::Serializable);
    let filter = object(&[("n", Value::Int(7))]);
    work.note_filter("c", &Filter::parse(RawValue::new(&filter, Shapes::none())).unwrap()).unwrap();
    let mut check = ReadCheck::of(&work).unwrap();
    let interrupt = Interrupt::default();
    check.compare(&interrupt).unwrap();
    assert!(locked(&store, &check).unwrap(), "nothing has changed");
    insert(&store, 1..100, 1);
    assert!(locked(&store, &check).unwrap(), "some have, which the filter does not match");
    insert(&store, 100..3_000, 1);
    assert!(!locked(&store, &check).unwrap(), "they are too many");
    check.compare(&interrupt).unwrap();
    assert!(locked(&store, &check).unwrap(), "they were compared");
    insert(&store, 3_000..9_000, 1);
    assert!(!locked(&store, &check).unwrap(), "more than are recorded");
    check.compare(&interrupt).unwrap();
    assert!(locked(&store, &check).unwrap());
    insert(&store, 9_000..9_001, 7);
    assert_eq!(locked(&store, &check).unwrap_err().kind(), Kind::Conflict);
    assert_eq!(check.compare(&interrupt).unwrap_err().kind(), Kind::Conflict);
    // What was read is still known to another commit of the transaction, and nothing is recorded after it.
    drop(check);
    let mut again = ReadCheck::of(&work).unwrap();
    assert!(again.compare(&interrupt).is_err());
    drop(again);
    let collection = work.collection("c").unwrap();
    drop(work);
    collection.recent().begin_watch();
    assert_eq!(collection.recent().all_since(Lsn(0)), Since::Many, "the list has begun anew");
}
