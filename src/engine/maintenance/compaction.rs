//! Compaction: a snapshot of the state at a cut begins a new generation; writers go on meanwhile.
//!
//! ```text
//! under the commit lock   the cut: a number L, a view at L, the catalogue and its shapes at L
//! outside it              blocks of the documents that the view sees, in slot order -> storage.install, which reads
//!                         them back and has them proven (`proof`) before the manifest names them
//! then                    each version written names its new place, also behind a newer one
//! ```
//!
//! The snapshot may hold commits that are not published yet; `install` replaces the manifest only after the
//! segment before the cut, and so every commit up to L, is durable. Files of the old generation stay readable
//! until whoever reads them now has finished.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Handle;

use super::proof::{Kept, Proof, Purpose};
use crate::document::{ShapeId, encode_plain};
use crate::engine::exec::interrupt::{LOOK, Watch};
use crate::engine::format::record;
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::{SlotId, Span};
use crate::engine::state::tally::Tally;
use crate::engine::state::views::View;
use crate::engine::store::store::{Applied, Store};
use crate::error::{Error, Kind, Result};
use crate::options::{AutoCompact, BLOCK_BYTES, StorageMode};
use crate::query::Filter;
use crate::storage::{BlockPlace, Cut, Lsn, SnapshotSink};

/// A log smaller than this is not worth compacting by itself.
const AUTO_BYTES: u64 = 4 << 20;
/// Segments after which a compaction begins whatever the garbage.
const AUTO_SEGMENTS: u64 = 32;

/// Commits between two looks at whether to compact.
const AUTO_COMMITS: u64 = 64;

/// What a compaction did.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compaction {
    /// Documents in the snapshot; in memory, of the database.
    pub documents: u64,
    /// Bytes of the database's files before; in memory, of the blocks that documents stand in.
    pub bytes_before: u64,
    /// The same after.
    pub bytes_after: u64,
    /// How long it took.
    pub ms: u64,
    /// How long commits had to wait for it: the time the cut held the commit lock.
    pub pause_ms: f64,
}

/// What a snapshot holds: the state of a view, and what stands beside the documents.
pub(crate) struct Generation {
    pub(crate) view: View,
    pub(crate) next_number: u32,
    /// Shapes that the log before the view defines, by collection.
    pub(crate) shapes: Vec<(Arc<str>, Arc<Collection>, usize)>,
    /// What the commits up to the view left, by collection.
    pub(crate) tallies: Vec<Tally>,
}

/// Blocks of one collection as they were written.
pub(crate) struct Written {
    pub(crate) collection: Arc<Collection>,
    pub(crate) blocks: Vec<WrittenBlock>,
}

/// Where a block stands, and its documents: their slots, and where they stand in the block.
pub(crate) struct WrittenBlock {
    pub(crate) place: BlockPlace,
    pub(crate) slots: Vec<SlotId>,
    pub(crate) spans: Vec<Span>,
}

impl Generation {
    /// The number of the state.
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

impl Store {
    /// Compacts, or waits for the compaction that is going on and then compacts.
    pub fn compact(&self) -> Result<Compaction> {
        self.compact_within(&Watch::default())
    }

    /// [`Store::compact`] that ends as the watch says, until the new generation is installed.
    pub fn compact_within(&self, watch: &Watch) -> Result<Compaction> {
        if self.mode() == StorageMode::Memory {
            return self.pack();
        }
        let _one = loop {
            match self.compacting().try_lock_for(LOOK) {
                Some(one) => break one,
                None => watch.check(|| self.now())?,
            }
        };
        let began = self.elapsed();
        let (cut, generation, pause) = self.cut()?;
        let mut sink = self.storage().begin_snapshot(&cut)?;
        let written = self.write_snapshot(&generation, &mut *sink, watch)?;
        let documents = written.iter().map(Written::documents).sum();
        let mut proof = Proof::new(self, Purpose::Compaction, &generation, &written);
        let installed = self.storage().install_proven(cut, sink, &mut proof)?;
        let mut proven = proof.into_kept();
        for one in &written {
            self.repoint(one, &mut proven, generation.view.lsn())?;
        }
        let storage = self.shared_storage();
        self.views().when_released(move || storage.forget(&installed.retired));
        drop(generation);
        let (bytes_before, bytes_after) = installed.bytes;
        let ms = (self.elapsed() - began).as_millis() as u64;
        let pause_ms = pause.as_secs_f64() * 1e3;
        tracing::info!(documents, bytes_before, bytes_after, ms, pause_ms, "compacted");
        Ok(Compaction { documents, bytes_before, bytes_after, ms, pause_ms })
    }

    /// Starts a compaction on the blocking pool when one pays and none is going on. Cheap otherwise: it looks
    /// once in so many commits.
    pub fn consider_compaction(self: &Arc<Self>, runtime: &Handle) {
        let auto = self.auto();
        let lsn = self.applied_lsn().0;
        if self.options().auto_compact == AutoCompact::Off
            || !self.is_loaded()
            || lsn < auto.next_look.load(Ordering::Relaxed)
            || auto.running.swap(true, Ordering::AcqRel)
        {
            return;
        }
        auto.next_look.store(lsn + AUTO_COMMITS, Ordering::Relaxed);
        let log_bytes = self.storage().stats().log_bytes;
        if !self.wants_compaction() || log_bytes < auto.not_below.load(Ordering::Relaxed) {
            auto.running.store(false, Ordering::Release);
            return;
        }
        let store = self.clone();
        runtime.spawn_blocking(move || {
            let result = store.compact();
            // A disk that was too full is not asked again before the log has grown some more.
            let next = if result.is_err() { log_bytes + AUTO_BYTES } else { 0 };
            store.auto().not_below.store(next, Ordering::Relaxed);
            store.auto().running.store(false, Ordering::Release);
            if let Err(error) = result
                && error.kind() != Kind::Closed
            {
                tracing::warn!(database = store.name(), %error, "the database could not compact itself");
            }
        });
    }

