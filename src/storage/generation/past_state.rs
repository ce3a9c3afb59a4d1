//! An earlier state: a snapshot, or nothing, and the commits after it up to one.

use std::sync::Arc;

use super::snapshot_file::SnapshotFile;
use crate::error::{Error, Kind, Result};
use crate::storage::contract::backend::{Block, BlockPlace, Depth, FileId, Loader, Lsn, PastFiles, Replayed};
use crate::storage::format::segment::{SEGMENT_HEADER_LEN, Segment, SegmentHeader};
use crate::storage::format::snapshot::Entry;
use crate::storage::host::vfs::read_exact_at;
use crate::storage::log::frames::Frames;
use crate::storage::log::window::WINDOW;

/// The last commit that is wanted: at most this one, and none that is later than this time (ms since 1970).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until {
    pub(crate) lsn: Lsn,
    pub(crate) time: Option<i64>,
}

impl Until {
    fn is_before(&self, commit: &Replayed) -> bool {
        self.time.zip(time_of(commit)).is_some_and(|(wanted, time)| time > wanted)
    }
}

/// The time with which the payload of a commit begins.
pub(crate) fn time_of(commit: &Replayed) -> Option<i64> {
    let time = commit.blocks.first().and_then(|block| block.bytes.first_chunk::<8>());
    time.map(|time| i64::from_le_bytes(*time))
}

/// Where a log was read to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadTo {
    /// The last commit.
    pub(crate) last: Lsn,
    /// Its time, where a commit was read.
    pub(crate) time: Option<i64>,
    /// The checksum of the SEAL before the next segment.
    pub(crate) seal_crc: u32,
}

/// Why the reading of a segment ended.
pub(crate) enum Stop {
    /// There is what was wanted.
    Reached,
    /// At its SEAL: the next segment follows.
    Sealed,
    /// At this offset, before which everything is good.
    Ended(u64),
}

/// Passes the commits of the next segment to a loader, up to the wanted one.
pub(crate) fn read_segment(
    segment: &Segment,
    to: &mut ReadTo,
    until: &Until,
    loader: &mut dyn Loader,
) -> Result<Stop> {
    if to.last >= until.lsn {
        return Ok(Stop::Reached);
    }
    check_header(segment, to)?;
    let mut at = SEGMENT_HEADER_LEN;
    'again: loop {
        let len = segment.written().map_err(|error| segment.io("measure", error))?;
        let mut frames = Frames::from(segment, len, (to.last, at), WINDOW);
        while to.last < until.lsn {
            let next = frames.next();
            match next {
                Some(Ok(commit)) if until.is_before(&commit) => return Ok(Stop::Reached),
                Some(Ok(commit)) => {
                    let time = time_of(&commit);
                    loader.frame(commit)?;
                    (to.last, to.time, at) = (frames.last, time.or(to.time), frames.end);
                }
                // The writer has sealed it meanwhile, which cuts off the space behind its frames.
                Some(Err(_)) if segment.file.len().is_ok_and(|now| now < len) => continue 'again,
                Some(Err(error)) => return Err(error),
                None => {
                    let Some(crc) = frames.seal else { return Ok(Stop::Ended(frames.end)) };
                    to.seal_crc = crc;
                    return Ok(Stop::Sealed);
                }
            }
        }
        return Ok(Stop::Reached);
    }
}

fn check_header(segment: &Segment, to: &ReadTo) -> Result<()> {
    let mut bytes = [0; SEGMENT_HEADER_LEN as usize];
    read_exact_at(&*segment.file, 0, &mut bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            Error::corrupt(&segment.path, 0, "the segment ends before its first frame")
        }
        _ => segment.io("read", error),
    })?;
    let header = SegmentHeader::decode(&bytes, &segment.path)?;
    let corrupt = |offset, what: String| Err(Error::corrupt(&segment.path, offset, what));
    if header.id != segment.id {
        return corrupt(16, format!("its header says segment {}", header.id));
    }
    if header.base_lsn != to.last {
        let (base, last) = (header.base_lsn.0, to.last.0);
        return corrupt(24, format!("it continues after lsn {base}, what is before it ends with {last}"));
    }
    if header.prev_seal_crc != to.seal_crc {
        return corrupt(48, "it does not follow the seal of the segment before".to_owned());
    }
    Ok(())
}

/// The files of a state of an open database.
pub(crate) struct PastState {
    /// What it begins with; `None`: an empty database.
    pub(crate) snapshot: Option<(SnapshotFile, Vec<Entry>)>,
    /// The segments behind it, in order.
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) until: Until,
}

impl PastState {
    /// Where the log behind the snapshot begins.
    pub(crate) fn begin(&self) -> ReadTo {
        let (last, seal_crc) =
            self.snapshot.as_ref().map_or((Lsn(0), 0), |(file, _)| (file.lsn, file.seal_crc));
        ReadTo { last, time: None, seal_crc }
    }

    /// Passes the snapshot to a loader.
    pub(crate) fn load_snapshot(&self, loader: &mut dyn Loader) -> Result<()> {
        let log: u64 = self.segments.iter().map(|segment| segment.used()).sum();
        loader.expect(log + self.snapshot.as_ref().map_or(0, |(file, _)| file.len));
        self.snapshot.as_ref().map_or(Ok(()), |(file, entries)| file.load(entries, loader))
    }
}

impl PastFiles for PastState {
    fn load(&self, loader: &mut dyn Loader) -> Result<()> {
        self.load_snapshot(loader)?;
        let mut to = self.begin();
        for segment in &self.segments {
            match read_segment(segment, &mut to, &self.until, loader)? {
                Stop::Reached => return Ok(()),
                Stop::Sealed => {}
                Stop::Ended(at) => {
                    let what = "the frame's checksum does not match, or the file ends inside it";
                    return Err(Error::corrupt(&segment.path, at, what));
                }
            }
        }
        if to.last >= self.until.lsn {
            return Ok(());
        }
        let (last, wanted) = (to.last.0, self.until.lsn.0);
        let message = format!("the log ends with commit {last}, and commit {wanted} was published");
        Err(Error::new(Kind::Internal, message))
    }

    fn read_from(&self, place: BlockPlace, depth: Depth) -> Result<Option<Arc<Block>>> {
        let stray = || Error::new(Kind::Internal, format!("{:?} is not part of this past state", place.file));
        match place.file {
            FileId::Segment(id) => {
                let at = self.segments.binary_search_by_key(&id, |segment| segment.id);
                at.ok().and_then(|at| self.segments.get(at)).ok_or_else(stray)?.read_block(place, depth)
            }
            FileId::Snapshot(id) => {
                let file = self.snapshot.as_ref().filter(|(file, _)| file.id == id);
                file.ok_or_else(stray)?.0.read_block(place, depth)
            }
            FileId::Memory => Err(stray()),
        }
    }
}
