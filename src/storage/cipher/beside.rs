//! Work on pieces of a file on a second thread, one after the other, while the caller prepares the next one: sealing, and opening.
//!
//! Only bytes go to that thread. Reads and writes stay with the caller, so their order does not depend on which thread is faster.

use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::error::{Error, Kind, Result};

/// Pieces that may be with the thread: the one that it works on, and the next.
const UNDER_WAY: usize = 2;

/// A second thread for pieces.
pub(crate) struct Beside<P> {
    /// Gone when no more will come, which ends the thread.
    pieces: Option<SyncSender<P>>,
    done: Receiver<P>,
    under_way: usize,
    thread: Option<JoinHandle<()>>,
}

impl<P: Send + 'static> Beside<P> {
    /// A thread that does this to each piece; `None` where the machine runs one thread at once, or has none to give.
    pub(crate) fn begin(work: impl Fn(&mut P) + Send + 'static) -> Option<Beside<P>> {
        static THREADS: OnceLock<usize> = OnceLock::new();
        if *THREADS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from)) == 1 {
            return None;
        }
        let (pieces, given) = sync_channel::<P>(UNDER_WAY);
        let (give_back, done) = sync_channel::<P>(UNDER_WAY);
        let run = move || {
            for mut piece in given {
                work(&mut piece);
                if give_back.send(piece).is_err() {
                    return;
                }
            }
        };
        let thread = Builder::new().name("seal".to_owned()).spawn(run).ok()?;
        Some(Beside { pieces: Some(pieces), done, under_way: 0, thread: Some(thread) })
    }

    /// Hands a piece over. Returns the first of those before it, if as many are under way as may be.
    pub(crate) fn give(&mut self, piece: P) -> Result<Option<P>> {
        let first = if self.under_way == UNDER_WAY { self.take()? } else { None };
        self.pieces.as_ref().and_then(|pieces| pieces.send(piece).ok()).ok_or_else(ended)?;
        self.under_way += 1;
        Ok(first)
    }

    /// The first of the pieces that are under way, once it is done; `None` if there are none.
    pub(crate) fn take(&mut self) -> Result<Option<P>> {
        if self.under_way == 0 {
            return Ok(None);
        }
        self.under_way -= 1;
        self.done.recv().map(Some).map_err(|_| ended())
    }
}

impl<P> Drop for Beside<P> {
    fn drop(&mut self) {
        self.pieces = None;
        if let Some(thread) = self.thread.take() {
            // It does nothing but the work on pieces; if that has panicked, the caller knows it by the piece that is missing.
            let _ = thread.join();
        }
    }
}

fn ended() -> Error {
    Error::new(Kind::Internal, "the thread that encrypts and decrypts has ended before its work")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back_in_order_and_at_most_two_are_under_way() {
        let Some(mut beside) = Beside::begin(|piece: &mut (u32, u32)| piece.1 = piece.0 * 2) else { return };
        let mut back = Vec::new();
        for n in 0..10 {
            let first = beside.give((n, 0)).unwrap();
            assert_eq!(first.is_some(), n >= 2);
            back.extend(first);
        }
        while let Some(piece) = beside.take().unwrap() {
            back.push(piece);
        }
        assert_eq!(back, (0..10).map(|n| (n, 2 * n)).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_in_the_work_is_an_error_and_what_is_given_up_ends() {
        let Some(mut beside) = Beside::begin(|piece: &mut u32| assert_ne!(*piece, 1)) else { return };
        beside.give(0).unwrap();
        assert_eq!(beside.take().unwrap(), Some(0));
        beside.give(1).unwrap();
        assert_eq!(beside.take().unwrap_err().kind(), Kind::Internal);
        drop(beside);
        let mut given_up = Beside::begin(|_: &mut u32| {}).unwrap();
        given_up.give(0).unwrap();
    }
}
