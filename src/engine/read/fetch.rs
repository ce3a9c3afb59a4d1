//! Fetches documents by slot, as a view sees them: in place in memory, or read from disk.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::layers::own::OwnDocuments;
use crate::document::RawValue;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::nonblocking::{NONBLOCKING_DOCUMENTS, blocked, nonblocking_bytes, would_block};
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::{Content, OnDisk, SlotId, Span};
use crate::engine::store::Store;
use crate::error::Result;
use crate::query::Filter;
use crate::storage::{Block, BlockPlace, Lsn};

/// Entries that are read while the index's lock is held once.
pub(crate) const ENTRIES: usize = 256;
/// The maximum number of documents that a reader of an index keeps in memory by themselves.
const FEW: usize = 256;
/// Documents from which on preparing the filter pays.
const MANY: usize = 32;

/// The context of a read, and its limits.
#[derive(Clone, Copy)]
pub(crate) struct ReadContext<'r> {
    /// The database.
    pub store: &'r Store,
    /// The collection.
    pub collection: &'r Arc<Collection>,
    /// The view.
    pub view: Lsn,
    /// The filter.
    pub filter: &'r Filter,
    /// When to stop.
    pub interrupt: &'r Interrupt,
    /// What the transaction of the read has written to the collection.
    pub own: Option<&'r OwnDocuments>,
}

impl<'r> ReadContext<'r> {
    /// Reads at this state.
    pub(crate) fn new(
        store: &'r Store,
        collection: &'r Arc<Collection>,
        view: Lsn,
        filter: &'r Filter,
        interrupt: &'r Interrupt,
    ) -> ReadContext<'r> {
        ReadContext { store, collection, view, filter, interrupt, own: None }
    }

    /// The same with what a transaction has written over it.
    #[must_use]
    pub(crate) fn over(self, own: Option<&'r OwnDocuments>) -> ReadContext<'r> {
        ReadContext { own, ..self }
    }

    /// Whether the transaction has replaced or deleted the document in this slot.
    #[inline]
    fn is_hidden(&self, slot: SlotId) -> bool {
        self.own.is_some_and(|own| own.hides(slot))
    }
}

/// A document that the view sees and the filter matches, as it is given to a visitor.
#[derive(Clone, Copy)]
pub(crate) struct Match<'b> {
    /// Its slot.
    pub(crate) slot: SlotId,
    /// The commit of its version.
    pub(crate) lsn: Lsn,
    /// The block that has it.
    pub(crate) block: &'b Arc<Block>,
    /// Its place in the block.
    pub(crate) span: Span,
}

impl Match<'_> {
    /// The document, to be kept.
    pub(crate) fn to_found(self) -> Found {
        let Match { slot, lsn, block, span } = self;
        Found { slot, lsn, block: block.clone(), span }
    }
}

/// A document that matched, kept for later.
#[derive(Clone)]
pub(crate) struct Found {
    /// Its slot.
    pub(crate) slot: SlotId,
    pub(super) lsn: Lsn,
    pub(super) block: Arc<Block>,
    pub(super) span: Span,
}

impl Found {
    /// The document, for a visitor.
    pub(crate) fn as_match(&self) -> Match<'_> {
        Match { slot: self.slot, lsn: self.lsn, block: &self.block, span: self.span }
    }
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Examined {
    /// Entries of indexes.
    pub keys: u64,
    /// Documents.
    pub documents: u64,
}

/// What stays in memory of what a reader reads from disk.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Keeping {
    /// Nothing is likely to be read again.
    Nothing,
    /// Blocks, where there is room.
    #[default]
    Blocks,
    /// Blocks where there is room, otherwise so many documents by themselves: few are likely to be read again, as by a query
    /// for a page of results; many would displace all others.
    Documents(usize),
}

/// The block read from disk last.
#[derive(Default)]
pub(crate) struct Last {
    read: Option<(Arc<BlockPlace>, Arc<Block>)>,
    keeping: Keeping,
}

impl Last {
    /// For a reader that passes over all documents once.
    pub(crate) fn passing() -> Last {
        Last { read: None, keeping: Keeping::Nothing }
    }

