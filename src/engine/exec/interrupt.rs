//! When an operation is to stop before it is done: its time is up, its caller has lost interest, or the database closes.
//! Looked at between pages of a scan and between commits, never inside one; `work` is what loops in between look at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::Result;
use crate::work::{Clock, Stop, Work};

/// How long a wait for a lock or for memory lasts before the limits of the operation are checked again.
pub(crate) const LOOK: Duration = Duration::from_millis(10);

/// What a caller allows an operation.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Milliseconds from its submission; of a cursor, for all of its batches.
    pub max_time: Option<u64>,
    /// Set when nobody wants the answer any more.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Set when the operation begins. Before that nothing was done, and past its time nothing will be.
    pub begun: Option<Arc<AtomicBool>>,
}

/// The limits of an operation under way.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    stop: Stop,
    begun: Option<Arc<AtomicBool>>,
}

impl Watch {
    /// Starts counting.
    pub fn start(limits: &Limits, now: i64) -> Watch {
        let deadline =
            limits.max_time.map(|time| now.saturating_add(i64::try_from(time).unwrap_or(i64::MAX)));
        let stop = Stop { deadline, cancel: limits.cancel.clone(), closing: None };
        Watch { stop, begun: limits.begun.clone() }
    }

    /// The operation begins: its caller waits for its answer.
    pub fn begin(&self) {
        if let Some(begun) = &self.begun {
            begun.store(true, Ordering::Release);
        }
    }

    /// The same, stopped by this flag too, with `CLOSED`.
    #[must_use]
    pub fn until(mut self, closing: Arc<AtomicBool>) -> Watch {
        self.stop.closing = Some(closing);
        self
    }

    /// The same with a deadline at most this many milliseconds from now.
    #[must_use]
    pub fn within(mut self, time: Option<u64>, now: i64) -> Watch {
        if self.stop.deadline.is_none() {
            let limits = Limits { max_time: time, ..Limits::default() };
            self.stop.deadline = Watch::start(&limits, now).stop.deadline;
        }
        self
    }

    /// The same, ending when the other does where it has no deadline of its own.
    #[must_use]
    pub fn no_later_than(mut self, other: &Watch) -> Watch {
        self.stop.deadline = self.stop.deadline.or(other.stop.deadline);
        self
    }

    /// Milliseconds left, where there is a deadline.
    pub fn left(&self, now: i64) -> Option<u64> {
        self.stop.deadline.map(|deadline| u64::try_from(deadline.saturating_sub(now)).unwrap_or(0))
    }

    /// Refuses with `ABORTED`, `CLOSED` or `TIMEOUT` when it is time to stop.
    pub fn check(&self, now: impl FnOnce() -> i64) -> Result<()> {
        self.stop.check(now)
    }

    /// The operation's work: what its filter, update, projection or pipeline counts with.
    pub fn work(&self, clock: Clock, memory: usize) -> Work {
        Work::new(clock, self.stop.clone(), memory)
    }

    /// Work that began under other limits goes on under these.
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
        let watch = Watch::start(&Limits { max_time: Some(10), ..Limits::default() }, 100);
        assert!(watch.check(|| 109).is_ok());
        assert_eq!(watch.left(104), Some(6));
        assert_eq!(watch.check(|| 110).unwrap_err().kind(), Kind::Timeout);
        let cancel = Arc::new(AtomicBool::new(false));
        let watch = Watch::start(&Limits { cancel: Some(cancel.clone()), ..Limits::default() }, 0);
        assert!(watch.check(|| i64::MAX).is_ok());
        assert_eq!(watch.clone().within(Some(5), 10).left(12), Some(3));
        cancel.store(true, Ordering::Relaxed);
        assert_eq!(watch.check(|| 0).unwrap_err().kind(), Kind::Aborted);
        let watch = Watch::default().until(cancel);
        assert_eq!(watch.check(|| 0).unwrap_err().kind(), Kind::Closed);
    }
}
