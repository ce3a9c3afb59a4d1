//! What the database knows about compacting itself.

use std::sync::atomic::{AtomicBool, AtomicU64};

use parking_lot::Mutex;

/// Whether an automatic compaction runs, and when the next is worth a look.
#[derive(Default)]
pub struct CompactionState {
    pub(crate) running: AtomicBool,
    /// The commit after which to look again.
    pub(crate) next_look: AtomicU64,
    /// Bytes of log below which not to try, after a failure.
    pub(crate) not_below: AtomicU64,
    /// In memory: bytes appended before the last packing, and bytes of all blocks after it.
    pub(crate) packed: Mutex<(u64, u64)>,
}

impl CompactionState {
    /// In memory: a packing ended with blocks of so many bytes, of those appended before it.
    pub(crate) fn packed(&self, appended: u64, bytes: u64) {
        *self.packed.lock() = (appended, bytes);
    }
}
