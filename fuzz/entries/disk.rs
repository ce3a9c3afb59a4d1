//! A file system in memory: one directory, no faults. Each has LOCK files of its own identity. A slow one lets other
//! threads run in the middle of a read or a sync now and then, as a real disk does.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use moltendb_node::storage::Host;
use moltendb_node::storage::host::{Clock, Rng};
use moltendb_node::storage::vfs::{Entry, EntryKind, Identity, LockKind, OpenMode, Vfs, VfsFile};

/// The database's directory.
pub const DIR: &str = "/db";

type Bytes = Arc<Mutex<Vec<u8>>>;

/// The files of the directory.
#[derive(Clone, Default)]
pub struct Disk {
    files: Arc<Mutex<BTreeMap<PathBuf, Bytes>>>,
    /// When set, reads and syncs take a while now and then, in an order that this number begins.
    pub pace: Option<Arc<AtomicU64>>,
}

impl Disk {
    /// A disk with these files in the directory.
    pub fn with(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Disk {
        let disk = Disk::default();
        for (name, bytes) in files {
            disk.names().insert(Path::new(DIR).join(name), Arc::new(Mutex::new(bytes)));
        }
        disk
    }

    fn take_time(&self) {
        let Some(pace) = &self.pace else { return };
        let turn = pace.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        match (turn ^ (turn >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 60 {
            0 => std::thread::sleep(Duration::from_micros(200)),
            1..=4 => std::thread::yield_now(),
            _ => {}
        }
    }

    /// A host over it, whose salts are zeros.
    pub fn host(&self) -> Host {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let files = Files { disk: self.clone(), number: NUMBER.fetch_add(1, Ordering::Relaxed) };
        Host::new(Arc::new(files), Arc::new(Fixed), Arc::new(Fixed))
    }

    /// The content of every file.
    pub fn content(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        self.names().iter().map(|(path, bytes)| (path.clone(), lock(bytes).clone())).collect()
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Bytes>> {
        self.files.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn lock(bytes: &Bytes) -> MutexGuard<'_, Vec<u8>> {
    bytes.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

struct Fixed;

impl Clock for Fixed {
    fn now_millis(&self) -> u64 {
        1_700_000_000_000
    }
}

impl Rng for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

struct Files {
    disk: Disk,
    number: u64,
}

struct File(Bytes, Disk);

impl Vfs for Files {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>> {
        let mut names = self.disk.names();
        if mode.creates() {
            names.entry(path.to_path_buf()).or_default();
        }
        Ok(Arc::new(File(names.get(path).ok_or(io::ErrorKind::NotFound)?.clone(), self.disk.clone())))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut names = self.disk.names();
        let file = names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        names.insert(to.to_path_buf(), file);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.names().remove(path).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn remove_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let names = self.disk.names();
        let here = names.keys().filter(|name| name.parent() == Some(path));
        let entry = |name: &PathBuf| {
            Some(Entry { name: name.file_name()?.to_str()?.to_owned(), kind: EntryKind::File })
        };
        Ok(here.filter_map(entry).collect())
    }

    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn kind(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        let names = self.disk.names();
        let inside = names.keys().any(|name| name != path && name.starts_with(path));
        let file = names.contains_key(path).then_some(EntryKind::File);
        Ok(if inside { Some(EntryKind::Directory) } else { file })
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        let there = self.disk.names().keys().any(|name| name.starts_with(path));
        // The simulated file system of the tests has devices `u64::MAX`: both may be open in one process.
        if there { Ok((u64::MAX - 1, self.number)) } else { Err(io::ErrorKind::NotFound.into()) }
    }
}

impl VfsFile for File {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = lock(&self.0);
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let len = buffer.len().min(bytes.len() - from);
        buffer[..len].copy_from_slice(&bytes[from..from + len]);
        drop(bytes);
        self.1.take_time();
        Ok(len)
    }

    fn write_at(&self, offset: u64, given: &[u8]) -> io::Result<usize> {
        let mut bytes = lock(&self.0);
        let from = offset as usize;
        if bytes.len() < from + given.len() {
            bytes.resize(from + given.len(), 0);
        }
        bytes[from..from + given.len()].copy_from_slice(given);
        Ok(given.len())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(lock(&self.0).len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        lock(&self.0).resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.1.take_time();
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }

    fn allocate(&self, _: u64, _: u64) -> io::Result<bool> {
        Ok(true)
    }

    fn try_lock(&self, _: LockKind) -> io::Result<bool> {
        Ok(true)
    }
}
