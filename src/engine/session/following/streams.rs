//! What follows the commits: change streams, live queries and tailable cursors, by number.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::engine::changes::stream::{Batch, ChangeStream, State};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::locks::{LongMutex, Mutex};
use crate::engine::live::live::{Live, Step};
use crate::engine::live::tail::Tail;
use crate::engine::operation::response::{Answer, Answered, Reply};
use crate::engine::state::feed::Wake;
use crate::error::Result;
use crate::storage::Lsn;

/// A read of a stream whose caller waits for events.
pub(super) struct Waiting {
    pub(super) reply: Reply,
    pub(super) batch: u32,
    /// Its number in the feed, once it is there.
    pub(super) number: u64,
    pub(super) since: i64,
    /// When it ends without events (ms since 1970).
    pub(super) until: Option<i64>,
}

/// What follows the commits.
pub(super) enum Follower {
    Changes(ChangeStream),
    Live(Live),
    Tail(Tail),
}

/// What a follower has to tell.
pub(super) struct Told {
    pub(super) answered: Answered,
    /// Whether there is something to tell.
    pub(super) is_news: bool,
    pub(super) state: State,
}

/// One that is open.
pub(super) struct OpenStream {
    pub(super) stream: LongMutex<Follower>,
    pub(super) waiting: Mutex<Option<Waiting>>,
}

/// Those of a session that are open, by number, from 1 on.
#[derive(Default)]
pub(crate) struct Streams {
    open: Mutex<HashMap<u64, Arc<OpenStream>>>,
    newest: AtomicU64,
    /// Whether the database is about to be closed: no read waits any more.
    ending: AtomicBool,
}

impl Streams {
    /// Whether no read waits any more.
    pub(super) fn are_ending(&self) -> bool {
        self.ending.load(Ordering::SeqCst)
    }

    /// From now on no read waits. Those that wait already are found by the caller, others find this once they wait.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::SeqCst);
    }

    pub(super) fn add(&self, follower: Follower) -> u64 {
        let number = self.newest.fetch_add(1, Ordering::Relaxed) + 1;
        let open = OpenStream { stream: LongMutex::new(follower), waiting: Mutex::default() };
        self.open.lock().insert(number, Arc::new(open));
        number
    }

    pub(super) fn get(&self, number: u64) -> Option<Arc<OpenStream>> {
        self.open.lock().get(&number).cloned()
    }

    pub(super) fn remove(&self, number: u64) -> Option<Arc<OpenStream>> {
        self.open.lock().remove(&number)
    }

    /// All of them, which are closed with the last reference.
    pub(super) fn take_all(&self) {
        let open = std::mem::take(&mut *self.open.lock());
        drop(open);
    }

    pub(super) fn all(&self) -> Vec<(u64, Arc<OpenStream>)> {
        self.open.lock().iter().map(|(number, open)| (*number, open.clone())).collect()
    }
}

impl Follower {
    pub(super) fn woken(&mut self, why: Wake) {
        match self {
            Follower::Changes(stream) => stream.woken(why),
            Follower::Live(live) => live.woken(why),
            // Each step looks at the newest state.
            Follower::Tail(_) => {}
        }
    }

    pub(super) fn is_behind(&self, published: Lsn) -> bool {
        matches!(self, Follower::Changes(stream) if stream.is_behind(published))
    }

    /// Reads on, as the stream of this number.
    pub(super) fn next(&mut self, number: u64, batch: u32, interrupt: &Interrupt) -> Result<Told> {
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
            Follower::Tail(tail) => {
                let tailed = tail.step(batch, interrupt)?;
                let (next, subject) = tail.waits();
                let is_news = !tailed.documents.is_empty();
                let (cursor, state) = match tailed.has_ended {
                    true => (0, State::Ended),
                    false => (number, State::Waits { next, subject }),
                };
                let answer = Answer::Batch { cursor, documents: tailed.documents };
                let answered = Answered { collection: Some(tail.collection().clone()), answer: Ok(answer) };
                Ok(Told { answered, is_news, state })
            }
        }
    }
}
