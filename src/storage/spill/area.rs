//! The temporary files of a database directory.
//!
//! Where the system allows it a name is removed as soon as its file is open, so that the file is gone with the process that
//! has it open. A name that is left, by a kill in between or on another system, is removed by the next opening.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::file::PagedFile;
use super::named::NamedFile;
use crate::error::{Error, Result};
use crate::storage::contract::latch::closed;
use crate::storage::format::spill::{PageKeys, spill_name};
use crate::storage::host::home::Home;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::OpenMode;
use crate::work::{Disk, SpillFile};

/// Creates the temporary files of one open database.
pub(crate) struct SpillArea {
    host: Host,
    home: Arc<Home>,
    number: AtomicU64,
    open: Mutex<Files>,
    bytes: Arc<AtomicU64>,
}

#[derive(Default)]
struct Files {
    open: Vec<Weak<PagedFile>>,
    closed: bool,
}

impl SpillArea {
    pub(crate) fn new(host: Host, home: Arc<Home>) -> SpillArea {
        SpillArea { host, home, number: AtomicU64::new(1), open: Mutex::default(), bytes: Arc::default() }
    }

    /// Bytes of the files that are open.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Closes and removes all files; a query that still reads one gets `CLOSED`.
    pub(crate) fn close(&self) {
        let open = {
            let mut files = self.open.lock();
            files.closed = true;
            std::mem::take(&mut files.open)
        };
        open.iter().filter_map(Weak::upgrade).for_each(|file| file.close());
    }

    fn named(&self) -> Result<NamedFile> {
        // No name may be created or removed in somebody else's directory.
        self.home.look()?;
        let path = self.home.dir().join(spill_name(self.number.fetch_add(1, Ordering::Relaxed)));
        let failed = |error| Error::io("create", &path, error);
        let file = self.host.vfs.open(&path, OpenMode::Create).map_err(failed)?;
        let (host, home) = (self.host.clone(), self.home.clone());
        let named = NamedFile::new(host, home, path.clone(), file);
        named.file.set_len(0).map_err(failed)?;
        Ok(named)
    }
}

impl Disk for SpillArea {
    fn create(&self, page: usize) -> Result<Arc<dyn SpillFile>> {
        if self.open.lock().closed {
            return Err(closed());
        }
        let mut salt = [0; 16];
        self.host.rng.fill(&mut salt);
        let keys = PageKeys { salt, cipher: self.host.cipher.file("moltendb spill", &[&salt]) };
        let file = Arc::new(PagedFile::new(self.named()?, page, keys, self.bytes.clone()));
        let mut files = self.open.lock();
        if files.closed {
            return Err(closed());
        }
        files.open.retain(|other| other.strong_count() > 0);
        files.open.push(Arc::downgrade(&file));
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::options::Access;
    use crate::storage::contract::latch::Latch;
    use crate::storage::format::spill::HEAD;
    use crate::storage::host::lock::DirectoryLock;

    fn area(dir: &std::path::Path) -> (SpillArea, DirectoryLock) {
        let host = Host::system();
        let lock = DirectoryLock::acquire(&host, dir, Access::ReadWrite).unwrap();
        let home = Home::new(&host, dir.to_path_buf(), &lock, Arc::new(Latch::default())).unwrap();
        (SpillArea::new(host, Arc::new(home)), lock)
    }

    fn names(dir: &std::path::Path) -> Vec<String> {
        let names = dir.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("spill-")).collect()
    }

    #[test]
    fn pages_are_read_back_in_their_order_and_released_ones_are_used_again() {
        let directory = tempfile::tempdir().unwrap();
        let (area, _lock) = area(directory.path());
        let file = area.create(100).unwrap();
        let pages: Vec<u32> = (0..20).map(|_| file.reserve().unwrap()).collect();
        for (n, page) in pages.iter().enumerate() {
            file.write(*page, n as u32 + 7, &vec![n as u8; n * 5]).unwrap();
        }
        let mut bytes = Vec::new();
        for (n, page) in pages.iter().enumerate().rev() {
            assert_eq!(file.read(*page, &mut bytes).unwrap(), n as u32 + 7);
            assert_eq!(bytes, vec![n as u8; n * 5]);
            file.release(*page);
        }
        let before = area.bytes();
        (0..20).for_each(|_| assert!(file.reserve().unwrap() < 20));
        assert_eq!((area.bytes(), names(directory.path())), (before, vec![]));
        drop(file);
        assert_eq!(area.bytes(), 0);
    }

    #[test]
    fn a_damaged_page_is_corrupt_with_file_and_offset_and_other_pages_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let (area, _lock) = area(directory.path());
        let named = area.named().unwrap();
        let raw = named.file.clone();
        let keys = PageKeys { salt: [3; 16], cipher: Default::default() };
        let file = PagedFile::new(named, 100, keys, Arc::default());
        let (first, second) = (file.reserve().unwrap(), file.reserve().unwrap());
        file.write(first, 1, b"first").unwrap();
        file.write(second, 2, b"second").unwrap();
        raw.write_at((2 * HEAD + 100 + 2) as u64, b"x").unwrap();
        let mut bytes = Vec::new();
        let error = file.read(second, &mut bytes).unwrap_err();
        assert_eq!((error.kind(), error.details().offset), (Kind::Corrupt, Some(116)));
        assert!(error.message().contains("the data of the database is not affected"), "{error}");
        assert_eq!((file.read(first, &mut bytes).unwrap(), bytes.as_slice()), (1, b"first".as_slice()));
        raw.set_len(150).unwrap();
        assert_eq!(file.read(second, &mut bytes).unwrap_err().kind(), Kind::Corrupt, "a file that was cut");
    }

    #[test]
    fn closing_ends_the_files_and_no_more_are_created() {
        let directory = tempfile::tempdir().unwrap();
        let (area, _lock) = area(directory.path());
        let file = area.create(100).unwrap();
        let page = file.reserve().unwrap();
        file.write(page, 0, b"content").unwrap();
        area.close();
        assert_eq!(file.read(page, &mut Vec::new()).unwrap_err().kind(), Kind::Closed);
        assert_eq!(file.write(page, 0, b"more").unwrap_err().kind(), Kind::Closed);
        assert_eq!(area.create(100).err().unwrap().kind(), Kind::Closed);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_created_in_a_directory_that_took_the_place_of_the_database() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        std::fs::create_dir(&path).unwrap();
        let (area, _lock) = area(&path);
        std::fs::rename(&path, directory.path().join("moved")).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(area.create(100).err().unwrap().kind(), Kind::Io);
        assert_eq!(path.read_dir().unwrap().count(), 0);
    }
}
