//! Which blocks commits over documents on disk read, and how often such commits are resolved.

use super::*;
use crate::document::{Shapes, Value, encode_plain};
use crate::engine::commit;
use crate::engine::commit::current_document::Current;
use crate::engine::database::Database;
use crate::engine::format::key::Key;
use crate::engine::operation::input::{Incoming, incoming_key};
use crate::engine::operation::request::{InsertOrder, Operation, Reach, Upsert};
use crate::engine::operation::response::{Answer, Answered};
use crate::engine::store::READS;
use crate::engine::write::by_id;
use crate::options::{OpenOptions, StorageMode};

const DOCUMENTS: i32 = 500;

fn incoming(value: &Value) -> Incoming {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
}

/// A database with documents on disk, many in a block.
struct Bench {
    _directory: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
    database: Arc<Database>,
    keys: Vec<Key>,
}

impl Bench {
    fn new() -> Bench {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let options = OpenOptions {
            storage: StorageMode::Async,
            memory_limit: Some(1).into(),
            ..OpenOptions::default()
        };
        let path = directory.path().join("db");
        let database = Database::open(path.to_str().unwrap(), options, runtime.handle().clone()).unwrap();
        let documents: Vec<_> = (0..DOCUMENTS)
            .map(|n| {
                let text = Value::String("x".repeat(700));
                incoming(&Value::Object(vec![("_id".into(), Value::Int(n)), ("t".into(), text)]))
            })
            .collect();
        let inserted = by_id::insert(database.store(), "c", &documents, InsertOrder::Ordered);
        database.store().wait_published(inserted.lsn).unwrap();
        database.store().flush().unwrap();
        database.store().cool();
        let keys = (0..DOCUMENTS).map(|n| incoming_key(&incoming(&Value::Int(n))).unwrap()).collect();
        let bench = Bench { _directory: directory, _runtime: runtime, database, keys };
        assert!(bench.places() > 3, "the documents lie in several blocks on disk");
        bench
    }

    fn collection(&self) -> Arc<Collection> {
        self.database.store().applied_collection("c").unwrap()
    }

    fn slots(&self) -> Vec<SlotId> {
        let collection = self.collection();
        self.keys.iter().map(|key| collection.slot_of(key).unwrap().unwrap()).collect()
    }

    fn disks(&self) -> Vec<OnDisk> {
        let collection = self.collection();
        let disk = |slot: &SlotId| collection.slab().newest(*slot, Version::on_disk).unwrap().flatten();
        self.slots().iter().filter_map(disk).collect()
    }

    /// Distinct blocks of the documents.
    fn places(&self) -> usize {
        self.disks().iter().map(|disk| **disk.place()).collect::<std::collections::HashSet<_>>().len()
    }

    /// How often a commit that reads all documents is resolved.
    fn resolved(&self, ahead: &mut ReadAhead) -> usize {
        let (collection, mut times) = (self.collection(), 0);
        let committed =
            commit::run_ahead(self.database.store(), 10, &Interrupt::default(), ahead, |commit| {
                times += 1;
                for key in &self.keys {
                    assert!(matches!(commit.current(&collection, key)?, Current::Present(_)));
                }
                Ok(())
            });
        committed.result.unwrap();
        times
    }
}

#[test]
fn a_commit_over_cold_documents_is_resolved_once_for_each_block_and_once_in_all_after_reading_ahead() {
    let bench = Bench::new();
    let places = bench.places();
    assert_eq!(bench.resolved(&mut ReadAhead::default()), places + 1);
    let mut ahead = ReadAhead::default();
    let store = bench.database.store();
    read_slots(store, &bench.collection(), bench.slots().into_iter(), &mut ahead, &Interrupt::default())
        .unwrap();
    assert_eq!(ahead.blocks.len(), places);
    assert_eq!(bench.resolved(&mut ahead), 1);
}

#[test]
fn past_the_bound_documents_are_kept_and_not_their_blocks() {
    let bench = Bench::new();
    let store = bench.database.store();
    let mut ahead = ReadAhead::default();
    let disks = bench.disks();
    let first = ahead.read(store, &bench.collection(), &disks[0]).unwrap();
    ahead.bytes = PART_BYTES + 1;
    for disk in &disks {
        let block = ahead.read(store, &bench.collection(), disk).unwrap();
        assert!(disk.span().record(&block).is_some());
        assert!(Arc::ptr_eq(&block, ahead.get(disk).unwrap()));
        assert!(block.place == first.place || block.bytes.len() < 1_000, "{}", block.bytes.len());
    }
    assert_eq!(ahead.blocks.len(), 1);
    assert_eq!(bench.resolved(&mut ahead), 1);
    ahead.next_batch();
    assert!(ahead.blocks.is_empty() && ahead.alone.is_empty());
}

/// A bulk write that updates each document by its `_id`, in an order that jumps between blocks, replaces one, deletes one,
/// and names a missing one: each block is read once.
#[test]
fn a_bulk_write_by_id_reads_each_block_once() {
    let bench = Bench::new();
    let places = bench.places();
    let object = |fields: &[(&str, Value)]| {
        let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        Value::Object(fields.collect())
    };
    let by_id = |n: i32| incoming(&object(&[("_id", Value::Int(n))]));
    let update = object(&[("$set", object(&[("n", Value::Int(1))]))]);
    let mut operations: Vec<Operation> = (0..DOCUMENTS)
        .map(|n| n * 7 % DOCUMENTS)
        .map(|n| Operation::Update {
            filter: by_id(n),
            update: incoming(&update),
            array_filters: None,
            reach: if n % 2 == 0 { Reach::One } else { Reach::Many },
            upsert: Upsert::No,
            new_id: incoming(&Value::Null),
            hint: None,
            sort: None,
            if_version: None,
        })
        .collect();
    let delete = |n| Operation::Delete { filter: by_id(n), reach: Reach::One, hint: None, if_version: None };
    operations[3] = delete(21);
    operations.push(delete(DOCUMENTS + 5));
    let session = bench.database.session();
    READS.set(0);
    let Answered { answer, .. } =
        session.call("c", Operation::Bulk { operations, order: InsertOrder::Ordered });
    let Ok(Answer::Bulk(outcome)) = answer else { panic!("the bulk write failed") };
    assert_eq!((outcome.matched, outcome.modified, outcome.deleted), (499, 499, 1));
    assert_eq!(READS.get(), places);
}
