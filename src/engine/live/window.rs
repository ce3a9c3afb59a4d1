//! The documents of a result in its order. With a limit these are some more than are shown, so that a document that leaves is followed by
//! the next without running the query again.

use std::collections::{BTreeMap, HashMap};

use crate::engine::format::key::Key;
use crate::engine::state::slab::SlotId;
use crate::query::SortKey;

/// Documents beyond the limit that are kept.
const BEYOND: usize = 50;
/// What a document takes besides its keys.
const ENTRY: usize = 160;

/// The place of a document: its sort key, none in natural order, and its slot.
type Standing = (Option<SortKey>, SlotId);

/// A document of the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: Key,
    /// Its number in this live query, which it keeps as long as it is here.
    pub(super) number: u64,
    pub(super) life: Life,
}

/// What tells two contents under one key apart: a document that was deleted and inserted again has another slot.
pub(super) type Life = (SlotId, u32);

/// A document as a state of the database has it.
pub(super) struct Candidate {
    pub(super) key: Key,
    pub(super) sort_key: Option<SortKey>,
    pub(super) slot: SlotId,
    pub(super) version: u32,
}

/// The documents that match, or the first of them.
pub(super) struct Window {
    skip: usize,
    /// `None` without a limit.
    limit: Option<usize>,
    entries: BTreeMap<Standing, Entry>,
    standings: HashMap<Key, Standing, foldhash::fast::RandomState>,
    /// Whether every document that matches is here.
    is_whole: bool,
    /// The newest number.
    numbers: u64,
    bytes: usize,
}

impl Window {
    pub(super) fn new(skip: usize, limit: Option<usize>) -> Window {
        Window {
            skip,
            limit,
            entries: BTreeMap::new(),
            standings: HashMap::default(),
            is_whole: true,
            numbers: 0,
            bytes: 0,
        }
    }

    /// The most documents that are kept.
    pub(super) fn most(&self) -> Option<usize> {
        self.limit.map(|limit| self.skip.saturating_add(limit).saturating_add(BEYOND))
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Begins once more, with the numbers of the documents that stay.
    pub(super) fn refill(&mut self, all: Vec<Candidate>, is_whole: bool) {
        let before = std::mem::take(&mut self.standings);
        let entries = std::mem::take(&mut self.entries);
        (self.is_whole, self.bytes) = (is_whole, 0);
        for candidate in all {
            let known = before.get(&candidate.key).and_then(|standing| entries.get(standing));
            let number = known.map(|entry| entry.number);
            self.enter(candidate, number);
        }
    }

    fn enter(&mut self, candidate: Candidate, number: Option<u64>) {
        let Candidate { key, sort_key, slot, version } = candidate;
        let number = number.unwrap_or_else(|| {
            self.numbers += 1;
            self.numbers
        });
        self.bytes += cost(sort_key.as_ref());
        let (standing, life) = ((sort_key, slot), (slot, version));
        self.standings.insert(key.clone(), standing.clone());
        self.entries.insert(standing, Entry { key, number, life });
    }

    fn leave(&mut self, key: &Key) -> Option<u64> {
        let standing = self.standings.remove(key)?;
        self.bytes -= cost(standing.0.as_ref()).min(self.bytes);
        self.entries.remove(&standing).map(|entry| entry.number)
    }

    /// A document has changed: it is another, or matches no more. Returns false where the result has to be found anew.
    pub(super) fn change(&mut self, key: &Key, now: Option<Candidate>) -> bool {
        let number = self.leave(key);
        if let Some(candidate) = now {
            // What comes after the last one that is kept is not known.
            let standing = (candidate.sort_key.clone(), candidate.slot);
            let is_known =
                self.is_whole || self.entries.last_key_value().is_some_and(|(last, _)| standing < *last);
            if is_known {
                self.enter(candidate, number);
            }
        }
        if let Some(most) = self.most() {
            while self.entries.len() > most {
                let last = self.entries.last_key_value().map(|(_, entry)| entry.key.clone());
                last.map(|key| self.leave(&key));
                self.is_whole = false;
            }
        }
        self.is_whole || self.entries.len() >= self.skip.saturating_add(self.limit.unwrap_or(0))
    }

    /// The documents that are shown, in order.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().skip(self.skip).take(self.limit.unwrap_or(usize::MAX))
    }
}

fn cost(sort_key: Option<&SortKey>) -> usize {
    ENTRY + 2 * sort_key.map_or(0, SortKey::size)
}
