//! The history: segments of replaced generations that stay, so that their commits can be read again.
//!
//! MANIFEST names the first of them, the mark. It is moved durably before files below it are removed, and opening removes what
//! is below it. What is above it may be missing: then the history only reaches less far. Either mark describes the same
//! database, so a mark that could not be moved is no reason to stop writing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::generation::Generations;
use super::retire;
use super::snapshot_file::SnapshotFile;
use crate::error::{Error, Kind, Result};
use crate::options::ChangeHistory;
use crate::storage::contract::backend::{HistoryReach, Lsn};
use crate::storage::contract::latch::Latch;
use crate::storage::format::manifest::{self, Manifest};
use crate::storage::format::segment::{Segment, segment_name};
use crate::storage::format::witnessed::Witnessed;
use crate::storage::host::system::Host;
use crate::storage::log::allocation::Segments;
use crate::storage::log::kept::{Kept, KeptSegment, first_time, open_segment};

/// What is kept, and what the options say about it.
pub(crate) struct History {
    option: ChangeHistory,
    kept: Arc<Kept>,
    /// Whether the mark in MANIFEST may not be durable.
    is_unsure: AtomicBool,
    /// Whether the mark is below segments that are missing, so that what is below them is of no use.
    is_behind: AtomicBool,
}

impl History {
    /// The history of a database that is being opened, after the segments of older generations have their places.
    pub(crate) fn load(
        host: &Host,
        dir: &Path,
        option: ChangeHistory,
        manifest: &Manifest,
        (segments, snapshot): (&[Arc<Segment>], Option<&SnapshotFile>),
    ) -> History {
        let (mut found, mut damage, mut is_behind) = (Vec::new(), None, false);
        let mut ids = (manifest.oldest_segment()..manifest.first_segment).rev().peekable();
        let (mut folders, mut until, mut base) = (Vec::new(), None, None);
        if ids.peek().is_some() {
            folders = backups(host, dir);
            let first = segments.first();
            until = first
                .and_then(|segment| first_time(segment))
                .or_else(|| snapshot.and_then(SnapshotFile::time));
            base = first.map(|segment| segment.base).or(snapshot.map(|snapshot| snapshot.lsn));
        }
        for id in ids {
            match find(host, dir, id, &folders) {
                Ok(Some((segment, moved))) if base.is_none_or(|next| segment.base <= next) => {
                    found.push(kept(&segment, until, moved));
                    until = first_time(&segment).or(until);
                    base = Some(segment.base);
                }
                // Not the one that was kept, or none: the history begins after it.
                Ok(_) => {
                    is_behind = true;
                    break;
                }
                Err(error) => {
                    tracing::warn!(%error, "the history begins after this segment, which cannot be read");
                    damage = Some(error);
                    break;
                }
            }
        }
        let kept = Arc::new(Kept::new(found, damage));
        History { option, kept, is_unsure: AtomicBool::new(false), is_behind: AtomicBool::new(is_behind) }
    }

    /// The segments.
    pub(crate) fn kept(&self) -> &Arc<Kept> {
        &self.kept
    }

    /// Their bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.kept.bytes()
    }

    /// Keeps the segments of a generation that was replaced at this time, before which `next` begins. `moved` says where a
    /// backup will have them.
    pub(super) fn retire(
        &self,
        segments: &[Arc<Segment>],
        next: Option<&Segment>,
        moved: Option<(u64, PathBuf)>,
        now_ms: i64,
    ) {
        let mut until = next.and_then(first_time).or(Some(now_ms));
        let mut retired = Vec::new();
        for segment in segments.iter().rev() {
            retired.push(kept(segment, until, moved.clone()));
            until = first_time(segment).or(until);
        }
        self.kept.add(retired, until);
    }

    /// A generation is replaced whose segments are not kept, so that nothing before it is of any use.
    pub(super) fn leave(&self) {
        if self.kept.first().is_some() {
            self.kept.give_up(u64::MAX);
            self.is_behind.store(true, Ordering::Release);
        }
    }

    /// The backups of generations before this one were removed.
    pub(super) fn pruned(&self, oldest: u64) {
        if self.kept.give_up_generations(oldest) {
            self.is_behind.store(true, Ordering::Release);
        }
    }
}

impl Generations {
    /// The segments of the history.
    pub(crate) fn kept(&self) -> &Arc<Kept> {
        self.history.kept()
    }

    /// Does what the options say, when the database is opened.
    pub(crate) fn settle_history(&self, segments: &Segments, latch: &Latch) -> Result<()> {
        if matches!(self.history.option, ChangeHistory::Keep(_)) {
            self.keep_history(latch)?;
        }
        self.trim_history(self.now(), segments, latch);
        Ok(())
    }

    /// Keeps the segments of this generation and of the next ones, from now on.
    pub(crate) fn keep_history(&self, latch: &Latch) -> Result<u64> {
        let is_on = || self.manifest.lock().history > 0 && !self.history.is_unsure.load(Ordering::Acquire);
        if self.history.option == ChangeHistory::Off || is_on() {
            return Ok(0);
        }
        let _names = self.names()?;
        latch.check()?;
        if is_on() {
            return Ok(0);
        }
        let mark = self.manifest.lock().oldest_segment();
        self.move_mark(mark)
    }

