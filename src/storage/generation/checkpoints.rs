//! The checkpoints of a database: the one that it was opened from or that was written last, and the one that a clean close leaves.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::retire;
use crate::error::{Error, Result};
use crate::storage::contract::backend::{CheckpointFile, LeaveCheckpoint, Lsn, PageSink};
use crate::storage::format::checkpoint::{Bound, checkpoint_name, unfinished_name};
use crate::storage::host::home::Home;
use crate::storage::host::system::Host;
use crate::storage::log::allocation::Segments;
use crate::storage::pages::pointer::Pointer;
use crate::storage::runs::writer::RunWriter;

/// A checkpoint is kept while the log after it has at most so many bytes, and at most this share of its own.
const LITTLE: u64 = 1 << 20;
const LITTLE_SHARE: u64 = 32;

/// The checkpoints in a directory.
pub(crate) struct Checkpoints {
    host: Host,
    dir: PathBuf,
    found: Mutex<Found>,
}

struct Found {
    /// The LSNs of those that may be removed.
    lsns: Vec<u64>,
    begun: Option<Begun>,
}

/// The checkpoint that opening began with, or that was written last since.
pub(crate) struct Begun {
    /// Its state.
    pub bound: Bound,
    /// Its length.
    pub length: u64,
    /// Whether some of it was found damaged.
    pub damaged: Arc<AtomicBool>,
}

impl Checkpoints {
    /// Those at these LSNs, of which none is removed by a reader, and the one that opening began with.
    pub(crate) fn new(host: &Host, dir: &Path, lsns: Vec<u64>, begun: Option<Begun>) -> Checkpoints {
        let found = Mutex::new(Found { lsns, begun });
        Checkpoints { host: host.clone(), dir: dir.to_path_buf(), found }
    }

