//! Operations whose caller waits: reads and writes of the methods whose names end with `Sync`.
//!
//! A read runs on the caller's thread. A write takes its turn as all others do, so it overtakes nothing that was called before
//! it; what no other thread has to do first runs on the caller's own. The same holds for all operations of a transaction.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::session::{Session, upkeep};
use crate::engine::exec::interrupt::Limits;
use crate::engine::operation::classify::writes;
use crate::engine::operation::request::{Operation, Size, Task};
use crate::engine::operation::response::Answered;
use crate::error::{Error, Kind};
use crate::work::watching;

/// How often the caller looks at its own affairs while it waits.
const PATIENCE: Duration = Duration::from_millis(10);

impl Session {
    /// Runs an operation and waits for its answer: that of a write comes when it is as durable as the storage mode promises.
    /// `transaction` is the number of its transaction, or 0; `watch` is called from time to time, and may cancel it.
    pub fn call_and_wait(
        self: &Arc<Self>,
        name: &Arc<str>,
        operation: Operation,
        (transaction, limits): (u16, Limits),
        watch: Arc<dyn Fn()>,
    ) -> Answered {
        let watched = watch.clone();
        watching(
            move || watched(),
            || {
                if transaction == 0 && !writes(&operation) {
                    return self.call_within(name, operation, &limits);
                }
                self.call_in_turn(
                    Task { name: Arc::clone(name), operation, transaction, limits, reply: Box::new(drop) },
                    &*watch,
                )
            },
        )
    }

    fn call_in_turn(self: &Arc<Self>, mut task: Task, watch: &dyn Fn()) -> Answered {
        let (sender, receiver) = mpsc::sync_channel(1);
        // The receiver waits below.
        task.reply = Box::new(move |answered| drop(sender.send(answered)));
        let in_transaction = task.transaction != 0;
        if !in_transaction {
            self.submit(vec![task], Size::Small);
        } else if let Some(run) = self.in_turn_of_transaction(task, Size::Any) {
            run();
            self.store.storage().drive();
        }
        let answered = loop {
            match receiver.recv_timeout(PATIENCE) {
                Ok(answered) => break answered,
                Err(RecvTimeoutError::Timeout) => watch(),
                Err(RecvTimeoutError::Disconnected) => {
                    let message = "an operation was dropped unanswered; please report it";
                    break Answered::failed(Error::new(Kind::Internal, message));
                }
            }
        };
        if in_transaction {
            upkeep(&self.store, &self.runtime);
        }
        answered
    }
}
