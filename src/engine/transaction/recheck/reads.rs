//! Whether other writers have changed what a serializable transaction has read: a document that it has read has changed, a key that it
//! missed has a document, a filter matches one that changed as it was or as it is now, a name has another collection.
//!
//! If not, then all that it has read is as it was at its snapshot, and its writes are those that it would make now: the transactions
//! that write are serial in the order of their commits. Those that write nothing are serial at their snapshots, and check nothing.
//!
//! What has changed are the slots that were recorded since the first read of the collection. Where that was too late, or there are
//! more of them than are kept, the keys are looked up, or the slots in memory are looked through.

use super::newest::is_newest;
use std::sync::Arc;

use crate::document::RawValue;
use crate::engine::commit::read_ahead::ReadAhead;
use crate::engine::commit::{Commit, Halt};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::nonblocking::would_block;
use crate::engine::format::key::{Key, key_of};
use crate::engine::read::layers::read_set::{CollectionReads, Reads};
use crate::engine::state::collection::Collection;
use crate::engine::state::recent::Since;
use crate::engine::state::slab::SlotId;
use crate::engine::transaction::errors::read_conflict;
use crate::engine::transaction::work::Work;
use crate::error::Result;
use crate::query::Matcher;
use crate::storage::Lsn;

/// Slots between two checks of the limits.
const STRETCH: usize = 64;
/// Slots that are looked through at a time.
const PAGE: u64 = 4_096;
/// Comparisons of a document with a filter, or a set of keys, that are made under the commit lock: about a millisecond.
const LOCKED: usize = 2_048;
/// The same on the thread of a caller that must not block.
const NONBLOCKING: usize = 512;

/// The comparison of what a transaction has read with the commits since.
pub(in crate::engine::transaction) struct ReadCheck<'w> {
    work: &'w Work,
    reads: Reads,
    /// Commits up to this one were compared.
    until: Lsn,
}

impl Drop for ReadCheck<'_> {
    fn drop(&mut self) {
        // A commit that was refused because it would block is made again elsewhere.
        if let Some(reads) = &self.work.reads {
            reads.give_back(std::mem::take(&mut self.reads));
        }
    }
}

