//! What a compaction leaves in memory.

use std::collections::HashMap;
use std::sync::Arc;

use crate::document::{Shapes, Value, encode_plain};
use crate::engine::database::Database;
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::{InsertOrder, SetEntry};
use crate::engine::state::slab::{Content, Version};
use crate::engine::store::Store;
use crate::engine::write::by_id;
use crate::options::{AutoCompact, OpenOptions};

const DOCUMENTS: u64 = 2_048;

fn incoming(id: u64) -> Incoming {
    let fields = [("_id", Value::Int(id as i32)), ("text", Value::String("x".repeat(90)))];
    let document = Value::Object(fields.map(|(key, value)| (key.to_owned(), value)).into());
    let mut bytes = Vec::new();
    encode_plain(&document, &mut bytes);
    Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
}

/// The documents in memory, their bytes, and the bytes of their blocks.
fn held(store: &Store) -> (u64, u64, u64) {
    let collection = store.applied_collection("c").unwrap();
    let (mut documents, mut bytes, mut blocks) = (0, 0, HashMap::new());
    for first in (0..DOCUMENTS).step_by(64) {
        let peek = |_, version: &Version| {
            if let Content::Hot(block, span) = &version.content {
                documents += 1;
                bytes += span.len() as u64;
                blocks.insert(Arc::as_ptr(block), block.bytes.len() as u64);
            }
        };
        collection.slab().peek(first, store.views().published(), peek).unwrap();
    }
    (documents, bytes, blocks.into_values().sum())
}

#[test]
fn documents_in_memory_keep_no_others_there() {
    for every in [1, 2, 3, 7, 40] {
        let directory = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = OpenOptions { auto_compact: AutoCompact::Off, ..OpenOptions::default() };
        let path = directory.path().join("db");
        let database = Database::open(path.to_str().unwrap(), options, runtime.handle().clone()).unwrap();
        let store = database.session().store.clone();
        let documents: Vec<_> = (0..DOCUMENTS).map(incoming).collect();
        by_id::insert(&store, "c", &documents, InsertOrder::Ordered).result.unwrap();
        store.flush().unwrap();
        database.compact().unwrap();
        let collection = store.applied_collection("c").unwrap();
        for first in (0..DOCUMENTS).step_by(64) {
            collection.slab().cool_page(first, store.views().published());
        }
        // These are in memory now.
        let changed = (0..DOCUMENTS).step_by(every).map(incoming);
        let entries: Vec<_> = changed.map(|document| SetEntry { document, if_version: None }).collect();
        by_id::set(&store, "c", &entries).result.unwrap();
        store.flush().unwrap();
        database.compact().unwrap();
        let (documents, bytes, blocks) = held(&store);
        assert_eq!(documents, DOCUMENTS.div_ceil(every as u64), "every {every}");
        assert!(blocks <= 3 * bytes, "every {every}: {bytes} bytes of documents, {blocks} of blocks");
        database.close().unwrap();
    }
}
