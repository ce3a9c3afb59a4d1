//! A commit while it is resolved: its changes are staged here, and nothing is applied.

use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::current_document::{Current, CurrentDocument, Over, Target};
use super::index_delta::{Claims, Delta};
use super::read_ahead::ReadAhead;
use crate::engine::exec::locks::MutexGuard;
use crate::engine::exec::nonblocking::would_block;
use crate::engine::format::key::Key;
use crate::engine::format::record::{self, Making, Records};
use crate::engine::state::catalogue::Catalogue;
use crate::engine::state::collection::Collection;
use crate::engine::state::collection_options::CollectionOptions;
use crate::engine::state::index::Index;
use crate::engine::state::rules::Checked;
use crate::engine::state::slab::{Content, OnDisk, SlotId, Span, Version, VisibleVersion};
use crate::engine::store::precedence::{Precedence, Subject};
use crate::engine::store::{Applied, Restored};
use crate::error::{Error, Kind, Result};
use crate::options::BLOCK_BYTES;
use crate::storage::{Block, Lsn};

/// Why resolving stopped.
pub(crate) enum Halt {
    /// The operation fails.
    Error(Error),
    /// This version, of the collection with this number, must be read from disk first, outside the lock; then resolving starts
    /// again.
    NeedsRead(u32, SlotId, OnDisk),
    /// Another write has precedence and must be waited for outside of the lock; then resolving starts again.
    MustWait(Subject),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Halt {
        Halt::Error(error)
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
    /// A document that a restore brings back, as it is.
    Again(Arc<Block>, Span),
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

/// A collection, the name that it has no more, and whether it is dropped.
pub(crate) type LeftName = (Arc<Collection>, Arc<str>, bool);

/// A commit while it is resolved: steps are staged, nothing is applied.
pub(crate) struct Commit<'s> {
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
    pub(crate) renamed: bool,
    /// The new options of collections.
    pub(crate) options: SmallVec<[(Arc<Collection>, Arc<CollectionOptions>); 1]>,
    /// Capped collections that documents are added to, and the last document that makes way: its slot, or the step that inserts it.
    pub(super) grown: SmallVec<[(Arc<Collection>, Option<Target>); 1]>,
    /// The names that collections have no more.
    pub(crate) left: SmallVec<[LeftName; 1]>,
    /// Collections that were created stay, even without documents.
    pub(crate) kept: bool,
    pub(crate) index_changes: Vec<(Arc<Collection>, Arc<Index>, IndexChange)>,
    pub(crate) claims: Claims,
    /// What a restore sets besides documents.
    pub(crate) restored: Option<Restored>,
    /// By which rules the documents to come have been checked before.
    pub(crate) checked: Checked,
    ahead: &'s ReadAhead,
    precedence: &'s Precedence,
    pub(crate) packed: Vec<u8>,
    /// The paths that the document encoded last has changed, if it is the result of an update.
    pub(crate) paths: Vec<u8>,
    pub(crate) scratch: (Vec<u8>, Vec<u8>),
}

impl<'s> Commit<'s> {
    pub(crate) fn new(
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
            options: SmallVec::new(),
            grown: SmallVec::new(),
            left: SmallVec::new(),
            kept: false,
            index_changes: Vec::new(),
            claims: Claims::default(),
            restored: None,
            checked: Checked::Never,
            ahead,
            precedence,
            packed: Vec::new(),
            paths: Vec::new(),
            scratch: Default::default(),
        }
    }

    /// The commit's time, milliseconds since 1970.
    pub(crate) fn time(&self) -> i64 {
        self.time
    }

    pub(crate) fn catalogue_now(&self) -> &Catalogue {
        self.catalogue.as_ref().unwrap_or(&self.applied.catalogue)
    }

