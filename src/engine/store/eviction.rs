//! Memory under `memoryLimit`: a clock over the documents in memory, and slots that go back to the checkpoint.
//!
//! The hand goes round the pages of all collections. A document that a read by key has used since the last pass is spared
//! once; the others are dropped from memory, because their file has them anyway. What was read from there has a cache of its own
//! (`documents`). Slots without a document in memory are
//! dropped, too, where the checkpoint has the same. Keys, entries of indexes and slots that have changed since the checkpoint
//! stay until the next one, which is written when they take a quarter of the limit (`maintenance/rebase`).
//!
//! A limit of 64 MiB and more is not felt while it is far away: memory is not measured before a part of it may have come in, and
//! what is read from disk stays in memory. The nearer it is (`is_tight`), the more is measured.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::documents::LEAST_SHARE;
use super::store::Store;
use crate::document::stored::check_document;
use crate::engine::exec::nonblocking::is_nonblocking;
use crate::engine::state::base::LARGE_LIMIT;
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::SlotId;
use crate::storage::Block;

/// Slots that take this share of the limit are dropped where possible.
const SLOT_SHARE: u64 = 8;

/// Changes since the checkpoint that take this share of the limit are many: at twice as many the next checkpoint is due.
const CHANGES_SHARE: u64 = 8;
/// A commit and its keys and entries take at most about so many times the bytes of its frame, and so many more.
const COMMIT_WEIGHT: u64 = 4;
const COMMIT_COST: u64 = 1_024;
/// The share of a large limit, and the most, that may come into memory before it is measured again.
const STRETCH_SHARE: u64 = 16;
const STRETCH_MOST: u64 = 32 << 20;

/// More bytes than any stretch.
const UNKNOWN: u64 = u64::MAX / 2;

/// The bytes after which memory is measured again.
fn stretch(limit: u64) -> u64 {
    (limit / STRETCH_SHARE).min(STRETCH_MOST)
}

/// The share of the limit that views may hold, and the least.
const VIEW_SHARE: u64 = 4;
const VIEW_LEAST: u64 = 4 << 20;
/// Readers that a checkpoint waits for end when so many times the changes that it was due at are in memory.
const OVERDUE: u64 = 2;

/// Bytes of memory that a database takes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// Documents in slots, old versions included.
    pub(crate) documents: u64,
    /// Documents that were read by themselves.
    pub(crate) read: u64,
    /// Slots.
    pub(crate) slots: u64,
    /// Of these, those that have changed since the newest checkpoint.
    pub(crate) changed: u64,
    /// Keys in the directories.
    pub(crate) keys: u64,
    /// Entries of indexes.
    pub(crate) entries: u64,
    /// Pages of the checkpoint.
    pub(crate) pages: u64,
}

impl Memory {
    /// All of it.
    pub(crate) fn total(&self) -> u64 {
        self.documents + self.read + self.slots + self.keys + self.entries + self.pages
    }

    /// What only a checkpoint makes smaller.
    pub(crate) fn changes(&self) -> u64 {
        self.changed + self.keys + self.entries
    }
}

impl Store {
    /// Evicts documents until all fits `memoryLimit` again. Cheap when it does. One thread at a time; other threads continue
    /// without waiting.
    pub(crate) fn cool(&self) {
        let Some(limit) = self.options().memory_limit.bytes() else { return };
        if !self.is_tight() && self.auto().since.load(Ordering::Relaxed) < stretch(limit) {
            return;
        }
        self.end_readers(limit);
        let Some(mut hand) = self.hand().try_lock() else { return };
        self.auto().since.store(0, Ordering::Relaxed);
        let memory = self.memory();
        let room = limit.saturating_sub(memory.changes() + memory.pages).max(limit / LEAST_SHARE);
        let now = memory.documents + memory.slots.saturating_sub(memory.changed);
        // What was read has what written documents leave, at least half.
        let share = room.saturating_sub(now).max(room / 2);
        self.documents().set_limit(share);
        let room = room - share.min(memory.read);
        if now > room {
            // A little more than necessary, so that not every write moves the hand.
            self.evict(&mut hand, now, room - room / 16);
        }
        let is_tight = limit < LARGE_LIMIT
            || memory.total() + stretch(limit) > limit / 4 * 3
            || memory.changes() + stretch(limit) > limit / CHANGES_SHARE;
        self.set_tight(is_tight);
        drop(hand);
        if !is_tight {
            return;
        }
        let released_to = self.auto().released_to.load(Ordering::Relaxed);
        let many = memory.slots > limit / SLOT_SHARE && memory.slots > released_to + limit / (4 * SLOT_SHARE);
        if self.auto().order.has_rebased.swap(false, Ordering::AcqRel) || many {
            self.release();
        }
    }

    /// Whether what has come in since is worth measuring.
    pub(crate) fn is_worth_cooling(&self) -> bool {
        let limit = self.options().memory_limit.bytes().filter(|_| !self.is_tight());
        limit.is_some_and(|limit| self.auto().since.load(Ordering::Relaxed) >= stretch(limit))
    }

    /// Whether there is a memory limit, and what is in memory is near it. Where it is not, memory is used as without a limit, and
    /// nothing is counted but what comes.
    pub(crate) fn is_tight(&self) -> bool {
        self.auto().tight.load(Ordering::Relaxed)
    }

    /// Whether what is read may stay in memory.
    pub(crate) fn has_room(&self) -> bool {
        !self.is_tight()
    }

    /// Whether documents were evicted.
    pub(crate) fn has_evicted(&self) -> bool {
        self.auto().evicted.load(Ordering::Relaxed)
    }

