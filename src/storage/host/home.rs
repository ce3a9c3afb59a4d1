//! The directory that a database was opened in, to tell it from another one that stands at its path later.
//!
//! Names are looked up by the path from the root, so that a changed working directory changes nothing. The directory
//! may be moved, removed, or replaced all the same; then its path leads to files of somebody else. So before a name is
//! made, replaced or removed, the directory there must be the one that is locked. What is written into open files
//! follows them wherever they are.
//!
//! Windows neither moves nor replaces a directory with open files, nor removes LOCK while it is open.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lock::{DirectoryLock, LOCK_NAME};
use super::system::Host;
use super::vfs::{EntryKind, Identity};
use crate::error::{Details, Error, Kind, Result};
use crate::storage::contract::latch::Latch;

/// Where a database lives.
pub(crate) struct Home {
    host: Host,
    dir: PathBuf,
    directory: Identity,
    /// Of LOCK, where the lock hangs on that name.
    lock: Option<Identity>,
    latch: Arc<Latch>,
}

impl Home {
    /// The directory that was just locked. What is found to have changed trips the latch.
    pub(crate) fn new(host: &Host, dir: PathBuf, lock: &DirectoryLock, latch: Arc<Latch>) -> Result<Home> {
        let failed = |error| Error::io("look at", &dir, error);
        let directory = host.vfs.identity(&dir).map_err(failed)?;
        let lock = match lock.is_of_the_directory() {
            true => None,
            // Read-only databases may have none.
            false => host.vfs.identity(&dir.join(LOCK_NAME)).ok(),
        };
        Ok(Home { host: host.clone(), dir, directory, lock, latch })
    }

    /// The directory's path.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Refuses to go on where the path leads to another directory by now, and poisons the database.
    pub(crate) fn check(&self) -> Result<()> {
        let failed = |error| Error::io("look at", &self.dir, error);
        if self.there(self.host.vfs.identity(&self.dir)).map_err(failed)? != Some(self.directory) {
            return Err(self.lost(format!(
                "{} is not the directory that was opened: that was moved, removed or replaced, and nothing is written into another one",
                self.dir.display()
            )));
        }
        let Some(lock) = self.lock else { return Ok(()) };
        let path = self.dir.join(LOCK_NAME);
        if self.there(self.host.vfs.identity(&path)).map_err(failed)? != Some(lock) {
            return Err(self.lost(format!(
                "{} was removed or replaced while the database was open, so that another process may have opened it",
                path.display()
            )));
        }
        Ok(())
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
        self.latch.trip(&Error::new(Kind::Io, message).with_details(details))
    }
}

/// Makes a directory of the database where it is missing; `true` when it was. A link there is not followed.
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

/// The refusal of what stands where the database keeps a folder of its own.
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
