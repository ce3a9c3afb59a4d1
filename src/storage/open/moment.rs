//! Earlier states of a directory that nobody has open for writing, as far as its files are whole. Nothing is changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::inspect::list;
use super::recovery::{Files, Terms, recover};
use super::unlock::unlocked;
use crate::error::{Error, Kind, Result};
use crate::options::{Access, EncryptionKey, RecoveryPolicy};
use crate::storage::contract::backend::{Discard, Loader, Lsn, Moment, PastFiles};
use crate::storage::format::manifest::Manifest;
use crate::storage::format::segment::{SEGMENT_HEADER_LEN, Segment, segment_name};
use crate::storage::format::snapshot::Entry;
use crate::storage::generation::history::backups;
use crate::storage::generation::kept_snapshots;
use crate::storage::generation::past_state::{PastState, ReadTo, Stop, Until, read_segment};
use crate::storage::generation::snapshot_file::SnapshotFile;
use crate::storage::host::home::Trust;
use crate::storage::host::lock::DirectoryLock;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::OpenMode;
use crate::storage::log::kept::find;

/// A directory under a shared lock.
pub(crate) struct Directory {
    host: Host,
    path: PathBuf,
    manifest: Manifest,
    found: Vec<u64>,
    /// The newest segment that may hold frames.
    newest: u64,
    _lock: DirectoryLock,
}

/// What a state can begin with, and the log behind it.
pub(crate) struct Way {
    state: PastState,
    /// What is wrong behind the last of its segments, if anything is.
    broken: Option<Error>,
}

/// How far a way leads.
pub(crate) struct Led {
    /// The last commit, and its time where it is not that of the snapshot.
    pub(crate) to: ReadTo,
    /// Why it does not lead on to what is wanted.
    pub(crate) damage: Option<Error>,
    /// Whether the log ended before what is wanted, without damage.
    pub(crate) is_end: bool,
}

impl Directory {
    /// Locks it. `IO` where there is no database, `LOCKED` while a process writes to it.
    pub(crate) fn open(host: &Host, path: &Path, key: Option<&EncryptionKey>) -> Result<Directory> {
        let failed = |error| Error::io("look at", path, error);
        let path = host.vfs.absolute(path).map_err(failed)?;
        list(host, &path)?;
        let host = &unlocked(host, &path, key)?;
        let path = host.vfs.real(&path).map_err(failed)?;
        let lock = DirectoryLock::acquire(host, &path, Access::ReadOnly)?;
        let found = list(host, &path)?;
        let manifest = Manifest::read(host, &path, false)?;
        let mut newest = 0;
        for id in found.iter().filter(|id| manifest.fence == 0 || **id < manifest.fence) {
            let name = path.join(segment_name(*id));
            let file =
                host.vfs.open(&name, OpenMode::Read).map_err(|error| Error::io("open", &name, error))?;
            if file.len().map_err(|error| Error::io("measure", &name, error))? > SEGMENT_HEADER_LEN {
                newest = newest.max(*id);
            }
        }
        Ok(Directory { host: host.clone(), path, manifest, found, newest, _lock: lock })
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The host, with the keys of the database.
    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// The id of the database.
    pub(crate) fn database(&self) -> [u8; 16] {
        self.manifest.database
    }

    /// The ways to a moment: the shortest first, and the error of each that cannot be gone. None: the moment is before all that is
    /// kept.
    pub(crate) fn ways(&self, moment: Moment) -> Vec<Result<Way>> {
        let until = match moment {
            Moment::Lsn(lsn) => Until { lsn, time: None },
            Moment::Time(time) => Until { lsn: Lsn::NEWEST, time: Some(time) },
        };
        let mut ways = Vec::new();
        match &self.manifest.snapshot {
            None => ways.push(Ok(self.way(None, self.manifest.first_segment, until))),
            Some(named) => {
                let file = SnapshotFile::open(&self.host, &self.path, named, Trust::ReadOnly);
                ways.extend(self.way_from_snapshot(file, self.manifest.first_segment, moment, until));
                let (kept, damage) = self.ways_from_kept(moment, until);
                ways.extend(kept);
                if self.manifest.from_nothing > 0 {
                    ways.push(Ok(self.way(None, self.manifest.from_nothing, until)));
                }
                ways.extend(damage.map(Err));
            }
        }
        ways
    }

    /// The ways from the snapshots of replaced generations, the newest first, and why one of them cannot be read.
    fn ways_from_kept(&self, moment: Moment, until: Until) -> (Vec<Result<Way>>, Option<Error>) {
        let folders = backups(&self.host, &self.path);
        // Also behind a segment that cannot be read.
        let segments = |_| (self.manifest.oldest_segment()..self.manifest.first_segment).collect();
        let found = kept_snapshots::load(&self.host, &self.path, &self.manifest, &folders, segments);
        let ways = found.snapshots.into_iter().rev().filter_map(|kept| {
            let file = kept.open(&self.host, &self.path);
            self.way_from_snapshot(file, kept.first, moment, until)
        });
        (ways.collect(), found.damage)
    }

    /// `None` where the snapshot is of a later moment.
    fn way_from_snapshot(
        &self,
        opened: Result<(SnapshotFile, Vec<Entry>)>,
        first: u64,
        moment: Moment,
        until: Until,
    ) -> Option<Result<Way>> {
        let (file, entries) = match opened {
            Ok(opened) => opened,
            Err(error) => return Some(Err(error)),
        };
        let is_later = match moment {
            Moment::Lsn(lsn) => file.lsn > lsn,
            Moment::Time(time) => file.time().is_none_or(|own| own > time),
        };
        (!is_later).then(|| Ok(self.way(Some((file, entries)), first, until)))
    }

    fn way(&self, snapshot: Option<(SnapshotFile, Vec<Entry>)>, first: u64, until: Until) -> Way {
        let folders = backups(&self.host, &self.path);
        let (mut segments, mut broken) = (Vec::<Arc<Segment>>::new(), None);
        for id in first..=self.newest {
            match find(&self.host, &self.path, id, &folders) {
                Ok(Some((segment, _))) => segments.push(Arc::new(segment)),
                Ok(None) => {
                    let path = self.path.join(segment_name(id));
                    broken = Some(Error::corrupt(&path, 0, "the segment is missing"));
                    break;
                }
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            }
        }
        Way { state: PastState { snapshot, segments, until }, broken }
    }

    /// Whether the log is as whole as an opening wants it.
    fn check_end(&self) -> Result<()> {
        let terms = Terms { access: Access::ReadOnly, policy: RecoveryPolicy::Strict };
        let (host, dir, manifest) = (&self.host, &*self.path, &self.manifest);
        let files = Files::open(host, dir, manifest, &self.found, Trust::ReadOnly)?;
        recover(host, dir, manifest, files, terms, None, (&mut Discard, None)).map(drop)
    }
}

impl Way {
    /// The same to this commit.
    pub(crate) fn up_to(self, lsn: Lsn) -> Way {
        Way { state: PastState { until: Until { lsn, time: None }, ..self.state }, broken: self.broken }
    }