    /// Notes that a commit or a read of so many bytes brings something into memory.
    pub(crate) fn note_memory(&self, bytes: u64) {
        let weight = COMMIT_WEIGHT * bytes + COMMIT_COST;
        self.auto().since.fetch_add(weight, Ordering::Relaxed);
    }

    /// Notes that something brings an unknown number of bytes into memory.
    pub(crate) fn measure_soon(&self) {
        self.auto().since.store(UNKNOWN, Ordering::Relaxed);
    }

    fn set_tight(&self, is_tight: bool) {
        self.auto().tight.store(is_tight, Ordering::Relaxed);
        for collection in self.collections().iter() {
            collection.bases().for_each(|base| base.base().set_keeps(!is_tight));
        }
    }

    /// Ends the readers of the oldest views, as long as these hold too much, and those that an overdue checkpoint waits for.
    fn end_readers(&self, limit: u64) {
        let mut ended = self.views().end_beyond((limit / VIEW_SHARE).max(VIEW_LEAST));
        let order = &self.auto().order;
        let due_at = (limit / VIEW_SHARE).max(self.options().rebase_from);
        if order.waiting.load(Ordering::Acquire) > 0 && self.memory().changes() > OVERDUE * due_at {
            ended += self.views().end_before(order.waits_for.load(Ordering::Acquire));
        }
        if ended > 0 {
            let what = "cursors were ended, because the older states that they read took too much memory";
            tracing::warn!(database = self.name(), ended, "{what}");
        }
    }

    /// Moves the hand until documents and slots, which take so many bytes, take at most `goal`.
    fn evict(&self, hand: &mut (u32, u64), mut taken: u64, goal: u64) {
        self.auto().evicted.store(true, Ordering::Relaxed);
        let mut numbers: Vec<u32> = self.collections().iter().map(|entry| *entry.key()).collect();
        numbers.sort_unstable();
        // Twice round: once to clear the use bits, once to evict what still has none.
        let first = numbers.partition_point(|number| *number < hand.0);
        let rounds = numbers.len() * 2 + 1;
        for number in numbers.iter().cycle().skip(first).take(rounds) {
            let Some(collection) = self.collections().get(number).map(|entry| entry.clone()) else {
                continue;
            };
            let slab = collection.slab();
            let mut slot = slab.next_warm(if *number == hand.0 { hand.1 } else { 0 });
            while slot < slab.end() {
                let (next, freed) = slab.cool_page(slot, self.views().published());
                // Commits look at slots before they change them.
                let commits = if slab.is_based() { self.try_applied() } else { None };
                let released = commits.map_or(0, |_lock| slab.release_page(slot));
                slot = slab.next_warm(next);
                taken = taken.saturating_sub(freed + released);
                if taken <= goal {
                    *hand = (*number, slot);
                    return;
                }
            }
            *hand = (number + 1, 0);
        }
    }

    /// Drops all slots that the checkpoint has, and whose documents are not in memory.
    pub(crate) fn release(&self) {
        let collections: Vec<Arc<Collection>> =
            self.collections().iter().map(|entry| entry.clone()).collect();
        for collection in collections {
            let slab = collection.slab();
            let mut slot = 0;
            while slab.is_based() && slot < slab.end() {
                let Some(_lock) = self.try_applied() else { break };
                slot = slab.release_chunk(slot);
            }
        }
        self.auto().released_to.store(self.memory().slots, Ordering::Relaxed);
    }

    /// Whether documents in memory take more than `memoryLimit`.
    pub(crate) fn is_too_warm(&self) -> bool {
        let limit = self.options().memory_limit.bytes().filter(|_| self.is_tight());
        limit.is_some_and(|limit| self.hot_bytes() > limit)
    }

    /// Whether documents that are read from disk stay in memory.
    pub(super) fn keeps(&self, collection: &Collection) -> bool {
        collection.is_based() && self.has_room()
    }

    /// Keeps the documents of a block that was read for the one in this slot, and for others beside it, in memory, where the
    /// database began from a checkpoint and there is room; returns the block to go on with, which may be the part that is kept, or
    /// `None` where nothing is.
    pub(crate) fn keep(
        &self,
        collection: &Collection,
        slot: SlotId,
        block: &Arc<Block>,
    ) -> Option<Arc<Block>> {
        if !self.keeps(collection) {
            return None;
        }
        self.note_memory(block.bytes.len() as u64);
        let shapes = collection.shapes();
        let kept = collection.slab().warm_block(slot, block, |span| {
            span.record(block).is_some() && check_document(span.of(block), shapes).is_ok()
        });
        // The caller of the scope sees to it.
        if !is_nonblocking() {
            self.cool();
        }
        Some(kept.unwrap_or_else(|| block.clone()))
    }

    /// Bytes of documents in memory, old versions included.
    pub(crate) fn hot_bytes(&self) -> u64 {
        self.collections().iter().map(|collection| collection.hot_bytes()).sum()
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> Memory {
        let mut memory = Memory::default();
        let mut bases = None;
        for collection in self.collections().iter() {
            let slab = collection.slab();
            memory.documents += slab.hot_bytes();
            memory.slots += slab.slot_bytes();
            memory.changed += slab.changed_bytes();
            memory.keys += collection.key_bytes();
            memory.entries += collection.indexes().iter().map(|index| index.bytes()).sum::<u64>();
            if bases.is_none() && collection.is_based() {
                bases = Some(collection.bases());
            }
        }
        memory.read = self.documents().bytes();
        memory.pages = bases.into_iter().flatten().map(|base| base.base().cached_bytes()).sum();
        memory
    }
}
