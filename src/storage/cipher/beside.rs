//! Work on pieces of a file on a second thread, one after the other, while the caller prepares the next one: sealing, and opening.
//!
//! Only bytes go to that thread. Reads and writes stay with the caller, so their order does not depend on which thread is faster. Where
//! the machine is busy and that thread has not begun with a piece that the caller needs, the caller does the work itself.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::thread::{Builder, JoinHandle};

use parking_lot::{Condvar, Mutex};

use crate::error::{Error, Kind, Result};

/// Pieces that may be under way.
const UNDER_WAY: usize = 2;

/// A second thread for pieces.
pub(crate) struct Beside<P> {
    shared: Arc<Shared<P>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared<P> {
    work: Box<dyn Fn(&mut P) + Send + Sync>,
    line: Mutex<Line<P>>,
    changed: Condvar,
}

/// The pieces under way, in order.
struct Line<P> {
    pieces: VecDeque<Stage<P>>,
    /// No more will come.
    over: bool,
    /// The thread has ended.
    ended: bool,
}

enum Stage<P> {
    Waiting(P),
    /// The thread has it: one at most.
    InWork,
    Done(P),
}

impl<P: Send + 'static> Beside<P> {
    /// A thread that does this to each piece; `None` where the machine runs one thread at once, or has none to give.
    pub(crate) fn begin(work: impl Fn(&mut P) + Send + Sync + 'static) -> Option<Beside<P>> {
        static THREADS: OnceLock<usize> = OnceLock::new();
        if *THREADS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from)) == 1 {
            return None;
        }
        let line = Mutex::new(Line { pieces: VecDeque::new(), over: false, ended: false });
        let shared = Arc::new(Shared { work: Box::new(work), line, changed: Condvar::new() });
        let of_thread = Ending(shared.clone());
        let thread = Builder::new().name("seal".to_owned()).spawn(move || of_thread.0.run()).ok()?;
        Some(Beside { shared, thread: Some(thread) })
    }

    /// Hands a piece over. Returns the first of those before it, if as many are under way as may be.
    pub(crate) fn give(&mut self, piece: P) -> Result<Option<P>> {
        let is_full = self.shared.line.lock().pieces.len() == UNDER_WAY;
        let first = if is_full { self.take()? } else { None };
        self.shared.line.lock().pieces.push_back(Stage::Waiting(piece));
        self.shared.changed.notify_all();
        Ok(first)
    }

    /// The first of the pieces that are under way, once it is done; `None` if there are none.
    pub(crate) fn take(&mut self) -> Result<Option<P>> {
        let mut line = self.shared.line.lock();
        loop {
            match line.pieces.pop_front() {
                None => return Ok(None),
                Some(Stage::Done(piece)) => return Ok(Some(piece)),
                Some(Stage::Waiting(mut piece)) => {
                    drop(line);
                    (self.shared.work)(&mut piece);
                    return Ok(Some(piece));
                }
                Some(Stage::InWork) if line.ended => {
                    let what = "the thread that encrypts and decrypts has ended before its work";
                    return Err(Error::new(Kind::Internal, what));
                }
                Some(Stage::InWork) => {
                    line.pieces.push_front(Stage::InWork);
                    self.shared.changed.wait(&mut line);
                }
            }
        }
    }
}

impl<P> Shared<P> {
    /// The second thread.
    fn run(&self) {
        let mut line = self.line.lock();
        while !line.over {
            let next = line.pieces.iter_mut().find(|stage| matches!(stage, Stage::Waiting(_)));
            let Some(Stage::Waiting(mut piece)) = next.map(|stage| std::mem::replace(stage, Stage::InWork))
            else {
                self.changed.wait(&mut line);
                continue;
            };
            drop(line);
            (self.work)(&mut piece);
            line = self.line.lock();
            if let Some(stage) = line.pieces.iter_mut().find(|stage| matches!(stage, Stage::InWork)) {
                *stage = Stage::Done(piece);
            }
            self.changed.notify_all();
        }
    }
}

/// Says that the thread has ended, also by a panic.
struct Ending<P>(Arc<Shared<P>>);

impl<P> Drop for Ending<P> {
    fn drop(&mut self) {
        self.0.line.lock().ended = true;
        self.0.changed.notify_all();
    }
}

impl<P> Drop for Beside<P> {
    fn drop(&mut self) {
        self.shared.line.lock().over = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // If its work has panicked, the caller knows it by the piece that is missing.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn pieces_come_back_in_order_each_done_once_and_at_most_two_are_under_way() {
        let Some(mut beside) = Beside::begin(|piece: &mut (u32, u32)| piece.1 += piece.0 * 2) else { return };
        let mut back = Vec::new();
        for n in 0..1_000 {
            let first = beside.give((n, 0)).unwrap();
            assert_eq!(first.is_some(), n >= 2);
            back.extend(first);
            if n % 3 == 0 {
                std::thread::yield_now();
            }
        }
        while let Some(piece) = beside.take().unwrap() {
            back.push(piece);
        }
        assert_eq!(back, (0..1_000).map(|n| (n, 2 * n)).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_of_the_thread_is_an_error_and_what_is_given_up_ends() {
        static BEGUN: AtomicBool = AtomicBool::new(false);
        let caller = std::thread::current().id();
        let work = move |_: &mut u32| {
            BEGUN.store(true, Ordering::Release);
            assert_eq!(std::thread::current().id(), caller, "the thread panics, as it should");
        };
        let Some(mut beside) = Beside::begin(work) else { return };
        beside.give(0).unwrap();
        while !BEGUN.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        assert_eq!(beside.take().unwrap_err().kind(), Kind::Internal);
        // Without the thread the caller does the work.
        beside.give(1).unwrap();
        assert_eq!(beside.take().unwrap(), Some(1));
        drop(beside);
        let mut given_up = Beside::begin(|_: &mut u32| {}).unwrap();
        given_up.give(0).unwrap();
    }
}