impl<'w> ReadCheck<'w> {
    /// That of a transaction which is serializable.
    pub(in crate::engine::transaction) fn of(work: &'w Work) -> Option<ReadCheck<'w>> {
        let reads = work.reads.as_ref()?.take();
        Some(ReadCheck { work, reads, until: work.lsn() })
    }

    /// Compares with the commits up to now.
    pub(in crate::engine::transaction) fn compare(&mut self, interrupt: &Interrupt) -> Result<()> {
        let until = self.work.store.applied_to_commit()?.lsn;
        for reads in self.reads.collections.values() {
            if reads.collection().recent().is_newer(self.until) {
                self.compare_collection(reads, interrupt)?;
            }
        }
        self.until = until;
        Ok(())
    }

    fn compare_collection(&self, reads: &CollectionReads, interrupt: &Interrupt) -> Result<()> {
        let collection = reads.collection();
        if reads.is_whole {
            return Err(read_conflict(&reads.name));
        }
        let check = || interrupt.check(|| self.work.store.now());
        let mut matchers = Matchers::of(reads);
        match collection.recent().all_since(self.until) {
            Since::Slots(slots) => {
                would_block(|| slots.len() * matchers.cost() > NONBLOCKING)?;
                self.compare_slots(&slots, &mut matchers, check)
            }
            Since::Many if reads.filters.is_empty() => self.compare_keys(reads, check),
            Since::Many => {
                would_block(|| true)?;
                let (mut at, end) = (0, collection.slab().end());
                while at < end {
                    check()?;
                    let to = end.min(at + PAGE);
                    let mut changed = Vec::new();
                    collection.slab().changed_since(at, to, self.until, |slot| changed.push(slot));
                    self.compare_slots(&changed, &mut matchers, check)?;
                    at = to;
                }
                Ok(())
            }
        }
    }

    /// Looks up all keys, where there is nothing but keys.
    fn compare_keys(&self, reads: &CollectionReads, check: impl Fn() -> Result<()>) -> Result<()> {
        let (collection, view) = (reads.collection(), self.work.lsn());
        would_block(|| reads.slots.len() + reads.missing.len() > NONBLOCKING)?;
        for (n, slot) in reads.slots.iter().enumerate() {
            if n % STRETCH == 0 {
                check()?;
            }
            if collection.slab().newest(SlotId(*slot), |version| version.lsn > view)? == Some(true) {
                return Err(read_conflict(&reads.name));
            }
        }
        for (n, key) in reads.missing.iter().enumerate() {
            if n % STRETCH == 0 {
                check()?;
            }
            if !is_newest(collection, key, None, view)? {
                return Err(read_conflict(&reads.name));
            }
        }
        Ok(())
    }

    /// Compares with changed documents, read from disk if need be.
    fn compare_slots(
        &self,
        slots: &[SlotId],
        matchers: &mut Matchers<'_>,
        check: impl Fn() -> Result<()>,
    ) -> Result<()> {
        let (reads, view) = (matchers.reads, self.work.lsn());
        let (collection, conflict) = (reads.collection(), || Err(read_conflict(&reads.name)));
        let mut ahead = ReadAhead::default();
        for (n, slot) in slots.iter().enumerate() {
            if n % STRETCH == 0 {
                check()?;
                ahead.next_batch();
            }
            if reads.slots.contains(&slot.0) {
                return conflict();
            }
            if !reads.filters.is_empty()
                && let Some((_, block, span)) = self.work.in_slot(collection, *slot, view)?
                && matchers.matched(RawValue::new(span.of(&block), collection.shapes()))
            {
                return conflict();
            }
            if matchers.looks_at_new()
                && let Some((lsn, now)) = ahead.newest_in(&self.work.store, collection, *slot)?
                && lsn > view
                && matchers.matches(now.document(collection.shapes()))
            {
                return conflict();
            }
        }
        Ok(())
    }

    /// Compares with the commits since [`ReadCheck::compare`], and the names; false if they are too many for that.
    pub(in crate::engine::transaction) fn compare_locked(&self, commit: &Commit<'_>) -> Result<bool, Halt> {
        let view = self.work.lsn();
        if let Some(name) = self.reads.absent.iter().find(|name| commit.collection(name).is_some()) {
            return Err(read_conflict(name).into());
        }
        let mut left = LOCKED;
        for reads in self.reads.collections.values() {
            let (collection, conflict) = (reads.collection(), || Err(read_conflict(&reads.name).into()));
            // A view that was changed is another one.
            let is_there = |now: &Arc<Collection>| {
                now.number() == collection.number() && (!now.is_view() || Arc::ptr_eq(now, collection))
            };
            if !commit.collection(&reads.name).is_some_and(|now| is_there(&now)) {
                return conflict();
            }
            if !collection.recent().is_newer(self.until) {
                continue;
            }
            if reads.is_whole {
                return conflict();
            }
            let Since::Slots(slots) = collection.recent().all_since(self.until) else { return Ok(false) };
            let mut matchers = Matchers::of(reads);
            match left.checked_sub(slots.len() * matchers.cost()) {
                Some(rest) => left = rest,
                None => return Ok(false),
            }
            for slot in slots {
                if reads.slots.contains(&slot.0) {
                    return conflict();
                }
                if !reads.filters.is_empty()
                    && let Some((_, seen)) = commit.seen_in_slot(collection, slot, view)?
                    && matchers.matched(seen.document(collection.shapes()))
                {
                    return conflict();
                }
                if matchers.looks_at_new()
                    && let Some((lsn, now)) = commit.in_slot(collection, slot)?
                    && lsn > view
                    && matchers.matches(now.document(collection.shapes()))
                {
                    return conflict();
                }
            }
        }
        match self.reads.is_boundless && commit.applied.lsn > view {
            true => Err(read_conflict("").into()),
            false => Ok(true),
        }
    }
}

/// The filters that were read, prepared.
struct Matchers<'r> {
    reads: &'r CollectionReads,
    filters: Vec<Matcher<'r>>,
}

impl<'r> Matchers<'r> {
    fn of(reads: &'r CollectionReads) -> Matchers<'r> {
        Matchers { reads, filters: reads.filters.iter().map(|filter| filter.matcher()).collect() }
    }

    /// Comparisons for a changed document.
    fn cost(&self) -> usize {
        1 + 2 * self.filters.len()
    }

    /// Whether it matters what a changed document is now.
    fn looks_at_new(&self) -> bool {
        !self.filters.is_empty() || !self.reads.missing.is_empty()
    }

    /// Whether a document of the view was found by one of the filters.
    fn matched(&mut self, document: RawValue<'_>) -> bool {
        self.filters.iter_mut().any(|filter| filter.matches(document))
    }

    /// Whether a document that has changed would be found now.
    fn matches(&mut self, document: RawValue<'_>) -> bool {
        let missing = &self.reads.missing;
        let has_key = |key: &Key| missing.contains(key);
        (!missing.is_empty() && document.get("_id").is_some_and(|id| has_key(&key_of(id))))
            || self.matched(document)
    }
}

#[cfg(test)]
#[path = "reads_tests.rs"]
mod tests;
