//! A transaction: its operations in order, its states, and its time limits.
//!
//! ```text
//! fresh -- first operation --> open -- a write fails --> failed -- rolled back to a savepoint --> open
//!   any of them -- commit, abort, time limit --> ended
//! ```

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};

use super::work::{Origin, Work};
use super::{commit, errors};
use crate::engine::commit::Committed;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::locks::{LongMutex, Mutex, MutexGuard};
use crate::engine::exec::nonblocking::{blocked, is_nonblocking, nonblocking, was_refused};
use crate::engine::exec::work_queue::Job;
use crate::engine::operation::request::Isolation;
use crate::engine::state::idle_readers::IdleReader;
use crate::engine::store::Store;
use crate::error::{Error, Result};

/// A transaction.
pub(crate) struct Transaction {
    me: Weak<Transaction>,
    state: LongMutex<State>,
    /// When it was begun (ms).
    began: i64,
    /// When its last operation ended (ms).
    used: AtomicI64,
    /// How long it may be left alone, and how long it may be open (ms).
    limits: (i64, i64),
    origin: Origin,
    isolation: Isolation,
    line: Mutex<Line>,
    /// Its open cursors.
    cursors: Mutex<Vec<u64>>,
}

enum State {
    Fresh,
    Open(Box<Work>),
    /// A write has failed; with its work as long as there is a savepoint.
    Failed(Option<Box<Work>>),
    Ended(Error),
}

/// Operations that wait for their turn.
#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    is_running: bool,
}

impl Transaction {
    /// A transaction without operations, at this time (ms).
    pub(super) fn new(
        now: i64,
        limits: (i64, i64),
        (origin, isolation): (Origin, Isolation),
    ) -> Arc<Transaction> {
        Arc::new_cyclic(|me| Transaction {
            me: me.clone(),
            state: LongMutex::new(State::Fresh),
            began: now,
            used: AtomicI64::new(now),
            limits,
            origin,
            isolation,
            line: Mutex::default(),
            cursors: Mutex::default(),
        })
    }

    /// Adds an operation; true if the caller must see to it that [`Transaction::run`] is called.
    pub(crate) fn add(&self, job: Job) -> bool {
        let mut line = self.line.lock();
        line.jobs.push_back(job);
        !std::mem::replace(&mut line.is_running, true)
    }

    /// Begins an operation on the caller's thread, unless another one runs or waits.
    pub(crate) fn try_enter(&self) -> bool {
        let mut line = self.line.lock();
        let is_free = !line.is_running && line.jobs.is_empty();
        line.is_running |= is_free;
        is_free
    }

    /// Ends what [`Transaction::try_enter`] has begun; `rest` is the operation if it was not done. True as for
    /// [`Transaction::add`].
    pub(crate) fn leave(&self, rest: Option<Job>) -> bool {
        let mut line = self.line.lock();
        line.jobs.extend(rest);
        line.is_running = !line.jobs.is_empty();
        line.is_running
    }

