//! What one operation may use: its time, and the memory of what it computes.
//!
//! Code that loops over values, in an expression, a stage, a filter or an update, counts its iterations with [`Work::step`];
//! code that keeps results counts their bytes with [`Work::hold`]. A step takes about as long as comparing or copying a
//! small value. The flags and the clock are checked every [`LOOK`] steps, in less than a millisecond.
//!
//! A refusal is final: once one call has failed, every later check fails with the same error. So a filter, which returns a
//! boolean, may return false where it was stopped; its caller calls [`Work::check`] before it relies on that.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::error::{Error, Kind, Result, codes};

pub mod disk;
mod hold;

pub use disk::{Disk, DiskUse, SpillFile, Spilled};
pub use hold::Hold;

/// Steps of a thread between two checks of the flags and the clock.
pub const LOOK: usize = 4_096;

/// The default limit of the bytes that one query may hold.
pub const QUERY_MEMORY: usize = 100 << 20;

/// Bytes that a holder takes or releases before its total is recorded.
const NOTED: usize = 64 << 10;

/// Milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// When an operation stops before it is done.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Milliseconds since 1970, by the clock of the work.
    pub deadline: Option<i64>,
    /// Set when the caller no longer wants the result.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Set when the database is being closed.
    pub closing: Option<Arc<AtomicBool>>,
}

impl Stop {
    /// Fails with `ABORTED`, `CLOSED` or `TIMEOUT` when it is time to stop.
    pub fn check(&self, now: impl FnOnce() -> i64) -> Result<()> {
        look_around();
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

/// The budget of one operation. Clones share it; the default one has no limits.
#[derive(Clone, Default)]
pub struct Work(Option<Arc<Inner>>);

struct Inner {
    clock: Clock,
    stop: Mutex<Stop>,
    memory: usize,
    held: AtomicUsize,
    /// Bytes of holders that write them to disk when they are too many. They refuse nothing to others.
    movable: AtomicUsize,
    disk: DiskUse,
    /// The file of the operation, once something was written.
    file: Mutex<Option<Arc<dyn SpillFile>>>,
    spills: AtomicU64,
    spilled: AtomicU64,
    /// About how many bytes each stage or operator holds. Locked once per [`NOTED`] bytes, and by a refusal.
    holders: Mutex<Vec<(&'static str, usize)>>,
    steps: AtomicU64,
    /// The number of steps after which it stops, whatever the time.
    fuse: u64,
    /// For tests: called with every step.
    #[cfg(test)]
    exact: AtomicU64,
    failed: OnceLock<Error>,
}

thread_local! {
    /// Steps of this thread since its last check, of any operation.
    static SINCE: Cell<usize> = const { Cell::new(0) };
}

/// Checks between two calls of the function of [`watching`]: the first ones are those of short work, which calls none.
const WATCHED: u32 = 16;

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

struct Watch {
    checks: u32,
    call: Box<dyn FnMut()>,
}

/// Runs work and calls a function now and then when this thread checks whether to stop. It is for a thread that only itself
/// can ask whether its caller still exists; the function then sets the flag that cancels the work.
pub fn watching<T>(watch: impl FnMut() + 'static, run: impl FnOnce() -> T) -> T {
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            WATCH.set(None);
        }
    }
    WATCH.set(Some(Watch { checks: 0, call: Box::new(watch) }));
    let _end = End;
    run()
}

/// Counts a check for [`watching`]. [`Stop::check`] does; a thread that waits for others, which check, calls this.
pub fn look_around() {
    WATCH.with(|watch| {
        if let Ok(mut watch) = watch.try_borrow_mut()
            && let Some(watch) = &mut *watch
        {
            watch.checks += 1;
            if watch.checks >= WATCHED {
                watch.checks = 0;
                (watch.call)();
            }
        }
    });
}

/// Makes this thread check after so many steps, and then every [`LOOK`] steps again.
pub fn look_after(steps: usize) {
    SINCE.set(LOOK.saturating_sub(steps));
}

impl Work {
    /// A budget with these conditions to stop, and this limit of bytes.
    pub fn new(clock: Clock, stop: Stop, memory: usize) -> Work {
        Work::with_fuse(clock, stop, memory, u64::MAX)
    }

    /// A budget that stops at the first check after so many steps: a deadline that does not depend on the machine.
    /// [`look_after`] sets when that check happens.
    pub fn of_steps(steps: u64, memory: usize) -> Work {
        Work::with_fuse(Arc::new(|| 0), Stop::default(), memory, steps)
    }

