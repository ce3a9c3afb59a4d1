//! What a commit changes in the indexes of its collections: entries to add and to remove, and conflicts in unique indexes.

use std::sync::Arc;

use smallvec::SmallVec;

use super::conflicts::duplicate_key;
use super::current_document::{CurrentDocument, Target};
use super::index_delta::Delta;
use super::staged::{Commit, Halt, NewContent};
use crate::document::RawValue;
use crate::engine::state::collection::Collection;
use crate::engine::state::index::Index;
use crate::engine::state::slab::SlotId;
use crate::index::{Found, Keys, Purpose, cut, values_of};

/// A document in place of another; either may be missing.
struct Replacement<'a> {
    collection: &'a Collection,
    target: Target,
    old: Option<RawValue<'a>>,
    new: Option<RawValue<'a>>,
}

/// What is only recorded once no index refuses the document.
#[derive(Default)]
struct Staged {
    /// Of the delta at this place: the fields that met arrays, and whether a key was cut.
    notes: SmallVec<[(usize, u32, bool); 2]>,
    /// Keys that the document takes in unique indexes, by their numbers.
    claimed: Vec<(u32, Keys)>,
    /// Keys that it releases.
    released: Vec<(u32, Keys)>,
    /// Whether there are unique indexes.
    unique: bool,
}