    /// The state, for an operation; where blocking is refused, only if nobody else looks at it.
    fn entered(&self) -> Result<MutexGuard<'_, State>> {
        if is_nonblocking() { self.state.try_lock().ok_or_else(blocked) } else { Ok(self.state.lock()) }
    }

    /// Runs the operations in the order in which they were added, until there are none.
    pub(crate) fn run(&self) {
        loop {
            let next = {
                let mut line = self.line.lock();
                let next = line.jobs.pop_front();
                line.is_running = next.is_some();
                next
            };
            match next {
                Some(job) => job(),
                None => return,
            }
        }
    }

    /// A read, or what else leaves the transaction as it is when it fails.
    pub(crate) fn read<R>(&self, store: &Arc<Store>, run: impl FnOnce(&mut Work) -> Result<R>) -> Result<R> {
        let mut state = self.entered()?;
        let outcome = self.opened(&mut state, store).and_then(run);
        self.used.store(store.now(), Ordering::Relaxed);
        outcome
    }

    /// A write. If it fails, in part or as a whole, the transaction fails.
    pub(crate) fn write<R>(
        &self,
        store: &Arc<Store>,
        run: impl FnOnce(&mut Work) -> Result<R>,
        is_whole: impl FnOnce(&R) -> bool,
    ) -> Result<R> {
        let mut state = self.entered()?;
        let work = self.opened(&mut state, store)?;
        let outcome = run(work);
        if was_refused() {
            // It has changed nothing, and is run again where blocking is allowed.
            return outcome;
        }
        if !outcome.as_ref().is_ok_and(is_whole)
            && let State::Open(work) = std::mem::replace(&mut *state, State::Failed(None))
            && work.has_marks()
        {
            *state = State::Failed(Some(work));
        }
        self.used.store(store.now(), Ordering::Relaxed);
        outcome
    }

    /// The work, which begins with the first operation.
    fn opened<'s>(&self, state: &'s mut State, store: &Arc<Store>) -> Result<&'s mut Work> {
        self.end_if_late(state, store.now());
        if matches!(state, State::Fresh) {
            let work = Box::new(Work::begin(store, self.origin, self.isolation));
            let reader: Weak<dyn IdleReader> = self.me.clone();
            store.views().readers().add(work.ticket(), reader);
            *state = State::Open(work);
        }
        match state {
            State::Open(work) => Ok(work),
            State::Ended(error) => Err(error.clone()),
            State::Failed(_) | State::Fresh => Err(errors::failed()),
        }
    }

    /// Takes back what was written since a savepoint; a failed transaction goes on from there.
    pub(crate) fn roll_back_to(&self, store: &Arc<Store>, mark: u64) -> Result<()> {
        let mut state = self.state.lock();
        self.end_if_late(&mut state, store.now());
        if let State::Failed(work) = &mut *state
            && let Some(work) = work.take()
        {
            *state = State::Open(work);
        }
        let outcome = self.opened(&mut state, store).and_then(|work| work.roll_back_to(mark));
        self.used.store(store.now(), Ordering::Relaxed);
        outcome
    }

    /// Notes a cursor, which ends with it.
    pub(crate) fn opened_cursor(&self, cursor: u64) {
        let mut cursors = self.cursors.lock();
        if !cursors.contains(&cursor) {
            cursors.push(cursor);
        }
    }

    /// Its cursors, which are to be closed.
    pub(crate) fn take_cursors(&self) -> Vec<u64> {
        std::mem::take(&mut *self.cursors.lock())
    }

    /// Ends it: what it has written is committed, or nothing.
    pub(crate) fn commit(&self, store: &Arc<Store>, interrupt: &Interrupt) -> Committed<()> {
        let mut state = self.state.lock();
        self.end_if_late(&mut state, store.now());
        match std::mem::replace(&mut *state, State::Ended(errors::unknown())) {
            State::Fresh => Committed { result: Ok(()), lsn: store.views().published() },
            State::Open(mut work) => {
                let committed = commit::run(&work, interrupt);
                work.end(&committed.result);
                committed
            }
            State::Failed(_) => Committed::failed(errors::failed()),
            State::Ended(error) => Committed::failed(error),
        }
    }

    /// [`Transaction::commit`] of few documents without blocking; `None` if that is not possible: nothing has happened then.
    pub(crate) fn try_commit(&self, store: &Arc<Store>, interrupt: &Interrupt) -> Option<Committed<()>> {
        let mut state = self.state.try_lock()?;
        self.end_if_late(&mut state, store.now());
        let State::Open(work) = &mut *state else { return None };
        if !work.is_small() {
            return None;
        }
        let committed = nonblocking(|| commit::run(work, interrupt))?;
        work.end(&committed.result);
        *state = State::Ended(errors::unknown());
        Some(committed)
    }

    /// Ends it without effect.
    pub(crate) fn abort(&self) {
        *self.state.lock() = State::Ended(errors::unknown());
    }

    /// Ends it if a time limit has passed and none of its operations runs; returns whether it did.
    pub(super) fn expire(&self, now: i64) -> bool {
        match self.state.try_lock() {
            Some(mut state) if !self.line.lock().is_running => self.end_if_late(&mut state, now),
            _ => false,
        }
    }

    fn end_if_late(&self, state: &mut State, now: i64) -> bool {
        let (idle, total) = self.limits;
        let why = if now - self.began > total {
            format!("was open for more than {total} ms")
        } else if now - self.used.load(Ordering::Relaxed) > idle {
            format!("was left alone for more than {idle} ms")
        } else {
            return false;
        };
        let is_open = !matches!(state, State::Ended(_));
        if is_open {
            *state = State::Ended(errors::expired(&why));
        }
        is_open
    }
}

impl IdleReader for Transaction {
    /// Ends it when the older states that are kept for readers take too much memory.
    fn end(&self) -> bool {
        let Some(mut state) = self.state.try_lock() else { return false };
        match &*state {
            State::Open(_) | State::Failed(Some(_)) => {
                let why = "kept an older state of the database in memory, and changes since then took more than memoryLimit leaves for that";
                *state = State::Ended(errors::expired(why));
                true
            }
            _ => false,
        }
    }
}
