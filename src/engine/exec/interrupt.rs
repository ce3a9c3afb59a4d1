//! When an operation stops before it is done: at its deadline, when its caller cancels it, or when the database closes.
//! Checked between pages of a scan and between commits; loops in between check their `Work`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::progress::Progress;
use crate::error::Result;
use crate::work::{Clock, Disk, DiskUse, Stop, Work};

/// How long a wait for a lock or for memory lasts before the limits of the operation are checked again.
pub(crate) const LOOK: Duration = Duration::from_millis(10);

/// The limits that a caller sets for an operation.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Milliseconds from the submission; for a cursor, of all its batches together.
    pub max_time: Option<u64>,
    /// Set when the caller no longer wants the result.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Set when the operation begins. If it does not begin within its time limit, it does nothing.
    pub begun: Option<Arc<AtomicBool>>,
    /// Where the operation says how far it is, if its caller wants to know.
    pub progress: Option<Arc<Progress>>,
    /// Nothing may be written to disk when memory is short.
    pub no_disk: bool,
    /// The validators of collections are not asked.
    pub unchecked: bool,
}

/// When a running operation stops: at its deadline, when its caller cancels it, or when its session closes.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    stop: Stop,
    begun: Option<Arc<AtomicBool>>,
    progress: Option<Arc<Progress>>,
    no_disk: bool,
    unchecked: bool,
}

impl Interrupt {
    /// Starts the time limit.
    pub fn start(limits: &Limits, now: i64) -> Interrupt {
        let deadline =
            limits.max_time.map(|time| now.saturating_add(i64::try_from(time).unwrap_or(i64::MAX)));
        let stop = Stop { deadline, cancel: limits.cancel.clone(), closing: None };
        let (begun, progress) = (limits.begun.clone(), limits.progress.clone());
        Interrupt { stop, begun, progress, no_disk: limits.no_disk, unchecked: limits.unchecked }
    }

    /// Whether the documents that it writes are stored though a validator refuses them.
    pub(crate) fn is_unchecked(&self) -> bool {
        self.unchecked
    }

    /// Marks the operation as begun: from now on its caller waits for its result.
    pub fn begin(&self) {
        if let Some(begun) = &self.begun {
            begun.store(true, Ordering::Release);
        }
    }

    /// The operation has so many more steps.
    pub fn expect(&self, steps: u64) {
        if let Some(progress) = &self.progress {
            progress.expect(steps);
        }
    }

    /// So many more steps are done.
    pub fn advance(&self, steps: u64) {
        if let Some(progress) = &self.progress {
            progress.advance(steps);
        }
    }

    /// Also stopped by this flag, with `CLOSED`.
    #[must_use]
    pub fn until(mut self, closing: Arc<AtomicBool>) -> Interrupt {
        self.stop.closing = Some(closing);
        self
    }

    /// With a deadline at most this many milliseconds from now.
    #[must_use]
    pub fn within(mut self, time: Option<u64>, now: i64) -> Interrupt {
        if self.stop.deadline.is_none() {
            let limits = Limits { max_time: time, ..Limits::default() };
            self.stop.deadline = Interrupt::start(&limits, now).stop.deadline;
        }
        self
    }

    /// With the deadline of the other where it has none.
    #[must_use]
    pub fn no_later_than(mut self, other: &Interrupt) -> Interrupt {
        self.stop.deadline = self.stop.deadline.or(other.stop.deadline);
        self
    }

    /// Milliseconds left, if there is a deadline.
    pub fn left(&self, now: i64) -> Option<u64> {
        self.stop.deadline.map(|deadline| u64::try_from(deadline.saturating_sub(now)).unwrap_or(0))
    }

    /// Fails with `ABORTED`, `CLOSED` or `TIMEOUT` when it is time to stop.
    pub fn check(&self, now: impl FnOnce() -> i64) -> Result<()> {
        self.stop.check(now)
    }

    /// The operation's budget: its filter, update, projection or pipeline counts against it.
    pub fn work(&self, clock: Clock, memory: usize, disk: Option<Arc<dyn Disk>>) -> Work {
        let disk = match disk {
            None => DiskUse::None,
            Some(_) if self.no_disk => DiskUse::Refused,
            Some(disk) => DiskUse::Allowed(disk),
        };
        Work::new(clock, self.stop.clone(), memory).with_disk(disk)
    }

    /// Puts a budget from an earlier call under these limits.
    pub fn take_over(&self, work: &Work) {
        work.stop_by(self.stop.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn an_operation_stops_at_its_deadline_or_when_cancelled() {
        let interrupt = Interrupt::start(&Limits { max_time: Some(10), ..Limits::default() }, 100);
        assert!(interrupt.check(|| 109).is_ok());
        assert_eq!(interrupt.left(104), Some(6));
        assert_eq!(interrupt.check(|| 110).unwrap_err().kind(), Kind::Timeout);
        let cancel = Arc::new(AtomicBool::new(false));
        let interrupt = Interrupt::start(&Limits { cancel: Some(cancel.clone()), ..Limits::default() }, 0);
        assert!(interrupt.check(|| i64::MAX).is_ok());
        assert_eq!(interrupt.clone().within(Some(5), 10).left(12), Some(3));
        cancel.store(true, Ordering::Relaxed);
        assert_eq!(interrupt.check(|| 0).unwrap_err().kind(), Kind::Aborted);
        let interrupt = Interrupt::default().until(cancel);
        assert_eq!(interrupt.check(|| 0).unwrap_err().kind(), Kind::Closed);
    }
}
