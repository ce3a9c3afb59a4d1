//! The newest published commits, for the change streams that follow them, and the streams that wait for the next.
//!
//! A stream needs no place here but its own number: LSNs are dense, so what comes next is known without asking. Commits are kept only
//! while somebody watches, up to a limit; a stream that is further back reads the log. In memory there is no log, so the commits since
//! the first watch are the history.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use smallvec::SmallVec;

use crate::engine::exec::locks::Mutex;
use crate::storage::{Block, Lsn};

/// What commits keep for streams in memory, in bytes, where the log has them too.
const BESIDE_LOG: u64 = 8 << 20;
/// The same where it is all the history there is.
const WITHOUT_LOG: u64 = 64 << 20;
/// What a commit takes besides its blocks.
const ENTRY: u64 = 128;

/// What a commit has changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    /// The collections whose documents it has changed.
    pub(crate) collections: SmallVec<[u32; 2]>,
    /// Whether it has created, renamed or dropped collections or indexes.
    pub(crate) whole: bool,
    /// Whether it has restored another state.
    pub(crate) restores: bool,
}

/// A published commit.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) lsn: Lsn,
    pub(crate) blocks: SmallVec<[Arc<Block>; 2]>,
    pub(crate) touched: Touched,
}

impl Published {
    fn bytes(&self) -> u64 {
        ENTRY + self.blocks.iter().map(|block| block.bytes.len() as u64).sum::<u64>()
    }
}

/// What a stream waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Changes of the documents of one collection, which need not exist yet, and of collections as a whole.
    Collection(Option<u32>),
    /// Every commit.
    Everything,
}

impl Subject {
    fn concerns(self, touched: &Touched) -> bool {
        match self {
            Subject::Everything => true,
            Subject::Collection(number) => {
                touched.whole || number.is_some_and(|number| touched.collections.contains(&number))
            }
        }
    }
}

/// Why a waiting stream is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// This commit concerns it; those since it began to wait do not.
    Commit(Lsn),
    /// To look around: no commit up to this one concerns it.
    Look(Lsn),
}

/// Called when a waiting stream is woken, on any thread and perhaps under the commit lock: it must not block.
pub(crate) type Waker = Box<dyn FnOnce(Wake) + Send>;

/// What there is from a commit on.
pub(crate) enum Ahead {
    /// These commits, in order, without a gap.
    Commits(Vec<Published>),
    /// Nothing yet.
    Nothing,
    /// They are older than what is kept here; the oldest kept follows this one.
    Before(Lsn),
}

/// Whether a stream waits now.
pub(crate) enum Park {
    /// It waits under this number.
    Waits(u64),
    /// There is something to read.
    Ready,
}

struct Waiting {
    number: u64,
    subject: Subject,
    wake: Waker,
}

struct Ring {
    entries: VecDeque<Published>,
    bytes: u64,
    /// Every commit after this one, as far as it is published, is in `entries`.
    after: Lsn,
    waiting: Vec<Waiting>,
    number: u64,
}

impl Ring {
    fn newest(&self) -> Lsn {
        self.entries.back().map_or(self.after, |newest| newest.lsn)
    }
}

/// The newest commits of a database.
pub(crate) struct Feed {
    /// Open streams; commits are kept while there are any.
    watched: AtomicUsize,
    /// The newest commit that was a restore of another state.
    restored: AtomicU64,
    limit: u64,
    /// Whether commits stay when nobody watches any more.
    stays: bool,
    ring: Mutex<Ring>,
}

impl Feed {
    /// Of a database that has no log where `is_all` is set; whose memory is limited to so many bytes.
    pub(crate) fn new(is_all: bool, memory_limit: Option<u64>) -> Feed {
        let limit = if is_all { WITHOUT_LOG } else { BESIDE_LOG };
        let ring = Ring { entries: VecDeque::new(), bytes: 0, after: Lsn(0), waiting: Vec::new(), number: 0 };
        let limit = memory_limit.map_or(limit, |bytes| limit.min(bytes / 8));
        Feed {
            watched: AtomicUsize::new(0),
            restored: AtomicU64::new(0),
            limit,
            stays: is_all,
            ring: Mutex::new(ring),
        }
    }

