//! The operating system's files: the only user of `std::fs`.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(unix)]
use super::vfs::DirLock;
use super::vfs::{Entry, EntryKind, Identity, LockKind, OpenMode, Vfs, VfsFile};

/// The real file system.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RealVfs;

struct RealFile(File);

/// Opens a file for a log, which others may append to as well; its owner alone may read it.
#[cfg(feature = "node")]
pub(crate) fn append_log(path: &Path) -> io::Result<Box<dyn io::Write + Send>> {
    let mut options = File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Ok(Box::new(options.open(path)?))
}

impl Vfs for RealVfs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>> {
        // Opening a device may have effects, and opening a pipe may block. The type is checked again below, because the file
        // may be replaced in between.
        if let Some(kind) = self.entry(path)? {
            check_regular(kind)?;
        }
        let mut options = File::options();
        options.read(true).write(mode != OpenMode::Read).create(mode.creates());
        #[cfg(unix)]
        {
            use rustix::fs::OFlags;
            use std::os::unix::fs::OpenOptionsExt;
            let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
            options.mode(0o600).custom_flags(flags.bits().cast_signed());
        }
        #[cfg(windows)]
        if mode == OpenMode::Lock {
            use std::os::windows::fs::OpenOptionsExt;
            // FILE_SHARE_READ and FILE_SHARE_WRITE without FILE_SHARE_DELETE.
            options.share_mode(1 | 2);
        }
        let file = options.open(path)?;
        check_regular(kind_of(file.metadata()?.file_type()))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut attempts = 0;
        loop {
            match fs::rename(from, to) {
                // A virus scanner or an indexer may hold the target for a moment.
                Err(error) if cfg!(windows) && retryable(&error) && attempts < 40 => {
                    attempts += 1;
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
                result => return result,
            }
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let kind = kind_of(entry.file_type()?);
            if let Ok(name) = entry.file_name().into_string() {
                entries.push(Entry { name, kind });
            }
        }
        Ok(entries)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt;
            fs::DirBuilder::new().mode(0o700).create(path)
        }
        #[cfg(not(unix))]
        fs::create_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }

    fn kind(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(kind_of(metadata.file_type()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn entry(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(kind_of(metadata.file_type()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        std::path::absolute(path)
    }

    /// Windows neither moves nor replaces a directory with open files, and its resolved paths are hard to read in messages.
    fn real(&self, path: &Path) -> io::Result<PathBuf> {
        if cfg!(unix) { fs::canonicalize(path) } else { Ok(path.to_path_buf()) }
    }

    #[cfg(unix)]
    fn lock_dir(&self, path: &Path, kind: LockKind) -> io::Result<DirLock> {
        use rustix::io::Errno;
        let dir = RealFile(File::open(path)?);
        match dir.try_lock(kind) {
            Ok(true) => Ok(DirLock::Held(Box::new(Locked(dir)))),
            Ok(false) => Ok(DirLock::Refused),
            // What network file systems return for a handle that is not writable.
            Err(error)
                if [Errno::BADF, Errno::INVAL, Errno::OPNOTSUPP, Errno::NOSYS, Errno::NOLCK]
                    .iter()
                    .any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) =>
            {
                Ok(DirLock::Unsupported(Box::new(dir)))
            }
            Err(error) => Err(error),
        }
    }

    #[cfg(unix)]
    fn identity(&self, path: &Path) -> io::Result<Identity> {
        use std::os::unix::fs::MetadataExt;
        let metadata = fs::metadata(path)?;
        Ok((metadata.dev(), metadata.ino()))
    }

    #[cfg(not(unix))]
    fn identity(&self, path: &Path) -> io::Result<Identity> {
        use std::hash::{BuildHasher, Hash, Hasher};
        let mut hasher = foldhash::fast::FixedState::default().build_hasher();
        fs::canonicalize(path)?.hash(&mut hasher);
        Ok((0, hasher.finish()))
    }
}

impl VfsFile for RealFile {
    #[cfg(unix)]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.0, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.0, buffer, offset)
    }

    #[cfg(target_os = "linux")]
    fn read_cached_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        use rustix::io::{Errno, ReadWriteFlags, preadv2};
        let mut buffers = [io::IoSliceMut::new(buffer)];
        match preadv2(&self.0, &mut buffers, offset, ReadWriteFlags::NOWAIT) {
            Ok(read) => Ok(Some(read)),
            // Not there, or a file system or a system without such reads.
            Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(unix)]
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(&self.0, bytes, offset)
    }

    #[cfg(windows)]
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(&self.0, bytes, offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn allocate(&self, offset: u64, len: u64) -> io::Result<bool> {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        loop {
            match fallocate(&self.0, FallocateFlags::KEEP_SIZE, offset, len) {
                Err(Errno::INTR) => {}
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => return Ok(false),
                result => return Ok(result.map(|()| true)?),
            }
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn allocate(&self, _offset: u64, _len: u64) -> io::Result<bool> {
        Ok(false)
    }

    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", target_os = "freebsd"))]
    fn next_data(&self, offset: u64) -> io::Result<Option<std::ops::Range<u64>>> {
        use rustix::fs::{SeekFrom, seek};
        use rustix::io::Errno;
        // The file's cursor is not used elsewhere: every read and write has an offset.
        let start = match seek(&self.0, SeekFrom::Data(offset)) {
            Err(Errno::NXIO) => return Ok(None),
            Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => {
                let len = self.len()?;
                return Ok((offset < len).then_some(offset..len));
            }
            result => result?,
        };
        match seek(&self.0, SeekFrom::Hole(start)) {
            // The file was truncated meanwhile.
            Err(Errno::NXIO) => Ok(None),
            result => Ok(Some(start..result?)),
        }
    }

    fn try_lock(&self, kind: LockKind) -> io::Result<bool> {
        let result = match kind {
            LockKind::Exclusive => self.0.try_lock(),
            LockKind::Shared => self.0.try_lock_shared(),
        };
        match result {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn unlock(&self) -> io::Result<()> {
        self.0.unlock()
    }
}

/// Released when dropped: see [`VfsFile::unlock`].
#[cfg(unix)]
struct Locked(RealFile);

#[cfg(unix)]
impl Drop for Locked {
    fn drop(&mut self) {
        // It is closed in any case.
        let _ = self.0.unlock();
    }
}

fn retryable(error: &io::Error) -> bool {
    // ERROR_ACCESS_DENIED and ERROR_SHARING_VIOLATION.
    matches!(error.raw_os_error(), Some(5 | 32))
}

fn check_regular(kind: EntryKind) -> io::Result<()> {
    if kind == EntryKind::File {
        return Ok(());
    }
    let what = format!("it is {}; the files of a database are regular files", kind.described());
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

fn kind_of(file_type: fs::FileType) -> EntryKind {
    if file_type.is_symlink() {
        return EntryKind::Link;
    } else if file_type.is_dir() {
        return EntryKind::Directory;
    } else if file_type.is_file() {
        return EntryKind::File;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if file_type.is_fifo() {
            return EntryKind::Pipe;
        } else if file_type.is_socket() {
            return EntryKind::Socket;
        } else if file_type.is_block_device() || file_type.is_char_device() {
            return EntryKind::Device;
        }
    }
    EntryKind::Other
}
