//! Which earlier states an open database has: each begins with a snapshot that is kept, or with the empty database, and goes on
//! with the log behind it.

use std::sync::Arc;

use super::generation::Generations;
use super::past_state::{PastState, Until};
use super::snapshot_file::SnapshotFile;
use crate::error::{Error, Kind, Result};
use crate::options::Access;
use crate::storage::contract::backend::{Lsn, Moment, PastReach};
use crate::storage::format::manifest::{Manifest, SnapshotRef};
use crate::storage::format::segment::Segment;
use crate::storage::log::allocation::Segments;

/// What a state begins with.
#[derive(Clone, Copy, Debug)]
struct Base {
    lsn: Lsn,
    /// No commit in it is later; `None`: there is none in it, or that is not known.
    time: Option<i64>,
    /// `None`: nothing, before the first commit of all.
    snapshot: Option<SnapshotRef>,
    /// The first segment behind it. Others may begin after the same commit, without one of their own.
    first: u64,
}

impl Base {
    fn reaches(&self, moment: Moment) -> bool {
        match moment {
            Moment::Lsn(lsn) => self.lsn <= lsn,
            Moment::Time(time) => match self.snapshot {
                Some(_) => self.time.is_some_and(|own| own <= time),
                None => true,
            },
        }
    }
}

impl Generations {
    /// The files of a state; `newest` is the newest published commit. They are opened while no file can be removed.
    pub(crate) fn past(&self, moment: Moment, newest: Lsn, segments: &Segments) -> Result<PastState> {
        let _names = self.names()?;
        let manifest = self.manifest.lock().clone();
        let base = self.bases(&manifest).into_iter().find(|base| base.reaches(moment));
        let Some(base) = base else {
            let message = "the state is no longer kept: it is before the oldest snapshot";
            return Err(Error::new(Kind::HistoryLost, message));
        };
        let until = match moment {
            Moment::Lsn(lsn) => Until { lsn: lsn.min(newest), time: None },
            Moment::Time(time) => Until { lsn: newest, time: Some(time) },
        };
        let snapshot = match &base.snapshot {
            Some(named) => Some(SnapshotFile::open(&self.host, &self.dir, named, Access::ReadOnly)?),
            None => None,
        };
        let segments = self.segments_behind(base.first, &manifest, until.lsn, segments)?;
        Ok(PastState { snapshot, segments, until })
    }

    /// How far back states reach.
    pub(crate) fn past_reach(&self) -> PastReach {
        let manifest = self.manifest.lock().clone();
        let oldest = self.bases(&manifest).pop();
        let (from, time) = oldest.map_or((Lsn(0), None), |base| (base.lsn, base.time));
        PastReach { from, time }
    }

    /// What states can begin with, the newest first. The log behind each is there.
    fn bases(&self, manifest: &Manifest) -> Vec<Base> {
        let nothing = Base { lsn: Lsn(0), time: None, snapshot: None, first: 1 };
        let Some(named) = manifest.snapshot else { return vec![nothing] };
        let mut bases = Vec::new();
        if let Some(file) = self.snapshot(named.id) {
            let (lsn, time, first) = (file.lsn, file.time(), manifest.first_segment);
            bases.push(Base { lsn, time, snapshot: Some(named), first });
        }
        if manifest.is_from_nothing && self.kept().first().is_some_and(|segment| segment.base == Lsn(0)) {
            bases.push(nothing);
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
