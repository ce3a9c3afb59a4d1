//! The step from one generation to the next: a cut fixes where the old one ends, its snapshot is written, and the manifest
//! is replaced to name it. Replacing the manifest is the only commit point. Before it the old generation is the database,
//! after it the new one, and both are complete on disk at that moment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::{Mutex, MutexGuard, RwLock};

use super::checkpoints::{Aside, Checkpoints};
use super::history::History;
use super::retire;
use super::sinks::{DiskCheckpoint, DiskSink, OnEnd, ended};
use super::snapshot_file::SnapshotFile;
use super::snapshot_writer::SnapshotWriter;
use crate::error::{Error, Kind, Result};
use crate::options::Retention;
use crate::storage::contract::backend::{
    CheckpointFile, CheckpointSink, Cut, FileId, Installed, LeaveCheckpoint, SnapshotProof, SnapshotSink,
};
use crate::storage::contract::completion::Completion;
use crate::storage::contract::latch::{Latch, closed};
use crate::storage::format::checkpoint::Bound;
use crate::storage::format::manifest;
use crate::storage::format::manifest::{Clean, Manifest, SnapshotRef};
use crate::storage::format::segment::segment_name;
use crate::storage::format::snapshot::{snapshot_name, temporary_name};
use crate::storage::format::witness::{State, Witness};
use crate::storage::format::witnessed::Witnessed;
use crate::storage::host::home::Home;
use crate::storage::host::lock::DirectoryLock;
use crate::storage::host::system::Host;
use crate::storage::log::allocation::{Segments, check_number};

/// The current generation, and the next one while it is being made.
pub(crate) struct Generations {
    pub(super) host: Host,
    pub(super) dir: PathBuf,
    pub(super) home: Arc<Home>,
    pub(super) witness: Arc<Witness>,
    retention: Retention,
    pub(super) history: History,
    pub(super) manifest: Mutex<Manifest>,
    snapshots: RwLock<BTreeMap<u64, Arc<SnapshotFile>>>,
    pending: Mutex<Option<Pending>>,
    names: Mutex<Names>,
    checkpoints: Checkpoints,
    /// The cut whose snapshot was installed last, and the state of its checkpoint.
    installed: Mutex<Option<(Cut, Bound)>>,
}

/// Held while names in the directory are changed.
pub(super) struct Names {
    lock: Option<DirectoryLock>,
    closed: bool,
}

/// A cut that no manifest names yet.
struct Pending {
    cut: Cut,
    turned: Option<Completion>,
    seal_crc: Arc<AtomicU32>,
    /// Its snapshot is being written.
    written: bool,
}

/// The cut's entry in the writer's queue.
pub(crate) struct Ordered {
    pub(crate) cut: Cut,
    /// Settles once the segment before the cut is sealed and the next one begun, both durably.
    pub(crate) turned: Completion,
    /// Then holds the head checksum of that SEAL.
    pub(crate) seal_crc: Arc<AtomicU32>,
}

impl Generations {
    pub(crate) fn new(
        segments: &Segments,
        (retention, history): (Retention, History),
        manifest: Manifest,
        snapshot: Option<Arc<SnapshotFile>>,
        lock: DirectoryLock,
        witness: Arc<Witness>,
        checkpoints: Checkpoints,
    ) -> Arc<Generations> {
        let snapshots = snapshot.into_iter().map(|snapshot| (snapshot.id, snapshot)).collect();
        Arc::new(Generations {
            host: segments.host().clone(),
            dir: segments.dir().to_path_buf(),
            home: segments.home().clone(),
            witness,
            retention,
            history,
            manifest: Mutex::new(manifest),
            snapshots: RwLock::new(snapshots),
            pending: Mutex::default(),
            names: Mutex::new(Names { lock: Some(lock), closed: false }),
            checkpoints,
            installed: Mutex::default(),
        })
    }

    /// The id of the database.
    pub(crate) fn database_id(&self) -> [u8; 16] {
        self.manifest.lock().database
    }

