//! THE commit path: every change of the database, of one document or of a million, goes through `Store::commit`.
//!
//! ```text
//! before the lock   wait for room in the queue; read what is cold
//! under it          open? poisoned? -> resolve against the newest applied state -> reserve (the last step
//!                   that may fail) -> queue the frame -> apply, stamped with its number -> unlock
//! later             written (async) or fdatasynced (sync): published, in the order of numbers
//! ```
//!
//! Nothing is undone, because nothing is applied before the last step that may fail, and nothing applied is
//! seen before it is published.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::MutexGuard;
use smallvec::SmallVec;

use super::catalogue::Catalogue;
use super::collection::Collection;
use super::key::Key;
use super::record::{self, Records};
use super::slab::{Content, SlotId, Span, Version};
use super::store::{Applied, Publisher, Room, Store};
use super::views::Superseded;
use crate::document::incoming;
use crate::document::staged::StagedShapes;
use crate::document::{RawValue, Shapes, Value, encode_document};
use crate::error::{Error, Kind, Result};
use crate::storage::{Block, BlockPlace, FrameSize, Lsn};

/// Documents share blocks up to this size; a larger one stands alone.
const BLOCK: usize = 64 << 10;

/// How often a version that could not be read is looked for again.
const READ_TRIES: u32 = 2;

/// Why resolving stopped.
pub enum Halt {
    /// The operation fails.
    Error(Error),
    /// This version must be read from disk first, outside the lock; then resolving starts again.
    Cold(u32, SlotId, Lsn, Arc<BlockPlace>),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Halt {
        Halt::Error(error)
    }
}

/// What a commit answered, and the number that must be published before the caller may hear it.
pub struct Committed<T> {
    /// The answer, or why nothing was committed.
    pub result: Result<T>,
    /// The commit's number; of a no-op or a failure the newest applied one it rests on.
    pub lsn: Lsn,
}

/// What a document is to replace.
#[derive(Clone, Copy)]
pub enum Target {
    /// Nothing: a new slot. The document may have had an earlier life in another.
    New(Option<SlotId>),
    /// The newest version in this slot.
    Slot(SlotId),
    /// What this step of the same commit made.
    Step(usize),
    /// Nothing: this step of the same commit deleted the document.
    After(usize),
}

/// A document as the newest applied state has it, the commit's own steps included.
pub struct Present {
    /// What a new version of it replaces.
    pub target: Target,
    /// Its version.
    pub version: u64,
    /// When it was inserted (ms).
    pub created_at: i64,
    document: Bytes,
}

enum Bytes {
    Block(Arc<Block>, Span),
    Own(Vec<u8>),
}

impl Present {
    /// The document.
    pub fn document<'a>(&'a self, shapes: &'a Shapes) -> RawValue<'a> {
        let bytes = match &self.document {
            Bytes::Block(block, span) => span.of(block),
            Bytes::Own(bytes) => bytes,
        };
        RawValue::new(bytes, shapes)
    }

    fn of_block(target: Target, block: &Arc<Block>, span: Span) -> Result<Present> {
        let put = span
            .record(block)
            .ok_or_else(|| Error::new(Kind::Internal, "a slot names no document record of its block"))?;
        let document = Bytes::Block(block.clone(), span);
        Ok(Present { target, version: put.version, created_at: put.created_at, document })
    }
}

/// What the newest applied state has under a key.
pub enum Current {
    /// No document; an insert takes this target.
    Absent(Target),
    /// This document.
    Present(Present),
}

struct Step {
    collection: Arc<Collection>,
    key: Key,
    target: Target,
    made: Made,
}

enum Made {
    Document(usize, Span),
    Tombstone,
}

struct Touched {
    collection: Arc<Collection>,
    /// Shapes whose definitions the log has once this frame is in it.
    shapes: usize,
    count: i64,
}

/// One commit while it is resolved: steps are staged, nothing is applied.
pub struct Commit<'s> {
    applied: MutexGuard<'s, Applied>,
    time: i64,
    blocks: Vec<Vec<u8>>,
    records: u32,
    steps: Vec<Step>,
    newest: HashMap<(u32, Key), usize, foldhash::fast::RandomState>,
    touched: SmallVec<[Touched; 1]>,
    catalogue: Option<Arc<Catalogue>>,
    created: SmallVec<[Arc<Collection>; 1]>,
    dropped: SmallVec<[u32; 1]>,
    renamed: bool,
    preloaded: &'s Preloaded,
    packed: Vec<u8>,
}

