//! Compaction: a snapshot of the state at a cut begins a new generation; writers continue meanwhile.
//!
//! ```text
//! under the commit lock   the cut: a number L, a view at L, the catalogue and its shapes at L, the entries of indexes at L
//! outside it              blocks of the documents that the view sees, in slot order, and beside them where each document is: the
//!                         first trees of a checkpoint of L (`places`)
//!                         -> storage.install, which reads the blocks back and has both proven (`proof`) before the manifest
//!                         names them
//!                         keys and entries -> storage.end_checkpoint
//! then                    the trees of slots come below the slots, and each version in memory that was written names its new
//!                         place, also if there is a newer one
//! once every reader of    the checkpoint comes below keys and indexes (`below`)
//! that moment is done
//! ```
//!
//! Nothing is kept in memory for a document. Which slots are in memory makes no difference to a reader: those that are not have not
//! changed since the checkpoint that was below before, so they are in the new one as they are there. That holds for readers of older
//! states, too, which may need keys that were deleted before L: so keys and entries wait for them. Where no whole checkpoint can be
//! written, its trees of slots still come below the slots, from a file without a name.
//!
//! The snapshot may contain commits that are not published yet; `install` replaces the manifest only after the segment
//! before the cut, and so every commit up to L, is durable. Files of the old generation stay readable until their current
//! readers have finished.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Handle;

use super::checkpoint::{self, Captured};
use super::memory_compaction;
use super::moving::{Whole, move_below};
use super::places::{PlacePages, Places, PlacesWriter, SlotTrees, base_of};
use super::proof::{Proof, Purpose};
use super::rebase;
use super::snapshot::{self, Compaction, Generation};
use crate::engine::exec::interrupt::{Interrupt, LOOK};
use crate::engine::exec::own_thread::on_own_thread;
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::options::{AutoCompact, StorageMode};
use crate::storage::runs::file::RunFile;
use crate::storage::runs::in_memory::MemoryRun;
use crate::storage::{CheckpointSink, Cut};

/// What writes leave to do.
pub(crate) fn upkeep(store: &Arc<Store>, runtime: &Handle) {
    store.cool();
    consider(store, runtime);
    rebase::consider(store, runtime);
    rebase::hold_back(store);
}

/// The minimum size of the log for an automatic compaction.
const AUTO_BYTES: u64 = 4 << 20;
/// The number of segments from which on a compaction begins, however little is garbage.
const AUTO_SEGMENTS: u64 = 128;

/// Bytes of documents whose places take little memory.
const FEW: u64 = 1 << 20;

/// Commits between two checks whether to compact.
const AUTO_COMMITS: u64 = 64;

/// Compacts; waits for a running compaction first.
pub(crate) fn run(store: &Store) -> Result<Compaction> {
    run_within(store, &Interrupt::default())
}

/// Like `compact`; stops when the interrupt fires, until the new generation is installed.
pub(crate) fn run_within(store: &Store, interrupt: &Interrupt) -> Result<Compaction> {
    if store.mode() == StorageMode::Memory {
        return memory_compaction::pack(store, interrupt);
    }
    let _one = loop {
        match store.compacting().try_lock_for(LOOK) {
            Some(one) => break one,
            None => interrupt.check(|| store.now())?,
        }
    };
    on_own_thread("moltendb-compact", || run_locked(store, interrupt))
}

/// A compaction on this thread; the caller holds the lock of them.
pub(super) fn run_locked(store: &Store, interrupt: &Interrupt) -> Result<Compaction> {
    match attempt(store, interrupt, Pages::Filed) {
        Err(Failure { error, of_places: true }) if error.kind() != Kind::Closed => {
            let what =
                "the places of documents could not be written in a compaction, which takes memory for them";
            tracing::warn!(database = store.name(), %error, "{what}");
            attempt(store, interrupt, Pages::InMemory).map_err(|failure| failure.error)
        }
        ended => ended.map_err(|failure| failure.error),
    }
}

/// Where the places of documents go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pages {
    /// Into the file of the checkpoint, unless there are few.
    Filed,
    InMemory,
}

/// Why a compaction ended.
struct Failure {
    error: Error,
    /// Only the places of documents could not be written.
    of_places: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure { error, of_places: false }
    }
}

