//! Slots in pages, pages in chunks, and which version of a slot a view sees.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::engine::exec::locks::{ReadGuard, RwLock};
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

pub(super) struct Page {
    /// The use bit of each slot, set by a read by key: the clock spares such a slot once. Scans do not set it.
    pub(super) used: AtomicU64,
    pub(super) slots: RwLock<Slots>,
}

/// The slots of a page; empty ones while the page is not in memory.
#[derive(Default)]
pub(super) struct Slots(Option<Box<[Slot; PAGE]>>);

static EMPTY: [Slot; PAGE] = [const { Slot::VACANT }; PAGE];

impl Slots {
    /// These versions in their places.
    pub(super) fn of(versions: Vec<(usize, Version)>) -> Slots {
        let mut slots = Box::new([const { Slot::VACANT }; PAGE]);
        for (at, version) in versions {
            if let Some(slot) = slots.get_mut(at) {
                slot.newest = version;
            }
        }
        Slots(Some(slots))
    }

    pub(super) fn is_in_memory(&self) -> bool {
        self.0.is_some()
    }

    /// Whether a checkpoint of the state at this LSN has all that they hold.
    pub(super) fn is_below(&self, lsn: Lsn) -> bool {
        let is_there = |slot: &Slot| {
            let content = &slot.newest.content;
            slot.history.is_none()
                && slot.newest.lsn <= lsn
                && matches!(content, Content::Cold(..) | Content::Vacant)
        };
        self.is_in_memory() && self.iter().all(is_there)
    }
}

impl Deref for Slots {
    type Target = [Slot; PAGE];

    #[inline]
    fn deref(&self) -> &[Slot; PAGE] {
        self.0.as_deref().unwrap_or(&EMPTY)
    }
}

impl DerefMut for Slots {
    #[inline]
    fn deref_mut(&mut self) -> &mut [Slot; PAGE] {
        self.0.get_or_insert_with(|| Box::new([const { Slot::VACANT }; PAGE]))
    }
}

impl Page {
    fn new() -> Page {
        Page { used: AtomicU64::new(0), slots: RwLock::new(Slots(None)) }
    }

    pub(super) fn touch(&self, slot: usize) {
        let bit = 1 << slot;
        if self.used.load(Ordering::Relaxed) & bit == 0 {
            self.used.fetch_or(bit, Ordering::Relaxed);
        }
    }
}

/// A page as a reader finds it.
pub(super) enum Look<'c, T> {
    InMemory(ReadGuard<'c, Slots>),
    /// Not in memory: what a checkpoint has of it.
    Below(T),
}

/// Pages that follow each other. Their slots are in memory from the first use on: a program may have thousands of collections
/// of a few documents, and what a checkpoint has of a page comes into memory when one of its slots is looked at.
pub(super) struct Chunk {
    pub(super) pages: [Page; PAGES],
    /// A bit per page, set while a newest version in it may be in memory: the clock skips the other pages. Changed with the
    /// page locked.
    pub(super) warm: AtomicU64,
    /// Slots that were filled and not emptied since.
    pub(super) occupied: AtomicU32,
}

impl Chunk {
    pub(super) fn new() -> Arc<Chunk> {
        let pages = std::array::from_fn(|_| Page::new());
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
