//! Documents in natural order from the last to the first: the hint `{ $natural: -1 }`.
//!
//! Slots are read forward, a block of slots at a time, and the matches of a block are returned from its end. Blocks begin
//! with one slot and grow, so that the newest document is read alone; they shrink when documents are large.

use std::ops::ControlFlow;

use super::fetch::{Found, Match, ReadContext};
use super::scan::{self, Scan};
use crate::error::Result;

/// The maximum number of slots in a block.
const MOST: u64 = 1_024;
/// Bytes of matching documents in a block above which the next one is smaller.
const LARGE: usize = 1 << 20;

/// A scan from the end.
pub(crate) struct ReverseScan {
    /// Slots from here on were read.
    next: u64,
    stretch: u64,
    /// The matches of the last block; its last document is returned first.
    found: Vec<Found>,
}

impl ReverseScan {
    /// Starts before slot `end`.
    pub(crate) fn from(end: u64) -> ReverseScan {
        ReverseScan { next: end, stretch: 1, found: Vec::new() }
    }

    /// Whether nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.next == 0 && self.found.is_empty()
    }

    /// Calls a function with each matching document until it stops; returns how many slots were read.
    pub(crate) fn run(
        &mut self,
        reading: &ReadContext<'_>,
        visit: &mut impl FnMut(Match<'_>) -> ControlFlow<()>,
    ) -> Result<u64> {
        let before = self.next;
        loop {
            while let Some(one) = self.found.pop() {
                if visit(one.as_match()).is_break() {
                    return Ok(before - self.next);
                }
            }
            if self.next == 0 {
                return Ok(before);
            }
            let from = self.next.saturating_sub(self.stretch);
            let scan = Scan { bounds: (from, self.next), ..Scan::of(reading, self.next) };
            let (found, mut bytes) = (&mut self.found, 0);
            let taken = scan::each(reading.store, &scan, |one| {
                bytes += one.span.len();
                found.push(one.to_found());
                ControlFlow::Continue(())
            });
            if let Err(error) = taken {
                // The rest of this block is returned by the next call.
                self.found.clear();
                return Err(error);
            }
            self.next = from;
            self.stretch =
                if bytes > LARGE { (self.stretch / 2).max(1) } else { (self.stretch * 2).min(MOST) };
        }
    }
}
