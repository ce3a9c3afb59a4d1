//! Bulk loading: entries are collected in any order, sorted, and built into a tree.

use std::cmp::Ordering;

use super::entry::cut;
use super::tree::Tree;

/// Entries in the order of insertion, packed.
#[derive(Default)]
pub(crate) struct Entries {
    bytes: Vec<u8>,
    list: Vec<Entry>,
    /// Whether slots were inserted out of order.
    mixed: bool,
}

/// Bytes of a key that are compared as numbers: most keys of one field are not longer.
const FIRST: usize = 16;

/// The bytes of an entry in a tree besides its key.
const ENTRY_COST: usize = 16;

struct Entry {
    /// The first bytes of the key, padded with zeros.
    first: [u64; 2],
    slot: u64,
    start: usize,
    len: u16,
}

impl Entries {
    /// Adds an entry.
    pub(crate) fn push(&mut self, key: &[u8], slot: u64) {
        let key = cut(key);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let mut padded = [0; FIRST];
        padded.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        let first = u128::from_be_bytes(padded);
        let first = [(first >> 64) as u64, first as u64];
        self.mixed |= self.list.last().is_some_and(|last| last.slot > slot);
        self.list.push(Entry { first, slot, start, len: key.len() as u16 });
    }

    /// Replaces the numbers that entries were pushed with by slots: `slots` returns the slot of each number.
    pub(crate) fn place(&mut self, slots: impl Fn(u64) -> u64) {
        for entry in &mut self.list {
            entry.slot = slots(entry.slot);
        }
    }

    /// Removes the entries pushed last with this number.
    pub(crate) fn take_back(&mut self, number: u64) {
        while self.list.last().is_some_and(|entry| entry.slot == number) {
            self.list.pop();
        }
    }

    /// Keys and slots, in the current order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.list.iter().map(|entry| (self.key(entry), entry.slot))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// About how many bytes of memory they take, here and in the tree of an index.
    pub(crate) fn weight(&self) -> u64 {
        (2 * self.bytes.len() + self.list.len() * (size_of::<Entry>() + ENTRY_COST)) as u64
    }

    /// Whether there are no entries.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn key(&self, entry: &Entry) -> &[u8] {
        &self.bytes[entry.start..entry.start + usize::from(entry.len)]
    }

    /// Sorts the entries.
    pub(crate) fn sort(&mut self) {
        if self.list.len() < 2 {
            return;
        }
        let mut list = std::mem::take(&mut self.list);
        if self.mixed {
            list.sort_by_key(|entry| entry.slot);
        }
        // A stable sort keeps slots in order, and is fast for entries with few distinct keys.
        list.sort_by(|a, b| compare((self, a), (self, b)));
        self.mixed = false;
        self.list = list;
    }
}

/// The order of two keys. If they share the same first bytes and end within them, the shorter is a prefix of the longer.
fn compare((a_run, a): (&Entries, &Entry), (b_run, b): (&Entries, &Entry)) -> Ordering {
    a.first.cmp(&b.first).then_with(|| match usize::from(a.len.max(b.len)) {
        ..=FIRST => a.len.cmp(&b.len),
        _ => a_run.key(a).cmp(b_run.key(b)),
    })
}

/// Merges sorted runs into a tree. Calls a function with each key that several slots have.
pub(crate) fn merge(runs: &[Entries], mut collides: impl FnMut(&[u8])) -> Tree {
    let mut places = vec![0; runs.len()];
    let mut last: Option<(&[u8], u64)> = None;
    let mut reported = false;
    Tree::from_sorted(std::iter::from_fn(|| {
        // There are as many runs as threads: few.
        let heads = runs.iter().zip(&places).enumerate();
        let heads = heads.filter_map(|(n, (run, at))| Some((run, run.list.get(*at)?, n)));
        let (run, entry, n) =
            heads.min_by(|(a, x, _), (b, y, _)| compare((a, x), (b, y)).then_with(|| x.slot.cmp(&y.slot)))?;
        if let Some(place) = places.get_mut(n) {
            *place += 1;
        }
        let next = (run.key(entry), entry.slot);
        let same = last.is_some_and(|(key, slot)| key == next.0 && slot != next.1);
        if same && !reported {
            collides(next.0);
        }
        reported = same;
        last = Some(next);
        Some(next)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_around_the_compared_beginning_are_in_the_order_of_their_bytes_whatever_order_slots_come_in() {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        for len in FIRST - 2..FIRST + 3 {
            for (at, byte) in [(0, 1), (len - 1, 0), (len - 1, 2), (len / 2, 0), (len / 2, 255)] {
                let mut key = vec![1; len];
                key[at] = byte;
                keys.push(key);
            }
            keys.push(vec![0; len]);
        }
        for backward in [false, true] {
            let mut entries = Entries::default();
            let mut expected = Vec::new();
            for n in 0..3 * keys.len() as u64 {
                let slot = if backward { 1_000 - n } else { n };
                let key = &keys[(n * 7) as usize % keys.len()];
                entries.push(key, slot);
                expected.push((key.clone(), slot));
            }
            entries.sort();
            expected.sort();
            let sorted: Vec<_> =
                entries.list.iter().map(|entry| (entries.key(entry).to_vec(), entry.slot)).collect();
            assert_eq!(sorted, expected, "backward: {backward}");
        }
    }
}
