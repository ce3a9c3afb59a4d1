//! The file operations that storage needs, as traits: implemented by `real_vfs`, and simulated in tests.
//!
//! Offsets are explicit, so a file has no cursor, and one handle serves readers and the writer. Written bytes are volatile
//! until `sync_data` or `sync_all`; changes of names are volatile until `sync_dir`.

use std::any::Any;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::storage::contract::backend::Depth;

/// How a file is opened. Opening never truncates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, for reading.
    Read,
    /// An existing file, for reading and writing.
    ReadWrite,
    /// For reading and writing, created with mode 0600 when missing.
    Create,
    /// Like `Create`; where the system supports it, the file can be neither removed nor replaced while it is open.
    Lock,
}

impl OpenMode {
    /// Whether a missing file is created.
    pub fn creates(self) -> bool {
        matches!(self, OpenMode::Create | OpenMode::Lock)
    }
}

/// The type of a directory entry; links are not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, whatever its target is.
    Link,
    /// A named pipe; opening one may block.
    Pipe,
    /// A socket.
    Socket,
    /// A device.
    Device,
    /// Anything else.
    Other,
}

impl EntryKind {
    /// In words, to follow "it is".
    pub fn described(self) -> &'static str {
        match self {
            EntryKind::File => "a regular file",
            EntryKind::Directory => "a directory",
            EntryKind::Link => "a symbolic link",
            EntryKind::Pipe => "a named pipe",
            EntryKind::Socket => "a socket",
            EntryKind::Device => "a device",
            EntryKind::Other => "of another kind",
        }
    }
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The last component. Names that are not UTF-8 cannot be ours and are left out.
    pub name: String,
    /// Its type.
    pub kind: EntryKind,
}

/// The mode of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockKind {
    /// One holder.
    Exclusive,
    /// Many holders, none of them exclusive.
    Shared,
}

/// The result of locking a directory. The handle keeps the directory's identity from being reused; dropping it releases the
/// lock.
pub enum DirLock {
    /// The lock is held.
    Held(Box<dyn Any + Send + Sync>),
    /// Another process holds it.
    Refused,
    /// The system cannot lock directories.
    Unsupported(Box<dyn Any + Send + Sync>),
}

/// The identity of a directory or file: device and inode.
pub type Identity = (u64, u64);

/// The file system.
pub trait Vfs: Send + Sync {
    /// Opens a regular file, without blocking. Other types are refused with an error that names the type; links are not
    /// followed.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>>;
    /// Replaces `to` atomically.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// The names in a directory, in no particular order.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<Entry>>;
    /// Creates one directory with mode 0700.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes the names of a directory durable. Does nothing where the system has no such call.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// What is at this path, following links; `None` when nothing is.
    fn kind(&self, path: &Path) -> io::Result<Option<EntryKind>>;
    /// What is at this path itself; links are not followed.
    fn entry(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        self.kind(path)
    }
    /// A pair of numbers that is equal for two paths only if they name the same directory or file.
    fn identity(&self, path: &Path) -> io::Result<Identity>;
    /// The absolute path, which stays valid when the working directory changes.
    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_path_buf())
    }
    /// The path with all links resolved, so that a link changed later has no effect.
    fn real(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_path_buf())
    }
    /// Locks the directory itself; no change of a name within it affects this lock.
    fn lock_dir(&self, _path: &Path, _kind: LockKind) -> io::Result<DirLock> {
        Ok(DirLock::Unsupported(Box::new(())))
    }
}

/// An open file; dropping it closes it and releases its lock.
pub trait VfsFile: Send + Sync {
    /// Reads at most `buffer.len()` bytes; 0 at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// Reads at most `buffer.len()` bytes that the system has in memory, without waiting for the device; `None` where it has
    /// them not, or cannot tell.
    fn read_cached_at(&self, _offset: u64, _buffer: &mut [u8]) -> io::Result<Option<usize>> {
        Ok(None)
    }
    /// Writes at least one byte; may write fewer than given.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize>;
    /// The current length.
    fn len(&self) -> io::Result<u64>;
    /// Whether it has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Truncates, or extends with zeros. Truncating to the current length frees space allocated beyond it.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes the bytes and the length durable.
    fn sync_data(&self) -> io::Result<()>;
    /// Makes everything about the file durable.
    fn sync_all(&self) -> io::Result<()>;
    /// Allocates `[offset, offset + len)` without changing the length. Where that is not supported it does nothing and
    /// returns `false`; a full disk then fails the write.
    fn allocate(&self, offset: u64, len: u64) -> io::Result<bool>;
    /// The next range from `offset` on that may hold bytes other than zero; `None` when there is none. The rest are holes,
    /// which use no disk space and read as zeros. A system that does not report holes has none.
    fn next_data(&self, offset: u64) -> io::Result<Option<Range<u64>>> {
        let len = self.len()?;
        Ok((offset < len).then_some(offset..len))
    }
    /// Locks the file; `false` when another process holds the lock.
    fn try_lock(&self, kind: LockKind) -> io::Result<bool>;
    /// Releases that lock. Closing the file does so too, but only when no other handle of it is left, and a process that is being
    /// started has all of them for a moment.
    fn unlock(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A buffer of zeros whose length comes from a file: when memory is short this returns an error instead of ending the
/// process.
pub fn zeros(len: u64) -> io::Result<Vec<u8>> {
    let mut buffer = Vec::new();
    resize(&mut buffer, len)?;
    Ok(buffer)
}

/// Resizes a buffer to a length that comes from a file, with the same error as [`zeros`].
pub fn resize(buffer: &mut Vec<u8>, len: u64) -> io::Result<()> {
    let len = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
    buffer.try_reserve_exact(len.saturating_sub(buffer.len())).map_err(|_| io::ErrorKind::OutOfMemory)?;
    buffer.resize(len, 0);
    Ok(())
}

/// Fills the buffer, retrying short and interrupted reads. The end of the file before that is `UnexpectedEof`.
pub fn read_exact_at(file: &dyn VfsFile, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    read_exact_from(file, offset, buffer, Depth::Device).map(|_| ())
}

/// Does so from this depth; `false` where the bytes lie deeper.
pub fn read_exact_from(file: &dyn VfsFile, offset: u64, buffer: &mut [u8], depth: Depth) -> io::Result<bool> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let at = offset + done as u64;
        let read = match depth {
            Depth::Device => file.read_at(at, rest).map(Some),
            Depth::PageCache => file.read_cached_at(at, rest),
        };
        match read {
            Ok(None) => return Ok(false),
            Ok(Some(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(Some(read)) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Writes all bytes, retrying short and interrupted writes.
pub fn write_all_at(file: &dyn VfsFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match file.write_at(offset + done as u64, rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => done += written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