    /// For a reader of the documents that an index leads to.
    pub(crate) fn of_entries() -> Last {
        Last { read: None, keeping: Keeping::Documents(FEW) }
    }

    pub(crate) fn read(
        &mut self,
        store: &Store,
        collection: &Collection,
        slot: SlotId,
        disk: &OnDisk,
    ) -> Result<Arc<Block>> {
        if let Some((known, block)) = &self.read
            && (Arc::ptr_eq(known, disk.place()) || known == disk.place())
        {
            let block = block.clone();
            if self.keeping != Keeping::Nothing {
                store.check_version(collection, disk, &block)?;
            }
            return Ok(self.keep(store, collection, slot, disk, block));
        }
        if let Keeping::Documents(1..) = self.keeping
            && let Some(block) = store.documents().get(disk)
        {
            return Ok(block);
        }
        let block = store.read_version(collection, disk)?;
        self.read = Some((disk.place().clone(), block.clone()));
        Ok(self.keep(store, collection, slot, disk, block))
    }

    /// Keeps it in memory, as this reader does; returns the block to go on with.
    fn keep(
        &mut self,
        store: &Store,
        collection: &Collection,
        slot: SlotId,
        disk: &OnDisk,
        block: Arc<Block>,
    ) -> Arc<Block> {
        if self.keeping == Keeping::Nothing {
            return block;
        }
        if let Some(kept) = store.keep(collection, slot, &block) {
            return kept;
        }
        if let Keeping::Documents(left @ 1..) = &mut self.keeping {
            *left -= 1;
            store.keep_alone(disk, &block);
        }
        block
    }
}

/// Matches the documents in slots, in order, until the visitor stops; returns how many slots were passed. Documents in
/// memory are matched in place. `is_here` is called for those that match.
pub(crate) fn examine(
    reading: &ReadContext<'_>,
    slots: &[u64],
    last: &mut Last,
    examined: &mut Examined,
    is_here: &mut impl FnMut(usize, SlotId, RawValue<'_>) -> bool,
    visit: &mut impl FnMut(Match<'_>) -> ControlFlow<()>,
) -> Result<(usize, ControlFlow<()>)> {
    let shapes = reading.collection.shapes();
    let mut matcher = (slots.len() >= MANY).then(|| reading.filter.matcher());
    let mut matches = |document: RawValue<'_>| match &mut matcher {
        Some(matcher) => matcher.matches(document),
        None => reading.filter.matches(document),
    };
    let mut passed = 0;
    let mut flow = ControlFlow::Continue(());
    would_block(|| examined.documents > NONBLOCKING_DOCUMENTS as u64)?;
    let mut room = Some(nonblocking_bytes());
    while passed < slots.len() && flow.is_continue() {
        let mut cold = None;
        let start = passed;
        let rest = slots.get(start..).unwrap_or_default();
        let visited = reading.collection.slab().visit(rest, reading.view, |n, slot, version| {
            if reading.is_hidden(slot) {
                return ControlFlow::Continue(());
            }
            examined.documents += 1;
            match &version.content {
                Content::Hot(block, span) => {
                    room = room.and_then(|room| room.checked_sub(span.len()));
                    if room.is_none() {
                        return ControlFlow::Break(());
                    }
                    let document = RawValue::new(span.of(block), shapes);
                    if matches(document) && is_here(start + n, slot, document) {
                        flow = visit(Match { slot, lsn: version.lsn, block, span: *span });
                    }
                    flow
                }
                Content::Cold(..) => {
                    cold = version.on_disk().map(|disk| (start + n, slot, disk));
                    ControlFlow::Break(())
                }
                Content::Vacant | Content::Tombstone => ControlFlow::Continue(()),
            }
        });
        passed += visited?;
        if room.is_none() {
            return Err(blocked());
        }
        let Some((n, slot, disk)) = cold else { continue };
        let block = last.read(reading.store, reading.collection, slot, &disk)?;
        let document = RawValue::new(disk.span().of(&block), shapes);
        if matches(document) && is_here(n, slot, document) {
            flow = visit(Match { slot, lsn: disk.lsn(), block: &block, span: disk.span() });
        }
    }
    reading.filter.work().believe((passed, flow))
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
