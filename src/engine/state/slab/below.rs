//! The checkpoint below the slots: pages that come from there into memory, and go back.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::page::{CHUNK, Chunk, Look, PAGE, Page, Slot, Slots, VisibleVersion, place};
use super::slab::{Bases, Slab};
use crate::engine::exec::locks::ReadGuard;
use crate::engine::state::base::CollectionBase;
use crate::engine::state::version::{SlotId, Version};
use crate::error::Result;
use crate::storage::Lsn;

/// Slots of a page that readers bring into memory one by one; the next one brings the whole page.
const FEW: usize = 2;

/// What a view finds of a document in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Document,
    /// Not here; an earlier life of it may be in that slot.
    Before(SlotId),
    None,
}

impl Slab {
    /// From now on this checkpoint is below, whose state every view sees or an older one does not need. What is in memory stays,
    /// and is what readers find.
    pub(crate) fn rebase(&self, base: Arc<CollectionBase>) {
        let mut below = self.base.write();
        // What was released since to a newer one is not in an older one.
        if below.as_ref().is_some_and(|below| below.slots.base().lsn() > base.base().lsn()) {
            return;
        }
        *below = Some(Bases { slots: base.clone(), keys: base });
        self.is_based.store(true, Ordering::Release);
    }

    /// The documents of the checkpoint below have moved: from now on the places in this one hold, which has the same of every slot
    /// that is not in memory. Nothing happens where there is none. No slot goes back to the one before from now on.
    pub(crate) fn move_slots(&self, moved: &Arc<CollectionBase>) {
        if let Some(below) = &mut *self.base.write() {
            below.slots.base().set_takes_back(false);
            // Older readers find these slots in it, too.
            moved.base().begin_since(below.slots.base().since());
            below.slots = moved.clone();
        }
    }

    /// Calls a function with each place within the 64 slots from this multiple of 64 on, and the document there that a view sees.
    /// What is not in memory stays there.
    pub(crate) fn peek(&self, first: u64, view: Lsn, mut visit: impl FnMut(usize, &Version)) -> Result<()> {
        let chunk = self.chunks.read().get((first / CHUNK) as usize).cloned().flatten();
        let Some(chunk) = chunk else {
            if let Some(base) = self.base_of(first) {
                base.versions(first)?.iter().for_each(|(at, version)| visit(*at, version));
            }
            return Ok(());
        };
        let (slots, below) = match self.look(&chunk, first, false)? {
            Look::InMemory(slots) => (slots, Vec::new()),
            Look::Below(slots, below) => (slots, below),
        };
        for (at, seen) in slots.seen(&below, view) {
            if let VisibleVersion::Version(version) = seen
                && version.content.is_document()
            {
                visit(at, version);
            }
        }
        Ok(())
    }

    /// Calls a function with each slot from `from` up to slot `to` that has changed since the state at `lsn`, which a view is open on:
    /// what is not in memory has not.
    pub(crate) fn changed_since(&self, from: u64, to: u64, lsn: Lsn, mut visit: impl FnMut(SlotId)) {
        let mut first = from / PAGE as u64 * PAGE as u64;
        while first < to {
            let chunk = self.chunks.read().get((first / CHUNK) as usize).cloned().flatten();
            let Some(chunk) = chunk else {
                first = (first / CHUNK + 1) * CHUNK;
                continue;
            };
            let slots = chunk.pages[place(first).0].slots.read();
            for (at, slot) in slots.iter() {
                let id = first + at as u64;
                if slot.newest.lsn > lsn && (from..to).contains(&id) {
                    visit(SlotId(id));
                }
            }
            drop(slots);
            first += PAGE as u64;
        }
    }

    /// What a view finds of a document in this slot. What is not in memory stays there.
    pub(crate) fn life(&self, id: SlotId, view: Lsn) -> Result<Life> {
        let Some(chunk) = self.chunk((id.0 / CHUNK) as usize) else { return Ok(Life::None) };
        let slots = match self.look_for_one(&chunk, id.0)? {
            Look::InMemory(slots) => slots,
            Look::Below(_, version) => return Ok(version.map_or(Life::None, |_| Life::Document)),
        };
        Ok(match slots.at(place(id.0).1).seen(view) {
            VisibleVersion::Version(version) if version.content.is_document() => Life::Document,
            VisibleVersion::Before(earlier) => Life::Before(earlier),
            VisibleVersion::Version(_) | VisibleVersion::Nothing => Life::None,
        })
    }

