//! Corrupted slots, made by hand: no such state becomes a generation, and the old files stay.

use std::path::Path;
use std::sync::Arc;

use super::backup;
use crate::document::{RawValue, Shapes, Value, encode_plain};
use crate::engine::database::Database;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::{InsertOrder, SetEntry};
use crate::engine::state::slab::{Content, SlotId, Version};
use crate::engine::store::Store;
use crate::engine::write::by_id;
use crate::error::{Error, Kind};
use crate::options::{AutoCompact, OpenOptions};
use crate::storage::{FileId, Host, Lsn};

fn incoming(id: i32, text: &str) -> Incoming {
    let fields = [("_id", Value::Int(id)), ("text", Value::String(text.into()))];
    let document = Value::Object(fields.map(|(key, value)| (key.to_owned(), value)).into());
    let mut bytes = Vec::new();
    encode_plain(&document, &mut bytes);
    Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
}

fn open(path: &Path, runtime: &tokio::runtime::Runtime) -> (Arc<Database>, Arc<Store>) {
    let options = OpenOptions { auto_compact: AutoCompact::Off, ..OpenOptions::default() };
    let database = Database::open(path.to_str().unwrap(), options, runtime.handle().clone()).unwrap();
    let store = database.session().store.clone();
    (database, store)
}

