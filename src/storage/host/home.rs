//! The identity of the open directory, to tell it from another directory that is later at the same path.
//!
//! Names are resolved from an absolute path, so a changed working directory changes nothing. The directory may still be
//! moved, removed or replaced; the path then leads to somebody else's files. So before a name is created, replaced or
//! removed, the directory at the path must be the locked one. Writes into open files go to those files wherever they are
//! moved.
//!
//! On Windows a directory with open files cannot be moved or replaced, and LOCK cannot be removed while it is open.
//!
//! The same moment is the last one for what an opening owes: the files of a database that was closed cleanly are read without an
//! fsync, and fsynced before the first change. A session that only reads never needs that.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::lock::{DirectoryLock, LOCK_NAME};
use super::system::Host;
use super::vfs::{EntryKind, Identity, OpenMode, VfsFile};
use crate::error::{Details, Error, Kind, Result};
use crate::storage::contract::latch::Latch;

/// The directory of a database.
pub(crate) struct Home {
    host: Host,
    dir: PathBuf,
    directory: Identity,
    /// The identity of LOCK, where the lock depends on that name.
    lock: Option<Identity>,
    latch: Arc<Latch>,
    /// Files that were found here and read, and are to be fsynced, as is the directory; `None` when they were.
    owed: Mutex<Option<Vec<FoundFile>>>,
}

/// A file of the database, and its path.
pub(crate) type FoundFile = (PathBuf, Arc<dyn VfsFile>);

/// How the files of a database are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// To be read.
    ReadOnly,
    /// To be written too, and fsynced before they are read.
    Synced,
    /// To be written too; the fsync is owed: [`Home::owe`].
    Owed,
}

impl Trust {
    pub(crate) fn mode(self) -> OpenMode {
        if self == Trust::ReadOnly { OpenMode::Read } else { OpenMode::ReadWrite }
    }
}

impl Home {
    /// The directory that was just locked. A detected change trips the latch.
    pub(crate) fn new(host: &Host, dir: PathBuf, lock: &DirectoryLock, latch: Arc<Latch>) -> Result<Home> {
        let failed = |error| Error::io("look at", &dir, error);
        let directory = host.vfs.identity(&dir).map_err(failed)?;
        let lock = match lock.is_of_the_directory() {
            true => None,
            // A read-only database may have no lock.
            false => host.vfs.identity(&dir.join(LOCK_NAME)).ok(),
        };
        Ok(Home { host: host.clone(), dir, directory, lock, latch, owed: Mutex::new(None) })
    }

    /// The directory's path.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Before a change: fails, and poisons the database, when another directory is now at the path, or what was found cannot be
    /// made durable.
    pub(crate) fn check(&self) -> Result<()> {
        self.unchanged()?;
        self.settle()
    }

    /// Fails, and poisons the database, when another directory is now at the path.
    fn unchanged(&self) -> Result<()> {
        self.changed()?.map_or(Ok(()), |change| Err(self.latch.trip(&change)))
    }

    /// These files were read and not fsynced.
    pub(crate) fn owe(&self, files: Vec<FoundFile>) {
        *self.owed.lock() = Some(files);
    }

    /// Makes what was found durable, once. Others wait meanwhile: what they change may depend on it.
    pub(crate) fn settle(&self) -> Result<()> {
        let mut owed = self.owed.lock();
        let Some(files) = &*owed else { return Ok(()) };
        // A second fsync would succeed although the first one failed.
        self.latch.check()?;
        // What is fsynced by its path must be this directory, before and after.
        self.unchanged()?;
        let synced = self.host.vfs.sync_dir(&self.dir).map_err(|error| Error::io("fsync", &self.dir, error));
        let mut each = files.iter();
        let synced = synced.and_then(|()| {
            each.try_for_each(|(path, file)| file.sync_all().map_err(|error| Error::io("fsync", path, error)))
        });
        synced.map_err(|error| self.latch.trip(&error))?;
        self.unchanged()?;
        *owed = None;
        Ok(())
    }

    /// Closes what was found and never had to be fsynced.
    pub(crate) fn release_files(&self) {
        *self.owed.lock() = None;
    }

    /// The same for files that the database does not depend on: nothing is poisoned.
    pub(crate) fn look(&self) -> Result<()> {
        self.changed()?.map_or(Ok(()), Err)
    }

    /// The error of another directory, or of a lost lock.
    fn changed(&self) -> Result<Option<Error>> {
        let failed = |error| Error::io("look at", &self.dir, error);
        if self.there(self.host.vfs.identity(&self.dir)).map_err(failed)? != Some(self.directory) {
            return Ok(Some(self.lost(format!(
                "{} is not the directory that was opened: it was moved, removed or replaced, and nothing more is written; close the database and open it again",
                self.dir.display()
            ))));
        }
        let Some(lock) = self.lock else { return Ok(None) };
        let path = self.dir.join(LOCK_NAME);
        if self.there(self.host.vfs.identity(&path)).map_err(failed)? != Some(lock) {
            return Ok(Some(self.lost(format!(
                "{} was removed or replaced while the database was open, so another process may have opened it; close the database and open it again",
                path.display()
            ))));
        }
        Ok(None)
    }

    fn there(&self, found: io::Result<Identity>) -> io::Result<Option<Identity>> {
        match found {
            Ok(identity) => Ok(Some(identity)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn lost(&self, message: String) -> Error {
        let details = Details { file: Some(self.dir.clone()), ..Details::default() };
        Error::new(Kind::Io, message).with_details(details)
    }
}

/// Creates a subdirectory of the database if it is missing; returns whether it was. A link is not followed.
pub(crate) fn make_folder(host: &Host, path: &Path) -> Result<bool> {
    match host.vfs.entry(path).map_err(|error| Error::io("look at", path, error))? {
        None => {
            host.vfs.create_dir(path).map_err(|error| Error::io("create", path, error))?;
            Ok(true)
        }
        Some(EntryKind::Directory) => Ok(false),
        Some(kind) => Err(not_a_folder(path, kind)),
    }
}

/// The error for something else in the place of a subdirectory of the database.
pub(crate) fn not_a_folder(path: &Path, kind: EntryKind) -> Error {
    let message = format!(
        "{} is {}; a database keeps a directory there, so move it elsewhere",
        path.display(),
        kind.described()
    );
    Error::new(Kind::Io, message)
        .with_details(Details { file: Some(path.to_path_buf()), ..Details::default() })
}

#[cfg(test)]
#[path = "home_tests.rs"]
mod tests;
