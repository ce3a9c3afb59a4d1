//! Backpressure: writers reserve space in the commit queue before they take the commit lock, so that memory does not grow.

use super::interrupt::LOOK;
use super::locks::{Condvar, Mutex};
use crate::error::Result;

/// The limit of bytes that may be queued and not yet published.
pub(crate) struct Backpressure {
    limit: u64,
    used: Mutex<u64>,
    freed: Condvar,
}

impl Backpressure {
    /// A reservation of so many bytes.
    pub(crate) fn new(limit: u64) -> Backpressure {
        Backpressure { limit, used: Mutex::new(0), freed: Condvar::new() }
    }

    /// Reserves bytes, waiting for space. A request larger than the whole budget waits until it is alone. `drive` is called
    /// before waiting, because the queued frames may need this very thread to be written. Waiting ends with the error of
    /// `check`, which is called periodically.
    pub(crate) fn take(&self, bytes: u64, drive: impl Fn(), check: impl Fn() -> Result<()>) -> Result<()> {
        loop {
            let mut used = self.used.lock();
            if *used == 0 || *used + bytes <= self.limit {
                *used += bytes;
                return Ok(());
            }
            drop(used);
            drive();
            used = self.used.lock();
            if *used != 0 && *used + bytes > self.limit {
                self.freed.wait_for(&mut used, LOOK);
            }
            drop(used);
            check()?;
        }
    }

    /// Reserves bytes if there is space now.
    pub(crate) fn try_take(&self, bytes: u64) -> bool {
        let Some(mut used) = self.used.try_lock() else { return false };
        let fits = *used == 0 || *used + bytes <= self.limit;
        if fits {
            *used += bytes;
        }
        fits
    }

    /// Releases bytes.
    pub(crate) fn give(&self, bytes: u64) {
        *self.used.lock() -= bytes;
        self.freed.notify_all();
    }

    /// Bytes reserved.
    pub(crate) fn used(&self) -> u64 {
        *self.used.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_that_is_not_there_now_is_not_taken() {
        let budget = Backpressure::new(100);
        assert!(budget.try_take(80) && !budget.try_take(30) && budget.try_take(20));
        budget.give(80);
        assert!(budget.try_take(30));
        assert_eq!(budget.used(), 50);
        budget.give(50);
        assert!(budget.try_take(1_000), "alone, anything has room");
        assert!(!budget.try_take(1));
    }
}