/// Corrupts a store with five documents, on disk or in memory; then neither a compaction nor a backup succeeds, and the
/// files open with everything. Returns the error of the compaction.
fn refused(cold: bool, spoil: impl Fn(&Store)) -> Error {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (database, store) = open(&path, &runtime);
    let documents: Vec<_> = (0..5).map(|id| incoming(id, &format!("text {id}"))).collect();
    by_id::insert(&store, "c", &documents, InsertOrder::Ordered).result.unwrap();
    store.flush().unwrap();
    database.compact().unwrap();
    if cold {
        store.applied_collection("c").unwrap().slab().cool_page(0, store.views().published());
    }
    spoil(&store);
    let refused = database.compact().unwrap_err();
    let twice = database.compact().unwrap_err();
    assert_eq!((refused.kind(), refused.message()), (Kind::Corrupt, twice.message()));
    assert!(refused.message().contains("the old files stay valid"), "{refused}");
    let copy = backup::run(
        &store,
        (&Host::system(), None),
        (&directory.path().join("copy"), None),
        &Interrupt::default(),
    )
    .unwrap_err();
    assert_eq!(copy.kind(), Kind::Corrupt);
    assert!(copy.message().contains("no backup was made"), "{copy}");
    let left = |path: &Path| -> Vec<String> {
        let names = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(left(directory.path()), ["db"], "nothing of the backup stays");
    let snapshots = left(&path).iter().filter(|name| name.starts_with("snap-")).count();
    assert_eq!(snapshots, 1, "the snapshot that was refused is removed");
    // Nothing is poisoned.
    by_id::insert(&store, "c", &[incoming(9, "later")], InsertOrder::Ordered).result.unwrap();
    store.flush().unwrap();
    drop(store);
    database.close().unwrap();
    let (database, store) = open(&path, &runtime);
    assert_eq!(store.applied_collection("c").unwrap().count(), 6);
    assert_eq!(database.compact().unwrap().documents, 6);
    database.close().unwrap();
    refused
}

/// Gives a slot the content of another.
fn mistake(store: &Store, slot: u64, for_slot: u64) {
    let collection = store.applied_collection("c").unwrap();
    let slab = collection.slab();
    match slab.newest(SlotId(for_slot), |version| version.content.clone()).unwrap().unwrap() {
        Content::Hot(block, span) => {
            assert!(slab.repoint(SlotId(slot), Lsn::NEWEST, Some(&block), &Arc::new(block.place), span));
        }
        Content::Cold(place, span) => {
            let block = store.read_cold(*place).unwrap();
            assert!(slab.repoint(SlotId(slot), Lsn::NEWEST, Some(&block), &place, span));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_slot_that_names_another_document_is_found_before_the_manifest_is_replaced() {
    for cold in [false, true] {
        let error = refused(cold, |store| mistake(store, 1, 3));
        let found = "found that the documents of 'c' are not those that commits left there";
        assert!(error.message().contains(found), "{error}");
    }
}

#[test]
fn a_document_that_commits_count_and_no_slot_holds_is_missed() {
    let error = refused(false, |store| {
        let collection = store.applied_collection("c").unwrap();
        let gone = Version { lsn: store.applied_lsn(), content: Content::Tombstone };
        collection.slab().supersede(SlotId(2), gone);
        assert!(collection.slab().bury(SlotId(2), Lsn::NEWEST));
    });
    assert!(error.message().contains("'c' has 5 documents, of which 4 would be written"), "{error}");
}

#[test]
fn a_document_that_no_commit_left_is_named() {
    let error = refused(true, |store| {
        let collection = store.applied_collection("c").unwrap();
        let again = collection.slab().newest(SlotId(4), Version::clone).unwrap().unwrap();
        collection.slab().push(again, None);
    });
    assert!(error.message().contains("'c' has 5 documents, of which 6 would be written"), "{error}");
    assert!(error.message().contains("slot 5 holds bytes of the _id 4"), "{error}");
}

#[test]
fn a_slot_that_went_back_to_an_older_version_is_found() {
    let error = refused(false, |store| {
        let collection = store.applied_collection("c").unwrap();
        let older = collection.slab().newest(SlotId(1), Version::clone).unwrap().unwrap();
        let entry = SetEntry { document: incoming(1, "text 7"), if_version: None };
        by_id::set(store, "c", &[entry]).result.unwrap();
        collection.slab().supersede(SlotId(1), Version { lsn: store.applied_lsn(), ..older });
    });
    let found = "found that the documents of 'c' are not those that commits left there";
    assert!(error.message().contains(found), "{error}");
}

#[test]
fn documents_read_the_same_from_blocks_that_the_proof_kept_and_from_those_that_are_read_once_more() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (database, store) = open(&path, &runtime);
    // Two collections, so that the kept blocks end within the second.
    let text = |collection: &str, id: i32| format!("{collection}{id} ").repeat(2_000);
    for collection in ["a", "b"] {
        let documents: Vec<_> = (0..30).map(|id| incoming(id, &text(collection, id))).collect();
        by_id::insert(&store, collection, &documents, InsertOrder::Ordered).result.unwrap();
    }
    let check = |store: &Store| {
        for name in ["a", "b"] {
            let collection = store.applied_collection(name).unwrap();
            for id in 0..30 {
                let (block, span) = match collection
                    .slab()
                    .newest(SlotId(id), |version| version.content.clone())
                    .unwrap()
                    .unwrap()
                {
                    Content::Hot(block, span) => (block, span),
                    Content::Cold(place, span) => (store.read_cold(*place).unwrap(), span),
                    other => panic!("{other:?}"),
                };
                let document = RawValue::new(span.of(&block), collection.shapes()).to_value();
                let expected = Value::String(text(name, id as i32));
                assert!(
                    matches!(&document, Value::Object(fields) if fields[1].1 == expected),
                    "{name} {id} of {:?}",
                    block.place
                );
                assert!(matches!(block.place.file, FileId::Snapshot(_)), "{:?}", block.place);
            }
        }
    };
    for _ in 0..2 {
        assert_eq!(database.compact().unwrap().documents, 60);
        check(&store);
    }
    for name in ["a", "b"] {
        store.applied_collection(name).unwrap().slab().cool_page(0, store.views().published());
    }
    check(&store);
    assert_eq!(database.compact().unwrap().documents, 60);
    check(&store);
    drop(store);
    database.close().unwrap();
    let (database, store) = open(&path, &runtime);
    check(&store);
    drop(store);
    database.close().unwrap();
}

#[test]
fn a_compaction_and_a_backup_have_something_in_memory_for_a_few_documents_only_however_many_there_are() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (database, store) = open(&directory.path().join("db"), &runtime);
    let documents: Vec<_> = (0..5_000).map(|id| incoming(id, "text")).collect();
    by_id::insert(&store, "c", &documents, InsertOrder::Ordered).result.unwrap();
    super::snapshot::MOST_HELD.set(0);
    super::compaction::run_locked(&store, &Interrupt::default()).unwrap();
    let copy = directory.path().join("copy");
    backup::run(&store, (&Host::system(), None), (&copy, None), &Interrupt::default()).unwrap();
    let most = super::snapshot::MOST_HELD.get();
    // A page of slots, and a block of 4 KiB.
    assert!((64..400).contains(&most), "{most}");
    database.close().unwrap();
}
