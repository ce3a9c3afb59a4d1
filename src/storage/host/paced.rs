//! A file system that is read slowly, for work in the background: each read waits as long as its bytes take at a pace, and fails once
//! the work is to stop.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::vfs::{Entry, EntryKind, Identity, LockKind, OpenMode, Vfs, VfsFile};

/// Says how fast.
pub(crate) trait Pace: Send + Sync {
    /// Called after so many bytes were read; waits. An error stops the work.
    fn pass(&self, bytes: u64) -> io::Result<()>;
}

/// Another file system, for reading only.
pub(crate) struct PacedVfs {
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) pace: Arc<dyn Pace>,
}

struct PacedFile {
    file: Arc<dyn VfsFile>,
    pace: Arc<dyn Pace>,
}

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::PermissionDenied.into())
}

impl Vfs for PacedVfs {
    fn open(&self, path: &Path, _: OpenMode) -> io::Result<Arc<dyn VfsFile>> {
        self.pace.pass(0)?;
        let file = self.vfs.open(path, OpenMode::Read)?;
        Ok(Arc::new(PacedFile { file, pace: self.pace.clone() }))
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn remove_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.vfs.read_dir(path)
    }

    fn create_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn kind(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        self.vfs.kind(path)
    }

    fn entry(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        self.vfs.entry(path)
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        self.vfs.identity(path)
    }

    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        self.vfs.absolute(path)
    }

    fn real(&self, path: &Path) -> io::Result<PathBuf> {
        self.vfs.real(path)
    }
}

impl VfsFile for PacedFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(offset, buffer)?;
        self.pace.pass(read as u64)?;
        Ok(read)
    }

    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<usize> {
        refused()
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        refused()
    }

    fn sync_data(&self) -> io::Result<()> {
        refused()
    }

    fn sync_all(&self) -> io::Result<()> {
        refused()
    }

    fn allocate(&self, _: u64, _: u64) -> io::Result<bool> {
        refused()
    }

    fn next_data(&self, offset: u64) -> io::Result<Option<Range<u64>>> {
        self.file.next_data(offset)
    }

    fn try_lock(&self, _: LockKind) -> io::Result<bool> {
        refused()
    }
}