    /// Whether this slot is not in memory, and this the checkpoint below: a document that it names there is as it is there.
    pub(crate) fn is_below(&self, id: SlotId, base: &Arc<CollectionBase>) -> bool {
        let Some(chunk) = self.chunk((id.0 / CHUNK) as usize) else { return false };
        let (page, slot) = place(id.0);
        let slots = chunk.pages[page].slots.read();
        !slots.has(slot) && self.is_base(base)
    }

    /// Whether some of the page of this slot is in memory; if so a bit for each slot whose document, as the state at `cut` sees it, is, too.
    pub(crate) fn hot_slots(&self, id: u64, cut: Lsn) -> Option<u64> {
        let chunk = self.chunks.read().get((id / CHUNK) as usize).cloned().flatten()?;
        let slots = chunk.pages[place(id).0].slots.read();
        let is_hot = |slot: &Slot| match slot.seen(cut) {
            VisibleVersion::Version(version) => version.content.is_hot(),
            _ => false,
        };
        let bit = |(at, slot)| u64::from(is_hot(slot)) << at;
        (!slots.is_none()).then(|| slots.iter().map(bit).sum())
    }

    /// The checkpoint below the keys.
    pub(crate) fn base(&self) -> Option<Arc<CollectionBase>> {
        if self.is_based() { self.base.read().as_ref().map(|below| below.keys.clone()) } else { None }
    }

    /// The checkpoints below; they are the same but after a compaction, until its readers are done.
    pub(crate) fn bases(&self) -> [Option<Arc<CollectionBase>>; 2] {
        let below = self.base.read();
        let Some(Bases { slots, keys }) = below.as_ref() else { return [None, None] };
        [Some(keys.clone()), (!Arc::ptr_eq(slots, keys)).then(|| slots.clone())]
    }

    /// Whether there is a checkpoint below.
    pub(crate) fn is_based(&self) -> bool {
        self.is_based.load(Ordering::Acquire)
    }

    /// The checkpoint below, if it reaches to this slot.
    pub(super) fn base_of(&self, id: u64) -> Option<Arc<CollectionBase>> {
        self.base.read().as_ref().map(|below| &below.slots).filter(|base| id < base.end()).cloned()
    }

    fn is_base(&self, base: &Arc<CollectionBase>) -> bool {
        self.base.read().as_ref().is_some_and(|own| Arc::ptr_eq(&own.slots, base))
    }

