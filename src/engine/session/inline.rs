//! Small writes and small finds on the caller's own thread.
//!
//! Switching to another thread and back costs tens of microseconds, a small write two or three: resolving it in memory, and
//! a `write` of some hundred bytes into the page cache. So writes that name their `_id`s are executed in the call that
//! submits them, as long as nothing has to block (`nonblocking`); the first that would block, and all writes after it, go to
//! their queue.
//!
//! The same applies to finds, counts and distinct values whose plan reads at most a few hundred documents or entries, all of them in memory: one
//! that turns out to be larger, or that would have to read from disk, is run again on the queue of scans. What its view leaves behind is
//! freed there, too.
//!
//! The guarantees for writes are unchanged:
//!
//! - Writes commit in the order of the calls: the queue is used here only while it is idle, and released before anything is
//!   pushed to it; nothing is written here to a collection while an earlier write by filter is unfinished (`order`).
//! - A result settles when its commit is published, on the thread that publishes it, which is mostly this one.
//! - In sync mode no write is executed here, because an fdatasync blocks.
//! - What a commit leaves behind (documents to evict, a compaction that pays) is handled on the queue, periodically.

use std::sync::atomic::Ordering;

use smallvec::smallvec;

use super::cursors::Open;
use super::order::Class;
use super::session::{Outcome, Session};
use crate::document::Collation;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::nonblocking::{NONBLOCKING_DOCUMENTS, nonblocking};
use crate::engine::exec::work_queue::Job;
use crate::engine::operation::classify::{is_laborious_filter, writes_by_id};
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::{FindOptions, Operation, Task};
use crate::engine::operation::response::{Answer, Answered};
use crate::engine::read::find::Cursor;
use crate::engine::read::layers::source::Source;
use crate::error::{Error, Kind};
use crate::options::Access;
use crate::query::expression::Constants;
use crate::storage::FrameSize;

/// The maximum number of documents of an operation that is executed here.
const DOCUMENTS: usize = 64;
/// The cost of parsing and planning a find, in documents.
const FIND: usize = 16;
/// The maximum bytes of a query that is parsed here.
const QUERY: usize = 1 << 10;
/// Writes after which the queue handles what they left behind.
const STRETCH: u64 = 256;

impl Session {
    /// Executes what it can; returns the rest, in order.
    pub(crate) fn run_inline(&self, work: Vec<Task>) -> Vec<Task> {
        let work = self.run_writes(work);
        let work = self.run_queries(work);
        if self.store.is_worth_cooling() {
            self.cool_elsewhere();
        }
        let views = self.store.views();
        if views.is_behind() {
            let views = views.clone();
            let catch_up: Job = Box::new(move || views.catch_up());
            self.scans.push(&self.runtime, [catch_up]);
        }
        work
    }

    /// Executes the queries that read few documents or entries, all in memory, while their sum is small.
    fn run_queries(&self, work: Vec<Task>) -> Vec<Task> {
        if !work.iter().any(|task| is_small_query(&task.operation)) {
            return work;
        }
        let mut left = Vec::new();
        let mut spent = 0;
        for task in work {
            if spent >= NONBLOCKING_DOCUMENTS || !is_small_query(&task.operation) {
                left.push(task);
                continue;
            }
            spent += FIND;
            let interrupt = self.start_limits(&task.limits);
            let run =
                || self.guarded(Access::ReadOnly, &interrupt, || Outcome::Now(self.query(&task, &interrupt)));
            match nonblocking(run) {
                Some(outcome) => {
                    if let Outcome::Now(Answered { answer: Ok(answer), .. }) = &outcome {
                        spent += match answer {
                            Answer::Batch { documents, .. } => documents.len(),
                            Answer::Values(values) => values.len(),
                            _ => 0,
                        };
                    }
                    self.answer(outcome, task.reply);
                }
                None => left.push(task),
            }
        }
        left
    }

