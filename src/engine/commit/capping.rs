//! Capped collections: the oldest documents make way for those that a commit adds, in the same commit.
//!
//! Slots are in the order of insertions, so the oldest document is in the first slot that has one. Documents of the commit itself
//! come after all that are applied; where it adds more than fits, its own first ones go too. Updates move nothing: one that makes a
//! document larger leaves the collection too large until the next insert, as in MongoDB.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::current_document::{Current, CurrentDocument, Target};
use super::staged::{Commit, Halt, NewContent, StagedChange};
use crate::document::RawValue;
use crate::engine::format::key::{Key, key_of};
use crate::engine::state::capped::Cap;
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::SlotId;
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::options::{PART_BYTES, PART_DOCUMENTS};
use crate::storage::Lsn;

/// What a commit adds, and what it removes for that.
#[derive(Default)]
struct Balance {
    documents: u64,
    bytes: u64,
    added: u64,
    added_bytes: u64,
    removed: u64,
    removed_bytes: u64,
}

impl Balance {
    /// Whether more is removed. A commit that adds little removes little, also where the limits were made smaller: what is too
    /// much then goes with the commits to come.
    fn goes_on(&self, cap: Cap) -> bool {
        let few = self.removed < PART_DOCUMENTS as u64 && self.removed_bytes < PART_BYTES as u64;
        let balanced = self.removed < self.added || self.removed_bytes < self.added_bytes;
        !cap.holds(self.bytes, self.documents) && (few || balanced)
    }

    fn remove(&mut self, bytes: u64) {
        self.documents = self.documents.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.removed += 1;
        self.removed_bytes += bytes;
    }
}

