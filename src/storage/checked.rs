//! The poison latch, and the decorator that asks it before each verb.
//!
//! After a failed write or fsync nobody can tell which bytes are on the disk, and a second fsync would answer
//! "fine" for pages that the kernel already gave up. So the first failure latches: every waiting and later
//! write is refused, reads of what is published go on, and only reopening, which reads the disk, heals.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::backend::{
    Block, BlockPlace, CheckpointContents, Cut, FileId, FrameSize, Installed, Lsn, Place, SnapshotProof,
    SnapshotSink, StorageBackend, StorageStats,
};
use super::completion::Completion;
use crate::error::{Error, Kind, Result};

/// Remembers the first failure.
#[derive(Default)]
pub struct Latch {
    poison: OnceLock<Error>,
}

impl Latch {
    /// The first failure, if there was one.
    pub fn check(&self) -> Result<()> {
        self.poison.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Latches, unless it has already; returns what every write is refused with from now on.
    pub fn trip(&self, cause: &Error) -> Error {
        self.poison
            .get_or_init(|| {
                let message = format!(
                    "an earlier write failed, so nothing more is written: {}; close the database and open it again",
                    cause.message()
                );
                Error::new(Kind::StoragePoisoned, message).with_details(cause.details().clone())
            })
            .clone()
    }
}

/// A backend behind its latch; refuses every verb once closed.
pub struct Checked<B> {
    inner: B,
    latch: Arc<Latch>,
    closed: AtomicBool,
}

impl<B: StorageBackend> Checked<B> {
    /// Decorates a backend that trips this latch.
    pub fn new(inner: B, latch: Arc<Latch>) -> Checked<B> {
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

    fn read(&self, place: BlockPlace) -> Result<Arc<Block>> {
        self.check_open()?;
        self.inner.read(place)
    }

    fn close_leaving(&self, contents: &dyn Fn(Lsn) -> Option<CheckpointContents>) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Err(closed());
        }
        self.inner.close_leaving(contents)
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

    fn forget(&self, files: &[FileId]) {
        self.inner.forget(files);
    }
}

pub(super) fn closed() -> Error {
    Error::new(Kind::Closed, "the database is closed")
}
