//! Keeps the history from now on, and gives back what its limits do not keep.
//!
//! The mark in MANIFEST is moved durably before files below it are removed. Either mark describes the same database, so a mark
//! that could not be moved is no reason to stop writing.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::generation::Generations;
use super::kept_snapshots::KeptSnapshot;
use super::retire;
use crate::error::{Error, Kind, Result};
use crate::options::{ChangeHistory, HistoryLimits, PastHistory};
use crate::storage::contract::backend::{HistoryReach, Lsn};
use crate::storage::contract::latch::Latch;
use crate::storage::format::manifest::{self, Manifest};
use crate::storage::format::segment::segment_name;
use crate::storage::format::snapshot::snapshot_name;
use crate::storage::format::witnessed::Witnessed;
use crate::storage::log::allocation::Segments;
use crate::storage::log::kept::{Kept, first_time};

/// More snapshots are not kept, however small they are.
const MOST_SNAPSHOTS: usize = 256;

/// What is kept from now on.
struct Marks {
    /// The first segment that stays.
    below: u64,
    /// The same, as MANIFEST says it; 0: none is kept.
    mark: u64,
    /// The first snapshot that stays; 0: none is kept.
    past: u64,
}

/// The current snapshot, or the one that the next compaction replaces.
fn first_snapshot(manifest: &Manifest) -> u64 {
    manifest.snapshot.map_or(manifest.generation, |named| named.id)
}

impl Generations {
    /// The segments of the history.
    pub(crate) fn kept(&self) -> &Arc<Kept> {
        self.history.kept()
    }

    /// The bytes of all that is kept of replaced generations.
    pub(crate) fn kept_bytes(&self) -> u64 {
        self.history.bytes()
    }

    /// Does what the options say, when the database is opened.
    pub(crate) fn settle_history(&self, segments: &Segments, latch: &Latch) -> Result<()> {
        if matches!(self.history.option, ChangeHistory::Keep(_)) || self.wants_past() {
            self.keep_history(latch)?;
        }
        self.trim_history(self.now(), segments, latch);
        Ok(())
    }

    fn wants_past(&self) -> bool {
        matches!(self.history.past, PastHistory::Keep(_))
    }

    /// Keeps the segments of this generation and of the next ones, from now on, and the snapshots if the options say so.
    pub(crate) fn keep_history(&self, latch: &Latch) -> Result<u64> {
        let is_off = self.history.option == ChangeHistory::Off && !self.wants_past();
        let is_on = || {
            let manifest = self.manifest.lock();
            let is_said = manifest.history > 0 && (manifest.past > 0 || !self.wants_past());
            is_said && !self.history.is_unsure.load(Ordering::Acquire)
        };
        if is_off || is_on() {
            return Ok(0);
        }
        let _names = self.names()?;
        latch.check()?;
        if is_on() {
            return Ok(0);
        }
        let (mark, past) = {
            let manifest = self.manifest.lock();
            let first = if self.wants_past() { first_snapshot(&manifest) } else { 0 };
            (manifest.oldest_segment(), if manifest.past > 0 { manifest.past } else { first })
        };
        self.move_marks(mark, past)
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
        if self.new_marks(now_ms, segments).is_none() {
            return Ok(0);
        }
        let _names = self.names()?;
        latch.check()?;
        let Some(Marks { below, mark, past }) = self.new_marks(now_ms, segments) else { return Ok(0) };
        let syncs = self.move_marks(mark, past)?;
        let before = if past == 0 { u64::MAX } else { past };
        self.history.give_up_snapshots(before);
        let mut gone = self.history.kept().give_up(below);
        self.history.is_behind.store(false, Ordering::Release);
        let mut snapshots = Vec::new();
        if !self.keeps_generations() {
            // Also what is of no use any more. Files of a generation that is to be a backup may not have moved there yet.
            gone = retire::segments(&self.host, &self.dir)?;
            gone.retain(|id| *id < below && segments.get(*id).is_none());
            snapshots = retire::snapshots(&self.host, &self.dir)?;
            let current = first_snapshot(&self.manifest.lock());
            snapshots.retain(|id| *id < before.min(current) && self.snapshot(*id).is_none());
        }
        // Those that cannot be removed go with the next opening.
        let mut result = Ok(syncs);
        for name in gone.into_iter().map(segment_name).chain(snapshots.into_iter().map(snapshot_name)) {
            let gone = self.home.check();
            let gone = gone.and_then(|()| retire::remove(&self.host, &self.dir.join(name)));
            result = gone.and(result);
        }
        result
    }

