//! The memory that stages hold, counted against the limit of their query. Beyond it a stage writes what it holds to disk, or
//! the query fails.

use super::row::Row;
use crate::error::Result;
pub(super) use crate::query::size::size;
use crate::work::{Hold, Work};

/// The memory that a stage holds, released on drop.
#[derive(Debug)]
pub(super) struct Memory(Hold);

impl Memory {
    pub(super) fn new(stage: &'static str, work: &Work) -> Memory {
        Memory(Hold::new(stage, work))
    }

    /// The same for a stage that writes to disk what is too much: see [`Memory::is_over`].
    pub(super) fn movable(stage: &'static str, work: &Work) -> Memory {
        Memory(Hold::movable(stage, work))
    }

    /// Whether the stage should write to disk what it holds: all that is more than `most`, or more than `least` while the
    /// query holds too much.
    #[inline]
    pub(super) fn is_over(&self, least: usize, most: usize) -> bool {
        self.0.is_over(least, most)
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// From now on what it holds stays in memory.
    pub(super) fn settle(&mut self) {
        self.0.settle();
    }

    /// `LIMIT` when it alone, which cannot be divided any further, holds more than the query may.
    pub(super) fn check_alone(&self) -> Result<()> {
        self.0.check_alone()
    }

    pub(super) fn into_hold(self) -> Hold {
        self.0
    }

    /// Counts bytes; `LIMIT` when they are too many.
    #[inline]
    pub(super) fn take(&mut self, bytes: usize) -> Result<()> {
        self.0.add(bytes)
    }

    pub(super) fn take_row(&mut self, row: &Row) -> Result<()> {
        self.take(weight(row))
    }

    pub(super) fn give(&mut self, bytes: usize) {
        self.0.release(bytes);
    }

    /// The work of the query.
    pub(super) fn work(&self) -> &Work {
        self.0.work()
    }
}

/// The memory that a row takes.
pub(super) fn weight(row: &Row) -> usize {
    match row {
        Row::Tree(value) => size(value),
        // The store owns the bytes of most documents.
        Row::Stored(stored) => 64 + stored.owned(),
    }
}

/// The results of a stage, returned one by one; a returned result is no longer counted.
#[derive(Debug)]
pub(super) struct Gathered<T> {
    items: std::vec::IntoIter<T>,
    memory: Option<Memory>,
    weight: fn(&T) -> usize,
}

impl<T> Gathered<T> {
    pub(super) fn new(items: Vec<T>, memory: Memory, weight: fn(&T) -> usize) -> Gathered<T> {
        Gathered { items: items.into_iter(), memory: Some(memory), weight }
    }

    pub(super) fn next(&mut self) -> Option<T> {
        let next = self.items.next();
        match (&next, &mut self.memory) {
            (Some(item), Some(memory)) => memory.give((self.weight)(item)),
            _ => self.memory = None,
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::work::Stop;

    #[test]
    fn what_is_held_is_given_back_at_the_end() {
        let work = Work::new(Arc::new(|| 0), Stop::default(), 100);
        let mut memory = Memory::new("$sort", &work);
        memory.take(100).unwrap();
        let mut gathered = Gathered::new(vec![1], memory, |_| 60);
        assert_eq!((gathered.next(), work.held()), (Some(1), 40));
        assert_eq!((gathered.next(), work.held()), (None, 0));
    }
}
