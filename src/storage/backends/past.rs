//! The storage of an earlier state: reads of its files, which it holds open, and nothing else.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::error::{Error, Kind, Result};
use crate::storage::contract::backend::{
    Block, BlockPlace, Depth, FileId, FrameSize, HistoryReach, LeaveCheckpoint, LogReader, Lsn, Moment,
    PastFiles, PastReach, Place, StorageBackend, StorageStats,
};
use crate::storage::contract::completion::Completion;
use crate::storage::contract::latch::closed;

/// An earlier state.
pub(crate) struct PastStorage {
    lsn: Lsn,
    database: [u8; 16],
    /// The storage of the open database, for temporary files and to read commits again.
    over: Option<Arc<dyn StorageBackend>>,
    /// Until it is closed.
    files: RwLock<Option<Arc<dyn PastFiles>>>,
}

impl PastStorage {
    /// The state after this commit.
    pub(crate) fn new(
        lsn: Lsn,
        database: [u8; 16],
        over: Option<Arc<dyn StorageBackend>>,
        files: Arc<dyn PastFiles>,
    ) -> PastStorage {
        PastStorage { lsn, database, over, files: RwLock::new(Some(files)) }
    }
}

fn read_only() -> Error {
    Error::new(
        Kind::ReadOnly,
        "an earlier state of a database cannot be changed; write to the database itself",
    )
}

impl StorageBackend for PastStorage {
    fn reserve(&self, _size: &FrameSize) -> Result<Place> {
        Err(read_only())
    }

    fn append(&self, _place: Place, _blocks: &[Arc<Block>]) -> Completion {
        Completion::ready(Err(read_only()))
    }

    fn drive(&self) {}

    fn flush(&self) -> Completion {
        Completion::ready(Ok(()))
    }

    fn read_from(&self, place: BlockPlace, depth: Depth) -> Result<Option<Arc<Block>>> {
        let files = self.files.read().clone();
        files.ok_or_else(closed)?.read_from(place, depth)
    }

    /// Lets go of the files.
    fn close_leaving(&self, _leave: &LeaveCheckpoint<'_>) -> Result<()> {
        *self.files.write() = None;
        Ok(())
    }

    fn stats(&self) -> StorageStats {
        StorageStats { durable: self.lsn, ..StorageStats::default() }
    }

    fn no_generations(&self) -> Error {
        read_only()
    }

    fn spill(&self) -> Option<Arc<dyn crate::work::Disk>> {
        self.over.as_ref().and_then(|over| over.spill())
    }

    fn forget(&self, _files: &[FileId]) {}

    fn database_id(&self) -> [u8; 16] {
        self.database
    }

    fn log_reader(&self) -> Option<Box<dyn LogReader>> {
        self.over.as_ref().and_then(|over| over.log_reader())
    }

    fn history(&self) -> Option<HistoryReach> {
        self.over.as_ref().and_then(|over| over.history())
    }

    fn past(&self, moment: Moment, newest: Lsn) -> Result<Arc<dyn PastFiles>> {
        self.over.as_ref().ok_or_else(closed)?.past(moment, newest)
    }

    fn past_reach(&self) -> Option<PastReach> {
        self.over.as_ref().and_then(|over| over.past_reach())
    }
}
