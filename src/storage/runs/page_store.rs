//! Pages by their pointers: from the cache, or from the run file, which is read without any lock.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use super::cache::Cache;
use super::file::RunFile;
use super::page::Page;
use crate::error::{Error, Kind, Result};
use crate::storage::contract::backend::Depth;
use crate::storage::pages::head::PageKind;
use crate::storage::pages::pointer::Pointer;

/// Where a read may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// In memory only.
    Resident,
    /// In memory, then in what the system has of the file in memory; pages from there are kept. For threads that must not block.
    PageCache,
    /// In memory, then in the file; pages from the file are kept.
    Read,
    /// As `Read`, but pages from the file are not kept: for scans and merges, which would displace all others.
    Pass,
}

thread_local! {
    /// The file and the pointer of the page that this thread did not find in memory last.
    static MISSED: Cell<Option<(u64, Pointer)>> = const { Cell::new(None) };
}

/// The pages of the open run files.
pub struct PageStore {
    files: RwLock<HashMap<u64, Arc<RunFile>>>,
    cache: Cache<Page>,
    read: AtomicU64,
}

impl PageStore {
    /// No files; a cache of at most about this many bytes.
    pub fn new(limit: usize) -> PageStore {
        PageStore { files: RwLock::default(), cache: Cache::new(limit), read: AtomicU64::new(0) }
    }

    /// The cache.
    pub fn cache(&self) -> &Cache<Page> {
        &self.cache
    }

    /// Pages read from files so far.
    pub fn pages_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Adds a file.
    pub fn add(&self, file: RunFile) {
        self.files.write().insert(file.run(), Arc::new(file));
    }

    /// Removes a file and its pages; it is closed when the last reader is done.
    pub fn remove(&self, run: u64) {
        self.files.write().remove(&run);
        self.cache.forget(run);
    }

    /// The file with this number.
    pub fn file(&self, run: u64) -> Result<Arc<RunFile>> {
        let missing = || Error::new(Kind::Internal, format!("run file {run} is not open"));
        self.files.read().get(&run).cloned().ok_or_else(missing)
    }

    /// Reads the page into the cache that this thread did not find in memory last.
    pub fn read_missed(&self) -> Result<()> {
        let Some((run, pointer)) = MISSED.take() else { return Ok(()) };
        let file = self.file(run)?;
        let bytes = file.read(&pointer)?;
        let page = self.made(&file, run, &pointer, bytes)?;
        self.cache.keep(page.place(), page);
        Ok(())
    }

    fn made(&self, file: &RunFile, run: u64, pointer: &Pointer, bytes: Vec<u8>) -> Result<Arc<Page>> {
        self.read.fetch_add(1, Ordering::Relaxed);
        let is_checked = file.checked().has(pointer);
        let page = Page::new(run, *pointer, bytes, is_checked);
        let page = page.map_err(|what| file.corrupt(pointer.offset, what))?;
        if !is_checked {
            file.checked().note(pointer);
        }
        Ok(Arc::new(page))
    }

    /// The page of a pointer that stands in file `holder`; `None` if it is not in memory and must not be read.
    pub fn page(
        &self,
        holder: u64,
        pointer: &Pointer,
        (kind, tree): (PageKind, u32),
        access: Access,
    ) -> Result<Option<Arc<Page>>> {
        let run = if pointer.file == 0 { holder } else { pointer.file };
        let page = match self.cache.get((run, pointer.offset)) {
            Some(page) => page,
            None if access == Access::Resident => return Ok(None),
            None => {
                let file = self.file(run)?;
                let depth = if access == Access::PageCache { Depth::PageCache } else { Depth::Device };
                let Some(bytes) = file.read_from(pointer, depth)? else {
                    MISSED.set(Some((run, *pointer)));
                    return Ok(None);
                };
                let page = self.made(&file, run, pointer, bytes)?;
                if access == Access::Pass { page } else { self.cache.keep(page.place(), page) }
            }
        };
        // A cached page is known by its place; the whole pointer must be the same.
        let same = Pointer { file: page.pointer().file, ..*pointer } == *page.pointer();
        if page.holds() != (kind, tree) || !same {
            let what = "a pointer leads to a page of another kind or tree, or with other bytes";
            return Err(self.file(run)?.corrupt(pointer.offset, what));
        }
        Ok(Some(page))
    }
}
