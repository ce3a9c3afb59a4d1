//! Room in the commit queue: writers wait for it before the commit lock, so that memory does not grow.

use parking_lot::{Condvar, Mutex};

use super::interrupt::LOOK;
use crate::error::Result;

/// Bytes that may be queued and not yet published.
pub struct Backpressure {
    limit: u64,
    used: Mutex<u64>,
    freed: Condvar,
}

impl Backpressure {
    /// Room for this many bytes.
    pub fn new(limit: u64) -> Backpressure {
        Backpressure { limit, used: Mutex::new(0), freed: Condvar::new() }
    }

    /// Takes room, waiting for it. Something larger than the whole budget waits until it is alone. `drive`
    /// is called before waiting: what is queued may need this very thread to be written. PublishWaiters ends with what `check`
    /// says, which is asked now and then.
    pub fn take(&self, bytes: u64, drive: impl Fn(), check: impl Fn() -> Result<()>) -> Result<()> {
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

    /// Takes room if it is there now.
    pub fn try_take(&self, bytes: u64) -> bool {
        let Some(mut used) = self.used.try_lock() else { return false };
        let fits = *used == 0 || *used + bytes <= self.limit;
        if fits {
            *used += bytes;
        }
        fits
    }

    /// Gives room back.
    pub fn give(&self, bytes: u64) {
        *self.used.lock() -= bytes;
        self.freed.notify_all();
    }

    /// Bytes taken.
    pub fn used(&self) -> u64 {
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
