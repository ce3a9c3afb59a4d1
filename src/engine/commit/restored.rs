//! A restore of an earlier state of a database in memory, in one commit: its documents, as they are, its collections, indexes and options.
//!
//! Nothing is looked through: the slots of documents that were replaced or deleted since are those that wait to be freed, as a view of the
//! state is open, and documents that were inserted since are in the slots after it. No rule and no unique index is asked, because
//! the state had passed them.

use std::collections::HashMap;
use std::sync::Arc;

use super::current_document::Target;
use super::staged::{Commit, Halt, IndexChange, NewContent, StagedChange};
use crate::document::{RawValue, Shapes};
use crate::engine::format::key::key_of;
use crate::engine::state::catalogue::Catalogue;
use crate::engine::state::collection::Collection;
use crate::engine::state::index::Index;
use crate::engine::state::slab::{Content, SlotId, Span, Version, VisibleVersion};
use crate::engine::store::{Restored, Snapshot, Store};
use crate::error::{Error, Kind, Result};
use crate::index::{Keys, Purpose};
use crate::storage::{Block, Lsn};

/// The indexes of a collection that a restore changes.
#[derive(Default)]
struct Kept {
    /// Those that are there before and after.
    maintained: Vec<Arc<Index>>,
    /// Those that come back, and the state that their entries are those of.
    again: Vec<(Arc<Index>, Lsn)>,
}

