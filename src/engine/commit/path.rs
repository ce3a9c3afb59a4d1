//! The commit path: every change of the database, of one document or of a million, goes through it.
//!
//! ```text
//! before the lock   wait for room in the queue; read what is cold
//! under it          open? poisoned? -> resolve against the newest applied state -> reserve (the last step
//!                   that may fail) -> queue the frame -> apply, stamped with its number -> unlock
//! later             written (async) or fdatasynced (sync): published, in the order of numbers
//! ```
//!
//! Nothing has to be undone: nothing is applied before the last step that can fail, and nothing applied is visible before it
//! is published.

use super::read_ahead::{self, ReadAhead};
use super::staged::{Commit, Halt};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::nonblocking::{is_nonblocking, without_device, would_block};
use crate::engine::state::base::{Base, take_missed};
use crate::engine::state::slab::{OnDisk, SlotId};
use crate::engine::store::precedence::Subject;
use crate::engine::store::{Room, Store};
use crate::error::{Error, Kind, Result};
use crate::options::PART_DOCUMENTS;
use crate::storage::Lsn;
use std::sync::Arc;

/// The result of a commit, and the LSN that must be published before the caller gets it.
pub(crate) struct Committed<T> {
    /// The result, or why nothing was committed.
    pub result: Result<T>,
    /// The commit's LSN; for a no-op or a failure the newest applied LSN that it depends on.
    pub lsn: Lsn,
}

impl<T> Committed<T> {
    /// Nothing was read, so the error rests on no state.
    pub(crate) fn failed(error: Error) -> Committed<T> {
        Committed { result: Err(error), lsn: Lsn(0) }
    }

    /// The result; `lsn` is raised to this commit's.
    pub(crate) fn into_result(self, lsn: &mut Lsn) -> Result<T> {
        *lsn = (*lsn).max(self.lsn);
        self.result
    }

    /// The same with another answer.
    pub(crate) fn map<U>(self, shape: impl FnOnce(T) -> U) -> Committed<U> {
        Committed { result: self.result.map(shape), lsn: self.lsn }
    }
}

/// What must be done before resolving can continue.
enum Missing {
    /// Read a version from disk.
    Block(u32, SlotId, OnDisk),
    /// Read a page of the checkpoint.
    Page(Arc<Base>),
    /// Wait for a write that has precedence.
    Way(Subject),
}

/// What stages the changes of a commit.
type Resolve<'r> = &'r mut dyn FnMut(&mut Commit<'_>) -> Result<(), Halt>;

/// Whether resolving may wait for the device while it holds the lock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Device {
    Refused,
    Allowed,
}

/// How often a commit gives its lock back for a page of the checkpoint. A large one that needs more of them reads them under it.
const PAGE_TRIES: u32 = 8;

