//! The end of a commit: its frame is queued, its steps are applied.

use std::sync::Arc;

use smallvec::SmallVec;

use super::current_document::Target;
use super::index_delta::Delta;
use super::staged::{Commit, IndexChange, NewContent, StagedChange};
use crate::engine::state::collection::Collection;
use crate::engine::state::feed::past_names::PastName;
use crate::engine::state::slab::{Content, SlotId, Version};
use crate::engine::state::tally::{KeyHash, Tally};
use crate::engine::state::views::Superseded;
use crate::engine::store::{Publisher, Room, Store};
use crate::error::{Error, Kind, Result};
use crate::options::StorageMode;
use crate::storage::{Block, FrameSize, Lsn};

impl Commit<'_> {
    /// Reserves, queues, applies, unlocks.
    pub(crate) fn finish(mut self, store: &Store, room: Option<Room>) -> Result<Lsn> {
        let size = FrameSize {
            blocks: self.blocks.iter().map(|block| block.len() as u32).collect(),
            records: self.records,
        };
        let place = store.reserve(&size)?;
        let lsn = place.lsn;
        let blocks: SmallVec<[Arc<Block>; 2]> = std::mem::take(&mut self.blocks)
            .into_iter()
            .zip(&place.blocks)
            .map(|(bytes, place)| {
                Arc::new(Block { place: *place, base: 0, bytes: bytes.into_boxed_slice(), transient: false })
            })
            .collect();
        let restores = self.restored.is_some();
        let whole = restores
            || self.catalogue.is_some()
            || !self.index_changes.is_empty()
            || !self.options.is_empty();
        let published = store.publisher();
        let unapplied = Unapplied(&published);
        let completion = store.storage().append(place, &blocks);
        let superseded = self.apply(store, lsn, &blocks);
        let counts: SmallVec<[(Arc<Collection>, i64); 1]> =
            self.touched.into_iter().map(|one| (one.collection, one.count)).collect();
        let catalogue = self.catalogue;
        std::mem::forget(unapplied);
        // The callback is registered before the lock is released, so that commits publish in LSN order even if a completion
        // has settled already.
        completion.then(move |result| {
            published.settled(lsn, result, catalogue, &counts, superseded, (blocks, whole, restores));
            drop(room);
        });
        drop(self.applied);
        Ok(lsn)
    }

    fn apply(&mut self, store: &Store, lsn: Lsn, blocks: &[Arc<Block>]) -> Vec<Superseded> {
        self.applied.lsn = lsn;
        store.set_applied_lsn(lsn);
        store.set_commit_time(self.time());
        if store.past_names().are_kept() || store.feed().is_on() {
            self.leave_names(store, lsn);
        }
        self.applied.next_number += self.created.len() as u32;
        for collection in &self.created {
            store.collections().insert(collection.number(), collection.clone());
        }
        if let Some(catalogue) = &self.catalogue {
            self.applied.catalogue = catalogue.clone();
        }
        for (collection, options) in self.options.drain(..) {
            if collection.is_view() {
                store.collections().insert(collection.number(), collection.clone());
            }
            collection.set_options(options);
        }
        for touched in &self.touched {
            touched.collection.set_logged_shapes(touched.shapes);
        }
        let mut superseded: Vec<_> = self.dropped.drain(..).map(Superseded::Collection).collect();
        let mut versions: Vec<Superseded> = Vec::new();
        self.begin_growing();
        let slots = self.apply_steps(lsn, blocks, &mut versions);
        self.note_grown(store, lsn, &slots);
        for delta in self.deltas.drain(..) {
            change(store, lsn, delta, &slots, &mut superseded);
        }
        // Entries are removed before the versions that they belong to.
        superseded.append(&mut versions);
        for (collection, index, change) in self.index_changes.drain(..) {
            match change {
                IndexChange::Ready => {
                    collection.note_index(&index, true);
                    index.set_ready(lsn);
                }
                IndexChange::Dropped => {
                    index.set_dropped(lsn);
                    collection.note_index(&index, false);
                    superseded.push(Superseded::Index(collection, index.number()));
                }
            }
        }
        if let Some(restored) = self.restored.take() {
            store.set_commit_time(restored.time);
            store.feed().restores(lsn);
            restored.apply();
            self.restore_kinds(store, lsn);
        }
        superseded
    }

    /// Notes the names that collections had before this commit: older ones may still be read.
    fn leave_names(&mut self, store: &Store, lsn: Lsn) {
        for (collection, name, ends) in self.left.drain(..) {
            let shapes = ends.then(|| collection.shared_shapes());
            let past = PastName { until: lsn, name, shapes };
            // On disk a compaction forgets them with the log.
            if store.past_names().leave(collection.number(), past) && store.mode() == StorageMode::Memory {
                store.past_names().forget_before(store.feed().oldest());
            }
        }
    }

    /// Puts the versions into slots; returns the slot of each step.
    fn apply_steps(
        &mut self,
        lsn: Lsn,
        blocks: &[Arc<Block>],
        versions: &mut Vec<Superseded>,
    ) -> Vec<SlotId> {
        let mut slots: Vec<SlotId> = Vec::with_capacity(self.steps.len());
        let mut sums: SmallVec<[Tally; 1]> = self.touched.iter().map(|_| Tally::default()).collect();
        for StagedChange { collection, key, target, made } in self.steps.drain(..) {
            let is_again = matches!(made, NewContent::Again(..));
            let content = match made {
                NewContent::Document(block, span) => Content::Hot(blocks[block].clone(), span),
                NewContent::Tombstone => Content::Tombstone,
                NewContent::Again(block, span) => Content::Hot(block, span),
            };
            let version = Version { lsn, content };
            let made = version.content.version();
            let hash = KeyHash::of(&key);
            let place = self.touched.iter().position(|one| one.collection.number() == collection.number());
            let tally = &mut sums[place.expect("a step is staged with its collection")];
            let existing = match target {
                Target::Slot(slot) => Some(slot),
                Target::Step(step) => Some(slots[step]),
                Target::New(_) | Target::After(_) => None,
            };
            let slot = match (existing, target) {
                (Some(slot), _) => {
                    let before = collection.slab().supersede(slot, version);
                    collection.recent().note(lsn, slot);
                    before.version.into_iter().for_each(|version| tally.take(hash, slot, version));
                    made.into_iter().for_each(|version| tally.add(hash, slot, version));
                    if is_again {
                        collection.enter_again(key.clone(), slot);
                    }
                    versions.push(match made {
                        None => Superseded::Document(collection, slot, key, before.bytes),
                        Some(_) => Superseded::Versions(collection, slot, before.bytes),
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
                    collection.recent().note(lsn, slot);
                    made.into_iter().for_each(|version| tally.add(hash, slot, version));
                    collection.enter(key, slot);
                    slot
                }
            };
            slots.push(slot);
        }
        self.touched.iter().zip(sums).for_each(|(one, sum)| one.collection.tally().add(sum));
        slots
    }
}

/// Inserts the entries that the steps add to an index; removed entries are only superseded. The versions are in their slots
/// already.
fn change(store: &Store, lsn: Lsn, delta: Delta, slots: &[SlotId], superseded: &mut Vec<Superseded>) {
    let Delta { index, mut added, mut removed, multikey, truncated, suspects } = delta;
    index.note(multikey, truncated);
    suspects.iter().for_each(|step| index.suspect(slots[*step]));
    for entries in [&mut added, &mut removed] {
        entries.place(|step| slots[step as usize].0);
        entries.sort();
    }
    let removed = (!removed.is_empty()).then(|| Arc::new(removed));
    if !added.is_empty() || removed.is_some() {
        index.change(lsn, added, removed.as_ref(), || store.views().oldest());
    }
    if let Some(removed) = removed {
        superseded.push(Superseded::Entries(index, removed));
    }
}

/// A commit that is queued and not yet applied. If applying panics, memory differs from the log, so nothing more is written:
/// reopening reads the log.
pub(crate) struct Unapplied<'a>(pub(crate) &'a Publisher);

impl Drop for Unapplied<'_> {
    fn drop(&mut self) {
        self.0.poison(&Error::new(Kind::Internal, "a commit was queued and could not be applied"));
    }
}
