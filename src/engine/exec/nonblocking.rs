//! Work on a thread that must not wait: the JavaScript thread, which commits small writes itself when that takes
//! microseconds, and finds the few documents of a small query.
//!
//! [`promptly`] opens a scope on its thread. Inside it every place of the commit path that could wait asks
//! [`refuse`] first: a lock that is held, a full queue, a document on disk or of some size, a file to begin, an fsync
//! under way. It then fails instead of waiting, the scope notes it, and [`promptly`] answers `None`: whatever the
//! operation made of that error is thrown away, and the caller runs it again where waiting is allowed.
//!
//! That is sound because nothing was committed: a refusal comes before the last step of a commit, and ends the scope's
//! commits. Whoever opens a scope runs one operation that makes one commit at most.
//!
//! What computes, as expressions do, counts with [`prompt_work`]: past some hundred steps it is refused as well.

use std::cell::{Cell, RefCell};

use crate::error::{Error, Kind, Result};
use crate::work::{Work, look_after};

/// Bytes of a document or of an operation that may be worked on at most.
pub const PROMPT_BYTES: usize = 16 << 10;
/// Documents or entries that a find may look at.
pub const PROMPT_DOCUMENTS: usize = 256;
/// Bytes of documents that a find may look at in one go.
pub const PROMPT_READ: usize = 128 << 10;

/// Steps of work that an operation may take, some tens of microseconds.
const PROMPT_STEPS: usize = 512;
/// Bytes that it may hold meanwhile.
const PROMPT_MEMORY: usize = 1 << 20;

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
    Work::of_steps(1, PROMPT_MEMORY)
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
pub fn promptly<T>(work: impl FnOnce() -> T) -> Option<T> {
    WORK.with_borrow_mut(|own| {
        if own.has_failed() || own.held() > 0 {
            *own = brief();
        }
    });
    look_after(PROMPT_STEPS);
    SCOPE.set(Scope::Open);
    let _end = End;
    let result = work();
    (SCOPE.get() == Scope::Open && !is_spent()).then_some(result)
}

/// The work of the operation, inside a scope.
pub fn prompt_work() -> Option<Work> {
    must_be_prompt().then(|| WORK.with_borrow(Work::clone))
}

/// Whether waiting is refused here.
pub fn must_be_prompt() -> bool {
    SCOPE.get() != Scope::None
}

/// What fails instead of waiting, when `waits`, in a scope; once refused, everything that asks is.
pub fn refuse(waits: impl FnOnce() -> bool) -> Result<()> {
    match SCOPE.get() {
        Scope::None => Ok(()),
        // A filter that was stopped says no: nothing is committed on its word.
        Scope::Open if !waits() && !is_spent() => Ok(()),
        _ => Err(refusal()),
    }
}

/// Bytes of documents that may be looked at before [`refusal`] is due.
pub fn prompt_room() -> usize {
    if must_be_prompt() { PROMPT_READ } else { usize::MAX }
}

/// Notes that something would have had to wait, and answers what fails for it.
pub fn refusal() -> Error {
    SCOPE.set(Scope::Refused);
    Error::new(Kind::Internal, "an operation that must not wait would have had to; please report it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn waiting_is_allowed_outside_a_scope_and_refused_inside_for_good() {
        assert!(refuse(|| true).is_ok() && !must_be_prompt());
        assert_eq!(promptly(|| refuse(|| false).is_ok()), Some(true));
        let after = promptly(|| {
            assert!(refuse(|| true).is_err());
            assert!(refuse(|| false).is_err());
        });
        assert!(after.is_none());
        assert!(refuse(|| true).is_ok());
    }

    #[test]
    fn an_operation_that_takes_many_steps_or_much_memory_is_refused_and_the_next_one_is_not() {
        for _ in 0..2 {
            let steps = |steps: usize| {
                promptly(|| {
                    let work = prompt_work().unwrap();
                    (0..steps).all(|_| work.goes_on(1)) && refuse(|| false).is_ok()
                })
            };
            assert_eq!(steps(PROMPT_STEPS - 1), Some(true));
            assert_eq!(steps(PROMPT_STEPS), None);
            assert!(promptly(|| prompt_work().unwrap().hold("", PROMPT_MEMORY + 1).is_err()).is_none());
            assert_eq!(promptly(|| prompt_work().unwrap().hold("", PROMPT_MEMORY).is_ok()), Some(true));
        }
        assert!(prompt_work().is_none());
    }

    #[test]
    fn a_panic_ends_the_scope() {
        let panicked = catch_unwind(AssertUnwindSafe(|| promptly(|| -> () { panic!("a defect") })));
        assert!(panicked.is_err() && !must_be_prompt());
    }
}
