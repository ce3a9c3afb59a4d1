//! Work on a thread that must not wait: the JavaScript thread, which commits small writes itself when that takes
//! microseconds, and finds the few documents of a small query.
//!
//! [`nonblocking`] opens a scope on its thread. Inside it every place of the commit path that could wait asks
//! [`would_block`] first: a lock that is held, a full queue, a document on disk or of some size, a file to begin, an fsync
//! under way. It then fails instead of waiting, the scope notes it, and [`nonblocking`] answers `None`: whatever the
//! operation made of that error is thrown away, and the caller runs it again where waiting is allowed.
//!
//! That is sound because nothing was committed: a refusal comes before the last step of a commit, and ends the scope's
//! commits. A scope runs one operation that makes one commit at most.
//!
//! What computes, as expressions do, counts with [`nonblocking_work`]: past some hundred steps it is refused as well.

use std::cell::{Cell, RefCell};

use crate::error::{Error, Kind, Result};
use crate::work::{Work, look_after};

/// Bytes of a document or of an operation that may be worked on at most.
pub const NONBLOCKING_BYTES: usize = 16 << 10;
/// Documents or entries that a find may look at.
pub const NONBLOCKING_DOCUMENTS: usize = 256;
/// Bytes of documents that a find may look at in one go.
pub const NONBLOCKING_READ: usize = 128 << 10;

/// Steps of work that an operation may take, some tens of microseconds.
const NONBLOCKING_STEPS: usize = 512;
/// Bytes that it may hold meanwhile.
const NONBLOCKING_MEMORY: usize = 1 << 20;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// None is open: waiting is allowed.
    None,
    /// Nothing had to wait so far.
    Open,
    /// Something would have had to wait.
    Refused,
}

thread_local! {
    static SCOPE: Cell<Scope> = const { Cell::new(Scope::None) };
    /// The work of what runs inside the scopes of this thread. Kept from one to the next, since making one costs as much as a
    /// small step of a commit, until an operation has spent it.
    static WORK: RefCell<Work> = RefCell::new(brief());
}

fn brief() -> Work {
    Work::of_steps(1, NONBLOCKING_MEMORY)
}

fn is_spent() -> bool {
    WORK.with_borrow(Work::has_failed)
}

/// Ends the scope also when the work panics.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        SCOPE.set(Scope::None);
    }
}

/// Runs an operation that makes one commit at most, without waiting. `None`: it would have had to wait, and nothing
/// was committed.
pub fn nonblocking<T>(work: impl FnOnce() -> T) -> Option<T> {
    WORK.with_borrow_mut(|own| {
        if own.has_failed() || own.held() > 0 {
            *own = brief();
        }
    });
    look_after(NONBLOCKING_STEPS);
    SCOPE.set(Scope::Open);
    let _end = End;
    let result = work();
    (SCOPE.get() == Scope::Open && !is_spent()).then_some(result)
}

/// The work of the operation, inside a scope.
pub fn nonblocking_work() -> Option<Work> {
    is_nonblocking().then(|| WORK.with_borrow(Work::clone))
}

/// Whether waiting is refused here.
pub fn is_nonblocking() -> bool {
    SCOPE.get() != Scope::None
}

/// What fails instead of waiting, when `waits`, in a scope; once refused, everything that asks is.
pub fn would_block(waits: impl FnOnce() -> bool) -> Result<()> {
    match SCOPE.get() {
        Scope::None => Ok(()),
        // A filter that was stopped says no: nothing is committed on its word.
        Scope::Open if !waits() && !is_spent() => Ok(()),
        _ => Err(blocked()),
    }
}

/// Bytes of documents that may be looked at before [`blocked`] is due.
pub fn nonblocking_bytes() -> usize {
    if is_nonblocking() { NONBLOCKING_READ } else { usize::MAX }
}

/// Notes that something would have had to wait, and answers what fails for it.
pub fn blocked() -> Error {
    SCOPE.set(Scope::Refused);
    Error::new(Kind::Internal, "an operation that must not wait would have had to; please report it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn waiting_is_allowed_outside_a_scope_and_refused_inside_for_good() {
        assert!(would_block(|| true).is_ok() && !is_nonblocking());
        assert_eq!(nonblocking(|| would_block(|| false).is_ok()), Some(true));
        let after = nonblocking(|| {
            assert!(would_block(|| true).is_err());
            assert!(would_block(|| false).is_err());
        });
        assert!(after.is_none());
        assert!(would_block(|| true).is_ok());
    }

    #[test]
    fn an_operation_that_takes_many_steps_or_much_memory_is_refused_and_the_next_one_is_not() {
        for _ in 0..2 {
            let steps = |steps: usize| {
                nonblocking(|| {
                    let work = nonblocking_work().unwrap();
                    (0..steps).all(|_| work.goes_on(1)) && would_block(|| false).is_ok()
                })
            };
            assert_eq!(steps(NONBLOCKING_STEPS - 1), Some(true));
            assert_eq!(steps(NONBLOCKING_STEPS), None);
            assert!(
                nonblocking(|| nonblocking_work().unwrap().hold("", NONBLOCKING_MEMORY + 1).is_err())
                    .is_none()
            );
            assert_eq!(
                nonblocking(|| nonblocking_work().unwrap().hold("", NONBLOCKING_MEMORY).is_ok()),
                Some(true)
            );
        }
        assert!(nonblocking_work().is_none());
    }

    #[test]
    fn a_panic_ends_the_scope() {
        let panicked = catch_unwind(AssertUnwindSafe(|| nonblocking(|| -> () { panic!("a defect") })));
        assert!(panicked.is_err() && !is_nonblocking());
    }
}
