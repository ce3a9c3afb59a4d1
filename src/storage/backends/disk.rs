//! What the sync and the async backend share: allocation, queue, writer, reading, closing.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::{Error, Kind, Result};
use crate::options::Access;
use crate::storage::contract::backend::{
    Block, BlockPlace, CheckpointFile, CheckpointSink, Cut, Depth, FileId, FrameSize, HistoryReach,
    Installed, LeaveCheckpoint, LogReader, Lsn, Moment, Part, PastFiles, PastReach, Place, SnapshotProof,
    SnapshotSink, StorageStats,
};
use crate::storage::contract::completion::Completion;
use crate::storage::contract::latch::Latch;
use crate::storage::format::manifest::Clean;
use crate::storage::format::witness::Witness;
use crate::storage::generation::generation::{Generations, Ordered};
use crate::storage::log::allocation::{Placing, Segments};
use crate::storage::log::queue::{Entry, Frame, Queue, Task, Turn};
use crate::storage::log::reader::SegmentReader;
use crate::storage::log::writer::{Progress, Writer};
use crate::storage::spill::area::SpillArea;

/// What recovery passes on.
pub(crate) struct DiskParts {
    pub(crate) access: Access,
    pub(crate) segments: Segments,
    pub(crate) placing: Placing,
    pub(crate) writer: Writer,
    pub(crate) progress: Progress,
    pub(crate) generations: Arc<Generations>,
    pub(crate) witness: Arc<Witness>,
    pub(crate) spill: Arc<SpillArea>,
    /// The newest segment, when recovery sealed it: the database is clean once this session closes.
    pub(crate) sealed: Option<Clean>,
}

/// The most that a thread that must not block writes in one group: a few pages of the page cache.
const QUICK_BYTES: u64 = 128 << 10;
/// Groups after which such a thread leaves the rest to other threads.
const QUICK_GROUPS: u32 = 2;

/// An open log on disk.
pub(crate) struct Disk {
    access: Access,
    segments: Arc<Segments>,
    placing: Mutex<Placing>,
    queue: Queue,
    writer: Mutex<Writer>,
    progress: Progress,
    generations: Arc<Generations>,
    witness: Arc<Witness>,
    spill: Arc<SpillArea>,
    sealed: Option<Clean>,
    latch: Arc<Latch>,
}

impl Disk {
    pub(crate) fn new(parts: DiskParts, latch: Arc<Latch>) -> Disk {
        Disk {
            access: parts.access,
            segments: Arc::new(parts.segments),
            placing: Mutex::new(parts.placing),
            queue: Queue::default(),
            writer: Mutex::new(parts.writer),
            progress: parts.progress,
            generations: parts.generations,
            witness: parts.witness,
            spill: parts.spill,
            sealed: parts.sealed,
            latch,
        }
    }

    pub(crate) fn reserve(&self, size: &FrameSize) -> Result<Place> {
        self.check_writable()?;
        self.placing.lock().reserve(size, &self.segments, self.progress.durable())
    }

    pub(crate) fn append(&self, place: Place, blocks: &[Arc<Block>]) -> Completion {
        self.queue.push(Task::Frame(Frame { place, blocks: blocks.iter().cloned().collect() }))
    }

    /// Settles once everything queued before it is published, and what was found at opening is durable.
    pub(crate) fn barrier(&self) -> Completion {
        if let Err(error) = self.segments.home().settle() {
            return Completion::ready(Err(error));
        }
        let completion = self.queue.push(Task::Barrier);
        self.drive();
        completion
    }

    pub(crate) fn drive(&self) {
        self.queue.drive(|group| self.publish(group));
    }

    /// Whether a frame of this size could be written without blocking: see the trait.
    pub(crate) fn is_nonblocking(&self, size: &FrameSize) -> bool {
        let Some(placing) = self.placing.try_lock() else { return false };
        let Some(segment) = placing.room_for(size) else { return false };
        drop(placing);
        !self.progress.is_syncing()
            && self.queue.is_nonblocking(QUICK_BYTES)
            && self.writer.try_lock().is_some_and(|writer| writer.stands_in(segment))
    }