    /// Whether replaced generations are moved to `backup/`.
    pub(super) fn keeps_generations(&self) -> bool {
        self.retention.generations > 0
    }

    /// The first segment of the current generation.
    pub(crate) fn first_segment(&self) -> u64 {
        self.manifest.lock().first_segment
    }

    /// The length of the snapshot; 0 without one.
    pub(crate) fn snapshot_bytes(&self) -> u64 {
        self.manifest.lock().snapshot.map_or(0, |snapshot| snapshot.len)
    }

    /// The length of the newest checkpoint; 0 without one.
    pub(crate) fn checkpoint_bytes(&self) -> u64 {
        self.checkpoints.bytes()
    }

    /// A snapshot that can be read.
    pub(crate) fn snapshot(&self, id: u64) -> Option<Arc<SnapshotFile>> {
        self.snapshots.read().get(&id).cloned()
    }

    /// Registers a cut; replaces one that was dropped before its snapshot was begun.
    pub(crate) fn cut(&self, order: impl FnOnce() -> Result<Ordered>) -> Result<Cut> {
        let mut pending = self.pending.lock();
        if pending.as_ref().is_some_and(|pending| pending.written) {
            return Err(Error::new(Kind::Internal, "a snapshot is being written already"));
        }
        check_number(self.manifest.lock().generation)?;
        let Ordered { cut, turned, seal_crc } = order()?;
        *pending = Some(Pending { cut, turned: Some(turned), seal_crc, written: false });
        Ok(cut)
    }

    pub(crate) fn begin_snapshot(self: &Arc<Self>, cut: &Cut) -> Result<Box<dyn SnapshotSink>> {
        let _names = self.names()?;
        let mut pending = self.pending.lock();
        let Some(pending) = pending.as_mut().filter(|pending| pending.cut == *cut && !pending.written) else {
            return Err(Error::new(Kind::Internal, "the cut was given up before its snapshot was begun"));
        };
        let id = self.manifest.lock().generation + 1;
        let path = self.dir.join(temporary_name(id));
        self.home.check()?;
        let writer = SnapshotWriter::begin(&self.host, &path, id, cut.lsn).inspect_err(|_| {
            // Opening removes it, too.
            if self.home.check().is_ok() {
                let _ = self.host.vfs.remove(&path);
            }
        })?;
        pending.written = true;
        let generations = Arc::downgrade(self);
        let on_end: OnEnd = Box::new(move |path, kept| {
            if let Some(generations) = generations.upgrade() {
                *generations.pending.lock() = None;
                generations.ended(path, kept);
            }
        });
        Ok(Box::new(DiskSink { cut: *cut, path, writer: Some(writer), kept: false, on_end }))
    }

    /// Begins the checkpoint of a cut.
    pub(crate) fn begin_checkpoint(self: &Arc<Self>, cut: &Cut) -> Result<Box<dyn CheckpointSink>> {
        // Not held on: an error removes the file, for which the lock must be free.
        drop(self.names()?);
        self.home.check()?;
        let generations = Arc::downgrade(self);
        let on_end: OnEnd = Box::new(move |path, kept| {
            if let Some(generations) = generations.upgrade() {
                generations.ended(path, kept);
            }
        });
        let database = self.manifest.lock().database;
        Ok(Box::new(DiskCheckpoint::begin(&self.host, &self.dir, database, *cut, on_end)?))
    }

    /// Ends the checkpoint of the snapshot that was installed last, in place of all others. Returns it, and the number of fsyncs.
    pub(crate) fn end_checkpoint(
        &self,
        sink: Box<dyn CheckpointSink>,
        catalogue: &[u8],
        latch: &Latch,
    ) -> Result<(CheckpointFile, u64)> {
        let foreign = || Error::new(Kind::Internal, "the checkpoint belongs to another cut");
        let mut sink = sink.into_any().downcast::<DiskCheckpoint>().map_err(|_| foreign())?;
        let installed = *self.installed.lock();
        let bound = installed.filter(|(cut, _)| *cut == sink.cut()).ok_or_else(foreign)?.1;
        let length = sink.finish(&[&bound.encode()[..], catalogue].concat())?;
        let _names = self.names()?;
        latch.check()?;
        self.home.check()?;
        Ok((self.checkpoints.replace(&bound, Aside::new(&self.host, sink.keep(), length))?, 2))
    }

