//! Sums over a collection that commits maintain, independent of the content of slots: the number of documents, and the sum
//! of a hash of key, slot and version of each. Code that writes or reads all documents can compare its own sum with it.
//!
//! The sum does not depend on the order, and replaced documents are subtracted, so a commit computes one or two hashes.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use super::slab::SlotId;
use crate::engine::format::key::Key;

/// The sum over some documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Documents.
    pub documents: u64,
    /// The sum of their hashes.
    pub digest: u64,
}

/// The hash of a key, which stays the same when the document is written again.
#[derive(Clone, Copy)]
pub(crate) struct KeyHash(u64);

impl KeyHash {
    /// The hash of this key.
    pub(crate) fn of(key: &Key) -> KeyHash {
        let mut hasher = foldhash::quality::FixedState::default().build_hasher();
        hasher.write(key);
        KeyHash(hasher.finish())
    }
}

impl Tally {
    /// Adds a document: its key, its slot, and its version.
    pub(crate) fn add(&mut self, key: KeyHash, slot: SlotId, version: u32) {
        self.documents = self.documents.wrapping_add(1);
        self.digest = self.digest.wrapping_add(hash(key, slot, version));
    }

    /// Subtracts a document.
    pub(crate) fn take(&mut self, key: KeyHash, slot: SlotId, version: u32) {
        self.documents = self.documents.wrapping_sub(1);
        self.digest = self.digest.wrapping_sub(hash(key, slot, version));
    }
}

fn hash(key: KeyHash, slot: SlotId, version: u32) -> u64 {
    let mut hasher = foldhash::quality::FixedState::default().build_hasher();
    hasher.write_u64(key.0);
    hasher.write_u64(slot.0);
    hasher.write_u32(version);
    hasher.finish()
}

/// The sum of a collection. Changed under the commit lock, or by threads that load a snapshot.
#[derive(Default)]
pub(crate) struct Running {
    documents: AtomicU64,
    digest: AtomicU64,
}

impl Running {
    /// Adds a sum.
    pub(crate) fn add(&self, tally: Tally) {
        self.documents.fetch_add(tally.documents, Ordering::Relaxed);
        self.digest.fetch_add(tally.digest, Ordering::Relaxed);
    }

    /// The current sum.
    pub(crate) fn now(&self) -> Tally {
        let load = |part: &AtomicU64| part.load(Ordering::Relaxed);
        Tally { documents: load(&self.documents), digest: load(&self.digest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_does_not_depend_on_the_order_and_tells_documents_slots_and_versions_apart() {
        let key = |text: &str| KeyHash::of(&Key::from_slice(text.as_bytes()));
        let of = |all: &[(&str, u64, u32)]| {
            let mut tally = Tally::default();
            all.iter().for_each(|(text, slot, version)| tally.add(key(text), SlotId(*slot), *version));
            tally
        };
        let sum = of(&[("a", 0, 1), ("b", 1, 1)]);
        assert_eq!(of(&[("b", 1, 1), ("a", 0, 1)]), sum);
        for other in [[("a", 1, 1), ("b", 0, 1)], [("a", 0, 1), ("b", 1, 2)], [("a", 0, 1), ("a", 1, 1)]] {
            assert_ne!(of(&other), sum);
        }
        let mut changed = of(&[("b", 1, 1), ("c", 7, 3), ("a", 0, 1)]);
        changed.take(key("c"), SlotId(7), 3);
        assert_eq!(changed, sum);
    }
}
