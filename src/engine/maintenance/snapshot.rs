//! Writes the state of a view into a snapshot: for a compaction, a backup or a checkpoint.

use crate::document::{ShapeId, encode_plain};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::format::record::{self, Metadata};
use crate::engine::read::fetch::Match;
use crate::engine::read::scan::{self, Scan};
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::{SlotId, Span};
use crate::engine::state::tally::Tally;
use crate::engine::state::views::View;
use crate::engine::store::{Applied, Store};
use crate::error::{Error, Kind, Result};
use crate::options::BLOCK_BYTES;
use crate::query::Filter;
use crate::storage::{BlockPlace, Lsn, SnapshotSink};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a compaction did.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compaction {
    /// Documents in the snapshot; for a database in memory, all documents.
    pub documents: u64,
    /// Bytes of the database's files before; in memory, of the blocks with documents.
    pub bytes_before: u64,
    /// Bytes of them after.
    pub bytes_after: u64,
    /// How long it took.
    pub ms: u64,
    /// How long commits had to wait for it: the time for which the cut held the commit lock.
    pub pause_ms: f64,
}

/// The content of a snapshot: the state of a view, and the data beside the documents.
pub(crate) struct Generation {
    pub(crate) view: View,
    pub(crate) next_number: u32,
    /// Shapes that the log before the view defines, by collection.
    pub(crate) shapes: Vec<(Arc<str>, Arc<Collection>, usize)>,
    /// The sums of the commits up to the view, by collection.
    pub(crate) tallies: Vec<Tally>,
}

/// Blocks of one collection as they were written.
pub(crate) struct Written {
    pub(crate) collection: Arc<Collection>,
    pub(crate) blocks: Vec<WrittenBlock>,
}

/// The place of a block, and its documents: their slots, and their places in the block.
pub(crate) struct WrittenBlock {
    pub(crate) place: BlockPlace,
    pub(crate) slots: Vec<SlotId>,
    pub(crate) spans: Vec<Span>,
}

impl Generation {
    /// The LSN of the state.
    pub(crate) fn lsn(&self) -> Lsn {
        self.view.lsn()
    }
}

impl Written {
    /// Documents in the blocks.
    pub(crate) fn documents(&self) -> u64 {
        self.blocks.iter().map(|block| block.slots.len() as u64).sum()
    }
}

/// The newest applied state. Its commits may not be published yet: the result is valid once they are.
pub(crate) fn generation(store: &Store, applied: &Applied) -> Generation {
    let view = store.views().open_applied(applied.lsn, applied.catalogue.clone(), store.now());
    let shapes = applied
        .catalogue
        .iter()
        .map(|(name, collection)| (name.clone(), collection.clone(), collection.logged_shapes()))
        .collect();
    let tallies = applied.catalogue.iter().map(|(_, collection)| collection.tally().now()).collect();
    Generation { view, next_number: applied.next_number, shapes, tallies }
}

/// Writes the state into a snapshot, of this database or of another.
pub(crate) fn write(
    store: &Store,
    generation: &Generation,
    sink: &mut dyn SnapshotSink,
    interrupt: &Interrupt,
) -> Result<Vec<Written>> {
    let Generation { view, next_number, shapes, .. } = generation;
    write_database(store, shapes, view.lsn(), *next_number, sink)?;
    let mut written = Vec::new();
    // Each document is written, and then read back by the proof.
    interrupt.expect(generation.shapes.iter().map(|(_, collection, _)| 2 * collection.count()).sum());
    for (_, collection, _) in &generation.shapes {
        written.push(write_collection(store, collection, generation.view.lsn(), sink, interrupt)?);
    }
    Ok(written)
}

/// Names, shapes and counters: the blocks of collection 0.
pub(crate) fn write_database(
    store: &Store,
    collections: &[(Arc<str>, Arc<Collection>, usize)],
    lsn: Lsn,
    next_number: u32,
    sink: &mut dyn SnapshotSink,
) -> Result<()> {
    let time = store.now();
    let mut payload = Vec::new();
    record::begin(&mut payload, time);
    for (name, collection, shapes) in collections {
        record::create(&mut payload, collection.number(), name, b"");
        for index in collection.indexes().iter().filter(|index| index.is_ready(lsn)) {
            let mut spec = Vec::new();
            encode_plain(&index.spec().to_value(), &mut spec);
            if payload.len() + spec.len() > BLOCK_BYTES {
                sink.block(0, 0, &payload)?;
                payload.clear();
                record::begin(&mut payload, time);
            }
            record::index(&mut payload, collection.number(), &spec);
        }
        for shape in 0..*shapes as u16 {
            let Some(definition) = collection.shapes().get(ShapeId(shape)) else { continue };
            record::shape(&mut payload, collection.number(), shape, definition.keys());
            if payload.len() > BLOCK_BYTES {
                sink.block(0, 0, &payload)?;
                payload.clear();
                record::begin(&mut payload, time);
            }
        }
    }
    record::next(&mut payload, next_number);
    sink.block(0, 0, &payload)?;
    Ok(())
}

fn write_collection(
    store: &Store,
    collection: &Arc<Collection>,
    view: Lsn,
    sink: &mut dyn SnapshotSink,
    interrupt: &Interrupt,
) -> Result<Written> {
    let time = store.now();
    let number = collection.number();
    let end = collection.slab().end();
    let mut blocks = Vec::new();
    let mut next = 0;
    while next < end {
        let mut payload = Vec::with_capacity(BLOCK_BYTES);
        record::begin(&mut payload, time);
        let (mut slots, mut spans): (Vec<SlotId>, Vec<Span>) = Default::default();
        let mut full = None;
        let mut damaged = None;
        next = scan::each(
            store,
            &Scan {
                collection,
                bounds: (next, end),
                view,
                filter: &Filter::all(),
                interrupt,
                keeps: false,
                own: None,
            },
            |Match { slot, block, span, .. }| {
                let Some(put) = span.record(block) else {
                    damaged = Some(block.place);
                    return ControlFlow::Break(());
                };
                let document = span.of(block);
                if !slots.is_empty() && payload.len() + document.len() + 64 > BLOCK_BYTES {
                    full = Some(slot.0);
                    return ControlFlow::Break(());
                }
                let metadata = Metadata { collection: number, ..put.metadata() };
                let (place, head) = record::put(&mut payload, time, metadata, document);
                slots.push(slot);
                spans.push(Span::new(place, head, put.version));
                ControlFlow::Continue(())
            },
        )?;
        if let Some(place) = damaged {
            let message = format!("a slot names no document record of its block at {place:?}");
            return Err(Error::new(Kind::Internal, message));
        }
        // The document that did not fit begins the next block.
        next = full.unwrap_or(next);
        if store.is_closing() {
            return Err(Error::new(Kind::Closed, "the database was closed during the compaction"));
        }
        interrupt.check(|| store.now())?;
        if !slots.is_empty() {
            let place = sink.block(number, slots.len() as u32, &payload)?;
            interrupt.advance(slots.len() as u64);
            blocks.push(WrittenBlock { place, slots, spans });
        }
    }
    Ok(Written { collection: collection.clone(), blocks })
}
