//! Ends the running operations of a session: its owner closes it, and their results are not needed.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::order::names_of;
use super::session::{Outcome, Session};
use crate::engine::commit::Committed;
use crate::engine::exec::interrupt::{Interrupt, Limits};
use crate::engine::operation::request::{Operation, Task};
use crate::engine::operation::response::Answered;
use crate::error::Kind;

/// Milliseconds for which operations may still run once their database is being closed, before they are interrupted.
pub(crate) const GRACE: Duration = Duration::from_millis(250);
/// Additional milliseconds for writes by `_id`, which are mostly short and have a guaranteed order.
pub(crate) const PATIENCE: Duration = Duration::from_millis(400);

impl Outcome {
    fn is_closed(&self) -> bool {
        let (Outcome::Now(Answered { answer: result, .. }) | Outcome::Published(Committed { result, .. })) =
            self;
        matches!(result, Err(error) if error.kind() == Kind::Closed)
    }
}

impl Session {
    /// Starts the limits of an operation.
    pub(crate) fn start_limits(&self, limits: &Limits) -> Interrupt {
        Interrupt::start(limits, self.store.now()).until(self.interrupted.clone())
    }

    /// Starts the limits of a write by `_id`. One that only takes as long as its input requires is not interrupted: it was
    /// called before the close, and in the order of the calls.
    pub(crate) fn start_write_limits(&self, operation: &Operation, limits: &Limits) -> Interrupt {
        let interrupt = Interrupt::start(limits, self.store.now());
        match operation {
            Operation::Update { .. }
            | Operation::Replace { .. }
            | Operation::Delete { .. }
            | Operation::FindOneAnd { .. }
            | Operation::Bulk { .. }
            | Operation::Let { .. } => interrupt.until(self.interrupted_writes.clone()),
            _ => interrupt,
        }
    }

    /// Makes running and queued operations end with `CLOSED` at their next check of the limits.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Release);
    }

    /// Whether running operations are being ended.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Acquire)
    }

    /// The same for writes by `_id`.
    pub(crate) fn interrupt_writes(&self) {
        self.interrupted_writes.store(true, Ordering::Release);
    }

    /// Runs a write. Once the close has ended a write to a collection, the later ones to it are not begun: what is there is what
    /// the first so many calls have left.
    pub(super) fn run_write(&self, task: Task, interrupt: &Interrupt) {
        let names = names_of(&task, self.store.databases());
        let Task { name, operation, limits, reply, .. } = task;
        let outcome = match self.is_interrupted() && self.order.is_cut(&names) {
            true => Outcome::Now(Answered::failed(self.closed())),
            false => self.outcome(&name, operation, &limits, interrupt),
        };
        if self.is_interrupted() && outcome.is_closed() {
            self.order.cut(&names);
        }
        self.answer(outcome, reply);
    }

    /// Blocks until every submitted operation is answered or queued in storage, and closes the cursors. Operations that do
    /// not end by themselves are interrupted.
    pub(crate) fn drain(&self) {
        self.end_streams();
        let began = self.store.elapsed();
        let left = |of: Duration| of.saturating_sub(self.store.elapsed().saturating_sub(began));
        if !self.ends(|| Some(left(GRACE))) {
            self.interrupt();
        }
        if !self.ends(|| Some(left(GRACE + PATIENCE))) {
            self.interrupt_writes();
        }
        self.ends(|| None);
        self.cursors.close_all();
        self.close_streams();
        self.transactions.abort_all();
    }

    /// Blocks until nothing is queued or running, or the time that is left has passed; then false.
    fn ends(&self, left: impl Fn() -> Option<Duration>) -> bool {
        // A write that ends may begin others in a queue that was idle before, and does so before its own queue is idle.
        loop {
            let was_empty = self.order.is_empty();
            for queue in [&self.writes, &self.reads, &self.scans] {
                match left() {
                    Some(most) if !queue.wait_idle_for(most) => return false,
                    Some(_) => {}
                    None => queue.wait_idle(),
                }
            }
            if was_empty {
                return true;
            }
        }
    }
}
