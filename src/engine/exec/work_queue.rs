//! Queues of work on tokio's blocking pool: in order, on a limited number of threads.
//!
//! A worker without work lingers before it leaves: the next operation of a program that awaits each one arrives within tens
//! of microseconds, and waking a thread of the pool takes as long. The worker first polls for a moment, then sleeps until it
//! is notified, then leaves. Between two polls it yields: the thread that it has just woken with a result may need this very
//! core.
//!
//! A queue may grow: when all its workers have been at one job each for [`STALL`] while others wait, it takes one worker
//! more, so that short jobs do not wait for long ones. It shrinks when fewer are at work than it had at first. Jobs that are
//! short never make it grow.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;

use super::locks::{Condvar, Mutex, MutexGuard};

/// A job.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// A queue with at most `width` workers, or `most` while they are all at long jobs. With a width of one that does not grow,
/// jobs run in the order in which they came.
pub(crate) struct WorkQueue {
    width: usize,
    most: usize,
    state: Mutex<State>,
    /// Runs when a worker finds the queue empty, and periodically while it does not.
    pause: Box<dyn Fn() + Send + Sync>,
    idle: Condvar,
    /// Notifies lingering workers.
    work: Condvar,
    /// `State::called`, readable without the lock.
    called: AtomicBool,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// Workers at work or notified.
    running: usize,
    /// Workers there may be beyond `width`.
    extra: usize,
    /// Jobs that were begun.
    begun: u64,
    /// Something looks whether the queue is stalled.
    watched: bool,
    /// Workers that linger and were not notified.
    lingering: usize,
    /// Workers that were notified and do not run yet.
    called: usize,
    /// A thread waits for the end: workers do not linger until there is work again.
    leaving: bool,
}

/// What happens to a worker without work.
enum Next {
    Work(Option<Job>),
    Linger,
}

/// Jobs after which a worker pauses even though there are more.
const STRETCH: usize = 256;
/// How often a worker polls, yielding in between, before it sleeps: some hundred microseconds on an idle core, which is
/// longer than JavaScript takes from a result to the next call.
const LOOKS: usize = 200;
/// How long it then sleeps before it leaves.
const LINGER: Duration = Duration::from_millis(2);
/// How long no job may begin while some wait, before there is one worker more.
const STALL: Duration = Duration::from_millis(10);

impl WorkQueue {
    /// An empty queue that does not grow.
    pub(crate) fn new(width: usize, pause: impl Fn() + Send + Sync + 'static) -> Arc<WorkQueue> {
        WorkQueue::growing(width, width, pause)
    }

    /// An empty queue that grows to `most` workers.
    pub(crate) fn growing(
        width: usize,
        most: usize,
        pause: impl Fn() + Send + Sync + 'static,
    ) -> Arc<WorkQueue> {
        Arc::new(WorkQueue {
            width,
            most,
            state: Mutex::default(),
            pause: Box::new(pause),
            idle: Condvar::new(),
            work: Condvar::new(),
            called: AtomicBool::new(false),
        })
    }

    /// Adds a job and makes sure that a worker runs.
    pub(crate) fn push(self: &Arc<Self>, runtime: &Handle, jobs: impl IntoIterator<Item = Job>) {
        let mut state = self.state.lock();
        state.leaving = false;
        let before = state.queue.len();
        state.queue.extend(jobs);
        let added = state.queue.len() - before;
        self.call(state, runtime, added);
    }

    /// Adds a job from within a job of this queue, whose worker then takes it: no other is notified.
    pub(crate) fn push_behind(&self, job: Job) {
        self.state.lock().queue.push_back(job);
    }

