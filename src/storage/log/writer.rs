//! Writes frames into segments in the order of their places, and switches to the next segment when a frame belongs there.
//!
//! Switching: fdatasync; SEAL; fdatasync; the next segment's header, fsync, fsync of the directory, its witness record; only
//! then is anything else written to it. So a newer segment with a frame proves that the older ones are complete.
//!
//! In sync mode the file is extended ahead of its frames, as far as space is allocated: the fsync of a frame then does not
//! change the length and takes two thirds of the time. The bytes after the frames are zeros until frames are written there.
//! Sealing truncates them, so only the newest segment of a session that did not end is longer than its frames. The extension
//! never makes a hole: a write into a hole could fail on a full disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::allocation::Segments;
use super::queue::{Entry, Frame, Task};
use crate::error::{Error, Kind, Result};
use crate::storage::contract::backend::{FileId, Lsn};
use crate::storage::format::frame;
use crate::storage::format::frame::Commit;
use crate::storage::format::manifest::Clean;
use crate::storage::format::segment::{PLACE_EVERY, SEGMENT_HEADER_LEN, Segment, SegmentHeader};
use crate::storage::format::witness::Witness;
use crate::storage::host::vfs::write_all_at;

/// Groups are written in pieces of about this many bytes.
const PIECE: usize = 8 << 20;
/// Above this capacity the group buffer is freed.
const KEPT: usize = 4 << 20;

#[derive(Clone)]
struct Written {
    segment: Arc<Segment>,
    end: u64,
    lsn: Lsn,
}

/// How far the log has come: moved by the writer and by flushes, read by all threads.
#[derive(Default)]
pub(crate) struct Progress {
    durable: AtomicU64,
    syncs: AtomicU64,
    /// What has been written and where: a flush then knows which file to sync and what is durable afterwards.
    written: Mutex<Option<Written>>,
    /// Running fdatasyncs.
    syncing: AtomicU32,
}

impl Progress {
    pub(crate) fn new(durable: Lsn) -> Progress {
        Progress { durable: AtomicU64::new(durable.0), ..Progress::default() }
    }

    pub(crate) fn durable(&self) -> Lsn {
        Lsn(self.durable.load(Ordering::Acquire))
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    pub(crate) fn add_syncs(&self, count: u64) {
        self.syncs.fetch_add(count, Ordering::Relaxed);
    }

    /// Whether something is written and not yet known to be durable.
    pub(crate) fn is_dirty(&self) -> bool {
        self.written.lock().as_ref().is_some_and(|written| written.lsn > self.durable())
    }

    /// Whether an fdatasync is running: a write to the same file may block behind it.
    pub(crate) fn is_syncing(&self) -> bool {
        self.syncing.load(Ordering::Acquire) > 0
    }

    /// Releases the file written last; nothing more has to be synced.
    pub(crate) fn release_file(&self) {
        *self.written.lock() = None;
    }

    /// Makes everything written so far durable, and updates the witness. Segments before the newest are durable already.
    pub(crate) fn sync(&self, witness: &Witness) -> Result<()> {
        let written = self.written.lock().clone();
        match written {
            Some(Written { segment, end, lsn }) if lsn > self.durable() => {
                self.sync_segment(&segment, lsn)?;
                witness.proven(segment.id, end)
            }
            _ => Ok(()),
        }
    }

    fn sync_segment(&self, segment: &Segment, lsn: Lsn) -> Result<()> {
        self.add_syncs(1);
        self.syncing.fetch_add(1, Ordering::AcqRel);
        let synced = segment.file.sync_data();
        self.syncing.fetch_sub(1, Ordering::AcqRel);
        synced.map_err(|error| segment.io("fsync", error))?;
        self.durable.fetch_max(lsn.0, Ordering::AcqRel);
        Ok(())
    }
}

struct Tip {
    segment: Arc<Segment>,
    offset: u64,
    /// The length of the file.
    len: u64,
    /// The offset from which on the next place is worth remembering.
    place_from: u64,
}

impl Tip {
    /// Extends the file before a write up to `end`. If that fails, the write itself extends it.
    fn lengthen(&mut self, end: u64) {
        let ahead = self.segment.ahead.load(Ordering::Acquire);
        self.segment.end.store(self.offset, Ordering::Release);
        let longer = ahead > end && self.segment.file.set_len(ahead).is_ok();
        self.len = if longer { ahead } else { end };
    }
}

/// The writer of the log.
pub(crate) struct Writer {
    tip: Option<Tip>,
    last: Lsn,
    prev_seal_crc: u32,
    sync: bool,
    witness: Arc<Witness>,
    buffer: Vec<u8>,
}

impl Writer {
    /// Continues after `last` and the SEAL with this checksum.
    pub(crate) fn new(last: Lsn, prev_seal_crc: u32, sync: bool, witness: Arc<Witness>) -> Writer {
        Writer { tip: None, last, prev_seal_crc, sync, witness, buffer: Vec::new() }
    }

