//! What turns documents cold, and warm again: the hand of the clock on one slab.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use smallvec::SmallVec;

use super::{CHUNK, Content, OnDisk, PAGE, Slab, SlotId, Version, place};
use crate::storage::{Block, BlockPlace, Lsn};

/// The places named in a page, so that neighbours on disk share one, however often they come and go one by one.
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
    /// Moves the clock's hand over one page: hot documents published by `published` that were not read by key
    /// since the hand came by last turn cold; those that were keep their bytes, in blocks of their own, so that
    /// no block stays for a neighbour's sake. Answers where the hand stands, and the bytes freed.
    pub fn cool_page(&self, hand: u64, published: Lsn) -> (u64, u64) {
        let next = (hand / PAGE as u64 + 1) * PAGE as u64;
        let Some(chunk) = self.chunk((hand / CHUNK) as usize) else { return (next, 0) };
        let index = place(hand).0;
        let page = &chunk.pages[index];
        let used = page.used.swap(0, Ordering::Relaxed);
        let mut slots = page.slots.write();
        let (mut freed, mut hot) = (0, false);
        let mut places = Places::default();
        for (n, slot) in slots.iter_mut().enumerate() {
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

    /// The first slot at or after the hand, or of the page it stands on, with which the clock may have something to do.
    pub fn next_warm(&self, hand: u64) -> u64 {
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

    /// Puts the bytes of a version, read outside of the lock, back into memory, if the slot's newest is still that version
    /// and stands where it was read: the bytes fit no other span than the one they were read for.
    pub fn warm(&self, id: SlotId, read: &OnDisk, block: Arc<Block>) {
        self.with_mut(id, |slot| {
            if read.is(&slot.newest) {
                self.replace(&mut slot.newest.content, Content::Hot(block, read.span()));
            }
        });
    }
}