    /// What is kept from now on; `None` where nothing is given up.
    fn new_marks(&self, now_ms: i64, segments: &Segments) -> Option<Marks> {
        let history = &self.history;
        let manifest = self.manifest.lock().clone();
        let is_behind = history.is_behind.load(Ordering::Acquire);
        let (past, floor) = self.new_past(&manifest, now_ms, segments);
        let limits = match (history.option.limits(), past) {
            (Some(limits), _) => limits,
            // As much as the states need.
            (None, 1..) => HistoryLimits { max_age: Duration::ZERO, max_bytes: 0 },
            (None, 0) => {
                // Also where the mark was moved, and it is not known whether durably.
                let is_left = manifest.history > 0 || is_behind || history.kept().first().is_some();
                return is_left.then_some(Marks { below: manifest.first_segment, mark: 0, past: 0 });
            }
        };
        if manifest.history == 0 {
            return None;
        }
        // Files of a generation that is still read are not given up, nor is what is behind a state.
        let in_use = |id| floor.is_some_and(|floor| id >= floor) || segments.get(id).is_some();
        let due = history.kept().due(&limits, now_ms, in_use);
        let oldest = || history.kept().first().map_or(manifest.first_segment, |segment| segment.id);
        let is_moved = is_behind || past != manifest.past;
        let first = due.or_else(|| is_moved.then(oldest))?;
        Some(Marks { below: first, mark: first, past })
    }

    /// The first snapshot that is kept from now on, 0 for none, and the first segment that the oldest state before the current snapshot
    /// needs.
    fn new_past(&self, manifest: &Manifest, now_ms: i64, segments: &Segments) -> (u64, Option<u64>) {
        let Some(limits) = self.history.past.limits().filter(|_| manifest.past > 0) else { return (0, None) };
        let most = limits.bytes(manifest.snapshot.map_or(0, |named| named.len));
        // An age that is no number of milliseconds is no limit.
        let age = i64::try_from(limits.max_age.as_millis()).ok();
        let oldest = age.map(|age| now_ms.saturating_sub(age));
        let mut bases = self.bases(manifest);
        bases.reverse();
        let mut bytes: u64 = bases.iter().filter_map(|base| base.0.as_ref()).map(KeptSnapshot::bytes).sum();
        bytes -= bases.last().and_then(|base| base.0.as_ref()).map_or(0, KeptSnapshot::bytes);
        let mut left = &bases[..];
        while let [base, next, ..] = left {
            // States up to the next snapshot need this one.
            let is_old = next.time().zip(oldest).is_some_and(|(until, oldest)| until < oldest);
            let log = self.history.kept().bytes_from(base.first());
            let is_over = bytes + log > most || left.len() > MOST_SNAPSHOTS;
            let id = base.0.as_ref().map_or(0, |kept| kept.named.id);
            let is_read = self.snapshot(id).is_some() || segments.get(base.first()).is_some();
            if !(is_old || is_over) || is_read {
                break;
            }
            bytes -= base.0.as_ref().map_or(0, KeptSnapshot::bytes);
            left = &left[1..];
        }
        let first = left.iter().find_map(|base| base.0.as_ref()).map(|kept| kept.named.id);
        // Snapshots whose log is damaged are no bases; they go with those that the limits give up.
        let past = match left.len() == bases.len() {
            true => manifest.past,
            false => first.unwrap_or_else(|| first_snapshot(manifest)),
        };
        let floor = (left.len() > 1).then(|| left[0].first());
        (past, floor)
    }

    /// Whether compactions keep the log for readers.
    pub(crate) fn keeps_history(&self) -> bool {
        self.manifest.lock().history > 0
    }

    /// How far back the log can be read; `last` is the newest commit.
    pub(crate) fn reach(&self, segments: &Segments, last: Lsn) -> HistoryReach {
        let (first_segment, mark) = {
            let manifest = self.manifest.lock();
            (manifest.first_segment, manifest.history)
        };
        let (base, time) = match self.history.kept().first() {
            Some(kept) => (kept.base, kept.since),
            None => match segments.range(first_segment..).first() {
                Some(segment) => (segment.base, first_time(segment)),
                None => (last, None),
            },
        };
        HistoryReach { first: Lsn(base.0 + 1), time, bytes: self.history.kept().bytes(), on: mark > 0 }
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        i64::try_from(self.host.clock.now_millis()).unwrap_or(i64::MAX)
    }

    /// Writes the next manifest beside the one that holds. After an error nothing is left of it.
    pub(super) fn write_aside(&self, next: &Manifest) -> Result<()> {
        self.home.check()?;
        next.write_aside(&self.host, &self.dir).inspect_err(|_| {
            if self.home.check().is_ok() {
                let _ = self.host.vfs.remove(&self.dir.join(manifest::TMP_NAME));
            }
        })?;
        self.home.check()
    }

    /// Replaces MANIFEST by one with these marks, while the names are locked. After an error either of the two may be on disk.
    fn move_marks(&self, mark: u64, past: u64) -> Result<u64> {
        let mut said = self.witness.replacing();
        let witnessed = said.record.map(|record| Witnessed { place: 0, ..record });
        let new = Manifest { history: mark, past, witnessed, ..self.manifest.lock().clone() };
        self.write_aside(&new)?;
        Manifest::rename_into_place(&self.host, &self.dir)?;
        said.record = witnessed;
        *self.manifest.lock() = new;
        self.history.is_unsure.store(true, Ordering::Release);
        self.host.vfs.sync_dir(&self.dir).map_err(|error| Error::io("fsync", &self.dir, error))?;
        self.history.is_unsure.store(false, Ordering::Release);
        Ok(2)
    }
}
