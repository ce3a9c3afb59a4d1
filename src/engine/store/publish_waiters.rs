//! Callbacks for when a commit is published: this is where results settle.
//!
//! A result may depend on a commit of another caller (a no-op, a duplicate key): it waits for the newest LSN that it saw
//! applied. Once the log is poisoned nothing more is published, and every waiter gets the error.

use std::collections::BTreeMap;

use crate::engine::exec::locks::Mutex;
use crate::error::{Error, Result};
use crate::storage::Lsn;

type Waiter = Box<dyn FnOnce(Result<()>) + Send>;

#[derive(Default)]
struct State {
    published: Lsn,
    poison: Option<Error>,
    waiters: BTreeMap<Lsn, Vec<Waiter>>,
}

/// The waiters of one database.
#[derive(Default)]
pub(crate) struct PublishWaiters(Mutex<State>);

impl PublishWaiters {
    /// There are no waiters; everything up to this LSN is published.
    pub(crate) fn new(published: Lsn) -> PublishWaiters {
        PublishWaiters(Mutex::new(State { published, ..State::default() }))
    }

    /// Calls back when this LSN is published: at once if it is, otherwise on the thread that publishes it.
    pub(crate) fn until(&self, lsn: Lsn, waiter: impl FnOnce(Result<()>) + Send + 'static) {
        let answer = {
            let mut state = self.0.lock();
            if state.published >= lsn {
                Ok(())
            } else if let Some(poison) = &state.poison {
                Err(poison.clone())
            } else {
                state.waiters.entry(lsn).or_default().push(Box::new(waiter));
                return;
            }
        };
        waiter(answer);
    }

    /// Marks this LSN as published, and with it all before.
    pub(crate) fn published(&self, lsn: Lsn) {
        let passed = {
            let mut state = self.0.lock();
            state.published = state.published.max(lsn);
            let later = state.waiters.split_off(&Lsn(lsn.0 + 1));
            std::mem::replace(&mut state.waiters, later)
        };
        passed.into_values().flatten().for_each(|waiter| waiter(Ok(())));
    }

    /// Nothing more will be published.
    pub(crate) fn poison(&self, error: &Error) {
        let stranded = {
            let mut state = self.0.lock();
            state.poison.get_or_insert_with(|| error.clone());
            std::mem::take(&mut state.waiters)
        };
        stranded.into_values().flatten().for_each(|waiter| waiter(Err(error.clone())));
    }

    /// The error why nothing more will be published, if any.
    pub(crate) fn poisoned(&self) -> Option<Error> {
        self.0.lock().poison.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use std::sync::Arc;

    #[test]
    fn waiters_are_called_for_their_own_number_and_poison_reaches_the_rest() {
        let waiting = PublishWaiters::new(Lsn(5));
        let called = Arc::new(Mutex::new(Vec::new()));
        for lsn in [5, 8, 7, 9] {
            let called = called.clone();
            waiting.until(Lsn(lsn), move |result| called.lock().push((lsn, result.is_ok())));
        }
        waiting.published(Lsn(7));
        waiting.published(Lsn(8));
        waiting.poison(&Error::new(Kind::StoragePoisoned, "no more"));
        let late = called.clone();
        waiting.until(Lsn(10), move |result| late.lock().push((10, result.is_ok())));
        assert_eq!(*called.lock(), [(5, true), (7, true), (8, true), (9, false), (10, false)]);
    }
}
