//! The state of automatic compaction.

use std::sync::atomic::{AtomicBool, AtomicU64};

use crate::engine::exec::locks::Mutex;

/// Whether an automatic compaction runs, and when to check again.
#[derive(Default)]
pub(crate) struct CompactionState {
    pub(crate) running: AtomicBool,
    /// The commit after which to check again.
    pub(crate) next_look: AtomicU64,
    /// The size of the log below which not to try again, after a failure.
    pub(crate) not_below: AtomicU64,
    /// In memory: bytes appended before the last compaction, and bytes of all blocks after it.
    pub(crate) packed: Mutex<(u64, u64)>,
}

impl CompactionState {
    /// In memory: records that a compaction ended with blocks of so many bytes, of those appended before it.
    pub(crate) fn packed(&self, appended: u64, bytes: u64) {
        *self.packed.lock() = (appended, bytes);
    }
}