/// Cold versions read before the lock was taken.
pub type Preloaded = HashMap<(u32, SlotId, Lsn), Arc<Block>>;

impl Store {
    /// Resolves and commits. `resolve` runs under the commit lock, more than once if it meets cold documents;
    /// on `Err` nothing is committed. `bytes` is about what the frame will hold.
    pub fn commit<T>(
        &self,
        bytes: usize,
        mut resolve: impl FnMut(&mut Commit<'_>) -> Result<T, Halt>,
    ) -> Committed<T> {
        let mut room = match self.room(bytes as u64 + 64) {
            Ok(room) => Some(room),
            Err(error) => return Committed { result: Err(error), lsn: Lsn(0) },
        };
        let mut preloaded = Preloaded::new();
        let mut failures = 0;
        loop {
            match self.try_commit(&mut room, &preloaded, &mut resolve) {
                Ok(committed) => return committed,
                Err((number, slot, lsn, place)) => match self.read_cold(*place) {
                    Ok(block) => {
                        preloaded.insert((number, slot, lsn), block);
                    }
                    // A compaction may have taken the file away meanwhile; the slot names another then.
                    Err(_) if failures < READ_TRIES => failures += 1,
                    Err(error) => return Committed { result: Err(error), lsn: Lsn(0) },
                },
            }
        }
    }

    fn try_commit<T>(
        &self,
        room: &mut Option<Room>,
        preloaded: &Preloaded,
        resolve: &mut impl FnMut(&mut Commit<'_>) -> Result<T, Halt>,
    ) -> Result<Committed<T>, (u32, SlotId, Lsn, Arc<BlockPlace>)> {
        let fail = |error, lsn| Ok(Committed { result: Err(error), lsn });
        let applied = match self.applied_to_commit() {
            Ok(applied) => applied,
            Err(error) => return fail(error, Lsn(0)),
        };
        if let Some(error) = self.refusal(&applied) {
            return fail(error, Lsn(0));
        }
        let mut commit = Commit::new(applied, self.now(), preloaded);
        match resolve(&mut commit) {
            Err(Halt::Cold(number, slot, lsn, place)) => Err((number, slot, lsn, place)),
            Err(Halt::Error(error)) => fail(error, commit.applied.lsn),
            Ok(value) if commit.is_empty() => Ok(Committed { result: Ok(value), lsn: commit.applied.lsn }),
            Ok(value) => match commit.finish(self, room.take()) {
                Ok(lsn) => Ok(Committed { result: Ok(value), lsn }),
                Err(error) => fail(error, Lsn(0)),
            },
        }
    }
}

impl<'s> Commit<'s> {
    fn new(applied: MutexGuard<'s, Applied>, time: i64, preloaded: &'s Preloaded) -> Commit<'s> {
        Commit {
            applied,
            time,
            blocks: Vec::new(),
            records: 0,
            steps: Vec::new(),
            newest: HashMap::default(),
            touched: SmallVec::new(),
            catalogue: None,
            created: SmallVec::new(),
            dropped: SmallVec::new(),
            renamed: false,
            preloaded,
            packed: Vec::new(),
        }
    }

    /// The commit's time, milliseconds since 1970.
    pub fn time(&self) -> i64 {
        self.time
    }

    /// The collection of this name.
    pub fn collection(&self, name: &str) -> Option<Arc<Collection>> {
        self.catalogue.as_ref().unwrap_or(&self.applied.catalogue).get(name).cloned()
    }

    /// The collection of this name, begun now if there is none.
    pub fn collection_or_create(&mut self, name: &str) -> Result<Arc<Collection>> {
        if let Some(collection) = self.collection(name) {
            return Ok(collection);
        }
        let number = self.applied.next_number.checked_add(self.created.len() as u32).ok_or_else(|| {
            Error::new(Kind::Limit, "this database has used up its collection numbers; export and import it")
        })?;
        let collection = Arc::new(Collection::new(number));
        record::create(self.block(name.len() + 32), number, name, b"");
        self.catalogue = Some(Arc::new(self.catalogue_now().with(name, collection.clone())));
        self.created.push(collection.clone());
        Ok(collection)
    }

    /// Ends the collection of this name; answers whether there was one.
    pub fn drop_collection(&mut self, name: &str) -> bool {
        let Some(collection) = self.collection(name) else { return false };
        record::drop_collection(self.block(16), collection.number());
        self.catalogue = Some(Arc::new(self.catalogue_now().without(collection.number())));
        self.dropped.push(collection.number());
        true
    }

    /// Gives the collection of one name another, which no collection has.
    pub fn rename_collection(&mut self, collection: &Arc<Collection>, to: &str) {
        record::rename(self.block(to.len() + 16), collection.number(), to);
        let renamed = self.catalogue_now().without(collection.number()).with(to, collection.clone());
        self.catalogue = Some(Arc::new(renamed));
        self.renamed = true;
    }

    fn catalogue_now(&self) -> &Catalogue {
        self.catalogue.as_ref().unwrap_or(&self.applied.catalogue)
    }

    /// What is there under a key.
    pub fn current(&self, collection: &Collection, key: &Key) -> Result<Current, Halt> {
        // A commit of one step, the usual one, has no steps to look at yet.
        if !self.steps.is_empty()
            && let Some(step) = self.newest.get(&(collection.number(), key.clone()))
        {
            return Ok(match &self.steps[*step].made {
                Made::Tombstone => Current::Absent(Target::After(*step)),
                Made::Document(block, span) => Current::Present(self.present_in_step(*step, *block, *span)?),
            });
        }
        match collection.slot_of(key) {
            None => Ok(Current::Absent(Target::New(None))),
            Some(slot) => Ok(match self.in_slot(collection, slot)? {
                Some((_, present)) => Current::Present(present),
                None => Current::Absent(Target::New(Some(slot))),
            }),
        }
    }

    /// The newest applied document in a slot and the commit that made it; `None` when it is gone.
    pub fn in_slot(&self, collection: &Collection, slot: SlotId) -> Result<Option<(Lsn, Present)>, Halt> {
        let Some(Version { lsn, content }) = collection.slab().newest(slot, Version::clone) else {
            return Ok(None);
        };
        let (block, span) = match content {
            Content::Vacant | Content::Tombstone => return Ok(None),
            Content::Hot(block, span) => (block, span),
            Content::Cold(place, span) => match self.preloaded.get(&(collection.number(), slot, lsn)) {
                Some(block) => (block.clone(), span),
                None => return Err(Halt::Cold(collection.number(), slot, lsn, place)),
            },
        };
        Ok(Some((lsn, Present::of_block(Target::Slot(slot), &block, span)?)))
    }

    fn present_in_step(&self, step: usize, block: usize, span: Span) -> Result<Present> {
        let payload = &self.blocks[block];
        let put = Records::put_at(payload, span.range().start, span.head())
            .ok_or_else(|| Error::new(Kind::Internal, "a step names no document record of its block"))?;
        let document = Bytes::Own(payload[put.document].to_vec());
        Ok(Present { target: Target::Step(step), version: put.version, created_at: put.created_at, document })
    }

    /// Packs a document that came over the boundary; shapes it is the first to use are numbered now.
    pub fn pack_incoming(&mut self, collection: &Collection, raw: RawValue<'_>) -> Result<()> {
        let mut staged = StagedShapes::new(collection.shapes());
        self.packed.clear();
        incoming::store_with(raw, &collection.translation(raw.shapes()), &mut staged, &mut self.packed)?;
        push_shapes(collection, staged)
    }

    /// Packs a tree.
    pub fn pack_value(&mut self, collection: &Collection, value: &Value) -> Result<()> {
        let mut staged = StagedShapes::new(collection.shapes());
        self.packed.clear();
        encode_document(value, &mut staged, &mut self.packed)?;
        push_shapes(collection, staged)
    }

    /// Stages what was packed last.
    pub fn put_packed(&mut self, collection: &Arc<Collection>, key: Key, over: Over) -> u64 {
        let packed = std::mem::take(&mut self.packed);
        let version = self.put(collection, key, over, &packed);
        self.packed = packed;
        version
    }

    /// Stages a document; answers its version.
    pub fn put(&mut self, collection: &Arc<Collection>, key: Key, over: Over, document: &[u8]) -> u64 {
        let touched = self.touch(collection);
        let missing = self.touched[touched].shapes..collection.shapes().len();
        for shape in missing.clone() {
            let shape = shape as u16;
            if let Some(definition) = collection.shapes().get(crate::document::ShapeId(shape)) {
                let size = 16 + definition.keys().iter().map(|key| key.len() + 5).sum::<usize>();
                record::shape(self.block(size), collection.number(), shape, definition.keys());
            }
        }
        self.touched[touched].shapes = missing.end;
        let time = self.time;
        let (target, version, created_at, inserted) = match over {
            Over::Nothing(target) => (target, 1, time, 1),
            Over::Present(target, version, created_at) => (target, version.saturating_add(1), created_at, 0),
        };
        self.touched[touched].count += inserted;
        let modified_at = time.max(created_at);
        let block = self.block(document.len() + 64);
        let (range, head) =
            record::put(block, time, (collection.number(), version, created_at, modified_at), document);
        let span = Span::new(range.start as u32, range.len() as u32, head);
        let made = Made::Document(self.blocks.len() - 1, span);
        self.step(Step { collection: collection.clone(), key, target, made });
        version
    }

    /// Stages a deletion.
    pub fn delete(&mut self, collection: &Arc<Collection>, key: Key, present: &Present) {
        let touched = self.touch(collection);
        self.touched[touched].count -= 1;
        let document = present.document(collection.shapes());
        let id = document.get("_id").map(|id| id.bytes()).unwrap_or_default();
        record::delete(self.block(id.len() + 32), collection.number(), id);
        self.step(Step {
            collection: collection.clone(),
            key,
            target: present.target,
            made: Made::Tombstone,
        });
    }

    fn step(&mut self, step: Step) {
        self.newest.insert((step.collection.number(), step.key.clone()), self.steps.len());
        self.steps.push(step);
    }

    fn touch(&mut self, collection: &Arc<Collection>) -> usize {
        let known = self.touched.iter().position(|one| one.collection.number() == collection.number());
        known.unwrap_or_else(|| {
            let shapes = collection.logged_shapes();
            self.touched.push(Touched { collection: collection.clone(), shapes, count: 0 });
            self.touched.len() - 1
        })
    }

    /// The block that takes a record of about this size; every record begins here.
    fn block(&mut self, size: usize) -> &mut Vec<u8> {
        self.records += 1;
        let full = self
            .blocks
            .last()
            .is_none_or(|block| block.len() > record::PAYLOAD_HEAD && block.len() + size > BLOCK);
        if full {
            let mut block = Vec::with_capacity(record::PAYLOAD_HEAD + size);
            record::begin(&mut block, self.time);
            self.blocks.push(block);
        }
        let last = self.blocks.len() - 1;
        &mut self.blocks[last]
    }

    /// Bytes staged so far.
    pub fn size(&self) -> usize {
        self.blocks.iter().map(Vec::len).sum()
    }

    /// A collection begun for documents that then failed is not begun.
    fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.dropped.is_empty() && !self.renamed
    }

