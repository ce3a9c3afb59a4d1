//! Compaction in memory: documents are moved out of blocks that are mostly garbage.
//!
//! A block is freed when no version refers to it, so one live document keeps a whole block. The compaction counts the live
//! bytes of each block and copies the documents of blocks that are less than half live, in slot order, into new blocks. It
//! does not block other threads: a slot is locked only for its own swap, and a slot written meanwhile keeps its newer
//! version.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::snapshot::Compaction;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::format::record;
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::{Content, SlotId, Span};
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::options::BLOCK_BYTES;
use crate::storage::{Block, BlockPlace, FileId, Lsn};

/// The live bytes of the blocks that several documents may share, by address, and the bytes of all blocks.
#[derive(Default)]
struct Tally {
    alive: HashMap<usize, usize>,
    bytes: u64,
    documents: u64,
}

impl Tally {
    fn add(&mut self, block: &Arc<Block>, span: Span) {
        self.documents += 1;
        if span.is_alone(block) {
            self.bytes += block.bytes.len() as u64;
            return;
        }
        let alive = self.alive.entry(address(block)).or_insert(0);
        if *alive == 0 {
            self.bytes += block.bytes.len() as u64;
        }
        *alive += span.head() + span.len();
    }

    fn is_mostly_dead(&self, block: &Arc<Block>, span: Span) -> bool {
        let alive = (!span.is_alone(block)).then(|| self.alive.get(&address(block))).flatten();
        alive.is_some_and(|alive| 2 * alive < block.bytes.len())
    }
}

fn address(block: &Arc<Block>) -> usize {
    Arc::as_ptr(block) as usize
}

/// Documents on their way into a new block.
struct PackedDocument {
    payload: Vec<u8>,
    slots: Vec<(SlotId, Span)>,
}

/// Compacts every collection. Blocks that only an older view needs stay until that view is dropped.
pub(crate) fn pack(store: &Store, interrupt: &Interrupt) -> Result<Compaction> {
    let _one = store.compacting().lock();
    let began = store.elapsed();
    let appended = store.storage().stats().appended;
    let view = store.view();
    let collections: Vec<_> = view.catalogue().iter().map(|(_, collection)| collection.clone()).collect();
    let before = tally(&collections)?;
    interrupt.expect(collections.iter().map(|collection| collection.slab().end()).sum());
    for collection in &collections {
        pack_collection(store, collection, &before, view.lsn(), interrupt)?;
    }
    let after = tally(&collections)?;
    store.auto().packed(appended, after.bytes);
    let ms = (store.elapsed() - began).as_millis() as u64;
    let (bytes_before, bytes_after) = (before.bytes, after.bytes);
    tracing::info!(documents = after.documents, bytes_before, bytes_after, ms, "packed");
    Ok(Compaction { documents: after.documents, bytes_before, bytes_after, ms, pause_ms: 0.0 })
}

fn pack_collection(
    store: &Store,
    collection: &Collection,
    tally: &Tally,
    view: Lsn,
    interrupt: &Interrupt,
) -> Result<()> {
    let end = collection.slab().end();
    let time = store.commit_time();
    let mut next = 0;
    while next < end {
        if store.is_closing() {
            return Err(Error::new(Kind::Closed, "the database was closed during the compaction"));
        }
        let mut packed = PackedDocument { payload: Vec::new(), slots: Vec::new() };
        record::begin(&mut packed.payload, time);
        let from = next;
        next = collection.slab().scan(from, end, view, |slot, version| {
            if let Content::Hot(block, span) = &version.content
                && tally.is_mostly_dead(block, *span)
                && let Some(put) = span.record(block)
            {
                let (document, head) = record::put(&mut packed.payload, time, put.metadata(), span.of(block));
                packed.slots.push((slot, Span::new(document, head, put.version)));
            }
            if packed.payload.len() < BLOCK_BYTES {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        interrupt.advance(next - from);
        let len = u32::try_from(packed.payload.len()).unwrap_or(u32::MAX);
        let place = Arc::new(BlockPlace { file: FileId::Memory, frame: 0, offset: 0, len });
        let block = Arc::new(Block {
            place: *place,
            base: 0,
            bytes: packed.payload.into_boxed_slice(),
            transient: false,
        });
        for (slot, span) in packed.slots {
            collection.slab().repoint(slot, view, Some(&block), &place, span);
        }
    }
    Ok(())
}

fn tally(collections: &[Arc<Collection>]) -> Result<Tally> {
    let mut tally = Tally::default();
    for collection in collections {
        let slab = collection.slab();
        slab.scan(0, slab.end(), Lsn::NEWEST, |_, version| {
            if let Content::Hot(block, span) = &version.content {
                tally.add(block, *span);
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(tally)
}
