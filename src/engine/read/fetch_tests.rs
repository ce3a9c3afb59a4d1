//! What a query reads from disk, and what of it stays in memory.

use std::sync::Arc;

use super::FEW;
use crate::document::{Shapes, Value, encode_plain};
use crate::engine::database::Database;
use crate::engine::exec::interrupt::{Interrupt, Limits};
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::{FindOptions, InsertOrder};
use crate::engine::read::find::Cursor;
use crate::engine::read::layers::source::Source;
use crate::engine::store::READS;
use crate::engine::write::by_id;
use crate::options::{OpenOptions, StorageMode};
use crate::query::expression::Constants;

const LIMIT: u64 = 4 << 20;

fn incoming(value: &Value) -> Incoming {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
}

fn object(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

#[test]
fn a_query_for_a_few_documents_on_disk_keeps_them_in_memory_and_one_for_many_only_some() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let options = OpenOptions {
        storage: StorageMode::Async,
        memory_limit: Some(LIMIT).into(),
        ..OpenOptions::default()
    };
    let path = directory.path().join("db");
    let database = Database::open(path.to_str().unwrap(), options, runtime.handle().clone()).unwrap();
    let store = database.store();
    let documents: Vec<_> = (0..4_000)
        .map(|n| incoming(&object(&[("_id", Value::Int(n)), ("text", Value::String("x".repeat(2_000)))])))
        .collect();
    for part in documents.chunks(100) {
        let inserted = by_id::insert(store, "c", part, InsertOrder::Ordered);
        store.wait_published(inserted.lsn).unwrap();
    }
    store.flush().unwrap();
    store.cool();
    // Blocks read for the documents of these ids.
    let reads = |ids: &[i32]| {
        let list = ids.iter().map(|id| Value::Int(*id)).collect();
        let filter = object(&[("_id", object(&[("$in", Value::Array(list))]))]);
        let (options, constants, limits) = (FindOptions::default(), Constants::default(), Limits::default());
        READS.set(0);
        let source = Source::newest(store);
        let mut cursor =
            Cursor::open(source, "c", &incoming(&filter), &options, &constants, &limits).unwrap();
        let found = cursor.next_batch(store, 10_000, &Interrupt::default()).unwrap().len();
        assert_eq!(found, ids.len());
        READS.get()
    };
    let few = [3, 400, 401, 900];
    assert!(reads(&few) > 2);
    assert_eq!(reads(&few), 0);
    let before = store.documents().bytes();
    let many: Vec<i32> = (0..1_500).collect();
    assert!(reads(&many) > FEW);
    assert!(store.documents().bytes() - before < FEW as u64 * 2_500);
    assert_eq!(reads(&few), 0);
}
