//! Snapshots are views that stay open; a restore is a commit that brings back what was changed since, and moves the view to itself: so
//! what was written before it is freed, and the next restore looks only at what is written after it.

use crate::engine::commit::{self, Committed};
use crate::engine::operation::response::Answer;
use crate::engine::store::{Snapshot, Store};
use crate::error::{Error, Kind, Result};
use crate::options::StorageMode;
use crate::storage::Lsn;

/// Takes a snapshot of the newest state; answers with its number.
pub(crate) fn take(store: &Store) -> Committed<Answer> {
    if let Err(error) = check_mode(store) {
        return Committed::failed(error);
    }
    let applied = store.applied();
    if let Some(error) = store.refusal_to_read(&applied) {
        return Committed::failed(error);
    }
    let view = store.views().open_applied(applied.lsn, applied.catalogue.clone(), store.now());
    let lsn = view.lsn();
    let snapshot = Snapshot::of(&applied.catalogue, view, store.newest_commit_time());
    drop(applied);
    Committed { result: store.snapshots().add(snapshot).map(Answer::Count), lsn }
}

/// Puts the database back in the state of a snapshot.
pub(crate) fn restore(store: &Store, number: u64) -> Committed<Answer> {
    if let Err(error) = check_mode(store) {
        return Committed::failed(error);
    }
    // One after the other, and no index is being built meanwhile.
    let _building = store.building().lock();
    let Some(snapshot) = store.snapshots().get(number) else {
        let message = "the snapshot was released, or the database is another than it was taken of; take a new one with db.snapshot()";
        return Committed::failed(Error::new(Kind::Argument, message));
    };
    let mut moved = None;
    let committed = commit::run(store, 64, |commit| {
        // LSNs are dense, and the lock is held until the commit has its own.
        let next = Lsn(commit.applied.lsn.0 + 1);
        if commit.restore(store, &snapshot, next)? {
            let view = store.views().open_applied(next, snapshot.catalogue.clone(), store.now());
            moved = Some(snapshot.moved(view));
        }
        Ok(Answer::Done)
    });
    drop(snapshot);
    if committed.result.is_ok()
        && let Some(moved) = moved
    {
        store.snapshots().replace(number, moved);
    }
    committed
}

/// Forgets a snapshot.
pub(crate) fn release(store: &Store, number: u64) -> Answer {
    store.snapshots().release(number);
    Answer::Done
}

fn check_mode(store: &Store) -> Result<()> {
    if store.mode() == StorageMode::Memory {
        return Ok(());
    }
    let message = format!(
        "the database {} keeps files, and only one in memory has snapshots; take a copy in memory with db.fork(), or one on disk with \
         db.backup(path)",
        store.name()
    );
    Err(Error::new(Kind::NotSupported, message))
}