    /// Finishes a snapshot and makes it the database. `drive` makes the writer process the cut. Returns what changed and the
    /// number of fsyncs.
    pub(crate) fn install(
        &self,
        cut: Cut,
        sink: Box<dyn SnapshotSink>,
        proof: &mut dyn SnapshotProof,
        segments: &Segments,
        latch: &Latch,
        drive: &dyn Fn(),
    ) -> Result<(Installed, u64)> {
        // Declared before `names`: the lock must be free when an error drops the snapshot, which removes its file.
        let (mut sink, seal_crc) = self.end_cut(&cut, sink, drive)?;
        let (named, file) = {
            let _names = self.names()?;
            self.put_in_place(&mut sink, seal_crc)?
        };
        // Without holding `names`: a thread that deletes files meanwhile must not wait for this.
        file.prove(proof)?;
        let _names = self.names()?;
        latch.check()?;
        self.home.check()?;
        let old = self.manifest.lock().clone();
        let mut new = Manifest {
            generation: named.id,
            first_segment: cut.next_segment,
            snapshot: Some(named),
            clean: None,
            // A copy begins with a snapshot of commit 0 that holds something.
            from_nothing: match (old.history, old.from_nothing) {
                (0, _) => 0,
                (_, 0) if old.snapshot.is_none() && cut.lsn.0 > 0 => old.first_segment,
                (_, known) => known,
            },
            ..old.clone()
        };
        let keep = self.keeps_generations();
        if keep {
            let clean = Some(self.end_of(&cut, segments)?);
            let last =
                Manifest { clean, history: 0, from_nothing: 0, past: 0, witnessed: None, ..old.clone() };
            retire::announce(&self.host, &self.dir, &last)?;
        }
        self.replace_manifest(&mut new, cut.next_segment, &mut sink, latch)?;
        let size = |segments: Vec<Arc<crate::storage::format::segment::Segment>>| -> u64 {
            segments.iter().map(|segment| segment.used()).sum()
        };
        let retired = segments.range(old.first_segment..cut.next_segment);
        let log = size(segments.range(cut.next_segment..)) + manifest::LEN as u64;
        let kept = self.history.bytes();
        let before = size(retired.clone()) + log + old.snapshot.map_or(0, |snapshot| snapshot.len) + kept;
        *self.installed.lock() = Bound::of_snapshot(&new, cut.lsn.0, seal_crc).map(|bound| (cut, bound));
        let len = file.len;
        self.snapshots.write().insert(named.id, Arc::new(file));
        if new.history > 0 {
            let moved = keep.then(|| (old.generation, retire::folder(&self.dir, old.generation)));
            let snapshot = old.snapshot.as_ref().and_then(|named| self.snapshot(named.id));
            let next = segments.get(cut.next_segment);
            let old = (&old, snapshot.as_deref());
            self.history.retire(old, &retired, next.as_deref(), moved, self.now());
        } else {
            self.history.leave();
        }
        *self.manifest.lock() = new;
        let after = log + len + self.history.bytes();
        let mut syncs = 4;
        if keep {
            // The manifest is durable. Files that cannot be moved now are moved by the next opening.
            match self.keep_old(old.generation) {
                Ok(count) => syncs += count,
                Err(error) => tracing::warn!(%error, "a replaced generation could not be moved to backup/"),
            }
        }
        let retired = retired
            .iter()
            .map(|segment| FileId::Segment(segment.id))
            .chain(old.snapshot.map(|snapshot| FileId::Snapshot(snapshot.id)))
            .collect();
        Ok((Installed { retired, bytes: (before, after) }, syncs))
    }

