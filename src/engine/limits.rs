//! When an operation is to stop before it is done: its time is up, or its caller has lost interest. Looked at
//! between pages of a scan and between commits, never inside one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Kind, Result};

/// What a caller allows an operation.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Milliseconds from its submission; of a cursor, for all of its batches.
    pub max_time: Option<u64>,
    /// Set when nobody wants the answer any more.
    pub cancel: Option<Arc<AtomicBool>>,
}

/// The limits of an operation under way.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Milliseconds since 1970, by the clock of the store.
    deadline: Option<i64>,
    cancel: Option<Arc<AtomicBool>>,
}

impl Watch {
    /// Starts counting.
    pub fn start(limits: &Limits, now: i64) -> Watch {
        let deadline =
            limits.max_time.map(|time| now.saturating_add(i64::try_from(time).unwrap_or(i64::MAX)));
        Watch { deadline, cancel: limits.cancel.clone() }
    }

    /// The same with a deadline at most this many milliseconds from now.
    #[must_use]
    pub fn within(mut self, time: Option<u64>, now: i64) -> Watch {
        if self.deadline.is_none() {
            self.deadline = Watch::start(&Limits { max_time: time, cancel: None }, now).deadline;
        }
        self
    }

    /// Milliseconds left, where there is a deadline.
    pub fn left(&self, now: i64) -> Option<u64> {
        self.deadline.map(|deadline| u64::try_from(deadline.saturating_sub(now)).unwrap_or(0))
    }

    /// Refuses with `ABORTED` or `TIMEOUT` when it is time to stop.
    pub fn check(&self, now: impl FnOnce() -> i64) -> Result<()> {
        if self.cancel.as_ref().is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
            return Err(Error::new(Kind::Aborted, "the operation was aborted by its signal"));
        }
        if self.deadline.is_some_and(|deadline| now() >= deadline) {
            let message = "operation exceeded time limit; raise maxTimeMS or narrow the filter";
            return Err(Error::new(Kind::Timeout, message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_stops_at_its_deadline_or_when_cancelled() {
        let watch = Watch::start(&Limits { max_time: Some(10), cancel: None }, 100);
        assert!(watch.check(|| 109).is_ok());
        assert_eq!(watch.left(104), Some(6));
        assert_eq!(watch.check(|| 110).unwrap_err().kind(), Kind::Timeout);
        let cancel = Arc::new(AtomicBool::new(false));
        let watch = Watch::start(&Limits { max_time: None, cancel: Some(cancel.clone()) }, 0);
        assert!(watch.check(|| i64::MAX).is_ok());
        assert_eq!(watch.clone().within(Some(5), 10).left(12), Some(3));
        cancel.store(true, Ordering::Relaxed);
        assert_eq!(watch.check(|| 0).unwrap_err().kind(), Kind::Aborted);
    }
}
