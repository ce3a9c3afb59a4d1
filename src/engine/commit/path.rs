//! The commit path: every change of the database, of one document or of a million, goes through it.
//!
//! ```text
//! before the lock   wait for room in the queue; read what is cold
//! under it          open? poisoned? -> resolve against the newest applied state -> reserve (the last step
//!                   that may fail) -> queue the frame -> apply, stamped with its number -> unlock
//! later             written (async) or fdatasynced (sync): published, in the order of numbers
//! ```
//!
//! Nothing has to be undone: nothing is applied before the last step that can fail, and nothing applied is visible before it
//! is published.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::MutexGuard;
use smallvec::SmallVec;

pub use super::current_document::{Current, CurrentDocument, Over, Target};
use super::index_delta::{Claims, Delta};
use super::read_ahead::ReadAhead;
use crate::document::encode_plain;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::nonblocking::{is_nonblocking, would_block};
use crate::engine::format::key::Key;
use crate::engine::format::record::{self, Records};
use crate::engine::state::catalogue::Catalogue;
use crate::engine::state::collection::Collection;
use crate::engine::state::collection_name::check_name;
use crate::engine::state::index::Index;
use crate::engine::state::slab::{Content, OnDisk, SlotId, Span, Version};
use crate::engine::store::precedence::{Precedence, Subject};
use crate::engine::store::{Applied, Room, Store};
use crate::error::{Error, Kind, Result};
use crate::options::BLOCK_BYTES;
use crate::storage::Lsn;

/// Why resolving stopped.
pub enum Halt {
    /// The operation fails.
    Error(Error),
    /// This version must be read from disk first, outside the lock; then resolving starts again.
    NeedsRead(OnDisk),
    /// Another write has precedence and must be waited for outside of the lock; then resolving starts again.
    MustWait(Subject),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Halt {
        Halt::Error(error)
    }
}

/// The result of a commit, and the LSN that must be published before the caller gets it.
pub struct Committed<T> {
    /// The result, or why nothing was committed.
    pub result: Result<T>,
    /// The commit's LSN; for a no-op or a failure the newest applied LSN that it depends on.
    pub lsn: Lsn,
}

impl<T> Committed<T> {
    /// Nothing was read, so the error rests on no state.
    pub(crate) fn failed(error: Error) -> Committed<T> {
        Committed { result: Err(error), lsn: Lsn(0) }
    }

    /// The same with another answer.
    pub(crate) fn map<U>(self, shape: impl FnOnce(T) -> U) -> Committed<U> {
        Committed { result: self.result.map(shape), lsn: self.lsn }
    }
}

/// One change of one document.
pub(crate) struct StagedChange {
    pub(crate) collection: Arc<Collection>,
    pub(crate) key: Key,
    pub(crate) target: Target,
    pub(crate) made: NewContent,
}

/// The result of a step: a document in this block, or none.
pub(crate) enum NewContent {
    Document(usize, Span),
    Tombstone,
}

/// A collection that steps change.
pub(crate) struct TouchedCollection {
    pub(crate) collection: Arc<Collection>,
    /// Shapes whose definitions are in the log after this frame.
    pub(crate) shapes: usize,
    pub(crate) count: i64,
}

/// An index that is created or dropped.
pub(crate) enum IndexChange {
    Ready,
    Dropped,
}

/// A commit while it is resolved: steps are staged, nothing is applied.
pub struct Commit<'s> {
    pub(crate) applied: MutexGuard<'s, Applied>,
    time: i64,
    pub(crate) blocks: Vec<Vec<u8>>,
    pub(crate) records: u32,
    pub(crate) steps: Vec<StagedChange>,
    /// The steps' changes of indexes.
    pub(crate) deltas: Vec<Delta>,
    /// The newest step for a key, of the first `known` steps: filled only when a key is looked up.
    newest: HashMap<(u32, Key), usize, foldhash::fast::RandomState>,
    known: usize,
    pub(crate) touched: SmallVec<[TouchedCollection; 1]>,
    pub(crate) catalogue: Option<Arc<Catalogue>>,
    pub(crate) created: SmallVec<[Arc<Collection>; 1]>,
    pub(crate) dropped: SmallVec<[u32; 1]>,
    renamed: bool,
    /// Collections that were created stay, even without documents.
    kept: bool,
    pub(crate) index_changes: Vec<(Arc<Collection>, Arc<Index>, IndexChange)>,
    pub(crate) claims: Claims,
    ahead: &'s ReadAhead,
    precedence: &'s Precedence,
    pub(crate) packed: Vec<u8>,
    pub(crate) scratch: (Vec<u8>, Vec<u8>),
}

