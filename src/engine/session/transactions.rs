//! The operations of transactions: each runs on the queue of scans, after those of its transaction that were called before it.

use std::sync::Arc;

use super::cursors::Open;
use super::inline::is_inline;
use super::session::{Outcome, Session};
use super::writing::Seen;
use crate::document::Value;
use crate::engine::aggregate::aggregation::Aggregation;
use crate::engine::commit::Committed;
use crate::engine::exec::interrupt::{Interrupt, Limits};
use crate::engine::exec::nonblocking::{nonblocking, was_refused};
use crate::engine::exec::work_queue::Job;
use crate::engine::index_build::requests::parse_spec;
use crate::engine::operation::classify::{is_write, writes};
use crate::engine::operation::request::{Operation, Size, Step, Task};
use crate::engine::operation::response::{Answer, Answered, UpdateOutcome};
use crate::engine::read::find;
use crate::engine::transaction::transaction::Transaction;
use crate::engine::transaction::work::{Origin, Work};
use crate::engine::transaction::{bulk, by_filter, by_id, errors, indexes};
use crate::engine::write::collections::{check_options, parse_options};
use crate::engine::write::find_and_modify::ReturnedDocument;
use crate::error::{Error, Kind, Result};
use crate::options::Access;

impl Session {
    /// Queues the operations that belong to transactions; returns the others.
    pub(super) fn submit_transactions(self: &Arc<Self>, work: Vec<Task>, size: Size) -> Vec<Task> {
        let (own, others): (Vec<Task>, Vec<Task>) = work.into_iter().partition(|task| task.transaction != 0);
        for task in own {
            if let Some(run) = self.in_turn_of_transaction(task, size) {
                self.scans.push(&self.runtime, [run]);
            }
        }
        others
    }

    /// Adds an operation to its transaction. `Some` runs what has been added since, and is to be called: nobody else does.
    pub(super) fn in_turn_of_transaction(self: &Arc<Self>, task: Task, size: Size) -> Option<Job> {
        let number = task.transaction;
        if let Operation::Transaction(Step::Begin { idle, total, origin: (session, of_session), isolation }) =
            task.operation
        {
            let limit = |millis| i64::try_from(millis).unwrap_or(i64::MAX);
            let origin = Origin { session, number: of_session };
            let limits = (limit(idle), limit(total));
            let begun = self.transactions.begin(number, self.store.now(), limits, (origin, isolation));
            (task.reply)(Answered::plain(begun.map(|()| Answer::Done)));
            return None;
        }
        let Some(transaction) = self.transactions.get(number) else {
            (task.reply)(Answered::failed(errors::unknown()));
            return None;
        };
        let interrupt = self.start_limits(&task.limits);
        let here = size == Size::Small && is_small(&task.operation) && transaction.try_enter();
        if here && let Some(outcome) = self.run_small(&transaction, &task, &interrupt) {
            interrupt.begin();
            let run = transaction.leave(None).then(|| -> Job { Box::new(move || transaction.run()) });
            self.answer(outcome, task.reply);
            return run;
        }
        let (session, own) = (Arc::clone(self), Arc::clone(&transaction));
        let job: Job = Box::new(move || session.run_in_transaction(&own, task, &interrupt));
        if here {
            return transaction.leave(Some(job)).then(|| -> Job { Box::new(move || transaction.run()) });
        }
        transaction.add(job).then(|| -> Job { Box::new(move || transaction.run()) })
    }

    /// Runs an operation on one document, or the commit of few, on this thread; `None` if that would block. Nothing has
    /// happened then: what is written is written last (`Work::put`).
    fn run_small(&self, transaction: &Transaction, task: &Task, interrupt: &Interrupt) -> Option<Outcome> {
        let store = &self.store;
        match &task.operation {
            Operation::Transaction(_) => {
                if !self.commits_inline() {
                    return None;
                }
                let mut refused = false;
                let outcome = self.guarded(Access::ReadOnly, interrupt, || {
                    let committed = transaction.try_commit(store, interrupt);
                    refused = committed.is_none();
                    let none = || Committed { result: Ok(()), lsn: store.applied_lsn() };
                    Outcome::Published(committed.unwrap_or_else(none).map(|()| Answer::Done))
                });
                if refused {
                    return None;
                }
                self.transactions.forget(task.transaction);
                self.close_cursors(transaction);
                let driven = store.storage().drive_nonblocking();
                self.wrote_inline(1, driven);
                Some(outcome)
            }
            Operation::Get { id, meta } => nonblocking(|| {
                self.guarded(Access::ReadOnly, interrupt, || {
                    let answered = transaction.read(store, |work| {
                        let collection = work.collection(&task.name);
                        let answer = self.get((collection.as_deref(), Some(work)), id, *meta)?;
                        Ok(Answered { collection, answer: Ok(answer) })
                    });
                    Outcome::Now(answered.unwrap_or_else(Answered::failed))
                })
            }),
            write => nonblocking(|| {
                self.guarded(Access::ReadWrite, interrupt, || {
                    let run = |work: &mut Work| self.write_in(work, &task.name, write, interrupt);
                    let written = transaction.write(store, run, is_whole);
                    if !was_refused() && !written.as_ref().is_ok_and(is_whole) {
                        self.close_cursors(transaction);
                    }
                    Outcome::Now(written.map_or_else(Answered::failed, |answer| Answered::plain(Ok(answer))))
                })
            }),
        }
    }

