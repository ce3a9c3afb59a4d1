//! How far a long operation is.

use std::sync::atomic::{AtomicU64, Ordering};

/// Steps that are done, and steps that there are: bytes or documents, as the operation counts. One thread may read it while
/// others advance it.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// There are so many more steps.
    pub fn expect(&self, steps: u64) {
        self.total.fetch_add(steps, Ordering::Relaxed);
    }

    /// So many more steps are done.
    pub fn advance(&self, steps: u64) {
        self.done.fetch_add(steps, Ordering::Relaxed);
    }

    /// Steps that are done, and all steps. An operation may find more than it expected, so done is never above all.
    pub fn now(&self) -> (u64, u64) {
        let total = self.total.load(Ordering::Relaxed);
        (self.done.load(Ordering::Relaxed).min(total), total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn done_never_exceeds_the_total() {
        let progress = Progress::default();
        assert_eq!(progress.now(), (0, 0));
        progress.expect(3);
        progress.advance(2);
        assert_eq!(progress.now(), (2, 3));
        progress.advance(2);
        assert_eq!(progress.now(), (3, 3));
        progress.expect(4);
        assert_eq!(progress.now(), (4, 7));
    }
}