/// What must be done before resolving can continue.
enum Missing {
    /// Read a version from disk.
    Block(OnDisk),
    /// Wait for a write that has precedence.
    Way(Subject),
}

/// Resolves and commits. `resolve` runs under the commit lock, more than once if it meets evicted documents; on `Err`
/// nothing is committed. `bytes` is the approximate size of the frame.
pub fn run<T>(
    store: &Store,
    bytes: usize,
    resolve: impl FnMut(&mut Commit<'_>) -> Result<T, Halt>,
) -> Committed<T> {
    run_within(store, bytes, &Interrupt::default(), resolve)
}

/// Like `commit`, but waiting for queue space or for precedence ends when the interrupt fires.
pub fn run_within<T>(
    store: &Store,
    bytes: usize,
    interrupt: &Interrupt,
    resolve: impl FnMut(&mut Commit<'_>) -> Result<T, Halt>,
) -> Committed<T> {
    run_ahead(store, bytes, interrupt, &mut ReadAhead::default(), resolve)
}

/// Like `commit_within`, but does not read again what was read ahead.
pub(crate) fn run_ahead<T>(
    store: &Store,
    bytes: usize,
    interrupt: &Interrupt,
    ahead: &mut ReadAhead,
    mut resolve: impl FnMut(&mut Commit<'_>) -> Result<T, Halt>,
) -> Committed<T> {
    let check = || interrupt.check(|| store.now());
    let bytes = bytes as u64 + 64;
    let mut room = match store.room(bytes, check) {
        Ok(room) => Some(room),
        Err(error) => return Committed::failed(error),
    };
    let mut hold = None;
    loop {
        match try_run(store, &mut room, ahead, &mut resolve) {
            Ok(committed) => return committed,
            Err(Missing::Block(disk)) => match check().and_then(|()| ahead.read(store, &disk)) {
                Ok(_) => {}
                // A compaction may have removed the file meanwhile; the slot then names another file, and from here on
                // no file that a slot names is removed.
                Err(_) if hold.is_none() && !is_nonblocking() => hold = Some(store.views().hold()),
                Err(error) => return Committed::failed(error),
            },
            Err(Missing::Way(subject)) => {
                // The write that has precedence may need the queue space.
                drop(room.take());
                let waited = would_block(|| true).and_then(|()| store.precedence().wait(subject, check));
                match waited.and_then(|()| store.room(bytes, check)) {
                    Ok(again) => room = Some(again),
                    Err(error) => return Committed::failed(error),
                }
            }
        }
    }
}

fn try_run<T>(
    store: &Store,
    room: &mut Option<Room>,
    ahead: &ReadAhead,
    resolve: &mut impl FnMut(&mut Commit<'_>) -> Result<T, Halt>,
) -> Result<Committed<T>, Missing> {
    let fail = |error, lsn| Ok(Committed { result: Err(error), lsn });
    let applied = match store.applied_to_commit() {
        Ok(applied) => applied,
        Err(error) => return fail(error, Lsn(0)),
    };
    if let Some(error) = store.refusal(&applied) {
        return fail(error, Lsn(0));
    }
    let mut commit = Commit::new(applied, store.now(), ahead, store.precedence());
    match resolve(&mut commit) {
        Err(Halt::NeedsRead(disk)) => Err(Missing::Block(disk)),
        Err(Halt::MustWait(subject)) => Err(Missing::Way(subject)),
        Err(Halt::Error(error)) => fail(error, commit.applied.lsn),
        Ok(value) if commit.is_empty() => Ok(Committed { result: Ok(value), lsn: commit.applied.lsn }),
        Ok(value) => match commit.finish(store, room.take()) {
            Ok(lsn) => Ok(Committed { result: Ok(value), lsn }),
            Err(error) => fail(error, Lsn(0)),
        },
    }
}

impl<'s> Commit<'s> {
    fn new(
        applied: MutexGuard<'s, Applied>,
        time: i64,
        ahead: &'s ReadAhead,
        precedence: &'s Precedence,
    ) -> Commit<'s> {
        Commit {
            applied,
            time,
            blocks: Vec::new(),
            records: 0,
            steps: Vec::new(),
            deltas: Vec::new(),
            newest: HashMap::default(),
            known: 0,
            touched: SmallVec::new(),
            catalogue: None,
            created: SmallVec::new(),
            dropped: SmallVec::new(),
            renamed: false,
            kept: false,
            index_changes: Vec::new(),
            claims: Claims::default(),
            ahead,
            precedence,
            packed: Vec::new(),
            scratch: Default::default(),
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

    /// The collection of this name, created now if there is none.
    pub fn collection_or_create(&mut self, name: &str) -> Result<Arc<Collection>> {
        if let Some(collection) = self.collection(name) {
            return Ok(collection);
        }
        check_name(name)?;
        let number = self.applied.next_number.checked_add(self.created.len() as u32).ok_or_else(|| {
            Error::new(Kind::Limit, "this database has reached the largest collection number; export it and import it into a new one")
        })?;
        let collection = Arc::new(Collection::new(number));
        record::create(self.block(name.len() + 32), number, name, b"");
        self.catalogue = Some(Arc::new(self.catalogue_now().with(name, collection.clone())));
        self.created.push(collection.clone());
        Ok(collection)
    }

    /// Keeps the created collections, even without documents.
    pub fn keep_created(&mut self) {
        self.kept = !self.created.is_empty();
    }

    /// Replaces the collection of this name by an empty one with the same indexes.
    pub fn recreate_collection(&mut self, name: &str) -> Result<Arc<Collection>> {
        let before = self.collection(name);
        self.drop_collection(name);
        let collection = self.collection_or_create(name)?;
        let indexes = before.map(|before| before.indexes());
        for index in indexes.iter().flat_map(|indexes| indexes.iter()) {
            if index.is_ready(Lsn::NEWEST) {
                let fresh = Index::new(collection.next_index(), index.spec().clone())?;
                self.begin_index(&collection, &Arc::new(fresh));
            }
        }
        Ok(collection)
    }

    /// Logs an index that is ready with this commit. In a collection that this commit creates, it is maintained from here
    /// on.
    pub fn begin_index(&mut self, collection: &Arc<Collection>, index: &Arc<Index>) {
        let mut spec = Vec::new();
        encode_plain(&index.spec().to_value(), &mut spec);
        record::index(self.block(spec.len() + 16), collection.number(), &spec);
        if self.created.iter().any(|created| created.number() == collection.number()) {
            // Nobody else sees the collection yet; later documents of this commit are checked.
            index.set_ready(Lsn(0));
            collection.add_index(index.clone());
        }
        self.index_changes.push((collection.clone(), index.clone(), IndexChange::Ready));
    }

    /// Drops an index.
    pub fn end_index(&mut self, collection: &Arc<Collection>, index: &Arc<Index>) {
        let name = &index.spec().name;
        record::drop_index(self.block(name.len() + 16), collection.number(), name);
        self.index_changes.push((collection.clone(), index.clone(), IndexChange::Dropped));
    }

    /// Drops the collection of this name; returns whether there was one.
    pub fn drop_collection(&mut self, name: &str) -> bool {
        let Some(collection) = self.collection(name) else { return false };
        record::drop_collection(self.block(16), collection.number());
        self.catalogue = Some(Arc::new(self.catalogue_now().without(collection.number())));
        self.dropped.push(collection.number());
        true
    }

    /// Renames a collection to a name that no collection has.
    pub fn rename_collection(&mut self, collection: &Arc<Collection>, to: &str) {
        record::rename(self.block(to.len() + 16), collection.number(), to);
        let renamed = self.catalogue_now().without(collection.number()).with(to, collection.clone());
        self.catalogue = Some(Arc::new(renamed));
        self.renamed = true;
    }

    pub(crate) fn catalogue_now(&self) -> &Catalogue {
        self.catalogue.as_ref().unwrap_or(&self.applied.catalogue)
    }

    /// The document with this key.
    pub fn current(&mut self, collection: &Collection, key: &Key) -> Result<Current, Halt> {
        for (n, step) in self.steps.iter().enumerate().skip(self.known) {
            self.newest.insert((step.collection.number(), step.key.clone()), n);
        }
        self.known = self.steps.len();
        // A commit of one step, the usual case, has no earlier steps.
        if !self.steps.is_empty()
            && let Some(step) = self.newest.get(&(collection.number(), key.clone()))
        {
            return Ok(match &self.steps[*step].made {
                NewContent::Tombstone => Current::Absent(Target::After(*step)),
                NewContent::Document(block, span) => {
                    Current::Present(self.present_in_step(*step, *block, *span)?)
                }
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

    /// The newest applied document in a slot and the commit that made it; `None` when it is deleted.
    pub fn in_slot(
        &self,
        collection: &Collection,
        slot: SlotId,
    ) -> Result<Option<(Lsn, CurrentDocument)>, Halt> {
        let Some(version) = collection.slab().newest(slot, Version::clone) else { return Ok(None) };
        let present = |block, span| CurrentDocument::of_block(Target::Slot(slot), block, span);
        if let Some(disk) = version.on_disk() {
            // A compaction may have moved the version since it was read: the bytes read do not fit its new span.
            return match self.ahead.get(&disk) {
                Some(block) => Ok(Some((version.lsn, present(block, disk.span())?))),
                None => Err(Halt::NeedsRead(disk)),
            };
        }
        let Content::Hot(block, span) = &version.content else { return Ok(None) };
        Ok(Some((version.lsn, present(block, *span)?)))
    }

    pub(crate) fn present_in_step(&self, step: usize, block: usize, span: Span) -> Result<CurrentDocument> {
        let payload = &self.blocks[block];
        let put = Records::put_at(payload, span.range().start, span.head())
            .ok_or_else(|| Error::new(Kind::Internal, "a step names no document record of its block"))?;
        Ok(CurrentDocument::of_step(step, &put, payload))
    }

    /// Stages a document; returns its version. One that cannot be indexed, or that is a duplicate in a unique index, is
    /// refused and nothing is staged.
    pub fn put(
        &mut self,
        collection: &Arc<Collection>,
        key: Key,
        over: Over,
        document: &[u8],
    ) -> Result<u64, Halt> {
        self.put_over(collection, key, over, None, document)
    }

    pub(crate) fn put_over(
        &mut self,
        collection: &Arc<Collection>,
        key: Key,
        over: Over,
        present: Option<&CurrentDocument>,
        document: &[u8],
    ) -> Result<u64, Halt> {
        let (Over::Nothing(target) | Over::Present(target, ..)) = over;
        self.check_way(collection, target)?;
        would_block(|| collection.takes_long_to_index(target.slot()))?;
        self.stage_keys(collection, target, present, Some(document))?;
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
        let (version, created_at, inserted) = match over {
            Over::Nothing(_) => (1, time, 1),
            Over::Present(_, version, created_at) => (version.saturating_add(1), created_at, 0),
        };
        self.touched[touched].count += inserted;
        let modified_at = time.max(created_at);
        let block = self.block(document.len() + 64);
        let (range, head) =
            record::put(block, time, (collection.number(), version, created_at, modified_at), document);
        let span = Span::new(range, head, version);
        let made = NewContent::Document(self.blocks.len() - 1, span);
        self.steps.push(StagedChange { collection: collection.clone(), key, target, made });
        Ok(version)
    }

    /// Stages a deletion.
    pub fn delete(
        &mut self,
        collection: &Arc<Collection>,
        key: Key,
        present: &CurrentDocument,
    ) -> Result<(), Halt> {
        self.check_way(collection, present.target)?;
        would_block(|| collection.takes_long_to_index(present.target.slot()))?;
        self.stage_keys(collection, present.target, Some(present), None)?;
        let touched = self.touch(collection);
        self.touched[touched].count -= 1;
        let document = present.document(collection.shapes());
        let id = document.get("_id").map(|id| id.bytes()).unwrap_or_default();
        record::delete(self.block(id.len() + 32), collection.number(), id);
        let (collection, target) = (collection.clone(), present.target);
        self.steps.push(StagedChange { collection, key, target, made: NewContent::Tombstone });
        Ok(())
    }

    /// Whether no other write has precedence over what is about to change.
    #[inline]
    fn check_way(&self, collection: &Collection, target: Target) -> Result<(), Halt> {
        if self.precedence.is_idle() {
            return Ok(());
        }
        let document = match target {
            Target::Slot(slot) => Some(Subject::Document(collection.number(), slot)),
            _ => None,
        };
        let all = std::iter::once(Subject::Collection(collection.number())).chain(document);
        match all.into_iter().find(|subject| !self.precedence.is_free(*subject)) {
            Some(subject) => Err(Halt::MustWait(subject)),
            None => Ok(()),
        }
    }

    fn touch(&mut self, collection: &Arc<Collection>) -> usize {
        let known = self.touched.iter().position(|one| one.collection.number() == collection.number());
        known.unwrap_or_else(|| {
            let shapes = collection.logged_shapes();
            self.touched.push(TouchedCollection { collection: collection.clone(), shapes, count: 0 });
            self.touched.len() - 1
        })
    }

    /// The block for a record of about this size; every record begins here.
    fn block(&mut self, size: usize) -> &mut Vec<u8> {
        self.records += 1;
        let full = self
            .blocks
            .last()
            .is_none_or(|block| block.len() > record::PAYLOAD_HEAD && block.len() + size > BLOCK_BYTES);
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

    /// A collection created for documents that failed is not created.
    /// Leaves the documents as they are.
    pub(crate) fn abandon(&mut self) {
        self.steps.clear();
    }

    fn is_empty(&self) -> bool {
        self.steps.is_empty()
            && self.dropped.is_empty()
            && self.index_changes.is_empty()
            && !self.renamed
            && !self.kept
    }
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