    /// Writes the checkpoint of a cut, in place of all others. Returns it, and the number of fsyncs.
    pub(crate) fn checkpoint(
        &self,
        cut: &Cut,
        segments: &Segments,
        leave: &LeaveCheckpoint<'_>,
        latch: &Latch,
        drive: &dyn Fn(),
    ) -> Result<(Option<CheckpointFile>, u64)> {
        let taken = {
            let mut pending = self.pending.lock();
            let pending = pending.as_mut().filter(|pending| pending.cut == *cut && !pending.written);
            pending.and_then(|pending| {
                pending.written = true;
                Some((pending.turned.take()?, pending.seal_crc.clone()))
            })
        };
        let (turned, seal_crc) = taken
            .ok_or_else(|| Error::new(Kind::Internal, "the cut belongs to a snapshot, or was given up"))?;
        let _over = Over(&self.pending);
        drive();
        turned.wait()?;
        let (database, generation) = {
            let manifest = self.manifest.lock();
            (manifest.database, manifest.generation)
        };
        let seal_crc = seal_crc.load(Ordering::Acquire);
        let bound = Bound { database, generation, clean: self.end_of(cut, segments)?, seal_crc };
        self.home.check()?;
        let Some(aside) = self.checkpoints.write_aside(&bound, leave)? else { return Ok((None, 0)) };
        // The directory is given up only after this, or before.
        let _names = self.names().inspect_err(|_| aside.leave())?;
        let checked = latch.check().and_then(|()| self.home.check());
        checked.inspect_err(|_| aside.leave())?;
        Ok((Some(self.checkpoints.replace(&bound, aside)?), 2))
    }

    /// Waits until the writer has left the segments of the cut, and returns the snapshot with the checksum of their seal.
    fn end_cut(
        &self,
        cut: &Cut,
        sink: Box<dyn SnapshotSink>,
        drive: &dyn Fn(),
    ) -> Result<(Box<DiskSink>, u32)> {
        let foreign = || Error::new(Kind::Internal, "the snapshot belongs to another cut");
        let sink = sink.into_any().downcast::<DiskSink>().map_err(|_| foreign())?;
        let (turned, seal_crc) = {
            let mut pending = self.pending.lock();
            let pending = pending.as_mut().filter(|pending| pending.cut == *cut && sink.cut == *cut);
            let taken = pending.and_then(|pending| Some((pending.turned.take()?, pending.seal_crc.clone())));
            taken.ok_or_else(foreign)?
        };
        drive();
        turned.wait()?;
        Ok((sink, seal_crc.load(Ordering::Acquire)))
    }

    /// Makes this manifest the database's, whose log begins with `first_segment`. The snapshot's file is kept from then on.
    fn replace_manifest(
        &self,
        new: &mut Manifest,
        first_segment: u64,
        sink: &mut DiskSink,
        latch: &Latch,
    ) -> Result<()> {
        let mut said = self.witness.replacing();
        // The writer has reached that segment, or a later one.
        new.witnessed = Some(said.since(Witnessed::begun(first_segment)));
        self.write_aside(new)?;
        // After a failure it is unknown which manifest a power cut would leave: both generations stay, and neither is
        // written to any more.
        sink.kept = true;
        Manifest::put_in_place(&self.host, &self.dir).map_err(|error| latch.trip(&error))?;
        *said = State { record: new.witnessed, ours: true };
        Ok(())
    }

