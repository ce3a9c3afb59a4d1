//! What a pass deletes while others write.

use std::sync::Arc;

use super::pass::{DOCUMENTS, Sweep};
use crate::document::{Shapes, Value, encode_plain};
use crate::engine::database::Database;
use crate::engine::index_build::create;
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::{InsertOrder, SetEntry};
use crate::engine::session::Session;
use crate::engine::write::by_id;
use crate::index::Spec;
use crate::options::{OpenOptions, StorageMode};
use crate::storage::Lsn;

fn object(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn incoming(value: &Value) -> Incoming {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
}

fn one(id: i32, date: i64) -> Incoming {
    incoming(&object(&[("_id", Value::Int(id)), ("t", Value::Date(date))]))
}

/// A database with so many documents that have expired, in a collection `c`.
fn bench(count: i32) -> (tokio::runtime::Runtime, Arc<Database>, Arc<Session>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = OpenOptions { storage: StorageMode::Memory, ttl_interval: None, ..OpenOptions::default() };
    let database = Database::open(":memory:", options, runtime.handle().clone()).unwrap();
    let session = database.session();
    let pair = Value::Array(vec![Value::String("t".into()), Value::Int(1)]);
    let spec = object(&[("key", Value::Array(vec![pair])), ("expireAfterSeconds", Value::Int(1))]);
    create::run(&session.store, "c", &[Spec::parse(&spec).unwrap()]).result.unwrap();
    let documents: Vec<_> = (0..count).map(|id| one(id, i64::from(id))).collect();
    by_id::insert(&session.store, "c", &documents, InsertOrder::Ordered).result.unwrap();
    (runtime, database, session)
}

#[test]
fn a_document_that_is_changed_between_two_commits_stays_and_a_view_keeps_what_is_deleted() {
    let (_runtime, _database, session) = bench(3 * DOCUMENTS as i32);
    let store = &session.store;
    let collection = store.views().collection("c").unwrap();
    let index = collection.ready_indexes(Lsn::NEWEST).next().unwrap();
    let view = store.view();
    let mut commits = 0;
    let deleted = Sweep::new(store, &collection, &index, 1).unwrap().run(|| {
        commits += 1;
        if commits == 1 {
            // One that this pass has yet to come to lives on, another is there again after it was deleted.
            for id in [2 * DOCUMENTS as i32, 0] {
                let entries = [SetEntry { document: one(id, 8_000_000_000_000_000), if_version: None }];
                by_id::set(store, "c", &entries).result.unwrap();
            }
        }
        Ok(())
    });
    assert_eq!((deleted.unwrap(), commits), (3 * DOCUMENTS as u64 - 1, 3));
    let mut seen = 0;
    let end = collection.slab().end();
    let count = |_, _: &_| {
        seen += 1;
        std::ops::ControlFlow::Continue(())
    };
    collection.slab().scan(0, end, view.lsn(), count).unwrap();
    assert_eq!(seen, 3 * DOCUMENTS, "an open view sees all of them");
    drop(view);
    store.wait_published(store.applied_lsn()).unwrap();
    assert_eq!(collection.count(), 2);
}

#[test]
fn a_pass_ends_where_documents_expire_no_more_as_it_was_told() {
    let (_runtime, _database, session) = bench(3 * DOCUMENTS as i32);
    let store = &session.store;
    let collection = store.views().collection("c").unwrap();
    let index = collection.ready_indexes(Lsn::NEWEST).next().unwrap();
    let sweep = Sweep::new(store, &collection, &index, 1).unwrap();
    let deleted = sweep.run(|| {
        index.set_expire_after(Some(2));
        Ok(())
    });
    assert_eq!(deleted.unwrap(), DOCUMENTS as u64);
    assert_eq!(sweep.run(|| Ok(())).unwrap(), 0);
}
