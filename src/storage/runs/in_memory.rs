//! The pages of a run in memory, where no file can hold them.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::file::{HEAD_LEN, RunFile, RunHead};
use crate::error::Result;
use crate::storage::contract::backend::PageSink;
use crate::storage::host::vfs::{LockKind, VfsFile};
use crate::storage::pages::pointer::{PageSeed, Pointer};

/// Pages as they are written.
pub struct MemoryRun {
    head: RunHead,
    seed: PageSeed,
    bytes: Vec<u8>,
}

impl MemoryRun {
    /// No pages; the run has this number.
    pub fn new(run: u64) -> MemoryRun {
        let head = RunHead { database: [0; 16], run, salt: [0; 16], encrypted: false };
        MemoryRun { head, seed: PageSeed::new(&head.salt, run), bytes: head.encode().to_vec() }
    }

    /// The pages so far, to be read.
    pub fn take(&mut self) -> RunFile {
        let bytes = std::mem::replace(&mut self.bytes, vec![0; HEAD_LEN as usize]);
        let end = bytes.len() as u64;
        RunFile::unfinished(PathBuf::from("pages in memory"), Arc::new(Held(bytes)), self.head, end)
    }
}

impl PageSink for MemoryRun {
    fn page(&mut self, page: &[u8], net: i64) -> Result<Pointer> {
        let offset = self.bytes.len() as u64;
        let sum = self.seed.sum(offset, page);
        self.bytes.extend_from_slice(page);
        Ok(Pointer { file: 0, offset, length: page.len() as u32, sum, net })
    }
}

/// A file of bytes that nobody changes.
struct Held(Vec<u8>);

impl VfsFile for Held {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        io::Read::read(&mut &self.0[from..], buffer)
    }

    fn read_cached_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        self.read_at(offset, buffer).map(Some)
    }

    fn write_at(&self, _offset: u64, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn set_len(&self, _len: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }

    fn allocate(&self, _offset: u64, _len: u64) -> io::Result<bool> {
        Ok(false)
    }

    fn try_lock(&self, _kind: LockKind) -> io::Result<bool> {
        Ok(true)
    }
}
