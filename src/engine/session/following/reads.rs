//! The reads of change streams and live queries. One that has nothing to tell waits without a thread, until a commit concerns it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::streams::{Follower, OpenStream, Told, Waiting};
use crate::engine::changes::options::WatchOptions;
use crate::engine::changes::stream::{ChangeStream, State};
use crate::engine::exec::interrupt::{Interrupt, Limits};
use crate::engine::exec::work_queue::Job;
use crate::engine::live::live::Live;
use crate::engine::live::tail::Tail;
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::{FindOptions, Operation, Task};
use crate::engine::operation::response::{Answer, Answered};
use crate::engine::session::session::Session;
use crate::engine::state::feed::{Park, Subject, Wake};
use crate::error::{Error, Kind, Result};
use crate::query::expression::Constants;
use crate::storage::Lsn;

/// How long (ms) a stream waits before it is told how far it has come, if commits that do not concern it have passed.
const TOLD: i64 = 10_000;

/// The error of who watches an earlier state.
fn unchanging() -> Error {
    let message =
        "this is an earlier state of a database, in which nothing changes; watch the database itself";
    Error::new(Kind::NotSupported, message)
}

fn closed() -> Error {
    Error::new(Kind::Closed, "the change stream is closed; open another with watch, after its resumeToken")
}

impl Session {
    /// Opens a change stream.
    pub(in crate::engine::session) fn watch(
        &self,
        name: &str,
        options: &Incoming,
        constants: &Constants,
    ) -> Result<Answer> {
        self.store.check_stores(name)?;
        let stream = ChangeStream::open(&self.store, constants.work(), |newest| {
            let default = self.store.databases().default_name();
            let options = WatchOptions::parse((name, default), options, constants, newest)?;
            // The versions of a document end by themselves.
            if self.store.is_past() && !options.ends() { Err(unchanging()) } else { Ok(options) }
        })?;
        let token = stream.first_token();
        // From now on compactions keep what the stream has not read yet. That takes an fsync, once in the life of a database.
        let store = self.store.clone();
        let keep: Job = Box::new(move || {
            if let Err(error) = store.storage().keep_history() {
                tracing::warn!(%error, "the log is not kept for change streams beyond the next compaction");
            }
        });
        self.scans.push(&self.runtime, [keep]);
        let stream = self.streams.add(Follower::Changes(stream));
        Ok(Answer::Changes { stream, events: Vec::new(), token })
    }

    /// Opens a live query.
    pub(in crate::engine::session) fn live(
        &self,
        name: &str,
        filter: &Incoming,
        options: &FindOptions,
        constants: &Constants,
    ) -> Result<Answer> {
        if self.store.is_past() {
            return Err(unchanging());
        }
        self.store.check_stores(name)?;
        let live = Live::open(&self.store, name, filter, options, constants)?;
        Ok(Answer::Count(self.streams.add(Follower::Live(live))))
    }

    /// Opens a tailable cursor; 0 where there is nothing that it could wait for.
    pub(in crate::engine::session) fn tail(
        &self,
        name: &str,
        filter: &Incoming,
        options: &FindOptions,
        constants: &Constants,
    ) -> Result<Answer> {
        if self.store.is_past() {
            return Err(unchanging());
        }
        let tail = Tail::open(&self.store, name, filter, options, constants)?;
        Ok(Answer::Count(tail.map_or(0, |tail| self.streams.add(Follower::Tail(tail)))))
    }

    /// Queues a read of a change stream.
    pub(in crate::engine::session) fn push_changes(self: &Arc<Self>, task: Task) {
        let Task { operation, limits, reply, .. } = task;
        let Operation::Changes { stream, batch, wait } = operation else { return };
        let now = self.store.now();
        let until = wait.map(|wait| now.saturating_add(i64::try_from(wait).unwrap_or(i64::MAX)));
        let waiting = Waiting { reply, batch, number: 0, since: now, until };
        let (session, interrupt) = (self.clone(), self.start_limits(&limits));
        let job: Job = Box::new(move || session.changes(stream, waiting, None, &interrupt));
        self.scans.push(&self.runtime, [job]);
    }

