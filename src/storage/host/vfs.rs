//! The file operations that storage needs, as traits: the real ones in `real_vfs`, simulated ones in tests.
//!
//! Offsets are explicit, so a file has no cursor and one handle serves readers and the writer. What is written
//! is volatile until `sync_data` or `sync_all`; what happens to names is volatile until `sync_dir`.

use std::any::Any;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a file is opened. Nothing is ever truncated by opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing file, for reading.
    Read,
    /// An existing file, for reading and writing.
    ReadWrite,
    /// For reading and writing, made with mode 0600 when missing.
    Create,
    /// As `Create`; where the system can forbid it, the name is neither removed nor given to another file while it is open.
    Lock,
}

impl OpenMode {
    /// Whether a missing file is made.
    pub fn creates(self) -> bool {
        matches!(self, OpenMode::Create | OpenMode::Lock)
    }
}

/// What stands at a name; links are not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, whatever it points at.
    Link,
    /// A named pipe, whose opening may wait for another process.
    Pipe,
    /// A socket.
    Socket,
    /// A device.
    Device,
    /// Anything else.
    Other,
}

impl EntryKind {
    /// In words, as they stand behind "it is".
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

/// One name of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The last component. Names that are not UTF-8 are never ours and are left out.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// Which lock is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockKind {
    /// One holder.
    Exclusive,
    /// Many holders, none of them exclusive.
    Shared,
}

/// What became of asking for the lock of a directory. The handle keeps the directory's identity from being given to
/// another; dropping it releases the lock.
pub enum DirLock {
    /// It is ours.
    Held(Box<dyn Any + Send + Sync>),
    /// Another has it.
    Refused,
    /// Directories cannot be locked here.
    Unsupported(Box<dyn Any + Send + Sync>),
}

/// A directory and file at one moment: device and inode.
pub type Identity = (u64, u64);

/// The file system.
pub trait Vfs: Send + Sync {
    /// Opens a regular file, without waiting. What is of another kind is refused with an error that says what it is; links
    /// are not followed.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>>;
    /// Replaces `to` atomically.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// The names of a directory, in no order.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<Entry>>;
    /// Makes one directory with mode 0700.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes the names of a directory durable. Does nothing where the system has no such call.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// What stands at this path, following links; `None` when nothing does.
    fn kind(&self, path: &Path) -> io::Result<Option<EntryKind>>;
    /// What stands at this path itself; links are not followed.
    fn entry(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        self.kind(path)
    }
    /// A number pair that two paths share exactly when they name the same directory or file.
    fn identity(&self, path: &Path) -> io::Result<Identity>;
    /// The path from the root, so that it names the same place whatever the working directory becomes.
    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_path_buf())
    }
    /// The path of what stands there with all links resolved, so that a link that is changed later changes nothing.
    fn real(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_path_buf())
    }
    /// Takes the lock of the directory itself, which no change of a name within it gives to another.
    fn lock_dir(&self, _path: &Path, _kind: LockKind) -> io::Result<DirLock> {
        Ok(DirLock::Unsupported(Box::new(())))
    }
}

/// An open file; dropping it closes it and releases its lock.
pub trait VfsFile: Send + Sync {
    /// Reads at most `buffer.len()` bytes; 0 at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// Writes at least one byte; may write fewer than given.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize>;
    /// The length now.
    fn len(&self) -> io::Result<u64>;
    /// Whether it has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Cuts or extends with zeros. Cutting to the present length frees space allocated beyond it.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes the bytes and the length durable.
    fn sync_data(&self) -> io::Result<()>;
    /// Makes everything about the file durable.
    fn sync_all(&self) -> io::Result<()>;
    /// Sets space aside for `[offset, offset + len)` without changing the length. Where that cannot be done it
    /// does nothing and answers `false`: a full disk is met by the write.
    fn allocate(&self, offset: u64, len: u64) -> io::Result<bool>;
    /// The next bytes from `offset` on that may be other than zero, `None` when there are none: what lies between is a
    /// hole, which takes no space on the disk and reads as zeros. A system that does not tell holes has none.
    fn next_data(&self, offset: u64) -> io::Result<Option<Range<u64>>> {
        let len = self.len()?;
        Ok((offset < len).then_some(offset..len))
    }
    /// Takes the file's lock; `false` when another holds it.
    fn try_lock(&self, kind: LockKind) -> io::Result<bool>;
}

/// A buffer of zeros of a length that a file says: memory that is not there is an error, and no end of the process.
pub fn zeros(len: u64) -> io::Result<Vec<u8>> {
    let mut buffer = Vec::new();
    resize(&mut buffer, len)?;
    Ok(buffer)
}

/// Gives a buffer a length that a file says, as [`zeros`] does.
pub fn resize(buffer: &mut Vec<u8>, len: u64) -> io::Result<()> {
    let len = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
    buffer.try_reserve_exact(len.saturating_sub(buffer.len())).map_err(|_| io::ErrorKind::OutOfMemory)?;
    buffer.resize(len, 0);
    Ok(())
}

/// Fills the buffer, continuing short and interrupted reads; the end of the file inside it is `UnexpectedEof`.
pub fn read_exact_at(file: &dyn VfsFile, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(offset + done as u64, rest) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all bytes, continuing short and interrupted writes.
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
