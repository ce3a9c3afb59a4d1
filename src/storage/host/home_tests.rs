//! Systems without directory locks, such as Windows: only LOCK detects a replacement.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Kind, Result};
use crate::options::{OpenOptions, StorageMode};
use crate::storage::contract::backend::{Lsn, StorageBackend};
use crate::storage::host::real_vfs::RealVfs;
use crate::storage::host::vfs::{Entry, EntryKind, Identity, OpenMode, Vfs, VfsFile};
use crate::storage::{Block, FrameSize, Host, Loader, Replayed, SnapshotBlock, open_disk};

/// The real files, without directory locks.
struct WithoutDirLocks(RealVfs);

impl Vfs for WithoutDirLocks {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>> {
        self.0.open(path, mode)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.0.remove_dir(path)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.0.read_dir(path)
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.create_dir(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.0.sync_dir(path)
    }
    fn kind(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        self.0.kind(path)
    }
    fn identity(&self, path: &Path) -> io::Result<Identity> {
        self.0.identity(path)
    }
}

struct Deaf;

impl Loader for Deaf {
    fn database_block(&mut self, _: SnapshotBlock) -> Result<()> {
        Ok(())
    }
    fn documents(&self, _: SnapshotBlock) -> Result<()> {
        Ok(())
    }
    fn frame(&mut self, _: Replayed) -> Result<()> {
        Ok(())
    }
}

fn commit(backend: &dyn StorageBackend) -> Result<Lsn> {
    let place = backend.reserve(&FrameSize { blocks: [3].into_iter().collect(), records: 1 })?;
    let block = Arc::new(Block {
        place: place.blocks[0],
        base: 0,
        bytes: b"abc".as_slice().into(),
        transient: false,
    });
    let lsn = place.lsn;
    let completion = backend.append(place, &[block]);
    backend.drive();
    completion.wait().map(|()| lsn)
}

#[cfg(unix)]
#[test]
fn a_lock_that_is_removed_or_replaced_is_noticed_before_the_next_file() {
    for replaced in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        let host = Host { vfs: Arc::new(WithoutDirLocks(RealVfs)), ..Host::system() };
        let options = OpenOptions { storage: StorageMode::Sync, ..OpenOptions::default() };
        let opened = open_disk(&host, &path, &options, None, &mut Deaf).unwrap();
        commit(&*opened.backend).unwrap();
        let lock = path.join("LOCK");
        // Kept open, so that its inode is not reused.
        std::fs::rename(&lock, directory.path().join("old")).unwrap();
        if replaced {
            std::fs::write(&lock, "").unwrap();
        }
        let error = opened.backend.cut().unwrap_err();
        assert_eq!(error.kind(), Kind::StoragePoisoned, "{error}");
        assert!(error.message().contains("LOCK was removed or replaced while the database was open"));
        assert_eq!(commit(&*opened.backend).unwrap_err().kind(), Kind::StoragePoisoned);
        assert_eq!(opened.backend.close().unwrap_err().kind(), Kind::StoragePoisoned);
        let mut names: Vec<_> = path.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.retain(|name| name != "LOCK");
        names.sort();
        assert_eq!(names, ["MANIFEST", "OWNER", "seg-0000000000000001.log"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_poisoned_database_that_is_closed_keeps_no_file_open() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let options = OpenOptions { storage: StorageMode::Sync, ..OpenOptions::default() };
    let opened = open_disk(&Host::system(), &path, &options, None, &mut Deaf).unwrap();
    commit(&*opened.backend).unwrap();
    std::fs::rename(&path, directory.path().join("moved")).unwrap();
    assert_eq!(opened.backend.cut().unwrap_err().kind(), Kind::StoragePoisoned);
    opened.backend.close().unwrap_err();
    let moved = directory.path().join("moved");
    let open = Path::new("/proc/self/fd")
        .read_dir()
        .unwrap()
        .filter_map(|entry| entry.unwrap().path().read_link().ok());
    let ours: Vec<_> = open.filter(|open| open.starts_with(&moved)).collect();
    assert!(ours.is_empty(), "{ours:?}");
}
