//! Small writes and small finds on the caller's own thread.
//!
//! Switching to another thread and back costs tens of microseconds, a small write two or three: resolving it in memory, and
//! a `write` of some hundred bytes into the page cache. So writes that name their `_id`s are executed in the call that
//! submits them, as long as nothing has to block (`nonblocking`); the first that would block, and all writes after it, go to
//! their queue.
//!
//! The same applies to finds whose plan reads at most a few hundred documents, all of them in memory: a find that turns out
//! to be larger, or that would have to read from disk, is run again on the queue of scans. What its view leaves behind is
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
        let work = self.run_finds(work);
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

    /// Executes the finds that read few documents, all in memory, while their sum is small.
    fn run_finds(&self, work: Vec<Task>) -> Vec<Task> {
        if !work.iter().any(|task| small_find(&task.operation).is_some()) {
            return work;
        }
        let mut left = Vec::new();
        let mut spent = 0;
        for task in work {
            let find = small_find(&task.operation).filter(|_| spent < NONBLOCKING_DOCUMENTS);
            let outcome = find.and_then(|(filter, options)| {
                let interrupt = self.start_limits(&task.limits);
                nonblocking(|| {
                    self.guarded(Access::ReadOnly, &interrupt, || {
                        let (name, limits) = (&task.name, &task.limits);
                        let constants = Constants::default();
                        match Cursor::open(
                            Source::newest(&self.store),
                            name,
                            filter,
                            options,
                            &constants,
                            limits,
                        ) {
                            Err(error) => Outcome::Now(Answered::failed(error)),
                            Ok(cursor) => {
                                let source = Open::Find(Box::new(cursor));
                                let batch = options.batch;
                                Outcome::Now(self.cursors.first_batch(&self.store, source, batch, &interrupt))
                            }
                        }
                    })
                })
            });
            match outcome {
                Some(outcome) => {
                    spent += FIND;
                    if let Outcome::Now(Answered { answer: Ok(Answer::Batch { documents, .. }), .. }) =
                        &outcome
                    {
                        spent += documents.len();
                    }
                    self.answer(outcome, task.reply);
                }
                None => {
                    spent += if find.is_some() { FIND } else { 0 };
                    left.push(task);
                }
            }
        }
        left
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

/// The parts of a find that is cheap, including parsing and projecting: patterns take long to compile, and expressions can
/// do any amount of work.
fn small_find(operation: &Operation) -> Option<(&Incoming, &FindOptions)> {
    let Operation::Find { filter, options } = operation else { return None };
    if options.meta {
        return None;
    }
    let parts = [Some(filter), options.sort.as_ref(), options.projection.as_ref(), options.hint.as_ref()];
    let bytes: usize = parts.iter().flatten().map(|part| part.bytes().len()).sum();
    let has = |part: &Incoming, name: &[u8]| part.bytes().windows(name.len()).any(|window| window == name);
    let costly = is_laborious_filter(filter)
        || options.projection.as_ref().is_some_and(|projection| has(projection, b"$"));
    (bytes <= QUERY && !costly).then_some((filter, options))
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
