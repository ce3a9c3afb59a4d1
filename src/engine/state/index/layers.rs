//! The entries of an index below those that commits change: a checkpoint's on disk, and over it those that are being written to
//! the next one. Neither changes, so they are read without a lock.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::engine::state::base::{IndexBase, Page};
use crate::engine::state::slab::SlotId;
use crate::error::Result;
use crate::index::entry::{entry_of, split_entry};
use crate::index::{Range, ScanDirection, Tree};

/// Entries below those that commits change: exactly those of the state at some commit, each once.
pub(crate) enum Layer {
    /// Of a checkpoint.
    Base(IndexBase),
    /// Entries on a layer, without those of it that are gone.
    Frozen { below: Option<Arc<Layer>>, tree: Tree, gone: Tree },
}

impl Layer {
    /// Entries.
    pub(super) fn len(&self) -> u64 {
        match self {
            Layer::Base(base) => base.len(),
            Layer::Frozen { below, tree, gone } => {
                let below = below.as_ref().map_or(0, |below| below.len());
                (below + tree.len()).saturating_sub(gone.len())
            }
        }
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Layer::Base(_) => 0,
            Layer::Frozen { below, tree, gone } => {
                below.as_ref().map_or(0, |below| below.bytes()) + tree.bytes() + gone.bytes()
            }
        }
    }

    /// The number of entries in a range.
    pub(super) fn count(&self, range: &Range) -> Result<u64> {
        match self {
            Layer::Base(base) => base.count(range),
            Layer::Frozen { below, tree, gone } => {
                let below = below.as_ref().map_or(Ok(0), |below| below.count(range))?;
                Ok((below + tree.estimate(range)).saturating_sub(gone.estimate(range)))
            }
        }
    }

    /// Entries of a range in this direction, at most `max`, starting after `after`. Where there are more, it has one at least.
    pub(crate) fn page(
        &self,
        range: &Range,
        after: Option<&[u8]>,
        direction: ScanDirection,
        max: usize,
    ) -> Result<Page> {
        let (below, tree, gone) = match self {
            Layer::Base(base) => return base.page(range, after, direction, max),
            Layer::Frozen { below, tree, gone } => (below, tree, gone),
        };
        let mut after = after.map(<[u8]>::to_vec);
        let mut page = Page::default();
        loop {
            let from = after.as_deref();
            let under = match below {
                Some(below) => below.page(range, from, direction, max)?,
                None => Page::default(),
            };
            let mut push = |key: &[u8], slot: SlotId| page.push(&entry_of(key, slot.0));
            let merged = Merged { gone, max, direction, visit: &mut push, given: 0, last: Vec::new() };
            after = merged.run(&under, |visit| tree.page(range, from, direction, max, visit));
            page.more = after.is_some();
            if !page.more || page.iter().next().is_some() {
                return Ok(page);
            }
        }
    }

    /// Slots that have an entry of this key, in order.
    pub(super) fn slots(&self, key: &[u8]) -> Result<Vec<u64>> {
        match self {
            Layer::Base(base) => base.slots(key),
            Layer::Frozen { below, tree, gone } => {
                let mut slots = below.as_ref().map_or(Ok(Vec::new()), |below| below.slots(key))?;
                slots.retain(|slot| !gone.contains(key, *slot));
                tree.slots_of(key, |slot| {
                    slots.push(slot);
                    ControlFlow::Continue(())
                });
                slots.sort_unstable();
                slots.dedup();
                Ok(slots)
            }
        }
    }
}

/// The entries of a layer and those in memory over it as one list.
pub(super) struct Merged<'m, V> {
    pub(super) gone: &'m Tree,
    pub(super) max: usize,
    pub(super) direction: ScanDirection,
    pub(super) visit: &'m mut V,
    pub(super) given: usize,
    /// The last entry that the visitor received.
    pub(super) last: Vec<u8>,
}

impl<V: FnMut(&[u8], SlotId)> Merged<'_, V> {
    /// Returns the entry to continue after, as [`Index::page`]. `above` calls a function with entries in memory.
    pub(super) fn run(
        mut self,
        below: &Page,
        above: impl FnOnce(&mut dyn FnMut(&[u8], u64)) -> Option<Vec<u8>>,
    ) -> Option<Vec<u8>> {
        let mut next = below.iter().peekable();
        let mut full = false;
        let more = above(&mut |key, slot| {
            if full {
                return;
            }
            let own = entry_of(key, slot);
            while let Some(entry) = next.next_if(|entry| self.is_before(entry, &own)) {
                full = full || !self.give(entry);
            }
            // After the last entry that was read from disk there may be others before this one.
            if next.next_if(|entry| **entry == own[..]).is_none() && below.more && next.peek().is_none() {
                full = true;
            }
            full = full || !self.pass(&own);
        });
        // Where there are more in memory, they may come before the next one on disk.
        full = full || more.is_some();
        while !full && let Some(entry) = next.next() {
            full = !self.give(entry);
        }
        (full || below.more).then_some(self.last)
    }

    fn is_before(&self, a: &[u8], b: &[u8]) -> bool {
        match self.direction {
            ScanDirection::Forward => a < b,
            ScanDirection::Backward => a > b,
        }
    }

    /// Passes on an entry of the layer, unless it was removed; false when the maximum is reached.
    fn give(&mut self, entry: &[u8]) -> bool {
        let (key, slot) = split_entry(entry);
        if self.gone.contains(key, slot) {
            self.last = entry.to_vec();
            return true;
        }
        self.pass(entry)
    }

    fn pass(&mut self, entry: &[u8]) -> bool {
        if self.given == self.max {
            return false;
        }
        let (key, slot) = split_entry(entry);
        (self.visit)(key, SlotId(slot));
        self.given += 1;
        self.last.clear();
        self.last.extend_from_slice(entry);
        true
    }
}