    fn run_in_transaction(&self, transaction: &Transaction, task: Task, interrupt: &Interrupt) {
        let Task { name, operation, limits, reply, transaction: number } = task;
        let needs = if writes(&operation) { Access::ReadWrite } else { Access::ReadOnly };
        let outcome = self.guarded(needs, interrupt, || match operation {
            Operation::Transaction(step) => self.step(transaction, number, step, interrupt),
            operation => {
                let answered = self.in_transaction(transaction, &name, operation, (&limits, interrupt));
                Outcome::Now(answered.unwrap_or_else(Answered::failed))
            }
        });
        self.answer(outcome, reply);
    }

    /// A step of the transaction itself.
    fn step(&self, transaction: &Transaction, number: u16, step: Step, interrupt: &Interrupt) -> Outcome {
        let store = &self.store;
        let done = match step {
            Step::Commit => {
                let committed = transaction.commit(store, interrupt);
                self.transactions.forget(number);
                self.close_cursors(transaction);
                return Outcome::Published(committed.map(|()| Answer::Done));
            }
            Step::Abort => {
                transaction.abort();
                self.transactions.forget(number);
                self.close_cursors(transaction);
                Ok(Answer::Done)
            }
            Step::Savepoint => transaction.read(store, |work| Ok(Answer::Count(work.mark()))),
            Step::RollBack { to } => {
                // They may be on what is taken back.
                self.close_cursors(transaction);
                transaction.roll_back_to(store, to).map(|()| Answer::Done)
            }
            Step::Begin { .. } => {
                Err(Error::new(Kind::Internal, "a transaction was begun twice; please report it"))
            }
        };
        Outcome::Now(Answered::plain(done))
    }

    fn close_cursors(&self, transaction: &Transaction) {
        transaction.take_cursors().into_iter().for_each(|cursor| self.cursors.close(cursor));
    }

    /// Ends the transactions whose time is up.
    pub(super) fn expire_transactions(&self) {
        for cursor in self.transactions.expire(self.store.now()) {
            self.cursors.close(cursor);
        }
    }

    /// A read or a write of a transaction.
    fn in_transaction(
        &self,
        transaction: &Transaction,
        name: &str,
        operation: Operation,
        (limits, interrupt): (&Limits, &Interrupt),
    ) -> Result<Answered> {
        let store = &self.store;
        if let Some(error) = refusal(&operation) {
            return Err(error);
        }
        if writes(&operation) {
            let run = |work: &mut Work| self.write_in(work, name, &operation, interrupt);
            let written = transaction.write(store, run, is_whole);
            if !written.as_ref().is_ok_and(is_whole) {
                self.close_cursors(transaction);
            }
            return written.map(|answer| Answered::plain(Ok(answer)));
        }
        transaction.read(store, |work| {
            let collection = work.collection(name);
            let (operation, constants) = match operation {
                Operation::Let { variables, operation } => {
                    let variables = Some(&variables);
                    let constants =
                        find::constants(store, variables, work.now(), interrupt, collection.as_deref())?;
                    (*operation, constants)
                }
                plain => (plain, find::constants(store, None, work.now(), interrupt, collection.as_deref())?),
            };
            let answered = match operation {
                Operation::Aggregate { pipeline, batch, hint } => {
                    let source = work.source();
                    let query = (&pipeline, &constants);
                    let opened = Aggregation::open(store, source, name, query, hint.as_ref(), interrupt)?;
                    self.cursors.first_batch(store, Open::Aggregate(opened), batch, interrupt)
                }
                read => self.read(name, read, &constants, (limits, interrupt), Some(work)),
            };
            // It ends with the transaction.
            if let Ok(Answer::Batch { cursor, .. }) = &answered.answer
                && *cursor != 0
            {
                transaction.opened_cursor(*cursor);
            }
            match answered {
                Answered { answer: Err(error), .. } => Err(error),
                answered => Ok(answered),
            }
        })
    }