    /// Removes what the limits do not keep. Returns the number of fsyncs.
    pub(crate) fn trim_history(&self, now_ms: i64, segments: &Segments, latch: &Latch) -> u64 {
        let result = self.trim(now_ms, segments, latch);
        result.unwrap_or_else(|error| {
            if error.kind() != Kind::Closed {
                tracing::warn!(%error, "segments of the history stay that are no longer kept");
            }
            0
        })
    }

    fn trim(&self, now_ms: i64, segments: &Segments, latch: &Latch) -> Result<u64> {
        if self.new_mark(now_ms, segments).is_none() {
            return Ok(0);
        }
        let _names = self.names()?;
        latch.check()?;
        let Some((below, mark)) = self.new_mark(now_ms, segments) else { return Ok(0) };
        let syncs = self.move_mark(mark)?;
        self.history.kept.give_up(below);
        self.history.is_behind.store(false, Ordering::Release);
        // Those that cannot be removed go with the next opening.
        let mut result = Ok(syncs);
        for id in retire::segments(&self.host, &self.dir)? {
            if id >= below || segments.get(id).is_some() {
                continue;
            }
            let gone = self.home.check();
            let gone = gone.and_then(|()| retire::remove(&self.host, &self.dir.join(segment_name(id))));
            result = gone.and(result);
        }
        result
    }

    /// The first segment that is kept from now on, and the mark that says so; `None` where nothing is given up.
    fn new_mark(&self, now_ms: i64, segments: &Segments) -> Option<(u64, u64)> {
        let history = &self.history;
        let (first_segment, mark) = {
            let manifest = self.manifest.lock();
            (manifest.first_segment, manifest.history)
        };
        let is_behind = history.is_behind.load(Ordering::Acquire);
        let Some(limits) = history.option.limits() else {
            // Also where the mark was moved, and it is not known whether durably.
            let is_left = mark > 0 || is_behind || history.kept.first().is_some();
            return is_left.then_some((first_segment, 0));
        };
        if mark == 0 {
            return None;
        }
        // Files of a generation that is still read are not given up.
        let due = history.kept.due(&limits, now_ms, |id| segments.get(id).is_some());
        let oldest = || history.kept.first().map_or(first_segment, |segment| segment.id);
        due.or_else(|| is_behind.then(oldest)).map(|first| (first, first))
    }

    /// How far back the log can be read; `last` is the newest commit.
    pub(crate) fn reach(&self, segments: &Segments, last: Lsn) -> HistoryReach {
        let (first_segment, mark) = {
            let manifest = self.manifest.lock();
            (manifest.first_segment, manifest.history)
        };
        let (base, time) = match self.history.kept.first() {
            Some(kept) => (kept.base, kept.since),
            None => match segments.range(first_segment..).first() {
                Some(segment) => (segment.base, first_time(segment)),
                None => (last, None),
            },
        };
        HistoryReach { first: Lsn(base.0 + 1), time, bytes: self.history.bytes(), on: mark > 0 }
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        i64::try_from(self.host.clock.now_millis()).unwrap_or(i64::MAX)
    }

    /// Replaces MANIFEST by one with this mark, while the names are locked. After an error either of the two may be on disk.
    fn move_mark(&self, mark: u64) -> Result<u64> {
        let mut said = self.witness.replacing();
        let witnessed = said.record.map(|record| Witnessed { place: 0, ..record });
        let new = Manifest { history: mark, witnessed, ..self.manifest.lock().clone() };
        self.home.check()?;
        new.write_aside(&self.host, &self.dir).inspect_err(|_| {
            if self.home.check().is_ok() {
                let _ = self.host.vfs.remove(&self.dir.join(manifest::TMP_NAME));
            }
        })?;
        self.home.check()?;
        Manifest::rename_into_place(&self.host, &self.dir)?;
        said.record = witnessed;
        *self.manifest.lock() = new;
        self.history.is_unsure.store(true, Ordering::Release);
        self.host.vfs.sync_dir(&self.dir).map_err(|error| Error::io("fsync", &self.dir, error))?;
        self.history.is_unsure.store(false, Ordering::Release);
        Ok(2)
    }
}

fn kept(segment: &Segment, until: Option<i64>, moved: Option<(u64, PathBuf)>) -> KeptSegment {
    KeptSegment {
        id: segment.id,
        base: segment.base,
        salt: segment.salt,
        bytes: if moved.is_some() { 0 } else { segment.used() },
        since: first_time(segment),
        until,
        moved,
        places: segment.places.clone(),
    }
}

/// The generations in `backup/`, the newest first, and their folders.
fn backups(host: &Host, dir: &Path) -> Vec<(u64, PathBuf)> {
    let generations = retire::generations(host, dir).unwrap_or_default();
    generations.into_iter().rev().map(|id| (id, retire::folder(dir, id))).collect()
}

/// A segment that is kept, in the directory or in a backup.
fn find(
    host: &Host,
    dir: &Path,
    id: u64,
    folders: &[(u64, PathBuf)],
) -> Result<Option<(Segment, Option<(u64, PathBuf)>)>> {
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
