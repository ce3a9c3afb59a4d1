//! The entries of an index in order: packed leaves under two levels of directory.
//!
//! ```text
//! chunks   [low, leaves, len] ...              at most 128 leaves each
//! leaf     low, bytes: entry entry ..., ends   at most 128 entries and 16 KiB
//! entry    key, slot: 6 bytes big endian
//! ```
//!
//! `low` is the shortest prefix of a leaf's first entry that is greater than everything before it, so that searching the
//! directory compares short bytes in place. No key is a prefix of another (see `key`), except where both were cut to the
//! same length, so entries compare as (key, slot) does.
//!
//! Inserting an entry that exists increments its count, and it has to be removed as often: versions of a document come and
//! go with the same key.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::bounds::Range;
use super::entry::{Entry, cut, entry_of, is_below, separator, split_entry};
use super::leaf::{BYTES, ENTRIES, Leaf, Low};

/// The maximum number of leaves of a chunk.
const LEAVES: usize = 128;
/// A leaf with fewer entries is merged with a neighbour if the result is not too full.
const SMALL: usize = ENTRIES / 4;
const JOINED: usize = ENTRIES * 3 / 4;

/// Entries up to which comparing each with the end of a range costs less than a search for that.
const FEW: usize = 8;

/// The order in which entries are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScanDirection {
    /// From the first to the last.
    Forward,
    /// From the last to the first.
    Backward,
}

/// An ordered multiset of (key, slot).
#[derive(Clone, Default)]
pub(crate) struct Tree {
    chunks: Vec<Chunk>,
    len: u64,
    allocated: u64,
    /// The count of entries inserted more than once, minus one.
    repeated: HashMap<Box<[u8]>, u32, foldhash::fast::RandomState>,
}

#[derive(Clone)]
struct Chunk {
    low: Low,
    leaves: Vec<Leaf>,
    len: usize,
}

/// The position of a leaf when it was last searched for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeafId(usize, usize);

/// A position between entries, named by the entry after it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Position {
    chunk: usize,
    leaf: usize,
    at: usize,
}

impl Tree {
    /// No entries.
    pub(crate) fn new() -> Tree {
        Tree::default()
    }

