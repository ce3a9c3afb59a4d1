//! One caller's use of a database: its operations, in the guaranteed order, and its cursors.
//!
//! The writes to a collection take effect in the order in which they were called (`order`). Those that name their `_id`s
//! share a queue of width one. Scans, and writes by filter to different collections, run on as many threads as there are
//! cores, and on more while long ones occupy all of these. Reads by `_id` that must wait for the disk have their own queue,
//! so that they do not wait behind scans.

use crate::engine::index_build::requests;
use crate::engine::maintenance::auto_index;
use crate::engine::maintenance::compaction::upkeep;
use crate::engine::operation::input::text_of;
use crate::engine::write::collections;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;

use super::cursors::{Open, OpenCursors};
use super::following::streams::Streams;
use super::order::{Class, Order};
use crate::document::RawValue;
use crate::engine::aggregate::aggregation::Aggregation;
use crate::engine::commit::Committed;
use crate::engine::exec::interrupt::{Interrupt, Limits};
use crate::engine::exec::nonblocking::is_nonblocking;
use crate::engine::exec::work_queue::{Job, WorkQueue};
use crate::engine::operation::classify::{is_write, names_id, writes, writes_by_id};
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::{Operation, Size, Task};
use crate::engine::operation::response::{Answer, Answered, Reply};
use crate::engine::read::layers::source::Source;
use crate::engine::read::point::{self, Hot, HotMany};
use crate::engine::restore;
use crate::engine::state::namespace::parts;
use crate::engine::store::Store;
use crate::engine::transaction::registry::Transactions;
use crate::engine::write::bulk::{self, Write};
use crate::engine::write::find_and_modify::ReturnedDocument;
use crate::error::{Error, Kind};
use crate::options::Access;
use crate::query::expression::Constants;

/// When the result of an operation is returned.
pub(crate) enum Outcome {
    /// At once.
    Now(Answered),
    /// Once this LSN is published.
    Published(Committed<Answer>),
}

/// Threads that reads may use while all they have are at long ones; beyond, short reads wait for long ones.
const MOST_WORKERS: usize = 64;

/// How often idle cursors and transactions are looked for.
const EXPIRY: Duration = Duration::from_secs(5);
/// Documents that may come into memory on the calling thread before room is made for them, where they have a cache with a bound of
/// its own: waking another thread costs as much as some reads.
const LOADED: u64 = 1_024;

/// One caller (an environment and a database handle).
pub struct Session {
    pub(crate) store: Arc<Store>,
    access: Access,
    closed: Arc<AtomicBool>,
    pub(crate) interrupted: Arc<AtomicBool>,
    pub(crate) interrupted_writes: Arc<AtomicBool>,
    pub(crate) runtime: Handle,
    pub(crate) writes: Arc<WorkQueue>,
    pub(super) order: Order,
    /// Writes executed on the caller's thread since the last upkeep.
    pub(crate) since_upkeep: AtomicU64,
    /// Documents that came into memory on the calling thread since room was made for them.
    since_cooled: AtomicU64,
    pub(crate) reads: Arc<WorkQueue>,
    pub(crate) scans: Arc<WorkQueue>,
    pub(crate) cursors: OpenCursors,
    pub(crate) transactions: Transactions,
    pub(super) streams: Streams,
}

