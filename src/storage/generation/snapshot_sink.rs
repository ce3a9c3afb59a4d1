//! The snapshot of a cut, as the engine writes it: its file goes unless the manifest names it.

use std::any::Any;
use std::path::{Path, PathBuf};

use super::snapshot_writer::SnapshotWriter;
use crate::error::{Error, Kind, Result};
use crate::storage::contract::backend::{BlockPlace, Cut, SnapshotSink};

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