    /// The page of this slot, in memory if a checkpoint has it.
    #[inline]
    pub(super) fn read<'c>(&self, chunk: &'c Chunk, id: u64) -> Result<ReadGuard<'c, Slots>> {
        let page = &chunk.pages[place(id).0];
        loop {
            let slots = page.slots.read();
            if slots.is_all() {
                return Ok(slots);
            }
            drop(slots);
            if !self.fill_page(page, id)? {
                return Ok(page.slots.read());
            }
        }
    }

    /// The page of this slot, which is in memory if a checkpoint has it; near the memory limit the others need not be.
    #[inline]
    pub(super) fn read_one<'c>(&self, chunk: &'c Chunk, id: u64) -> Result<ReadGuard<'c, Slots>> {
        let (page, slot) = place(id);
        let page = &chunk.pages[page];
        loop {
            let slots = page.slots.read();
            if slots.has(slot) {
                return Ok(slots);
            }
            drop(slots);
            if !self.fill_one(page, id)? {
                return Ok(page.slots.read());
            }
        }
    }

    /// The page of this slot as it is in memory, or as the checkpoint has it; `keeps` brings that into memory where nothing limits
    /// it.
    #[inline]
    pub(super) fn look<'c>(
        &self,
        chunk: &'c Chunk,
        id: u64,
        keeps: bool,
    ) -> Result<Look<'c, Vec<(usize, Version)>>> {
        let first = id / PAGE as u64 * PAGE as u64;
        self.look_for(chunk, id, keeps, Slots::is_all, |base| base.versions(first), Vec::is_empty)
    }

    /// Looks for one slot only. Where nothing limits it, that brings the slot into memory, and its whole page once [`FEW`] of its
    /// slots came by themselves: what a query finds far apart does not cost what is between.
    #[inline]
    pub(super) fn look_at<'c>(&self, chunk: &'c Chunk, id: u64) -> Result<Look<'c, Option<Version>>> {
        let (page, slot) = place(id);
        let page = &chunk.pages[page];
        loop {
            let slots = page.slots.read();
            if slots.has(slot) {
                return Ok(Look::InMemory(slots));
            }
            let is_dense = slots.len() >= FEW;
            drop(slots);
            let Some(base) = self.base_of(id).filter(|base| base.base().keeps()) else {
                return self.look_for_one(chunk, id);
            };
            if is_dense {
                self.fill_page(page, id)?;
                continue;
            }
            let Some(version) = base.version(id)? else { return self.look_for_one(chunk, id) };
            self.put_one(page, id, &base, Some(version));
        }
    }

    #[inline]
    fn look_for_one<'c>(&self, chunk: &'c Chunk, id: u64) -> Result<Look<'c, Option<Version>>> {
        let slot = place(id).1;
        self.look_for(chunk, id, false, |slots| slots.has(slot), |base| base.version(id), Option::is_none)
    }

    /// Brings this slot into memory, as this checkpoint has it, if that is still the one below.
    fn put_one(&self, page: &Page, id: u64, base: &Arc<CollectionBase>, version: Option<Version>) -> bool {
        let mut slots = page.slots.write();
        let is_base = self.is_base(base);
        if is_base {
            self.change(&mut slots, |slots| slots.put(place(id).1, version));
        }
        is_base
    }

    #[inline]
    fn look_for<'c, T>(
        &self,
        chunk: &'c Chunk,
        id: u64,
        keeps: bool,
        is_here: impl Fn(&Slots) -> bool,
        find: impl Fn(&CollectionBase) -> Result<T>,
        is_empty: impl Fn(&T) -> bool,
    ) -> Result<Look<'c, T>> {
        let page = &chunk.pages[place(id).0];
        let slots = page.slots.read();
        if is_here(&slots) {
            return Ok(Look::InMemory(slots));
        }
        drop(slots);
        let first = id / PAGE as u64 * PAGE as u64;
        loop {
            let Some(base) = self.base_of(first) else { return Ok(Look::InMemory(page.slots.read())) };
            let found = find(&base)?;
            if keeps && base.base().keeps() && !is_empty(&found) {
                return self.read(chunk, id).map(Look::InMemory);
            }
            let slots = page.slots.read();
            if is_here(&slots) {
                return Ok(Look::InMemory(slots));
            }
            // A newer checkpoint may have another place of a document.
            if self.is_base(&base) {
                return Ok(Look::Below(slots, found));
            }
        }
    }

    /// Brings the page of this slot into memory; returns whether a checkpoint has it.
    #[cold]
    fn fill_page(&self, page: &Page, id: u64) -> Result<bool> {
        let first = id / PAGE as u64 * PAGE as u64;
        loop {
            let Some(base) = self.base_of(first) else { return Ok(false) };
            let versions = base.versions(first)?;
            let mut slots = page.slots.write();
            // A newer checkpoint holds what was changed, and released from memory, in between.
            if slots.is_all() || self.is_base(&base) {
                self.change(&mut slots, |slots| slots.fill(versions));
                return Ok(true);
            }
        }
    }

    /// Brings this slot into memory, and its whole page where nothing limits that; returns whether a checkpoint has it.
    #[cold]
    fn fill_one(&self, page: &Page, id: u64) -> Result<bool> {
        let first = id / PAGE as u64 * PAGE as u64;
        loop {
            let Some(base) = self.base_of(first) else { return Ok(false) };
            if base.base().keeps() {
                return self.fill_page(page, id);
            }
            let version = base.version(id)?;
            if self.put_one(page, id, &base, version) {
                return Ok(true);
            }
        }
    }

    /// Gives the page of this slot back to the checkpoint, if that has all of it; returns the bytes of memory freed. The caller
    /// holds the commit lock.
    pub(crate) fn release_page(&self, id: u64) -> u64 {
        let chunk = self.chunks.read().get((id / CHUNK) as usize).cloned().flatten();
        let (Some(chunk), Some(base)) = (chunk, self.base_of(id)) else { return 0 };
        self.release(&chunk.pages[place(id).0], id / PAGE as u64 * PAGE as u64, &base)
    }

    /// Does so with each page of this slot's chunk; returns the first slot of the next one.
    pub(crate) fn release_chunk(&self, id: u64) -> u64 {
        let first = id / CHUNK * CHUNK;
        let chunk = self.chunks.read().get((id / CHUNK) as usize).cloned().flatten();
        if let (Some(chunk), Some(base)) = (chunk, self.base_of(first)) {
            for (page, first) in chunk.pages.iter().zip((first..).step_by(PAGE)) {
                self.release(page, first, &base);
            }
        }
        first + CHUNK
    }

    fn release(&self, page: &Page, first: u64, base: &Arc<CollectionBase>) -> u64 {
        let mut slots = page.slots.write();
        let is_there = first + PAGE as u64 <= base.end() && slots.is_below(base.base().lsn());
        if !is_there || !base.base().takes_back() || !self.is_base(base) {
            return 0;
        }
        let freed = slots.bytes();
        self.change(&mut slots, |slots| *slots = Slots::None);
        freed
    }
}
