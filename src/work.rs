//! What one operation may spend: its time, and the memory of what it computes.
//!
//! Whatever loops over values, in an expression, a stage, a filter or an update, counts its rounds with [`Work::step`]; whatever
//! keeps what it made counts the bytes with [`Work::hold`]. A step is about what comparing or copying a small value takes; every
//! [`LOOK`] of them, less than a millisecond, the flags and the clock are looked at.
//!
//! A refusal stays: once one call failed, every later look fails with the same error. So a filter, which answers yes or no, may
//! answer no where it was stopped; whoever drives it asks [`Work::check`] before it believes the answer.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::error::{Error, Kind, Result, codes};

/// Steps that a thread makes between two looks at flags and clock.
pub const LOOK: usize = 4_096;

/// Bytes that one query may hold, where no option says otherwise.
pub const QUERY_MEMORY: usize = 100 << 20;

/// Milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// When an operation is to stop before it is done.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Milliseconds since 1970, by the clock of the work.
    pub deadline: Option<i64>,
    /// Set when nobody wants the answer any more.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Set when the database is being closed.
    pub closing: Option<Arc<AtomicBool>>,
}

impl Stop {
    /// Refuses with `ABORTED`, `CLOSED` or `TIMEOUT` when it is time to stop.
    pub fn check(&self, now: impl FnOnce() -> i64) -> Result<()> {
        let is_set =
            |flag: &Option<Arc<AtomicBool>>| flag.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed));
        if is_set(&self.cancel) {
            return Err(Error::new(Kind::Aborted, "the operation was aborted by its signal"));
        }
        if is_set(&self.closing) {
            return Err(Error::new(Kind::Closed, "the database was closed while the operation ran"));
        }
        if self.deadline.is_some_and(|deadline| now() >= deadline) {
            let message = "operation exceeded time limit; raise maxTimeMS or narrow the filter";
            return Err(Error::new(Kind::Timeout, message));
        }
        Ok(())
    }
}

/// The work of one operation. Clones count together; the default one has no limits.
#[derive(Clone, Default)]
pub struct Work(Option<Arc<Inner>>);

struct Inner {
    clock: Clock,
    stop: Mutex<Stop>,
    memory: usize,
    held: AtomicUsize,
    steps: AtomicU64,
    /// The steps after which it stops, whatever the time.
    fuse: u64,
    /// For tests: every step as it is counted.
    #[cfg(test)]
    exact: AtomicU64,
    failed: OnceLock<Error>,
}

thread_local! {
    /// Steps of this thread since it looked last, of whichever work.
    static SINCE: Cell<usize> = const { Cell::new(0) };
}

/// This thread looks after so many steps, and then every [`LOOK`] of them as ever.
pub fn look_after(steps: usize) {
    SINCE.set(LOOK.saturating_sub(steps));
}

impl Work {
    /// Work that stops so, and holds at most so many bytes.
    pub fn new(clock: Clock, stop: Stop, memory: usize) -> Work {
        Work::with_fuse(clock, stop, memory, u64::MAX)
    }

    /// Work that stops at the first look after so many steps: a deadline that no slow machine moves. [`look_after`] says when
    /// that look comes.
    pub fn of_steps(steps: u64, memory: usize) -> Work {
        Work::with_fuse(Arc::new(|| 0), Stop::default(), memory, steps)
    }

    fn with_fuse(clock: Clock, stop: Stop, memory: usize, fuse: u64) -> Work {
        Work(Some(Arc::new(Inner {
            clock,
            stop: Mutex::new(stop),
            memory,
            held: AtomicUsize::new(0),
            steps: AtomicU64::new(0),
            fuse,
            #[cfg(test)]
            exact: AtomicU64::new(0),
            failed: OnceLock::new(),
        })))
    }

    /// From now on it stops so: a cursor goes on with another batch.
    pub fn stop_by(&self, stop: Stop) {
        if let Some(inner) = &self.0 {
            *inner.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop;
        }
    }

    /// Counts steps; an error when it is time to stop.
    #[inline]
    pub fn step(&self, steps: usize) -> Result<()> {
        let Some(inner) = &self.0 else { return Ok(()) };
        #[cfg(test)]
        inner.exact.fetch_add(steps as u64, Ordering::Relaxed);
        let since = SINCE.get().saturating_add(steps);
        if since < LOOK {
            SINCE.set(since);
            return Ok(());
        }
        SINCE.set(0);
        inner.look(since)
    }

    /// The same where there is nobody to tell: false when it is time to stop.
    #[inline]
    pub fn goes_on(&self, steps: usize) -> bool {
        self.step(steps).is_ok()
    }

    /// An answer that was found by way of [`Work::goes_on`], unless it was found by being stopped.
    #[inline]
    pub fn believe<T>(&self, answer: T) -> Result<T> {
        match self.0.as_ref().and_then(|inner| inner.failed.get()) {
            Some(error) => Err(error.clone()),
            None => Ok(answer),
        }
    }

