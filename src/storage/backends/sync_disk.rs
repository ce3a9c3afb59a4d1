//! The sync backend. A commit completes after its fdatasync: neither a killed process nor a power cut loses it.

use std::sync::Arc;

use super::disk::Disk;
use crate::error::Result;
use crate::storage::contract::backend::{
    Block, BlockPlace, CheckpointFile, CheckpointSink, Cut, Depth, FileId, FrameSize, HistoryReach,
    Installed, LeaveCheckpoint, LogReader, Lsn, Moment, Part, PastFiles, PastReach, Place, SnapshotProof,
    SnapshotSink, StorageBackend, StorageStats,
};
use crate::storage::contract::completion::Completion;

/// The sync backend.
pub(crate) struct SyncDiskStorage(Disk);

impl SyncDiskStorage {
    pub(crate) fn new(disk: Disk) -> SyncDiskStorage {
        SyncDiskStorage(disk)
    }
}

impl StorageBackend for SyncDiskStorage {
    fn reserve(&self, size: &FrameSize) -> Result<Place> {
        self.0.reserve(size)
    }

    fn append(&self, place: Place, blocks: &[Arc<Block>]) -> Completion {
        self.0.append(place, blocks)
    }

    fn drive(&self) {
        self.0.drive();
    }

    fn flush(&self) -> Completion {
        self.0.barrier()
    }

    fn read_from(&self, place: BlockPlace, depth: Depth) -> Result<Option<Arc<Block>>> {
        self.0.read(place, None, depth)
    }

    fn read_part(&self, place: BlockPlace, part: &Part, depth: Depth) -> Result<Option<Arc<Block>>> {
        self.0.read(place, Some(part), depth)
    }

    fn close_leaving(&self, leave: &LeaveCheckpoint<'_>) -> Result<()> {
        self.0.close(leave)
    }

    fn stats(&self) -> StorageStats {
        self.0.stats()
    }

    fn cut(&self) -> Result<Cut> {
        self.0.cut()
    }

    fn begin_snapshot(&self, cut: &Cut) -> Result<Box<dyn SnapshotSink>> {
        self.0.begin_snapshot(cut)
    }

    fn install_proven(
        &self,
        cut: Cut,
        snapshot: Box<dyn SnapshotSink>,
        proof: &mut dyn SnapshotProof,
    ) -> Result<Installed> {
        self.0.install(cut, snapshot, proof)
    }

    fn spill(&self) -> Option<Arc<dyn crate::work::Disk>> {
        self.0.spill()
    }

    fn checkpoint(&self, cut: Cut, leave: &LeaveCheckpoint<'_>) -> Result<Option<CheckpointFile>> {
        self.0.checkpoint(cut, leave)
    }

    fn begin_checkpoint(&self, cut: &Cut) -> Result<Box<dyn CheckpointSink>> {
        self.0.begin_checkpoint(cut)
    }

    fn end_checkpoint(&self, sink: Box<dyn CheckpointSink>, catalogue: &[u8]) -> Result<CheckpointFile> {
        self.0.end_checkpoint(sink, catalogue)
    }

    fn forget(&self, files: &[FileId]) {
        self.0.forget(files);
    }

    fn database_id(&self) -> [u8; 16] {
        self.0.database_id()
    }

    fn log_reader(&self) -> Option<Box<dyn LogReader>> {
        Some(self.0.log_reader())
    }

    fn history(&self) -> Option<HistoryReach> {
        Some(self.0.history())
    }

    fn keeps_history(&self) -> bool {
        self.0.keeps_history()
    }

    fn keep_history(&self) -> Result<()> {
        self.0.keep_history()
    }

    fn trim_history(&self, now_ms: i64) {
        self.0.trim_history(now_ms);
    }

    fn salt_at(&self, lsn: Lsn) -> Option<u64> {
        self.0.salt_at(lsn)
    }

    fn past(&self, moment: Moment, newest: Lsn) -> Result<Arc<dyn PastFiles>> {
        self.0.past(moment, newest)
    }

    fn past_reach(&self) -> Option<PastReach> {
        Some(self.0.past_reach())
    }
}