    /// Reserves, queues, applies, unlocks.
    fn finish(mut self, store: &Store, room: Option<Room>) -> Result<Lsn> {
        let size = FrameSize {
            blocks: self.blocks.iter().map(|block| block.len() as u32).collect(),
            records: self.records,
        };
        let place = store.reserve(&size)?;
        let lsn = place.lsn;
        let blocks: SmallVec<[Arc<Block>; 2]> = std::mem::take(&mut self.blocks)
            .into_iter()
            .zip(&place.blocks)
            .map(|(bytes, place)| Arc::new(Block { place: *place, base: 0, bytes: bytes.into_boxed_slice() }))
            .collect();
        let published = store.publisher();
        let unapplied = Unapplied(&published);
        let completion = store.storage().append(place, &blocks);
        let superseded = self.apply(store, lsn, &blocks);
        let counts: SmallVec<[(Arc<Collection>, i64); 1]> =
            self.touched.into_iter().map(|one| (one.collection, one.count)).collect();
        let catalogue = self.catalogue;
        std::mem::forget(unapplied);
        // Listening starts before the lock is released, so that commits publish in the order of numbers even
        // where a completion has settled already.
        completion.then(move |result| {
            published.settled(lsn, result, catalogue, &counts, superseded);
            drop(room);
        });
        drop(self.applied);
        Ok(lsn)
    }

