//! The disk, for what an operation's memory has no room for. The traits are here, so that sorts and groups need not know
//! files; storage implements them.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::{Inner, Work};
use crate::error::{Error, Kind, Result};

/// The bytes of a page at most.
const LARGEST: usize = 64 << 10;
/// The bytes of a page at least.
const SMALLEST: usize = 256;

/// Creates the files of operations.
pub trait Disk: Send + Sync {
    /// A file for one operation, with pages that hold this many bytes; removed when it is dropped.
    fn create(&self, page: usize) -> Result<Arc<dyn SpillFile>>;
}

/// Pages in a file. Each page has its own checksum, and names the one that follows it; a damaged page is `CORRUPT`.
pub trait SpillFile: Send + Sync {
    /// The number of a free page. The caller has it until it is released.
    fn reserve(&self) -> Result<u32>;
    /// Writes a page; `next` is for the reader of the page.
    fn write(&self, page: u32, next: u32, bytes: &[u8]) -> Result<()>;
    /// Replaces `bytes` by those of the page; returns its `next`.
    fn read(&self, page: u32, bytes: &mut Vec<u8>) -> Result<u32>;
    /// Frees a page.
    fn release(&self, page: u32);
}

/// Whether an operation may write to disk.
#[derive(Clone, Default)]
pub enum DiskUse {
    /// There is no directory to write to.
    #[default]
    None,
    /// The caller does not want it.
    Refused,
    /// Here.
    Allowed(Arc<dyn Disk>),
}

/// What an operation has written to disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spilled {
    /// How often memory was emptied to disk.
    pub spills: u64,
    /// Bytes written, those written again by a merge included.
    pub bytes: u64,
}

impl Work {
    /// The same budget, with this use of the disk. For a budget that is not shared yet.
    #[must_use]
    pub fn with_disk(mut self, disk: DiskUse) -> Work {
        if let Some(inner) = self.0.as_mut().and_then(Arc::get_mut) {
            inner.disk = disk;
        }
        self
    }

    /// Whether it may write to disk.
    pub fn spills(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| matches!(inner.disk, DiskUse::Allowed(_)))
    }

    /// Whether the caller does not want anything to be written to disk.
    pub fn refuses_disk(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| matches!(inner.disk, DiskUse::Refused))
    }

    /// The bytes in a page of its file: small where memory is, because each run that is merged has a page in memory.
    pub fn page(&self) -> usize {
        (self.memory() / 256).clamp(SMALLEST, LARGEST)
    }

    /// What is not worth to be written alone.
    pub fn sliver(&self) -> usize {
        self.memory() / 64
    }

    /// Whether too many bytes are held.
    pub fn is_crowded(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.all() > inner.memory)
    }

    /// Its file.
    pub fn file(&self) -> Result<Arc<dyn SpillFile>> {
        let Some(inner) = &self.0 else { return Err(no_disk()) };
        let mut file = inner.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*file {
            return Ok(file.clone());
        }
        let DiskUse::Allowed(disk) = &inner.disk else { return Err(no_disk()) };
        Ok(file.insert(disk.create(self.page())?).clone())
    }

    /// Memory is being emptied to disk.
    pub fn count_spill(&self) {
        if let Some(inner) = &self.0 {
            inner.spills.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// So many bytes were written to disk.
    pub fn count_spilled(&self, bytes: usize) {
        if let Some(inner) = &self.0 {
            inner.spilled.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// What was written to disk so far.
    pub fn spilled(&self) -> Spilled {
        self.0.as_ref().map_or_else(Spilled::default, |inner| Spilled {
            spills: inner.spills.load(Ordering::Relaxed),
            bytes: inner.spilled.load(Ordering::Relaxed),
        })
    }
}

impl Inner {
    /// The error for one group, bucket or document that alone takes more memory than there is.
    #[cold]
    pub(super) fn too_much_of_one(&self, what: &str) -> Error {
        self.limited(format!(
            "{what} has one group of more than {}, and a single group cannot be moved to disk; collect less in it, or raise the option queryMemoryLimit",
            self.limit()
        ))
    }
}

fn no_disk() -> Error {
    Error::new(Kind::Internal, "an operation without a disk wanted to write to it; please report it")
}

impl fmt::Debug for DiskUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DiskUse::None => "None",
            DiskUse::Refused => "Refused",
            DiskUse::Allowed(_) => "Allowed",
        })
    }
}