    /// The tree of entries that come in order. An entry that comes twice counts twice.
    pub(crate) fn from_sorted<'a>(entries: impl Iterator<Item = (&'a [u8], u64)>) -> Tree {
        let mut tree = Tree::new();
        let mut leaf = Leaf::default();
        let mut last = Entry::new();
        for (key, slot) in entries {
            let entry = entry_of(key, slot);
            if entry == last {
                *tree.repeated.entry(Box::from(&*entry)).or_default() += 1;
                continue;
            }
            if leaf.is_full(entry.len()) {
                tree.push_leaf(std::mem::take(&mut leaf));
                leaf.low = separator(&last, &entry);
            }
            leaf.bytes.extend_from_slice(&entry);
            leaf.ends.push(leaf.bytes.len() as u16);
            last = entry;
        }
        if leaf.len() > 0 {
            tree.push_leaf(leaf);
        }
        tree
    }

    fn push_leaf(&mut self, mut leaf: Leaf) {
        leaf.shrink();
        leaf.next = u16::MAX;
        self.len += leaf.len() as u64;
        self.allocated += leaf.allocated();
        match self.chunks.last_mut() {
            Some(chunk) if chunk.leaves.len() < LEAVES => {
                chunk.len += leaf.len();
                chunk.leaves.push(leaf);
            }
            _ => self.chunks.push(Chunk { low: leaf.low.clone(), len: leaf.len(), leaves: vec![leaf] }),
        }
    }

    /// The number of distinct entries.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of memory that the entries take.
    pub(crate) fn bytes(&self) -> u64 {
        self.allocated + self.repeated.keys().map(|entry| entry.len() as u64 + 32).sum::<u64>()
    }

    /// Inserts an entry, or increments its count.
    pub(crate) fn insert(&mut self, key: &[u8], slot: u64) {
        self.insert_near(None, key, slot);
    }

    /// [`Tree::insert`] that tries this leaf first; returns the leaf. Consecutive entries in order mostly go to the same
    /// leaf.
    pub(crate) fn insert_near(&mut self, near: Option<LeafId>, key: &[u8], slot: u64) -> Option<LeafId> {
        let entry = entry_of(key, slot);
        if self.chunks.is_empty() {
            self.chunks.push(Chunk { low: Low::new(), leaves: vec![Leaf::default()], len: 0 });
            self.allocated += Leaf::default().allocated();
        }
        let (c, l, at) = loop {
            let (c, l) = self.leaf_near(near, &entry);
            let leaf = &self.chunks[c].leaves[l];
            let at = leaf.partition(|own| own < &entry[..]);
            if at < leaf.len() && leaf.entry(at) == &entry[..] {
                *self.repeated.entry(Box::from(&*entry)).or_default() += 1;
                return Some(LeafId(c, l));
            }
            if !leaf.is_full(entry.len()) {
                break (c, l, at);
            }
            self.split(c, l, at, &entry);
        };
        let chunk = &mut self.chunks[c];
        let leaf = &mut chunk.leaves[l];
        let before = leaf.allocated();
        leaf.insert(at, &entry);
        self.allocated += leaf.allocated() - before;
        chunk.len += 1;
        self.len += 1;
        Some(LeafId(c, l))
    }

    /// Removes an entry, or decrements its count; returns whether it existed.
    pub(crate) fn remove(&mut self, key: &[u8], slot: u64) -> bool {
        self.remove_near(None, key, slot).1
    }

    /// [`Tree::remove`] that tries this leaf first; returns the leaf, too.
    pub(crate) fn remove_near(
        &mut self,
        near: Option<LeafId>,
        key: &[u8],
        slot: u64,
    ) -> (Option<LeafId>, bool) {
        let entry = entry_of(key, slot);
        if self.chunks.is_empty() {
            return (None, false);
        }
        if !self.repeated.is_empty()
            && let Some(times) = self.repeated.get_mut(&entry[..])
        {
            *times -= 1;
            if *times == 0 {
                self.repeated.remove(&entry[..]);
            }
            return (near, true);
        }
        let (c, l) = self.leaf_near(near, &entry);
        let chunk = &mut self.chunks[c];
        let leaf = &mut chunk.leaves[l];
        let at = leaf.partition(|own| own < &entry[..]);
        if at >= leaf.len() || leaf.entry(at) != &entry[..] {
            return (Some(LeafId(c, l)), false);
        }
        leaf.remove(at);
        let small = leaf.len() < SMALL;
        chunk.len -= 1;
        self.len -= 1;
        if small {
            self.join(c, l);
        }
        (Some(LeafId(c, l)), true)
    }

    /// The keys of entries that were inserted more than once, and how often more; `None` if there are more than `most` of them.
    pub(crate) fn repeats(&self, most: u64) -> Option<impl Iterator<Item = (&[u8], u32)>> {
        let repeats = self.repeated.iter().map(|(entry, more)| (split_entry(entry).0, *more));
        (self.repeated.len() as u64 <= most).then_some(repeats)
    }

    /// The number of distinct entries in a range. Takes time in proportion to the tree's directory.
    pub(crate) fn estimate(&self, range: &Range) -> u64 {
        self.rank(self.end(range)).saturating_sub(self.rank(self.start(range)))
    }

    /// Calls a function with the entries of a range, at most `max`, starting after `after` (backward: before it). Returns the bytes of the last entry when there are more.
    pub(crate) fn page(
        &self,
        range: &Range,
        after: Option<&[u8]>,
        direction: ScanDirection,
        max: usize,
        mut visit: impl FnMut(&[u8], u64),
    ) -> Option<Vec<u8>> {
        let reverse = direction == ScanDirection::Backward;
        if max <= FEW && !reverse {
            return self.first(range, after, max, visit);
        }
        let (mut from, mut to) = (self.start(range), self.end(range));
        if let Some(after) = after {
            if reverse {
                to = self.earlier(to, self.seek(|own| own < after));
            } else {
                from = self.later(from, self.seek(|own| own <= after));
            }
        }
        let mut left = max;
        let mut last: &[u8] = &[];
        while left > 0 && self.is_before(from, to) {
            let at = if reverse { self.previous(to)? } else { from };
            last = self.chunks[at.chunk].leaves[at.leaf].entry(at.at);
            let (key, slot) = split_entry(last);
            visit(key, slot);
            left -= 1;
            if reverse {
                to = at;
            } else {
                from = self.normal(Position { at: at.at + 1, ..at });
            }
        }
        (max > 0 && self.is_before(from, to)).then(|| last.to_vec())
    }

    /// The same of the first entries, without a search for the end of the range.
    fn first(
        &self,
        range: &Range,
        after: Option<&[u8]>,
        max: usize,
        mut visit: impl FnMut(&[u8], u64),
    ) -> Option<Vec<u8>> {
        let high = cut(&range.high);
        let mut at = self.start(range);
        if let Some(after) = after {
            at = self.later(at, self.seek(|own| own <= after));
        }
        let mut last: &[u8] = &[];
        for left in (0..=max).rev() {
            let leaf = self.chunks.get(at.chunk).and_then(|chunk| chunk.leaves.get(at.leaf))?;
            let entry = leaf.entry(at.at);
            if !is_below(entry, high) {
                return None;
            }
            if left == 0 {
                break;
            }
            let (key, slot) = split_entry(entry);
            visit(key, slot);
            last = entry;
            at = self.normal(Position { at: at.at + 1, ..at });
        }
        (max > 0).then(|| last.to_vec())
    }

    /// Calls a function with the slots of this key, in order, until it stops the iteration.
    pub(crate) fn slots_of(&self, key: &[u8], mut visit: impl FnMut(u64) -> ControlFlow<()>) {
        let key = cut(key);
        let mut at = self.seek(|own| own < key);
        while let Some(leaf) = self.chunks.get(at.chunk).and_then(|chunk| chunk.leaves.get(at.leaf)) {
            let (own, slot) = split_entry(leaf.entry(at.at));
            if own != key || visit(slot).is_break() {
                return;
            }
            at = self.normal(Position { at: at.at + 1, ..at });
        }
    }

    /// Whether it has an entry.
    pub(crate) fn contains(&self, key: &[u8], slot: u64) -> bool {
        if self.len == 0 {
            return false;
        }
        let entry = entry_of(key, slot);
        let at = self.seek(|own| own < &entry[..]);
        let leaf = self.chunks.get(at.chunk).and_then(|chunk| chunk.leaves.get(at.leaf));
        leaf.is_some_and(|leaf| leaf.entry(at.at) == &entry[..])
    }

    /// Calls a function with every entry and its count.
    pub(crate) fn each(&self, mut visit: impl FnMut(&[u8], u64, u32)) {
        for leaf in self.chunks.iter().flat_map(|chunk| &chunk.leaves) {
            for at in 0..leaf.len() {
                let entry = leaf.entry(at);
                let (key, slot) = split_entry(entry);
                visit(key, slot, 1 + self.repeated.get(entry).copied().unwrap_or(0));
            }
        }
    }

    /// [`Tree::leaf_of`] that tries the leaf of the last entry first: the tree may have changed since.
    fn leaf_near(&self, near: Option<LeafId>, entry: &[u8]) -> (usize, usize) {
        match near {
            Some(LeafId(c, l)) if self.is_leaf_of(c, l, entry) => (c, l),
            _ => self.leaf_of(entry),
        }
    }

    fn is_leaf_of(&self, c: usize, l: usize, entry: &[u8]) -> bool {
        let Some(chunk) = self.chunks.get(c) else { return false };
        let Some(leaf) = chunk.leaves.get(l) else { return false };
        let next = match chunk.leaves.get(l + 1) {
            Some(next) => Some(&next.low),
            None => self.chunks.get(c + 1).map(|next| &next.low),
        };
        leaf.low[..] <= *entry && next.is_none_or(|next| *entry < next[..])
    }

    /// The leaf whose range contains an entry. There is at least one leaf.
    fn leaf_of(&self, entry: &[u8]) -> (usize, usize) {
        let chunk = self.chunks.partition_point(|chunk| chunk.low[..] <= *entry).saturating_sub(1);
        let leaves = self.chunks.get(chunk).map_or(&[][..], |chunk| &chunk.leaves[..]);
        (chunk, leaves.partition_point(|leaf| leaf.low[..] <= *entry).saturating_sub(1))
    }

    /// Makes room in a full leaf for an entry at `at`.
    fn split(&mut self, c: usize, l: usize, at: usize, entry: &[u8]) {
        let chunk = &mut self.chunks[c];
        let leaf = &mut chunk.leaves[l];
        let before = leaf.allocated();
        let mut right = if at == usize::from(leaf.next) && at == leaf.len() {
            Leaf { low: separator(leaf.entry(at - 1), entry), ..Leaf::default() }
        } else if at == usize::from(leaf.next) && at > 0 {
            let low = separator(entry, leaf.entry(at));
            Leaf { low, ..leaf.split_off(at) }
        } else {
            let half = leaf.len() / 2;
            let low = separator(leaf.entry(half - 1), leaf.entry(half));
            Leaf { low, ..leaf.split_off(half) }
        };
        right.next = u16::MAX;
        self.allocated = self.allocated + leaf.allocated() + right.allocated() - before;
        if right.len() == 0 {
            right.next = 0;
        }
        chunk.leaves.insert(l + 1, right);
        if chunk.leaves.len() > LEAVES {
            // Ascending keys fill chunks from the left.
            let kept = if c + 1 == self.chunks.len() && l + 2 > LEAVES { LEAVES } else { LEAVES / 2 };
            let chunk = &mut self.chunks[c];
            let leaves = chunk.leaves.split_off(kept);
            let len = leaves.iter().map(Leaf::len).sum();
            chunk.len -= len;
            let low = leaves.first().map(|leaf| leaf.low.clone()).unwrap_or_default();
            self.chunks.insert(c + 1, Chunk { low, leaves, len });
        }
    }

    /// Merges a leaf that has few entries with the next one, and a chunk likewise.
    fn join(&mut self, c: usize, l: usize) {
        let chunk = &mut self.chunks[c];
        if chunk.leaves[l].len() == 0 {
            let gone = chunk.leaves.remove(l);
            self.allocated -= gone.allocated();
            if l == 0
                && let Some(first) = chunk.leaves.first_mut()
            {
                first.low = chunk.low.clone();
            }
        } else if let [leaf, next, ..] = &mut chunk.leaves[l..]
            && leaf.len() + next.len() <= JOINED
            && leaf.bytes.len() + next.bytes.len() <= BYTES / 2
        {
            let before = leaf.allocated() + next.allocated();
            leaf.append(next);
            self.allocated = self.allocated + leaf.allocated() - before;
            chunk.leaves.remove(l + 1);
        }
        if chunk.leaves.is_empty() {
            self.chunks.remove(c);
        } else if chunk.leaves.len() < LEAVES / 8
            && self.chunks.get(c + 1).is_some_and(|next| next.leaves.len() < LEAVES / 2)
        {
            let next = self.chunks.remove(c + 1);
            self.chunks[c].len += next.len;
            self.chunks[c].leaves.extend(next.leaves);
        }
    }

    fn start(&self, range: &Range) -> Position {
        let low = cut(&range.low);
        self.seek(|own| own < low)
    }

    fn end(&self, range: &Range) -> Position {
        let high = cut(&range.high);
        if high.is_empty() {
            return Position { chunk: self.chunks.len(), leaf: 0, at: 0 };
        }
        self.seek(|own| is_below(own, high))
    }

    /// The first entry for which `before` is false; `before` must be true for a prefix of all entries. If it is true for an
    /// entry of a leaf, it must be true for the leaf's `low`.
    fn seek(&self, before: impl Fn(&[u8]) -> bool) -> Position {
        let chunk = self.chunks.partition_point(|chunk| before(&chunk.low)).saturating_sub(1);
        let Some(found) = self.chunks.get(chunk) else { return Position { chunk: 0, leaf: 0, at: 0 } };
        let leaf = found.leaves.partition_point(|leaf| before(&leaf.low)).saturating_sub(1);
        let at = found.leaves.get(leaf).map_or(0, |leaf| leaf.partition(&before));
        self.normal(Position { chunk, leaf, at })
    }

    /// The same position, named by the leaf that holds the entry after it; or the end.
    fn normal(&self, mut position: Position) -> Position {
        while let Some(chunk) = self.chunks.get(position.chunk) {
            match chunk.leaves.get(position.leaf) {
                Some(leaf) if position.at < leaf.len() => return position,
                Some(_) => position = Position { leaf: position.leaf + 1, at: 0, ..position },
                None => position = Position { chunk: position.chunk + 1, leaf: 0, at: 0 },
            }
        }
        Position { chunk: self.chunks.len(), leaf: 0, at: 0 }
    }

    fn previous(&self, mut position: Position) -> Option<Position> {
        loop {
            if position.at > 0 {
                return Some(Position { at: position.at - 1, ..position });
            }
            (position.chunk, position.leaf) = if position.leaf > 0 {
                (position.chunk, position.leaf - 1)
            } else {
                let chunk = position.chunk.checked_sub(1)?;
                (chunk, self.chunks.get(chunk)?.leaves.len().checked_sub(1)?)
            };
            position.at = self.chunks.get(position.chunk)?.leaves.get(position.leaf)?.len();
        }
    }

    fn is_before(&self, a: Position, b: Position) -> bool {
        (a.chunk, a.leaf, a.at) < (b.chunk, b.leaf, b.at)
    }

    fn later(&self, a: Position, b: Position) -> Position {
        if self.is_before(a, b) { b } else { a }
    }

    fn earlier(&self, a: Position, b: Position) -> Position {
        if self.is_before(a, b) { a } else { b }
    }

    /// The number of entries before a position.
    fn rank(&self, position: Position) -> u64 {
        let before: usize = self.chunks.iter().take(position.chunk).map(|chunk| chunk.len).sum();
        let leaves = self.chunks.get(position.chunk).map_or(&[][..], |chunk| &chunk.leaves[..]);
        let within: usize = leaves.iter().take(position.leaf).map(Leaf::len).sum();
        (before + within + position.at) as u64
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
