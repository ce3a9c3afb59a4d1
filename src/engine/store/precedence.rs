//! Precedence: how a write that is computed outside of the commit lock completes among faster ones.
//!
//! Such a write reads a document, computes the new one, and commits if the document is still the one that it read; otherwise
//! it starts again (optimistic concurrency). Among faster writers it might start again for ever. So after a few tries it
//! takes precedence over the document: another write that would change the document now waits, outside of the commit lock
//! and without queue space, until that write is done. At most one commit, which had checked already, can still come between.
//!
//! An upsert takes precedence over its collection in the same way, while it matches what changed since its search.
//!
//! A thread has precedence over at most one thing and waits for no other precedence while it has it, so there is no
//! deadlock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

use crate::engine::exec::interrupt::LOOK;
use crate::engine::exec::locks::{Condvar, Mutex};
use crate::engine::state::slab::SlotId;
use crate::error::Result;

/// What a write may take precedence over; the first number is that of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// Storing or deleting any document.
    Collection(u32),
    /// Changing the document in this slot.
    Document(u32, SlotId),
}

/// The precedences in a database.
#[derive(Default)]
pub(crate) struct Precedence {
    /// Their number: commits check this first, and it is nearly always 0.
    count: AtomicUsize,
    held: Mutex<HashMap<Subject, ThreadId>>,
    freed: Condvar,
}

/// The precedence of a thread, until this is dropped.
pub(crate) struct Held<'p> {
    all: &'p Precedence,
    subject: Subject,
}

impl Precedence {
    /// Takes precedence, waiting for it as long as `check` allows.
    pub(crate) fn take(&self, subject: Subject, check: impl Fn() -> Result<()>) -> Result<Held<'_>> {
        let mut held = self.held.lock();
        while held.contains_key(&subject) {
            check()?;
            self.freed.wait_for(&mut held, LOOK);
        }
        held.insert(subject, thread::current().id());
        self.count.fetch_add(1, Ordering::Release);
        Ok(Held { all: self, subject })
    }

    /// Whether there is no precedence at all.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Whether no other thread has precedence over this.
    pub(crate) fn is_free(&self, subject: Subject) -> bool {
        self.held.lock().get(&subject).is_none_or(|own| *own == thread::current().id())
    }

    /// Waits until no other thread has precedence over this, as long as `check` allows.
    pub(crate) fn wait(&self, subject: Subject, check: impl Fn() -> Result<()>) -> Result<()> {
        let mut held = self.held.lock();
        while held.get(&subject).is_some_and(|own| *own != thread::current().id()) {
            check()?;
            self.freed.wait_for(&mut held, LOOK);
        }
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.all.held.lock().remove(&self.subject);
        self.all.count.fetch_sub(1, Ordering::Release);
        self.all.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Kind};

    #[test]
    fn one_thread_has_precedence_and_others_wait_until_it_is_done_or_their_time_is_up() {
        let all = Precedence::default();
        let (document, other) = (Subject::Document(1, SlotId(5)), Subject::Collection(1));
        assert!(all.is_idle());
        let held = all.take(document, || Ok(())).unwrap();
        assert!(!all.is_idle() && all.is_free(document) && all.is_free(other));
        all.wait(document, || Ok(())).unwrap();
        let late = || Err(Error::new(Kind::Timeout, "late"));
        thread::scope(|scope| {
            let other_thread = scope.spawn(|| {
                assert!(!all.is_free(document) && all.is_free(other));
                assert_eq!(all.wait(document, late).unwrap_err().kind(), Kind::Timeout);
                assert!(all.take(document, late).is_err());
            });
            other_thread.join().unwrap();
            let waits = scope.spawn(|| all.take(document, || Ok(())).map(drop));
            drop(held);
            waits.join().unwrap().unwrap();
        });
        assert!(all.is_idle());
    }
}