    /// Whether more than half of the files may be garbage, or of the blocks in memory, or there are too many segments.
    pub fn wants_compaction(&self) -> bool {
        let storage = self.storage().stats();
        let live = || -> u64 { self.collections().iter().map(|one| one.slab().live_bytes()).sum() };
        if self.mode() == StorageMode::Memory {
            let (appended, bytes) = *self.auto().packed.lock();
            let added = storage.appended - appended;
            return added >= AUTO_BYTES && bytes + added > 2 * live() + AUTO_BYTES;
        }
        if storage.segments >= AUTO_SEGMENTS {
            return true;
        }
        if storage.log_bytes < AUTO_BYTES {
            return false;
        }
        storage.log_bytes + storage.snapshot_bytes > 2 * live() + AUTO_BYTES
    }

    fn cut(&self) -> Result<(Cut, Generation, Duration)> {
        let applied = self.applied();
        let began = self.elapsed();
        if let Some(error) = self.refusal(&applied) {
            return Err(error);
        }
        let cut = self.storage().cut()?;
        debug_assert_eq!(cut.lsn, applied.lsn, "every lsn given is applied before the lock is released");
        let generation = self.generation(&applied);
        let pause = self.elapsed() - began;
        drop(applied);
        Ok((cut, generation, pause))
    }

    /// The newest applied state. Its commits may not be published yet: what is made of it counts once they are.
    pub(crate) fn generation(&self, applied: &Applied) -> Generation {
        let view = self.views().open_applied(applied.lsn, applied.catalogue.clone(), self.now());
        let shapes = applied
            .catalogue
            .iter()
            .map(|(name, collection)| (name.clone(), collection.clone(), collection.logged_shapes()))
            .collect();
        let tallies = applied.catalogue.iter().map(|(_, collection)| collection.tally().now()).collect();
        Generation { view, next_number: applied.next_number, shapes, tallies }
    }

    /// Writes the state into a snapshot, of this database or of another.
    pub(crate) fn write_snapshot(
        &self,
        generation: &Generation,
        sink: &mut dyn SnapshotSink,
        watch: &Watch,
    ) -> Result<Vec<Written>> {
        let Generation { view, next_number, shapes, .. } = generation;
        self.write_database(shapes, view.lsn(), *next_number, sink)?;
        let mut written = Vec::new();
        for (_, collection, _) in &generation.shapes {
            written.push(self.write_collection(collection, generation.view.lsn(), sink, watch)?);
        }
        Ok(written)
    }

    /// Names, shapes and counters: the blocks of collection 0.
    pub(crate) fn write_database(
        &self,
        collections: &[(Arc<str>, Arc<Collection>, usize)],
        lsn: Lsn,
        next_number: u32,
        sink: &mut dyn SnapshotSink,
    ) -> Result<()> {
        let time = self.now();
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
        &self,
        collection: &Arc<Collection>,
        view: Lsn,
        sink: &mut dyn SnapshotSink,
        watch: &Watch,
    ) -> Result<Written> {
        let time = self.now();
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
            next =
                self.scan(collection, (next, end), view, &Filter::all(), watch, |slot, _, block, span| {
                    let Some(put) = span.record(block) else {
                        damaged = Some(block.place);
                        return ControlFlow::Break(());
                    };
                    let document = span.of(block);
                    if !slots.is_empty() && payload.len() + document.len() + 64 > BLOCK_BYTES {
                        full = Some(slot.0);
                        return ControlFlow::Break(());
                    }
                    let beside = (number, put.version, put.created_at, put.modified_at);
                    let (place, head) = record::put(&mut payload, time, beside, document);
                    slots.push(slot);
                    spans.push(Span::new(place, head, put.version));
                    ControlFlow::Continue(())
                })?;
            if let Some(place) = damaged {
                let message = format!("a slot names no document record of its block at {place:?}");
                return Err(Error::new(Kind::Internal, message));
            }
            // The document that did not fit begins the next block.
            next = full.unwrap_or(next);
            if self.is_closing() {
                return Err(Error::new(Kind::Closed, "the database was closed during the compaction"));
            }
            watch.check(|| self.now())?;
            if !slots.is_empty() {
                let place = sink.block(number, slots.len() as u32, &payload)?;
                blocks.push(WrittenBlock { place, slots, spans });
            }
        }
        Ok(Written { collection: collection.clone(), blocks })
    }

    /// Hands the documents of the blocks to the slots. What was in memory stays there, in the new blocks: garbage among
    /// the old ones is let go. Blocks that the proof did not keep are read once more, and verified by it.
    fn repoint(&self, written: &Written, proven: &mut Kept, cut: Lsn) -> Result<()> {
        let slab = written.collection.slab();
        for WrittenBlock { place, slots, spans } in &written.blocks {
            let block = match proven.pop_front() {
                Some(block) => block,
                None => self.storage().read(*place)?,
            };
            let place = Arc::new(*place);
            for (slot, span) in slots.iter().zip(spans) {
                // The proof read these very spans.
                if !slab.repoint(*slot, cut, &block, &place, *span) {
                    // The files of before are not let go of: what still names them can be read.
                    let message = "a slot holds another version than the proven snapshot";
                    return Err(Error::new(Kind::Internal, message));
                }
            }
        }
        Ok(())
    }
}