    /// Reads on, and answers or waits.
    fn changes(self: &Arc<Self>, number: u64, waiting: Waiting, why: Option<Wake>, interrupt: &Interrupt) {
        let Some(open) = self.streams.get(number).filter(|_| !self.is_closed()) else {
            let error = if self.is_closed() { self.closed() } else { closed() };
            return (waiting.reply)(Answered::failed(error));
        };
        if why.is_none() {
            // A caller that reads again does not wait for what it asked before.
            self.end_wait(&open, || {
                Ok(Answer::Changes { stream: number, events: Vec::new(), token: String::new() })
            });
        }
        interrupt.begin();
        let read = catch_unwind(AssertUnwindSafe(|| {
            let mut stream = open.stream.lock();
            if let Some(why) = why {
                stream.woken(why);
            }
            stream.next(number, waiting.batch, interrupt)
        }));
        let read = read.unwrap_or_else(|_| {
            let message =
                "a change stream failed in a way that is a defect of this package; please report it";
            Err(Error::new(Kind::Internal, message))
        });
        let Told { answered, is_news, state } = match read {
            Ok(told) => told,
            Err(error) => {
                self.streams.remove(number);
                return (waiting.reply)(Answered::failed(error));
            }
        };
        let State::Waits { next, subject } = state else {
            if matches!(state, State::Ended) {
                self.streams.remove(number);
            }
            return (waiting.reply)(answered);
        };
        let now = self.store.now();
        let is_told = why.is_some_and(|why| matches!(why, Wake::Look(_))) && now - waiting.since >= TOLD;
        if is_news || is_told || waiting.until.is_some_and(|until| until <= now) {
            return (waiting.reply)(answered);
        }
        self.park(number, &open, waiting, (next, subject));
    }

    fn park(
        self: &Arc<Self>,
        number: u64,
        open: &Arc<OpenStream>,
        waiting: Waiting,
        (next, subject): (Lsn, Subject),
    ) {
        let left = waiting.until.map(|until| until.saturating_sub(self.store.now()));
        if let Some(other) = open.waiting.lock().replace(waiting) {
            let message = "another read of the change stream is waiting; wait for it first";
            (other.reply)(Answered::failed(Error::new(Kind::Internal, message)));
        }
        let session = Arc::downgrade(self);
        let wake = move |why: Wake| {
            if let Some(session) = session.upgrade() {
                let woken = session.clone();
                let job: Job = Box::new(move || woken.woken(number, why));
                session.scans.push(&session.runtime, [job]);
            }
        };
        let feed = self.store.feed();
        match feed.park(next, subject, Box::new(wake)) {
            Park::Waits(place) => {
                if let Some(waiting) = &mut *open.waiting.lock() {
                    waiting.number = place;
                }
                if let Some(left) = left {
                    let (feed, left) = (feed.clone(), Duration::from_millis(left.max(1) as u64));
                    self.runtime.spawn(async move {
                        tokio::time::sleep(left).await;
                        feed.wake(place);
                    });
                }
                // Closed, or poisoned, meanwhile.
                let is_ending = self.streams.are_ending() || self.is_closed() || self.is_interrupted();
                if is_ending || self.store.poisoned().is_some() {
                    feed.wake(place);
                }
            }
            Park::Ready => self.woken(number, Wake::Look(Lsn(0))),
        }
    }

    /// Goes on with a read that waited.
    fn woken(self: &Arc<Self>, number: u64, why: Wake) {
        let Some(open) = self.streams.get(number) else { return };
        let Some(waiting) = open.waiting.lock().take() else { return };
        if self.is_interrupted() || self.streams.are_ending() {
            return (waiting.reply)(Answered::failed(self.closed()));
        }
        let interrupt = self.start_limits(&Limits::default());
        self.changes(number, waiting, Some(why), &interrupt);
    }

    /// Closes a change stream; one that waits ends without events.
    pub(in crate::engine::session) fn unwatch(&self, number: u64) {
        if let Some(open) = self.streams.remove(number) {
            self.end_wait(&open, || {
                Ok(Answer::Changes { stream: 0, events: Vec::new(), token: String::new() })
            });
        }
    }

    fn end_wait(&self, open: &OpenStream, answer: impl FnOnce() -> Result<Answer>) {
        let waiting = open.waiting.lock().take();
        if let Some(waiting) = waiting {
            self.store.feed().wake(waiting.number);
            (waiting.reply)(Answered::plain(answer()));
        }
    }

    /// Ends the reads that wait: the database is being closed.
    pub(crate) fn end_streams(&self) {
        self.streams.end();
        for (_, open) in self.streams.all() {
            self.end_wait(&open, || Err(self.closed()));
        }
    }

    /// Closes all streams.
    pub(in crate::engine::session) fn close_streams(&self) {
        self.end_streams();
        self.streams.take_all();
    }

    /// Lets streams that wait for long tell how far they have come.
    pub(in crate::engine::session) fn look_at_streams(&self) {
        let (now, published) = (self.store.now(), self.store.views().published());
        for (_, open) in self.streams.all() {
            let number =
                open.waiting.lock().as_ref().filter(|one| now - one.since >= TOLD).map(|one| one.number);
            let Some(number) = number else { continue };
            let is_behind = open.stream.try_lock().is_some_and(|stream| stream.is_behind(published));
            if is_behind {
                self.store.feed().wake(number);
            }
        }
    }
}
