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
        let mut list = std::mem::take(&mut self.list);
        list.sort_unstable_by(|a, b| {
            (a.first.cmp(&b.first))
                .then_with(|| self.key(a).cmp(self.key(b)))
                .then_with(|| a.slot.cmp(&b.slot))
        });
        self.list = list;
    }

    /// Calls with each key that entries of several slots have, once sorted.
    pub fn collisions(&self, mut visit: impl FnMut(&[u8])) {
        let mut last: Option<&[u8]> = None;
        for pair in self.list.windows(2) {
            let [a, b] = pair else { continue };
            if a.slot != b.slot && self.key(a) == self.key(b) && last != Some(self.key(a)) {
                visit(self.key(a));
                last = Some(self.key(a));
            }
        }
    }

    /// The tree of them, once sorted.
    pub fn to_tree(&self) -> Tree {
        Tree::from_sorted(self.list.iter().map(|entry| (self.key(entry), entry.slot)))
    }
}
