//! Eviction under `memoryLimit`: a clock over the documents in memory.
//!
//! The hand goes round the pages of all collections. A document that a read by key has used since the last pass is spared
//! once; the others are dropped from memory, because their file has them anyway. Keys, slots and indexes stay in memory.

use super::store::Store;

impl Store {
    /// Evicts documents until the rest fits `memoryLimit` again. Cheap when they fit. One thread at a time; other threads
    /// continue without waiting.
    pub(crate) fn cool(&self) {
        let Some(limit) = self.options().memory_limit else { return };
        let Some(mut hand) = self.hand().try_lock() else { return };
        let mut hot = self.hot_bytes();
        if hot <= limit {
            return;
        }
        // A little more than necessary, so that not every write moves the hand.
        let goal = limit - limit / 16;
        let mut numbers: Vec<u32> = self.collections().iter().map(|entry| *entry.key()).collect();
        numbers.sort_unstable();
        // Twice round: once to clear the use bits, once to evict what still has none.
        let first = numbers.partition_point(|number| *number < hand.0);
        let rounds = numbers.len() * 2 + 1;
        for number in numbers.iter().cycle().skip(first).take(rounds) {
            let Some(collection) = self.collections().get(number).map(|entry| entry.clone()) else {
                continue;
            };
            let slab = collection.slab();
            let mut slot = slab.next_warm(if *number == hand.0 { hand.1 } else { 0 });
            while slot < slab.end() {
                let (next, freed) = slab.cool_page(slot, self.views().published());
                slot = slab.next_warm(next);
                hot = hot.saturating_sub(freed);
                if hot <= goal {
                    *hand = (*number, slot);
                    return;
                }
            }
            *hand = (number + 1, 0);
        }
    }

    /// Whether documents in memory take more than `memoryLimit`.
    pub(crate) fn is_too_warm(&self) -> bool {
        self.options().memory_limit.is_some_and(|limit| self.hot_bytes() > limit)
    }

    /// Bytes of documents in memory, old versions included.
    pub(crate) fn hot_bytes(&self) -> u64 {
        self.collections().iter().map(|collection| collection.hot_bytes()).sum()
    }
}
