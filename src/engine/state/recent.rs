//! Recent changes of a collection, recorded while an upsert may need them.
//!
//! An upsert searches, finds nothing, and inserts; other commits happen between search and commit. Under the commit lock it
//! checks whether the collection changed since its search began, and if so matches the changed documents, outside of the
//! lock.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::slab::SlotId;
use crate::engine::exec::locks::Mutex;
use crate::storage::Lsn;

/// The number of changes that are kept; of older ones only that there were some.
const MOST: usize = 4_096;

/// The recent changes of a collection.
#[derive(Default)]
pub(crate) struct Recent {
    /// The newest commit that changed it.
    newest: AtomicU64,
    watching: AtomicUsize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Changes after this commit are all in the list.
    complete_from: Lsn,
    changes: VecDeque<(Lsn, SlotId)>,
}

/// The changes since a commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// The documents in these slots.
    Slots(Vec<SlotId>),
    /// More than is kept: any document with a newer version.
    Many,
}

/// Changes are recorded as long as this value lives.
pub(crate) struct Watching<'r>(&'r Recent);

impl Recent {
    /// Records changes from the next commit on. The commit lock, which is taken afterwards to read the newest commit, orders
    /// this before that commit.
    pub(crate) fn watch(&self) -> Watching<'_> {
        let _kept = self.kept.lock();
        self.watching.fetch_add(1, Ordering::Release);
        Watching(self)
    }

    /// Records that a commit changed a document. Under the commit lock.
    #[inline]
    pub(crate) fn note(&self, lsn: Lsn, slot: SlotId) {
        self.newest.store(lsn.0, Ordering::Release);
        if self.watching.load(Ordering::Acquire) > 0 {
            self.keep(lsn, slot);
        }
    }

    #[cold]
    fn keep(&self, lsn: Lsn, slot: SlotId) {
        let mut kept = self.kept.lock();
        if kept.changes.len() == MOST
            && let Some((lost, _)) = kept.changes.pop_front()
        {
            kept.complete_from = lost;
        }
        kept.changes.push_back((lsn, slot));
    }

    /// Whether a commit after this one changed the collection.
    pub(crate) fn is_newer(&self, than: Lsn) -> bool {
        self.newest.load(Ordering::Acquire) > than.0
    }

    /// The changes since a commit, if they were recorded since then.
    pub(crate) fn since(&self, lsn: Lsn) -> Since {
        let kept = self.kept.lock();
        if kept.complete_from > lsn {
            return Since::Many;
        }
        let first = kept.changes.partition_point(|(changed, _)| *changed <= lsn);
        let mut slots: Vec<_> = kept.changes.range(first..).map(|(_, slot)| *slot).collect();
        slots.sort_unstable();
        slots.dedup();
        Since::Slots(slots)
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        let mut kept = self.0.kept.lock();
        if self.0.watching.fetch_sub(1, Ordering::AcqRel) == 1 {
            *kept = Kept::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_recorded_from_a_commit_on_and_only_while_they_are_watched() {
        let recent = Recent::default();
        recent.note(Lsn(1), SlotId(9));
        assert!(recent.is_newer(Lsn(0)) && !recent.is_newer(Lsn(1)));
        let watching = recent.watch();
        assert_eq!(recent.since(Lsn(1)), Since::Slots(Vec::new()));
        for (lsn, slot) in [(2, 5), (3, 4), (3, 6), (4, 5)] {
            recent.note(Lsn(lsn), SlotId(slot));
        }
        assert_eq!(recent.since(Lsn(2)), Since::Slots(vec![SlotId(4), SlotId(5), SlotId(6)]));
        for lsn in 5..5 + MOST as u64 {
            recent.note(Lsn(lsn), SlotId(1));
        }
        assert_eq!(recent.since(Lsn(2)), Since::Many);
        assert_eq!(recent.since(Lsn(4)), Since::Slots(vec![SlotId(1)]));
        drop(watching);
        assert!(recent.kept.lock().changes.is_empty() && recent.is_newer(Lsn(4)));
    }
}
