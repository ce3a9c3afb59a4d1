//! LOCK and OWNER: one process at a time. LOCK is the file with the system's lock and is never removed. OWNER holds the
//! owner's process id, only for error messages.
//!
//! The directory itself is locked too, where the system supports that: removing or replacing the name LOCK then lets no
//! other process in. Elsewhere [`super::home`] detects it.

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
    file: Option<Arc<dyn VfsFile>>,
    directory: DirLock,
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // It is closed in any case.
        let _ = self.file.as_ref().map(|file| file.unlock());
    }
}

impl DirectoryLock {
    /// Locks the directory: exclusively to write, shared to read. Reading continues without a lock where LOCK is missing or
    /// the file system has no locks.
    pub fn acquire(host: &Host, dir: &Path, access: Access) -> Result<DirectoryLock> {
        let (mode, kind) = match access {
            Access::ReadWrite => (OpenMode::Lock, LockKind::Exclusive),
            Access::ReadOnly => (OpenMode::Read, LockKind::Shared),
        };
        // Before LOCK is touched: it may belong to a process whose LOCK was removed.
        let directory =
            retried(|| host.vfs.lock_dir(dir, kind)).map_err(|error| Error::io("lock", dir, error))?;
        if matches!(directory, DirLock::Refused) {
            // Readers let others read, and are not in OWNER.
            let shared = host.vfs.lock_dir(dir, LockKind::Shared);
            let by_readers = access == Access::ReadWrite && matches!(shared, Ok(DirLock::Held(_)));
            return Err(locked(host, dir, by_readers));
        }
        let path = dir.join(LOCK_NAME);
        let file = match host.vfs.open(&path, mode) {
            Ok(file) => file,
            Err(error) if access == Access::ReadOnly && error.kind() == io::ErrorKind::NotFound => {
                return Ok(DirectoryLock { file: None, directory });
            }
            Err(error) => return Err(Error::io("open", &path, error)),
        };
        match retried(|| file.try_lock(kind)) {
            Ok(true) => {}
            Ok(false) => {
                let by_readers = access == Access::ReadWrite
                    && retried(|| file.try_lock(LockKind::Shared)).is_ok_and(|shared| shared);
                let _ = file.unlock();
                return Err(locked(host, dir, by_readers));
            }
            Err(error) if access == Access::ReadOnly && error.kind() == io::ErrorKind::Unsupported => {
                return Ok(DirectoryLock { file: None, directory });
            }
            Err(error) => return Err(Error::io("lock", &path, error)),
        }
        if access == Access::ReadWrite {
            // A failure costs only the process id in a message.
            let _ = write_owner(host, dir);
        }
        Ok(DirectoryLock { file: Some(file), directory })
    }

    /// Whether the lock holds even if the name LOCK is removed or replaced.
    pub(crate) fn is_of_the_directory(&self) -> bool {
        matches!(self.directory, DirLock::Held(_))
    }
}

/// A signal may interrupt the system call.
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
    // Always as long: a file that is emptied first costs a transaction of the file system, and is written to the disk when it is closed.
    write_all_at(&*file, 0, format!("{:<10}\n", std::process::id()).as_bytes())
}

fn read_owner(host: &Host, dir: &Path) -> Option<u32> {
    let file = host.vfs.open(&dir.join(OWNER_NAME), OpenMode::Read).ok()?;
    let mut bytes = [0; 16];
    let read = file.read_at(0, &mut bytes).ok()?;
    std::str::from_utf8(bytes.get(..read)?).ok()?.trim().parse().ok()
}

fn locked(host: &Host, dir: &Path, by_readers: bool) -> Error {
    let pid = if by_readers { None } else { read_owner(host, dir) };
    let owner = match pid {
        _ if by_readers => "another process that reads it".to_owned(),
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    };
    let message = format!(
        "{} is open in {owner}; close it there first, or open it in one process and share it",
        dir.display()
    );
    let details = Details { pid, file: Some(dir.join(LOCK_NAME)), ..Details::default() };
    Error::new(Kind::Locked, message).with_details(details)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_lock_is_released_at_once_though_processes_that_are_being_started_have_its_handles() {
        let host = Host::system();
        let folder = tempfile::tempdir().unwrap();
        let acquire = || DirectoryLock::acquire(&host, folder.path(), Access::ReadWrite);
        let lock = acquire().unwrap();
        // As they have it.
        let _file = lock.file.clone();
        drop(lock);
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let program = std::env::current_exe().unwrap();
                    std::process::Command::new(program).arg("--help").output().unwrap();
                }
            });
            let all: Vec<_> = (0..2_000).map(|_| acquire().map(drop)).collect();
            over.store(true, Ordering::Relaxed);
            assert!(all.iter().all(Result::is_ok), "{:?}", all.iter().find(|one| one.is_err()));
        });
    }
}
