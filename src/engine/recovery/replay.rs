//! Opening: bytes -> frames -> records -> collections. A valid checksum does not make the content trustworthy: every record
//! and every document is validated here, once, and later code relies on it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::damaged::{CHANGES_NOTHING, INSERTED_TWICE};
use crate::document::stored::{check_deleted, check_document};
use crate::document::{RawValue, Shape, Shapes, incoming};
use crate::engine::format::damage::damage;
use crate::engine::format::key::{Key, key_of};
use crate::engine::format::record::{LEAST_PUT, Made, Put, Record, Records};
use crate::engine::index_build::create::{MAX_INDEXES, MAX_SPEC};
use crate::engine::state::collection::Collection;
use crate::engine::state::index::Index;
use crate::engine::state::slab::{Content, OnDisk, SlotId, Span, Version};
use crate::engine::state::tally::{KeyHash, Tally};
use crate::engine::store::Recovered;
use crate::error::{Error, Result};
use crate::index::Spec;
use crate::storage::{Block, BlockPlace, Loader, Lsn, Replayed, SnapshotBlock};

/// What is wrong with a record.
pub(super) type Fault = Cow<'static, str>;

/// Collections while a snapshot and the log after it are loaded.
pub struct Replay<'a> {
    path: &'a Path,
    pub(super) recovered: Recovered,
    /// Bytes of documents that may stay in memory; the rest stays on disk.
    memory_limit: u64,
    hot: AtomicU64,
    run: Option<Run>,
    /// What changes in the state of a checkpoint.
    changes: Option<Changes>,
    /// Why the checkpoint could not be read: the record that needed it is not at fault.
    failed: Option<Error>,
}

/// What the log after a checkpoint changes. The entries of indexes are made from it once the whole log is read.
#[derive(Default)]
pub(crate) struct Changes {
    /// By collection and slot of the checkpoint, the version that the checkpoint has there.
    pub(crate) replaced: HashMap<(u32, SlotId), OnDisk>,
    /// Indexes that were created since, by collection and number.
    pub(crate) indexes: HashSet<(u32, u32)>,
}

/// Consecutive documents of one collection in a block of the log: the new ones are put into their slots together.
struct Run {
    collection: Arc<Collection>,
    /// The slot of the first of `fresh`.
    first: u64,
    fresh: Vec<Version>,
    hot_before: u64,
}

/// What there was under the key of a document.
enum Before {
    Nothing,
    Document,
}

impl Run {
    fn new(collection: Arc<Collection>) -> Run {
        let (first, hot_before) = (collection.slab().end(), collection.slab().hot_bytes());
        Run { collection, first, fresh: Vec::new(), hot_before }
    }

    /// Brings what the checkpoint has under a key into memory, before [`Run::put`].
    fn look_below(&mut self, key: &Key, changes: &mut Changes) -> Result<()> {
        let found = self.collection.slot_of(key)?;
        match found {
            // In the run itself; what is in memory is found as without a checkpoint.
            Some(slot) if slot.0 >= self.first => {}
            Some(slot) if changes.note(&self.collection, slot)? => {
                self.collection.find_or_enter(key.clone(), slot);
            }
            // Its document was deleted: this is another life, in a slot of its own.
            Some(slot) => self.collection.leave(key, slot),
            None => {}
        }
        Ok(())
    }

    /// Puts a document in place of what there is under its key.
    fn put(&mut self, key: Key, version: Version) -> Before {
        let next = SlotId(self.first + self.fresh.len() as u64);
        let (mut tally, own) = (Tally::default(), version.content.version().unwrap_or_default());
        let hash = KeyHash::of(&key);
        let Some(slot) = self.collection.find_or_enter(key, next) else {
            tally.add(hash, next, own);
            self.collection.tally().add(tally);
            self.fresh.push(version);
            return Before::Nothing;
        };
        if slot.0 >= self.first {
            self.fill();
        }
        if let Some(before) = self.collection.slab().supersede(slot, version).version {
            tally.take(hash, slot, before);
        }
        tally.add(hash, slot, own);
        self.collection.tally().add(tally);
        self.collection.slab().prune(slot, Lsn::NEWEST);
        Before::Document
    }

    fn fill(&mut self) {
        let count = self.fresh.len();
        self.collection.slab().fill(SlotId(self.first), self.fresh.drain(..));
        self.collection.change_count(count as i64);
        self.first += count as u64;
    }
}

