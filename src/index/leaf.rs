//! A leaf of the tree: packed entries in order.

use smallvec::SmallVec;

/// The maximum number of entries of a leaf.
pub(super) const ENTRIES: usize = 128;
/// The maximum bytes of a leaf; offsets are u16, and one more entry must fit.
pub(super) const BYTES: usize = 16 << 10;
/// Bytes by which a leaf grows.
const GROWTH: usize = 256;

/// The lower bound of a leaf's range.
pub(super) type Low = SmallVec<[u8; 24]>;

/// A leaf.
#[derive(Clone, Default)]
pub(super) struct Leaf {
    pub(super) low: Low,
    pub(super) bytes: Vec<u8>,
    pub(super) ends: Vec<u16>,
    /// The index after the last inserted entry: a leaf of ascending inserts is split there.
    pub(super) next: u16,
}

impl Leaf {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn is_full(&self, more: usize) -> bool {
        self.len() >= ENTRIES || (!self.ends.is_empty() && self.bytes.len() + more > BYTES)
    }

    pub(super) fn begin(&self, at: usize) -> usize {
        if at == 0 { 0 } else { usize::from(self.ends[at - 1]) }
    }

    pub(super) fn entry(&self, at: usize) -> &[u8] {
        &self.bytes[self.begin(at)..usize::from(self.ends[at])]
    }

    pub(super) fn partition(&self, before: impl Fn(&[u8]) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if before(self.entry(middle)) { low = middle + 1 } else { high = middle }
        }
        low
    }

    pub(super) fn insert(&mut self, at: usize, entry: &[u8]) {
        if self.bytes.capacity() - self.bytes.len() < entry.len() {
            self.bytes.reserve_exact(entry.len().max(GROWTH));
        }
        if self.ends.capacity() == self.ends.len() {
            self.ends.reserve_exact(GROWTH / 16);
        }
        let (begin, len) = (self.begin(at), self.bytes.len());
        self.bytes.resize(len + entry.len(), 0);
        self.bytes.copy_within(begin..len, begin + entry.len());
        self.bytes[begin..begin + entry.len()].copy_from_slice(entry);
        self.ends.insert(at, begin as u16);
        for end in &mut self.ends[at..] {
            *end += entry.len() as u16;
        }
        self.next = at as u16 + 1;
    }

    pub(super) fn remove(&mut self, at: usize) {
        let (begin, end) = (self.begin(at), usize::from(self.ends[at]));
        self.bytes.drain(begin..end);
        self.ends.remove(at);
        for later in &mut self.ends[at..] {
            *later -= (end - begin) as u16;
        }
        self.next = u16::MAX;
    }

    /// Splits off the entries from `at` on; the `low` of the returned leaf is not set.
    pub(super) fn split_off(&mut self, at: usize) -> Leaf {
        let begin = self.begin(at);
        let bytes = self.bytes[begin..].to_vec();
        let ends = self.ends[at..].iter().map(|end| end - begin as u16).collect();
        self.bytes.truncate(begin);
        self.ends.truncate(at);
        self.shrink();
        Leaf { low: Low::new(), bytes, ends, next: u16::MAX }
    }

    pub(super) fn append(&mut self, next: &Leaf) {
        let base = self.bytes.len() as u16;
        self.bytes.reserve_exact(next.bytes.len());
        self.bytes.extend_from_slice(&next.bytes);
        self.ends.reserve_exact(next.len());
        self.ends.extend(next.ends.iter().map(|end| end + base));
        self.next = u16::MAX;
    }

    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    pub(super) fn allocated(&self) -> u64 {
        let low = if self.low.spilled() { self.low.capacity() } else { 0 };
        (size_of::<Leaf>() + self.bytes.capacity() + 2 * self.ends.capacity() + low) as u64
    }
}
