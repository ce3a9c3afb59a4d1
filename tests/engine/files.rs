//! A file system that calls the test before an operation, and after a read.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use moltendb_node::storage::Host;
use moltendb_node::storage::vfs::{DirLock, Entry, EntryKind, Identity, LockKind, OpenMode, Vfs, VfsFile};

/// The test's callbacks.
pub trait Word: Clone + Send + Sync + 'static {
    /// Called before the operation on this file, with the bytes of reads and writes. Its error becomes the operation's.
    fn before(&self, _verb: &'static str, _path: &Path, _bytes: usize) -> io::Result<()> {
        Ok(())
    }

    /// Called after a read, before it returns.
    fn after_read(&self) {}

    /// Called with the bytes of each write.
    fn wrote(&self, _path: &Path, _bytes: &[u8]) {}
}

/// The host with files that call the test.
pub fn with_words(host: Host, word: impl Word) -> Host {
    Host { vfs: Arc::new(Files { files: host.vfs.clone(), word }), ..host }
}

struct Files<W> {
    files: Arc<dyn Vfs>,
    word: W,
}

struct File<W> {
    file: Arc<dyn VfsFile>,
    path: PathBuf,
    word: W,
}

impl<W: Word> Vfs for Files<W> {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>> {
        self.word.before("open", path, 0)?;
        let file = self.files.open(path, mode)?;
        Ok(Arc::new(File { file, path: path.to_path_buf(), word: self.word.clone() }))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.word.before("rename", from, 0)?;
        self.files.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.word.before("remove", path, 0)?;
        self.files.remove(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.files.remove_dir(path)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.files.read_dir(path)
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.files.create_dir(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.files.sync_dir(path)
    }
    fn kind(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        self.files.kind(path)
    }
    fn entry(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        self.files.entry(path)
    }
    fn identity(&self, path: &Path) -> io::Result<Identity> {
        self.files.identity(path)
    }
    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        self.files.absolute(path)
    }
    fn real(&self, path: &Path) -> io::Result<PathBuf> {
        self.files.real(path)
    }
    fn lock_dir(&self, path: &Path, kind: LockKind) -> io::Result<DirLock> {
        self.files.lock_dir(path, kind)
    }
}

impl<W: Word> VfsFile for File<W> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.word.before("read", &self.path, buffer.len())?;
        let read = self.file.read_at(offset, buffer)?;
        self.word.after_read();
        Ok(read)
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.word.before("write", &self.path, bytes.len())?;
        self.word.wrote(&self.path, bytes);
        self.file.write_at(offset, bytes)
    }
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.word.before("sync", &self.path, 0)?;
        self.file.sync_data()
    }
    fn sync_all(&self) -> io::Result<()> {
        self.word.before("sync", &self.path, 0)?;
        self.file.sync_all()
    }
    fn allocate(&self, offset: u64, len: u64) -> io::Result<bool> {
        self.file.allocate(offset, len)
    }
    fn try_lock(&self, kind: LockKind) -> io::Result<bool> {
        self.file.try_lock(kind)
    }
}
