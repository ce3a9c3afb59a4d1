//! Where a capped collection begins and ends, as commits leave it. Nothing of this is on disk: the log has the removals.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cap::Cap;
use crate::engine::exec::locks::Mutex;
use crate::storage::Lsn;

/// How many of the newest states are known at least, published or not.
const KNOWN: usize = 64;

/// The ends of a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    /// One past the last slot.
    pub(crate) end: u64,
    /// One past the last slot whose document has made way for others.
    pub(crate) lost: u64,
}

/// The limits of a collection and, if there are any, its ends.
#[derive(Default)]
pub(crate) struct Capped {
    /// Bytes; 0: it is not capped.
    size: AtomicU64,
    /// Documents; 0: any number.
    max: AtomicU64,
    /// There is no document in the slots before.
    first: AtomicU64,
    /// The newest states that commits have left, in order.
    states: Mutex<VecDeque<(Lsn, Ends)>>,
}

impl Capped {
    /// The limits; `None` where it is not capped.
    #[inline]
    pub(crate) fn cap(&self) -> Option<Cap> {
        let size = self.size.load(Ordering::Acquire);
        let max = || Some(self.max.load(Ordering::Acquire)).filter(|max| *max > 0);
        (size > 0).then(|| Cap { size, max: max() })
    }

    /// Sets the limits, under the commit lock.
    pub(crate) fn set(&self, cap: Option<Cap>) {
        self.max.store(cap.and_then(|cap| cap.max).unwrap_or(0), Ordering::Release);
        self.size.store(cap.map_or(0, |cap| cap.size), Ordering::Release);
    }

    /// The slot from which on there are documents.
    pub(crate) fn first(&self) -> u64 {
        self.first.load(Ordering::Relaxed)
    }

    /// Notes that there is no document before this slot in the newest applied state, under the commit lock.
    pub(crate) fn begins_at(&self, slot: u64) {
        self.first.store(slot, Ordering::Relaxed);
    }

    /// A commit is about to add documents after the slot `end`.
    pub(crate) fn grows_from(&self, end: u64) {
        let mut states = self.states.lock();
        if states.is_empty() {
            states.push_back((Lsn(0), Ends { end, lost: 0 }));
        }
    }

    /// Notes what a commit has left: documents up to the slot `end`, none up to `lost` if it has removed the oldest.
    /// `published` tells which states are seen.
    pub(crate) fn grown(&self, lsn: Lsn, end: u64, lost: Option<u64>, published: Lsn) {
        let mut states = self.states.lock();
        let before = states.back().map_or(0, |(_, ends)| ends.lost);
        states.push_back((lsn, Ends { end, lost: lost.map_or(before, |lost| lost.max(before)) }));
        while states.len() > KNOWN && states.get(1).is_some_and(|(second, _)| *second <= published) {
            states.pop_front();
        }
    }

    /// Notes that a commit has brought back documents in the slots up to `end`.
    pub(crate) fn restored(&self, lsn: Lsn, end: u64) {
        self.begins_at(0);
        self.states.lock().push_back((lsn, Ends { end, lost: 0 }));
    }

    /// The ends in the state of a view, where `now` tells the end of the slots if no commit has changed it; `None` where the
    /// view is too old to tell.
    pub(crate) fn ends(&self, view: Lsn, now: impl FnOnce() -> u64) -> Option<Ends> {
        let states = self.states.lock();
        if states.is_empty() {
            // Locked: no commit adds slots before it has noted where they begin.
            return Some(Ends { end: now(), lost: 0 });
        }
        states.iter().rev().find(|(lsn, _)| *lsn <= view).map(|(_, ends)| *ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_sees_the_ends_that_the_newest_commit_before_it_has_left() {
        let capped = Capped::default();
        let ends = |view| capped.ends(Lsn(view), || 7);
        assert_eq!(ends(3), Some(Ends { end: 7, lost: 0 }));
        capped.grows_from(7);
        assert_eq!(ends(3), Some(Ends { end: 7, lost: 0 }), "a commit that is not applied");
        capped.grown(Lsn(4), 9, Some(2), Lsn(3));
        capped.grown(Lsn(6), 10, None, Lsn(3));
        assert_eq!(ends(3), Some(Ends { end: 7, lost: 0 }));
        assert_eq!(ends(5), Some(Ends { end: 9, lost: 2 }));
        assert_eq!(ends(6), Some(Ends { end: 10, lost: 2 }));
        for lsn in 7..500 {
            capped.grown(Lsn(lsn), lsn, None, Lsn(lsn - 2));
        }
        assert_eq!(ends(5), None, "too old to tell");
        assert_eq!(ends(498), Some(Ends { end: 498, lost: 2 }));
        assert!(capped.states.lock().len() <= KNOWN + 1);
    }
}
