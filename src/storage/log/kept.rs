//! Segments below the first of the generation that are kept so that their commits can be read again. They are no part of the
//! database: opening does not read them, and without them it only reaches less far back.
//!
//! Their files are opened when they are read, by name. They stand in the directory, or, where `retention` keeps their
//! generation, in its backup.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;

use super::frames::Frames;
use super::window::Window;
use crate::error::{Error, Kind, Result};
use crate::options::HistoryLimits;
use crate::storage::contract::backend::Lsn;
use crate::storage::contract::latch::closed;
use crate::storage::format::segment::{Places, SEGMENT_HEADER_LEN, Segment, SegmentHeader, segment_name};
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{OpenMode, read_exact_at};

/// More segments are not kept, however small they are.
const MOST_SEGMENTS: usize = 4096;
/// A commit with a longer body is not read for its time.
const LONGEST_DATED: u32 = 1 << 20;
/// Bytes that are read for the time of a commit.
const DATED_BYTES: u64 = 4 << 10;

/// A generation that is kept in `backup/`, and its folder.
pub(crate) type Backup = (u64, PathBuf);

/// A segment that is kept.
#[derive(Clone)]
pub(crate) struct KeptSegment {
    /// The number in its name.
    pub(crate) id: u64,
    /// The last commit before it.
    pub(crate) base: Lsn,
    /// Its salt.
    pub(crate) salt: [u8; 16],
    /// Its bytes; 0 where they are kept for a backup anyway.
    pub(crate) bytes: u64,
    /// The time of its first commit.
    pub(crate) since: Option<i64>,
    /// None of its commits is later.
    pub(crate) until: Option<i64>,
    /// The generation that is kept, and the folder to which its files are moved.
    pub(crate) moved: Option<Backup>,
    /// Where some of its frames begin.
    pub(crate) places: Arc<Places>,
}

impl KeptSegment {
    /// Opens its file; `None` where it is gone.
    pub(crate) fn open(&self, host: &Host, dir: &Path) -> Result<Option<Segment>> {
        let mut found = open_segment(host, &dir.join(segment_name(self.id)), self.id)?;
        if let (None, Some((_, folder))) = (&found, &self.moved) {
            found = open_segment(host, &folder.join(segment_name(self.id)), self.id)?;
        }
        let Some(segment) = found else { return Ok(None) };
        if (segment.base, segment.salt) != (self.base, self.salt) {
            return Err(Error::corrupt(&segment.path, 16, "its header belongs to another segment"));
        }
        Ok(Some(Segment { places: self.places.clone(), ..segment }))
    }
}

/// The segments that are kept.
#[derive(Default)]
pub(crate) struct Kept {
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    segments: BTreeMap<u64, KeptSegment>,
    /// Why the segment before the oldest cannot be read, if it is there.
    damage: Option<Error>,
    closed: bool,
}

impl Kept {
    /// These segments, which follow each other, and why the one before them cannot be read.
    pub(crate) fn new(segments: Vec<KeptSegment>, damage: Option<Error>) -> Kept {
        let segments = segments.into_iter().map(|segment| (segment.id, segment)).collect();
        Kept { state: RwLock::new(State { segments, damage, closed: false }) }
    }

    /// Keeps these, too, which follow those that are kept and begin at this time.
    pub(crate) fn add(&self, segments: Vec<KeptSegment>, since: Option<i64>) {
        let mut state = self.state.write();
        if let (Some(mut last), Some(since)) = (state.segments.last_entry(), since) {
            let last = last.get_mut();
            last.until = Some(last.until.map_or(since, |until| until.min(since)));
        }
        state.segments.extend(segments.into_iter().map(|segment| (segment.id, segment)));
    }

    pub(crate) fn get(&self, id: u64) -> Option<KeptSegment> {
        self.state.read().segments.get(&id).cloned()
    }

    /// The newest after whose beginning this commit is.
    pub(crate) fn with(&self, lsn: Lsn) -> Option<KeptSegment> {
        self.state.read().segments.values().rev().find(|segment| segment.base < lsn).cloned()
    }

    /// The oldest.
    pub(crate) fn first(&self) -> Option<KeptSegment> {
        self.state.read().segments.values().next().cloned()
    }

    /// Those from this one on, in order.
    pub(crate) fn from(&self, first: u64) -> Vec<KeptSegment> {
        self.state.read().segments.range(first..).map(|(_, segment)| segment.clone()).collect()
    }

