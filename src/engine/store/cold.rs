//! Reading documents that are on disk.

use std::path::Path;
use std::sync::Arc;

use super::store::Store;
use crate::document::stored::check_document;
use crate::engine::exec::nonblocking::{
    NONBLOCKING_BYTES, blocked, is_nonblocking, may_read_cached, would_block,
};
use crate::engine::format::damage::damage;
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::{OnDisk, SlotId};
use crate::error::{Error, Kind, Result};
use crate::storage::{Block, BlockPlace, Depth, Part};

#[cfg(test)]
thread_local! {
    /// Blocks that this thread has read from disk.
    pub(crate) static READS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl Store {
    /// Reads a block from disk; where blocking is refused, only if the system has it in memory.
    pub(crate) fn read_cold(&self, place: BlockPlace) -> Result<Arc<Block>> {
        self.read_cold_part(place, None)
    }

    /// The same of a block of which a part is needed.
    fn read_cold_part(&self, place: BlockPlace, part: Option<&Part>) -> Result<Arc<Block>> {
        let read = |depth| match part {
            Some(part) => self.storage().read_part(place, part, depth),
            None => self.storage().read_from(place, depth),
        };
        if is_nonblocking() {
            would_block(|| place.len as usize > NONBLOCKING_BYTES || !may_read_cached())?;
            // No file is held here: one that is gone is read again where blocking is allowed, and damage is reported there.
            return read(Depth::PageCache).ok().flatten().ok_or_else(blocked);
        }
        #[cfg(test)]
        READS.set(READS.get() + 1);
        let lost = || Error::new(Kind::Internal, format!("a read of {place:?} returned nothing"));
        read(Depth::Device)?.ok_or_else(lost)
    }

    /// Reads the block of a version from disk, and checks that it contains the version.
    pub(crate) fn read_version(&self, collection: &Collection, disk: &OnDisk) -> Result<Arc<Block>> {
        let block = self.read_cold(**disk.place())?;
        self.check_version(collection, disk, &block)?;
        if !self.keeps(collection) {
            return Ok(block);
        }
        // Slots will have it.
        Ok(match Arc::try_unwrap(block) {
            Ok(block) => Arc::new(Block { transient: false, ..block }),
            Err(shared) => shared,
        })
    }

    /// Checks that this block, which was read from disk, contains the version.
    pub(crate) fn check_version(&self, collection: &Collection, disk: &OnDisk, block: &Block) -> Result<()> {
        if disk.span().record(block).is_none() {
            if collection.is_based() {
                let what = "the checkpoint says that a document is here";
                return Err(damage(Path::new(self.name()), disk.place(), disk.span().range().start, what));
            }
            let message = format!("a slot names no document record of its block at {:?}", block.place);
            return Err(Error::new(Kind::Internal, message));
        }
        // Opening from a checkpoint has not read it.
        if collection.is_based()
            && let Err(error) = check_document(disk.span().of(block), collection.shapes())
        {
            let what = format!("a document cannot be read: {}", error.message());
            return Err(damage(Path::new(self.name()), disk.place(), disk.span().range().start, &what));
        }
        Ok(())
    }

    /// Reads a version, from the documents in memory that were read by themselves or from disk, and keeps it in memory: a read by
    /// key is likely to be repeated.
    pub(crate) fn read_by_key(
        &self,
        collection: &Collection,
        slot: SlotId,
        disk: &OnDisk,
    ) -> Result<Arc<Block>> {
        if let Some(block) = self.documents().get(disk) {
            return Ok(block);
        }
        if !self.keeps(collection)
            && let Some(part) = disk.span().alone_part()
        {
            return self.read_alone(collection, disk, &part);
        }
        let block = self.read_version(collection, disk)?;
        if let Some(kept) = self.keep(collection, slot, &block) {
            return Ok(kept);
        }
        Ok(self.keep_alone(disk, &block).unwrap_or(block))
    }

    /// Reads a version, of whose block nothing else is needed, from disk, and keeps it in memory.
    fn read_alone(&self, collection: &Collection, disk: &OnDisk, part: &Part) -> Result<Arc<Block>> {
        let block = self.read_cold_part(**disk.place(), Some(part))?;
        self.check_version(collection, disk, &block)?;
        Ok(match Arc::try_unwrap(block) {
            Ok(block) if part.is_all_of(&block) => {
                let alone = Arc::new(Block { transient: false, ..block });
                self.documents().keep(disk, alone.clone());
                alone
            }
            Ok(block) => self.keep_alone(disk, &block).unwrap_or_else(|| Arc::new(block)),
            Err(shared) => self.keep_alone(disk, &shared).unwrap_or(shared),
        })
    }

    /// Keeps a version that was read from disk in memory, without its neighbours in the block; returns it.
    pub(crate) fn keep_alone(&self, disk: &OnDisk, block: &Block) -> Option<Arc<Block>> {
        let alone = Arc::new(disk.span().alone(block)?);
        self.documents().keep(disk, alone.clone());
        Some(alone)
    }
}
