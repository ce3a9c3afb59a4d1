//! The documents that a snapshot is to have, one after the other, for its proof.

use std::collections::VecDeque;

use super::places::{Placed, SlotReader};
use crate::engine::format::checkpoint::SLOTS;
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::{Content, SlotId, Span};
use crate::error::Result;
use crate::storage::Lsn;

/// The documents of a collection that are due, in the order of their slots.
pub(super) enum Due<'a> {
    Written(Option<SlotReader<'a>>),
    Seen { collection: &'a Collection, view: Lsn, end: u64, next: u64, seen: VecDeque<(SlotId, Span)> },
}

impl<'d> Due<'d> {
    /// Those that a view sees below the slot `end`.
    pub(super) fn seen(collection: &'d Collection, view: Lsn, end: u64) -> Due<'d> {
        Due::Seen { collection, view, end, next: 0, seen: VecDeque::new() }
    }

    /// The next one; its place and span only where they are known, else it has this version.
    pub(super) fn next(&mut self) -> Result<Option<(SlotId, Span, Option<Placed>)>> {
        match self {
            Due::Written(reader) => {
                let next = reader.as_mut().map_or(Ok(None), SlotReader::next)?;
                Ok(next.map(|placed| (placed.slot, placed.span, Some(placed))))
            }
            Due::Seen { collection, view, end, next, seen } => {
                while seen.is_empty() && *next < *end {
                    let first = *next;
                    collection.slab().peek(first, *view, |at, version| match &version.content {
                        Content::Hot(_, span) | Content::Cold(_, span) => {
                            seen.push_back((SlotId(first + at as u64), *span));
                        }
                        Content::Vacant | Content::Tombstone => {}
                    })?;
                    *next += SLOTS as u64;
                }
                Ok(seen.pop_front().map(|(slot, span)| (slot, span, None)))
            }
        }
    }
}
