//! A loader that says how far the reading of the files is, and one that stops where its caller wants no more.

use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::progress::Progress;
use crate::error::Result;
use crate::storage::{CheckpointLoader, FromCheckpoint, Loader, Replayed, SnapshotBlock};

/// Passes everything on, and counts its bytes.
pub(crate) struct Reported<'a, L> {
    loader: &'a mut L,
    progress: &'a Progress,
}

impl<'a, L: Loader> Reported<'a, L> {
    pub(crate) fn new(loader: &'a mut L, progress: &'a Progress) -> Reported<'a, L> {
        Reported { loader, progress }
    }
}

impl<L: Loader> Loader for Reported<'_, L> {
    fn expect(&mut self, bytes: u64) {
        self.progress.expect(bytes);
        self.loader.expect(bytes);
    }

    fn database_block(&mut self, block: SnapshotBlock) -> Result<()> {
        self.progress.advance(block.block.bytes.len() as u64);
        self.loader.database_block(block)
    }

    fn least_document(&self) -> u32 {
        self.loader.least_document()
    }

    fn documents(&self, block: SnapshotBlock) -> Result<()> {
        let bytes = block.block.bytes.len() as u64;
        self.loader.documents(block)?;
        self.progress.advance(bytes);
        Ok(())
    }

    fn frame(&mut self, frame: Replayed) -> Result<()> {
        self.progress.advance(frame.blocks.iter().map(|block| block.bytes.len() as u64).sum());
        self.loader.frame(frame)
    }
}

/// Passes everything on until it is interrupted.
pub(crate) struct Stoppable<'a, L> {
    loader: &'a mut L,
    interrupt: &'a Interrupt,
}

impl<'a, L: Loader> Stoppable<'a, L> {
    pub(crate) fn new(loader: &'a mut L, interrupt: &'a Interrupt) -> Stoppable<'a, L> {
        Stoppable { loader, interrupt }
    }

    /// Only a cancellation stops it: it has no deadline of its own.
    fn check(&self) -> Result<()> {
        self.interrupt.check(|| i64::MIN)
    }
}

impl<L: Loader> Loader for Stoppable<'_, L> {
    fn expect(&mut self, bytes: u64) {
        self.loader.expect(bytes);
    }

    fn database_block(&mut self, block: SnapshotBlock) -> Result<()> {
        self.check()?;
        self.loader.database_block(block)
    }

    fn least_document(&self) -> u32 {
        self.loader.least_document()
    }

    fn documents(&self, block: SnapshotBlock) -> Result<()> {
        self.check()?;
        self.loader.documents(block)
    }

    fn frame(&mut self, frame: Replayed) -> Result<()> {
        self.check()?;
        self.loader.frame(frame)
    }
}

impl<L: CheckpointLoader> CheckpointLoader for Reported<'_, L> {
    fn fits(&self, checkpoint: &FromCheckpoint) -> bool {
        self.loader.fits(checkpoint)
    }

    fn begin(&mut self, checkpoint: FromCheckpoint) -> Result<()> {
        self.loader.begin(checkpoint)
    }
}