impl Session {
    pub(crate) fn new(
        store: Arc<Store>,
        access: Access,
        closed: Arc<AtomicBool>,
        runtime: Handle,
    ) -> Arc<Session> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from).max(2);
        let after_writes = || {
            let (store, runtime) = (store.clone(), runtime.clone());
            move || {
                store.storage().drive();
                upkeep(&store, &runtime);
            }
        };
        let session = Arc::new(Session {
            access,
            closed,
            interrupted: Arc::default(),
            interrupted_writes: Arc::default(),
            writes: WorkQueue::new(1, after_writes()),
            order: Order::default(),
            since_upkeep: AtomicU64::new(0),
            since_cooled: AtomicU64::new(0),
            reads: WorkQueue::growing(2, MOST_WORKERS, || {}),
            scans: WorkQueue::growing(cores, cores + MOST_WORKERS, after_writes()),
            cursors: OpenCursors::default(),
            transactions: Transactions::default(),
            streams: Streams::default(),
            runtime,
            store,
        });
        let weak = Arc::downgrade(&session);
        session.runtime.spawn(async move {
            loop {
                tokio::time::sleep(EXPIRY).await;
                match weak.upgrade() {
                    Some(session) => {
                        session.cursors.expire(&session.store);
                        session.expire_transactions();
                        session.look_at_streams();
                    }
                    None => return,
                }
            }
        });
        session
    }

    /// Starts operations; the reply of each is called once. Never blocks. Small ones may be executed here and answered
    /// before this returns: see `inline`.
    pub fn submit(self: &Arc<Self>, mut work: Vec<Task>, size: Size) {
        if work.iter().any(|task| task.transaction != 0) {
            work = self.submit_transactions(work, size);
        }
        if size == Size::Small {
            work = self.run_inline(work);
        }
        let (mut writes, mut reads, mut scans) = (Vec::new(), Vec::new(), Vec::new());
        for task in work {
            if matches!(task.operation, Operation::Changes { .. }) {
                self.push_changes(task);
                continue;
            }
            let class = Class::of(&task.operation);
            // Time in the queue counts.
            let is_named = class.is_some_and(Class::is_queued) || writes_by_id(&task.operation);
            let interrupt = match is_named {
                true => self.start_write_limits(&task.operation, &task.limits),
                false => self.start_limits(&task.limits),
            };
            match class {
                None => {
                    let session = self.clone();
                    let queue = if self.is_short_read(&task.operation) { &mut reads } else { &mut scans };
                    let job: Job = Box::new(move || session.run(task, &interrupt));
                    queue.push(job);
                }
                Some(Class::Named) if self.order.is_free(&task.name) => {
                    writes.push(self.counted(task, move |session, task| session.run_write(task, &interrupt)));
                }
                Some(class) => {
                    self.push_writes(&mut writes);
                    self.in_turn(class, task, move |session, task| session.run_write(task, &interrupt));
                }
            }
        }
        self.push_writes(&mut writes);
        for (queue, jobs) in [(&self.reads, reads), (&self.scans, scans)] {
            if !jobs.is_empty() {
                queue.push(&self.runtime, jobs);
            }
        }
    }

    fn push_writes(&self, writes: &mut Vec<Job>) {
        if !writes.is_empty() {
            self.writes.push(&self.runtime, writes.drain(..));
        }
    }

    /// Whether a read belongs in the queue of those that are short.
    fn is_short_read(&self, operation: &Operation) -> bool {
        match operation.with_variables().0 {
            Operation::Find { filter, .. } | Operation::Count { filter, .. } => names_id(filter.raw()),
            Operation::Get { .. }
            | Operation::GetMany { .. }
            | Operation::Has { .. }
            | Operation::CloseCursor { .. }
            | Operation::ListCollections { .. }
            | Operation::ListDatabases { .. }
            | Operation::ListIndexes
            | Operation::Release { .. }
            | Operation::Stats => true,
            // A batch of an unsorted cursor is found on demand: this is a scan, too.
            _ => false,
        }
    }

    /// Runs one operation on this thread and waits for its answer.
    pub fn call(&self, name: &str, operation: Operation) -> Answered {
        self.call_within(name, operation, &Limits::default())
    }

    /// [`Session::call`] that ends at these limits.
    pub fn call_within(&self, name: &str, operation: Operation, limits: &Limits) -> Answered {
        let interrupt = Interrupt::start(limits, self.store.now());
        match self.outcome(name, operation, limits, &interrupt) {
            Outcome::Now(answered) => answered,
            Outcome::Published(Committed { result, lsn }) => {
                self.store.storage().drive();
                let (sender, receiver) = std::sync::mpsc::sync_channel(1);
                self.store.when_published(lsn, move |published| {
                    // The receiver waits below.
                    let _ = sender.send(published);
                });
                let published = receiver
                    .recv()
                    .unwrap_or_else(|_| Err(Error::new(Kind::Internal, "a write was dropped unanswered")));
                upkeep(&self.store, &self.runtime);
                Answered::plain(published.and(result))
            }
        }
    }

    /// Reads a document without blocking.
    pub fn get_hot(&self, name: &str, id: RawValue<'_>) -> Hot {
        if self.is_closed() {
            return Hot::Wait;
        }
        let found = point::get_hot(&self.store, name, id);
        if matches!(found, Hot::Loaded(..)) {
            self.loaded(1);
        }
        found
    }

    /// Reads documents without blocking: see `Store::get_many_hot`.
    pub fn get_many_hot<'i>(
        &self,
        name: &str,
        ids: impl Iterator<Item = RawValue<'i>>,
        most: usize,
    ) -> Option<HotMany> {
        self.read_hot(|| point::get_many_hot(&self.store, name, ids, most))
    }

    /// Reads documents of one state without blocking: see `Store::get_all_hot`.
    pub fn get_all_hot<'i>(
        &self,
        name: &str,
        ids: (impl Iterator<Item = RawValue<'i>> + Clone, usize),
        most: usize,
    ) -> Option<HotMany> {
        self.read_hot(|| point::get_all_hot(&self.store, name, ids, most))
    }

    fn read_hot(&self, read: impl FnOnce() -> Option<(HotMany, usize)>) -> Option<HotMany> {
        if self.is_closed() {
            return None;
        }
        let (found, loaded) = read()?;
        self.loaded(loaded as u64);
        Some(found)
    }

    /// Documents came into memory on the calling thread: from time to time another thread makes room for them.
    fn loaded(&self, documents: u64) {
        let all = self.since_cooled.fetch_add(documents, Ordering::Relaxed) + documents;
        if self.store.is_worth_cooling() || (self.store.is_tight() && all >= LOADED) {
            self.since_cooled.store(0, Ordering::Relaxed);
            self.cool_elsewhere();
        }
    }

    /// Makes room in memory on another thread.
    pub(super) fn cool_elsewhere(&self) {
        let store = self.store.clone();
        let cool: Job = Box::new(move || store.cool());
        self.scans.push(&self.runtime, [cool]);
    }

    /// Whether a document exists; `None` when that cannot be determined without blocking.
    pub fn has_hot(&self, name: &str, id: RawValue<'_>) -> Option<bool> {
        if self.is_closed() { None } else { point::has(&self.store, name, id) }
    }

    /// Whether no operation is running or queued.
    pub(crate) fn is_idle(&self) -> bool {
        self.order.is_empty() && [&self.writes, &self.reads, &self.scans].iter().all(|queue| queue.is_idle())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn run(&self, task: Task, interrupt: &Interrupt) {
        let Task { name, operation, limits, reply, .. } = task;
        self.answer(self.outcome(&name, operation, &limits, interrupt), reply);
    }

    pub(super) fn closed(&self) -> Error {
        Error::new(Kind::Closed, format!("the database {} is closed; open it again", self.store.name()))
    }

    /// Returns the result now, or when the LSN that it depends on is published.
    pub(crate) fn answer(&self, outcome: Outcome, reply: Reply) {
        match outcome {
            Outcome::Now(answered) => reply(answered),
            Outcome::Published(Committed { result, lsn }) => {
                self.store
                    .when_published(lsn, move |published| reply(Answered::plain(published.and(result))));
            }
        }
    }

    pub(super) fn outcome(
        &self,
        name: &str,
        operation: Operation,
        limits: &Limits,
        interrupt: &Interrupt,
    ) -> Outcome {
        let needs = if writes(&operation) { Access::ReadWrite } else { Access::ReadOnly };
        let outcome = self.guarded(needs, interrupt, || {
            if let Some(committed) = self.write(name, &operation, interrupt) {
                return Outcome::Published(committed);
            }
            match self.taken_apart(name, operation, interrupt) {
                Ok((operation, constants)) => self.execute(name, operation, &constants, limits, interrupt),
                Err(error) => Outcome::Now(Answered::failed(error)),
            }
        });
        auto_index::consider(&self.store, name, &self.runtime);
        outcome
    }

    /// Runs an operation that needs this access: the checks that precede every operation, and the handling of a panic.
    pub(crate) fn guarded(
        &self,
        needs: Access,
        interrupt: &Interrupt,
        run: impl FnOnce() -> Outcome,
    ) -> Outcome {
        if self.is_closed() {
            return Outcome::Now(Answered::failed(self.closed()));
        }
        if self.access == Access::ReadOnly && needs == Access::ReadWrite {
            return Outcome::Now(Answered::failed(self.store.read_only()));
        }
        // An operation that is tried on the caller's thread may still go to its queue.
        if !is_nonblocking() {
            interrupt.begin();
        }
        if let Err(error) = interrupt.check(|| self.store.now()) {
            return Outcome::Now(Answered::failed(error));
        }
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
            let message = "an operation failed in a way that is a defect of this package; please report it";
            Outcome::Now(Answered::failed(Error::new(Kind::Internal, message)))
        })
    }

    fn execute(
        &self,
        name: &str,
        operation: Operation,
        constants: &Constants,
        limits: &Limits,
        interrupt: &Interrupt,
    ) -> Outcome {
        let store = &*self.store;
        match operation {
            Operation::Create { options } => {
                Outcome::Published(collections::create(store, name, options.as_ref()))
            }
            Operation::CollMod { changes } => Outcome::Published(collections::modify(store, name, &changes)),
            Operation::CreateIndexes { specs } => {
                Outcome::Published(requests::create_indexes(store, name, &specs, interrupt))
            }
            Operation::DropIndex { index } => Outcome::Published(requests::drop_index(store, name, &index)),
            Operation::Drop => Outcome::Published(collections::drop(store, name)),
            Operation::Watch { options } => {
                Outcome::Now(Answered::plain(self.watch(name, &options, constants)))
            }
            Operation::Live { filter, options } => {
                Outcome::Now(Answered::plain(self.live(name, &filter, &options, constants)))
            }
            Operation::Tail { filter, options } => {
                Outcome::Now(Answered::plain(self.tail(name, &filter, &options, constants)))
            }
            Operation::Unwatch { stream } => {
                self.unwatch(stream);
                Outcome::Now(Answered::plain(Ok(Answer::Done)))
            }
            Operation::Barrier => Outcome::Now(Answered::plain(Ok(Answer::Done))),
            Operation::Snapshot => Outcome::Published(restore::take(store)),
            Operation::Restore { snapshot } => Outcome::Published(restore::restore(store, snapshot)),
            Operation::Release { snapshot } => {
                Outcome::Now(Answered::plain(Ok(restore::release(store, snapshot))))
            }
            Operation::DropDatabase => Outcome::Published(collections::drop_database(store, parts(name).0)),
            Operation::Rename { to, drop_target } => match text_of(&to) {
                Ok(to) => Outcome::Published(collections::rename(store, name, &to, drop_target)),
                Err(error) => Outcome::Now(Answered::failed(error)),
            },
            Operation::Aggregate { pipeline, batch, hint } => {
                self.aggregate(name, (&pipeline, constants), batch, hint.as_ref(), interrupt)
            }
            Operation::Bulk { operations, order } => {
                Outcome::Published(bulk::run(store, name, operations, order, interrupt, |write, ahead| {
                    let returned_document = ReturnedDocument::default();
                    self.modify(
                        name,
                        &write,
                        (interrupt, constants, Some(ahead)),
                        &returned_document,
                        |change, outcome, _| match change.with_variables().0 {
                            Operation::Delete { .. } => Write::Deleted(outcome.matched),
                            _ => Write::Updated(outcome),
                        },
                    )
                }))
            }
            read => Outcome::Now(self.read(name, read, constants, (limits, interrupt), None)),
        }
    }

    fn aggregate(
        &self,
        name: &str,
        (pipeline, constants): (&Incoming, &Constants),
        batch: u32,
        hint: Option<&Incoming>,
        interrupt: &Interrupt,
    ) -> Outcome {
        // What it writes depends on what it reads: the writes before it must be visible, also those that are not durable yet.
        if is_write(pipeline)
            && let Err(error) = self.store.wait_published(self.store.applied_lsn())
        {
            return Outcome::Now(Answered::failed(error));
        }
        let opened = Aggregation::open(
            &self.store,
            Source::newest(&self.store),
            name,
            (pipeline, constants),
            hint,
            interrupt,
        );
        let mut aggregation = match opened {
            Ok(aggregation) => aggregation,
            Err(error) => return Outcome::Now(Answered::failed(error)),
        };
        if !is_write(pipeline) {
            let source = Open::Aggregate(aggregation);
            return Outcome::Now(self.cursors.first_batch(&self.store, source, batch, interrupt));
        }
        let result =
            aggregation.next_batch(batch, interrupt).map(|documents| Answer::Batch { cursor: 0, documents });
        Outcome::Published(Committed { result, lsn: aggregation.written() })
    }
}
