//! Assigns places to commits: the next LSN, and allocated space for the frame and for the SEAL after it. The only step of a
//! commit that can fail on a full disk.

use std::collections::BTreeMap;
use std::ops::RangeBounds;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::RwLock;

use crate::error::{Error, Kind, Result};
use crate::storage::contract::backend::{BlockPlace, Cut, FileId, FrameSize, Lsn, Place};
use crate::storage::format::frame;
use crate::storage::format::segment::{SEGMENT_HEADER_LEN, Segment, segment_name};
use crate::storage::format::version::LARGEST_NUMBER;
use crate::storage::host::home::Home;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::OpenMode;

const FIRST_CHUNK: u64 = 1 << 20;
const LARGEST_CHUNK: u64 = 8 << 20;

/// The open segments of a database.
pub(crate) struct Segments {
    host: Host,
    dir: PathBuf,
    home: Arc<Home>,
    open: RwLock<BTreeMap<u64, Arc<Segment>>>,
}

impl Segments {
    pub(crate) fn new(host: Host, home: Arc<Home>, open: Vec<Arc<Segment>>) -> Segments {
        let open = open.into_iter().map(|segment| (segment.id, segment)).collect();
        Segments { host, dir: home.dir().to_path_buf(), home, open: RwLock::new(open) }
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<Segment>> {
        self.open.read().get(&id).cloned()
    }

    /// The newest after whose beginning this commit is.
    pub(crate) fn with(&self, lsn: Lsn) -> Option<Arc<Segment>> {
        self.open.read().values().rev().find(|segment| segment.base < lsn).cloned()
    }

    /// Those with ids in this range.
    pub(crate) fn range(&self, ids: impl RangeBounds<u64>) -> Vec<Arc<Segment>> {
        self.open.read().range(ids).map(|(_, segment)| segment.clone()).collect()
    }

    pub(crate) fn close(&self, id: u64) {
        self.open.write().remove(&id);
    }

    pub(crate) fn close_all(&self) {
        self.open.write().clear();
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn home(&self) -> &Arc<Home> {
        &self.home
    }
}

struct Tip {
    segment: Arc<Segment>,
    offset: u64,
    allocated: u64,
}

/// The place of the next frame.
pub(crate) struct Placing {
    last: Lsn,
    tip: Option<Tip>,
    next_segment: u64,
    segment_size: u64,
    chunk: u64,
}

impl Placing {
    /// Continues after `last`. A session never writes into a segment of another session: its first frame begins
    /// `next_segment`.
    pub(crate) fn new(last: Lsn, next_segment: u64, segment_size: u64) -> Placing {
        Placing { last, tip: None, next_segment, segment_size, chunk: FIRST_CHUNK }
    }

    /// The newest LSN assigned.
    pub(crate) fn last(&self) -> Lsn {
        self.last
    }

    /// Releases the current segment; no more frames follow.
    pub(crate) fn release_file(&mut self) {
        self.tip = None;
    }

    /// The next place. An error leaves no trace except possibly an empty file, which the next attempt reuses.
    pub(crate) fn reserve(&mut self, size: &FrameSize, segments: &Segments, durable: Lsn) -> Result<Place> {
        let overhead = segments.host.cipher.overhead();
        let len = frame::frame_len(frame::check_size(size, overhead)?);
        check_number(self.last.0)?;
        let fits = self.tip.as_ref().is_some_and(|tip| {
            let seal = tip.segment.seed.seal_len();
            tip.offset == SEGMENT_HEADER_LEN || tip.offset + len + seal <= self.segment_size
        });
        if !fits {
            self.tip = Some(self.begin(len, segments)?);
            self.next_segment += 1;
        }
        let Some(tip) = &mut self.tip else {
            return Err(Error::new(Kind::Internal, "a segment was begun and is not there"));
        };
        let end = tip.offset + len + tip.segment.seed.seal_len();
        if end > tip.allocated {
            tip.allocated = allocate(&tip.segment, tip.allocated, end, self.chunk, self.segment_size)?;
            self.chunk = (self.chunk * 2).min(LARGEST_CHUNK);
        }
        self.last = Lsn(self.last.0 + 1);
        let file = FileId::Segment(tip.segment.id);
        let frame_offset = tip.offset;
        tip.offset += len;
        let blocks = frame::payload_offsets(&size.blocks, overhead)
            .iter()
            .zip(&size.blocks)
            .map(|(inside, len)| BlockPlace {
                file,
                frame: frame_offset,
                offset: frame_offset + inside,
                len: *len,
            })
            .collect();
        Ok(Place {
            lsn: self.last,
            file,
            offset: frame_offset,
            blocks,
            records: size.records,
            durable_lag: u32::try_from(self.last.0 - durable.0).unwrap_or(u32::MAX),
        })
    }

    /// The segment with allocated space for a frame of this size, if it is the newest.
    pub(crate) fn room_for(&self, size: &FrameSize) -> Option<u64> {
        let tip = self.tip.as_ref()?;
        let seed = tip.segment.seed;
        let len = frame::frame_len(frame::check_size(size, seed.overhead()).ok()?);
        let end = tip.offset + len + seed.seal_len();
        (end <= tip.allocated.min(self.segment_size)).then_some(tip.segment.id)
    }

    /// Ends the current segments after the newest LSN assigned; later frames go into a segment that holds nothing yet.
    pub(crate) fn cut(&mut self, segments: &Segments) -> Result<Cut> {
        let segment = match self.tip.as_ref().filter(|tip| tip.offset == SEGMENT_HEADER_LEN) {
            Some(tip) => tip.segment.id,
            None => {
                let tip = self.begin(0, segments)?;
                let id = tip.segment.id;
                self.tip = Some(tip);
                self.next_segment += 1;
                id
            }
        };
        Ok(Cut { lsn: self.last, next_segment: segment })
    }

    /// Creates the next segment's file with space for its header, a frame of this length and the SEAL. The writer writes the
    /// header, after it has sealed the segment before.
    fn begin(&self, len: u64, segments: &Segments) -> Result<Tip> {
        let id = self.next_segment;
        check_number(id.saturating_sub(1))?;
        let path = segments.dir.join(segment_name(id));
        segments.home.check()?;
        let file = segments
            .host
            .vfs
            .open(&path, OpenMode::Create)
            .map_err(|error| Error::io("create", &path, error))?;
        // If the file was created in another directory, it stays there, empty.
        segments.home.check()?;
        let present = file.len().map_err(|error| Error::io("measure", &path, error))?;
        if present > SEGMENT_HEADER_LEN {
            return Err(Error::corrupt(
                &path,
                0,
                "a segment with frames appeared while the database was open",
            ));
        }
        // A complete header may have a durable record: it is overwritten, never removed.
        if present > 0 && present < SEGMENT_HEADER_LEN {
            file.set_len(0).map_err(|error| Error::io("empty", &path, error))?;
        }
        let mut salt = [0; 16];
        segments.host.rng.fill(&mut salt);
        let segment = Segment::new(id, path, (salt, self.last), file);
        let segment = Arc::new(segment.encrypted(segments.host.cipher.is_sealing()));
        let end = SEGMENT_HEADER_LEN + len + segment.seed.seal_len();
        let allocated = allocate(&segment, 0, end, self.chunk, self.segment_size)?;
        segments.open.write().insert(id, segment.clone());
        Ok(Tip { segment, offset: SEGMENT_HEADER_LEN, allocated })
    }
}

/// Refuses to go beyond the largest number that a reader accepts.
pub(crate) fn check_number(last: u64) -> Result<()> {
    if last < LARGEST_NUMBER {
        return Ok(());
    }
    let message = "the database has reached the largest number of a commit, segment or generation; \
         export it and import it into a new one";
    Err(Error::new(Kind::Limit, message))
}

/// Allocates at least up to `end`, preferably a chunk ahead; returns the end of the allocated space.
fn allocate(segment: &Segment, from: u64, end: u64, chunk: u64, segment_size: u64) -> Result<u64> {
    let ahead = (from + chunk).min(segment_size).max(end);
    let set_aside = |to| segment.file.allocate(from, to - from).map(|done| (to, done));
    let mut result = set_aside(ahead);
    if result.is_err() && ahead > end {
        result = set_aside(end);
    }
    let (to, done) = result.map_err(|error| segment.io("allocate space in", error))?;
    if done {
        segment.ahead.store(to, Ordering::Release);
    }
    Ok(to)
}