impl Commit<'_> {
    /// Stages the index changes of the next step, which stores `new`, or nothing, in place of `target`; `present` is the old
    /// document if the caller has it. Refuses a document that cannot be indexed, or a duplicate; otherwise the step must
    /// follow.
    pub(crate) fn stage_keys(
        &mut self,
        collection: &Collection,
        target: Target,
        present: Option<&CurrentDocument>,
        new: Option<&[u8]>,
    ) -> Result<(), Halt> {
        if !collection.is_indexed() {
            return Ok(());
        }
        let found = match (present, target) {
            (None, Target::Slot(slot)) => self.in_slot(collection, slot)?.map(|(_, present)| present),
            (None, Target::Step(step)) => self.of_step(step)?,
            _ => None,
        };
        let old = present.or(found.as_ref()).map(|present| present.document(collection.shapes()));
        let new = new.map(|bytes| RawValue::new(bytes, collection.shapes()));
        let mut scratch = std::mem::take(&mut self.scratch);
        let staged = self.stage_changed(&Replacement { collection, target, old, new }, &mut scratch);
        self.scratch = scratch;
        if staged.is_err() {
            let step = self.steps.len();
            self.deltas.iter_mut().for_each(|delta| delta.take_back(step));
        }
        staged
    }

    fn stage_changed(
        &mut self,
        change: &Replacement<'_>,
        (before, after): &mut (Vec<u8>, Vec<u8>),
    ) -> Result<(), Halt> {
        let mut staged = Staged::default();
        for index in change.collection.indexes().iter().filter(|index| index.is_kept()) {
            if index.spec().unique
                || !self.stage_plain(index, change, (&mut *before, &mut *after), &mut staged)
            {
                self.stage_lists(index, change, before, &mut staged)?;
            }
        }
        for (place, multikey, truncated) in staged.notes {
            let delta = &mut self.deltas[place];
            delta.multikey |= multikey;
            delta.truncated |= truncated;
        }
        if staged.unique {
            self.claim(change.collection.number(), change.target, staged.released, staged.claimed);
        }
        Ok(())
    }

    /// The same for an index that is not unique, of documents with one key each, the usual case. False where an array makes
    /// it more: nothing is staged.
    #[inline]
    fn stage_plain(
        &mut self,
        index: &Arc<Index>,
        change: &Replacement<'_>,
        (before, after): (&mut Vec<u8>, &mut Vec<u8>),
        staged: &mut Staged,
    ) -> bool {
        let had = change.old.map_or(Found::Nothing, |old| index.plain_key(old, before));
        let has = change.new.map_or(Found::Nothing, |new| index.plain_key(new, after));
        if had == Found::Array || has == Found::Array {
            return false;
        }
        if had != has || (has == Found::Key && cut(before) != cut(after)) {
            let step = self.steps.len() as u64;
            let place = self.delta_of(index);
            let delta = &mut self.deltas[place];
            if had == Found::Key {
                delta.removed.push(before, step);
            }
            if has == Found::Key {
                delta.added.push(after, step);
                staged.notes.push((place, 0, cut(after).len() < after.len()));
            }
        }
        true
    }

    /// The same for any index.
    fn stage_lists(
        &mut self,
        index: &Arc<Index>,
        change: &Replacement<'_>,
        scratch: &mut Vec<u8>,
        staged: &mut Staged,
    ) -> Result<(), Halt> {
        let step = self.steps.len();
        let is_building = index.is_building();
        // A document that could not be indexed while the index was being built has no entries.
        let mut keys_of = |document| index.keys(document, Purpose::Entries, scratch);
        let had = change.old.map_or_else(Keys::default, |old| keys_of(old).unwrap_or_default());
        let (has, suspect) = match change.new.map(&mut keys_of) {
            None => (Keys::default(), false),
            Some(Ok(keys)) => (keys, false),
            Some(Err(_)) if is_building => (Keys::default(), true),
            Some(Err(error)) => return Err(error.into()),
        };
        if index.spec().unique && !is_building {
            staged.unique = true;
            let mut whole = |document: RawValue<'_>, keys: &Keys| match keys.is_exact() {
                true => Ok(keys.clone()),
                false => index.keys(document, Purpose::Unique, scratch),
            };
            if let Some(new) = change.new {
                let keys = whole(new, &has)?;
                self.check_unique(change.collection, index, new, &keys, change.target)?;
                staged.claimed.push((index.number(), keys));
            }
            if let (Target::Step(_), Some(old)) = (change.target, change.old) {
                staged.released.push((index.number(), whole(old, &had)?));
            }
        }
        if has.list != had.list || suspect {
            let place = self.delta_of(index);
            let delta = &mut self.deltas[place];
            let added = has.list.iter().filter(|key| !had.contains(key));
            added.for_each(|key| delta.added.push(key, step as u64));
            let removed = had.list.iter().filter(|key| !has.contains(key));
            removed.for_each(|key| delta.removed.push(key, step as u64));
            delta.suspects.extend(suspect.then_some(step));
            staged.notes.push((place, has.multikey, has.truncated));
        } else if has.multikey & !index.multikey() != 0 {
            // The same keys by way of an array: `[]` in a sparse index, for example.
            staged.notes.push((self.delta_of(index), has.multikey, has.truncated));
        }
        Ok(())
    }

    pub(super) fn delta_of(&mut self, index: &Arc<Index>) -> usize {
        let known = self.deltas.iter().position(|delta| Arc::ptr_eq(&delta.index, index));
        known.unwrap_or_else(|| {
            self.deltas.push(Delta::new(index));
            self.deltas.len() - 1
        })
    }

    fn claim(&mut self, number: u32, target: Target, released: Vec<(u32, Keys)>, claimed: Vec<(u32, Keys)>) {
        let step = self.steps.len();
        match target {
            Target::Slot(slot) => {
                self.claims.moved.insert((number, slot));
            }
            Target::Step(earlier) => {
                for (index, keys) in released {
                    for key in keys.list {
                        let claim = (number, index, key);
                        if self.claims.keys.get(&claim) == Some(&earlier) {
                            self.claims.keys.remove(&claim);
                        }
                    }
                }
            }
            Target::New(_) | Target::After(_) => {}
        }
        for (index, keys) in claimed {
            for key in keys.list {
                self.claims.keys.insert((number, index, key), step);
            }
        }
    }

    pub(super) fn of_step(&self, step: usize) -> Result<Option<CurrentDocument>, Halt> {
        Ok(match self.steps.get(step).map(|step| &step.made) {
            Some(NewContent::Document(block, span)) => Some(self.present_in_step(step, *block, *span)?),
            Some(NewContent::Again(block, span)) => {
                Some(CurrentDocument::of_block(Target::Step(step), block, *span)?)
            }
            Some(NewContent::Tombstone) | None => None,
        })
    }

    fn check_unique(
        &self,
        collection: &Collection,
        index: &Index,
        document: RawValue<'_>,
        keys: &Keys,
        target: Target,
    ) -> Result<(), Halt> {
        for key in &keys.list {
            let claim = (collection.number(), index.number(), key.clone());
            let own = match target {
                Target::Step(step) => Some(step),
                _ => None,
            };
            let claimed = self.claims.keys.get(&claim).is_some_and(|step| Some(*step) != own);
            if claimed || self.holder(collection, index, key, target)?.is_some() {
                let name = self.namespace_of(collection);
                let values = values_of(index.spec(), document, key);
                return Err(duplicate_key(&name, index.spec(), &values).into());
            }
        }
        Ok(())
    }

    /// The slot of another document with this key in a unique index, in the newest applied state and not changed by this
    /// commit.
    pub(crate) fn holder(
        &self,
        collection: &Collection,
        index: &Index,
        key: &[u8],
        target: Target,
    ) -> Result<Option<SlotId>, Halt> {
        for slot in index.slots(key)? {
            let is_own = matches!(target, Target::Slot(own) if own == slot);
            if is_own || self.claims.moved.contains(&(collection.number(), slot)) {
                continue;
            }
            if self.has_key(collection, index, slot, key)? {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }

    /// Whether the newest applied document in a slot has this key in a unique index. The entry may belong to an older
    /// version, or to another value if keys were cut.
    pub(crate) fn has_key(
        &self,
        collection: &Collection,
        index: &Index,
        slot: SlotId,
        key: &[u8],
    ) -> Result<bool, Halt> {
        let Some((_, present)) = self.in_slot(collection, slot)? else { return Ok(false) };
        let document = present.document(collection.shapes());
        let keys = index.keys(document, Purpose::Unique, &mut Vec::new())?;
        Ok(keys.contains(key))
    }

    /// The namespace of a collection, for messages.
    pub(crate) fn namespace_of(&self, collection: &Collection) -> String {
        let found = self.catalogue_now().name_of(collection.number());
        found.map(|name| self.namespace(name)).unwrap_or_default()
    }
}
