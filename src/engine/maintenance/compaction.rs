//! Compaction: a snapshot of the state at a cut begins a new generation; writers continue meanwhile.
//!
//! ```text
//! under the commit lock   the cut: a number L, a view at L, the catalogue and its shapes at L
//! outside it              blocks of the documents that the view sees, in slot order -> storage.install, which reads
//!                         them back and has them proven (`proof`) before the manifest names them
//! then                    each version written names its new place, also if there is a newer one; a checkpoint is written
//!                         (`rebase`), because the one before it names places in the old files
//! ```
//!
//! The snapshot may contain commits that are not published yet; `install` replaces the manifest only after the segment
//! before the cut, and so every commit up to L, is durable. Files of the old generation stay readable until their current
//! readers have finished.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Handle;

use super::memory_compaction;
use super::proof::{Kept, Proof, Purpose};
use super::rebase;
use super::snapshot::{self, Compaction, Generation, Written, WrittenBlock};
use crate::engine::exec::interrupt::{Interrupt, LOOK};
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::options::{AutoCompact, StorageMode};
use crate::storage::{Cut, Lsn};

/// The minimum size of the log for an automatic compaction.
const AUTO_BYTES: u64 = 4 << 20;
/// The number of segments from which on a compaction begins, however little is garbage.
const AUTO_SEGMENTS: u64 = 128;

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
    let began = store.elapsed();
    let (cut, generation, pause) = cut(store)?;
    let mut sink = store.storage().begin_snapshot(&cut)?;
    let written = snapshot::write(store, &generation, &mut *sink, interrupt)?;
    let documents = written.iter().map(Written::documents).sum();
    let mut proof = Proof::new(store, Purpose::Compaction, &generation, &written, interrupt);
    let installed = store.storage().install_proven(cut, sink, &mut proof)?;
    let mut proven = proof.into_kept();
    {
        // Before any place changes: from now on no slot goes back to a checkpoint that names places in the old files.
        let mut moves = store.auto().order.moves.lock();
        *moves += 1;
        written.iter().filter_map(|one| one.collection.base()).for_each(|base| base.base().outdate());
    }
    for one in &written {
        repoint(store, one, &mut proven, generation.view.lsn())?;
    }
    let storage = store.shared_storage();
    store.views().when_released(move || storage.forget(&installed.retired));
    drop(generation);
    let (bytes_before, bytes_after) = installed.bytes;
    let ms = (store.elapsed() - began).as_millis() as u64;
    let pause_ms = pause.as_secs_f64() * 1e3;
    tracing::info!(documents, bytes_before, bytes_after, ms, pause_ms, "compacted");
    // The checkpoint before named places in the old files.
    store.auto().outdated.store(bytes_after >= store.options().checkpoint_from, Ordering::Relaxed);
    if bytes_after >= store.options().checkpoint_from
        && let Err(error) = rebase::run_locked(store)
        && error.kind() != Kind::Closed
    {
        tracing::warn!(database = store.name(), %error, "no checkpoint could be written after a compaction");
    }
    Ok(Compaction { documents, bytes_before, bytes_after, ms, pause_ms })
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

fn cut(store: &Store) -> Result<(Cut, Generation, Duration)> {
    let applied = store.applied();
    let began = store.elapsed();
    if let Some(error) = store.refusal(&applied) {
        return Err(error);
    }
    let cut = store.storage().cut()?;
    debug_assert_eq!(cut.lsn, applied.lsn, "every lsn given is applied before the lock is released");
    let generation = snapshot::generation(store, &applied);
    let pause = store.elapsed() - began;
    drop(applied);
    Ok((cut, generation, pause))
}

/// Repoints the slots to the blocks. Documents in memory stay there, in the new blocks: garbage in the old ones is
/// freed. Blocks that the proof did not keep are read once more, and verified.
fn repoint(store: &Store, written: &Written, proven: &mut Kept, cut: Lsn) -> Result<()> {
    let slab = written.collection.slab();
    for WrittenBlock { place, slots, spans } in &written.blocks {
        let block = match proven.pop_front() {
            Some(block) => block,
            None => store.storage().read(*place)?,
        };
        let place = Arc::new(*place);
        for (slot, span) in slots.iter().zip(spans) {
            // The proof has read these spans.
            if !slab.repoint(*slot, cut, &block, &place, *span)? {
                // The old files are not deleted: what still refers to them can be read.
                let message = "a slot holds another version than the proven snapshot";
                return Err(Error::new(Kind::Internal, message));
            }
        }
    }
    Ok(())
}