impl Changes {
    /// Notes that the document in a slot is replaced, or deleted; returns whether there is one.
    fn note(&mut self, collection: &Collection, slot: SlotId) -> Result<bool> {
        let Some(newest) = collection.slab().newest(slot, Version::clone)? else { return Ok(false) };
        if let Some(disk) = newest.on_disk()
            && collection.base().is_some_and(|base| slot.0 < base.end())
        {
            // A version of the log after the checkpoint may be on disk too; the one of the checkpoint was noted first.
            self.replaced.entry((collection.number(), slot)).or_insert(disk);
        }
        Ok(newest.content.is_document())
    }
}

impl<'a> Replay<'a> {
    /// An empty database in this directory.
    pub fn new(path: &'a Path, memory_limit: Option<u64>) -> Replay<'a> {
        Replay {
            path,
            recovered: Recovered::empty(),
            memory_limit: memory_limit.unwrap_or(u64::MAX),
            hot: AtomicU64::new(0),
            run: None,
            changes: None,
            failed: None,
        }
    }

    /// The collections after the last commit; their indexes have no entries yet (`fill::build_recovered`).
    pub fn finish(self) -> Recovered {
        self.recovered
    }

    /// What changes in the state of the checkpoint that this began with; `None` if it began with none.
    pub(crate) fn take_changes(&mut self) -> Option<Changes> {
        self.changes.take()
    }

    pub(super) fn memory_limit(&self) -> Option<u64> {
        (self.memory_limit != u64::MAX).then_some(self.memory_limit)
    }

    pub(super) fn path(&self) -> &'a Path {
        self.path
    }

    /// Goes on from the state of a checkpoint.
    pub(super) fn begin_with(&mut self, recovered: Recovered) {
        self.recovered = recovered;
        self.changes = Some(Changes::default());
    }

    fn is_full(&self) -> bool {
        self.hot.load(Ordering::Relaxed) >= self.memory_limit
    }

    /// The key of a document, and the content of its slot.
    fn content(
        collection: &Collection,
        block: &Arc<Block>,
        put: &Put,
        cold: Option<&Arc<BlockPlace>>,
    ) -> Result<(Key, Content), Fault> {
        let bytes = block.bytes.get(put.document.clone()).ok_or("a document ends outside its block")?;
        let id = check_document(bytes, collection.shapes()).map_err(unreadable)?;
        let span = Span::of_put(put);
        let content = match cold {
            Some(place) => Content::Cold(place.clone(), span),
            None => Content::Hot(block.clone(), span),
        };
        Ok((key_of(id), content))
    }

    pub(super) fn collection(&self, number: u32) -> Result<Arc<Collection>, Fault> {
        let found = self.recovered.collections.get(&number).map(|collection| collection.clone());
        Ok(found.ok_or("a record names a collection that does not exist")?)
    }

    fn put(
        &mut self,
        lsn: Lsn,
        block: &Arc<Block>,
        put: Put,
        cold: Option<&Arc<BlockPlace>>,
    ) -> Result<(), Fault> {
        if self.run.as_ref().is_none_or(|run| run.collection.number() != put.collection) {
            self.settle();
        }
        let run = match self.run.take() {
            Some(run) => run,
            None => Run::new(self.collection(put.collection)?),
        };
        let run = self.run.insert(run);
        let (key, content) = Replay::content(&run.collection, block, &put, cold)?;
        let version = Version { lsn, content };
        if let Some(changes) = &mut self.changes
            && run.collection.base().is_some()
        {
            run.look_below(&key, changes).map_err(|error| below(&mut self.failed, error))?;
        }
        match (put.made, run.put(key, version)) {
            (Made::Kept, _) | (Made::Inserted, Before::Nothing) => Ok(()),
            (Made::Updated { .. } | Made::Replaced { .. }, Before::Document) => Ok(()),
            (Made::Inserted, _) => Err(INSERTED_TWICE.into()),
            _ => Err(CHANGES_NOTHING.into()),
        }
    }

    /// Ends a run of documents, before any other change of the collection.
    fn settle(&mut self) {
        let Some(mut run) = self.run.take() else { return };
        run.fill();
        let grown = run.collection.slab().hot_bytes().wrapping_sub(run.hot_before);
        self.hot.fetch_add(grown, Ordering::Relaxed);
    }

