//! Larger than memory: a clock over the documents in memory turns the ones not asked for cold.
//!
//! The hand goes round the pages of all collections. What a read by key found since it came by last is spared
//! once; the rest is left to the file that holds it anyway. Keys, slots and indexes stay in memory.

use super::store::Store;

impl Store {
    /// Turns documents cold until the hot ones fit `memoryLimit` again. Cheap when they do. One thread at a
    /// time; others go on without waiting.
    pub fn cool(&self) {
        let Some(limit) = self.options().memory_limit else { return };
        if !self.is_loaded() {
            return;
        }
        let Some(mut hand) = self.hand().try_lock() else { return };
        let mut hot = self.hot_bytes();
        if hot <= limit {
            return;
        }
        // A little more than asked, so that not every write moves the hand.
        let goal = limit - limit / 16;
        let mut numbers: Vec<u32> = self.collections().iter().map(|entry| *entry.key()).collect();
        numbers.sort_unstable();
        // Twice round: once to take the marks of use away, once to take what still has none.
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
    pub fn is_too_warm(&self) -> bool {
        self.options().memory_limit.is_some_and(|limit| self.hot_bytes() > limit)
    }

    /// Bytes of documents in memory, old versions included.
    pub fn hot_bytes(&self) -> u64 {
        self.collections().iter().map(|collection| collection.hot_bytes()).sum()
    }
}
