//! Storage that keeps nothing: the same commit path without files.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::error::{Error, Kind, Result};
use crate::storage::contract::backend::{
    Block, BlockPlace, Depth, FileId, FrameSize, LeaveCheckpoint, Lsn, Place, StorageBackend, StorageStats,
};
use crate::storage::contract::completion::Completion;
use crate::storage::format::frame;

/// Assigns LSNs; stores nothing.
pub(crate) struct MemoryStorage {
    database: [u8; 16],
    last: Mutex<u64>,
    appended: AtomicU64,
}

impl MemoryStorage {
    /// A database with this id, after this commit.
    pub(crate) fn new(database: [u8; 16], last: Lsn) -> MemoryStorage {
        MemoryStorage { database, last: Mutex::new(last.0), appended: AtomicU64::default() }
    }
}

impl StorageBackend for MemoryStorage {
    fn reserve(&self, size: &FrameSize) -> Result<Place> {
        frame::check_size(size, 0)?;
        let mut last = self.last.lock();
        *last += 1;
        let blocks = frame::payload_offsets(&size.blocks, 0)
            .iter()
            .zip(&size.blocks)
            .map(|(offset, len)| BlockPlace { file: FileId::Memory, frame: 0, offset: *offset, len: *len })
            .collect();
        Ok(Place {
            lsn: Lsn(*last),
            file: FileId::Memory,
            offset: 0,
            blocks,
            records: size.records,
            durable_lag: 1,
        })
    }

    fn append(&self, _place: Place, blocks: &[Arc<Block>]) -> Completion {
        let bytes: usize = blocks.iter().map(|block| block.bytes.len()).sum();
        self.appended.fetch_add(bytes as u64, Ordering::Relaxed);
        Completion::ready(Ok(()))
    }

    fn drive(&self) {}

    fn is_nonblocking(&self, _size: &FrameSize) -> bool {
        true
    }

    fn drive_nonblocking(&self) -> bool {
        true
    }

    fn flush(&self) -> Completion {
        Completion::ready(Ok(()))
    }

    fn read_from(&self, place: BlockPlace, _depth: Depth) -> Result<Option<Arc<Block>>> {
        Err(Error::new(Kind::Internal, format!("memory storage keeps no blocks, {place:?} cannot be read")))
    }

    fn close_leaving(&self, _leave: &LeaveCheckpoint<'_>) -> Result<()> {
        Ok(())
    }

    fn stats(&self) -> StorageStats {
        StorageStats {
            durable: Lsn(*self.last.lock()),
            appended: self.appended.load(Ordering::Relaxed),
            ..StorageStats::default()
        }
    }

    fn no_generations(&self) -> Error {
        no_files()
    }

    fn forget(&self, _files: &[FileId]) {}

    fn database_id(&self) -> [u8; 16] {
        self.database
    }
}

fn no_files() -> Error {
    Error::new(
        Kind::NotSupported,
        "memory storage keeps no files to compact; open a directory instead of ':memory:'",
    )
}