    /// Leaves the checkpoint of this state in place of all others, unless little was written after the one that the database was
    /// opened from: replaying that is faster than writing everything again. A failure here does not fail the close: without a
    /// checkpoint the next opening takes longer.
    pub(super) fn leave(&self, bound: &Bound, segments: &Segments, leave: &LeaveCheckpoint<'_>) {
        let (lsns, begun) = self.take();
        let begun = begun.filter(|begun| {
            begun.bound.generation == bound.generation && !begun.damaged.load(Ordering::Acquire)
        });
        let little = begun.as_ref().is_some_and(|begun| {
            let behind = segments.range(begun.bound.clean.segment + 1..);
            let bytes: u64 = behind.iter().map(|segment| segment.used()).sum();
            bytes <= LITTLE + begun.length / LITTLE_SHARE
        });
        let left = if little { Ok(None) } else { self.write(bound, leave) };
        match &left {
            Ok(Some(bytes)) => tracing::debug!(bytes, lsn = bound.clean.lsn, "left a checkpoint"),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "no checkpoint could be written; the next opening reads the log");
            }
        }
        // The one that it was opened from still has the state before the log after it.
        let kept = match left {
            Ok(Some(_)) => Some(bound.clean.lsn),
            _ => begun.map(|begun| begun.bound.clean.lsn),
        };
        self.remove(lsns.into_iter().filter(|lsn| Some(*lsn) != kept));
    }

    /// The length of the newest; 0 without one.
    pub(super) fn bytes(&self) -> u64 {
        self.found.lock().begun.as_ref().map_or(0, |begun| begun.length)
    }

    /// Removes the checkpoint that the database began with, if it was found damaged.
    pub(super) fn remove_damaged(&self, home: &Home) {
        let (lsns, begun) = self.take();
        if begun.is_some_and(|begun| begun.damaged.load(Ordering::Acquire)) && home.check().is_ok() {
            self.remove(lsns.into_iter());
        }
    }

    fn take(&self) -> (Vec<u64>, Option<Begun>) {
        let mut found = self.found.lock();
        (std::mem::take(&mut found.lsns), found.begun.take())
    }

    fn remove(&self, lsns: impl Iterator<Item = u64>) {
        for lsn in lsns {
            if let Err(error) = retire::remove(&self.host, &self.dir.join(checkpoint_name(lsn))) {
                tracing::warn!(%error, "an outdated checkpoint could not be removed");
            }
        }
    }

    /// Writes the checkpoint of this state, durably; returns its length, or `None` where there is to be none.
    fn write(&self, bound: &Bound, leave: &LeaveCheckpoint<'_>) -> Result<Option<u64>> {
        let Some(aside) = self.write_aside(bound, leave)? else { return Ok(None) };
        let length = aside.length;
        self.put_in_place(bound, aside)?;
        Ok(Some(length))
    }

    /// Writes the checkpoint of this state under a name that means nothing, durably; `None` where there is to be none.
    pub(super) fn write_aside(&self, bound: &Bound, leave: &LeaveCheckpoint<'_>) -> Result<Option<Aside>> {
        let path = self.dir.join(unfinished_name(bound.clean.lsn));
        let lsn = Lsn(bound.clean.lsn);
        let begun = Cell::new(false);
        let begin = || {
            begun.set(true);
            RunWriter::begin(&self.host, &path, bound.database, lsn.0)
        };
        let written = || -> Result<Option<u64>> {
            let mut sink = Begins { begin: &begin, writer: None };
            let Some(contents) = leave(lsn, &mut sink)? else { return Ok(None) };
            let writer = sink.writer.map_or_else(begin, Ok)?;
            let catalogue = [bound.encode(), contents].concat();
            Ok(Some(writer.finish(&catalogue, lsn)?.length))
        };
        let written = written();
        if begun.get() && !matches!(written, Ok(Some(_))) {
            let _ = self.host.vfs.remove(&path);
        }
        let length = written?;
        Ok(length.map(|length| Aside { host: self.host.clone(), path, length }))
    }

    /// Gives a checkpoint its name, durably.
    fn put_in_place(&self, bound: &Bound, aside: Aside) -> Result<PathBuf> {
        let path = self.dir.join(bound.name());
        let named = self.host.vfs.rename(&aside.path, &path);
        named.map_err(|error| Error::io("rename", &aside.path, error)).inspect_err(|_| aside.leave())?;
        self.host.vfs.sync_dir(&self.dir).map_err(|error| Error::io("fsync", &self.dir, error))?;
        Ok(path)
    }

    /// Gives a checkpoint of the open database its name, durably, and removes the others: it is the one that a close may keep.
    pub(super) fn replace(&self, bound: &Bound, aside: Aside) -> Result<CheckpointFile> {
        let length = aside.length;
        let path = self.put_in_place(bound, aside)?;
        let damaged = Arc::new(AtomicBool::new(false));
        let (database, run) = (bound.database, bound.clean.lsn);
        let others = {
            let mut found = self.found.lock();
            found.begun = Some(Begun { bound: *bound, length, damaged: damaged.clone() });
            std::mem::replace(&mut found.lsns, vec![run])
        };
        self.remove(others.into_iter().filter(|lsn| *lsn != run));
        Ok(CheckpointFile { path, database, run, damaged })
    }
}

/// A whole checkpoint under a name that means nothing yet.
pub(super) struct Aside {
    host: Host,
    path: PathBuf,
    length: u64,
}

impl Aside {
    /// The file at this path, which is whole.
    pub(super) fn new(host: &Host, path: PathBuf, length: u64) -> Aside {
        Aside { host: host.clone(), path, length }
    }

    /// Removes it.
    pub(super) fn leave(&self) {
        let _ = self.host.vfs.remove(&self.path);
    }
}

/// Creates the file with its first page: often no checkpoint is written.
struct Begins<'b> {
    begin: &'b dyn Fn() -> Result<RunWriter>,
    writer: Option<RunWriter>,
}

impl PageSink for Begins<'_> {
    fn page(&mut self, page: &[u8], net: i64) -> Result<Pointer> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert((self.begin)()?),
        };
        writer.page(page, net)
    }
}
