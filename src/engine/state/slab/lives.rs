//! Slots after a restore, and copies of them for another database.
//!
//! A restore brings a document back into the slot that it had, even if it was deleted and inserted again since: natural order is
//! that of slots. Its other lives, in later slots, are what views of the states between need, and the slot names them as long as one is open.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use smallvec::SmallVec;

use super::page::{CHUNK, Chunk};
use super::slab::Slab;
use crate::engine::state::slab::VisibleVersion;
use crate::engine::state::version::{SlotId, Version};
use crate::error::Result;
use crate::storage::Lsn;

impl Slab {
    /// The document of this slot had another life, in that slot.
    pub(crate) fn note_life(&self, id: SlotId, other: SlotId) {
        self.with_mut(id, |slot| {
            let history = slot.history.get_or_insert_default();
            if other != id && !history.other_lives.contains(&other) {
                history.other_lives.push(other);
            }
        });
    }

    /// The slot in which a view sees the document that this slot has had, by way of all its lives.
    pub(crate) fn find_life(
        &self,
        first: SlotId,
        view: &impl Fn() -> Lsn,
    ) -> Result<Option<(SlotId, Version)>> {
        let mut lives: SmallVec<[SlotId; 8]> = SmallVec::from_slice(&[first]);
        let mut next = 0;
        while let Some(id) = lives.get(next).copied() {
            next += 1;
            let seen = self.seen(id, view, |seen| match seen {
                VisibleVersion::Version(version) if version.content.is_document() => Some(version.clone()),
                _ => None,
            })?;
            if let Some(version) = seen {
                return Ok(Some((id, version)));
            }
            let others = self.with_mut(id, |slot| {
                let history = slot.history.as_ref();
                history
                    .map(|history| history.other_lives.iter().copied().chain(history.earlier_life).collect())
            });
            let others: SmallVec<[SlotId; 4]> = others.flatten().unwrap_or_default();
            for other in others {
                if !lives.contains(&other) {
                    lives.push(other);
                }
            }
        }
        Ok(None)
    }

    /// A copy of the newest documents, each in its slot; their blocks are shared. No commit may happen meanwhile; there is no
    /// checkpoint below.
    pub(crate) fn copied(&self) -> Slab {
        let copy = Slab::default();
        let (end, mut live) = (self.end(), 0);
        let all = self.chunks.read().clone();
        let mut chunks: Vec<Option<Arc<Chunk>>> = Vec::with_capacity(all.len());
        for (number, chunk) in all.iter().enumerate() {
            let copied = chunk.as_ref().map(|chunk| copy.copy_chunk(chunk, &mut live));
            let is_full = end >= (number as u64 + 1) * CHUNK;
            chunks.push(copied.filter(|copied| !is_full || copied.occupied.load(Ordering::Relaxed) > 0));
        }
        *copy.chunks.write() = chunks;
        copy.begin_with(end, live);
        copy
    }

    fn copy_chunk(&self, chunk: &Chunk, live: &mut u64) -> Arc<Chunk> {
        let copied = Chunk::new();
        let (mut occupied, mut hot) = (0, 0);
        for (number, page) in chunk.pages.iter().enumerate() {
            let slots = page.slots.read();
            let documents = slots.iter().filter(|(_, slot)| slot.newest.content.is_document());
            let versions: Vec<(usize, Version)> =
                documents.map(|(at, slot)| (at, slot.newest.clone())).collect();
            if versions.is_empty() {
                continue;
            }
            occupied += versions.len() as u32;
            for (_, version) in &versions {
                hot += version.content.hot_bytes();
                *live += version.content.live_bytes() as u64;
            }
            copied.warmed(number);
            if let Some(page) = copied.pages.get(number) {
                self.change(&mut page.slots.write(), |slots| slots.fill(versions));
            }
        }
        copied.occupied.store(occupied, Ordering::Relaxed);
        self.add_hot(hot);
        copied
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::place;
    use super::*;
    use crate::engine::state::version::{Content, Span};
    use crate::storage::{Block, BlockPlace, FileId};

    fn document(lsn: u64) -> Version {
        let place = BlockPlace { file: FileId::Memory, frame: 0, offset: 0, len: 40 };
        let block = Block { place, base: 0, bytes: vec![0; 40].into(), transient: false };
        Version { lsn: Lsn(lsn), content: Content::Hot(Arc::new(block), Span::new(12..30, 4, lsn)) }
    }

    #[test]
    fn a_document_is_found_in_the_life_that_a_view_sees() {
        let slab = Slab::default();
        let gone = |lsn| Version { lsn: Lsn(lsn), content: Content::Tombstone };
        let first = slab.push(document(1), None);
        slab.supersede(first, gone(2));
        let second = slab.push(document(3), Some(first));
        // A restore to the state after the first commit.
        slab.supersede(second, gone(4));
        slab.supersede(first, document(4));
        slab.note_life(first, second);
        let found = |view| slab.find_life(first, &|| Lsn(view)).unwrap().map(|(slot, _)| slot);
        assert_eq!([0, 1, 2, 3, 4].map(found), [None, Some(first), None, Some(second), Some(first)]);
        slab.prune(first, Lsn(4));
        assert_eq!(found(4), Some(first));
    }

    #[test]
    fn a_copy_has_the_newest_documents_in_their_slots_and_is_changed_alone() {
        let slab = Slab::default();
        let all: Vec<SlotId> = (0..192u64).map(|n| slab.push(document(n + 1), None)).collect();
        slab.supersede(all[5], Version { lsn: Lsn(900), content: Content::Tombstone });
        slab.supersede(all[6], document(901));
        let copy = slab.copied();
        assert_eq!((copy.end(), copy.live_bytes()), (slab.end(), slab.live_bytes()));
        let has =
            |slab: &Slab, n: usize| slab.newest(all[n], |version| version.content.is_document()).unwrap();
        assert_eq!((has(&copy, 5), has(&copy, 6)), (Some(false), Some(true)));
        copy.supersede(all[7], Version { lsn: Lsn(902), content: Content::Tombstone });
        assert_eq!((has(&copy, 7), has(&slab, 7)), (Some(false), Some(true)));
        assert_eq!(place(all[64].0), (1, 0));
    }
}
