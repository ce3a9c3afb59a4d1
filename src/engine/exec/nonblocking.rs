//! Work on a thread that must not block: the JavaScript thread, which executes small writes and small queries itself when
//! that takes microseconds.
//!
//! [`nonblocking`] opens a scope on its thread. Inside it every place of the commit path that could block calls
//! [`would_block`] first: a held lock, a full queue, a document on disk or a large one, a file to begin, a running fsync.
//! Instead of blocking, that place fails, the scope records it, and [`nonblocking`] returns `None`: the operation's error is
//! discarded, and the caller runs the operation again where blocking is allowed.
//!
//! This is sound because nothing was committed: a refusal comes before the last step of a commit, and prevents further
//! commits of the scope. A scope runs one operation that makes at most one commit.
//!
//! Computations, such as expressions, count against [`nonblocking_work`]: after some hundred steps they are refused as well.

use std::cell::{Cell, RefCell};

use crate::error::{Error, Kind, Result};
use crate::work::{Work, look_after};

/// The maximum bytes of a document or of an operation.
pub(crate) const NONBLOCKING_BYTES: usize = 16 << 10;
/// The maximum number of documents or entries that a find may read.
pub(crate) const NONBLOCKING_DOCUMENTS: usize = 256;
/// The maximum bytes of documents that a find may read in one go.
pub(crate) const NONBLOCKING_READ: usize = 128 << 10;

/// The maximum number of reads from files that the system has in memory; each takes one or two microseconds.
const NONBLOCKING_READS: u32 = 96;
/// The maximum steps of an operation, some tens of microseconds.
const NONBLOCKING_STEPS: usize = 512;
/// The maximum bytes that it may hold.
const NONBLOCKING_MEMORY: usize = 1 << 20;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// No scope is open: blocking is allowed.
    None,
    /// Nothing had to block so far.
    Open,
    /// Something would have had to block.
    Refused,
}

thread_local! {
    static SCOPE: Cell<Scope> = const { Cell::new(Scope::None) };
    static DEVICE_REFUSED: Cell<bool> = const { Cell::new(false) };
    /// Reads from files that the scope may still make.
    static READS: Cell<u32> = const { Cell::new(0) };
    /// The budget of the scopes of this thread. Reused from one to the next, because creating one costs as much as a small
    /// step of a commit, until an operation has spent it.
    static WORK: RefCell<Work> = RefCell::new(brief());
}

fn brief() -> Work {
    Work::of_steps(1, NONBLOCKING_MEMORY)
}

fn is_spent() -> bool {
    WORK.with_borrow(Work::has_failed)
}

/// Ends the scope even when the work panics.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        SCOPE.set(Scope::None);
    }
}

/// Runs an operation that makes at most one commit, without blocking. `None`: it would have had to block, and nothing was
/// committed.
pub(crate) fn nonblocking<T>(work: impl FnOnce() -> T) -> Option<T> {
    WORK.with_borrow_mut(|own| {
        if own.has_failed() || own.held() > 0 {
            *own = brief();
        }
    });
    look_after(NONBLOCKING_STEPS);
    READS.set(NONBLOCKING_READS);
    SCOPE.set(Scope::Open);
    let _end = End;
    let result = work();
    (SCOPE.get() == Scope::Open && !is_spent()).then_some(result)
}

/// The budget of the operation, inside a scope.
pub(crate) fn nonblocking_work() -> Option<Work> {
    is_nonblocking().then(|| WORK.with_borrow(Work::clone))
}

/// Whether blocking is refused here.
pub(crate) fn is_nonblocking() -> bool {
    SCOPE.get() != Scope::None
}

/// The error that replaces blocking, if `waits` in a scope; after one refusal, every later call fails.
pub(crate) fn would_block(waits: impl FnOnce() -> bool) -> Result<()> {
    match SCOPE.get() {
        Scope::None => Ok(()),
        // A stopped filter returns false: nothing may be committed because of that.
        Scope::Open if !waits() && !is_spent() => Ok(()),
        _ => Err(blocked()),
    }
}

/// Whether the scope has refused something: the result of its operation is discarded.
pub(crate) fn was_refused() -> bool {
    match SCOPE.get() {
        Scope::None => false,
        Scope::Open => is_spent(),
        Scope::Refused => true,
    }
}

/// Counts a read, inside a scope, from what the system has of a file in memory; `false` when there were enough of them.
pub(crate) fn may_read_cached() -> bool {
    let left = READS.get();
    READS.set(left.saturating_sub(1));
    left > 0
}

/// Bytes of documents that may be read before [`blocked`] is due.
pub(crate) fn nonblocking_bytes() -> usize {
    if is_nonblocking() { NONBLOCKING_READ } else { usize::MAX }
}

/// Runs work under a lock that must not be held while the device is waited for: pages of a checkpoint that are not in memory
/// are missed (`state/base`).
pub(crate) fn without_device<T>(work: impl FnOnce() -> T) -> T {
    struct Allowed;
    impl Drop for Allowed {
        fn drop(&mut self) {
            DEVICE_REFUSED.set(false);
        }
    }
    DEVICE_REFUSED.set(true);
    let _allowed = Allowed;
    work()
}

/// Whether the device is refused here.
pub(crate) fn is_device_refused() -> bool {
    DEVICE_REFUSED.get()
}

/// Records that something would have had to block, and returns the error.
pub(crate) fn blocked() -> Error {
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
