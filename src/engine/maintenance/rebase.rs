//! Writes a checkpoint while the database is open, and puts it below what is in memory.
//!
//! ```text
//! under the commit lock   the cut: a number L, a view at L, the entries of every index at L parted from later ones
//! outside it              slots, keys and entries at L -> storage.checkpoint, which makes the file durable
//! once every reader of    the checkpoint comes below slots, keys and indexes (`state/base`); what memory had of the same goes
//! that moment is done
//! ```
//!
//! After an error, and until it is below (`below`), everything stays in memory as it was, and readers look through one more layer
//! of entries. A compaction writes one of its own cut (`compaction`).

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;

use super::below::Below;
use super::checkpoint::{self, Captured};
use super::places::base_of;
use crate::engine::exec::interrupt::LOOK;
use crate::engine::exec::locks::may_block;
use crate::engine::exec::own_thread::on_own_thread;
use crate::engine::state::views::View;
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::options::{Access, StorageMode};
use crate::storage::runs::file::RunFile;
use crate::storage::{Cut, Lsn, PageSink};

/// Another checkpoint is written when the log after the newest has more bytes than this, and this share of all bytes: reading
/// it again after a kill would take as long as reading everything.
const BEHIND: u64 = 64 << 20;
const BEHIND_SHARE: u64 = 3;
/// It is checked again whether a checkpoint is due when the log has grown by this share of the least changes for one.
const STEP_SHARE: u64 = 16;
/// After so many checkpoints in a row that could not be written, no more are tried: each leaves readers one more layer of entries.
pub(super) const FAILURES: u32 = 8;
/// Writers wait for a checkpoint that is being written when so many times the changes that it is due at are in memory.
const MOST: u64 = 3;

/// Writes a checkpoint of the newest state and puts it below. Returns whether it did: not where an index is being built, or where
/// a checkpoint cannot hold what there is.
pub(crate) fn run(store: &Store) -> Result<bool> {
    if store.mode() == StorageMode::Memory {
        return Ok(false);
    }
    let _one = loop {
        match store.compacting().try_lock_for(LOOK) {
            Some(one) => break one,
            None => check(store)?,
        }
    };
    on_own_thread("moltendb-checkpoint", || run_locked(store))
}

/// [`run`], where the caller holds the lock of compactions.
pub(super) fn run_locked(store: &Store) -> Result<bool> {
    let Some(_no_build) = store.building().try_lock() else { return Ok(false) };
    let failures = &store.auto().failures;
    if failures.load(Ordering::Relaxed) == FAILURES {
        return Ok(false);
    }
    // Until it is written.
    failures.fetch_add(1, Ordering::Relaxed);
    let began = store.elapsed();
    let log_bytes = store.storage().stats().log_bytes;
    let (cut, captured, view) = cut(store)?;
    store.auto().log_at.store(log_bytes, Ordering::Relaxed);
    let written = RefCell::new(None);
    let leave = |lsn: Lsn, out: &mut dyn PageSink| {
        debug_assert_eq!(lsn, captured.lsn());
        let done = checkpoint::write(store, &captured, &|| check(store), None, out)?;
        let catalogue = done.as_ref().and_then(|done| done.contents.encode());
        *written.borrow_mut() = done;
        Ok(catalogue)
    };
    let Some(file) = store.storage().checkpoint(cut, &leave)? else { return Ok(false) };
    let Some(written) = written.take() else { return Ok(false) };
    let base = {
        let (run, ..) = RunFile::open_named(&store.host(), &file.path, &file.database, file.run)?;
        base_of(store, run.noting(file.damaged.clone()), written.contents.files.clone(), captured.lsn())
    };
    store.wait_published(captured.lsn())?;
    store.auto().outdated.store(false, Ordering::Relaxed);
    failures.store(0, Ordering::Relaxed);
    drop(view);
    Below::new(store, base, captured.moves, Some((captured, written))).put_when_released(store);
    tracing::debug!(lsn = cut.lsn.0, ms = (store.elapsed() - began).as_millis(), "wrote a checkpoint");
    Ok(true)
}

pub(super) fn check(store: &Store) -> Result<()> {
    if store.is_closing() {
        return Err(Error::new(Kind::Closed, "the database was closed while a checkpoint was written"));
    }
    Ok(())
}

fn cut(store: &Store) -> Result<(Cut, Captured, View)> {
    let applied = store.applied();
    if let Some(error) = store.refusal(&applied) {
        return Err(error);
    }
    let cut = store.storage().cut()?;
    let view = store.views().open_applied(applied.lsn, applied.catalogue.clone(), store.now());
    let moves = *store.auto().order.moves.lock();
    Ok((cut, checkpoint::capture(&applied, moves), view))
}

