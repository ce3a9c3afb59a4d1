//! The pages of one temporary file. Released pages are used again, so the file is as long as the most that was in it at one
//! time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::named::NamedFile;
use crate::error::{Details, Error, Kind, Result};
use crate::storage::contract::latch::closed;
use crate::storage::format::spill::{HEAD, PageKeys, decode, encode};
use crate::storage::host::vfs::{read_exact_at, write_all_at};
use crate::work::SpillFile;

/// A temporary file of pages.
pub(super) struct PagedFile {
    /// `None` once the database is closed.
    file: RwLock<Option<NamedFile>>,
    /// Bytes of a page with its head.
    size: usize,
    keys: PageKeys,
    pages: Mutex<Pages>,
    /// Bytes of all such files of the database.
    all: Arc<AtomicU64>,
}

#[derive(Default)]
struct Pages {
    end: u32,
    /// 4 bytes a page: at most 1/64 of the pages' own bytes.
    free: Vec<u32>,
    /// The buffer of a writer.
    buffer: Vec<u8>,
}

impl PagedFile {
    pub(super) fn new(file: NamedFile, page: usize, keys: PageKeys, all: Arc<AtomicU64>) -> PagedFile {
        let size = HEAD + page + keys.cipher.overhead() as usize;
        PagedFile { file: RwLock::new(Some(file)), size, keys, pages: Mutex::default(), all }
    }

    pub(super) fn close(&self) {
        drop(self.file.write().take());
    }

    fn offset(&self, page: u32) -> u64 {
        u64::from(page) * self.size as u64
    }
}

impl SpillFile for PagedFile {
    fn reserve(&self) -> Result<u32> {
        let mut pages = self.pages.lock();
        if let Some(page) = pages.free.pop() {
            return Ok(page);
        }
        // The last number marks the end of a chain.
        if pages.end == u32::MAX {
            return Err(Error::new(Kind::Limit, "a query has filled all pages of its temporary file"));
        }
        pages.end += 1;
        self.all.fetch_add(self.size as u64, Ordering::Relaxed);
        Ok(pages.end - 1)
    }

    fn write(&self, page: u32, next: u32, bytes: &[u8]) -> Result<()> {
        let file = self.file.read();
        let named = file.as_ref().ok_or_else(closed)?;
        let mut buffer = std::mem::take(&mut self.pages.lock().buffer);
        encode(&self.keys, page, next, bytes, self.size, &mut buffer);
        let written = write_all_at(&*named.file, self.offset(page), &buffer);
        self.pages.lock().buffer = buffer;
        written.map_err(|error| Error::io("write", &named.path, error))
    }

    fn read(&self, page: u32, bytes: &mut Vec<u8>) -> Result<u32> {
        let file = self.file.read();
        let named = file.as_ref().ok_or_else(closed)?;
        let failed = |error| Error::io("read", &named.path, error);
        bytes.resize(self.size, 0);
        match read_exact_at(&*named.file, self.offset(page), bytes) {
            Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => return Err(failed(error)),
            Err(_) => bytes.clear(),
            Ok(()) => {}
        }
        decode(&self.keys, page, bytes).ok_or_else(|| self.damaged(named, page))
    }

    fn release(&self, page: u32) {
        self.pages.lock().free.push(page);
    }
}

impl PagedFile {
    #[cold]
    fn damaged(&self, named: &NamedFile, page: u32) -> Error {
        let offset = self.offset(page);
        let message = format!(
            "{} is damaged at offset {offset}: it held what a query had no room for in memory, and is removed; the data of the database is not affected, run the query again",
            named.path.display()
        );
        let details = Details { file: Some(named.path.clone()), offset: Some(offset), ..Details::default() };
        Error::new(Kind::Corrupt, message).with_details(details)
    }
}

impl Drop for PagedFile {
    fn drop(&mut self) {
        let bytes = u64::from(self.pages.get_mut().end) * self.size as u64;
        self.all.fetch_sub(bytes, Ordering::Relaxed);
    }
}
