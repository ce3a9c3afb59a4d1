//! The open transactions of a database: since when, and how much they hold; and what has become of the others.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::exec::locks::Mutex;

/// The transactions of a database.
#[derive(Default)]
pub(crate) struct TransactionCounts {
    /// When (ms) each open one took its snapshot, in that order.
    open: Mutex<Open>,
    /// Bytes of what they have written.
    bytes: AtomicU64,
    commits: AtomicU64,
    aborts: AtomicU64,
    conflicts: AtomicU64,
}

#[derive(Default)]
struct Open {
    since: BTreeMap<u64, i64>,
    last: u64,
}

/// How an open transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Committed,
    /// Nothing was kept, for whatever reason.
    Aborted,
}

impl TransactionCounts {
    /// One more, at this time (ms); returns its number.
    pub(crate) fn begin(&self, now: i64) -> u64 {
        let mut open = self.open.lock();
        open.last += 1;
        let number = open.last;
        open.since.insert(number, now);
        number
    }

    /// One has ended, and holds so many bytes no more.
    pub(crate) fn end(&self, number: u64, bytes: u64, how: Ended) {
        self.open.lock().since.remove(&number);
        self.release(bytes);
        match how {
            Ended::Committed => self.commits.fetch_add(1, Ordering::Relaxed),
            Ended::Aborted => self.aborts.fetch_add(1, Ordering::Relaxed),
        };
    }

    /// One more has met what another writer has changed.
    pub(crate) fn conflict(&self) {
        self.conflicts.fetch_add(1, Ordering::Relaxed);
    }

    /// Holds more bytes, if all of them together then hold at most `most`.
    pub(crate) fn hold(&self, bytes: u64, most: u64) -> bool {
        let more = |held: u64| held.checked_add(bytes).filter(|held| *held <= most);
        self.bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    /// Bytes that are held no more.
    pub(crate) fn release(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// How many are open, and since when (ms) the first of them is.
    pub(crate) fn open(&self) -> (usize, Option<i64>) {
        let open = self.open.lock();
        (open.since.len(), open.since.values().next().copied())
    }

    /// Bytes of what the open ones have written.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Commits, aborts and conflicts since the database was opened.
    pub(crate) fn ended(&self) -> (u64, u64, u64) {
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        (count(&self.commits), count(&self.aborts), count(&self.conflicts))
    }
}
