//! Reads published commits again while the database is open: first from segments that are kept, then from those of the
//! generation, to the one that is being written.
//!
//! The bytes of a published commit are written, so a reader needs no lock against the writer; it never looks at frames behind
//! the commit that it is asked for. Between two reads it holds no file, so a compaction gives back what it removes.

use std::sync::Arc;

use super::allocation::Segments;
use super::frames::Frames;
use super::kept::Kept;
use super::window::WINDOW;
use crate::error::{Error, Kind, Result};
use crate::storage::contract::backend::{LogReader, Lsn, Replayed};
use crate::storage::format::segment::{SEGMENT_HEADER_LEN, Segment};

/// What a commit counts for besides its bytes.
const COMMIT_BYTES: usize = 64;
/// The least that is read from a file at once.
const LEAST_AHEAD: u64 = 16 << 10;

/// A reader of the log of an open database.
pub(crate) struct SegmentReader {
    segments: Arc<Segments>,
    kept: Arc<Kept>,
    at: Option<At>,
}

/// Where a reader is.
#[derive(Clone, Copy)]
struct At {
    /// The last commit before.
    last: Lsn,
    segment: u64,
    offset: u64,
}

impl SegmentReader {
    /// A reader of the segments that are open, and of those that are kept below them.
    pub(crate) fn new(segments: Arc<Segments>, kept: Arc<Kept>) -> SegmentReader {
        SegmentReader { segments, kept, at: None }
    }

    /// A place at or before this commit, in its segment.
    fn seek(&self, lsn: Lsn) -> Result<At> {
        let (segment, base, places) = match self.segments.with(lsn) {
            Some(segment) => (segment.id, segment.base, segment.places.clone()),
            None => {
                let segment = self.kept.with(lsn).ok_or_else(|| self.kept.lost(lsn))?;
                (segment.id, segment.base, segment.places)
            }
        };
        let (last, offset) = places.before(lsn).unwrap_or((base, SEGMENT_HEADER_LEN));
        Ok(At { last, segment, offset })
    }

    fn open(&self, at: At) -> Result<Arc<Segment>> {
        let lost = || self.kept.lost(Lsn(at.last.0 + 1));
        // In this order: a segment is kept before it is no longer open.
        if let Some(segment) = self.segments.get(at.segment) {
            return Ok(segment);
        }
        let kept = self.kept.get(at.segment).ok_or_else(lost)?;
        let segment = kept.open(self.segments.host(), self.segments.dir())?;
        Ok(Arc::new(segment.ok_or_else(lost)?))
    }

    /// Reads on in one segment.
    fn read_segment(&self, at: &mut At, wanted: &mut Wanted) -> Result<Read> {
        let segment = self.open(*at)?;
        if at.offset == SEGMENT_HEADER_LEN && segment.base != at.last {
            let what = format!(
                "it continues after lsn {}, the segment before ends with {}",
                segment.base.0, at.last.0
            );
            return Err(Error::corrupt(&segment.path, 24, what));
        }
        let len = segment.written().map_err(|error| segment.io("measure", error))?;
        let ahead = (wanted.most as u64).clamp(LEAST_AHEAD, WINDOW);
        let mut frames = Frames::from(&segment, len, (at.last, at.offset), ahead);
        while !wanted.is_done(frames.last) {
            let next = frames.next();
            (at.last, at.offset) = (frames.last, frames.end);
            match next {
                Some(Ok(commit)) => wanted.take(commit),
                // The writer has sealed it meanwhile, which cuts off the space behind its frames.
                Some(Err(_)) if segment.file.len().is_ok_and(|now| now < len) => return Ok(Read::Part),
                Some(Err(error)) => return Err(error),
                None if frames.seal.is_some() => return Ok(Read::Whole),
                None => {
                    let what = "the frame's checksum does not match, or the file ends inside it";
                    return Err(Error::corrupt(&segment.path, frames.end, what));
                }
            }
        }
        Ok(Read::Done)
    }
}

/// How a segment was read.
enum Read {
    /// As far as wanted.
    Done,
    /// To its end.
    Whole,
    /// To be read on.
    Part,
}

/// What is read, and what was read of it.
struct Wanted {
    from: Lsn,
    to: Lsn,
    most: usize,
    bytes: usize,
    commits: Vec<Replayed>,
}

impl Wanted {
    fn is_done(&self, last: Lsn) -> bool {
        last >= self.to || !self.commits.is_empty() && self.bytes >= self.most
    }

    fn take(&mut self, commit: Replayed) {
        if commit.lsn >= self.from {
            self.bytes += COMMIT_BYTES + commit.blocks.iter().map(|block| block.bytes.len()).sum::<usize>();
            self.commits.push(commit);
        }
    }
}

impl LogReader for SegmentReader {
    fn read(&mut self, from: Lsn, to: Lsn, most: usize) -> Result<Vec<Replayed>> {
        let mut wanted = Wanted { from, to, most, bytes: 0, commits: Vec::new() };
        if from > to {
            return Ok(wanted.commits);
        }
        let here = self.at.take().filter(|at| at.last.0 + 1 == from.0);
        let mut at = here.map_or_else(|| self.seek(from), Ok)?;
        loop {
            match self.read_segment(&mut at, &mut wanted) {
                Ok(Read::Whole) => at = At { segment: at.segment + 1, offset: SEGMENT_HEADER_LEN, ..at },
                Ok(Read::Part) => {}
                Ok(Read::Done) => break,
                // What was read before is good; the next read meets the error.
                Err(_) if !wanted.commits.is_empty() => break,
                // The segment that was read last is gone, and the commit is in a later one.
                Err(error) if error.kind() == Kind::HistoryLost => {
                    let there = self.seek(from)?;
                    if there.segment <= at.segment {
                        return Err(error);
                    }
                    at = there;
                }
                Err(error) => return Err(error),
            }
        }
        self.at = Some(at);
        Ok(wanted.commits)
    }
}