impl Commit<'_> {
    /// Stages a restore; false where nothing has changed since. `next` is the number that this commit will have. No index is being built.
    pub(crate) fn restore(&mut self, store: &Store, earlier: &Snapshot, next: Lsn) -> Result<bool, Halt> {
        let then = earlier.view.lsn();
        self.restore_names(&earlier.catalogue);
        let mut restored = Restored { time: earlier.time, ..Restored::default() };
        let mut changed: HashMap<u32, Vec<SlotId>, foldhash::fast::RandomState> = HashMap::default();
        store.views().each_superseded(then, |collection, slot| {
            changed.entry(collection.number()).or_default().push(slot);
        });
        for one in &earlier.collections {
            let collection = &one.collection;
            let kept = self.restore_indexes(collection, then, next)?;
            let mut slots = changed.remove(&collection.number()).unwrap_or_default();
            slots.extend((one.end..collection.slab().end()).map(SlotId));
            slots.sort_unstable();
            slots.dedup();
            for slot in slots {
                self.restore_slot(collection, slot, then, &kept)?;
            }
            let again = kept.again.into_iter().map(|(index, _)| (collection.clone(), index));
            restored.again.extend(again);
            if *collection.options() != *one.options {
                restored.options.push((collection.clone(), one.options.clone()));
            }
        }
        let is_changed = self.catalogue.is_some()
            || !self.is_empty()
            || !restored.again.is_empty()
            || !restored.options.is_empty();
        if is_changed {
            // The time of the commit.
            self.block(16);
            self.restored = Some(restored);
        }
        Ok(is_changed)
    }

    /// Views are as they were defined, and capped collections begin where they began.
    pub(super) fn restore_kinds(&self, store: &Store, lsn: Lsn) {
        for (_, view) in self.applied.catalogue.iter().filter(|(_, collection)| collection.is_view()) {
            store.collections().insert(view.number(), view.clone());
        }
        for collection in self.touched.iter().map(|touched| &touched.collection) {
            if collection.capped().cap().is_some() {
                collection.capped().restored(lsn, collection.slab().end());
            }
        }
    }

    fn restore_names(&mut self, catalogue: &Arc<Catalogue>) {
        if Arc::ptr_eq(&self.applied.catalogue, catalogue) {
            return;
        }
        for (name, collection) in self.applied.catalogue.iter() {
            let number = collection.number();
            match catalogue.name_of(number) {
                Some(then) if then == name => {}
                Some(_) => self.left.push((collection.clone(), name.clone(), false)),
                None => {
                    self.left.push((collection.clone(), name.clone(), true));
                    self.dropped.push(number);
                }
            }
        }
        self.catalogue = Some(catalogue.clone());
    }

    fn restore_indexes(&mut self, collection: &Arc<Collection>, then: Lsn, next: Lsn) -> Result<Kept> {
        let mut kept = Kept::default();
        if !collection.is_indexed() {
            return Ok(kept);
        }
        let all = collection.indexes();
        let has = |at: Lsn, index: &Index| all.iter().any(|one| one.is_ready(at) && one.is_again(index));
        for index in all.iter() {
            match (index.is_ready(then), index.is_ready(Lsn::NEWEST)) {
                (_, true) if has(then, index) => kept.maintained.push(index.clone()),
                (_, true) => {
                    self.index_changes.push((collection.clone(), index.clone(), IndexChange::Dropped));
                }
                (true, false) if !has(Lsn::NEWEST, index) => {
                    let kept_to = index.kept_to().ok_or_else(|| {
                        Error::new(Kind::Internal, "an index that was dropped is still maintained")
                    })?;
                    let again = index.again(collection.next_index(), next)?;
                    kept.again.push((Arc::new(again), kept_to));
                }
                _ => {}
            }
        }
        Ok(kept)
    }

    fn restore_slot(
        &mut self,
        collection: &Arc<Collection>,
        slot: SlotId,
        then: Lsn,
        kept: &Kept,
    ) -> Result<(), Halt> {
        let slab = collection.slab();
        let Some(newest) = slab.newest(slot, Version::clone)? else { return Ok(()) };
        if newest.lsn <= then {
            return Ok(());
        }
        let at = |lsn: Lsn| {
            slab.seen(
                slot,
                || lsn,
                |seen| match seen {
                    VisibleVersion::Version(version) => document(&version.content),
                    VisibleVersion::Before(_) | VisibleVersion::Nothing => None,
                },
            )
        };
        let (had, has) = (document(&newest.content), at(then)?);
        let is_same = match (&had, &has) {
            (Some((block, span)), Some((other, own))) => Arc::ptr_eq(block, other) && span == own,
            (None, None) => true,
            _ => false,
        };
        if is_same && kept.again.is_empty() {
            return Ok(());
        }
        let step = self.steps.len();
        let mut entered = Vec::with_capacity(kept.again.len());
        for (index, lsn) in &kept.again {
            entered.push((index, at(*lsn)?));
        }
        let shapes = collection.shapes();
        let all = [&had, &has].into_iter().chain(entered.iter().map(|(_, stored)| stored));
        let id = all.filter_map(|one| raw(one, shapes)).find_map(|document| document.get("_id"));
        let Some(key) = id.map(key_of) else { return Ok(()) };
        for index in &kept.maintained {
            self.stage_entries(index, step, raw(&had, shapes), raw(&has, shapes));
        }
        for (index, entered) in &entered {
            self.stage_entries(index, step, raw(entered, shapes), raw(&has, shapes));
        }
        let touched = self.touch(collection);
        if let Some(touched) = self.touched.get_mut(touched) {
            touched.count += i64::from(has.is_some()) - i64::from(had.is_some());
        }
        let made = has.map_or(NewContent::Tombstone, |(block, span)| NewContent::Again(block, span));
        let (collection, target) = (collection.clone(), Target::Slot(slot));
        self.steps.push(StagedChange { collection, key, target, made });
        Ok(())
    }

    /// Entries that a document has in an index in place of those of another. Both were in it before.
    fn stage_entries(
        &mut self,
        index: &Arc<Index>,
        step: usize,
        old: Option<RawValue<'_>>,
        new: Option<RawValue<'_>>,
    ) {
        let mut scratch = Vec::new();
        let mut keys = |document: Option<RawValue<'_>>| match document {
            Some(document) => index.keys(document, Purpose::Entries, &mut scratch).unwrap_or_default(),
            None => Keys::default(),
        };
        let (had, has) = (keys(old), keys(new));
        if had.list == has.list {
            return;
        }
        let place = self.delta_of(index);
        let delta = &mut self.deltas[place];
        has.list.iter().filter(|key| !had.contains(key)).for_each(|key| delta.added.push(key, step as u64));
        had.list.iter().filter(|key| !has.contains(key)).for_each(|key| delta.removed.push(key, step as u64));
        delta.multikey |= has.multikey;
        delta.truncated |= has.truncated;
    }
}

/// The bytes of a document.
type Stored = (Arc<Block>, Span);

fn raw<'d>(stored: &'d Option<Stored>, shapes: &'d Shapes) -> Option<RawValue<'d>> {
    stored.as_ref().map(|(block, span)| RawValue::new(span.of(block), shapes))
}

fn document(content: &Content) -> Option<Stored> {
    match content {
        Content::Hot(block, span) => Some((block.clone(), *span)),
        Content::Cold(..) | Content::Tombstone | Content::Vacant => None,
    }
}