    fn apply(&mut self, store: &Store, lsn: Lsn, blocks: &[Arc<Block>]) -> Vec<Superseded> {
        self.applied.lsn = lsn;
        store.set_applied_lsn(lsn);
        self.applied.next_number += self.created.len() as u32;
        for collection in &self.created {
            store.collections().insert(collection.number(), collection.clone());
        }
        if let Some(catalogue) = &self.catalogue {
            self.applied.catalogue = catalogue.clone();
        }
        for touched in &self.touched {
            touched.collection.set_logged_shapes(touched.shapes);
        }
        let mut superseded: Vec<_> = self.dropped.drain(..).map(Superseded::Collection).collect();
        let mut slots: Vec<SlotId> = Vec::with_capacity(self.steps.len());
        for Step { collection, key, target, made } in self.steps.drain(..) {
            let content = match made {
                Made::Document(block, span) => Content::Hot(blocks[block].clone(), span),
                Made::Tombstone => Content::Tombstone,
            };
            let version = Version { lsn, content };
            let deletes = matches!(version.content, Content::Tombstone);
            let existing = match target {
                Target::Slot(slot) => Some(slot),
                Target::Step(step) => Some(slots[step]),
                Target::New(_) | Target::After(_) => None,
            };
            let slot = match (existing, target) {
                (Some(slot), _) => {
                    collection.slab().supersede(slot, version);
                    superseded.push(if deletes {
                        Superseded::Document(collection, slot, key)
                    } else {
                        Superseded::Versions(collection, slot)
                    });
                    slot
                }
                (None, target) => {
                    let earlier = match target {
                        Target::New(earlier) => earlier,
                        Target::After(step) => Some(slots[step]),
                        Target::Slot(_) | Target::Step(_) => None,
                    };
                    let slot = collection.slab().push(version, earlier);
                    collection.enter(key, slot);
                    slot
                }
            };
            slots.push(slot);
        }
        superseded
    }
}