    /// Starts or notifies workers for so many jobs, as far as there may be more workers.
    fn call(self: &Arc<Self>, mut state: MutexGuard<'_, State>, runtime: &Handle, jobs: usize) {
        let wanted = jobs.min((self.width + state.extra).saturating_sub(state.running));
        let called = wanted.min(state.lingering);
        state.running += wanted;
        state.lingering -= called;
        state.called += called;
        if called > 0 {
            self.called.store(true, Ordering::Release);
        }
        let watch = !state.watched && self.width < self.most && state.queue.len() > wanted;
        state.watched |= watch;
        drop(state);
        if watch {
            self.watch(runtime);
        }
        for _ in 0..called {
            self.work.notify_one();
        }
        for _ in called..wanted {
            let queue = self.clone();
            runtime.spawn_blocking(move || queue.work());
        }
    }

    /// Adds workers for as long as jobs wait and none begins.
    fn watch(self: &Arc<Self>, runtime: &Handle) {
        let queue = Arc::downgrade(self);
        let pool = runtime.clone();
        runtime.spawn(async move {
            let mut begun = None;
            loop {
                tokio::time::sleep(STALL).await;
                let Some(queue) = queue.upgrade() else { return };
                begun = queue.relieve(&pool, begun);
                if begun.is_none() {
                    return;
                }
            }
        });
    }

    /// Takes one worker more if none has begun a job since the last look; `None` when no job waits.
    fn relieve(self: &Arc<Self>, runtime: &Handle, before: Option<u64>) -> Option<u64> {
        let mut state = self.state.lock();
        if state.queue.is_empty() {
            state.watched = false;
            return None;
        }
        let begun = state.begun;
        if before == Some(begun) && self.width + state.extra < self.most {
            state.extra += 1;
            self.call(state, runtime, 1);
        }
        Some(begun)
    }

    /// Takes exclusive use of the queue for work on this thread; `None` while there is a worker or a job. Jobs pushed
    /// meanwhile wait until the value is dropped.
    pub(crate) fn try_enter<'l>(self: &'l Arc<Self>, runtime: &'l Handle) -> Option<Exclusive<'l>> {
        let mut state = self.state.try_lock()?;
        if state.running > 0 || !state.queue.is_empty() {
            return None;
        }
        state.running = self.width;
        drop(state);
        Some(Exclusive { queue: self, runtime })
    }

    /// Whether nothing is queued and no worker runs.
    pub(crate) fn is_idle(&self) -> bool {
        self.state.try_lock().is_some_and(|state| state.running == 0 && state.queue.is_empty())
    }

    /// Blocks until nothing is queued and no worker runs.
    pub(crate) fn wait_idle(&self) {
        let mut state = self.state.lock();
        while state.running > 0 {
            self.idle.wait(&mut state);
        }
        state.leaving = true;
        self.work.notify_all();
    }

    /// [`WorkQueue::wait_idle`] with a time limit; false when something is still queued or running.
    pub(crate) fn wait_idle_for(&self, most: Duration) -> bool {
        let mut state = self.state.lock();
        while state.running > 0 {
            if self.idle.wait_for(&mut state, most) {
                return state.running == 0;
            }
        }
        true
    }

    fn work(&self) {
        let mut done = 0;
        loop {
            let next = match self.next(done) {
                Next::Work(next) => next,
                Next::Linger if self.is_called() => continue,
                Next::Linger => return,
            };
            let last = next.is_none();
            if let Some(job) = next {
                // A job handles its own panics; the queue only must not lose its worker to one.
                if std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err() {
                    tracing::error!("a job panicked");
                }
                done += 1;
            }
            if last || done == STRETCH {
                done = 0;
                (self.pause)();
            }
        }
    }

    fn next(&self, done: usize) -> Next {
        let mut state = self.state.lock();
        let next = state.queue.pop_front();
        state.begun += u64::from(next.is_some());
        // What was done since the last pause must still be driven, so only then is this the end.
        if next.is_some() || done > 0 {
            return Next::Work(next);
        }
        state.running -= 1;
        if state.running < self.width {
            state.extra = 0;
        }
        state.lingering += 1;
        self.idle.notify_all();
        Next::Linger
    }

