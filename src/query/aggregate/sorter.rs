//! Sorts what a stage gathers: in memory, or in runs on disk once it is too much.

use super::memory::{Gathered, Memory};
use crate::error::Result;
use crate::query::merge_sort;
use crate::query::spill::runs::{Form, Merged, Runs};
use crate::work::Work;

/// The items of a stage that were gathered so far.
///
/// It stands on the heap, and what takes room on the stack is in functions of its own: a thousand stages may read from one
/// another, and each of them is on the stack meanwhile.
pub(super) struct Sorter<F: Form> {
    items: Vec<F::Item>,
    runs: Runs<F>,
    memory: Memory,
    weight: fn(&F::Item) -> usize,
}

/// The items in order.
pub(super) enum Ordered<F: Form> {
    InMemory(Gathered<F::Item>),
    OnDisk(Box<Merged<F>>),
}

impl<F: Form> Sorter<F> {
    /// For the stage of this name, which needs the first `keep` items.
    pub(super) fn new(
        stage: &'static str,
        form: F,
        keep: usize,
        work: &Work,
        weight: fn(&F::Item) -> usize,
    ) -> Box<Sorter<F>> {
        let (runs, memory) = (Runs::new(form, keep, work), Memory::movable(stage, work));
        Box::new(Sorter { items: Vec::new(), runs, memory, weight })
    }

    /// Adds an item.
    pub(super) fn push(&mut self, item: F::Item) -> Result<()> {
        self.memory.take((self.weight)(&item))?;
        self.items.push(item);
        if self.is_over() { self.put_away(Vec::new()) } else { Ok(()) }
    }

    /// Whether the item cannot be among those that are needed.
    pub(super) fn is_behind(&self, item: &F::Item) -> bool {
        self.runs.is_behind(item)
    }

    /// Counts an item that the stage itself holds, in place of another.
    pub(super) fn exchange(&mut self, item: &F::Item, other: Option<&F::Item>) -> Result<()> {
        self.memory.take((self.weight)(item))?;
        if let Some(other) = other {
            self.memory.give((self.weight)(other));
        }
        Ok(())
    }

    /// Whether the items should go to disk.
    pub(super) fn is_over(&self) -> bool {
        self.memory.is_over(self.memory.work().sliver(), usize::MAX)
    }

    /// Writes the items to disk, with those that the stage itself held.
    #[inline(never)]
    pub(super) fn put_away(&mut self, held: Vec<F::Item>) -> Result<()> {
        let sorted = self.sorted(held)?;
        self.runs.add(sorted)?;
        self.memory.give(usize::MAX);
        Ok(())
    }

    /// The items in order, with those that the stage itself held.
    #[inline(never)]
    #[expect(clippy::boxed_local, reason = "it does not move to the stack of the caller")]
    pub(super) fn finish(mut self: Box<Self>, held: Vec<F::Item>) -> Result<Ordered<F>> {
        let sorted = self.sorted(held)?;
        let Sorter { runs, mut memory, weight, .. } = *self;
        if !runs.is_empty() {
            return Ok(Ordered::OnDisk(Box::new(runs.merged(sorted, memory.into_hold())?)));
        }
        memory.settle();
        Ok(Ordered::InMemory(Gathered::new(sorted, memory, weight)))
    }

    fn sorted(&mut self, mut held: Vec<F::Item>) -> Result<Vec<F::Item>> {
        let mut items = std::mem::take(&mut self.items);
        items.append(&mut held);
        merge_sort::sort_by(items, self.memory.work(), |a, b| self.runs.form().compare(a, b))
    }
}

impl<F: Form> Ordered<F> {
    /// The next item.
    pub(super) fn next(&mut self) -> Result<Option<F::Item>> {
        match self {
            Ordered::InMemory(items) => Ok(items.next()),
            Ordered::OnDisk(merged) => merged.next(),
        }
    }
}
