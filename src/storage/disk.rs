//! What the sync and the async backend share: placing, queue, writer, reading, closing.

use std::sync::Arc;

use parking_lot::Mutex;

use super::backend::{Block, BlockPlace, FileId, FrameSize, Place, StorageStats};
use super::checked::Latch;
use super::completion::Completion;
use super::host::Host;
use super::lock::DirectoryLock;
use super::manifest::{Clean, Manifest};
use super::placing::{Placing, Segments};
use super::queue::{Entry, Frame, Queue};
use super::writer::{Progress, Writer};
use crate::error::{Error, Kind, Result};
use crate::options::Access;

/// What recovery hands over.
pub(super) struct DiskParts {
    pub(super) access: Access,
    pub(super) segments: Segments,
    pub(super) placing: Placing,
    pub(super) writer: Writer,
    pub(super) progress: Progress,
    pub(super) manifest: Manifest,
    /// The newest segment, when recovery sealed it: clean once this session closes.
    pub(super) sealed: Option<Clean>,
    pub(super) lock: Option<DirectoryLock>,
}

/// An open log on disk.
pub(super) struct Disk {
    access: Access,
    segments: Segments,
    placing: Mutex<Placing>,
    queue: Queue,
    writer: Mutex<Writer>,
    progress: Progress,
    manifest: Manifest,
    sealed: Option<Clean>,
    lock: Mutex<Option<DirectoryLock>>,
    latch: Arc<Latch>,
}

impl Disk {
    pub(super) fn new(parts: DiskParts, latch: Arc<Latch>) -> Disk {
        Disk {
            access: parts.access,
            segments: parts.segments,
            placing: Mutex::new(parts.placing),
            queue: Queue::default(),
            writer: Mutex::new(parts.writer),
            progress: parts.progress,
            manifest: parts.manifest,
            sealed: parts.sealed,
            lock: Mutex::new(parts.lock),
            latch,
        }
    }

    pub(super) fn reserve(&self, size: &FrameSize) -> Result<Place> {
        if self.access == Access::ReadOnly {
            return Err(Error::new(
                Kind::ReadOnly,
                "the database is open read-only; open it without readOnly",
            ));
        }
        self.placing.lock().reserve(size, &self.segments, self.progress.durable())
    }

    pub(super) fn append(&self, place: Place, blocks: &[Arc<Block>]) -> Completion {
        self.queue.push(Some(Frame { place, blocks: blocks.iter().cloned().collect() }))
    }

    /// Settles once everything queued before it is published.
    pub(super) fn barrier(&self) -> Completion {
        let completion = self.queue.push(None);
        self.drive();
        completion
    }

    pub(super) fn drive(&self) {
        self.queue.drive(|group| self.publish(group));
    }

    /// Makes durable what is written.
    pub(super) fn sync(&self) -> Result<()> {
        self.latch.check()?;
        self.progress.sync().map_err(|error| self.latch.trip(&error))
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.progress.is_dirty() && self.latch.check().is_ok()
    }

    pub(super) fn read(&self, place: BlockPlace) -> Result<Arc<Block>> {
        let FileId::Segment(id) = place.file else {
            return Err(Error::new(Kind::Internal, format!("{:?} holds no blocks on this disk", place.file)));
        };
        let segment = self
            .segments
            .get(id)
            .ok_or_else(|| Error::new(Kind::Internal, format!("segment {id} is not part of the database")))?;
        segment.read_block(place)
    }

    pub(super) fn close(&self) -> Result<()> {
        self.queue.stop(|group| self.publish(group));
        let result = self.finish();
        *self.lock.lock() = None;
        result
    }

    pub(super) fn stats(&self) -> StorageStats {
        let segments = self.segments.all();
        let bytes: u64 = segments.iter().map(|segment| segment.file.len().unwrap_or(0)).sum();
        StorageStats {
            log_bytes: 0,
            snapshot_bytes: 0,
            segments: segments.len() as u64,
            bytes_on_disk: bytes + super::manifest::LEN as u64,
            queued_bytes: self.queue.bytes(),
            syncs: self.progress.syncs(),
            durable: self.progress.durable(),
        }
    }

    fn host(&self) -> &Host {
        self.segments.host()
    }

    fn publish(&self, group: &[Entry]) -> Result<()> {
        self.latch.check()?;
        let frames = group.iter().filter_map(|entry| entry.frame.as_ref());
        self.writer
            .lock()
            .write(frames, &self.segments, &self.progress)
            .map_err(|error| self.latch.trip(&error))
    }

    fn finish(&self) -> Result<()> {
        self.latch.check()?;
        let finished = self.writer.lock().finish(&self.progress).map_err(|error| self.latch.trip(&error))?;
        let Some(clean) = finished.or(self.sealed) else { return Ok(()) };
        let manifest = Manifest { clean: Some(clean), ..self.manifest.clone() };
        let syncs = manifest.replace(self.host(), self.segments.dir())?;
        self.progress.add_syncs(syncs);
        Ok(())
    }
}
