//! Files that a compaction has retired, and the readers that may still need them.
//!
//! A reader without a lock takes a ticket before it reads what names a file, and returns it after the read. A file that
//! nothing names any more is closed once every ticket of that moment is returned: later readers find the names of other
//! files.

use std::collections::{BTreeSet, VecDeque};

use crate::engine::exec::locks::Mutex;

type Release = Box<dyn FnOnce() + Send>;

/// The tickets that are taken.
#[derive(Default)]
pub(crate) struct Holds {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    at_work: BTreeSet<u64>,
    next: u64,
    /// The callbacks that wait, each with the first ticket that it does not wait for.
    retired: VecDeque<(u64, Release)>,
}

impl Holds {
    /// Keeps the current files until the ticket is returned.
    pub(crate) fn take(&self) -> u64 {
        let mut state = self.state.lock();
        let ticket = state.next;
        state.next += 1;
        state.at_work.insert(ticket);
        ticket
    }

    /// Returns a ticket. `forget_retired` removes what waited for it.
    pub(crate) fn give_back(&self, ticket: u64) {
        self.state.lock().at_work.remove(&ticket);
    }

    /// Calls back once every current ticket is returned, which are those before the returned one.
    pub(crate) fn when_released(&self, release: impl FnOnce() + Send + 'static) -> u64 {
        let mut state = self.state.lock();
        let next = state.next;
        state.retired.push_back((next, Box::new(release)));
        drop(state);
        self.forget_retired();
        next
    }

    /// Releases what nothing reads any more.
    pub(crate) fn forget_retired(&self) {
        loop {
            let mut state = self.state.lock();
            let oldest = state.at_work.first().copied().unwrap_or(u64::MAX);
            let passed = state.retired.front().is_some_and(|(before, _)| *before <= oldest);
            let release = if passed { state.retired.pop_front() } else { None };
            drop(state);
            match release {
                Some((_, release)) => release(),
                None => return,
            }
        }
    }

    /// The tickets before this one that are taken.
    pub(crate) fn taken_before(&self, ticket: u64) -> Vec<u64> {
        self.state.lock().at_work.range(..ticket).copied().collect()
    }

    /// Whether something waits to be deleted.
    pub(crate) fn has_retired(&self) -> bool {
        !self.state.lock().retired.is_empty()
    }
}
