//! Recent changes of an index: which entries commits added and superseded, as long as some view may not see them so.
//!
//! The tree of an index holds the entries of all versions that any view needs. The number of those that one view sees is the
//! number in the tree, less what commits after the view added, less what commits up to the view superseded and nothing has
//! removed yet. So a range is counted without a look at its entries, also beside writers and for older views.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::index::{Entries, Range, cut};
use crate::storage::Lsn;

/// Above this number of added entries, those that every view sees are dropped.
const FEW: usize = 256;
/// The maximum number of added entries that are kept; for a view before the dropped ones a range is counted entry by entry.
const MOST: usize = 1 << 16;

/// The changes of one index, in the order of their commits. They are read and changed together with its tree.
#[derive(Default)]
pub(super) struct Events {
    list: VecDeque<Event>,
    /// Entries in the list that commits added.
    added: usize,
    /// Entries in the list that commits superseded.
    superseded: usize,
    /// Additions after this commit are all in the list.
    complete_from: Lsn,
}

struct Event {
    lsn: Lsn,
    is_addition: bool,
    entries: Arc<Entries>,
}

impl Events {
    /// Records the entries that a commit added. `oldest` returns the oldest state that a view sees, or may come to see.
    pub(super) fn add(&mut self, lsn: Lsn, entries: Arc<Entries>, oldest: impl FnOnce() -> Lsn) {
        self.added += entries.len();
        self.list.push_back(Event { lsn, is_addition: true, entries });
        if self.added > FEW {
            self.forget_additions(oldest());
        }
        if self.added > MOST {
            self.forget_additions(lsn);
            self.complete_from = lsn;
        }
    }

    /// Records the entries that a commit superseded: they stay in the tree until no view needs them.
    pub(super) fn supersede(&mut self, lsn: Lsn, entries: Arc<Entries>) {
        self.superseded += entries.len();
        self.list.push_back(Event { lsn, is_addition: false, entries });
    }

    /// Forgets what commits up to this one superseded, which was removed from the tree, and what they added, which every view
    /// sees by then.
    pub(super) fn removed(&mut self, lsn: Lsn) {
        while self.list.front().is_some_and(|event| event.lsn <= lsn) {
            self.list.pop_front().iter().for_each(|event| self.uncount(event));
        }
    }

    /// The entries in a range that the tree holds and a view does not see; `None` if that is not known, or takes longer than
    /// `enough` entries.
    pub(super) fn unseen(&self, ranges: &[Range], view: Lsn, enough: u64) -> Option<u64> {
        if view < self.complete_from || (self.added + self.superseded) as u64 > enough {
            return None;
        }
        let unseen = self.list.iter().filter(|event| event.is_addition == (event.lsn > view));
        let entries = unseen.flat_map(|event| event.entries.iter());
        Some(entries.map(|(key, _)| ranges.iter().filter(|range| holds(range, key)).count() as u64).sum())
    }

    /// Entries that commits superseded and nothing has removed yet, as often as they were.
    pub(super) fn superseded(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.list.iter().filter(|event| !event.is_addition).flat_map(|event| event.entries.iter())
    }

    fn forget_additions(&mut self, oldest: Lsn) {
        let mut list = std::mem::take(&mut self.list);
        list.retain(|event| {
            let stays = !event.is_addition || event.lsn > oldest;
            if !stays {
                self.uncount(event);
            }
            stays
        });
        self.list = list;
    }

    fn uncount(&mut self, event: &Event) {
        let count = if event.is_addition { &mut self.added } else { &mut self.superseded };
        *count -= event.entries.len();
    }
}

/// Whether a range has an entry of this key, whose bytes may be cut, as those of the range's bounds are then.
pub(super) fn holds(range: &Range, key: &[u8]) -> bool {
    let high = cut(&range.high);
    key >= cut(&range.low) && (high.is_empty() || &key[..key.len().min(high.len())] <= high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(keys: &[&[u8]]) -> Arc<Entries> {
        let mut entries = Entries::default();
        keys.iter().for_each(|key| entries.push(key, 1));
        Arc::new(entries)
    }

    #[test]
    fn additions_are_unseen_before_their_commit_and_superseded_entries_after_it() {
        let mut events = Events::default();
        events.add(Lsn(5), entries(&[b"a", b"b"]), || Lsn(0));
        events.supersede(Lsn(7), entries(&[b"a"]));
        let all = [Range::all()];
        let unseen = |events: &Events, view| events.unseen(&all, Lsn(view), 100);
        assert_eq!([4, 5, 6, 7, 8].map(|view| unseen(&events, view)), [2, 0, 0, 1, 1].map(Some));
        assert_eq!(events.unseen(&[Range::only(b"b")], Lsn(4), 100), Some(1));
        assert_eq!(events.unseen(&all, Lsn(4), 2), None);
        events.removed(Lsn(6));
        assert_eq!([7, 8].map(|view| unseen(&events, view)), [1, 1].map(Some));
        events.removed(Lsn(7));
        assert_eq!(
            (unseen(&events, 7), events.list.len(), events.added, events.superseded),
            (Some(0), 0, 0, 0)
        );
    }

    #[test]
    fn additions_that_every_view_sees_are_forgotten_and_too_many_are_not_kept() {
        let mut events = Events::default();
        let all = [Range::all()];
        for lsn in 1..2_000 {
            events.add(Lsn(lsn), entries(&[b"a"]), || Lsn(lsn - 1));
            assert!(events.added <= FEW + 1);
        }
        for lsn in 2_000..2_000 + 2 * MOST as u64 {
            events.add(Lsn(lsn), entries(&[b"a"]), || Lsn(1_999));
            assert!(events.added <= MOST);
        }
        let newest = 1_999 + 2 * MOST as u64;
        assert_eq!(events.unseen(&all, Lsn(1_999), u64::MAX), None);
        assert_eq!(events.unseen(&all, Lsn(newest), u64::MAX), Some(0));
        let kept = events.added as u64;
        assert_eq!(events.unseen(&all, Lsn(newest - kept), u64::MAX), Some(kept));
    }
}
