//! Writes the state of a view into a snapshot: for a compaction, a backup or a checkpoint.

use std::sync::Arc;

use super::places::PlacesWriter;
use crate::document::{ShapeId, encode_plain};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::format::checkpoint::SLOTS;
use crate::engine::format::record::{self, Metadata};
use crate::engine::read::fetch::Last;
use crate::engine::state::collection::Collection;
use crate::engine::state::collection_options::CollectionOptions;
use crate::engine::state::feed::past_names::PastName;
use crate::engine::state::slab::{Content, SlotId, Span};
use crate::engine::state::tally::Tally;
use crate::engine::state::views::View;
use crate::engine::store::{Applied, Store};
use crate::error::{Error, Kind, Result};
use crate::options::BLOCK_BYTES;
use crate::storage::{Lsn, SnapshotSink};

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
    /// The time of the newest commit in it (ms): which moments it can answer for.
    pub(crate) time: i64,
    /// Shapes that the log before the view defines, by collection.
    pub(crate) shapes: Vec<(Arc<str>, Arc<Collection>, usize)>,
    /// The options that the collections have in it.
    pub(crate) options: Vec<Arc<CollectionOptions>>,
    /// The sums of the commits up to the view, by collection.
    pub(crate) tallies: Vec<Tally>,
    /// One past the last slot, by collection.
    pub(crate) ends: Vec<u64>,
    /// What collections were called before, as far as old commits are kept.
    pub(crate) past: Vec<(u32, PastName)>,
}