/// A commit that is queued and not yet applied. Should applying panic, memory is no longer what the log says, so
/// nothing more is written: reopening reads the log.
struct Unapplied<'a>(&'a Publisher);

impl Drop for Unapplied<'_> {
    fn drop(&mut self) {
        self.0.poison(&Error::new(Kind::Internal, "a commit was queued and could not be applied"));
    }
}

/// What a staged document takes the place of.
#[derive(Clone, Copy)]
pub enum Over {
    /// No document: version 1.
    Nothing(Target),
    /// A document of this version, inserted then (ms).
    Present(Target, u64, i64),
}

impl From<&Present> for Over {
    fn from(present: &Present) -> Over {
        Over::Present(present.target, present.version, present.created_at)
    }
}

fn push_shapes(collection: &Collection, staged: StagedShapes<'_>) -> Result<()> {
    for shape in staged.into_staged() {
        if collection.shapes().push(shape).is_none() {
            return Err(Error::new(Kind::Internal, "a shape was numbered twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::replay::Replay;
    use crate::options::OpenOptions;
    use crate::storage::{Host, open_memory};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::Path;

    fn store() -> Arc<Store> {
        let opened = open_memory();
        let options = OpenOptions { queue_limit: 1_000, ..OpenOptions::default() };
        let recovered = Replay::new(Path::new("memory"), None).finish();
        Store::new("memory".into(), opened.backend, Host::system().clock, options, opened.report, recovered)
    }

    #[test]
    fn a_commit_that_panics_while_it_is_resolved_gives_its_room_back_and_hinders_nobody() {
        let store = store();
        for _ in 0..3 {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                store.commit(900, |_| -> Result<(), Halt> { panic!("a defect in an operator") })
            }));
            assert!(panicked.is_err());
        }
        assert_eq!(store.budget().used(), 0);
        let created = store.commit(900, |commit| Ok(commit.collection_or_create("c")?.number()));
        assert_eq!(created.result.unwrap(), 1);
        assert_eq!(store.budget().used(), 0);
    }

    #[test]
    fn a_commit_that_is_queued_and_not_applied_poisons() {
        let store = store();
        drop(Unapplied(&store.publisher()));
        let refused = store.commit(10, |_| Ok(())).result.unwrap_err();
        assert_eq!(refused.kind(), Kind::StoragePoisoned);
        assert!(refused.message().contains("could not be applied"), "{refused}");
    }
}