    /// A query on this thread.
    fn query(&self, task: &Task, interrupt: &Interrupt) -> Answered {
        let Task { name, operation, limits, .. } = task;
        let Operation::Find { filter, options } = operation else {
            return self.try_reading(name, operation, interrupt);
        };
        let source = Source::newest(&self.store);
        let collation =
            source.collection(name).map_or(Collation::SIMPLE, |collection| collection.collation());
        let constants = Constants::default().under(collation);
        match Cursor::open(source, name, filter, options, &constants, limits) {
            Err(error) => Answered::failed(error),
            Ok(cursor) => {
                self.cursors.first_batch(&self.store, Open::Find(Box::new(cursor)), options.batch, interrupt)
            }
        }
    }

    /// Executes writes from the first on, as far as it can; returns the rest, in order.
    fn run_writes(&self, work: Vec<Task>) -> Vec<Task> {
        if !work.iter().any(|task| is_inline(&task.operation)) {
            return work;
        }
        if !self.commits_inline() {
            return work;
        }
        let Some(turn) = self.writes.try_enter(&self.runtime) else { return work };
        let mut left = Vec::new();
        let mut done = 0;
        let mut in_order = true;
        for task in work {
            if !in_order || !is_inline(&task.operation) || !self.order.is_free(&task.name) {
                in_order = in_order && Class::of(&task.operation).is_none();
                left.push(task);
                continue;
            }
            let interrupt = self.start_write_limits(&task.operation, &task.limits);
            let outcome = nonblocking(|| {
                self.guarded(Access::ReadWrite, &interrupt, || {
                    let defect = || Error::new(Kind::Internal, "a write was taken for another operation");
                    let write = self.write(&task.name, &task.operation, &interrupt);
                    write.map_or_else(|| Outcome::Now(Answered::failed(defect())), Outcome::Published)
                })
            });
            match outcome {
                Some(outcome) => {
                    done += 1;
                    interrupt.begin();
                    self.answer(outcome, task.reply);
                }
                None => {
                    in_order = false;
                    left.push(task);
                }
            }
        }
        let driven = done == 0 || self.store.storage().drive_nonblocking();
        drop(turn);
        self.wrote_inline(done, driven);
        left
    }

    /// So many writes were executed on this thread; whether their frames were written too.
    pub(super) fn wrote_inline(&self, writes: u64, driven: bool) {
        let due = self.since_upkeep.fetch_add(writes, Ordering::Relaxed) + writes >= STRETCH;
        if due || !driven || self.store.is_too_warm() {
            self.since_upkeep.store(0, Ordering::Relaxed);
            let nothing: Job = Box::new(|| {});
            self.writes.push(&self.runtime, [nothing]);
        }
    }

    /// Whether commits may be executed on this thread.
    pub(super) fn commits_inline(&self) -> bool {
        self.store.storage().is_nonblocking(&FrameSize { blocks: smallvec![0], records: 1 })
    }
}

/// Whether this is a find, count or distinct that is cheap to parse and to project: patterns take long to compile, and expressions can
/// do any amount of work.
fn is_small_query(operation: &Operation) -> bool {
    let (filter, parts) = match operation {
        Operation::Find { filter, options } if !options.meta => {
            let FindOptions { sort, projection, hint, .. } = options;
            let has_operators = |part: &Incoming| part.bytes().contains(&b'$');
            if projection.as_ref().is_some_and(has_operators) {
                return false;
            }
            (filter, [sort.as_ref(), projection.as_ref(), hint.as_ref()])
        }
        Operation::Count { filter, hint, .. } => (filter, [None, None, hint.as_ref()]),
        Operation::Distinct { key, filter, hint } => (filter, [None, Some(key), hint.as_ref()]),
        _ => return false,
    };
    let bytes: usize = parts.iter().flatten().map(|part| part.bytes().len()).sum();
    filter.bytes().len() + bytes <= QUERY && !is_laborious_filter(filter)
}

/// Whether this is a write by `_id` that makes one commit.
pub(super) fn is_inline(operation: &Operation) -> bool {
    match operation {
        Operation::Insert { documents, .. } => documents.len() <= DOCUMENTS,
        Operation::Set { entries } => entries.len() <= DOCUMENTS,
        Operation::DeleteId { .. } => true,
        Operation::Update { .. }
        | Operation::Replace { .. }
        | Operation::Delete { .. }
        | Operation::FindOneAnd { .. }
        | Operation::Let { .. } => writes_by_id(operation),
        _ => false,
    }
}
