//! Operations whose caller waits: reads and writes of the methods whose names end with `Sync`.
//!
//! A read runs on the caller's thread. A write takes its turn as all others do, so it overtakes nothing that was called before
//! it; what no other thread has to do first runs on the caller's own. The same holds for all operations of a transaction, which
//! begins when every write that was called before it is done.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::session::Session;
use crate::engine::exec::interrupt::{Interrupt, Limits};
use crate::engine::maintenance::compaction::upkeep;
use crate::engine::operation::classify::writes;
use crate::engine::operation::request::{Operation, Size, Step, Task};
use crate::engine::operation::response::Answered;
use crate::error::{Error, Kind, Result};
use crate::work::look_around;

/// How often the caller looks at its own affairs while it waits.
const PATIENCE: Duration = Duration::from_millis(5);
/// How often it looks whether the writes before a transaction are done.
const POLL: Duration = Duration::from_micros(200);

impl Session {
    /// Runs an operation and waits for its answer: that of a write comes when it is as durable as the storage mode promises.
    /// `transaction` is the number of its transaction, or 0.
    pub fn call_and_wait(
        self: &Arc<Self>,
        name: &Arc<str>,
        operation: Operation,
        transaction: u16,
        limits: Limits,
    ) -> Answered {
        if transaction == 0 && !writes(&operation) {
            return self.call_within(name, operation, &limits);
        }
        if let Operation::Transaction(Step::Begin { .. }) = operation
            && let Err(error) = self.wait_for_writes(&limits)
        {
            return Answered::failed(error);
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        // The receiver waits below.
        let reply = Box::new(move |answered| drop(sender.send(answered)));
        let task = Task { name: Arc::clone(name), operation, transaction, limits, reply };
        if transaction == 0 {
            self.submit(vec![task], Size::Small);
        } else if let Some(run) = self.in_turn_of_transaction(task, Size::Any) {
            run();
            self.store.storage().drive();
        }
        let answered = loop {
            match receiver.recv_timeout(PATIENCE) {
                Ok(answered) => break answered,
                Err(RecvTimeoutError::Timeout) => look_around(),
                Err(RecvTimeoutError::Disconnected) => {
                    let message = "an operation was dropped unanswered; please report it";
                    break Answered::failed(Error::new(Kind::Internal, message));
                }
            }
        };
        if transaction != 0 {
            upkeep(&self.store, &self.runtime);
        }
        answered
    }

    /// Waits until the writes of this session that were submitted before are published.
    fn wait_for_writes(&self, limits: &Limits) -> Result<()> {
        let interrupt = Interrupt::start(limits, self.store.now());
        // In this order: a write that ends passes those behind it on to the queue first.
        while !self.order.is_quiet() || !self.writes.is_idle() {
            interrupt.check(|| self.store.now())?;
            std::thread::sleep(POLL);
            look_around();
        }
        // What cannot be published has failed, and its caller is told.
        let _ = self.store.wait_published(self.store.applied_lsn());
        Ok(())
    }
}
