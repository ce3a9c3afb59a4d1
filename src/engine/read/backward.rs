//! Documents in natural order from the last to the first: the hint `{ $natural: -1 }`.
//!
//! Slots are read forward, a stretch at a time, and what a stretch holds is handed out from its end. Stretches begin
//! with one slot and grow, so that the newest document costs no more than itself, and shrink where documents are large.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::fetch::ReadContext;
use super::scan::Found;
use crate::engine::state::slab::{SlotId, Span};
use crate::error::Result;
use crate::storage::{Block, Lsn};

/// Slots in a stretch at most.
const MOST: u64 = 1_024;
/// Bytes of matching documents in a stretch from which on the next one is shorter.
const LARGE: usize = 1 << 20;

/// A scan from the end.
pub(crate) struct ReverseScan {
    /// Slots from here on were read.
    next: u64,
    stretch: u64,
    /// What the last stretch held; its last document comes first.
    found: Vec<Found>,
}

impl ReverseScan {
    /// From the slot before `end` on.
    pub(crate) fn from(end: u64) -> ReverseScan {
        ReverseScan { next: end, stretch: 1, found: Vec::new() }
    }

    /// Whether nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.next == 0 && self.found.is_empty()
    }

    /// Calls with each document that matches until told to stop; answers how many slots were read.
    pub(crate) fn run(
        &mut self,
        reading: &ReadContext<'_>,
        visit: &mut impl FnMut(SlotId, Lsn, &Arc<Block>, Span) -> ControlFlow<()>,
    ) -> Result<u64> {
        let before = self.next;
        loop {
            while let Some((slot, lsn, block, span)) = self.found.pop() {
                if visit(slot, lsn, &block, span).is_break() {
                    return Ok(before - self.next);
                }
            }
            if self.next == 0 {
                return Ok(before);
            }
            let from = self.next.saturating_sub(self.stretch);
            let ReadContext { store, collection, view, filter, watch } = *reading;
            let (found, mut bytes) = (&mut self.found, 0);
            let taken =
                store.scan(collection, (from, self.next), view, filter, watch, |slot, lsn, block, span| {
                    bytes += span.len();
                    found.push((slot, lsn, block.clone(), span));
                    ControlFlow::Continue(())
                });
            if let Err(error) = taken {
                // What was gathered of this stretch would be handed out again by the next call.
                self.found.clear();
                return Err(error);
            }
            self.next = from;
            self.stretch =
                if bytes > LARGE { (self.stretch / 2).max(1) } else { (self.stretch * 2).min(MOST) };
        }
    }
}
