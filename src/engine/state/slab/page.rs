//! Slots in pages, pages in chunks, and which version of a slot a view sees.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::engine::exec::locks::RwLock;
use crate::engine::state::version::{Content, SlotId, Version};
use crate::storage::Lsn;

pub(super) const PAGE: usize = 64;
const PAGES: usize = 64;
pub(super) const CHUNK: u64 = (PAGE * PAGES) as u64;

/// The versions before the newest. Long when a view stays open over many writes, hence a queue and not a list of boxes.
#[derive(Default)]
pub(super) struct History {
    /// Oldest first.
    pub(super) older: VecDeque<Version>,
    /// The document was deleted and inserted again: its earlier life is in another slot.
    pub(super) earlier_life: Option<SlotId>,
}

pub(super) struct Slot {
    pub(super) newest: Version,
    pub(super) history: Option<Box<History>>,
}

impl Slot {
    const VACANT: Slot = Slot { newest: Version { lsn: Lsn(0), content: Content::Vacant }, history: None };
}

/// What a view finds in a slot.
pub(crate) enum VisibleVersion<'a> {
    /// This version; it may be a tombstone.
    Version(&'a Version),
    /// Nothing here; an earlier life of the document may be in that slot.
    Before(SlotId),
    /// Nothing.
    Nothing,
}

impl Slot {
    pub(super) fn seen(&self, view: Lsn) -> VisibleVersion<'_> {
        if self.newest.lsn <= view {
            return match self.newest.content {
                Content::Vacant => VisibleVersion::Nothing,
                _ => VisibleVersion::Version(&self.newest),
            };
        }
        let Some(history) = &self.history else { return VisibleVersion::Nothing };
        match history.older.iter().rev().find(|version| version.lsn <= view) {
            Some(version) => VisibleVersion::Version(version),
            None => history.earlier_life.map_or(VisibleVersion::Nothing, VisibleVersion::Before),
        }
    }

    /// The version that a view sees.
    pub(super) fn seen_mut(&mut self, view: Lsn) -> Option<&mut Version> {
        if self.newest.lsn <= view {
            return Some(&mut self.newest);
        }
        self.history.as_mut()?.older.iter_mut().rev().find(|version| version.lsn <= view)
    }

    /// Drops the versions that no view from `oldest` on can see; returns the bytes of memory freed.
    pub(super) fn forget(&mut self, oldest: Lsn) -> u64 {
        let Some(history) = &mut self.history else { return 0 };
        if self.newest.lsn <= oldest {
            let freed = history.older.iter().map(|version| version.content.hot_bytes()).sum();
            self.history = None;
            return freed;
        }
        // All but the newest of those at or before `oldest`.
        let reached = history.older.partition_point(|version| version.lsn <= oldest);
        if reached == 0 {
            return 0;
        }
        history.earlier_life = None;
        history.older.drain(..reached - 1).map(|version| version.content.hot_bytes()).sum()
    }
}

/// In this order, so that the bits, the lock and the first slots are in the same cache lines.
#[repr(C)]
pub(super) struct Page {
    /// The use bit of each slot, set by a read by key: the clock spares such a slot once. Scans do not set it.
    pub(super) used: AtomicU64,
    pub(super) slots: RwLock<[Slot; PAGE]>,
}

impl Page {
    pub(super) fn new() -> Page {
        Page { slots: RwLock::new([const { Slot::VACANT }; PAGE]), used: AtomicU64::new(0) }
    }

    /// A page with these versions in its slots.
    pub(super) fn of(versions: Vec<(usize, Version)>) -> Page {
        let mut slots = [const { Slot::VACANT }; PAGE];
        for (at, version) in versions {
            if let Some(slot) = slots.get_mut(at) {
                slot.newest = version;
            }
        }
        Page { slots: RwLock::new(slots), used: AtomicU64::new(0) }
    }

    pub(super) fn touch(&self, slot: usize) {
        let bit = 1 << slot;
        if self.used.load(Ordering::Relaxed) & bit == 0 {
            self.used.fetch_or(bit, Ordering::Relaxed);
        }
    }
}

/// The pages of a chunk, allocated at their first use: a program may have thousands of collections of a few documents, and a
/// database that was opened from a checkpoint has the slots of a page there until they are looked at.
pub(super) struct Pages([OnceLock<Box<Page>>; PAGES]);

impl Pages {
    /// The page, if it is in memory.
    #[inline]
    pub(super) fn get(&self, page: usize) -> Option<&Page> {
        self.0[page].get().map(Box::as_ref)
    }

    /// The page, made if there is none.
    pub(super) fn get_or_new(&self, page: usize) -> &Page {
        self.0[page].get_or_init(|| Box::new(Page::new()))
    }

    /// The page; this one, if there is none in memory.
    pub(super) fn get_or(&self, page: usize, fresh: Page) -> &Page {
        self.0[page].get_or_init(|| Box::new(fresh))
    }

    /// Those in use.
    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Page> {
        self.0.iter().filter_map(|page| page.get().map(Box::as_ref))
    }
}

pub(super) struct Chunk {
    pub(super) pages: Pages,
    /// A bit per page, set while a newest version in it may be in memory: the clock skips the other pages. Changed with the
    /// page locked.
    pub(super) warm: AtomicU64,
    /// Slots that were filled and not emptied since.
    pub(super) occupied: AtomicU32,
}

impl Chunk {
    pub(super) fn new() -> Arc<Chunk> {
        let pages = Pages([const { OnceLock::new() }; PAGES]);
        Arc::new(Chunk { pages, warm: AtomicU64::new(0), occupied: AtomicU32::new(0) })
    }

    /// Marks the locked page as one with a document in memory.
    pub(super) fn warmed(&self, page: usize) {
        let bit = 1 << page;
        if self.warm.load(Ordering::Relaxed) & bit == 0 {
            self.warm.fetch_or(bit, Ordering::Relaxed);
        }
    }
}

/// The page within the chunk, and the slot within the page.
pub(super) fn place(id: u64) -> (usize, usize) {
    let in_chunk = (id % CHUNK) as usize;
    (in_chunk / PAGE, in_chunk % PAGE)
}
