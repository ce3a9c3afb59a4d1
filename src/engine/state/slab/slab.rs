//! The slots of one collection: assigning them, changing them, and reading them in a view.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use smallvec::SmallVec;

use super::page::{CHUNK, Chunk, History, Look, PAGE, Slot, Slots, VisibleVersion, place};
use crate::engine::exec::locks::RwLock;
use crate::engine::exec::prefetch::Prefetch;
use crate::engine::state::base::CollectionBase;
use crate::engine::state::version::{Content, SlotId, Span, Version};
use crate::error::Result;
use crate::storage::{Block, BlockPlace, Lsn};

/// Documents that are prefetched at once.
const TOGETHER: usize = 16;

/// A version that a newer one has replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Replaced {
    /// The version number of the document, if it was one.
    pub(crate) version: Option<u32>,
    /// The bytes of memory that it takes.
    pub(crate) bytes: u32,
}

/// The checkpoints below the slots and below the keys. A compaction exchanges the former at once, because it moves the documents;
/// the latter can only be exchanged once no reader needs keys that were deleted before it.
pub(super) struct Bases {
    pub(super) slots: Arc<CollectionBase>,
    pub(super) keys: Arc<CollectionBase>,
}

/// The slots of one collection.
#[derive(Default)]
pub(crate) struct Slab {
    pub(super) chunks: RwLock<Vec<Option<Arc<Chunk>>>>,
    len: AtomicU64,
    hot_bytes: AtomicU64,
    /// Bytes of the newest versions, in memory or on disk: what a compaction would write.
    live_bytes: AtomicU64,
    /// Bytes of the slots in memory.
    slot_bytes: AtomicU64,
    /// Versions that came since the last checkpoint was begun.
    changed: AtomicU64,
    /// The end of the slots that a checkpoint has, or may come to have.
    kept_to: AtomicU64,
    /// The checkpoints below: what is not in memory is there.
    pub(super) base: RwLock<Option<Bases>>,
    /// Whether there is one.
    pub(super) is_based: AtomicBool,
}

impl Slab {
    /// Begins with the slots of a checkpoint, before any other use. Those that are assigned begin a page of their own.
    pub(crate) fn begin_from(&self, base: Arc<CollectionBase>, live_bytes: u64) {
        let end = base.end().next_multiple_of(PAGE as u64);
        self.chunks.write().resize_with(end.div_ceil(CHUNK) as usize, || None);
        self.live_bytes.store(live_bytes, Ordering::Relaxed);
        self.len.store(end, Ordering::Release);
        self.kept_to.store(end, Ordering::Release);
        self.rebase(base);
    }

    /// Begins with slots up to `end` that were filled, before any other use.
    pub(super) fn begin_with(&self, end: u64, live_bytes: u64) {
        self.live_bytes.store(live_bytes, Ordering::Relaxed);
        self.len.store(end, Ordering::Release);
    }

