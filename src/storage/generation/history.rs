//! The history: segments of replaced generations that stay, so that their commits can be read again.
//!
//! MANIFEST names the first of them, the mark, and opening removes what is below it. What is above it may be missing: then the
//! history only reaches less far.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use super::kept_snapshots::{self, Found, KeptSnapshot};
use super::retire;
use super::snapshot_file::SnapshotFile;
use crate::error::Error;
use crate::options::{ChangeHistory, History as HistoryOptions, PastHistory};
use crate::storage::contract::backend::Lsn;
use crate::storage::format::manifest::Manifest;
use crate::storage::format::segment::Segment;
use crate::storage::host::system::Host;
use crate::storage::log::kept::{Backup, Kept, KeptSegment, find, first_time};

/// What is kept, and what the options say about it.
pub(crate) struct History {
    pub(super) option: ChangeHistory,
    pub(super) past: PastHistory,
    kept: Arc<Kept>,
    /// Snapshots, the oldest first.
    snapshots: RwLock<Vec<KeptSnapshot>>,
    /// Why one of them cannot be read, and its states are lost.
    damage: Option<Error>,
    /// Whether the mark in MANIFEST may not be durable.
    pub(super) is_unsure: AtomicBool,
    /// Whether the mark is below segments that were given up with a backup, so that what is below them is of no use.
    pub(super) is_behind: AtomicBool,
}

impl History {
    /// The history of a database that is being opened, after the segments of older generations have their places.
    pub(crate) fn load(
        host: &Host,
        dir: &Path,
        options: HistoryOptions,
        manifest: &Manifest,
        (segments, snapshot): (&[Arc<Segment>], Option<&SnapshotFile>),
    ) -> History {
        let (mut found, mut damage) = (Vec::new(), None);
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
                // Not the one that was kept, or none: the history begins after it. What is below stays until the limits give it up: a
                // state may still be made of it, with `recoverTo`.
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "the history begins after this segment, which cannot be read");
                    damage = Some(error);
                    break;
                }
            }
        }
        let behind = |lsn| found.iter().filter(|one| one.base == lsn).map(|one| one.id).collect();
        let Found { snapshots, damage: lost } = kept_snapshots::load(host, dir, manifest, &folders, behind);
        if let Some(error) = &lost {
            tracing::warn!(%error, "the states behind a snapshot that cannot be read are lost");
        }
        History {
            option: options.changes,
            past: options.past,
            kept: Arc::new(Kept::new(found, damage)),
            snapshots: RwLock::new(snapshots),
            damage: lost,
            is_unsure: AtomicBool::new(false),
            is_behind: AtomicBool::default(),
        }
    }

    /// The error of a state that nothing leads to: that of what is damaged, or that it is no longer kept.
    pub(super) fn lost(&self, lsn: Lsn) -> Error {
        self.damage.clone().unwrap_or_else(|| self.kept.lost(lsn))
    }

    /// The snapshots that have the log behind them, the oldest first.
    pub(super) fn snapshots(&self) -> Vec<KeptSnapshot> {
        let Some(oldest) = self.kept.first() else { return Vec::new() };
        self.snapshots.read().iter().filter(|kept| kept.first >= oldest.id).cloned().collect()
    }

    /// No longer keeps the snapshots before this one.
    pub(super) fn give_up_snapshots(&self, before: u64) {
        self.snapshots.write().retain(|kept| kept.named.id >= before);
    }

    /// The segments.
    pub(crate) fn kept(&self) -> &Arc<Kept> {
        &self.kept
    }

    /// The bytes of all that is kept.
    pub(super) fn bytes(&self) -> u64 {
        self.kept.bytes() + self.snapshot_bytes()
    }

    /// The bytes of the snapshots.
    pub(super) fn snapshot_bytes(&self) -> u64 {
        self.snapshots.read().iter().map(KeptSnapshot::bytes).sum()
    }

    /// Keeps the segments of a generation that was replaced at this time, before which `next` begins, and its snapshot, if its manifest
    /// says so. `moved` says where a backup will have them.
    pub(super) fn retire(
        &self,
        (manifest, snapshot): (&Manifest, Option<&SnapshotFile>),
        segments: &[Arc<Segment>],
        next: Option<&Segment>,
        moved: Option<Backup>,
        now_ms: i64,
    ) {
        if let (Some(named), Some(file), 1..) = (manifest.snapshot, snapshot, manifest.past) {
            let kept = KeptSnapshot::of(named, file, manifest.first_segment, moved.clone());
            self.snapshots.write().push(kept);
        }
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
        self.give_up_snapshots(u64::MAX);
        if self.kept.first().is_some() {
            self.kept.give_up(u64::MAX);
            self.is_behind.store(true, Ordering::Release);
        }
    }

    /// The backups of generations before this one were removed.
    pub(super) fn pruned(&self, oldest: u64) {
        self.snapshots.write().retain(|kept| kept.moved.as_ref().is_none_or(|(id, _)| *id >= oldest));
        if self.kept.give_up_generations(oldest) {
            self.is_behind.store(true, Ordering::Release);
        }
    }
}

fn kept(segment: &Segment, until: Option<i64>, moved: Option<Backup>) -> KeptSegment {
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
pub(crate) fn backups(host: &Host, dir: &Path) -> Vec<Backup> {
    let generations = retire::generations(host, dir).unwrap_or_default();
    generations.into_iter().rev().map(|id| (id, retire::folder(dir, id))).collect()
}