    fn with_fuse(clock: Clock, stop: Stop, memory: usize, fuse: u64) -> Work {
        Work(Some(Arc::new(Inner {
            clock,
            stop: Mutex::new(stop),
            memory,
            held: AtomicUsize::new(0),
            movable: AtomicUsize::new(0),
            disk: DiskUse::None,
            file: Mutex::default(),
            spills: AtomicU64::new(0),
            spilled: AtomicU64::new(0),
            holders: Mutex::default(),
            steps: AtomicU64::new(0),
            fuse,
            #[cfg(test)]
            exact: AtomicU64::new(0),
            failed: OnceLock::new(),
        })))
    }

    /// Replaces the conditions to stop: a cursor continues with another batch.
    pub fn stop_by(&self, stop: Stop) {
        if let Some(inner) = &self.0 {
            *inner.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop;
        }
    }

    /// Counts steps; fails when it is time to stop.
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

    /// Like `step` where no error can be returned: false when it is time to stop.
    #[inline]
    pub fn goes_on(&self, steps: usize) -> bool {
        self.step(steps).is_ok()
    }

    /// A result that was computed with [`Work::goes_on`]; an error if the computation was stopped.
    #[inline]
    pub fn believe<T>(&self, answer: T) -> Result<T> {
        match self.0.as_ref().and_then(|inner| inner.failed.get()) {
            Some(error) => Err(error.clone()),
            None => Ok(answer),
        }
    }

    /// Whether it was stopped: every later check fails.
    #[inline]
    pub fn has_failed(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.failed.get().is_some())
    }

    /// Checks the flags and the clock now.
    pub fn check(&self) -> Result<()> {
        self.0.as_ref().map_or(Ok(()), |inner| inner.look(0))
    }

    /// Counts bytes that are held as long as the budget exists; `LIMIT` when they are too many. `what` is the stage or
    /// operator that holds them.
    pub fn hold(&self, what: &'static str, bytes: usize) -> Result<()> {
        self.note(what, bytes, 0);
        self.count(what, bytes, bytes)
    }

