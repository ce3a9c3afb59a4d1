//! A decorator that checks the poison latch before each call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Result;
use crate::storage::contract::backend::{
    Block, BlockPlace, CheckpointFile, CheckpointSink, Cut, Depth, FileId, FrameSize, HistoryReach,
    Installed, LeaveCheckpoint, LogReader, Lsn, Moment, Part, PastFiles, PastReach, Place, SnapshotProof,
    SnapshotSink, StorageBackend, StorageStats,
};
use crate::storage::contract::completion::Completion;
use crate::storage::contract::latch::{Latch, closed};

/// A backend behind its latch; refuses every call once closed.
pub(crate) struct Checked<B> {
    inner: B,
    latch: Arc<Latch>,
    closed: AtomicBool,
}

impl<B: StorageBackend> Checked<B> {
    /// Wraps a backend that trips this latch.
    pub(crate) fn new(inner: B, latch: Arc<Latch>) -> Checked<B> {
        Checked { inner, latch, closed: AtomicBool::new(false) }
    }

    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.check_open()?;
        self.latch.check()
    }
}

impl<B: StorageBackend> StorageBackend for Checked<B> {
    fn reserve(&self, size: &FrameSize) -> Result<Place> {
        self.check()?;
        self.inner.reserve(size)
    }

    fn append(&self, place: Place, blocks: &[Arc<Block>]) -> Completion {
        match self.check() {
            Ok(()) => self.inner.append(place, blocks),
            Err(error) => Completion::ready(Err(error)),
        }
    }

    fn drive(&self) {
        self.inner.drive();
    }

    fn is_nonblocking(&self, size: &FrameSize) -> bool {
        self.check().is_ok() && self.inner.is_nonblocking(size)
    }

    fn drive_nonblocking(&self) -> bool {
        self.inner.drive_nonblocking()
    }

    fn flush(&self) -> Completion {
        match self.check() {
            Ok(()) => self.inner.flush(),
            Err(error) => Completion::ready(Err(error)),
        }
    }

    fn read_from(&self, place: BlockPlace, depth: Depth) -> Result<Option<Arc<Block>>> {
        self.check_open()?;
        self.inner.read_from(place, depth)
    }

    fn read_part(&self, place: BlockPlace, part: &Part, depth: Depth) -> Result<Option<Arc<Block>>> {
        self.check_open()?;
        self.inner.read_part(place, part, depth)
    }

    fn close_leaving(&self, leave: &LeaveCheckpoint<'_>) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Err(closed());
        }
        self.inner.close_leaving(leave)
    }

    fn stats(&self) -> StorageStats {
        self.inner.stats()
    }

    fn cut(&self) -> Result<Cut> {
        self.check()?;
        self.inner.cut()
    }

    fn begin_snapshot(&self, cut: &Cut) -> Result<Box<dyn SnapshotSink>> {
        self.check()?;
        self.inner.begin_snapshot(cut)
    }

    fn install_proven(
        &self,
        cut: Cut,
        snapshot: Box<dyn SnapshotSink>,
        proof: &mut dyn SnapshotProof,
    ) -> Result<Installed> {
        self.check()?;
        self.inner.install_proven(cut, snapshot, proof)
    }

    fn checkpoint(&self, cut: Cut, leave: &LeaveCheckpoint<'_>) -> Result<Option<CheckpointFile>> {
        self.check()?;
        self.inner.checkpoint(cut, leave)
    }

    fn begin_checkpoint(&self, cut: &Cut) -> Result<Box<dyn CheckpointSink>> {
        self.check()?;
        self.inner.begin_checkpoint(cut)
    }

    fn end_checkpoint(&self, sink: Box<dyn CheckpointSink>, catalogue: &[u8]) -> Result<CheckpointFile> {
        self.check()?;
        self.inner.end_checkpoint(sink, catalogue)
    }

    fn spill(&self) -> Option<Arc<dyn crate::work::Disk>> {
        self.inner.spill()
    }

    fn forget(&self, files: &[FileId]) {
        self.inner.forget(files);
    }

    fn database_id(&self) -> [u8; 16] {
        self.inner.database_id()
    }

    fn log_reader(&self) -> Option<Box<dyn LogReader>> {
        self.inner.log_reader()
    }

    fn history(&self) -> Option<HistoryReach> {
        self.inner.history()
    }

    fn keeps_history(&self) -> bool {
        self.inner.keeps_history()
    }

    fn keep_history(&self) -> Result<()> {
        self.check()?;
        self.inner.keep_history()
    }

    fn trim_history(&self, now_ms: i64) {
        if self.check().is_ok() {
            self.inner.trim_history(now_ms);
        }
    }

    fn salt_at(&self, lsn: Lsn) -> Option<u64> {
        self.inner.salt_at(lsn)
    }

    fn past(&self, moment: Moment, newest: Lsn) -> Result<Arc<dyn PastFiles>> {
        self.check_open()?;
        self.inner.past(moment, newest)
    }

    fn past_reach(&self) -> Option<PastReach> {
        self.inner.past_reach()
    }
}
