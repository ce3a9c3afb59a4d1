//! Slots in pages, pages in chunks, and which version of a slot a view sees.

use std::collections::VecDeque;
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
    /// A restore has brought the document back into this slot: it has had other lives, in these slots.
    pub(super) other_lives: Vec<SlotId>,
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

/// The slots of a page that are in memory. A checkpoint has the others, or they are empty.
#[derive(Default)]
pub(super) enum Slots {
    #[default]
    None,
    Few(Box<Few>),
    All(Box<[Slot; PAGE]>),
}

/// Slots by their places in the page: the few that were read by themselves, or, near the memory limit, those that were changed.
#[derive(Default)]
pub(super) struct Few(Vec<(u8, Slot)>);

static EMPTY: [Slot; PAGE] = [const { Slot::VACANT }; PAGE];

impl Slots {
    /// Whether there are none.
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Slots::None)
    }

    /// Whether all are.
    #[inline]
    pub(super) fn is_all(&self) -> bool {
        matches!(self, Slots::All(_))
    }

    /// Whether this one is.
    #[inline]
    pub(super) fn has(&self, at: usize) -> bool {
        match self {
            Slots::All(_) => true,
            Slots::None => false,
            Slots::Few(few) => few.0.iter().any(|(own, _)| usize::from(*own) == at),
        }
    }

    /// The number of those in memory.
    pub(super) fn len(&self) -> usize {
        match self {
            Slots::All(_) => PAGE,
            Slots::None => 0,
            Slots::Few(few) => few.0.len(),
        }
    }

    /// This one; an empty one if it is not in memory.
    #[inline]
    pub(super) fn at(&self, at: usize) -> &Slot {
        match self {
            Slots::All(slots) => &slots[at],
            Slots::None => &EMPTY[at],
            Slots::Few(few) => {
                few.0.iter().find(|(own, _)| usize::from(*own) == at).map_or(&EMPTY[at], |(_, slot)| slot)
            }
        }
    }

    /// This one, to change it.
    pub(super) fn at_mut(&mut self, at: usize) -> Option<&mut Slot> {
        match self {
            Slots::All(slots) => slots.get_mut(at),
            Slots::None => None,
            Slots::Few(few) => {
                few.0.iter_mut().find(|(own, _)| usize::from(*own) == at).map(|(_, slot)| slot)
            }
        }
    }

    /// All of them; empty ones unless all are in memory.
    #[inline]
    pub(super) fn all(&self) -> &[Slot; PAGE] {
        match self {
            Slots::All(slots) => slots,
            _ => &EMPTY,
        }
    }

    /// Brings all of them into memory, with these versions where they were not.
    pub(super) fn fill(&mut self, versions: Vec<(usize, Version)>) {
        if self.is_all() {
            return;
        }
        let mut slots = Box::new([const { Slot::VACANT }; PAGE]);
        for (at, version) in versions {
            if let Some(slot) = slots.get_mut(at) {
                slot.newest = version;
            }
        }
        if let Slots::Few(few) = std::mem::take(self) {
            for (at, own) in few.0 {
                slots[usize::from(at)] = own;
            }
        }
        *self = Slots::All(slots);
    }

    /// Brings one more into memory, with this version.
    pub(super) fn put(&mut self, at: usize, version: Option<Version>) {
        if self.has(at) {
            return;
        }
        if self.is_none() {
            *self = Slots::Few(Box::default());
        }
        if let Slots::Few(few) = self {
            let newest = version.unwrap_or(Slot::VACANT.newest);
            // Most pages have one or two.
            if few.0.len() == few.0.capacity() {
                few.0.reserve_exact(few.0.len().div_ceil(2).max(1));
            }
            few.0.push((at as u8, Slot { newest, history: None }));
        }
    }

    /// Those in memory, with their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Slot)> {
        let (all, few) = match self {
            Slots::All(slots) => (slots.as_slice(), [].as_slice()),
            Slots::Few(few) => ([].as_slice(), few.0.as_slice()),
            Slots::None => ([].as_slice(), [].as_slice()),
        };
        all.iter().enumerate().chain(few.iter().map(|(at, slot)| (usize::from(*at), slot)))
    }

    /// Those in memory, with their places, to change them.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Slot)> {
        let (all, few) = match self {
            Slots::All(slots) => (slots.as_mut_slice(), [].as_mut_slice()),
            Slots::Few(few) => ([].as_mut_slice(), few.0.as_mut_slice()),
            Slots::None => ([].as_mut_slice(), [].as_mut_slice()),
        };
        all.iter_mut().enumerate().chain(few.iter_mut().map(|(at, slot)| (usize::from(*at), slot)))
    }

    /// What a view finds in each slot, with its place, where a checkpoint has these versions.
    pub(super) fn seen<'a>(
        &'a self,
        below: &'a [(usize, Version)],
        view: Lsn,
    ) -> impl Iterator<Item = (usize, VisibleVersion<'a>)> {
        let mut below = below.iter().peekable();
        (0..PAGE).filter_map(move |at| {
            let version = below.next_if(|(own, _)| *own == at).map(|(_, version)| version);
            match self.has(at) {
                true => Some((at, self.at(at).seen(view))),
                false => version.map(|version| (at, VisibleVersion::Version(version))),
            }
        })
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> u64 {
        let bytes = match self {
            Slots::All(_) => size_of::<[Slot; PAGE]>(),
            Slots::Few(few) => size_of::<Few>() + few.0.capacity() * size_of::<(u8, Slot)>(),
            Slots::None => 0,
        };
        bytes as u64
    }

    /// Whether a checkpoint of the state at this LSN has all that they hold.
    pub(super) fn is_below(&self, lsn: Lsn) -> bool {
        let is_there = |slot: &Slot| {
            let content = &slot.newest.content;
            slot.history.is_none()
                && slot.newest.lsn <= lsn
                && matches!(content, Content::Cold(..) | Content::Vacant)
        };
        !self.is_none() && self.iter().all(|(_, slot)| is_there(slot))
    }
}

impl Page {
    fn new() -> Page {
        Page { used: AtomicU64::new(0), slots: RwLock::new(Slots::None) }
    }

    pub(super) fn touch(&self, slot: usize) {
        let bit = 1 << slot;
        if self.used.load(Ordering::Relaxed) & bit == 0 {
            self.used.fetch_or(bit, Ordering::Relaxed);
        }
    }
}

/// A page, or one slot of it, as a reader finds it.
pub(super) enum Look<'c, T> {
    /// In memory.
    InMemory(ReadGuard<'c, Slots>),
    /// Not in memory, or not all of it: what a checkpoint has of the rest.
    Below(ReadGuard<'c, Slots>, T),
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