    /// Releases the current segment; no more frames follow.
    pub(crate) fn release_file(&mut self) {
        self.tip = None;
    }

    /// Processes the tasks in order; in sync mode frames are durable on return.
    pub(crate) fn write<'a>(
        &mut self,
        tasks: impl Iterator<Item = &'a Task>,
        segments: &Segments,
        progress: &Progress,
    ) -> Result<()> {
        self.buffer.clear();
        let mut any = false;
        for task in tasks {
            let frame = match task {
                Task::Frame(frame) => frame,
                Task::Turn(turn) => {
                    self.turn_to(FileId::Segment(turn.segment), segments, progress)?;
                    turn.seal_crc.store(self.prev_seal_crc, Ordering::Release);
                    continue;
                }
                Task::Barrier => continue,
            };
            any = true;
            self.turn_to(frame.place.file, segments, progress)?;
            let Some(tip) = &mut self.tip else { continue };
            if tip.offset + self.buffer.len() as u64 != frame.place.offset || !lengths_match(frame) {
                let place = &frame.place;
                return Err(Error::new(
                    Kind::Internal,
                    format!("a frame was queued for another place: {place:?}"),
                ));
            }
            let commit =
                Commit { lsn: frame.place.lsn, lag: frame.place.durable_lag, records: frame.place.records };
            let seed = tip.segment.seed;
            if frame.place.offset >= tip.place_from {
                tip.segment.places.remember(self.last, frame.place.offset);
                tip.place_from = frame.place.offset + PLACE_EVERY;
            }
            let cipher = tip.segment.cipher();
            frame::encode_commit(&mut self.buffer, seed, frame.place.offset, commit, &frame.blocks, cipher);
            self.last = frame.place.lsn;
            if self.buffer.len() >= PIECE {
                self.put(progress)?;
            }
        }
        self.put(progress)?;
        if self.buffer.capacity() > KEPT {
            self.buffer = Vec::new();
        }
        if any && self.sync { progress.sync(&self.witness) } else { Ok(()) }
    }

    /// Whether the next frame goes into this segment, without switching to it.
    pub(crate) fn stands_in(&self, segment: u64) -> bool {
        self.tip.as_ref().is_some_and(|tip| tip.segment.id == segment)
    }

    /// Whether all of these can be written without switching to another segment.
    pub(crate) fn need_not_turn(&self, entries: &[Entry]) -> bool {
        entries.iter().all(|entry| match &entry.task {
            Task::Frame(Frame { place, .. }) => {
                matches!(place.file, FileId::Segment(id) if self.stands_in(id))
            }
            Task::Turn(_) => false,
            Task::Barrier => true,
        })
    }

    /// Ends the newest segment for a clean close; `None` if this session wrote nothing.
    pub(crate) fn finish(&mut self, progress: &Progress) -> Result<Option<Clean>> {
        let Some(tip) = self.tip.take() else { return Ok(None) };
        let segment = tip.segment.id;
        let len = self.seal(tip, progress)?;
        Ok(Some(Clean { segment, len, lsn: self.last.0 }))
    }

