//! What one operation may spend: its time, and the memory of what it computes.
//!
//! Whatever loops over values, in an expression, a stage, a filter or an update, counts its rounds with [`Work::step`]; whatever
//! keeps what it made counts the bytes with [`Work::hold`]. A step is about what comparing or copying a small value takes; every
//! [`LOOK`] of them, less than a millisecond, the flags and the clock are looked at.
//!
//! A refusal stays: once one call failed, every later look fails with the same error. So a filter, which answers yes or no, may
//! answer no where it was stopped; its caller calls [`Work::check`] before it relies on the answer.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::error::{Error, Kind, Result, codes};

/// Steps that a thread makes between two looks at flags and clock.
pub const LOOK: usize = 4_096;

/// Bytes that one query may hold, where no option says otherwise.
pub const QUERY_MEMORY: usize = 100 << 20;

/// Bytes that a holder takes or releases between two notes of how much it has.
const NOTED: usize = 64 << 10;

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
    /// Who holds how much, about: one entry a stage or operator. Locked once in [`NOTED`] bytes, and by a refusal.
    holders: Mutex<Vec<(&'static str, usize)>>,
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
            holders: Mutex::default(),
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

    /// Counts bytes that stay for as long as the work does; `LIMIT` when they are too many. `what` is the stage or operator
    /// that keeps them.
    pub fn hold(&self, what: &'static str, bytes: usize) -> Result<()> {
        self.note(what, bytes, 0);
        self.count(what, bytes, bytes)
    }

    /// Counts bytes for a holder that has so many with them.
    #[inline]
    fn count(&self, what: &str, bytes: usize, own: usize) -> Result<()> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let held = inner.held.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if held <= inner.memory { Ok(()) } else { Err(inner.too_much(what, own)) }
    }

    /// Notes that a holder has so many bytes more and so many less.
    fn note(&self, what: &'static str, more: usize, less: usize) {
        let Some(inner) = &self.0 else { return };
        let mut holders = inner.holders.lock().unwrap_or_else(PoisonError::into_inner);
        match holders.iter_mut().find(|(own, _)| *own == what) {
            Some((_, bytes)) => *bytes = bytes.saturating_add(more).saturating_sub(less),
            None => holders.push((what, more)),
        }
    }

    /// Whether so many more bytes could be held for a moment: what one evaluation needs, which counts for itself.
    #[inline]
    pub fn room(&self, what: &str, bytes: usize) -> Result<()> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let held = inner.held.load(Ordering::Relaxed).saturating_add(bytes);
        if held <= inner.memory { Ok(()) } else { Err(inner.too_much(what, bytes)) }
    }

    /// Bytes that were held are not any more.
    pub fn release(&self, what: &'static str, bytes: usize) {
        self.note(what, 0, bytes);
        self.uncount(bytes);
    }

    fn uncount(&self, bytes: usize) {
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

    /// The refusal of what asks for more and has so many bytes; it names the holder of the most.
    #[cold]
    fn too_much(&self, what: &str, own: usize) -> Error {
        let holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        let most = holders.iter().max_by_key(|(_, bytes)| *bytes).filter(|(_, bytes)| *bytes > own);
        let what = most.map_or(what, |(holder, _)| holder);
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

/// Bytes that a stage or an operator holds for as long as this value lives.
#[derive(Debug)]
pub struct Hold {
    what: &'static str,
    work: Work,
    bytes: usize,
    /// Those of them that the work has a note of.
    noted: usize,
}

impl Hold {
    /// Nothing yet, for the stage or operator of this name.
    pub fn new(what: &'static str, work: &Work) -> Hold {
        Hold { what, work: work.clone(), bytes: 0, noted: 0 }
    }

    /// The work that it counts against.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// So many more; `LIMIT` when they are too many.
    #[inline]
    pub fn add(&mut self, bytes: usize) -> Result<()> {
        self.bytes += bytes;
        if self.bytes.abs_diff(self.noted) >= NOTED {
            self.note();
        }
        self.work.count(self.what, bytes, self.bytes)
    }

    /// So many fewer.
    pub fn release(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        if self.bytes.abs_diff(self.noted) >= NOTED {
            self.note();
        }
        self.work.uncount(bytes);
    }

    #[cold]
    fn note(&mut self) {
        self.work.note(self.what, self.bytes, self.noted);
        self.noted = self.bytes;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.work.uncount(self.bytes);
        if self.noted > 0 {
            self.work.note(self.what, 0, self.noted);
        }
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
            let mut hold = Hold::new("$group", &work);
            hold.add(QUERY_MEMORY).unwrap();
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
    fn too_much_names_whoever_holds_the_most_at_that_time() {
        let new = || Work::new(Arc::new(|| 0), Stop::default(), 10 * NOTED);
        let told = |result: Result<()>| result.unwrap_err().message().split(' ').next().unwrap().to_owned();
        let work = new();
        let (mut sort, mut group) = (Hold::new("$sort", &work), Hold::new("$group", &work));
        sort.add(6 * NOTED).unwrap();
        group.add(3 * NOTED).unwrap();
        assert_eq!(told(group.add(2 * NOTED)), "$sort");

        let work = new();
        let mut sort = Hold::new("$sort", &work);
        sort.add(6 * NOTED).unwrap();
        sort.release(5 * NOTED);
        let mut parts: Vec<Hold> = (0..3).map(|_| Hold::new("$group", &work)).collect();
        parts.iter_mut().for_each(|part| part.add(2 * NOTED).unwrap());
        assert_eq!(told(work.room("$map", 4 * NOTED)), "$group", "what threads hold is one sum");
        assert_eq!(told(new().room("$map", 11 * NOTED)), "$map");

        let work = new();
        drop({
            let mut gone = Hold::new("$sort", &work);
            gone.add(9 * NOTED).unwrap();
            gone
        });
        work.hold("$documents", 6 * NOTED).unwrap();
        assert_eq!(told(work.room("$map", 5 * NOTED)), "$documents");
    }

    #[test]
    fn work_without_limits_goes_on() {
        let work = Work::default();
        assert!(work.step(usize::MAX).is_ok() && work.hold("", usize::MAX).is_ok() && work.check().is_ok());
    }
}
