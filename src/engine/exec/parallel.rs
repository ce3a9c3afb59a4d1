//! Work in numbered pieces on several threads, whose results are taken in the order of the numbers.
//!
//! The caller's thread works too, and is the only one that takes results, so they come in the same order as with one thread.
//! No thread runs ahead of the taken results by more than some pieces: the number of pending results is bounded.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::interrupt::LOOK;
use super::locks::{Condvar, Mutex};
use crate::error::{Error, Kind, Result};
use crate::work::look_around;

/// The maximum number of helpers of one piece of work: with more, scans wait for memory bandwidth.
const MOST_HELPERS: usize = 7;
/// Pieces per thread that may be running or waiting to be taken.
const AHEAD: u64 = 2;

/// Threads of this process that such work occupies now.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// Threads that may help the caller: cores that no other such work occupies. Released when dropped.
pub(crate) struct Workers {
    helpers: usize,
}

impl Workers {
    /// At most this many.
    pub(crate) fn reserve(most: u64) -> Workers {
        static CORES: OnceLock<usize> = OnceLock::new();
        let cores = *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from));
        let most = usize::try_from(most).unwrap_or(MOST_HELPERS).min(MOST_HELPERS);
        let free = |busy: usize| cores.saturating_sub(busy + 1).min(most);
        let before = BUSY
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |busy| Some(busy + 1 + free(busy)))
            .unwrap_or_default();
        Workers { helpers: free(before) }
    }

    /// Whether the caller has no helpers.
    pub(crate) fn is_empty(&self) -> bool {
        self.helpers == 0
    }

    #[cfg(test)]
    pub(crate) fn of(helpers: usize) -> Workers {
        BUSY.fetch_add(helpers + 1, Ordering::Relaxed);
        Workers { helpers }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        BUSY.fetch_sub(self.helpers + 1, Ordering::Relaxed);
    }
}

/// Executes the pieces `0..count` and takes the result of each in order, until one is an error or the caller ends it. `work`
/// should check the flag periodically: once it is set its result is not needed.
pub(crate) fn in_order<T: Send>(
    workers: &Workers,
    count: u64,
    work: impl Fn(u64, &AtomicBool) -> Result<T> + Sync,
    mut take: impl FnMut(T) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let window = AHEAD * (workers.helpers as u64 + 1);
    let line = Line {
        state: Mutex::default(),
        changed: Condvar::new(),
        over: AtomicBool::new(false),
        count,
        window,
    };
    if workers.is_empty() {
        for number in 0..count {
            if take(work(number, &line.over)?)?.is_break() {
                break;
            }
        }
        return Ok(());
    }
    std::thread::scope(|scope| {
        // However this ends, the helpers must be notified, or the scope would not end.
        let _over = Over(&line);
        for _ in 0..workers.helpers {
            // A thread that cannot be started is not necessary.
            let _none =
                std::thread::Builder::new().name("scan".to_owned()).spawn_scoped(scope, || line.help(&work));
        }
        line.lead(&work, &mut take)
    })
}

/// The distribution of the work.
struct Line<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    over: AtomicBool,
    count: u64,
    window: u64,
}

struct State<T> {
    /// The next piece that no thread has taken.
    next: u64,
    /// Pieces whose results were taken.
    taken: u64,
    /// The results from there on; `None` for running pieces.
    results: VecDeque<Option<Result<T>>>,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        State { next: 0, taken: 0, results: VecDeque::new() }
    }
}

/// The threads that share the work.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Takes results, and works while there are none to take.
    Caller,
    /// Only works.
    Helper,
}

enum Next<T> {
    Work(u64),
    Take(Result<T>),
    Leave,
}

struct Over<'l, T>(&'l Line<T>);

impl<T> Drop for Over<'_, T> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Release);
        // Under the lock, so that no thread checks the flag before and sleeps after.
        let _state = self.0.state.lock();
        self.0.changed.notify_all();
    }
}

impl<T: Send> Line<T> {
    fn next(&self, role: Role) -> Next<T> {
        let takes = role == Role::Caller;
        let mut state = self.state.lock();
        loop {
            if self.over.load(Ordering::Acquire) || (takes && state.taken == self.count) {
                return Next::Leave;
            }
            if takes
                && matches!(state.results.front(), Some(Some(_)))
                && let Some(result) = state.results.pop_front().flatten()
            {
                state.taken += 1;
                self.changed.notify_all();
                return Next::Take(result);
            }
            if state.next < self.count && state.next < state.taken + self.window {
                let number = state.next;
                state.next += 1;
                state.results.push_back(None);
                return Next::Work(number);
            }
            if !takes && state.next == self.count {
                return Next::Leave;
            }
            if takes {
                // The helpers check whether to stop, and cannot ask whether the caller of this thread still exists.
                self.changed.wait_for(&mut state, LOOK);
                look_around();
            } else {
                self.changed.wait(&mut state);
            }
        }
    }