    /// Passes the state to a loader, and says how far the files are whole. Where there is damage, the loader has a part of a commit,
    /// perhaps. An error is about the snapshot, or no damage.
    pub(crate) fn load(&self, directory: &Directory, loader: &mut dyn Loader) -> Result<Led> {
        self.state.load_snapshot(loader)?;
        let mut to = self.state.begin();
        let mut damage = None;
        for segment in &self.state.segments {
            let what = "the frame's checksum does not match, or the file ends inside it";
            match read_segment(segment, &mut to, &self.state.until, loader) {
                Ok(Stop::Reached) => return Ok(Led { to, damage: None, is_end: false }),
                Ok(Stop::Sealed) => {}
                Ok(Stop::Ended(_)) if segment.id == directory.newest => break,
                Ok(Stop::Ended(at)) => damage = Some(Error::corrupt(&segment.path, at, what)),
                Err(error) if error.is_damage() => damage = Some(error),
                Err(error) => return Err(error),
            }
            if damage.is_some() {
                return Ok(Led { to, damage, is_end: false });
            }
        }
        if to.last >= self.state.until.lsn {
            return Ok(Led { to, damage: None, is_end: false });
        }
        let checked = self.broken.clone().map_or_else(|| directory.check_end(), Err);
        match checked {
            Ok(()) => Ok(Led { to, damage: None, is_end: true }),
            Err(error) if error.is_damage() || error.kind() == Kind::CorruptTail => {
                Ok(Led { to, damage: Some(error), is_end: false })
            }
            Err(error) => Err(error),
        }
    }

    /// The files, to read documents that were left on disk.
    pub(crate) fn into_files(self) -> Arc<dyn PastFiles> {
        Arc::new(self.state)
    }

    /// The time of the snapshot.
    pub(crate) fn since(&self) -> Option<i64> {
        self.state.snapshot.as_ref().and_then(|(file, _)| file.time())
    }
}
