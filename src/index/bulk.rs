//! Many entries at once: collected in any order, sorted, made into a tree.

use super::tree::{Tree, cut};

/// Entries in the order they came, packed.
#[derive(Default)]
pub struct Entries {
    bytes: Vec<u8>,
    list: Vec<Entry>,
}

struct Entry {
    /// The first bytes of the key, which decide most comparisons.
    first: u64,
    slot: u64,
    start: usize,
    len: u16,
}

impl Entries {
    /// Adds an entry.
    pub fn push(&mut self, key: &[u8], slot: u64) {
        let key = cut(key);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let mut first = [0; 8];
        first.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        let first = u64::from_be_bytes(first);
        self.list.push(Entry { first, slot, start, len: key.len() as u16 });
    }

    /// The entries that were pushed with these numbers get slots: `slots` answers each.
    pub fn place(&mut self, slots: impl Fn(u64) -> u64) {
        for entry in &mut self.list {
            entry.slot = slots(entry.slot);
        }
    }

    /// Takes back what was pushed last with this number.
    pub fn take_back(&mut self, number: u64) {
        while self.list.last().is_some_and(|entry| entry.slot == number) {
            self.list.pop();
        }
    }

    /// Keys and slots, as they stand.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.list.iter().map(|entry| (self.key(entry), entry.slot))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn key(&self, entry: &Entry) -> &[u8] {
        &self.bytes[entry.start..entry.start + usize::from(entry.len)]
    }

    /// Puts them in order.
    pub fn sort(&mut self) {
        if self.list.len() < 2 {
            return;
        }
        let mut list = std::mem::take(&mut self.list);
        list.sort_unstable_by(|a, b| {
            (a.first.cmp(&b.first))
                .then_with(|| self.key(a).cmp(self.key(b)))
                .then_with(|| a.slot.cmp(&b.slot))
        });
        self.list = list;
    }
}

/// The tree of sorted runs. Calls with each key that several slots have.
pub fn merge(runs: &[Entries], mut collides: impl FnMut(&[u8])) -> Tree {
    let mut places = vec![0; runs.len()];
    let mut last: Option<(&[u8], u64)> = None;
    let mut reported = false;
    Tree::from_sorted(std::iter::from_fn(|| {
        // There are as many runs as threads: few.
        let heads = runs.iter().zip(&places).enumerate();
        let heads = heads.filter_map(|(n, (run, at))| Some((run, run.list.get(*at)?, n)));
        let (run, entry, n) = heads.min_by(|(a, x, _), (b, y, _)| {
            (x.first.cmp(&y.first)).then_with(|| a.key(x).cmp(b.key(y))).then_with(|| x.slot.cmp(&y.slot))
        })?;
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
