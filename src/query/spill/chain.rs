//! Chains of pages with records of any length, one after the other. A page names the next one, so that a chain needs no
//! memory but its first page's number, and pages are free again as soon as they were read.

use std::sync::Arc;

use crate::error::{Error, Kind, Result};
use crate::work::{SpillFile, Work};

/// The end of a chain.
const NONE: u32 = u32::MAX;

/// Records that were written.
pub(crate) struct Chain {
    first: u32,
    /// The length of the longest record.
    pub(crate) longest: usize,
    /// How many there are.
    pub(crate) records: u64,
    work: Work,
}

/// Writes a chain. Appending writes nothing to disk, because it may happen under a lock; [`Writer::flush`] does.
pub(crate) struct Writer {
    file: Arc<dyn SpillFile>,
    work: Work,
    page: usize,
    buffer: Vec<u8>,
    first: u32,
    /// The page that is written next.
    at: u32,
    longest: usize,
    records: u64,
}

impl Writer {
    pub(crate) fn new(work: &Work) -> Result<Writer> {
        let (file, page) = (work.file()?, work.page());
        let at = file.reserve()?;
        let buffer = Vec::new();
        Ok(Writer { file, work: work.clone(), page, buffer, first: at, at, longest: 0, records: 0 })
    }

    /// Appends a record.
    pub(crate) fn push(&mut self, record: &[u8]) {
        self.buffer.extend_from_slice(&(record.len() as u64).to_le_bytes());
        self.buffer.extend_from_slice(record);
        self.records += 1;
        self.longest = self.longest.max(record.len());
    }

    /// Whether there is a page to write.
    pub(crate) fn is_full(&self) -> bool {
        self.buffer.len() >= self.page
    }

    /// Writes the pages that are full.
    pub(crate) fn flush(&mut self) -> Result<()> {
        let mut done = 0;
        while let Some(page) = self.buffer.get(done..done + self.page) {
            self.work.check()?;
            let next = self.file.reserve()?;
            self.file.write(self.at, next, page)?;
            self.at = next;
            done += self.page;
        }
        self.work.count_spilled(done);
        self.buffer.drain(..done);
        // A long record does not keep its memory.
        self.buffer.shrink_to(2 * self.page);
        Ok(())
    }

    /// Writes the rest.
    pub(crate) fn finish(mut self) -> Result<Chain> {
        self.flush()?;
        self.file.write(self.at, NONE, &self.buffer)?;
        self.work.count_spilled(self.buffer.len());
        Ok(Chain { first: self.first, longest: self.longest, records: self.records, work: self.work })
    }
}

/// Reads a chain.
pub(crate) struct Reader {
    file: Arc<dyn SpillFile>,
    work: Work,
    next: u32,
    page: Vec<u8>,
    at: usize,
    /// A record that is in more than one page.
    record: Vec<u8>,
    /// Whether the pages stay, to be read again.
    stays: bool,
}

impl Chain {
    /// Reads it once: each page is free when it was read.
    pub(crate) fn into_reader(self) -> Result<Reader> {
        self.reading(false)
    }

    /// Reads it, and leaves it.
    pub(crate) fn reader(&self) -> Result<Reader> {
        self.reading(true)
    }

    fn reading(&self, stays: bool) -> Result<Reader> {
        let file = self.work.file()?;
        let (page, record) = (Vec::new(), Vec::new());
        Ok(Reader { file, work: self.work.clone(), next: self.first, page, at: 0, record, stays })
    }
}

impl Reader {
    /// The next record.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>> {
        while self.at >= self.page.len() {
            if self.next == NONE {
                return Ok(None);
            }
            self.turn()?;
        }
        let mut head = [0; 8];
        self.fill(&mut head)?;
        let len = usize::try_from(u64::from_le_bytes(head)).unwrap_or(usize::MAX);
        if self.page.len() - self.at >= len {
            let start = self.at;
            self.at += len;
            return Ok(self.page.get(start..start + len));
        }
        let mut record = std::mem::take(&mut self.record);
        record.clear();
        while record.len() < len {
            if self.at == self.page.len() {
                self.turn()?;
            }
            let end = self.page.len().min(self.at + (len - record.len()));
            record.extend_from_slice(self.page.get(self.at..end).unwrap_or_default());
            self.at = end;
        }
        self.record = record;
        Ok(Some(&self.record))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        for byte in bytes {
            while self.at >= self.page.len() {
                self.turn()?;
            }
            *byte = self.page.get(self.at).copied().unwrap_or_default();
            self.at += 1;
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<()> {
        self.work.check()?;
        if self.next == NONE {
            let message = "a temporary file ends within a record; please report it";
            return Err(Error::new(Kind::Internal, message));
        }
        let page = self.next;
        self.next = self.file.read(page, &mut self.page)?;
        self.at = 0;
        if !self.stays {
            self.file.release(page);
        }
        Ok(())
    }
}
