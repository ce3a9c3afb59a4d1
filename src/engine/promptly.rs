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

use std::cell::Cell;

use crate::error::{Error, Kind, Result};

/// Bytes of a document or of an operation that may be worked on at most.
pub const PROMPT_BYTES: usize = 16 << 10;
/// Documents or entries that a find may look at.
pub const PROMPT_DOCUMENTS: usize = 256;
/// Bytes of documents that a find may look at in one go.
pub const PROMPT_READ: usize = 128 << 10;

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
    SCOPE.set(Scope::Open);
    let _end = End;
    let result = work();
    (SCOPE.get() == Scope::Open).then_some(result)
}

/// Whether waiting is refused here.
pub fn must_be_prompt() -> bool {
    SCOPE.get() != Scope::None
}

/// What fails instead of waiting, when `waits`, in a scope; once refused, everything that asks is.
pub fn refuse(waits: impl FnOnce() -> bool) -> Result<()> {
    match SCOPE.get() {
        Scope::None => Ok(()),
        Scope::Open if !waits() => Ok(()),
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
    fn a_panic_ends_the_scope() {
        let panicked = catch_unwind(AssertUnwindSafe(|| promptly(|| -> () { panic!("a defect") })));
        assert!(panicked.is_err() && !must_be_prompt());
    }
}