    /// Waits briefly for a notification.
    fn is_called(&self) -> bool {
        for _ in 0..LOOKS {
            if self.called.load(Ordering::Acquire) {
                break;
            }
            std::thread::yield_now();
        }
        let mut state = self.state.lock();
        if state.called == 0 && !state.leaving {
            self.work.wait_for(&mut state, LINGER);
        }
        if state.called == 0 {
            state.lingering -= 1;
            return false;
        }
        state.called -= 1;
        self.called.store(state.called > 0, Ordering::Release);
        true
    }
}

/// Exclusive use of a queue, by a thread that is not its worker.
pub(crate) struct Exclusive<'l> {
    queue: &'l Arc<WorkQueue>,
    runtime: &'l Handle,
}

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state.lock();
        state.running = 0;
        self.queue.idle.notify_all();
        let waiting = state.queue.len();
        self.queue.call(state, self.runtime, waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;

    #[test]
    fn a_queue_of_one_thread_keeps_the_order_and_pauses_after_the_last_job() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let pauses = Arc::new(AtomicUsize::new(0));
        let counter = pauses.clone();
        let queue = WorkQueue::new(1, move || {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        let (sender, receiver) = mpsc::channel();
        for n in 0..1_000 {
            let sender = sender.clone();
            let job: Job = Box::new(move || sender.send(n).unwrap());
            queue.push(runtime.handle(), [job]);
        }
        drop(sender);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), (0..1_000).collect::<Vec<_>>());
        queue.wait_idle();
        assert!(pauses.load(Ordering::SeqCst) >= 1_000 / STRETCH);
    }

    #[test]
    fn an_idle_queue_is_used_exclusively_and_jobs_pushed_meanwhile_run_afterwards() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let queue = WorkQueue::new(1, || {});
        let (sender, receiver) = mpsc::channel();
        let turn = queue.try_enter(runtime.handle()).unwrap();
        assert!(queue.try_enter(runtime.handle()).is_none());
        for n in 1..=2 {
            let sender = sender.clone();
            let job: Job = Box::new(move || sender.send(n).unwrap());
            queue.push(runtime.handle(), [job]);
        }
        sender.send(0).unwrap();
        drop((turn, sender));
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [0, 1, 2]);
        queue.wait_idle();
        // A lingering worker may hold the lock for a moment.
        while queue.try_enter(runtime.handle()).is_none() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_queue_that_grows_begins_a_job_although_all_its_workers_run_long_ones() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let queue = WorkQueue::growing(2, 8, || {});
        let (end, ended) = mpsc::channel::<()>();
        let ended = Arc::new(Mutex::new(ended));
        for _ in 0..6 {
            let ended = ended.clone();
            let long: Job = Box::new(move || ended.lock().recv().unwrap());
            queue.push(runtime.handle(), [long]);
        }
        let (sender, receiver) = mpsc::channel();
        for n in 0..3 {
            let sender = sender.clone();
            let short: Job = Box::new(move || sender.send(n).unwrap());
            queue.push(runtime.handle(), [short]);
            assert_eq!(receiver.recv_timeout(Duration::from_secs(60)), Ok(n));
        }
        for _ in 0..6 {
            end.send(()).unwrap();
        }
        queue.wait_idle();
        let state = queue.state.lock();
        assert_eq!((state.running, state.extra), (0, 0), "it has shrunk");
    }

    #[test]
    fn a_queue_is_idle_before_its_first_job_and_after_its_last() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let queue = WorkQueue::new(1, || {});
        assert!(queue.is_idle());
        let (sender, receiver) = mpsc::channel::<()>();
        let job: Job = Box::new(move || receiver.recv().unwrap());
        queue.push(runtime.handle(), [job]);
        assert!(!queue.is_idle());
        sender.send(()).unwrap();
        queue.wait_idle();
        // A lingering worker may hold the lock for a moment.
        while !queue.is_idle() {
            std::thread::yield_now();
        }
    }
}