    /// The commit of this number restores another state. It is not published yet.
    pub(crate) fn restores(&self, lsn: Lsn) {
        self.restored.store(lsn.0, Ordering::Release);
    }

    /// The newest commit that did, 0 without one. Whoever asks after it was published is told.
    pub(crate) fn restored(&self) -> Lsn {
        Lsn(self.restored.load(Ordering::Acquire))
    }

    /// Whether commits are kept.
    pub(crate) fn is_on(&self) -> bool {
        self.watched.load(Ordering::SeqCst) > 0
    }

    /// One more stream: every commit that is not yet published is kept from now on. `published` tells the newest that is.
    pub(crate) fn watch(&self, published: impl Fn() -> Lsn) {
        let mut ring = self.ring.lock();
        // In this order: a commit that finds nobody watching was published before `published` is asked.
        if self.watched.fetch_add(1, Ordering::SeqCst) == 0 {
            ring.after = published();
            if self.stays {
                // It stays on: the history begins here.
                self.watched.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// One stream less.
    pub(crate) fn unwatch(&self) {
        let mut ring = self.ring.lock();
        if self.watched.fetch_sub(1, Ordering::SeqCst) == 1 {
            let freed = std::mem::take(&mut ring.entries);
            ring.bytes = 0;
            drop(ring);
            drop(freed);
        }
    }

    /// Adds a commit that was just published, and wakes those whom it concerns. Commits come in order.
    pub(crate) fn publish(&self, commit: Published) {
        let mut ring = self.ring.lock();
        let lsn = commit.lsn;
        if lsn <= ring.newest() || !self.is_on() {
            return;
        }
        let mut freed = SmallVec::<[Published; 2]>::new();
        if lsn.0 != ring.newest().0 + 1 {
            // Not reached; a gap must never look like none.
            freed.extend(std::mem::take(&mut ring.entries));
            ring.bytes = 0;
            ring.after = Lsn(lsn.0 - 1);
        }
        let mut woken = SmallVec::<[Waiting; 2]>::new();
        let mut place = 0;
        while let Some(waiting) = ring.waiting.get(place) {
            if waiting.subject.concerns(&commit.touched) {
                woken.push(ring.waiting.swap_remove(place));
            } else {
                place += 1;
            }
        }
        ring.bytes += commit.bytes();
        ring.entries.push_back(commit);
        while ring.bytes > self.limit && ring.entries.len() > 1 {
            if let Some(oldest) = ring.entries.pop_front() {
                ring.bytes -= oldest.bytes();
                ring.after = oldest.lsn;
                freed.push(oldest);
            }
        }
        drop(ring);
        drop(freed);
        for waiting in woken {
            (waiting.wake)(Wake::Commit(lsn));
        }
    }

    /// The commits from `next` on, as many as fit in about so many bytes.
    pub(crate) fn ahead(&self, next: Lsn, most: u64) -> Ahead {
        let ring = self.ring.lock();
        if next <= ring.after {
            return Ahead::Before(ring.after);
        }
        let Some(first) = ring.entries.front().map(|first| first.lsn) else { return Ahead::Nothing };
        let mut bytes = 0;
        let mut commits = Vec::new();
        for entry in ring.entries.range(((next.0 - first.0) as usize).min(ring.entries.len())..) {
            if bytes >= most {
                break;
            }
            bytes += entry.bytes();
            commits.push(entry.clone());
        }
        if commits.is_empty() { Ahead::Nothing } else { Ahead::Commits(commits) }
    }

    /// The oldest commit that can be read here.
    pub(crate) fn oldest(&self) -> Lsn {
        Lsn(self.ring.lock().after.0 + 1)
    }

    /// Waits for a commit from `next` on, unless there is one.
    pub(crate) fn park(&self, next: Lsn, subject: Subject, wake: Waker) -> Park {
        let mut ring = self.ring.lock();
        if ring.newest() >= next {
            return Park::Ready;
        }
        ring.number += 1;
        let number = ring.number;
        ring.waiting.push(Waiting { number, subject, wake });
        Park::Waits(number)
    }

    /// Wakes one that waits to look around; nothing happens if it was woken already.
    pub(crate) fn wake(&self, number: u64) {
        let mut ring = self.ring.lock();
        let place = ring.waiting.iter().position(|waiting| waiting.number == number);
        let woken = place.map(|place| ring.waiting.swap_remove(place));
        let newest = ring.newest();
        drop(ring);
        if let Some(waiting) = woken {
            (waiting.wake)(Wake::Look(newest));
        }
    }

    /// Wakes all: nothing more will be published.
    pub(crate) fn wake_all(&self) {
        let mut ring = self.ring.lock();
        let (woken, newest) = (std::mem::take(&mut ring.waiting), ring.newest());
        drop(ring);
        for waiting in woken {
            (waiting.wake)(Wake::Look(newest));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc as Shared;

    use super::*;
    use crate::storage::{BlockPlace, FileId};

    fn commit(lsn: u64, collection: u32, bytes: usize) -> Published {
        let place = BlockPlace { file: FileId::Memory, frame: 0, offset: 0, len: bytes as u32 };
        let block = Block { place, base: 0, bytes: vec![0; bytes].into(), transient: false };
        let touched =
            Touched { collections: SmallVec::from_slice(&[collection]), whole: false, restores: false };
        Published { lsn: Lsn(lsn), blocks: SmallVec::from_iter([Shared::new(block)]), touched }
    }

    fn numbers(feed: &Feed, next: u64) -> Option<Vec<u64>> {
        match feed.ahead(Lsn(next), u64::MAX) {
            Ahead::Commits(commits) => Some(commits.iter().map(|commit| commit.lsn.0).collect()),
            Ahead::Nothing => Some(Vec::new()),
            Ahead::Before(_) => None,
        }
    }

    #[test]
    fn commits_are_kept_while_somebody_watches_and_the_oldest_leave_first() {
        let feed = Feed::new(false, Some(80_000));
        feed.publish(commit(1, 1, 10));
        assert_eq!(numbers(&feed, 1), Some(vec![]), "nobody watched");
        feed.watch(|| Lsn(1));
        assert_eq!(numbers(&feed, 1), None, "it was published before");
        for lsn in 2..=4 {
            feed.publish(commit(lsn, 1, 4_000));
        }
        assert_eq!(numbers(&feed, 2), None);
        assert_eq!(numbers(&feed, 3), Some(vec![3, 4]));
        assert_eq!(numbers(&feed, 4), Some(vec![4]));
        assert_eq!(numbers(&feed, 5), Some(vec![]));
        feed.unwatch();
        assert!(!feed.is_on());
        feed.watch(|| Lsn(9));
        assert_eq!(numbers(&feed, 9), None);
        assert_eq!(numbers(&feed, 10), Some(vec![]));
    }

    #[test]
    fn without_a_log_the_commits_stay_from_the_first_watch_on() {
        let feed = Feed::new(true, None);
        feed.watch(|| Lsn(5));
        feed.unwatch();
        feed.publish(commit(6, 1, 10));
        feed.watch(|| Lsn(6));
        assert_eq!(numbers(&feed, 6), Some(vec![6]));
        assert_eq!(numbers(&feed, 5), None);
    }

    #[test]
    fn one_that_waits_is_woken_by_what_concerns_it() {
        let feed = Feed::new(false, None);
        feed.watch(|| Lsn(0));
        let woken = Shared::new(Mutex::new(Vec::new()));
        let wake = |name: &'static str| -> Waker {
            let woken = woken.clone();
            Box::new(move |why| woken.lock().push((name, why)))
        };
        assert!(matches!(feed.park(Lsn(1), Subject::Collection(Some(7)), wake("seven")), Park::Waits(_)));
        assert!(matches!(feed.park(Lsn(1), Subject::Everything, wake("all")), Park::Waits(_)));
        let Park::Waits(none) = feed.park(Lsn(1), Subject::Collection(None), wake("none")) else {
            panic!("there is nothing to read");
        };
        feed.publish(commit(1, 3, 10));
        assert_eq!(*woken.lock(), [("all", Wake::Commit(Lsn(1)))]);
        assert!(matches!(feed.park(Lsn(1), Subject::Everything, wake("late")), Park::Ready));
        feed.publish(commit(2, 7, 10));
        feed.wake(none);
        feed.wake(none);
        assert_eq!(woken.lock()[1..], [("seven", Wake::Commit(Lsn(2))), ("none", Wake::Look(Lsn(2)))]);
    }
}