    fn delete(&mut self, lsn: Lsn, number: u32, id: &[u8]) -> Result<(), Fault> {
        let collection = self.collection(number)?;
        let id = check_deleted(id, collection.shapes())
            .map_err(|error| format!("a deleted _id cannot be read: {}", error.message()))?;
        let key = key_of(id);
        let found = collection.slot_of(&key).map_err(|error| below(&mut self.failed, error))?;
        let missing = "a deletion names a document that does not exist";
        let slot = found.ok_or(missing)?;
        if let Some(changes) = &mut self.changes
            && !changes.note(&collection, slot).map_err(|error| below(&mut self.failed, error))?
        {
            return Err(missing.into());
        }
        let before = collection.slab().supersede(slot, Version { lsn, content: Content::Tombstone });
        let mut tally = Tally::default();
        before.version.into_iter().for_each(|version| tally.take(KeyHash::of(&key), slot, version));
        collection.tally().add(tally);
        collection.slab().bury(slot, Lsn::NEWEST);
        collection.leave(&key, slot);
        collection.change_count(-1);
        Ok(())
    }

    fn shape(&mut self, number: u32, shape: u16, keys: &[&str]) -> Result<(), Fault> {
        let collection = self.collection(number)?;
        if usize::from(shape) != collection.shapes().len() {
            return Err("a shape definition is out of order".into());
        }
        let given = collection.shapes().push(Shape::new(keys));
        given.ok_or("a shape definition repeats a key or another definition, or is one too many")?;
        collection.set_logged_shapes(collection.shapes().len());
        Ok(())
    }

    fn index(&mut self, lsn: Lsn, number: u32, spec: &[u8]) -> Result<(), Fault> {
        let collection = self.collection(number)?;
        let indexes = collection.indexes();
        if spec.len() > MAX_SPEC || indexes.len() + 1 >= MAX_INDEXES {
            return Err("an index is one too many, or its definition is longer than any can be".into());
        }
        let index = incoming::check(spec, &Shapes::new())
            .and_then(|()| Spec::parse(RawValue::new(spec, &Shapes::new())))
            .and_then(|spec| Index::new(collection.next_index(), spec))
            .map_err(|error| format!("the definition of an index cannot be read: {}", error.message()))?;
        if indexes.iter().any(|known| known.spec().name == index.spec().name) {
            return Err("an index begins twice".into());
        }
        index.set_ready(lsn);
        let is_told = index.is_hidden() || index.expire_after().is_some();
        if let Some(changes) = &mut self.changes {
            changes.indexes.insert((number, index.number()));
        }
        let index = Arc::new(index);
        collection.add_index(index.clone());
        if is_told {
            collection.note_index(&index, true);
        }
        Ok(())
    }

    fn drop_index(&mut self, number: u32, name: &str) -> Result<(), Fault> {
        let collection = self.collection(number)?;
        let indexes = collection.indexes();
        let index = indexes.iter().find(|index| &*index.spec().name == name);
        let index = index.ok_or("a record names an index that does not exist")?;
        collection.note_index(index, false);
        collection.remove_index(index.number());
        Ok(())
    }
}

fn out_of_place() -> Fault {
    "a record stands where none of its kind belongs".into()
}

/// Keeps an error of the checkpoint.
fn below(failed: &mut Option<Error>, error: Error) -> Fault {
    *failed = Some(error);
    "its checkpoint cannot be read".into()
}

fn unreadable(error: Error) -> Fault {
    format!("a document cannot be read: {}", error.message()).into()
}