/// Resolves and commits. `resolve` runs under the commit lock, more than once if it meets evicted documents; on `Err`
/// nothing is committed. `bytes` is the approximate size of the frame.
pub(crate) fn run<T>(
    store: &Store,
    bytes: usize,
    resolve: impl FnMut(&mut Commit<'_>) -> Result<T, Halt>,
) -> Committed<T> {
    run_within(store, bytes, &Interrupt::default(), resolve)
}

/// Like [`run`], but waiting for queue space or for precedence ends when the interrupt fires.
pub(crate) fn run_within<T>(
    store: &Store,
    bytes: usize,
    interrupt: &Interrupt,
    resolve: impl FnMut(&mut Commit<'_>) -> Result<T, Halt>,
) -> Committed<T> {
    run_ahead(store, bytes, interrupt, &mut ReadAhead::default(), resolve)
}

/// Like [`run_within`], but does not read again what was read ahead.
pub(crate) fn run_ahead<T>(
    store: &Store,
    bytes: usize,
    interrupt: &Interrupt,
    ahead: &mut ReadAhead,
    mut resolve: impl FnMut(&mut Commit<'_>) -> Result<T, Halt>,
) -> Committed<T> {
    let mut answer = None;
    let Committed { result, lsn } = resolve_and_commit(store, bytes, interrupt, ahead, &mut |commit| {
        answer = Some(resolve(commit)?);
        Ok(())
    });
    let none = || Error::new(Kind::Internal, "a commit was made without its answer");
    Committed { result: result.and_then(|()| answer.ok_or_else(none)), lsn }
}

/// The same for each kind of answer, so that it is compiled once.
fn resolve_and_commit(
    store: &Store,
    bytes: usize,
    interrupt: &Interrupt,
    ahead: &mut ReadAhead,
    resolve: Resolve<'_>,
) -> Committed<()> {
    let check = || interrupt.check(|| store.now());
    let bytes = bytes as u64 + 64;
    let mut room = match store.room(bytes, check) {
        Ok(room) => Some(room),
        Err(error) => return Committed::failed(error),
    };
    let mut hold = None;
    let (mut pages, mut alike) = (0, 0);
    loop {
        let device = if pages < PAGE_TRIES { Device::Refused } else { Device::Allowed };
        match try_run(store, &mut room, ahead, device, resolve) {
            Ok(committed) => return committed,
            Err(Missing::Page(base)) => {
                pages += 1;
                if let Err(error) = check().and_then(|()| base.read_missed()) {
                    return Committed::failed(error);
                }
            }
            Err(Missing::Block(number, slot, disk)) => {
                match check().and_then(|()| read(store, ahead, (number, slot), &disk)) {
                    Ok(()) => {
                        alike = (2 * alike + 1).min(PART_DOCUMENTS as u64);
                        read_oldest(store, ahead, (number, slot), alike, interrupt);
                    }
                    // A compaction may have removed the file meanwhile; the slot then names another file, and from here on
                    // no file that a slot names is removed.
                    Err(_) if hold.is_none() && !is_nonblocking() => hold = Some(store.views().hold()),
                    Err(error) => return Committed::failed(error),
                }
            }
            Err(Missing::Way(subject)) => {
                // The write that has precedence may need the queue space.
                drop(room.take());
                let waited = would_block(|| true).and_then(|()| store.precedence().wait(subject, check));
                match waited.and_then(|()| store.room(bytes, check)) {
                    Ok(again) => room = Some(again),
                    Err(error) => return Committed::failed(error),
                }
            }
        }
    }
}

/// Reads the version in a slot of the collection with this number.
fn read(store: &Store, ahead: &mut ReadAhead, (number, slot): (u32, SlotId), disk: &OnDisk) -> Result<()> {
    let collection = store.collections().get(&number).map(|found| found.clone());
    match collection {
        Some(collection) => {
            let block = ahead.read(store, &collection, disk)?;
            store.keep(&collection, slot, &block);
            Ok(())
        }
        // It was dropped, and no commit reads it any more.
        None => Ok(()),
    }
}

/// The documents after the oldest one of a capped collection are likely to make way with it: some of them are read as well, so that
/// the lock is not given back for each. What cannot be read is met again.
fn read_oldest(
    store: &Store,
    ahead: &mut ReadAhead,
    (number, SlotId(slot)): (u32, SlotId),
    some: u64,
    interrupt: &Interrupt,
) {
    let collection = store.collections().get(&number).map(|found| found.clone());
    if let Some(collection) = collection.filter(|one| one.capped().cap().is_some() && !is_nonblocking()) {
        let slots = (slot + 1..collection.slab().end().min(slot + 1 + some)).map(SlotId);
        // An interrupt is met again, too.
        let _ = read_ahead::read_slots(store, &collection, slots, ahead, interrupt);
    }
}

fn try_run(
    store: &Store,
    room: &mut Option<Room>,
    ahead: &ReadAhead,
    device: Device,
    resolve: Resolve<'_>,
) -> Result<Committed<()>, Missing> {
    let fail = |error, lsn| Ok(Committed { result: Err(error), lsn });
    let applied = match store.applied_to_commit() {
        Ok(applied) => applied,
        Err(error) => return fail(error, Lsn(0)),
    };
    if let Some(error) = store.refusal(&applied) {
        return fail(error, Lsn(0));
    }
    let mut commit = Commit::new(applied, store.commit_time(), ahead, store.precedence());
    let mut resolve = |commit: &mut Commit<'_>| {
        resolve(commit)?;
        commit.make_way()
    };
    let resolved = if device == Device::Refused && !is_nonblocking() {
        let resolved = without_device(|| resolve(&mut commit));
        // Whatever came of it rests on a page that was not there.
        if let Some(base) = take_missed() {
            return Err(Missing::Page(base));
        }
        resolved
    } else {
        resolve(&mut commit)
    };
    match resolved {
        Err(Halt::NeedsRead(number, slot, disk)) => Err(Missing::Block(number, slot, disk)),
        Err(Halt::MustWait(subject)) => Err(Missing::Way(subject)),
        Err(Halt::Error(error)) => fail(error, commit.applied.lsn),
        Ok(()) if commit.is_empty() => Ok(Committed { result: Ok(()), lsn: commit.applied.lsn }),
        Ok(()) => match commit.finish(store, room.take()) {
            Ok(lsn) => Ok(Committed { result: Ok(()), lsn }),
            Err(error) => fail(error, Lsn(0)),
        },
    }
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
