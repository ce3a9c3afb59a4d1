//! Ending what a session has under way: its owner closes it, and nobody waits for the answers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::session::Session;
use crate::engine::exec::interrupt::{Limits, Watch};
use crate::engine::operation::request::Operation;

/// How long (ms) operations may still run once their database is being closed, before they are interrupted.
pub(crate) const GRACE: Duration = Duration::from_millis(250);
/// How much longer writes by `_id` may run, which are mostly short and were promised in their order.
pub(crate) const PATIENCE: Duration = Duration::from_millis(400);

impl Session {
    /// Starts the limits of an operation.
    pub(crate) fn watch(&self, limits: &Limits) -> Watch {
        Watch::start(limits, self.store.now()).until(self.interrupted.clone())
    }

    /// Starts the limits of a write by `_id`. One that is as long as what it was given, and no longer, is not interrupted:
    /// it was called before the close, and in the order of the calls.
    pub(crate) fn watch_write(&self, operation: &Operation, limits: &Limits) -> Watch {
        let watch = Watch::start(limits, self.store.now());
        match operation {
            Operation::Update { .. }
            | Operation::Replace { .. }
            | Operation::Delete { .. }
            | Operation::FindOneAnd { .. }
            | Operation::Bulk { .. }
            | Operation::Let { .. } => watch.until(self.interrupted_writes.clone()),
            _ => watch,
        }
    }

    /// Operations under way, and those that are queued, end with `CLOSED` at their next look at their limits.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Release);
    }

    /// The same of writes by `_id`.
    pub(crate) fn interrupt_writes(&self) {
        self.interrupted_writes.store(true, Ordering::Release);
    }

    /// Blocks until every operation that was submitted is answered or queued in storage, and closes the cursors. What does
    /// not end by itself is interrupted.
    pub(crate) fn drain(&self) {
        let queues = || [&self.writes, &self.reads, &self.scans].into_iter();
        let began = self.store.elapsed();
        let left = |of: Duration| of.saturating_sub(self.store.elapsed().saturating_sub(began));
        if !queues().all(|queue| queue.wait_idle_for(left(GRACE))) {
            self.interrupt();
        }
        if !queues().all(|queue| queue.wait_idle_for(left(GRACE + PATIENCE))) {
            self.interrupt_writes();
        }
        queues().for_each(|queue| queue.wait_idle());
        self.cursors.close_all();
    }
}