    /// Writes the queued frames if they are few and belong to the current segment; otherwise returns `false`.
    pub(crate) fn drive_nonblocking(&self) -> bool {
        let mut groups = 0;
        self.queue.drive_while(
            |entries, bytes| {
                groups += 1;
                groups <= QUICK_GROUPS
                    && bytes <= QUICK_BYTES
                    && !self.progress.is_syncing()
                    && self.writer.try_lock().is_some_and(|writer| writer.need_not_turn(entries))
            },
            |group| self.publish(group),
        )
    }

    /// Makes all written frames durable.
    pub(crate) fn sync(&self) -> Result<()> {
        self.latch.check()?;
        self.progress.sync(&self.witness).map_err(|error| self.latch.trip(&error))
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.progress.is_dirty() && self.latch.check().is_ok()
    }

    /// Reads a block, or a part of it.
    pub(crate) fn read(
        &self,
        place: BlockPlace,
        part: Option<&Part>,
        depth: Depth,
    ) -> Result<Option<Arc<Block>>> {
        let id = match place.file {
            FileId::Segment(id) => id,
            FileId::Snapshot(id) => {
                let missing =
                    || Error::new(Kind::Internal, format!("snapshot {id} is not part of the database"));
                return self.generations.snapshot(id).ok_or_else(missing)?.read_part(place, part, depth);
            }
            FileId::Memory => {
                return Err(Error::new(Kind::Internal, "a block of the memory backend is not on this disk"));
            }
        };
        let segment = self
            .segments
            .get(id)
            .ok_or_else(|| Error::new(Kind::Internal, format!("segment {id} is not part of the database")))?;
        segment.read_part(place, part, depth)
    }

    pub(crate) fn close(&self, leave: &LeaveCheckpoint<'_>) -> Result<()> {
        self.queue.stop(|group| self.publish(group));
        // Before the lock of the directory is released.
        self.spill.close();
        let closed = self.generations.close(self.finish(), &self.segments, leave);
        // A kept handle must not keep a file open: the directory can then be unmounted, or removed on Windows.
        self.progress.release_file();
        self.writer.lock().release_file();
        self.placing.lock().release_file();
        self.segments.close_all();
        self.segments.home().release_files();
        self.generations.kept().close();
        self.progress.add_syncs(closed?);
        Ok(())
    }

    pub(crate) fn cut(&self) -> Result<Cut> {
        self.check_writable()?;
        self.generations.cut(|| {
            let cut = self.placing.lock().cut(&self.segments)?;
            let seal_crc = Arc::default();
            let turn = Turn { segment: cut.next_segment, seal_crc: Arc::clone(&seal_crc) };
            Ok(Ordered { cut, turned: self.queue.push(Task::Turn(turn)), seal_crc })
        })
    }

    pub(crate) fn begin_snapshot(&self, cut: &Cut) -> Result<Box<dyn SnapshotSink>> {
        self.generations.begin_snapshot(cut)
    }

    pub(crate) fn install(
        &self,
        cut: Cut,
        snapshot: Box<dyn SnapshotSink>,
        proof: &mut dyn SnapshotProof,
    ) -> Result<Installed> {
        let drive = || self.drive();
        let (installed, syncs) =
            self.generations.install(cut, snapshot, proof, &self.segments, &self.latch, &drive)?;
        self.progress.add_syncs(syncs);
        Ok(installed)
    }

    pub(crate) fn checkpoint(&self, cut: Cut, leave: &LeaveCheckpoint<'_>) -> Result<Option<CheckpointFile>> {
        let drive = || self.drive();
        let (written, syncs) =
            self.generations.checkpoint(&cut, &self.segments, leave, &self.latch, &drive)?;
        self.progress.add_syncs(syncs);
        self.trim_history(self.generations.now());
        Ok(written)
    }

    pub(crate) fn begin_checkpoint(&self, cut: &Cut) -> Result<Box<dyn CheckpointSink>> {
        self.generations.begin_checkpoint(cut)
    }

