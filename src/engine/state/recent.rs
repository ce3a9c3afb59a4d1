//! Recent changes of a collection, recorded while an upsert, or a serializable transaction that has read it, may need them.
//!
//! An upsert searches, finds nothing, and inserts; other commits happen between search and commit. Under the commit lock it
//! checks whether the collection changed since its search began, and if so matches the changed documents, outside of the
//! lock. A serializable transaction does the same with what it has read, when it commits; it begins to watch only when it reads,
//! so it is told whether the list reaches back to its view.

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
    /// The newest change when the list was begun under the commit lock, if it was: there are none between that and its first.
    began_after: Option<Lsn>,
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

    /// Records changes until [`Recent::end_watch`]. The caller holds the commit lock, so that no commit is noted in part.
    pub(crate) fn begin_watch(&self) {
        let mut kept = self.kept.lock();
        self.watching.fetch_add(1, Ordering::Release);
        kept.began_after.get_or_insert_with(|| Lsn(self.newest.load(Ordering::Acquire)));
    }

    /// Ends one [`Recent::begin_watch`].
    pub(crate) fn end_watch(&self) {
        let mut kept = self.kept.lock();
        if self.watching.fetch_sub(1, Ordering::AcqRel) == 1 {
            *kept = Kept::default();
        }
    }

    /// The changes since any commit, for a caller between `begin_watch` and `end_watch`.
    pub(crate) fn all_since(&self, lsn: Lsn) -> Since {
        let reaches = self.kept.lock().began_after.is_some_and(|began| began <= lsn);
        if reaches { self.since(lsn) } else { Since::Many }
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
        self.0.end_watch();
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

    #[test]
    fn a_list_says_whether_it_reaches_back_to_a_commit() {
        let recent = Recent::default();
        recent.note(Lsn(3), SlotId(1));
        let watching = recent.watch();
        assert_eq!(recent.all_since(Lsn(3)), Since::Many, "it was not begun under the commit lock");
        recent.begin_watch();
        drop(watching);
        assert_eq!(recent.all_since(Lsn(2)), Since::Many, "there was a change before it");
        assert_eq!(recent.all_since(Lsn(3)), Since::Slots(Vec::new()));
        recent.note(Lsn(5), SlotId(2));
        recent.begin_watch();
        recent.end_watch();
        assert_eq!(recent.all_since(Lsn(3)), Since::Slots(vec![SlotId(2)]), "the earlier one goes on");
        for lsn in 6..6 + MOST as u64 {
            recent.note(Lsn(lsn), SlotId(3));
        }
        assert_eq!(recent.all_since(Lsn(3)), Since::Many, "the oldest was lost");
        recent.end_watch();
        recent.begin_watch();
        assert_eq!(recent.all_since(Lsn(5)), Since::Many, "it was begun again");
    }
}
