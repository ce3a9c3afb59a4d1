//! After a compaction: every slot gets the new place of its document, in memory or below it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::below::Below;
use super::checkpoint::{self, Captured};
use super::places::{Placed, Places, SlotReader};
use super::proof::Kept;
use super::snapshot::Generation;
use crate::engine::format::checkpoint::{CollectionContents, SLOTS};
use crate::engine::state::base::{Base, CollectionBase};
use crate::engine::state::collection::Collection;
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::storage::{Block, BlockPlace, Lsn};

/// A checkpoint that was written whole.
pub(super) struct Whole {
    pub(super) base: Arc<Base>,
    pub(super) captured: Captured,
    pub(super) written: checkpoint::Written,
}

/// The new generation is the database's: every slot gets its new place, in memory or below it.
pub(super) fn move_below(
    store: &Store,
    generation: &Generation,
    places: Places,
    whole: Option<Whole>,
    mut kept: Kept,
) -> Result<()> {
    let auto = store.auto();
    let (base, slots) = match &whole {
        Some(whole) => (whole.base.clone(), checkpoint_slots(whole)),
        None => (places.base, places.collections),
    };
    let moves = {
        // No checkpoint that names places in the old files comes below from now on.
        let mut moves = auto.order.moves.lock();
        *moves += 1;
        let below = generation.shapes.iter().zip(&slots);
        below.for_each(|((_, collection, _), below)| collection.slab().move_slots(below));
        *moves
    };
    for ((_, collection, _), below) in generation.shapes.iter().zip(&slots) {
        repoint(store, collection, below, &mut kept, generation.lsn())?;
    }
    if whole.is_some() {
        // The log begins anew behind it.
        auto.log_at.store(0, Ordering::Relaxed);
        auto.failures.store(0, Ordering::Relaxed);
    }
    store.wait_published(generation.lsn())?;
    let whole = whole.map(|whole| (whole.captured, whole.written));
    Below::new(store, base, moves, whole).put_when_released(store);
    Ok(())
}

/// The slots of a whole checkpoint, by collection.
fn checkpoint_slots(whole: &Whole) -> Vec<Arc<CollectionBase>> {
    let mut tree = 1;
    let mut below = |contents: &CollectionContents| {
        let below = CollectionBase::of(&whole.base, contents, tree).0;
        tree += contents.trees();
        Arc::new(below)
    };
    whole.written.contents.collections.iter().map(&mut below).collect()
}

/// Repoints the slots in memory to the new places. Documents in memory stay there, in the new blocks: garbage in the old ones is
/// freed. Their blocks are read once more, and verified, where the proof did not keep them.
fn repoint(
    store: &Store,
    collection: &Collection,
    below: &CollectionBase,
    kept: &mut Kept,
    cut: Lsn,
) -> Result<()> {
    let slab = collection.slab();
    // The blocks of the page before, which may reach into the next.
    let mut read: Vec<Arc<Block>> = Vec::new();
    // The places of those that the slots do not share.
    let mut parted: Vec<BlockPlace> = Vec::new();
    let mut slots = SlotReader::new(below)?;
    while let Some((hot, placed)) = slots.next_record(|first| slab.hot_slots(first, cut))? {
        let mut blocks: Vec<Arc<Block>> = Vec::new();
        let mut named: Option<Arc<BlockPlace>> = None;
        for &Placed { slot, place, span } in &placed {
            let at = slot.0 % SLOTS as u64;
            let known = blocks.iter().rev().chain(&read).find(|block| block.place == place).cloned();
            let block = match known {
                Some(block) => Some(block),
                None if hot & 1 << at == 0 => None,
                None => Some(block_at(store, kept, place)?),
            };
            // Documents of one block share its place.
            let place = match named.take().filter(|named| **named == place) {
                Some(named) => named,
                None => Arc::new(place),
            };
            named = Some(place.clone());
            if let Some(block) = &block
                && blocks.iter().all(|other| other.place != block.place)
            {
                blocks.push(block.clone());
                if !is_mostly_hot(&placed, hot, block) {
                    parted.push(block.place);
                }
            }
            // One document in memory must not keep those around it there.
            let own = match block {
                Some(block) if hot & 1 << at != 0 && parted.contains(&block.place) => {
                    Some(span.alone(&block).map_or(block, Arc::new))
                }
                block => block,
            };
            // The proof has read these spans.
            if !slab.repoint(slot, cut, own.as_ref(), &place, span) {
                // The old files are not deleted: what still refers to them can be read.
                let message = "a slot holds another version than the proven snapshot";
                return Err(Error::new(Kind::Internal, message));
            }
        }
        parted.retain(|place| blocks.iter().any(|block| block.place == *place));
        read = blocks;
    }
    Ok(())
}

/// Whether at least half of a block is of documents in memory, as far as these slots have it.
fn is_mostly_hot(placed: &[Placed], hot: u64, block: &Block) -> bool {
    let own = placed.iter().filter(|placed| placed.place == block.place);
    let (hot, all) = own.fold((0, 0), |(warm, all), Placed { slot, span, .. }| {
        let bytes = span.len();
        (if hot & 1 << (slot.0 % SLOTS as u64) == 0 { warm } else { warm + bytes }, all + bytes)
    });
    2 * hot >= all
}

/// A block of the snapshot; those before it that were kept are dropped.
fn block_at(store: &Store, kept: &mut Kept, place: BlockPlace) -> Result<Arc<Block>> {
    while kept.front().is_some_and(|block| block.place.offset < place.offset) {
        kept.pop_front();
    }
    if let Some(block) = kept.front().filter(|block| block.place == place) {
        return Ok(block.clone());
    }
    let block = store.storage().read(place)?;
    // Slots will have it.
    Ok(match Arc::try_unwrap(block) {
        Ok(block) => Arc::new(Block { transient: false, ..block }),
        Err(shared) => shared,
    })
}