    pub(crate) fn end_checkpoint(
        &self,
        sink: Box<dyn CheckpointSink>,
        catalogue: &[u8],
    ) -> Result<CheckpointFile> {
        let (written, syncs) = self.generations.end_checkpoint(sink, catalogue, &self.latch)?;
        self.progress.add_syncs(syncs);
        Ok(written)
    }

    pub(crate) fn database_id(&self) -> [u8; 16] {
        self.generations.database_id()
    }

    pub(crate) fn forget(&self, files: &[FileId]) {
        self.generations.forget(files, &self.segments);
        self.trim_history(self.generations.now());
    }

    pub(crate) fn log_reader(&self) -> Box<dyn LogReader> {
        Box::new(SegmentReader::new(self.segments.clone(), self.generations.kept().clone()))
    }

    pub(crate) fn history(&self) -> HistoryReach {
        let last = self.placing.lock().last();
        self.generations.reach(&self.segments, last)
    }

    pub(crate) fn keeps_history(&self) -> bool {
        self.generations.keeps_history()
    }

    /// A database that is open read-only changes nothing.
    pub(crate) fn keep_history(&self) -> Result<()> {
        if self.access == Access::ReadWrite {
            self.progress.add_syncs(self.generations.keep_history(&self.latch)?);
        }
        Ok(())
    }

    pub(crate) fn trim_history(&self, now_ms: i64) {
        if self.access == Access::ReadWrite {
            self.progress.add_syncs(self.generations.trim_history(now_ms, &self.segments, &self.latch));
        }
    }

    pub(crate) fn past(&self, moment: Moment, newest: Lsn) -> Result<Arc<dyn PastFiles>> {
        Ok(Arc::new(self.generations.past(moment, newest, &self.segments)?))
    }

    pub(crate) fn past_reach(&self) -> PastReach {
        self.generations.past_reach()
    }

    pub(crate) fn salt_at(&self, lsn: Lsn) -> Option<u64> {
        let salt = match self.segments.with(lsn) {
            Some(segment) => segment.salt,
            None => self.generations.kept().with(lsn)?.salt,
        };
        salt.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// A database that is open read-only writes no files.
    pub(crate) fn spill(&self) -> Option<Arc<dyn crate::work::Disk>> {
        (self.access == Access::ReadWrite).then(|| self.spill.clone() as Arc<dyn crate::work::Disk>)
    }

    pub(crate) fn stats(&self) -> StorageStats {
        let segments = self.segments.range(self.generations.first_segment()..);
        let log_bytes: u64 = segments.iter().map(|segment| segment.used()).sum();
        let snapshot_bytes = self.generations.snapshot_bytes();
        StorageStats {
            segments: segments.len() as u64,
            log_bytes,
            snapshot_bytes,
            bytes_on_disk: log_bytes
                + snapshot_bytes
                + self.generations.kept_bytes()
                + crate::storage::format::manifest::LEN as u64,
            checkpoint_bytes: self.generations.checkpoint_bytes(),
            spill_bytes: self.spill.bytes(),
            queued_bytes: self.queue.bytes(),
            appended: 0,
            syncs: self.progress.syncs(),
            durable: self.progress.durable(),
        }
    }

    fn check_writable(&self) -> Result<()> {
        if self.access == Access::ReadOnly {
            return Err(Error::new(
                Kind::ReadOnly,
                "the database is open read-only; open it without readOnly",
            ));
        }
        Ok(())
    }

    fn publish(&self, group: &[Entry]) -> Result<()> {
        self.latch.check()?;
        let tasks = group.iter().map(|entry| &entry.task);
        self.writer
            .lock()
            .write(tasks, &self.segments, &self.progress)
            .map_err(|error| self.latch.trip(&error))
    }

    /// Seals the newest segment. Returns the clean end, when the database is now clean, and the checksum of the SEAL.
    fn finish(&self) -> Result<Option<(Clean, u32)>> {
        self.latch.check()?;
        let mut writer = self.writer.lock();
        let finished = writer.finish(&self.progress).map_err(|error| self.latch.trip(&error))?;
        Ok(finished.or(self.sealed).map(|clean| (clean, writer.seal_crc())))
    }
}
