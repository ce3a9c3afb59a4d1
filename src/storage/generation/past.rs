//! Which earlier states an open database has: each begins with a snapshot that is kept, or with the empty database, and goes on
//! with the log behind it.

use std::sync::Arc;

use super::generation::Generations;
use super::kept_snapshots::KeptSnapshot;
use super::past_state::{PastState, Until};
use crate::error::Result;
use crate::storage::contract::backend::{Lsn, Moment, PastReach};
use crate::storage::format::manifest::Manifest;
use crate::storage::format::segment::Segment;
use crate::storage::log::allocation::Segments;

/// What states begin with: a snapshot, or nothing, before the first commit of all.
pub(super) struct Base(pub(super) Option<KeptSnapshot>);

impl Base {
    fn reaches(&self, moment: Moment) -> bool {
        match (moment, &self.0) {
            (_, None) => true,
            (Moment::Lsn(lsn), Some(snapshot)) => snapshot.lsn <= lsn,
            (Moment::Time(time), Some(snapshot)) => snapshot.time.is_some_and(|own| own <= time),
        }
    }

    /// The first segment behind it. Others may begin after the same commit, without a snapshot of their own.
    pub(super) fn first(&self) -> u64 {
        self.0.as_ref().map_or(1, |snapshot| snapshot.first)
    }

    /// The time of the last commit before it; `None`: there is none, or it is not known.
    pub(super) fn time(&self) -> Option<i64> {
        self.0.as_ref().and_then(|snapshot| snapshot.time)
    }
}

impl Generations {
    /// The files of a state; `newest` is the newest published commit. They are opened while no file can be removed.
    pub(crate) fn past(&self, moment: Moment, newest: Lsn, segments: &Segments) -> Result<PastState> {
        let _names = self.names()?;
        let manifest = self.manifest.lock().clone();
        let base = self.bases(&manifest).into_iter().find(|base| base.reaches(moment));
        let Some(base) = base else {
            // Of damage the error is that of the file.
            return Err(self.history.lost(if let Moment::Lsn(lsn) = moment { lsn } else { Lsn(0) }));
        };
        let until = match moment {
            Moment::Lsn(lsn) => Until { lsn: lsn.min(newest), time: None },
            Moment::Time(time) => Until { lsn: newest, time: Some(time) },
        };
        let snapshot = base.0.as_ref().map(|kept| kept.open(&self.host, &self.dir)).transpose()?;
        let segments = self.segments_behind(base.first(), &manifest, until.lsn, segments)?;
        Ok(PastState { snapshot, segments, until })
    }

    /// How far back states reach.
    pub(crate) fn past_reach(&self) -> PastReach {
        let manifest = self.manifest.lock().clone();
        let oldest = self.bases(&manifest).pop();
        let from = oldest.as_ref().and_then(|base| base.0.as_ref()).map_or(Lsn(0), |snapshot| snapshot.lsn);
        let time = oldest.and_then(|base| base.time());
        PastReach { from, time, bytes: self.history.snapshot_bytes(), on: manifest.past > 0 }
    }

    /// What states can begin with, the newest first. The log behind each is there.
    pub(super) fn bases(&self, manifest: &Manifest) -> Vec<Base> {
        let Some(named) = manifest.snapshot else { return vec![Base(None)] };
        let mut bases = Vec::new();
        if let Some(file) = self.snapshot(named.id) {
            bases.push(Base(Some(KeptSnapshot::of(named, &file, manifest.first_segment, None))));
        }
        bases.extend(self.history.snapshots().into_iter().rev().map(|kept| Base(Some(kept))));
        // A later segment may begin with the first commit as well, but the one before it is gone.
        let from = manifest.from_nothing;
        if from > 0 && self.kept().first().is_some_and(|segment| segment.id == from) {
            bases.push(Base(None));
        }
        bases
    }

    /// The segments from this one on, with commits up to another, in order.
    fn segments_behind(
        &self,
        first: u64,
        manifest: &Manifest,
        to: Lsn,
        segments: &Segments,
    ) -> Result<Vec<Arc<Segment>>> {
        let mut behind = Vec::new();
        for kept in self.kept().from(first) {
            // Nothing is removed meanwhile.
            let open = match segments.get(kept.id) {
                Some(open) => open,
                None => {
                    Arc::new(kept.open(&self.host, &self.dir)?.ok_or_else(|| self.kept().lost(kept.base))?)
                }
            };
            behind.push(open);
        }
        behind.extend(segments.range(manifest.first_segment..));
        behind.retain(|segment| segment.base < to);
        Ok(behind)
    }
}
