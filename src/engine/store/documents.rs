//! The documents that were read from disk by themselves and stay in memory, where `memoryLimit` is set.
//!
//! They are known by their place. A place names the same bytes as long as the database is open, and a slot names the place of
//! its version: so nothing has to be removed when a document changes, its old place is only not asked for any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::state::slab::OnDisk;
use crate::storage::runs::cache::{Cache, Cached, Place};
use crate::storage::{Block, FileId};

/// The share of the limit that documents have in any case.
pub(super) const LEAST_SHARE: u64 = 4;

/// A document, in a block of its own.
struct Document {
    block: Arc<Block>,
    used: AtomicBool,
}

impl Cached for Document {
    fn memory(&self) -> usize {
        const BOOKKEEPING: usize = 96;
        size_of::<Document>() + size_of::<Block>() + self.block.bytes.len() + BOOKKEEPING
    }

    fn touch(&self) {
        self.used.store(true, Ordering::Relaxed);
    }

    fn is_passed_over(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }
}

/// Documents by their places.
pub(crate) struct Documents {
    cache: Cache<Document>,
}

impl Documents {
    /// None yet; at most about this many bytes.
    pub(crate) fn new(limit: u64) -> Documents {
        Documents { cache: Cache::new(usize::try_from(limit).unwrap_or(usize::MAX)) }
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> u64 {
        self.cache.bytes() as u64
    }

    /// Changes how many bytes they may take.
    pub(crate) fn set_limit(&self, limit: u64) {
        self.cache.set_limit(usize::try_from(limit).unwrap_or(usize::MAX));
    }

    /// The block of a version, if it is here.
    pub(crate) fn get(&self, disk: &OnDisk) -> Option<Arc<Block>> {
        self.cache.get(place_of(disk)).map(|document| document.block.clone())
    }

    /// Keeps the block of a version.
    pub(crate) fn keep(&self, disk: &OnDisk, block: Arc<Block>) {
        self.cache.keep(place_of(disk), Arc::new(Document { block, used: AtomicBool::new(false) }));
    }
}

/// The file, and the document's offset in it.
fn place_of(disk: &OnDisk) -> Place {
    let place = disk.place();
    let file = match place.file {
        FileId::Segment(id) => id << 1,
        FileId::Snapshot(id) => id << 1 | 1,
        FileId::Memory => u64::MAX,
    };
    (file, place.offset + disk.span().range().start as u64)
}
