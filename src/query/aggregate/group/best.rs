//! The first or the last n items of many in an order, with about twice as many in memory. New items are appended to
//! those that are kept, and sorted in when there are as many of them, so that each costs the logarithm of n.

use std::cmp::Ordering;

use crate::error::Result;
use crate::query::aggregate::memory::Memory;
use crate::query::merge_sort;
use crate::work::Work;

/// Which end of the order is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::query) enum Side {
    First,
    Last,
}

/// New items below this number are not worth sorting in.
const LEAST: usize = 64;

/// Equal items keep their order.
#[derive(Debug)]
pub(in crate::query) struct Best<T> {
    n: usize,
    side: Side,
    items: Vec<T>,
    /// The number of sorted items at the front: none or n. With n, an item that is worse than the worst of them is
    /// dropped.
    sorted: usize,
}

impl<T> Best<T> {
    pub(in crate::query) fn new(n: usize, side: Side) -> Best<T> {
        Best { n, side, items: Vec::new(), sorted: 0 }
    }

    pub(in crate::query) fn add(
        &mut self,
        item: T,
        size: impl Fn(&T) -> usize,
        order: impl Fn(&T, &T) -> Ordering,
        memory: &mut Memory,
    ) -> Result<()> {
        let worst = match self.side {
            Side::First => self.sorted.checked_sub(1),
            Side::Last if self.sorted > 0 => Some(0),
            Side::Last => None,
        };
        let loses = worst.and_then(|at| self.items.get(at)).is_some_and(|worst| match self.side {
            Side::First => order(&item, worst).is_ge(),
            Side::Last => order(&item, worst).is_lt(),
        });
        if loses {
            return Ok(());
        }
        memory.take(size(&item))?;
        self.items.push(item);
        if self.items.len() >= self.n.saturating_mul(2).max(self.n.saturating_add(LEAST)) {
            let all = std::mem::take(&mut self.items);
            let (kept, gone) = self.cut(merge_sort::sort_by(all, memory.work(), order)?);
            memory.give(gone.iter().map(size).sum());
            self.items = kept;
            self.sorted = self.items.len();
        }
        Ok(())
    }

    pub(in crate::query) fn finish(
        mut self,
        order: impl Fn(&T, &T) -> Ordering,
        work: &Work,
    ) -> Result<Vec<T>> {
        let all = std::mem::take(&mut self.items);
        Ok(self.cut(merge_sort::sort_by(all, work, order)?).0)
    }

    /// The items that are kept, and new ones.
    pub(super) fn items(&self) -> &[T] {
        &self.items
    }

    /// The number of items at the front that are in order.
    pub(super) fn sorted(&self) -> usize {
        self.sorted
    }

    /// Sets both.
    pub(super) fn restore(&mut self, items: Vec<T>, sorted: usize) {
        (self.items, self.sorted) = (items, sorted);
    }

    /// Splits all items, in order, into those that are kept and the others.
    fn cut(&self, mut all: Vec<T>) -> (Vec<T>, Vec<T>) {
        match self.side {
            Side::First => {
                let gone = all.split_off(self.n.min(all.len()));
                (all, gone)
            }
            Side::Last => {
                let kept = all.split_off(all.len().saturating_sub(self.n));
                (kept, all)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_are_those_of_a_whole_sort_and_equal_ones_keep_their_order() {
        for side in [Side::First, Side::Last] {
            for n in [1, 2, 63, 100, 5_000] {
                let work = Work::default();
                let mut memory = Memory::new("$topN", &work);
                let mut best = Best::new(n, side);
                let mut all: Vec<(u64, u64)> =
                    (0..3_000).map(|at: u64| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56, at)).collect();
                for item in &all {
                    best.add(*item, |_| 1, |a, b| a.0.cmp(&b.0), &mut memory).unwrap();
                }
                all.sort_by_key(|(key, _)| *key);
                let expected = match side {
                    Side::First => all.get(..n.min(all.len())),
                    Side::Last => all.get(all.len().saturating_sub(n)..),
                };
                assert_eq!(best.finish(|a, b| a.0.cmp(&b.0), &work).unwrap(), expected.unwrap());
            }
        }
    }
}
