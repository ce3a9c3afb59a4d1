//! Reads documents for a commit before it takes its lock.
//!
//! Whole blocks are read, because adjacent documents are often changed together: each block is read once. Beyond a limit
//! only the documents of scattered blocks are kept, not the blocks.

use std::collections::HashMap;
use std::sync::Arc;

use super::current_document::{CurrentDocument, Target};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::{Content, OnDisk, SlotId, Version};
use crate::engine::store::Store;
use crate::error::Result;
use crate::options::PART_BYTES;
use crate::storage::{Block, BlockPlace, Lsn};

/// Slots between two checks of the limits.
const STRETCH: usize = 64;
/// How often a version that could not be read is looked up again.
const READ_TRIES: u32 = 2;

/// Blocks by place, and documents by place and position. A place names the same bytes as long as the database is open, and a
/// slot's version names its place: so an entry is used only for the version that it was read for, whatever happened to the
/// slot meanwhile.
#[derive(Default)]
pub(crate) struct ReadAhead {
    blocks: HashMap<BlockPlace, Arc<Block>, foldhash::fast::RandomState>,
    bytes: usize,
    alone: HashMap<(BlockPlace, usize), Arc<Block>, foldhash::fast::RandomState>,
}

impl ReadAhead {
    /// The block that holds this version, if it was read.
    pub(crate) fn get(&self, disk: &OnDisk) -> Option<&Arc<Block>> {
        if self.blocks.is_empty() {
            return None;
        }
        let place = **disk.place();
        self.blocks.get(&place).or_else(|| self.alone.get(&(place, disk.span().range().start)))
    }

    /// Reads the block of this version, unless it was read already.
    pub(crate) fn read(
        &mut self,
        store: &Store,
        collection: &Collection,
        disk: &OnDisk,
    ) -> Result<Arc<Block>> {
        if let Some(block) = self.get(disk) {
            return Ok(block.clone());
        }
        let block = store.read_version(collection, disk)?;
        let place = **disk.place();
        let keep = match self.bytes > PART_BYTES {
            true => disk.span().alone(&block),
            false => None,
        };
        match keep {
            Some(alone) => {
                let alone = Arc::new(alone);
                self.alone.insert((place, disk.span().range().start), alone.clone());
                Ok(alone)
            }
            None => {
                self.bytes += block.bytes.len();
                self.blocks.insert(place, block.clone());
                Ok(block)
            }
        }
    }

    /// The newest applied document in a slot, read from disk if need be, and the commit that made it.
    pub(crate) fn newest_in(
        &mut self,
        store: &Store,
        collection: &Collection,
        slot: SlotId,
    ) -> Result<Option<(Lsn, CurrentDocument)>> {
        let mut failures = 0;
        loop {
            let Some(version) = collection.slab().newest(slot, Version::clone)? else {
                return Ok(None);
            };
            let (block, span) = match (version.on_disk(), version.content) {
                (_, Content::Hot(block, span)) => (block, span),
                (None, _) => return Ok(None),
                (Some(disk), _) => match self.read(store, collection, &disk) {
                    Ok(block) => (block, disk.span()),
                    // A compaction may have removed the file meanwhile; the slot then names another.
                    Err(_) if failures < READ_TRIES => {
                        failures += 1;
                        continue;
                    }
                    Err(error) => return Err(error),
                },
            };
            return Ok(Some((version.lsn, CurrentDocument::of_block(Target::Slot(slot), &block, span)?)));
        }
    }

    /// Drops what another batch is unlikely to need.
    pub(crate) fn next_batch(&mut self) {
        self.alone.clear();
        if self.bytes > PART_BYTES {
            self.blocks.clear();
            self.bytes = 0;
        }
    }
}

/// Reads the documents of these slots that are on disk now. A failed read is ignored: the commit meets it again, if it
/// still matters then.
pub(crate) fn read_slots(
    store: &Store,
    collection: &Collection,
    slots: impl Iterator<Item = SlotId>,
    ahead: &mut ReadAhead,
    interrupt: &Interrupt,
) -> Result<()> {
    let mut read = 0;
    for slot in slots {
        let Some(disk) = collection.slab().newest(slot, Version::on_disk)?.flatten() else { continue };
        if read % STRETCH == 0 {
            interrupt.check(|| store.now())?;
        }
        read += 1;
        if ahead.read(store, collection, &disk).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "read_ahead_tests.rs"]
mod tests;
