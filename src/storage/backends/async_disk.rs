//! The async backend. A commit completes once it is written, and is fdatasynced within the flush interval: a killed process
//! loses nothing, a power cut loses at most the last interval, always a suffix.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::disk::Disk;
use crate::error::Result;
use crate::storage::contract::backend::{
    Block, BlockPlace, CheckpointFile, CheckpointSink, Cut, Depth, FileId, FrameSize, HistoryReach,
    Installed, LeaveCheckpoint, LogReader, Lsn, Moment, Part, PastFiles, PastReach, Place, SnapshotProof,
    SnapshotSink, StorageBackend, StorageStats,
};
use crate::storage::contract::completion::Completion;

/// The async backend.
pub(crate) struct AsyncDiskStorage {
    disk: Arc<Disk>,
    // Dropped after the disk: the task that this wakes must find the disk gone.
    wake: WakeOnDrop,
}

struct WakeOnDrop(Arc<Notify>);

impl Drop for WakeOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl AsyncDiskStorage {
    /// Flushes in the background on this runtime. Without a runtime only `flush` and `close` flush.
    pub(crate) fn new(disk: Disk, runtime: Option<&Handle>, interval: Duration) -> AsyncDiskStorage {
        let disk = Arc::new(disk);
        let wake = Arc::new(Notify::new());
        if let Some(runtime) = runtime {
            runtime.spawn(flush_when_dirty(Arc::downgrade(&disk), wake.clone(), interval));
        }
        AsyncDiskStorage { disk, wake: WakeOnDrop(wake) }
    }
}

/// Sleeps while nothing is dirty. Ends with the backend; holds no strong reference to it.
async fn flush_when_dirty(disk: Weak<Disk>, wake: Arc<Notify>, interval: Duration) {
    // The fsync itself is part of the promised interval.
    let pause = interval.mul_f32(0.8);
    loop {
        wake.notified().await;
        tokio::time::sleep(pause).await;
        let Some(disk) = disk.upgrade() else { return };
        if disk.is_dirty() {
            // The latch keeps a failure; the next write, flush or close reports it.
            let flushed = tokio::task::spawn_blocking(move || disk.sync()).await;
            if flushed.is_err() {
                return;
            }
        }
    }
}

impl StorageBackend for AsyncDiskStorage {
    fn reserve(&self, size: &FrameSize) -> Result<Place> {
        self.disk.reserve(size)
    }

    fn append(&self, place: Place, blocks: &[Arc<Block>]) -> Completion {
        self.disk.append(place, blocks)
    }

    fn drive(&self) {
        self.disk.drive();
        self.wake.0.notify_one();
    }

    fn is_nonblocking(&self, size: &FrameSize) -> bool {
        self.disk.is_nonblocking(size)
    }

    fn drive_nonblocking(&self) -> bool {
        let done = self.disk.drive_nonblocking();
        self.wake.0.notify_one();
        done
    }

    fn flush(&self) -> Completion {
        // The fsync runs outside the queue's writer role, so that commits are written meanwhile.
        Completion::ready(self.disk.barrier().wait().and_then(|()| self.disk.sync()))
    }

    fn read_from(&self, place: BlockPlace, depth: Depth) -> Result<Option<Arc<Block>>> {
        self.disk.read(place, None, depth)
    }

    fn read_part(&self, place: BlockPlace, part: &Part, depth: Depth) -> Result<Option<Arc<Block>>> {
        self.disk.read(place, Some(part), depth)
    }

    fn close_leaving(&self, leave: &LeaveCheckpoint<'_>) -> Result<()> {
        self.disk.close(leave)
    }

    fn stats(&self) -> StorageStats {
        self.disk.stats()
    }

    fn cut(&self) -> Result<Cut> {
        self.disk.cut()
    }

    fn begin_snapshot(&self, cut: &Cut) -> Result<Box<dyn SnapshotSink>> {
        self.disk.begin_snapshot(cut)
    }

    fn install_proven(
        &self,
        cut: Cut,
        snapshot: Box<dyn SnapshotSink>,
        proof: &mut dyn SnapshotProof,
    ) -> Result<Installed> {
        self.disk.install(cut, snapshot, proof)
    }

    fn spill(&self) -> Option<Arc<dyn crate::work::Disk>> {
        self.disk.spill()
    }

    fn checkpoint(&self, cut: Cut, leave: &LeaveCheckpoint<'_>) -> Result<Option<CheckpointFile>> {
        self.disk.checkpoint(cut, leave)
    }

    fn begin_checkpoint(&self, cut: &Cut) -> Result<Box<dyn CheckpointSink>> {
        self.disk.begin_checkpoint(cut)
    }

    fn end_checkpoint(&self, sink: Box<dyn CheckpointSink>, catalogue: &[u8]) -> Result<CheckpointFile> {
        self.disk.end_checkpoint(sink, catalogue)
    }

    fn forget(&self, files: &[FileId]) {
        self.disk.forget(files);
    }

    fn database_id(&self) -> [u8; 16] {
        self.disk.database_id()
    }

    fn log_reader(&self) -> Option<Box<dyn LogReader>> {
        Some(self.disk.log_reader())
    }

    fn history(&self) -> Option<HistoryReach> {
        Some(self.disk.history())
    }

    fn keeps_history(&self) -> bool {
        self.disk.keeps_history()
    }

    fn keep_history(&self) -> Result<()> {
        self.disk.keep_history()
    }

    fn trim_history(&self, now_ms: i64) {
        self.disk.trim_history(now_ms);
    }

    fn salt_at(&self, lsn: Lsn) -> Option<u64> {
        self.disk.salt_at(lsn)
    }

    fn past(&self, moment: Moment, newest: Lsn) -> Result<Arc<dyn PastFiles>> {
        self.disk.past(moment, newest)
    }

    fn past_reach(&self) -> Option<PastReach> {
        Some(self.disk.past_reach())
    }
}