    /// Counts documents that came into memory.
    pub(super) fn add_hot(&self, bytes: u64) {
        self.hot_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Brings the slots of a page into memory, of which a checkpoint has nothing.
    fn begin_page(&self, slots: &mut Slots) {
        if !slots.is_all() {
            self.change(slots, |slots| slots.fill(Vec::new()));
        }
    }

    /// Changes which slots of a page are in memory.
    pub(super) fn change(&self, slots: &mut Slots, change: impl FnOnce(&mut Slots)) {
        let before = slots.bytes();
        change(slots);
        // A sum of differences: some of them are below zero.
        self.slot_bytes.fetch_add(slots.bytes().wrapping_sub(before), Ordering::Relaxed);
    }

    /// A checkpoint of the newest state is begun, with slots up to `end`.
    pub(crate) fn begin_changes(&self, end: u64) {
        self.changed.store(0, Ordering::Relaxed);
        self.keep_to(end);
    }

    /// Slots up to `end` may come to be in a checkpoint.
    pub(crate) fn keep_to(&self, end: u64) {
        self.kept_to.fetch_max(end, Ordering::AcqRel);
    }

    /// Bytes of slots that have changed since the last checkpoint was begun.
    pub(crate) fn changed_bytes(&self) -> u64 {
        self.changed.load(Ordering::Relaxed) * size_of::<Slot>() as u64
    }

    /// Bytes of memory that slots take, without the documents.
    pub(crate) fn slot_bytes(&self) -> u64 {
        self.slot_bytes.load(Ordering::Relaxed)
    }

    /// One past the last slot assigned.
    pub(crate) fn end(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    /// Bytes of memory that documents take, including old versions.
    pub(crate) fn hot_bytes(&self) -> u64 {
        self.hot_bytes.load(Ordering::Relaxed)
    }

    /// Bytes of the newest versions with their record heads, in memory or on disk.
    pub(crate) fn live_bytes(&self) -> u64 {
        self.live_bytes.load(Ordering::Relaxed)
    }

    /// Fills the next slot. Only the commit path and replay call this, one thread at a time.
    pub(crate) fn push(&self, version: Version, earlier_life: Option<SlotId>) -> SlotId {
        self.changed.fetch_add(1, Ordering::Relaxed);
        let id = self.len.load(Ordering::Relaxed);
        let index = (id / CHUNK) as usize;
        if index == self.chunks.read().len() {
            self.chunks.write().push(Some(Chunk::new()));
        }
        self.hot_bytes.fetch_add(version.content.hot_bytes(), Ordering::Relaxed);
        self.live_bytes.fetch_add(version.content.live_bytes() as u64, Ordering::Relaxed);
        if let Some(chunk) = self.chunk(index) {
            let (page, slot) = place(id);
            chunk.occupied.fetch_add(1, Ordering::Relaxed);
            let history =
                earlier_life.map(|slot| Box::new(History { earlier_life: Some(slot), ..History::default() }));
            // Slots that are assigned now are in no checkpoint.
            let mut slots = chunk.pages[page].slots.write();
            if version.content.is_hot() {
                chunk.warmed(page);
            }
            self.begin_page(&mut slots);
            if let Some(slot) = slots.at_mut(slot) {
                *slot = Slot { newest: version, history };
            }
        }
        self.len.store(id + 1, Ordering::Release);
        SlotId(id)
    }

    /// Makes this the newest version of the slot; the previous one is kept until it is pruned. Returns what that was.
    pub(crate) fn supersede(&self, id: SlotId, version: Version) -> Replaced {
        self.changed.fetch_add(1, Ordering::Relaxed);
        self.hot_bytes.fetch_add(version.content.hot_bytes(), Ordering::Relaxed);
        self.live_bytes.fetch_add(version.content.live_bytes() as u64, Ordering::Relaxed);
        self.with_mut(id, |slot| {
            self.live_bytes.fetch_sub(slot.newest.content.live_bytes() as u64, Ordering::Relaxed);
            let newest = std::mem::replace(&mut slot.newest, version);
            let bytes = u32::try_from(newest.content.hot_bytes()).unwrap_or(u32::MAX);
            let replaced = Replaced { version: newest.content.version(), bytes };
            slot.history.get_or_insert_default().older.push_back(newest);
            replaced
        })
        .unwrap_or_default()
    }

    /// Calls a function with the newest version, published or not.
    pub(crate) fn newest<R>(&self, id: SlotId, read: impl FnOnce(&Version) -> R) -> Result<Option<R>> {
        let Some(chunk) = self.chunk((id.0 / CHUNK) as usize) else { return Ok(None) };
        let slots = self.read_one(&chunk, id.0)?;
        Ok(Some(read(&slots.at(place(id.0).1).newest)))
    }

    /// Calls a function with what a view sees in the slot. `view` is called once the page is locked: a version that the
    /// newest published view sees cannot be pruned from then on, so point reads need not register a view.
    pub(crate) fn seen<R>(
        &self,
        id: SlotId,
        view: impl FnOnce() -> Lsn,
        read: impl FnOnce(VisibleVersion<'_>) -> R,
    ) -> Result<R> {
        match self.chunk((id.0 / CHUNK) as usize) {
            None => Ok(read(VisibleVersion::Nothing)),
            Some(chunk) => {
                let (page, slot) = place(id.0);
                match self.look_at(&chunk, id.0)? {
                    Look::InMemory(slots) => {
                        chunk.pages[page].touch(slot);
                        Ok(read(slots.at(slot).seen(view())))
                    }
                    Look::Below(_, Some(version)) => Ok(read(VisibleVersion::Version(&version))),
                    Look::Below(_, None) => Ok(read(VisibleVersion::Nothing)),
                }
            }
        }
    }

    /// Whether the slot has a document with only one version, and the view sees it.
    pub(crate) fn sees_all(&self, id: SlotId, view: Lsn) -> bool {
        let Some(chunk) = self.chunk((id.0 / CHUNK) as usize) else { return false };
        let (page, slot) = place(id.0);
        let slots = chunk.pages[page].slots.read();
        // An entry in a checkpoint is that of a document there, which nobody has changed since.
        if !slots.has(slot) {
            return self.base_of(id.0).is_some();
        }
        let slot = slots.at(slot);
        slot.history.is_none() && slot.newest.lsn <= view && slot.newest.content.is_document()
    }

    /// Calls a function with the documents that a view sees in these slots, until it stops; returns how many slots were
    /// passed. The function runs under a page's lock, and gets the slot's index in the list.
    pub(crate) fn visit(
        &self,
        slots: &[u64],
        view: Lsn,
        mut visit: impl FnMut(usize, SlotId, &Version) -> std::ops::ControlFlow<()>,
    ) -> Result<usize> {
        let mut known: Option<(u64, Arc<Chunk>)> = None;
        for (n, id) in slots.iter().enumerate() {
            if n % TOGETHER == 0 {
                self.prefetch(slots.get(n..(n + TOGETHER).min(slots.len())).unwrap_or_default());
            }
            let index = id / CHUNK;
            if known.as_ref().is_none_or(|(own, _)| *own != index) {
                known = self.chunk(index as usize).map(|chunk| (index, chunk));
            }
            let Some((_, chunk)) = &known else { continue };
            let (page, slot) = place(*id);
            let found = self.look_at(chunk, *id)?;
            let seen = match &found {
                Look::InMemory(slots) => {
                    chunk.pages[page].touch(slot);
                    slots.at(slot).seen(view)
                }
                Look::Below(_, Some(version)) => VisibleVersion::Version(version),
                Look::Below(_, None) => VisibleVersion::Nothing,
            };
            // An earlier life has its own entries.
            if let VisibleVersion::Version(version) = seen
                && version.content.is_document()
                && visit(n, SlotId(*id), version).is_break()
            {
                return Ok(n + 1);
            }
        }
        Ok(slots.len())
    }

    /// Prefetches the documents in these slots together: a caller that goes from one to the next takes a lock for each, which
    /// keeps the processor from loading ahead. The loads within each of these loops are independent.
    fn prefetch(&self, slots: &[u64]) {
        let mut chunks: SmallVec<[(u64, Arc<Chunk>); 4]> = SmallVec::new();
        let mut prefetch = Prefetch::default();
        for id in slots {
            let index = id / CHUNK;
            if chunks.last().is_none_or(|(own, _)| *own != index) {
                let Some(chunk) = self.chunk(index as usize) else { return };
                chunks.push((index, chunk));
            }
            let Some((_, chunk)) = chunks.last() else { return };
            let page = &chunk.pages[place(*id).0];
            prefetch.word(page.used.load(Ordering::Relaxed) ^ u64::from(page.slots.is_locked()));
        }
        let mut chunks = chunks.iter().peekable();
        let mut documents: SmallVec<[(Arc<Block>, Span); TOGETHER]> = SmallVec::new();
        for id in slots {
            let index = id / CHUNK;
            chunks.next_if(|(own, _)| *own != index);
            let Some((_, chunk)) = chunks.peek() else { return };
            let (page, slot) = place(*id);
            if let Content::Hot(block, span) = &chunk.pages[page].slots.read().at(slot).newest.content {
                documents.push((block.clone(), *span));
            }
        }
        for (block, span) in &documents {
            prefetch.bytes(span.of(block));
        }
    }

    /// Calls a function with each document that a view sees from slot `from` up to slot `to`, page by page, in order, until
    /// it stops; returns where to continue. The function runs under a page's lock: it may only match and clone.
    pub(crate) fn scan(
        &self,
        from: u64,
        to: u64,
        view: Lsn,
        mut visit: impl FnMut(SlotId, &Version) -> std::ops::ControlFlow<()>,
    ) -> Result<u64> {
        let mut id = from;
        while id < to {
            let Some(chunk) = self.chunk((id / CHUNK) as usize) else {
                id = (id / CHUNK + 1) * CHUNK;
                continue;
            };
            let chunk_end = ((id / CHUNK + 1) * CHUNK).min(to);
            while id < chunk_end {
                let first = place(id).1;
                let last = (first as u64 + chunk_end - id).min(PAGE as u64) as usize;
                let page = match self.look(&chunk, id, true)? {
                    Look::InMemory(page) => page,
                    Look::Below(slots, versions) => {
                        let begin = id - first as u64;
                        for (at, seen) in slots.seen(&versions, view) {
                            if (first..last).contains(&at)
                                && let VisibleVersion::Version(version) = seen
                                && version.content.is_document()
                                && visit(SlotId(begin + at as u64), version).is_break()
                            {
                                return Ok(begin + at as u64 + 1);
                            }
                        }
                        id = begin + last as u64;
                        continue;
                    }
                };
                for slot in &page.all()[first..last] {
                    let at = SlotId(id);
                    id += 1;
                    // An earlier life is in an earlier slot, where the scan has met it already.
                    if let VisibleVersion::Version(version) = slot.seen(view)
                        && version.content.is_document()
                        && visit(at, version).is_break()
                    {
                        return Ok(id);
                    }
                }
            }
        }
        Ok(id.max(from))
    }

    /// Drops the versions that no view from `oldest` on can see.
    pub(crate) fn prune(&self, id: SlotId, oldest: Lsn) {
        let freed = self.with_mut(id, |slot| slot.forget(oldest));
        self.hot_bytes.fetch_sub(freed.unwrap_or(0), Ordering::Relaxed);
    }

    /// Empties the slot of a document whose deletion every view from `oldest` on sees.
    pub(crate) fn bury(&self, id: SlotId, oldest: Lsn) -> bool {
        self.prune(id, oldest);
        let buried = self.with_mut(id, |slot| {
            let gone = matches!(slot.newest.content, Content::Tombstone) && slot.newest.lsn <= oldest;
            if gone {
                slot.newest.content = Content::Vacant;
            }
            gone
        });
        if buried == Some(true) {
            self.vacate(id);
        }
        buried == Some(true)
    }

    /// Fills slots from `first` on while a database is opened. They may come in any order, from several threads, but each
    /// only once, and before any other use.
    pub(crate) fn fill(&self, first: SlotId, versions: impl ExactSizeIterator<Item = Version>) {
        let (mut id, end) = (first.0, first.0 + versions.len() as u64);
        let (mut hot, mut live) = (0, 0);
        let mut versions = versions;
        while id < end {
            let index = (id / CHUNK) as usize;
            if index >= self.chunks.read().len() {
                let mut chunks = self.chunks.write();
                while chunks.len() <= index {
                    chunks.push(Some(Chunk::new()));
                }
            }
            let Some(chunk) = self.chunk(index) else { return };
            let chunk_end = ((id / CHUNK + 1) * CHUNK).min(end);
            chunk.occupied.fetch_add((chunk_end - id) as u32, Ordering::Relaxed);
            while id < chunk_end {
                let (page, slot) = place(id);
                let last = (slot as u64 + chunk_end - id).min(PAGE as u64) as usize;
                let mut slots = chunk.pages[page].slots.write();
                chunk.warmed(page);
                self.begin_page(&mut slots);
                let empty = slots.iter_mut().skip(slot).take(last - slot);
                for ((_, slot), version) in empty.zip(&mut versions) {
                    hot += version.content.hot_bytes();
                    live += version.content.live_bytes() as u64;
                    slot.newest = version;
                    id += 1;
                }
            }
        }
        self.hot_bytes.fetch_add(hot, Ordering::Relaxed);
        self.live_bytes.fetch_add(live, Ordering::Relaxed);
        self.len.fetch_max(end, Ordering::AcqRel);
    }

    /// Repoints the version that the state at `cut` sees to its new place, wherever it is in the slot: also if there is a newer
    /// one, which views and readers may not see yet. A document in memory moves into the given block, or leaves memory where there is
    /// none. Returns whether the span is that of the version; if not, nothing is changed. A slot that is not in memory is left
    /// alone.
    pub(crate) fn repoint(
        &self,
        id: SlotId,
        cut: Lsn,
        block: Option<&Arc<Block>>,
        place: &Arc<BlockPlace>,
        span: Span,
    ) -> bool {
        let repointed = self.with_mut(id, |slot| {
            let Some(version) = slot.seen_mut(cut) else { return false };
            match version.content {
                Content::Hot(_, own) if own.is_same_version(span) => {
                    let moved = block.map(|block| Content::Hot(block.clone(), span));
                    let content = moved.unwrap_or_else(|| Content::Cold(place.clone(), span));
                    self.replace(&mut version.content, content);
                }
                Content::Cold(_, own) if own.is_same_version(span) => {
                    version.content = Content::Cold(place.clone(), span);
                }
                _ => return false,
            }
            true
        });
        repointed.unwrap_or(true)
    }

    /// Moves the document's bytes, and counts the memory that they take there; returns what that frees. The slot must be
    /// locked, so that no thread subtracts what was not added yet.
    pub(super) fn replace(&self, content: &mut Content, other: Content) -> u64 {
        let (before, after) = (content.hot_bytes(), other.hot_bytes());
        self.hot_bytes.fetch_add(after, Ordering::Relaxed);
        self.hot_bytes.fetch_sub(before, Ordering::Relaxed);
        *content = other;
        before.saturating_sub(after)
    }

    pub(super) fn chunk(&self, index: usize) -> Option<Arc<Chunk>> {
        let known = self.chunks.read().get(index)?.clone();
        known.or_else(|| self.begin_chunk(index))
    }

    /// A chunk of slots that are in the checkpoint. Others are freed when no slot is in use.
    #[cold]
    fn begin_chunk(&self, index: usize) -> Option<Arc<Chunk>> {
        self.base_of(index as u64 * CHUNK)?;
        let mut chunks = self.chunks.write();
        let chunk = chunks.get_mut(index)?.get_or_insert_with(|| {
            let chunk = Chunk::new();
            // It is not known how many of its slots are in use, so it is never freed.
            chunk.occupied.store(u32::MAX / 2, Ordering::Relaxed);
            chunk
        });
        Some(chunk.clone())
    }

    pub(super) fn with_mut<R>(&self, id: SlotId, change: impl FnOnce(&mut Slot) -> R) -> Option<R> {
        let chunk = self.chunk((id.0 / CHUNK) as usize)?;
        let (page, slot) = place(id.0);
        let mut slots = chunk.pages[page].slots.write();
        // A slot that is changed was read before.
        let slot = slots.at_mut(slot)?;
        let changed = change(slot);
        if slot.newest.content.is_hot() {
            chunk.warmed(page);
        }
        Some(changed)
    }

    /// Frees a chunk whose every slot was assigned and emptied again.
    fn vacate(&self, id: SlotId) {
        let index = (id.0 / CHUNK) as usize;
        let Some(chunk) = self.chunk(index) else { return };
        // What a checkpoint has of it would come back.
        let full = self.end() >= (index as u64 + 1) * CHUNK
            && self.kept_to.load(Ordering::Acquire) <= index as u64 * CHUNK;
        if chunk.occupied.fetch_sub(1, Ordering::AcqRel) == 1 && full {
            let bytes: u64 = chunk.pages.iter().map(|page| page.slots.read().bytes()).sum();
            self.slot_bytes.fetch_sub(bytes, Ordering::Relaxed);
            if let Some(entry) = self.chunks.write().get_mut(index) {
                *entry = None;
            }
        }
    }
}

#[cfg(test)]
#[path = "slab_tests.rs"]
mod tests;