    /// Their bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.state.read().segments.values().map(|segment| segment.bytes).sum()
    }

    /// The bytes of those from this one on.
    pub(crate) fn bytes_from(&self, first: u64) -> u64 {
        self.state.read().segments.range(first..).map(|(_, segment)| segment.bytes).sum()
    }

    /// The first that the limits keep at this time, if they do not keep all. Nothing from a segment in use on is given up.
    pub(crate) fn due(
        &self,
        limits: &HistoryLimits,
        now_ms: i64,
        in_use: impl Fn(u64) -> bool,
    ) -> Option<u64> {
        let state = self.state.read();
        // An age that is no number of milliseconds is no limit.
        let age = i64::try_from(limits.max_age.as_millis()).ok();
        let oldest = age.map(|age| now_ms.saturating_sub(age));
        let mut bytes: u64 = state.segments.values().map(|segment| segment.bytes).sum();
        let mut count = state.segments.len();
        let mut due = None;
        for segment in state.segments.values() {
            let is_old = segment.until.zip(oldest).is_some_and(|(until, oldest)| until < oldest);
            let is_over = bytes > limits.max_bytes || count > MOST_SEGMENTS;
            if !(is_old || is_over) || in_use(segment.id) {
                break;
            }
            bytes -= segment.bytes;
            count -= 1;
            due = Some(segment.id + 1);
        }
        due
    }

    /// No longer keeps those below this one; returns the numbers of those that are in no backup.
    pub(crate) fn give_up(&self, below: u64) -> Vec<u64> {
        let mut state = self.state.write();
        let rest = state.segments.split_off(&below);
        let gone = std::mem::replace(&mut state.segments, rest);
        state.damage = None;
        gone.into_values().filter(|segment| segment.moved.is_none()).map(|segment| segment.id).collect()
    }

    /// No longer keeps those in backups of generations before this one, which are removed, and what is older. Returns whether
    /// there are any.
    pub(crate) fn give_up_generations(&self, before: u64) -> bool {
        let is_gone = |segment: &&KeptSegment| {
            segment.moved.as_ref().is_some_and(|(generation, _)| *generation < before)
        };
        let last = self.state.read().segments.values().rev().find(is_gone).map(|segment| segment.id);
        if let Some(last) = last {
            self.give_up(last + 1);
        }
        last.is_some()
    }

    /// Keeps nothing; readers are told that the database is closed.
    pub(crate) fn close(&self) {
        *self.state.write() = State { closed: true, ..State::default() };
    }

    /// The error of a reader that asks for this commit, which is not kept.
    pub(crate) fn lost(&self, lsn: Lsn) -> Error {
        let state = self.state.read();
        if state.closed {
            return closed();
        }
        if let Some(damage) = &state.damage {
            return damage.clone();
        }
        let message = format!(
            "commit {} is no longer kept; read the data anew and go on from there, and see the option history to keep more",
            lsn.0
        );
        Error::new(Kind::HistoryLost, message)
    }
}

/// A segment that is kept, in the directory or in a backup.
pub(crate) fn find(
    host: &Host,
    dir: &Path,
    id: u64,
    folders: &[Backup],
) -> Result<Option<(Segment, Option<Backup>)>> {
    let name = segment_name(id);
    if let Some(segment) = open_segment(host, &dir.join(&name), id)? {
        return Ok(Some((segment, None)));
    }
    for moved in folders {
        if let Some(segment) = open_segment(host, &moved.1.join(&name), id)? {
            return Ok(Some((segment, Some(moved.clone()))));
        }
    }
    Ok(None)
}

/// Opens a segment to read it; `None` where there is no file.
pub(crate) fn open_segment(host: &Host, path: &Path, id: u64) -> Result<Option<Segment>> {
    let file = match host.vfs.open(path, OpenMode::Read) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| Error::io("open", path, error))?,
    };
    let len = file.len().map_err(|error| Error::io("measure", path, error))?;
    if len <= SEGMENT_HEADER_LEN {
        return Err(Error::corrupt(path, len, "the segment ends before its first frame"));
    }
    let mut head = [0; SEGMENT_HEADER_LEN as usize];
    read_exact_at(&*file, 0, &mut head).map_err(|error| Error::io("read", path, error))?;
    let header = SegmentHeader::decode(&head, path)?;
    if header.id != id {
        return Err(Error::corrupt(path, 16, format!("its header says segment {}", header.id)));
    }
    Segment::of(&header, path.to_path_buf(), file, &host.cipher).map(Some)
}

/// The time of the first commit of a segment, with which its payload begins; `None` where it has none, or it cannot be read.
pub(crate) fn first_time(segment: &Segment) -> Option<i64> {
    if let Some(known) = segment.since.get() {
        return Some(*known);
    }
    let len = segment.file.len().ok()?;
    let mut window = Window::new(&*segment.file, len).reading(DATED_BYTES);
    let header = window.header(segment, SEGMENT_HEADER_LEN).ok().flatten()?;
    if header.body_len > LONGEST_DATED {
        return None;
    }
    let begin = (segment.base, SEGMENT_HEADER_LEN);
    let commit = Frames::from(segment, len, begin, DATED_BYTES).next()?.ok()?;
    let time = commit.blocks.first().and_then(|block| block.bytes.first_chunk::<8>())?;
    Some(*segment.since.get_or_init(|| i64::from_le_bytes(*time)))
}