    /// The document with this key.
    pub(crate) fn current(&mut self, collection: &Collection, key: &Key) -> Result<Current, Halt> {
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
                NewContent::Again(block, span) => {
                    Current::Present(CurrentDocument::of_block(Target::Step(*step), block, *span)?)
                }
            });
        }
        match collection.slot_of(key)? {
            None => Ok(Current::Absent(Target::New(None))),
            Some(slot) => Ok(match self.in_slot(collection, slot)? {
                Some((_, present)) => Current::Present(present),
                None => Current::Absent(Target::New(Some(slot))),
            }),
        }
    }

    /// The newest applied document in a slot and the commit that made it; `None` when it is deleted.
    pub(crate) fn in_slot(
        &self,
        collection: &Collection,
        slot: SlotId,
    ) -> Result<Option<(Lsn, CurrentDocument)>, Halt> {
        let newest = collection.slab().newest(slot, Version::clone)?;
        newest.map_or(Ok(None), |version| self.of_version(collection, slot, &version))
    }

    /// The document in a slot that a view sees, which is open, and the commit that made it.
    pub(crate) fn seen_in_slot(
        &self,
        collection: &Collection,
        slot: SlotId,
        view: Lsn,
    ) -> Result<Option<(Lsn, CurrentDocument)>, Halt> {
        let seen = collection.slab().seen(
            slot,
            || view,
            |seen| match seen {
                VisibleVersion::Version(version) => Some(version.clone()),
                VisibleVersion::Before(_) | VisibleVersion::Nothing => None,
            },
        )?;
        seen.map_or(Ok(None), |version| self.of_version(collection, slot, &version))
    }

    fn of_version(
        &self,
        collection: &Collection,
        slot: SlotId,
        version: &Version,
    ) -> Result<Option<(Lsn, CurrentDocument)>, Halt> {
        let present = |block, span| CurrentDocument::of_block(Target::Slot(slot), block, span);
        if let Some(disk) = version.on_disk() {
            // A compaction may have moved the version since it was read: the bytes read do not fit its new span.
            return match self.ahead.get(&disk) {
                Some(block) => Ok(Some((version.lsn, present(block, disk.span())?))),
                None => Err(Halt::NeedsRead(collection.number(), slot, disk)),
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

    /// Stages a document as inserted, or as the replacement of another; returns its version. One that cannot be indexed, or
    /// that is a duplicate in a unique index, is refused and nothing is staged.
    pub(crate) fn put(
        &mut self,
        collection: &Arc<Collection>,
        key: Key,
        over: Over,
        document: &[u8],
    ) -> Result<u64, Halt> {
        self.put_over(collection, key, over, None, (document, Making::Replaced))
    }

    /// Stages a document, and how it came to be unless it is new.
    pub(crate) fn put_over(
        &mut self,
        collection: &Arc<Collection>,
        key: Key,
        over: Over,
        present: Option<&CurrentDocument>,
        (document, making): (&[u8], Making<'_>),
    ) -> Result<u64, Halt> {
        let (Over::Nothing(target) | Over::Present(target, ..)) = over;
        self.check_way(collection, target)?;
        collection.capped().cap().map_or(Ok(()), |cap| cap.check(document.len()))?;
        would_block(|| collection.takes_long_to_index(target.slot()))?;
        if let Some(rules) = collection.rules().filter(|rules| !self.checked.is_by(rules)) {
            self.validate(&rules, collection, target, present, document)?;
        }
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
        let (making, more) = match (target, making) {
            (Target::New(_) | Target::After(_), _) => (Making::Inserted, 0),
            (_, Making::Updated(paths)) => (making, paths.len()),
            _ => (making, 0),
        };
        let kept = self.kept(collection, target, present, making)?;
        let before = present.filter(|_| collection.keeps_images()).or(kept.as_ref());
        let before = match making {
            Making::Inserted => None,
            Making::Updated(_) | Making::Replaced => before,
        };
        let before = before.map(|before| before.document(collection.shapes()).bytes()).unwrap_or_default();
        let block = self.block(document.len() + more + before.len() + 64);
        let metadata = (collection.number(), version, created_at);
        let (range, head) = record::write(block, time, metadata, making, document, before);
        let span = Span::new(range, head, version);
        let made = NewContent::Document(self.blocks.len() - 1, span);
        self.steps.push(StagedChange { collection: collection.clone(), key, target, made });
        Ok(version)
    }

    /// The document that another replaces, where the collection keeps it and the caller does not have it.
    fn kept(
        &self,
        collection: &Collection,
        target: Target,
        present: Option<&CurrentDocument>,
        making: Making<'_>,
    ) -> Result<Option<CurrentDocument>, Halt> {
        if present.is_some() || !collection.keeps_images() || matches!(making, Making::Inserted) {
            return Ok(None);
        }
        self.replaced(collection, target)
    }

    /// The document that another takes the place of.
    pub(super) fn replaced(
        &self,
        collection: &Collection,
        target: Target,
    ) -> Result<Option<CurrentDocument>, Halt> {
        match target {
            Target::Slot(slot) => Ok(self.in_slot(collection, slot)?.map(|(_, present)| present)),
            Target::Step(step) => self.of_step(step),
            Target::New(_) | Target::After(_) => Ok(None),
        }
    }

    /// Counts the document staged last as a new one, though it is not in its first version.
    pub(crate) fn count_inserted(&mut self, collection: &Arc<Collection>) {
        let touched = self.touch(collection);
        self.touched[touched].count += 1;
    }

    /// The number of the step staged last.
    pub(crate) fn last_step(&self) -> usize {
        self.steps.len().saturating_sub(1)
    }

    /// Releases the keys in unique indexes of the documents in these slots, all of which this commit changes.
    pub(crate) fn release_keys(&mut self, collection: &Collection, slots: impl Iterator<Item = SlotId>) {
        self.claims.moved.extend(slots.map(|slot| (collection.number(), slot)));
    }

    /// Stages a deletion.
    pub(crate) fn delete(
        &mut self,
        collection: &Arc<Collection>,
        key: Key,
        present: &CurrentDocument,
    ) -> Result<(), Halt> {
        self.check_way(collection, present.target)?;
        self.remove(collection, key, present)
    }

    /// Stages a deletion that waits for nobody who has precedence.
    pub(super) fn remove(
        &mut self,
        collection: &Arc<Collection>,
        key: Key,
        present: &CurrentDocument,
    ) -> Result<(), Halt> {
        would_block(|| collection.takes_long_to_index(present.target.slot()))?;
        self.stage_keys(collection, present.target, Some(present), None)?;
        let touched = self.touch(collection);
        self.touched[touched].count -= 1;
        let document = present.document(collection.shapes());
        let id = document.get("_id").map(|id| id.bytes()).unwrap_or_default();
        let before = if collection.keeps_images() { document.bytes() } else { &[] };
        record::delete(self.block(id.len() + before.len() + 32), collection.number(), id, before);
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

    pub(super) fn touch(&mut self, collection: &Arc<Collection>) -> usize {
        let known = self.touched.iter().position(|one| one.collection.number() == collection.number());
        known.unwrap_or_else(|| {
            let shapes = collection.logged_shapes();
            self.touched.push(TouchedCollection { collection: collection.clone(), shapes, count: 0 });
            self.touched.len() - 1
        })
    }

    /// The block for a record of about this size; every record begins here.
    pub(crate) fn block(&mut self, size: usize) -> &mut Vec<u8> {
        self.records += 1;
        let full = self
            .blocks
            .last()
            .is_none_or(|block| block.len() > record::PAYLOAD_HEAD && block.len() + size > BLOCK_BYTES);
        if full {
            // Another block of a large commit will be full: growing would leave it in a larger piece of the allocator.
            let full = if self.blocks.is_empty() { 0 } else { BLOCK_BYTES };
            let mut block = Vec::with_capacity(full.max(record::PAYLOAD_HEAD + size));
            record::begin(&mut block, self.time);
            self.blocks.push(block);
        }
        let last = self.blocks.len() - 1;
        &mut self.blocks[last]
    }

    /// Bytes staged so far.
    pub(crate) fn size(&self) -> usize {
        self.blocks.iter().map(Vec::len).sum()
    }

    /// Leaves the documents as they are.
    pub(crate) fn abandon(&mut self) {
        self.steps.clear();
    }

    /// Whether nothing is staged. A collection created for documents that failed is not created.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
            && self.dropped.is_empty()
            && self.index_changes.is_empty()
            && self.options.is_empty()
            && !self.renamed
            && self.restored.is_none()
            && !self.kept
    }
}
