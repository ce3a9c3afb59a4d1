//! Ending what a session has under way: its owner closes it, and nobody waits for the answers.

use std::sync::atomic::Ordering;

use super::limits::{Limits, Watch};
use super::session::Session;

impl Session {
    /// Starts the limits of an operation.
    pub(super) fn watch(&self, limits: &Limits) -> Watch {
        Watch::start(limits, self.store.now()).until(self.interrupted.clone())
    }

    /// Operations under way, and those that are queued, end with `CLOSED` at their next look at their limits.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Release);
    }
}
