//! The state of what the database does by itself: compactions, and checkpoints while it is open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use super::scrub_state::ScrubState;
use crate::engine::exec::locks::{LongMutex, Mutex};

/// The order of checkpoints that come below what is in memory, and of compactions, which move what they name.
#[derive(Default)]
pub(crate) struct RebaseOrder {
    /// How often a compaction has moved documents. Held while a checkpoint comes below: one of an earlier number does not.
    pub(crate) moves: Mutex<u64>,
    /// Checkpoints that wait for readers before they come below.
    pub(crate) waiting: AtomicU64,
    /// The newest of them waits for the holds before this number.
    pub(crate) waits_for: AtomicU64,
    /// Whether one came below since slots were last dropped.
    pub(crate) has_rebased: AtomicBool,
}

/// Whether an automatic compaction runs, and when to check again.
#[derive(Default)]
pub(crate) struct CompactionState {
    pub(crate) running: AtomicBool,
    /// The commit after which to check again.
    pub(crate) next_look: AtomicU64,
    /// The size of the log below which not to try again, after a failure.
    pub(crate) not_below: AtomicU64,
    /// Whether a checkpoint is being written, or about to be.
    pub(crate) writing: AtomicBool,
    /// The size of the log when it was last checked whether one is due.
    pub(crate) looked_at: AtomicU64,
    /// The size of the log when the newest was begun.
    pub(crate) log_at: AtomicU64,
    /// The size of the log below which not to try again, after a failure.
    pub(crate) no_checkpoint_below: AtomicU64,
    /// Bytes of slots that could not be dropped when that was last tried.
    pub(crate) released_to: AtomicU64,
    /// Checkpoints that could not be written since the last one that was.
    pub(crate) failures: AtomicU32,
    /// Whether a compaction has outdated the newest checkpoint.
    pub(crate) outdated: AtomicBool,
    /// Whether there is a memory limit, and what is in memory is near it, or may soon be.
    pub(crate) tight: AtomicBool,
    /// About how many bytes may have come into memory since that was determined.
    pub(crate) since: AtomicU64,
    /// Whether documents were evicted.
    pub(crate) evicted: AtomicBool,
    /// The deletion of expired documents.
    pub(crate) expiry: ExpiryState,
    /// The scrub.
    pub(crate) scrub: Arc<ScrubState>,
    /// Of checkpoints that come below, and compactions.
    pub(crate) order: Arc<RebaseOrder>,
    /// In memory: bytes appended before the last compaction, and bytes of all blocks after it.
    pub(crate) packed: Mutex<(u64, u64)>,
}

/// Held while expired documents are deleted.
#[derive(Default)]
pub(crate) struct Expiring;

/// Whether somebody looks after expired documents, and deletes some now.
#[derive(Default)]
pub(crate) struct ExpiryState {
    begun: AtomicBool,
    running: LongMutex<Expiring>,
}

impl ExpiryState {
    /// Whether the caller is the first who begins.
    pub(crate) fn begin(&self) -> bool {
        !self.begun.swap(true, Ordering::AcqRel)
    }

    /// Held by a pass.
    pub(crate) fn running(&self) -> &LongMutex<Expiring> {
        &self.running
    }
}

impl CompactionState {
    /// In memory: records that a compaction ended with blocks of so many bytes, of those appended before it.
    pub(crate) fn packed(&self, appended: u64, bytes: u64) {
        *self.packed.lock() = (appended, bytes);
    }
}