/// A compaction; the caller holds the lock of them.
fn attempt(store: &Store, interrupt: &Interrupt, pages: Pages) -> std::result::Result<Compaction, Failure> {
    let of_places = |error| Failure { error, of_places: true };
    let began = store.elapsed();
    let Begun { cut, generation, captured, live, pause } = {
        let no_build = store.building().try_lock();
        cut(store, no_build.is_some() && pages == Pages::Filed)?
    };
    let mut sink = store.storage().begin_snapshot(&cut)?;
    let mut pages = match pages {
        Pages::Filed if captured.is_some() || live >= FEW => {
            PlacePages::File(store.storage().begin_checkpoint(&cut).map_err(of_places)?)
        }
        _ => PlacePages::Memory(MemoryRun::new(cut.lsn.0)),
    };
    let numbers = captured.as_ref().map(Captured::slot_trees);
    let numbers = numbers.unwrap_or_else(|| (1..).step_by(2).take(generation.ends.len()).collect());
    let mut writer = PlacesWriter::new(&mut pages, numbers);
    let documents = snapshot::write(store, &generation, &mut *sink, Some(&mut writer), interrupt)
        .map_err(|error| Failure { error, of_places: writer.has_failed() })?;
    let trees = writer.finish();
    let places =
        Places::read(store, generation.lsn(), &generation.ends, &trees, &mut pages).map_err(of_places)?;
    let mut proof = Proof::new(store, Purpose::Compaction, &generation, Some(&places), interrupt);
    let installed = store.storage().install_proven(cut, sink, &mut proof)?;
    let kept = proof.into_kept();
    let (bytes_before, bytes_after) = installed.bytes;
    let whole = match (captured, pages) {
        (Some(captured), PlacePages::File(sink)) => complete(store, captured, &trees, sink),
        _ => None,
    };
    let is_whole = whole.is_some();
    move_below(store, &generation, places, whole, kept)?;
    let storage = store.shared_storage();
    store.views().when_released(move || storage.forget(&installed.retired));
    drop(generation);
    let ms = (store.elapsed() - began).as_millis() as u64;
    let pause_ms = pause.as_secs_f64() * 1e3;
    tracing::info!(documents, bytes_before, bytes_after, ms, pause_ms, "compacted");
    // The checkpoint before named places in the old files.
    let is_due = !is_whole && bytes_after >= store.options().checkpoint_from;
    store.auto().outdated.store(is_due, Ordering::Relaxed);
    if is_due
        && let Err(error) = rebase::run_locked(store)
        && error.kind() != Kind::Closed
    {
        tracing::warn!(database = store.name(), %error, "no checkpoint could be written after a compaction");
    }
    Ok(Compaction { documents, bytes_before, bytes_after, ms, pause_ms })
}

/// Writes the keys and the entries of indexes into the checkpoint that has the slots, and ends it; `None` where that is not possible.
fn complete(
    store: &Store,
    captured: Captured,
    trees: &SlotTrees,
    mut sink: Box<dyn CheckpointSink>,
) -> Option<Whole> {
    let check = || rebase::check(store);
    let mut end = || {
        let Some(written) = checkpoint::write(store, &captured, &check, Some(trees), &mut *sink)? else {
            return Ok(None);
        };
        Ok::<_, Error>(written.contents.encode().map(|catalogue| (written, catalogue)))
    };
    let ended = end().and_then(|written| {
        let Some((written, catalogue)) = written else { return Ok(None) };
        let file = store.storage().end_checkpoint(sink, &catalogue)?;
        let (run, ..) = RunFile::open_named(&store.host(), &file.path, &file.database, file.run)?;
        let files = written.contents.files.clone();
        Ok(Some((base_of(store, run.noting(file.damaged), files, captured.lsn()), written)))
    });
    match ended {
        Ok(ended) => ended.map(|(base, written)| Whole { base, captured, written }),
        Err(error) => {
            if error.kind() != Kind::Closed {
                let what = "no checkpoint could be written in a compaction";
                tracing::warn!(database = store.name(), %error, "{what}");
            }
            None
        }
    }
}

/// Starts a compaction on the blocking pool when it pays and none is running. Cheap otherwise: it checks once per so
/// many commits.
pub(crate) fn consider(store: &Arc<Store>, runtime: &Handle) {
    let auto = store.auto();
    let lsn = store.applied_lsn().0;
    if store.options().auto_compact == AutoCompact::Off
        || lsn < auto.next_look.load(Ordering::Relaxed)
        || auto.running.swap(true, Ordering::AcqRel)
    {
        return;
    }
    auto.next_look.store(lsn + AUTO_COMMITS, Ordering::Relaxed);
    let log_bytes = store.storage().stats().log_bytes;
    if !is_due(store) || log_bytes < auto.not_below.load(Ordering::Relaxed) {
        auto.running.store(false, Ordering::Release);
        return;
    }
    let store = store.clone();
    runtime.spawn_blocking(move || {
        let result = run(&store);
        // After a full disk it is not tried again before the log has grown some more.
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

/// Whether more than half of the file bytes may be garbage, or of the blocks in memory, or there are too many segments.
pub(crate) fn is_due(store: &Store) -> bool {
    let storage = store.storage().stats();
    let live = || -> u64 { store.collections().iter().map(|one| one.slab().live_bytes()).sum() };
    if store.mode() == StorageMode::Memory {
        let (appended, bytes) = *store.auto().packed.lock();
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

/// What a compaction is of.
struct Begun {
    cut: Cut,
    generation: Generation,
    /// What a checkpoint of it is written of; none where there is to be none.
    captured: Option<Captured>,
    /// Bytes of documents.
    live: u64,
    pause: Duration,
}

fn cut(store: &Store, may_capture: bool) -> Result<Begun> {
    let (options, failures) = (store.options(), &store.auto().failures);
    let applied = store.applied();
    let began = store.elapsed();
    if let Some(error) = store.refusal(&applied) {
        return Err(error);
    }
    let cut = store.storage().cut()?;
    debug_assert_eq!(cut.lsn, applied.lsn, "every lsn given is applied before the lock is released");
    let generation = snapshot::generation(store, &applied);
    let live: u64 = generation.shapes.iter().map(|(_, collection, _)| collection.live_bytes()).sum();
    for ((_, collection, _), end) in generation.shapes.iter().zip(&generation.ends) {
        collection.slab().keep_to(*end);
    }
    let captures =
        may_capture && live >= options.checkpoint_from && failures.load(Ordering::Relaxed) < rebase::FAILURES;
    let captured = captures.then(|| {
        // Until it is written.
        failures.fetch_add(1, Ordering::Relaxed);
        checkpoint::capture(&applied, 0)
    });
    let pause = store.elapsed() - began;
    drop(applied);
    Ok(Begun { cut, generation, captured, live, pause })
}
