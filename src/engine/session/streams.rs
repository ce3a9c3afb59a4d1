//! The change streams and live queries of a session. One that has nothing to tell waits without a thread, until a commit concerns it.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::session::Session;
use crate::engine::changes::options::WatchOptions;
use crate::engine::changes::stream::{Batch, ChangeStream, State};
use crate::engine::exec::interrupt::{Interrupt, Limits};
use crate::engine::exec::locks::{LongMutex, Mutex};
use crate::engine::exec::work_queue::Job;
use crate::engine::live::live::{Live, Step};
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::{FindOptions, Operation, Task};
use crate::engine::operation::response::{Answer, Answered, Reply};
use crate::engine::state::feed::{Park, Subject, Wake};
use crate::error::{Error, Kind, Result};
use crate::query::expression::Constants;
use crate::storage::Lsn;

/// How long (ms) a stream waits before it is told how far it has come, if commits that do not concern it have passed.
const TOLD: i64 = 10_000;

/// A read of a stream whose caller waits for events.
struct Waiting {
    reply: Reply,
    batch: u32,
    /// Its number in the feed, once it is there.
    number: u64,
    since: i64,
    /// When it ends without events (ms since 1970).
    until: Option<i64>,
}

/// What follows the commits.
enum Follower {
    Changes(ChangeStream),
    Live(Live),
}

/// What a follower has to tell.
struct Told {
    answered: Answered,
    /// Whether there is something to tell.
    is_news: bool,
    state: State,
}

struct OpenStream {
    stream: LongMutex<Follower>,
    waiting: Mutex<Option<Waiting>>,
}

/// The open change streams of a session by number, from 1 on.
#[derive(Default)]
pub(crate) struct Streams {
    open: Mutex<HashMap<u64, Arc<OpenStream>>>,
    newest: AtomicU64,
}

impl Streams {
    fn add(&self, follower: Follower) -> u64 {
        let number = self.newest.fetch_add(1, Ordering::Relaxed) + 1;
        let open = OpenStream { stream: LongMutex::new(follower), waiting: Mutex::default() };
        self.open.lock().insert(number, Arc::new(open));
        number
    }

    fn get(&self, number: u64) -> Option<Arc<OpenStream>> {
        self.open.lock().get(&number).cloned()
    }

    fn remove(&self, number: u64) -> Option<Arc<OpenStream>> {
        self.open.lock().remove(&number)
    }

    fn all(&self) -> Vec<(u64, Arc<OpenStream>)> {
        self.open.lock().iter().map(|(number, open)| (*number, open.clone())).collect()
    }
}

impl Follower {
    fn woken(&mut self, why: Wake) {
        match self {
            Follower::Changes(stream) => stream.woken(why),
            Follower::Live(live) => live.woken(why),
        }
    }

    fn is_behind(&self, published: Lsn) -> bool {
        matches!(self, Follower::Changes(stream) if stream.is_behind(published))
    }

    /// Reads on, as the stream of this number.
    fn next(&mut self, number: u64, batch: u32, interrupt: &Interrupt) -> Result<Told> {
        match self {
            Follower::Changes(changes) => {
                let Batch { events, token, state } = changes.next_batch(batch, interrupt)?;
                let is_news = !events.is_empty();
                let stream = if matches!(state, State::Ended) { 0 } else { number };
                let answered = Answered::plain(Ok(Answer::Changes { stream, events, token }));
                Ok(Told { answered, is_news, state })
            }
            Follower::Live(live) => {
                let step = live.step(interrupt)?;
                let (next, subject) = live.waits();
                let is_news = step.is_some();
                let answered = match step {
                    None => Answered::plain(Ok(Answer::Done)),
                    Some(Step { lsn, order, documents, collection }) => {
                        let answer = Answer::Live { stream: number, lsn: lsn.0, order, documents };
                        Answered { collection, answer: Ok(answer) }
                    }
                };
                Ok(Told { answered, is_news, state: State::Waits { next, subject } })
            }
        }
    }
}

fn closed() -> Error {
    Error::new(Kind::Closed, "the change stream is closed; open another with watch, after its resumeToken")
}

impl Session {
    /// Opens a change stream.
    pub(super) fn watch(&self, name: &str, options: &Incoming, constants: &Constants) -> Result<Answer> {
        let stream = ChangeStream::open(&self.store, constants.work(), |newest| {
            WatchOptions::parse((name, self.store.databases().default_name()), options, constants, newest)
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
    pub(super) fn live(
        &self,
        name: &str,
        filter: &Incoming,
        options: &FindOptions,
        constants: &Constants,
    ) -> Result<Answer> {
        let live = Live::open(&self.store, name, filter, options, constants)?;
        Ok(Answer::Count(self.streams.add(Follower::Live(live))))
    }

    /// Queues a read of a change stream.
    pub(super) fn push_changes(self: &Arc<Self>, task: Task) {
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
        // Not all that is applied is published: what is not kept in memory wakes nobody by itself.
        let published = self.store.views().published();
        match feed.park(next, subject, Box::new(wake)) {
            Park::Waits(place) => {
                if let Some(waiting) = &mut *open.waiting.lock() {
                    waiting.number = place;
                }
                if next.0 <= published.0.saturating_add(1) && feed.oldest() > next {
                    let feed = feed.clone();
                    let before = Lsn(feed.oldest().0 - 1);
                    self.store.when_published(before, move |_| feed.wake(place));
                }
                if let Some(left) = left {
                    let (feed, left) = (feed.clone(), Duration::from_millis(left.max(1) as u64));
                    self.runtime.spawn(async move {
                        tokio::time::sleep(left).await;
                        feed.wake(place);
                    });
                }
                // Closed, or poisoned, meanwhile.
                if self.is_closed() || self.is_interrupted() || self.store.poisoned().is_some() {
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
        if self.is_interrupted() {
            return (waiting.reply)(Answered::failed(self.closed()));
        }
        let interrupt = self.start_limits(&Limits::default());
        self.changes(number, waiting, Some(why), &interrupt);
    }

    /// Closes a change stream; one that waits ends without events.
    pub(super) fn unwatch(&self, number: u64) {
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
        for (_, open) in self.streams.all() {
            self.end_wait(&open, || Err(self.closed()));
        }
    }

    /// Closes all streams.
    pub(super) fn close_streams(&self) {
        self.end_streams();
        let open = std::mem::take(&mut *self.streams.open.lock());
        drop(open);
    }

    /// Lets streams that wait for long tell how far they have come.
    pub(super) fn look_at_streams(&self) {
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
