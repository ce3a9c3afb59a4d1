//! The files of a cut as the engine writes them, its snapshot and its checkpoint: each goes unless it is kept in the end.

use std::any::Any;
use std::path::{Path, PathBuf};

use super::snapshot_writer::SnapshotWriter;
use crate::error::{Error, Kind, Result};
use crate::storage::contract::backend::{
    BlockPlace, CheckpointFile, CheckpointSink, Cut, PageSink, SnapshotSink,
};
use crate::storage::format::checkpoint::unfinished_name;
use crate::storage::host::system::Host;
use crate::storage::pages::pointer::Pointer;
use crate::storage::runs::writer::RunWriter;

/// A snapshot that is being written.
pub(super) struct DiskSink {
    pub(super) cut: Cut,
    pub(super) path: PathBuf,
    pub(super) writer: Option<SnapshotWriter>,
    /// The manifest names it, or may name it.
    pub(super) kept: bool,
    /// Called at the end, with the path and whether it is kept.
    pub(super) on_end: OnEnd,
}

/// Called when a file that was being written is given up, or kept.
pub(super) type OnEnd = Box<dyn Fn(&Path, bool) + Send>;

pub(super) fn ended() -> Error {
    Error::new(Kind::Internal, "the snapshot has ended, or a block of it could not be written")
}

impl SnapshotSink for DiskSink {
    fn block(&mut self, collection: u32, documents: u32, payload: &[u8]) -> Result<BlockPlace> {
        let writer = self.writer.as_mut().ok_or_else(ended)?;
        let result = writer.block(collection, documents, payload);
        if result.is_err() {
            // A snapshot with a failed write is not installed.
            self.writer = None;
        }
        result
    }

    fn bytes(&self) -> u64 {
        self.writer.as_ref().map_or(0, SnapshotWriter::bytes)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl Drop for DiskSink {
    fn drop(&mut self) {
        self.writer = None;
        (self.on_end)(&self.path, self.kept);
    }
}

/// A checkpoint that is being written.
pub(super) struct DiskCheckpoint {
    cut: Cut,
    path: PathBuf,
    database: [u8; 16],
    writer: Option<RunWriter>,
    kept: bool,
    on_end: OnEnd,
}

impl DiskCheckpoint {
    /// Creates its file.
    pub(super) fn begin(
        host: &Host,
        dir: &Path,
        database: [u8; 16],
        cut: Cut,
        on_end: OnEnd,
    ) -> Result<DiskCheckpoint> {
        let path = dir.join(unfinished_name(cut.lsn.0));
        let mut begun = DiskCheckpoint { cut, path, database, writer: None, kept: false, on_end };
        // An error drops what was begun, and so removes the file.
        begun.writer = Some(RunWriter::begin(host, &begun.path, database, cut.lsn.0)?);
        Ok(begun)
    }

    /// The cut that it is of.
    pub(super) fn cut(&self) -> Cut {
        self.cut
    }

    /// Ends the file with this catalogue, durably; returns its length.
    pub(super) fn finish(&mut self, catalogue: &[u8]) -> Result<u64> {
        let writer = self.writer.take().ok_or_else(checkpoint_ended)?;
        Ok(writer.finish(catalogue, self.cut.lsn)?.length)
    }

    /// Where it is; from now on it is not removed.
    pub(super) fn keep(&mut self) -> PathBuf {
        self.kept = true;
        self.path.clone()
    }

    /// After an error nothing more is written.
    fn with<R>(&mut self, write: impl FnOnce(&mut RunWriter) -> Result<R>) -> Result<R> {
        let result = write(self.writer.as_mut().ok_or_else(checkpoint_ended)?);
        if result.is_err() {
            self.writer = None;
        }
        result
    }
}

fn checkpoint_ended() -> Error {
    Error::new(Kind::Internal, "the checkpoint has ended, or a page of it could not be written")
}

impl PageSink for DiskCheckpoint {
    fn page(&mut self, page: &[u8], net: i64) -> Result<Pointer> {
        self.with(|writer| writer.page(page, net))
    }
}

impl CheckpointSink for DiskCheckpoint {
    fn so_far(&mut self) -> Result<(CheckpointFile, u64)> {
        let end = self.with(RunWriter::flush)?;
        let (path, run) = (self.path.clone(), self.cut.lsn.0);
        Ok((CheckpointFile { path, database: self.database, run, damaged: Default::default() }, end))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl Drop for DiskCheckpoint {
    fn drop(&mut self) {
        self.writer = None;
        (self.on_end)(&self.path, self.kept);
    }
}