impl Generation {
    /// The LSN of the state.
    pub(crate) fn lsn(&self) -> Lsn {
        self.view.lsn()
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
    let ends = applied.catalogue.iter().map(|(_, collection)| collection.slab().end()).collect();
    let options = options_of(applied);
    let past = past_names(store, applied.lsn);
    let (next_number, time) = (applied.next_number, store.newest_time());
    Generation { view, next_number, time, shapes, options, tallies, ends, past }
}

/// The options of all collections: later commits may change them.
pub(crate) fn options_of(applied: &Applied) -> Vec<Arc<CollectionOptions>> {
    applied.catalogue.iter().map(|(_, collection)| collection.options()).collect()
}

/// What collections were called before this commit, as far as the log is kept for readers of old commits.
pub(crate) fn past_names(store: &Store, lsn: Lsn) -> Vec<(u32, PastName)> {
    let names = store.past_names();
    if let Some(reach) = store.storage().history() {
        names.forget_before(reach.first);
    }
    if names.are_kept() { names.up_to(lsn) } else { Vec::new() }
}

/// Writes the state into a snapshot, of this database or of another, and the places of its documents, if they are wanted. Returns
/// how many there are.
pub(crate) fn write(
    store: &Store,
    generation: &Generation,
    sink: &mut dyn SnapshotSink,
    mut places: Option<&mut PlacesWriter<'_>>,
    interrupt: &Interrupt,
) -> Result<u64> {
    let Generation { view, next_number, time, shapes, options, ends, past, .. } = generation;
    write_database(*time, (shapes, options), view.lsn(), *next_number, past, sink)?;
    // Each document is written, and then read back by the proof.
    interrupt.expect(shapes.iter().map(|(_, collection, _)| 2 * collection.count()).sum());
    let mut documents = 0;
    for ((_, collection, _), end) in shapes.iter().zip(ends) {
        let places = places.as_deref_mut();
        let mut writer = Writer { store, interrupt, sink, places, documents: 0 };
        writer.collection(collection, *end, view.lsn())?;
        documents += writer.documents;
    }
    Ok(documents)
}

/// A collection with its name, and how many shapes the log defines.
type Named = (Arc<str>, Arc<Collection>, usize);

/// Names, shapes and counters: the blocks of collection 0.
pub(crate) fn write_database(
    time: i64,
    (collections, options): (&[Named], &[Arc<CollectionOptions>]),
    lsn: Lsn,
    next_number: u32,
    past: &[(u32, PastName)],
    sink: &mut dyn SnapshotSink,
) -> Result<()> {
    let mut payload = Vec::new();
    record::begin(&mut payload, time);
    for ((name, collection, shapes), options) in collections.iter().zip(options) {
        record::create(&mut payload, collection.number(), name, &options.encode());
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
    for (number, past) in past {
        record::past(&mut payload, *number, past.until.0, past.shapes.is_some(), &past.name);
        let shapes = past.shapes.iter().flat_map(|shapes| {
            (0..shapes.len() as u16).filter_map(|shape| shapes.get(ShapeId(shape)).map(|shape| shape.keys()))
        });
        for keys in shapes {
            record::past_shape(&mut payload, *number, keys);
            if payload.len() > BLOCK_BYTES {
                sink.block(0, 0, &payload)?;
                payload.clear();
                record::begin(&mut payload, time);
            }
        }
        if payload.len() > BLOCK_BYTES {
            sink.block(0, 0, &payload)?;
            payload.clear();
            record::begin(&mut payload, time);
        }
    }
    record::next(&mut payload, next_number);
    sink.block(0, 0, &payload)?;
    Ok(())
}

#[cfg(test)]
thread_local! {
    /// The most documents that this thread had something in memory for while it wrote a snapshot.
    pub(super) static MOST_HELD: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Writes the documents of one collection.
struct Writer<'w, 'p> {
    store: &'w Store,
    interrupt: &'w Interrupt,
    sink: &'w mut dyn SnapshotSink,
    places: Option<&'w mut PlacesWriter<'p>>,
    documents: u64,
}

/// A block that is being filled.
#[derive(Default)]
struct Filling {
    payload: Vec<u8>,
    slots: Vec<SlotId>,
    spans: Vec<Span>,
}

impl Writer<'_, '_> {
    fn collection(&mut self, collection: &Collection, end: u64, view: Lsn) -> Result<()> {
        let time = self.store.commit_time();
        let number = collection.number();
        let (mut last, mut page, mut filling) = (Last::passing(), Vec::new(), Filling::default());
        for first in (0..end).step_by(SLOTS) {
            if self.store.is_closing() {
                return Err(Error::new(Kind::Closed, "the database was closed during the compaction"));
            }
            self.interrupt.check(|| self.store.now())?;
            // Documents are read from disk without the lock of the page.
            collection
                .slab()
                .peek(first, view, |at, version| page.push((first + at as u64, version.clone())))?;
            #[cfg(test)]
            MOST_HELD.set(MOST_HELD.get().max(page.len() + filling.slots.len()));
            for (slot, version) in page.drain(..) {
                let slot = SlotId(slot);
                let (block, span) = match (version.on_disk(), version.content) {
                    (Some(disk), _) => (last.read(self.store, collection, slot, &disk)?, disk.span()),
                    (None, Content::Hot(block, span)) => (block, span),
                    (None, _) => continue,
                };
                let Some(put) = span.record(&block) else {
                    let place = block.place;
                    let message = format!("a slot names no document record of its block at {place:?}");
                    return Err(Error::new(Kind::Internal, message));
                };
                let document = span.of(&block);
                if !filling.slots.is_empty() && filling.payload.len() + document.len() + 64 > BLOCK_BYTES {
                    self.block(number, &mut filling)?;
                }
                if filling.slots.is_empty() {
                    record::begin(&mut filling.payload, time);
                }
                let metadata = Metadata { collection: number, ..put.metadata() };
                let (place, head) = record::put(&mut filling.payload, time, metadata, document);
                filling.slots.push(slot);
                filling.spans.push(Span::new(place, head, put.version));
            }
        }
        self.block(number, &mut filling)?;
        self.places.as_mut().map_or(Ok(()), |places| places.end_collection())
    }

    fn block(&mut self, number: u32, filling: &mut Filling) -> Result<()> {
        let Filling { payload, slots, spans } = filling;
        if !slots.is_empty() {
            let place = self.sink.block(number, slots.len() as u32, payload)?;
            self.interrupt.advance(slots.len() as u64);
            self.documents += slots.len() as u64;
            if let Some(places) = &mut self.places {
                places.block(place, slots, spans)?;
            }
        }
        payload.clear();
        slots.clear();
        spans.clear();
        Ok(())
    }
}