    /// Locks the names, unless the directory was given up.
    pub(super) fn names(&self) -> Result<MutexGuard<'_, Names>> {
        let names = self.names.lock();
        if names.closed { Err(closed()) } else { Ok(names) }
    }

    /// Ends the file, renames it, opens it for reading.
    fn put_in_place(&self, sink: &mut DiskSink, seal_crc: u32) -> Result<(SnapshotRef, SnapshotFile)> {
        let writer = sink.writer.take().ok_or_else(ended)?;
        let path = self.dir.join(snapshot_name(writer.id()));
        let named = writer.finish(seal_crc)?;
        self.home.check()?;
        self.host.vfs.rename(&sink.path, &path).map_err(|error| Error::io("rename", &sink.path, error))?;
        sink.path = path;
        self.host.vfs.sync_dir(&self.dir).map_err(|error| Error::io("fsync", &self.dir, error))?;
        let file = SnapshotFile::open_to_prove(&self.host, &self.dir, &named)?;
        Ok((named, file))
    }

    /// The end of the segments before a cut; the last of them is sealed by now.
    fn end_of(&self, cut: &Cut, segments: &Segments) -> Result<Clean> {
        let segment = cut.next_segment - 1;
        let len = match segments.get(segment) {
            Some(segment) => segment.file.len().map_err(|error| segment.io("measure", error))?,
            None => 0,
        };
        Ok(Clean { segment, len, lsn: cut.lsn.0 })
    }

    fn keep_old(&self, generation: u64) -> Result<u64> {
        self.home.check()?;
        retire::finish(&self.host, &self.dir, generation)?;
        let oldest = (generation + 1).saturating_sub(u64::from(self.retention.generations));
        let database = self.manifest.lock().database;
        retire::prune(&self.host, &self.dir, &database, oldest)?;
        self.history.pruned(oldest);
        // Three directories and a manifest before, the directory twice since.
        Ok(6)
    }

    /// Closes files of older generations, and removes those that are kept neither as a backup nor for the history.
    pub(crate) fn forget(&self, files: &[FileId], segments: &Segments) {
        let names = self.names.lock();
        if names.closed {
            return;
        }
        let ours = self.home.check().is_ok();
        let manifest = self.manifest.lock().clone();
        for file in files {
            let name = match *file {
                FileId::Segment(id) if id < manifest.first_segment => {
                    segments.close(id);
                    if manifest.keeps_segment(id) {
                        continue;
                    }
                    segment_name(id)
                }
                FileId::Snapshot(id) if manifest.snapshot.is_some_and(|named| id < named.id) => {
                    self.snapshots.write().remove(&id);
                    if manifest.keeps_snapshot(id) {
                        continue;
                    }
                    snapshot_name(id)
                }
                _ => continue,
            };
            if !self.keeps_generations()
                && ours
                && let Err(error) = retire::remove(&self.host, &self.dir.join(name))
            {
                tracing::warn!(%error, "a replaced file stays until the database is opened again");
            }
        }
    }

    /// Marks the database clean, if it is, writes its checkpoint, and gives the directory up.
    pub(crate) fn close(
        &self,
        clean: Result<Option<(Clean, u32)>>,
        segments: &Segments,
        leave: &LeaveCheckpoint<'_>,
    ) -> Result<u64> {
        let mut names = self.names.lock();
        let result = clean.and_then(|clean| match clean {
            Some((clean, seal_crc)) => {
                let manifest =
                    Manifest { clean: Some(clean), witnessed: None, ..self.manifest.lock().clone() };
                let _said = self.witness.replacing();
                self.home.check()?;
                manifest.write_aside(&self.host, &self.dir)?;
                self.home.check()?;
                Manifest::put_in_place(&self.host, &self.dir)?;
                let Manifest { database, generation, .. } = manifest;
                let bound = Bound { database, generation, clean, seal_crc };
                self.checkpoints.leave(&bound, segments, leave);
                Ok(2)
            }
            None => {
                self.checkpoints.remove_damaged(&self.home);
                Ok(0)
            }
        });
        self.snapshots.write().clear();
        names.closed = true;
        names.lock = None;
        result
    }

    fn ended(&self, path: &Path, kept: bool) {
        let names = self.names.lock();
        // Without the lock the directory may belong to another process; the next opening removes the leftover.
        if !kept && !names.closed && self.home.check().is_ok() {
            let _ = self.host.vfs.remove(path);
        }
    }
}

/// Ends a cut when dropped.
struct Over<'p>(&'p Mutex<Option<Pending>>);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}