/// Called when a database was opened: what opening without a checkpoint has brought into memory may be too much.
pub(crate) fn begin(store: &Arc<Store>, runtime: &Handle) {
    if store.collections().iter().any(|collection| collection.is_based()) {
        let log_bytes = store.storage().stats().log_bytes;
        // Another handle of the database may have been opened before.
        let _ = store.auto().log_at.compare_exchange(0, log_bytes, Ordering::Relaxed, Ordering::Relaxed);
    }
    store.measure_soon();
    store.cool();
    consider(store, runtime);
}

/// Starts writing a checkpoint on the blocking pool when one is due and none is being written. Cheap otherwise.
pub(crate) fn consider(store: &Arc<Store>, runtime: &Handle) {
    let auto = store.auto();
    if store.mode() == StorageMode::Memory
        || store.options().access == Access::ReadOnly
        || auto.writing.load(Ordering::Acquire)
        || !has_grown(store)
        || !is_due(store)
        || auto.writing.swap(true, Ordering::AcqRel)
    {
        return;
    }
    let store = store.clone();
    runtime.spawn_blocking(move || {
        // Writers wait for it: also where a defect ends this thread.
        let _ended = Ended(&store);
        let mut result = run(&store);
        // What was written meanwhile may be as much again.
        while matches!(result, Ok(true)) && is_due(&store) {
            result = run(&store);
        }
        // After an error it is not tried again before the log has grown some more.
        let log_bytes = store.storage().stats().log_bytes;
        let failures = store.auto().failures.load(Ordering::Relaxed);
        if failures == FAILURES {
            let what = "no checkpoint is tried again until the database is reopened";
            tracing::warn!(database = store.name(), "{what}");
        }
        let step = store.options().rebase_from << failures;
        let next = if matches!(result, Ok(true)) { 0 } else { log_bytes + step };
        store.auto().no_checkpoint_below.store(next, Ordering::Relaxed);
        if let Err(error) = result
            && error.kind() != Kind::Closed
        {
            tracing::warn!(database = store.name(), %error, "a checkpoint could not be written");
        }
    });
}

/// Marks when dropped that no checkpoint is being written.
struct Ended<'s>(&'s Store);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.auto().writing.store(false, Ordering::Release);
    }
}

/// Whether enough was written since the last call that returned `true`.
fn has_grown(store: &Store) -> bool {
    let log_bytes = store.storage().stats().log_bytes;
    let looked_at = &store.auto().looked_at;
    let step = store.options().rebase_from / STEP_SHARE;
    let has_grown = log_bytes.abs_diff(looked_at.load(Ordering::Relaxed)) >= step;
    if has_grown {
        looked_at.store(log_bytes, Ordering::Relaxed);
    }
    has_grown
}

/// Whether the changes in memory, or the log after the newest checkpoint, have become many, or a compaction has outdated it.
fn is_due(store: &Store) -> bool {
    let auto = store.auto();
    let storage = store.storage().stats();
    if storage.log_bytes < auto.no_checkpoint_below.load(Ordering::Relaxed) {
        return false;
    }
    let behind = storage.log_bytes.saturating_sub(auto.log_at.load(Ordering::Relaxed));
    let is_long = behind > BEHIND && behind > (storage.log_bytes + storage.snapshot_bytes) / BEHIND_SHARE;
    // Another one would wait for the same readers.
    let can_help = auto.order.waiting.load(Ordering::Acquire) == 0;
    auto.outdated.load(Ordering::Relaxed)
        || is_long
        || can_help && due_at(store).is_some_and(|least| store.memory().changes() > least)
}

/// The changes in memory at which a checkpoint is due; none where nothing limits them, or they are far from it.
fn due_at(store: &Store) -> Option<u64> {
    let options = store.options();
    let limit = options.memory_limit.bytes().filter(|_| store.is_tight());
    limit.map(|limit| (limit / 4).max(options.rebase_from))
}

/// Waits for the checkpoint that is being written where writers are far ahead of it.
pub(crate) fn hold_back(store: &Store) {
    let Some(least) = due_at(store) else { return };
    while store.auto().writing.load(Ordering::Acquire)
        && store.auto().order.waiting.load(Ordering::Acquire) == 0
        && !store.is_closing()
        && store.memory().changes() > least.saturating_mul(MOST)
    {
        may_block("a checkpoint");
        std::thread::sleep(LOOK);
    }
}