impl Commit<'_> {
    /// Removes the oldest documents of the capped collections to which documents were added, until their limits hold. The last
    /// step before the commit is finished.
    pub(super) fn make_way(&mut self) -> Result<(), Halt> {
        for place in 0..self.touched.len() {
            let touched = &self.touched[place];
            if let Some(cap) = touched.collection.capped().cap() {
                let (collection, count) = (touched.collection.clone(), touched.count);
                self.make_way_in(&collection, cap, count)?;
            }
        }
        Ok(())
    }

    fn make_way_in(&mut self, collection: &Arc<Collection>, cap: Cap, count: i64) -> Result<(), Halt> {
        let mut balance = self.balance(collection, count)?;
        if balance.added == 0 {
            return Ok(());
        }
        let own = self.steps.len();
        let lost = match self.remove_applied(collection, cap, &mut balance)? {
            (lost, true) => lost.map(Target::Slot),
            (lost, false) => self
                .remove_own(collection, cap, own, &mut balance)?
                .map(Target::Step)
                .or(lost.map(Target::Slot)),
        };
        self.grown.push((collection.clone(), lost));
        Ok(())
    }

    /// What there will be after the commit, and what of that it adds.
    fn balance(&self, collection: &Collection, count: i64) -> Result<Balance> {
        let slab = collection.slab();
        let documents = collection.tally().now().documents.saturating_add_signed(count);
        let mut balance = Balance { documents, bytes: slab.live_bytes(), ..Balance::default() };
        for step in self.steps.iter().filter(|step| step.collection.number() == collection.number()) {
            let before = match step.target {
                Target::New(_) | Target::After(_) => 0,
                Target::Slot(slot) => slab.newest(slot, |newest| newest.content.live_bytes())?.unwrap_or(0),
                Target::Step(earlier) => self.steps.get(earlier).map_or(0, StagedChange::bytes),
            };
            let bytes = step.bytes() as u64;
            balance.bytes = (balance.bytes + bytes).saturating_sub(before as u64);
            if step.is_new() {
                balance.added += 1;
                balance.added_bytes += bytes;
            }
        }
        Ok(balance)
    }

    /// Removes the oldest applied documents; returns the slot of the last one, and whether that is enough.
    fn remove_applied(
        &mut self,
        collection: &Arc<Collection>,
        cap: Cap,
        balance: &mut Balance,
    ) -> Result<(Option<SlotId>, bool), Halt> {
        let is_mixed = self.steps.iter().any(|step| matches!(step.target, Target::Slot(_)));
        let end = collection.slab().end();
        let (mut from, mut lost, mut is_first) = (collection.capped().first(), None, true);
        while balance.goes_on(cap) {
            let mut found = None;
            collection.slab().scan(from, end, Lsn::NEWEST, |slot, _| {
                found = Some(slot);
                ControlFlow::Break(())
            })?;
            if std::mem::take(&mut is_first) {
                // Slots are not filled again, whatever becomes of this commit.
                collection.capped().begins_at(found.map_or(end, |slot| slot.0));
            }
            let Some(slot) = found else { return Ok((lost, false)) };
            from = slot.0 + 1;
            let Some((_, present)) = self.in_slot(collection, slot)? else { continue };
            let key = key_of_document(present.document(collection.shapes()))?;
            let present = match is_mixed {
                false => Some(present),
                true => self.still(collection, &key, Target::Slot(slot))?,
            };
            let Some(present) = present else { continue };
            balance.remove(present.size() as u64);
            // Who has precedence over the document finds it gone; waiting for them could wait for ever.
            self.remove(collection, key, &present)?;
            lost = Some(slot);
        }
        Ok((lost, true))
    }

    /// Removes the first of the documents that the first `own` steps of the commit have added; returns the step of the last one.
    fn remove_own(
        &mut self,
        collection: &Arc<Collection>,
        cap: Cap,
        own: usize,
        balance: &mut Balance,
    ) -> Result<Option<usize>, Halt> {
        let mut lost = None;
        for n in 0..own {
            if !balance.goes_on(cap) {
                break;
            }
            let step = &self.steps[n];
            if step.collection.number() != collection.number() || !step.is_new() {
                continue;
            }
            let key = step.key.clone();
            let Some(present) = self.still(collection, &key, Target::Step(n))? else { continue };
            balance.remove(present.size() as u64);
            self.remove(collection, key, &present)?;
            lost = Some(n);
        }
        Ok(lost)
    }

    /// The document with this key as the commit leaves it, if it is the one in this slot, or that this step has inserted, not one
    /// that was inserted after that was deleted.
    fn still(
        &mut self,
        collection: &Collection,
        key: &Key,
        began: Target,
    ) -> Result<Option<CurrentDocument>, Halt> {
        let Current::Present(present) = self.current(collection, key)? else { return Ok(None) };
        let mut target = present.target;
        let mut last = None;
        while let Target::Step(step) = target {
            last = Some(step);
            target = self.steps.get(step).map_or(Target::New(None), |step| step.target);
        }
        let is_same = match (began, target) {
            (Target::Slot(slot), Target::Slot(own)) => slot == own,
            (Target::Step(step), Target::New(_) | Target::After(_)) => Some(step) == last,
            _ => false,
        };
        Ok(is_same.then_some(present))
    }

    /// Notes where capped collections end before their slots are filled.
    pub(super) fn begin_growing(&self) {
        for (collection, _) in &self.grown {
            collection.capped().grows_from(collection.slab().end());
        }
    }

    /// Notes where they begin and end, once the steps are in these slots.
    pub(super) fn note_grown(&mut self, store: &Store, lsn: Lsn, slots: &[SlotId]) {
        for (collection, lost) in self.grown.drain(..) {
            let lost = lost.and_then(|lost| match lost {
                Target::Slot(slot) => Some(slot.0 + 1),
                Target::Step(step) => slots.get(step).map(|slot| slot.0 + 1),
                Target::New(_) | Target::After(_) => None,
            });
            collection.capped().grown(lsn, collection.slab().end(), lost, store.views().published());
        }
    }
}

impl StagedChange {
    /// Bytes of the document that it leaves.
    fn bytes(&self) -> usize {
        match &self.made {
            NewContent::Document(_, span) | NewContent::Again(_, span) => span.len(),
            NewContent::Tombstone => 0,
        }
    }

    /// Whether it inserts a document.
    fn is_new(&self) -> bool {
        matches!(self.target, Target::New(_) | Target::After(_))
    }
}

fn key_of_document(document: RawValue<'_>) -> Result<Key> {
    let id = document.get("_id").map(key_of);
    id.ok_or_else(|| Error::new(Kind::Internal, "a stored document has no _id"))
}