    /// Head checksum of the newest SEAL.
    pub(crate) fn seal_crc(&self) -> u32 {
        self.prev_seal_crc
    }

    fn put(&mut self, progress: &Progress) -> Result<()> {
        let Some(tip) = &mut self.tip else { return Ok(()) };
        if self.buffer.is_empty() {
            return Ok(());
        }
        let end = tip.offset + self.buffer.len() as u64;
        if self.sync && end > tip.len {
            tip.lengthen(end);
        }
        write_all_at(&*tip.segment.file, tip.offset, &self.buffer)
            .map_err(|error| tip.segment.io("write", error))?;
        tip.offset = end;
        tip.segment.end.store(end, Ordering::Release);
        self.buffer.clear();
        *progress.written.lock() = Some(Written { segment: tip.segment.clone(), end, lsn: self.last });
        Ok(())
    }

    fn turn_to(&mut self, file: FileId, segments: &Segments, progress: &Progress) -> Result<()> {
        let FileId::Segment(id) = file else {
            return Err(Error::new(Kind::Internal, "a frame was queued for a file that is no segment"));
        };
        if self.tip.as_ref().is_some_and(|tip| tip.segment.id == id) {
            return Ok(());
        }
        self.put(progress)?;
        if let Some(tip) = self.tip.take() {
            self.seal(tip, progress)?;
        }
        let segment = segments
            .get(id)
            .ok_or_else(|| Error::new(Kind::Internal, format!("segment {id} was never begun")))?;
        segments.home().check()?;
        let header = SegmentHeader {
            sync: self.sync,
            encrypted: segments.host().cipher.is_sealing(),
            id,
            base_lsn: self.last,
            salt: segment.salt,
            prev_seal_crc: self.prev_seal_crc,
        };
        segment.begin(header.cipher(&segments.host().cipher));
        write_all_at(&*segment.file, 0, &header.encode()).map_err(|error| segment.io("write", error))?;
        progress.add_syncs(2);
        segment.file.sync_all().map_err(|error| segment.io("fsync", error))?;
        let dir = segments.dir();
        segments.host().vfs.sync_dir(dir).map_err(|error| Error::io("fsync", dir, error))?;
        progress.add_syncs(self.witness.begun(id)?);
        self.tip = Some(Tip {
            segment,
            offset: SEGMENT_HEADER_LEN,
            len: SEGMENT_HEADER_LEN,
            place_from: PLACE_EVERY,
        });
        Ok(())
    }

    /// Makes the segment durable, then its SEAL. Returns its length.
    fn seal(&mut self, tip: Tip, progress: &Progress) -> Result<u64> {
        progress.sync(&self.witness)?;
        let segment = &tip.segment;
        let (bytes, crc) = frame::encode_seal(segment.seed, tip.offset, self.last, segment.cipher());
        write_all_at(&*segment.file, tip.offset, &bytes).map_err(|error| segment.io("write", error))?;
        let len = tip.offset + bytes.len() as u64;
        // Truncates the extension, and frees allocated space that was not used. If the file is not longer, a failure only
        // keeps that space allocated.
        match segment.file.set_len(len) {
            Err(error) if tip.len > len => return Err(segment.io("cut", error)),
            _ => {}
        }
        segment.end.store(u64::MAX, Ordering::Release);
        progress.sync_segment(segment, self.last)?;
        // Everything is durable. The next compaction may remove the file; no handle kept here may hold its space.
        *progress.written.lock() = None;
        self.prev_seal_crc = crc;
        Ok(len)
    }
}

fn lengths_match(frame: &Frame) -> bool {
    frame.blocks.len() == frame.place.blocks.len()
        && frame
            .blocks
            .iter()
            .zip(&frame.place.blocks)
            .all(|(block, place)| block.bytes.len() == place.len as usize)
}