    fn write_in(
        &self,
        work: &mut Work,
        name: &str,
        operation: &Operation,
        interrupt: &Interrupt,
    ) -> Result<Answer> {
        let (operation, variables) = operation.with_variables();
        let is_capped = work.collection(name).is_some_and(|collection| collection.capped().cap().is_some());
        if is_capped && !matches!(operation, Operation::Create { .. } | Operation::CreateIndexes { .. }) {
            return Err(errors::capped(name));
        }
        let collection = work.collection(name);
        let constants =
            &find::constants(&self.store, variables, work.now(), interrupt, collection.as_deref())?;
        let seen = (interrupt, constants, None);
        Ok(match operation {
            Operation::Insert { documents, .. } => {
                Answer::Inserted(by_id::insert(work, name, documents, interrupt)?)
            }
            Operation::Set { entries } => Answer::Versions(by_id::set(work, name, entries, interrupt)?),
            Operation::DeleteId { id, if_version } => {
                Answer::Bool(by_id::delete(work, name, id, *if_version)?)
            }
            Operation::FindOneAnd { write, sort, projection, returned } => {
                let returned =
                    ReturnedDocument::parse(sort.as_ref(), projection.as_ref(), *returned, constants)?;
                let (outcome, document) = self.modify_in(work, name, write, seen, &returned)?;
                Answer::Modified { document, outcome }
            }
            Operation::Update { .. } | Operation::Replace { .. } => {
                let none = ReturnedDocument::default();
                Answer::Updated(self.modify_in(work, name, operation, seen, &none)?.0)
            }
            Operation::Delete { .. } => {
                let none = ReturnedDocument::default();
                Answer::Count(self.modify_in(work, name, operation, seen, &none)?.0.matched)
            }
            Operation::Bulk { operations, .. } => {
                let none = ReturnedDocument::default();
                Answer::Bulk(bulk::run(work, name, operations, interrupt, |work, write| {
                    self.modify_in(work, name, write, (interrupt, constants, None), &none)
                        .map(|(outcome, _)| outcome)
                }))
            }
            Operation::Create { options } => {
                let options = Arc::new(parse_options(options.as_ref())?);
                options.check_for(name)?;
                if options.cap().is_some() {
                    return Err(errors::refused("a capped collection cannot be created"));
                }
                let collection = work.collection_or_begin_with(name, &options)?;
                check_options(&collection, name, &options)?;
                Answer::Done
            }
            Operation::CreateIndexes { specs } => {
                let specs = specs
                    .iter()
                    .map(|spec| parse_spec(spec, constants.collation()))
                    .collect::<Result<Vec<_>>>()?;
                Answer::Names(indexes::create(work, name, &specs)?)
            }
            _ => return Err(errors::refused("this operation cannot be done")),
        })
    }

    fn modify_in(
        &self,
        work: &mut Work,
        name: &str,
        write: &Operation,
        seen: Seen<'_>,
        returned: &ReturnedDocument,
    ) -> Result<(UpdateOutcome, Option<Value>)> {
        self.modify_parsed(name, write, seen, returned, |modification| by_filter::modify(work, modification))?
    }
}

/// Whether an operation may run on the caller's thread: it reads or writes one document by its `_id`, or commits.
fn is_small(operation: &Operation) -> bool {
    match operation {
        Operation::Transaction(step) => matches!(step, Step::Commit),
        Operation::Get { .. } => true,
        Operation::Insert { documents, .. } => documents.len() == 1,
        Operation::Set { entries } => entries.len() == 1,
        write => is_inline(write),
    }
}

/// Whether a write was done completely.
fn is_whole(answer: &Answer) -> bool {
    match answer {
        Answer::Inserted(outcome) => outcome.failures.is_empty(),
        Answer::Bulk(outcome) => outcome.failures.is_empty(),
        _ => true,
    }
}

/// Why an operation cannot be part of a transaction. The transaction goes on.
fn refusal(operation: &Operation) -> Option<Error> {
    let what = match operation.with_variables().0 {
        Operation::Explain { .. } => "an operation cannot be explained",
        Operation::Aggregate { pipeline, .. } if is_write(pipeline) => "$out and $merge cannot be run",
        Operation::Drop => "a collection cannot be dropped",
        Operation::DropDatabase => "a database cannot be dropped",
        Operation::Barrier | Operation::Snapshot | Operation::Restore { .. } => {
            "the database cannot be put back in another state"
        }
        Operation::CollMod { .. } => "the options of a collection cannot be changed",
        Operation::Rename { .. } => "a collection cannot be renamed",
        Operation::DropIndex { .. } => "an index cannot be dropped",
        Operation::ListCollections { .. } => "collections cannot be listed",
        Operation::ListDatabases { .. } => "databases cannot be listed",
        Operation::ListIndexes => "indexes cannot be listed",
        Operation::Stats => "statistics cannot be read",
        Operation::Tail { .. } => "a tailable cursor cannot be opened",
        _ => return None,
    };
    Some(errors::refused(what))
}
