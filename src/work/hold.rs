//! The bytes that one stage or operator holds.

use std::sync::atomic::Ordering;

use super::{NOTED, Work};
use crate::error::Result;

/// The bytes that a stage or operator holds as long as this value lives.
#[derive(Debug)]
pub struct Hold {
    what: &'static str,
    work: Work,
    bytes: usize,
    /// Those that are recorded in the budget.
    noted: usize,
    /// Of a holder that writes to disk what is too much: those that others see.
    movable: Option<Shown>,
}

/// Movable bytes are shown to other holders in steps, so that threads do not write to one counter with each document.
#[derive(Clone, Copy, Debug)]
struct Shown {
    bytes: usize,
    step: usize,
}

impl Hold {
    /// No bytes yet, for the stage or operator of this name.
    pub fn new(what: &'static str, work: &Work) -> Hold {
        Hold { what, work: work.clone(), bytes: 0, noted: 0, movable: None }
    }

    /// The same for a holder that looks at [`Hold::is_over`] after it has added something, and then writes to disk what it
    /// holds. Where nothing can be written to disk it is [`Hold::new`].
    pub fn movable(what: &'static str, work: &Work) -> Hold {
        let mut hold = Hold::new(what, work);
        hold.movable = work.spills().then(|| Shown { bytes: 0, step: NOTED.min(work.memory() / 256) });
        hold
    }

    /// Whether what it holds is to be written to disk: more than `most`, or more than `least` while the operation holds too
    /// much.
    #[inline]
    pub fn is_over(&self, least: usize, most: usize) -> bool {
        let Some(inner) = &self.work.0 else { return false };
        self.movable.is_some() && (self.bytes > most || (self.bytes > least && inner.all() > inner.memory))
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// From now on what it holds stays in memory.
    pub fn settle(&mut self) {
        let Some(inner) = &self.work.0 else { return };
        if let Some(shown) = self.movable.take() {
            inner.held.fetch_add(self.bytes, Ordering::Relaxed);
            inner.movable.fetch_sub(shown.bytes, Ordering::Relaxed);
        }
    }

    /// `LIMIT` when this holder, which cannot be divided any further, holds more than the operation may.
    pub fn check_alone(&self) -> Result<()> {
        let Some(inner) = &self.work.0 else { return Ok(()) };
        if self.bytes <= inner.memory { Ok(()) } else { Err(inner.too_much_of_one(self.what)) }
    }

    /// The budget that it counts against.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// Adds bytes; `LIMIT` when they are too many.
    #[inline]
    pub fn add(&mut self, bytes: usize) -> Result<()> {
        self.bytes += bytes;
        if self.bytes.abs_diff(self.noted) >= NOTED {
            self.note();
        }
        if self.movable.is_some() {
            self.show();
            return Ok(());
        }
        self.work.count(self.what, bytes, self.bytes)
    }

    /// Removes bytes.
    pub fn release(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        if self.bytes.abs_diff(self.noted) >= NOTED {
            self.note();
        }
        if self.movable.is_some() {
            self.show();
        } else {
            self.work.uncount(bytes);
        }
    }

    #[inline]
    fn show(&mut self) {
        let (Some(shown), Some(inner)) = (&mut self.movable, &self.work.0) else { return };
        if self.bytes.abs_diff(shown.bytes) < shown.step {
            return;
        }
        if self.bytes > shown.bytes {
            inner.movable.fetch_add(self.bytes - shown.bytes, Ordering::Relaxed);
        } else {
            inner.movable.fetch_sub(shown.bytes - self.bytes, Ordering::Relaxed);
        }
        shown.bytes = self.bytes;
    }

    #[cold]
    fn note(&mut self) {
        self.work.note(self.what, self.bytes, self.noted);
        self.noted = self.bytes;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        match (self.movable, &self.work.0) {
            (Some(shown), Some(inner)) => _ = inner.movable.fetch_sub(shown.bytes, Ordering::Relaxed),
            _ => self.work.uncount(self.bytes),
        }
        if self.noted > 0 {
            self.work.note(self.what, 0, self.noted);
        }
    }
}