    /// Counts bytes for a holder whose total is passed along.
    #[inline]
    fn count(&self, what: &str, bytes: usize, own: usize) -> Result<()> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let held = inner.held.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if held <= inner.memory { Ok(()) } else { Err(inner.too_much(what, own)) }
    }

    /// Records that a holder has taken or released bytes.
    fn note(&self, what: &'static str, more: usize, less: usize) {
        let Some(inner) = &self.0 else { return };
        let mut holders = inner.holders.lock().unwrap_or_else(PoisonError::into_inner);
        match holders.iter_mut().find(|(own, _)| *own == what) {
            Some((_, bytes)) => *bytes = bytes.saturating_add(more).saturating_sub(less),
            None => holders.push((what, more)),
        }
    }

    /// Whether so many more bytes could be held for a moment: for one evaluation, which counts its own bytes.
    #[inline]
    pub fn room(&self, what: &str, bytes: usize) -> Result<()> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let held = inner.held.load(Ordering::Relaxed).saturating_add(bytes);
        if held <= inner.memory { Ok(()) } else { Err(inner.too_much(what, bytes)) }
    }

    /// Releases bytes.
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
        self.0.as_ref().map_or(0, |inner| inner.all())
    }

    /// The limit of bytes.
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
    /// Bytes of all holders.
    fn all(&self) -> usize {
        self.held.load(Ordering::Relaxed).saturating_add(self.movable.load(Ordering::Relaxed))
    }

    #[cold]
    fn look(&self, steps: usize) -> Result<()> {
        if let Some(error) = self.failed.get() {
            SINCE.set(LOOK);
            return Err(error.clone());
        }
        let all = self.steps.fetch_add(steps as u64, Ordering::Relaxed).saturating_add(steps as u64);
        let looked = if all >= self.fuse {
            Err(Error::new(Kind::Timeout, "the steps of the operation are spent"))
        } else {
            self.stop.lock().unwrap_or_else(PoisonError::into_inner).check(|| (self.clock)())
        };
        // Once it was stopped, the next step fails as well: a filter that is stopped for one document is for all others.
        looked.map_err(|error| {
            SINCE.set(LOOK);
            self.fail(error)
        })
    }

    /// The error for one more allocation of this size; names the largest holder.
    #[cold]
    fn too_much(&self, what: &str, own: usize) -> Error {
        let holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        let most = holders.iter().max_by_key(|(_, bytes)| *bytes).filter(|(_, bytes)| *bytes > own);
        let what = most.map_or(what, |(holder, _)| holder);
        let refused = if matches!(self.disk, DiskUse::Refused) { ", and allowDiskUse is false" } else { "" };
        self.limited(format!(
            "{what} would hold more than {}{refused}; put a $match or a $project of fewer fields before it, a $limit after a $sort, or raise the option queryMemoryLimit",
            self.limit()
        ))
    }

    fn limit(&self) -> String {
        if self.memory >= 1 << 20 {
            format!("{} MiB", self.memory >> 20)
        } else {
            format!("{} bytes", self.memory)
        }
    }

    fn limited(&self, message: String) -> Error {
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
    fn a_watching_thread_can_cancel_its_own_work_and_watches_no_longer_than_that() {
        let flag = Arc::new(AtomicBool::new(false));
        let stop = Stop { cancel: Some(flag.clone()), ..Stop::default() };
        let work = Work::new(Arc::new(|| 0), stop.clone(), 100);
        let mut looks = 0;
        let watch = move || {
            looks += 1;
            flag.store(looks == 3, Ordering::Relaxed);
        };
        watching(watch, || {
            assert!((1..3 * WATCHED).all(|_| work.check().is_ok()));
            assert_eq!((0..=LOOK).find_map(|_| work.step(1).err()).unwrap().kind(), Kind::Aborted);
        });
        assert_eq!(stop.check(|| 0).unwrap_err().kind(), Kind::Aborted, "nothing has reset the flag");
    }

    #[test]
    fn work_of_few_steps_stops_at_the_check_after_them_and_not_before() {
        let work = Work::of_steps(1, 100);
        look_after(10);
        assert!((0..9).all(|_| work.goes_on(1)) && work.check().is_ok() && !work.has_failed());
        assert_eq!(work.step(1).unwrap_err().kind(), Kind::Timeout);
        assert!(work.has_failed() && work.check().is_err());
        assert!((0..9).all(|_| !work.goes_on(1)), "each step fails from then on");
        let other = Work::of_steps(u64::MAX, 100);
        assert!((0..LOOK * 2).all(|_| other.goes_on(1)), "other work on this thread goes on");
    }

    #[test]
    fn the_error_of_too_much_names_the_part_that_holds_the_most() {
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
    fn what_a_holder_can_move_to_disk_refuses_nothing_to_others_until_it_stays() {
        struct Nowhere;
        impl Disk for Nowhere {
            fn create(&self, _page: usize) -> Result<Arc<dyn SpillFile>> {
                Err(Error::new(Kind::Io, "nowhere"))
            }
        }
        let new = || Work::new(Arc::new(|| 0), Stop::default(), 1_000);
        let work = new().with_disk(DiskUse::Allowed(Arc::new(Nowhere)));
        let mut sort = Hold::movable("$sort", &work);
        sort.add(900).unwrap();
        assert!(!sort.is_over(0, usize::MAX) && sort.is_over(0, 899));
        let mut facet = Hold::new("$facet", &work);
        facet.add(500).unwrap();
        assert!(sort.is_over(0, usize::MAX) && !sort.is_over(900, usize::MAX) && work.is_crowded());
        sort.release(usize::MAX);
        assert_eq!((work.held(), sort.is_over(0, usize::MAX)), (500, false));
        sort.add(400).unwrap();
        sort.settle();
        assert_eq!(facet.add(200).unwrap_err().kind(), Kind::Limit);
        drop((sort, facet));
        assert_eq!(work.held(), 0);
        assert_eq!(work.file().err().map(|error| error.kind()), Some(Kind::Io));

        let refused = new().with_disk(DiskUse::Refused);
        let error = Hold::movable("$sort", &refused).add(1_001).unwrap_err();
        assert!(
            error
                .message()
                .starts_with("$sort would hold more than 1000 bytes, and allowDiskUse is false; put")
        );
        assert!(refused.refuses_disk() && !refused.spills() && !new().refuses_disk());
    }

    #[test]
    fn work_without_limits_goes_on() {
        let work = Work::default();
        assert!(work.step(usize::MAX).is_ok() && work.hold("", usize::MAX).is_ok() && work.check().is_ok());
    }
}