    fn put(&self, number: u64, result: Result<T>) {
        let mut state = self.state.lock();
        let place = usize::try_from(number.saturating_sub(state.taken)).unwrap_or(usize::MAX);
        if let Some(slot) = state.results.get_mut(place) {
            *slot = Some(result);
        }
        self.changed.notify_all();
    }

    fn lead(
        &self,
        work: &impl Fn(u64, &AtomicBool) -> Result<T>,
        take: &mut impl FnMut(T) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        loop {
            match self.next(Role::Caller) {
                Next::Work(number) => self.put(number, work(number, &self.over)),
                Next::Take(result) => {
                    if take(result?)?.is_break() {
                        return Ok(());
                    }
                }
                Next::Leave => return Ok(()),
            }
        }
    }

    fn help(&self, work: &impl Fn(u64, &AtomicBool) -> Result<T>) {
        while let Next::Work(number) = self.next(Role::Helper) {
            // The caller waits for this result: a panic must become one.
            let result = catch_unwind(AssertUnwindSafe(|| work(number, &self.over))).unwrap_or_else(|_| {
                let message = "a scan failed in a way that is a defect of this package; please report it";
                Err(Error::new(Kind::Internal, message))
            });
            self.put(number, result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocked() -> Error {
        Error::new(Kind::Aborted, "enough")
    }

    fn squares(workers: &Workers, count: u64, last: u64) -> Result<Vec<u64>> {
        let mut taken = Vec::new();
        let work = |number: u64, _: &AtomicBool| {
            if number == 77 { Err(blocked()) } else { Ok(number * number) }
        };
        in_order(workers, count, work, |square| {
            taken.push(square);
            Ok(if square == last * last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(taken)
    }

    #[test]
    fn results_are_taken_in_order_on_any_number_of_threads() {
        for helpers in [0, 1, 3] {
            let workers = Workers::of(helpers);
            for count in [0, 1, 2, 50] {
                let expected: Vec<u64> = (0..count).map(|number| number * number).collect();
                assert_eq!(squares(&workers, count, u64::MAX >> 32).unwrap(), expected, "{helpers} {count}");
            }
            assert_eq!(squares(&workers, 1_000, 9).unwrap().len(), 10);
            assert_eq!(squares(&workers, 1_000, 500).unwrap_err().kind(), Kind::Aborted);
            // Pieces after the last one taken do not count.
            assert!(squares(&workers, 1_000, 76).is_ok());
        }
    }

    #[test]
    fn no_thread_runs_far_ahead_of_what_was_taken() {
        let workers = Workers::of(3);
        let (started, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |_: u64, _: &AtomicBool| {
            // `taken` is read first: what is taken meanwhile must not be subtracted from what had started.
            let gone = taken.load(Ordering::SeqCst);
            let ahead = started.fetch_add(1, Ordering::SeqCst) + 1 - gone;
            Ok(ahead)
        };
        in_order(&workers, 2_000, work, |ahead| {
            taken.fetch_add(1, Ordering::SeqCst);
            assert!(ahead <= 64, "{ahead} pieces were under way");
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
    }

    #[test]
    fn a_panic_of_a_helper_is_an_error_and_one_of_the_caller_ends_the_helpers() {
        let workers = Workers::of(2);
        let caller = std::thread::current().id();
        let helped = AtomicBool::new(false);
        let work = |_: u64, _: &AtomicBool| {
            if std::thread::current().id() != caller {
                helped.store(true, Ordering::SeqCst);
                panic!("on purpose");
            }
            while !helped.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            Ok(())
        };
        let outcome = in_order(&workers, 100, work, |()| Ok(ControlFlow::Continue(())));
        assert_eq!(outcome.unwrap_err().kind(), Kind::Internal);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            in_order(
                &workers,
                100,
                |number, _| Ok(number),
                |number| {
                    assert!(number < 5, "on purpose");
                    Ok(ControlFlow::Continue(()))
                },
            )
        }));
        assert!(outcome.is_err());
    }

    #[test]
    fn cores_that_are_taken_are_not_given_twice() {
        let _all = Workers::of(1_000);
        assert!(Workers::reserve(4).is_empty());
    }
}
