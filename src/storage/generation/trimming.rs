//! Keeps the history from now on, and gives back what its limits do not keep.
//!
//! The mark in MANIFEST is moved durably before files below it are removed. Either mark describes the same database, so a mark
//! that could not be moved is no reason to stop writing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::generation::Generations;
use super::retire;
use crate::error::{Error, Kind, Result};
use crate::options::ChangeHistory;
use crate::storage::contract::backend::{HistoryReach, Lsn};
use crate::storage::contract::latch::Latch;
use crate::storage::format::manifest::{self, Manifest};
use crate::storage::format::segment::segment_name;
use crate::storage::format::witnessed::Witnessed;
use crate::storage::log::allocation::Segments;
use crate::storage::log::kept::{Kept, first_time};

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
        let mut gone = self.history.kept().give_up(below);
        self.history.is_behind.store(false, Ordering::Release);
        if !self.keeps_generations() {
            // Also what is of no use any more. Files of a generation that is to be a backup may not have moved there yet.
            gone = retire::segments(&self.host, &self.dir)?;
            gone.retain(|id| *id < below && segments.get(*id).is_none());
        }
        // Those that cannot be removed go with the next opening.
        let mut result = Ok(syncs);
        for id in gone {
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
            let is_left = mark > 0 || is_behind || history.kept().first().is_some();
            return is_left.then_some((first_segment, 0));
        };
        if mark == 0 {
            return None;
        }
        // Files of a generation that is still read are not given up.
        let due = history.kept().due(&limits, now_ms, |id| segments.get(id).is_some());
        let oldest = || history.kept().first().map_or(first_segment, |segment| segment.id);
        due.or_else(|| is_behind.then(oldest)).map(|first| (first, first))
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
        HistoryReach { first: Lsn(base.0 + 1), time, bytes: self.history.bytes(), on: mark > 0 }
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

    /// Replaces MANIFEST by one with this mark, while the names are locked. After an error either of the two may be on disk.
    fn move_mark(&self, mark: u64) -> Result<u64> {
        let mut said = self.witness.replacing();
        let witnessed = said.record.map(|record| Witnessed { place: 0, ..record });
        let new = Manifest { history: mark, witnessed, ..self.manifest.lock().clone() };
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
