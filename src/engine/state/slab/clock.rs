//! Eviction and caching of documents: the clock hand on one slab.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use smallvec::SmallVec;

use super::page::{CHUNK, PAGE, Slot, place};
use super::slab::Slab;
use crate::engine::state::version::{Content, SlotId, Span, Version};
use crate::storage::{Block, BlockPlace, Lsn};

/// The places named in a page, so that neighbours on disk share one, however often they are evicted and loaded one by one.
#[derive(Default)]
struct Places(SmallVec<[Arc<BlockPlace>; 4]>);

impl Places {
    fn known(&mut self, place: &Arc<BlockPlace>) {
        if self.find(place).is_none() {
            self.0.push(place.clone());
        }
    }

    fn of(&mut self, block: &Block) -> Arc<BlockPlace> {
        if let Some(place) = self.find(&block.place) {
            return place.clone();
        }
        let place = Arc::new(block.place);
        self.0.push(place.clone());
        place
    }

    /// The latest first: neighbours were mostly written together.
    fn find(&self, place: &BlockPlace) -> Option<&Arc<BlockPlace>> {
        self.0.iter().rev().find(|known| ***known == *place)
    }
}

impl Slab {
    /// Moves the clock hand over one page. Documents in memory, published by `published`, that no read by key has used since
    /// the last pass are evicted; those that were used keep their bytes, in their own blocks, so that no block stays in
    /// memory because of a neighbour. Returns the position of the hand, and the bytes freed.
    pub(crate) fn cool_page(&self, hand: u64, published: Lsn) -> (u64, u64) {
        let next = (hand / PAGE as u64 + 1) * PAGE as u64;
        let Some(chunk) = self.chunk((hand / CHUNK) as usize) else { return (next, 0) };
        let index = place(hand).0;
        let page = &chunk.pages[index];
        let used = page.used.swap(0, Ordering::Relaxed);
        let mut slots = page.slots.write();
        if slots.is_none() {
            return (next, 0);
        }
        let (mut freed, mut hot) = (0, false);
        let mut places = Places::default();
        for (n, slot) in slots.iter_mut() {
            let Version { lsn, content } = &mut slot.newest;
            let (block, span) = match content {
                Content::Hot(block, span) => (block.clone(), *span),
                Content::Cold(place, _) => {
                    places.known(place);
                    continue;
                }
                Content::Vacant | Content::Tombstone => continue,
            };
            if *lsn <= published && used & 1 << n == 0 {
                freed += self.replace(content, Content::Cold(places.of(&block), span));
                continue;
            }
            hot = true;
            if *lsn <= published
                && !span.is_alone(&block)
                && let Some(alone) = span.alone(&block)
            {
                self.replace(content, Content::Hot(Arc::new(alone), span));
            }
        }
        if !hot {
            chunk.warm.fetch_and(!(1 << index), Ordering::Relaxed);
        }
        drop(slots);
        (next, freed)
    }

    /// The first slot at or after the hand, or of its current page, that may hold a document in memory.
    pub(crate) fn next_warm(&self, hand: u64) -> u64 {
        let chunks = self.chunks.read();
        let from = (hand / CHUNK) as usize;
        for (index, chunk) in chunks.iter().enumerate().skip(from) {
            let Some(chunk) = chunk else { continue };
            let passed = if index == from { place(hand).0 } else { 0 };
            let warm = chunk.warm.load(Ordering::Relaxed) >> passed << passed;
            if warm != 0 {
                let page = index as u64 * CHUNK + u64::from(warm.trailing_zeros()) * PAGE as u64;
                return page.max(hand);
            }
        }
        self.end().max(hand)
    }

    /// Puts the documents of one block that are in the page of this slot, and still at that place, into memory. `is_whole` tells
    /// whether a span of it holds a document. Returns the block that the document of this slot now has, if it is one of them: that may
    /// be a part, and who keeps a document should not keep all of the block.
    pub(crate) fn warm_block(
        &self,
        id: SlotId,
        block: &Arc<Block>,
        is_whole: impl Fn(Span) -> bool,
    ) -> Option<Arc<Block>> {
        let chunk = self.chunk((id.0 / CHUNK) as usize)?;
        let (index, own) = place(id.0);
        let mut slots = chunk.pages[index].slots.write();
        if slots.is_none() {
            return None;
        }
        let of_block = |slot: &Slot| match &slot.newest.content {
            Content::Cold(place, span) if **place == block.place && is_whole(*span) => Some(*span),
            _ => None,
        };
        let spans: SmallVec<[Option<Span>; PAGE]> = slots.iter().map(|(_, slot)| of_block(slot)).collect();
        let found: SmallVec<[Span; PAGE]> = spans.iter().copied().flatten().collect();
        // Neighbours on other pages of slots read the block again: each page keeps what is its own.
        let bytes: usize = found.iter().map(|span| span.head() + span.len()).sum();
        let part = if 2 * bytes < block.bytes.len() { Span::part(block, &found) } else { None };
        let block = part.map_or_else(|| block.clone(), Arc::new);
        let mut is_there = false;
        for ((at, slot), span) in slots.iter_mut().zip(spans) {
            if let Some(span) = span {
                self.replace(&mut slot.newest.content, Content::Hot(block.clone(), span));
                is_there |= at == own;
            }
        }
        chunk.warmed(index);
        is_there.then_some(block)
    }
}