    /// Whether it was stopped: every later look fails.
    #[inline]
    pub fn has_failed(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.failed.get().is_some())
    }

    /// Looks at flags and clock now.
    pub fn check(&self) -> Result<()> {
        self.0.as_ref().map_or(Ok(()), |inner| inner.look(0))
    }

    /// Counts bytes that stay until they are released; `LIMIT` when they are too many. `what` is the stage or operator that
    /// keeps them.
    #[inline]
    pub fn hold(&self, what: &str, bytes: usize) -> Result<()> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let held = inner.held.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if held <= inner.memory { Ok(()) } else { Err(inner.too_much(what)) }
    }

    /// Whether so many more bytes could be held for a moment: what one evaluation needs, which counts for itself.
    #[inline]
    pub fn room(&self, what: &str, bytes: usize) -> Result<()> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let held = inner.held.load(Ordering::Relaxed).saturating_add(bytes);
        if held <= inner.memory { Ok(()) } else { Err(inner.too_much(what)) }
    }

    /// Bytes that were held are not any more.
    pub fn release(&self, bytes: usize) {
        if let Some(inner) = &self.0 {
            inner.held.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// Bytes held.
    pub fn held(&self) -> usize {
        self.0.as_ref().map_or(0, |inner| inner.held.load(Ordering::Relaxed))
    }

    /// Bytes that it may hold.
    pub fn memory(&self) -> usize {
        self.0.as_ref().map_or(usize::MAX, |inner| inner.memory)
    }

    /// Steps counted so far.
    #[cfg(test)]
    pub fn steps(&self) -> u64 {
        self.0.as_ref().map_or(0, |inner| inner.exact.load(Ordering::Relaxed))
    }
}

impl Inner {
    #[cold]
    fn look(&self, steps: usize) -> Result<()> {
        if let Some(error) = self.failed.get() {
            return Err(error.clone());
        }
        let all = self.steps.fetch_add(steps as u64, Ordering::Relaxed).saturating_add(steps as u64);
        let looked = if all >= self.fuse {
            Err(Error::new(Kind::Timeout, "the steps of the operation are spent"))
        } else {
            self.stop.lock().unwrap_or_else(PoisonError::into_inner).check(|| (self.clock)())
        };
        looked.map_err(|error| self.fail(error))
    }

    #[cold]
    fn too_much(&self, what: &str) -> Error {
        let (limit, unit) =
            if self.memory >= 1 << 20 { (self.memory >> 20, "MiB") } else { (self.memory, "bytes") };
        let message = format!(
            "{what} would hold more than {limit} {unit}; put a $match or a $project of fewer fields before it, a $limit behind a $sort, or raise the option queryMemoryLimit"
        );
        self.fail(Error::new(Kind::Limit, message).with_code(codes::QUERY_EXCEEDED_MEMORY_LIMIT))
    }

    fn fail(&self, error: Error) -> Error {
        self.failed.get_or_init(|| error).clone()
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("held", &self.held()).finish()
    }
}

/// Bytes held for as long as this value lives.
#[derive(Debug, Default)]
pub struct Hold {
    work: Work,
    bytes: usize,
}

impl Hold {
    /// Nothing yet.
    pub fn new(work: &Work) -> Hold {
        Hold { work: work.clone(), bytes: 0 }
    }

    /// The work that it counts against.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// So many more.
    #[inline]
    pub fn add(&mut self, what: &str, bytes: usize) -> Result<()> {
        self.bytes += bytes;
        self.work.hold(what, bytes)
    }

    /// So many fewer.
    pub fn release(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.work.release(bytes);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.work.release(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use super::*;

    #[test]
    fn work_stops_at_its_deadline_when_cancelled_and_when_the_database_closes() {
        let clock = Arc::new(AtomicI64::new(0));
        let (time, flag) = (clock.clone(), Arc::new(AtomicBool::new(false)));
        let stop = Stop { deadline: Some(10), cancel: None, closing: Some(flag.clone()) };
        let work = Work::new(Arc::new(move || time.load(Ordering::Relaxed)), stop, 100);
        assert!((0..LOOK * 3).all(|_| work.goes_on(1)));
        clock.store(10, Ordering::Relaxed);
        let error = (0..=LOOK).find_map(|_| work.step(1).err()).unwrap();
        assert_eq!(error.kind(), Kind::Timeout);
        clock.store(0, Ordering::Relaxed);
        assert_eq!(work.check().unwrap_err().kind(), Kind::Timeout, "a refusal stays");

        let stop = Stop { closing: Some(flag.clone()), ..Stop::default() };
        let work = Work::new(Arc::new(|| 0), stop, 100);
        assert!(work.check().is_ok());
        flag.store(true, Ordering::Relaxed);
        assert_eq!(work.check().unwrap_err().kind(), Kind::Closed);
        let work = Work::new(Arc::new(|| 0), Stop { cancel: Some(flag), ..Stop::default() }, 100);
        assert_eq!(work.check().unwrap_err().kind(), Kind::Aborted);
    }

    #[test]
    fn too_much_is_an_error_that_names_the_stage_the_limit_and_the_option() {
        let work = Work::new(Arc::new(|| 0), Stop::default(), QUERY_MEMORY);
        {
            let mut hold = Hold::new(&work);
            hold.add("$group", QUERY_MEMORY).unwrap();
            hold.release(1);
            work.room("$sort", 1).unwrap();
        }
        assert_eq!(work.held(), 0);
        work.hold("$group", QUERY_MEMORY).unwrap();
        let error = work.hold("$group", 1).unwrap_err();
        assert_eq!(error.kind(), Kind::Limit);
        assert!(error.message().starts_with("$group would hold more than 100 MiB; put a $match"), "{error}");
        assert!(error.message().ends_with("raise the option queryMemoryLimit"), "{error}");
        assert_eq!(work.check().unwrap_err().kind(), Kind::Limit);
    }

    #[test]
    fn work_of_few_steps_stops_at_the_look_after_them_and_not_when_it_is_asked_before() {
        let work = Work::of_steps(1, 100);
        look_after(10);
        assert!((0..9).all(|_| work.goes_on(1)) && work.check().is_ok() && !work.has_failed());
        assert_eq!(work.step(1).unwrap_err().kind(), Kind::Timeout);
        assert!(work.has_failed() && work.check().is_err());
    }

    #[test]
    fn work_without_limits_goes_on() {
        let work = Work::default();
        assert!(work.step(usize::MAX).is_ok() && work.hold("", usize::MAX).is_ok() && work.check().is_ok());
    }
}
