//! LOCK and OWNER: one process at a time. LOCK carries the system's lock and is never removed; OWNER holds the
//! owner's process id and serves the message alone.
//!
//! The directory itself carries a lock too, where the system has that: whoever removes or replaces the name LOCK lets
//! nobody else in. Where it has not, [`super::home`] notices.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::system::Host;
use super::vfs::{DirLock, LockKind, OpenMode, VfsFile, write_all_at};
use crate::error::{Details, Error, Kind, Result};
use crate::options::Access;

/// Name of the locked file.
pub const LOCK_NAME: &str = "LOCK";
/// Name of the file with the owner's process id.
pub const OWNER_NAME: &str = "OWNER";

/// Holds the locks until dropped.
pub struct DirectoryLock {
    _file: Option<Arc<dyn VfsFile>>,
    directory: DirLock,
}

impl DirectoryLock {
    /// Locks the directory: exclusively to write, shared to read. Reading where LOCK is missing or the file
    /// system offers no locks goes on without.
    pub fn acquire(host: &Host, dir: &Path, access: Access) -> Result<DirectoryLock> {
        let (mode, kind) = match access {
            Access::ReadWrite => (OpenMode::Lock, LockKind::Exclusive),
            Access::ReadOnly => (OpenMode::Read, LockKind::Shared),
        };
        // Before LOCK is touched: it may be another's, which lost the name.
        let directory =
            retried(|| host.vfs.lock_dir(dir, kind)).map_err(|error| Error::io("lock", dir, error))?;
        if matches!(directory, DirLock::Refused) {
            return Err(locked(host, dir));
        }
        let path = dir.join(LOCK_NAME);
        let file = match host.vfs.open(&path, mode) {
            Ok(file) => file,
            Err(error) if access == Access::ReadOnly && error.kind() == io::ErrorKind::NotFound => {
                return Ok(DirectoryLock { _file: None, directory });
            }
            Err(error) => return Err(Error::io("open", &path, error)),
        };
        match retried(|| file.try_lock(kind)) {
            Ok(true) => {}
            Ok(false) => return Err(locked(host, dir)),
            Err(error) if access == Access::ReadOnly && error.kind() == io::ErrorKind::Unsupported => {
                return Ok(DirectoryLock { _file: None, directory });
            }
            Err(error) => return Err(Error::io("lock", &path, error)),
        }
        if access == Access::ReadWrite {
            // Its failure costs a number in a message.
            let _ = write_owner(host, dir);
        }
        Ok(DirectoryLock { _file: Some(file), directory })
    }

    /// Whether the lock holds whatever becomes of the name LOCK.
    pub(crate) fn is_of_the_directory(&self) -> bool {
        matches!(self.directory, DirLock::Held(_))
    }
}

/// A signal may interrupt the call that asks for a lock.
fn retried<T>(mut ask: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match ask() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn write_owner(host: &Host, dir: &Path) -> io::Result<()> {
    let file = host.vfs.open(&dir.join(OWNER_NAME), OpenMode::Create)?;
    file.set_len(0)?;
    write_all_at(&*file, 0, format!("{}\n", std::process::id()).as_bytes())
}

fn read_owner(host: &Host, dir: &Path) -> Option<u32> {
    let file = host.vfs.open(&dir.join(OWNER_NAME), OpenMode::Read).ok()?;
    let mut bytes = [0; 16];
    let read = file.read_at(0, &mut bytes).ok()?;
    std::str::from_utf8(bytes.get(..read)?).ok()?.trim().parse().ok()
}

fn locked(host: &Host, dir: &Path) -> Error {
    let pid = read_owner(host, dir);
    let owner = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    let message = format!(
        "{} is open in {owner}; close it there first, or open it in one process and share it",
        dir.display()
    );
    let details = Details { pid, file: Some(dir.join(LOCK_NAME)), ..Details::default() };
    Error::new(Kind::Locked, message).with_details(details)
}
