//! A disk in memory, whose operations can fail.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::error::{Error, Kind, Result};
use crate::work::{Disk, DiskUse, SpillFile, Stop, Work};

/// The `next` and the content of a page.
type Page = (u32, Vec<u8>);

/// Pages by number.
#[derive(Default)]
pub(in crate::query) struct Pages {
    pages: Mutex<(u32, BTreeMap<u32, Page>)>,
    operations: AtomicU64,
    /// The operation that fails; 0 for none.
    failing: u64,
}

impl Pages {
    fn count(&self) -> Result<()> {
        if self.operations.fetch_add(1, Ordering::Relaxed) + 1 == self.failing {
            return Err(Error::new(Kind::StorageFull, "the disk is full"));
        }
        Ok(())
    }

    pub(in crate::query) fn operations(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }

    /// Pages that were not released.
    pub(in crate::query) fn used(&self) -> usize {
        self.pages.lock().unwrap().1.len()
    }
}

impl SpillFile for Pages {
    fn reserve(&self) -> Result<u32> {
        self.count()?;
        let mut pages = self.pages.lock().unwrap();
        pages.0 += 1;
        Ok(pages.0 - 1)
    }

    fn write(&self, page: u32, next: u32, bytes: &[u8]) -> Result<()> {
        self.count()?;
        let before = self.pages.lock().unwrap().1.insert(page, (next, bytes.to_vec()));
        assert!(before.is_none(), "page {page} is written twice");
        Ok(())
    }

    fn read(&self, page: u32, bytes: &mut Vec<u8>) -> Result<u32> {
        self.count()?;
        let pages = self.pages.lock().unwrap();
        let (next, content) = pages.1.get(&page).expect("the page was written and not released");
        bytes.clone_from(content);
        Ok(*next)
    }

    fn release(&self, page: u32) {
        self.pages.lock().unwrap().1.remove(&page);
    }
}

struct One(Arc<Pages>);

impl Disk for One {
    fn create(&self, _page: usize) -> Result<Arc<dyn SpillFile>> {
        self.0.count()?;
        Ok(self.0.clone())
    }
}

/// A budget of so many bytes with a disk, whose n-th operation fails.
pub(in crate::query) fn spilling(memory: usize, failing: u64) -> (Work, Arc<Pages>) {
    let pages = Arc::new(Pages { failing, ..Pages::default() });
    let work = Work::new(Arc::new(|| 0), Stop::default(), memory);
    (work.with_disk(DiskUse::Allowed(Arc::new(One(pages.clone())))), pages)
}