impl Loader for Replay<'_> {
    fn database_block(&mut self, snapshot: SnapshotBlock) -> Result<()> {
        self.recovered.lsn = snapshot.lsn;
        let mut records = Records::new(&snapshot.block.bytes);
        self.recovered.time = self.recovered.time.max(records.time());
        while let Some(record) = records.next() {
            let applied = match record {
                Err(_) => Err("a record is malformed".into()),
                Ok(Record::Shape { collection, shape, keys }) => self.shape(collection, shape, &keys),
                Ok(Record::Create { collection, name, options }) => self.add(collection, name, options),
                Ok(Record::Past { collection, until, is_dropped, name }) => {
                    self.past(collection, Lsn(until), is_dropped, name)
                }
                Ok(Record::PastShape { collection, keys }) => self.past_shape(collection, &keys),
                Ok(Record::Index { collection, spec }) => self.index(snapshot.lsn, collection, spec),
                Ok(Record::Next { collection }) => {
                    self.recovered.next_number = self.recovered.next_number.max(collection);
                    Ok(())
                }
                Ok(_) => Err(out_of_place()),
            };
            applied.map_err(|what| damage(self.path, &snapshot.block.place, records.start(), &what))?;
        }
        Ok(())
    }

    fn least_document(&self) -> u32 {
        LEAST_PUT
    }

    fn documents(&self, snapshot: SnapshotBlock) -> Result<()> {
        let block = &snapshot.block;
        let mut records = Records::new(&block.bytes);
        let mut load = || {
            let collection = self.collection(snapshot.collection)?;
            let cold = self.is_full().then(|| Arc::new(block.place));
            // Storage has checked that the block has room for so many.
            let mut versions = Vec::with_capacity(snapshot.documents as usize);
            let mut tally = Tally::default();
            for record in records.by_ref() {
                let Ok(Record::Put(put)) = record else {
                    return Err(Fault::from("a record of a snapshot is no document"));
                };
                if put.collection != snapshot.collection || versions.len() == snapshot.documents as usize {
                    return Err("a block holds other documents than its table says".into());
                }
                let (key, content) = Replay::content(&collection, block, &put, cold.as_ref())?;
                let slot = SlotId(snapshot.first_document + versions.len() as u64);
                tally.add(KeyHash::of(&key), slot, content.version().unwrap_or_default());
                if !collection.enter_new(key, slot) {
                    return Err("an _id stands twice in a snapshot".into());
                }
                versions.push(Version { lsn: snapshot.lsn, content });
            }
            let (count, hot) =
                (versions.len(), versions.iter().map(|version| version.content.hot_bytes()).sum());
            if count != snapshot.documents as usize {
                return Err("a block holds fewer documents than its table says".into());
            }
            self.hot.fetch_add(hot, Ordering::Relaxed);
            collection.tally().add(tally);
            collection.slab().fill(SlotId(snapshot.first_document), versions.into_iter());
            collection.change_count(count as i64);
            Ok(())
        };
        let loaded = load();
        loaded.map_err(|what| damage(self.path, &block.place, records.start(), &what))
    }

    fn frame(&mut self, frame: Replayed) -> Result<()> {
        let lsn = frame.lsn;
        for block in &frame.blocks {
            let cold = self.is_full().then(|| Arc::new(block.place));
            let mut records = Records::new(&block.bytes);
            self.recovered.time = self.recovered.time.max(records.time());
            while let Some(record) = records.next() {
                if !matches!(record, Ok(Record::Put(_))) {
                    self.settle();
                }
                let applied = match record {
                    Err(_) => Err("a record is malformed".into()),
                    Ok(Record::Next { .. } | Record::Past { .. } | Record::PastShape { .. }) => {
                        Err(out_of_place())
                    }
                    Ok(Record::Transaction { .. }) => Ok(()),
                    Ok(Record::Put(put)) => self.put(lsn, block, put, cold.as_ref()),
                    Ok(Record::Delete { collection, id, .. }) => self.delete(lsn, collection, id),
                    Ok(Record::Shape { collection, shape, keys }) => self.shape(collection, shape, &keys),
                    Ok(Record::Create { collection, name, options }) => {
                        self.create(collection, name, options)
                    }
                    Ok(Record::CollMod { collection, options, before }) => {
                        self.coll_mod(collection, options, before)
                    }
                    Ok(Record::Drop { collection }) => self.drop_collection(lsn, collection),
                    Ok(Record::Rename { collection, name }) => self.rename(lsn, collection, name),
                    Ok(Record::Index { collection, spec }) => self.index(lsn, collection, spec),
                    Ok(Record::Unindex { collection, name }) => self.drop_index(collection, name),
                    Ok(Record::DropDatabase { name }) => self.drop_database(name),
                };
                applied.map_err(|what| match self.failed.take() {
                    Some(error) => error,
                    None => damage(self.path, &block.place, records.start(), &what),
                })?;
            }
            self.settle();
        }
        self.recovered.lsn = lsn;
        Ok(())
    }
}
