//! Results on their way from tokio to JavaScript. Every accepted operation ends in exactly one result.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::answer::{self, Known};
use super::wake::Wake;
use crate::engine::{Answer, Answered, Collection, Reply};
use crate::error::{Error, Kind, Result};

/// The finished results of a port, in order of completion.
pub struct Outbox {
    finished: Mutex<VecDeque<Vec<u8>>>,
    /// Notifies JavaScript of results.
    pub wake: Wake,
}

impl Outbox {
    /// An empty one.
    pub fn new(wake: Wake) -> Arc<Outbox> {
        Arc::new(Outbox { finished: Mutex::new(VecDeque::new()), wake })
    }

    /// Moves the finished results to the empty queue `into`.
    pub fn drain(&self, into: &mut VecDeque<Vec<u8>>) {
        debug_assert!(into.is_empty(), "results are delivered before others are fetched");
        self.wake.begin_drain();
        std::mem::swap(&mut *self.finished.lock(), into);
    }

    /// An operation that has not ended.
    pub fn pending(self: &Arc<Self>, ticket: u32, known: Known) -> Pending {
        Pending { outbox: Arc::clone(self), ticket, known, settled: false }
    }

    /// Runs work that may finish operations on this thread, and moves the results to the end of `into`: this thread needs no
    /// wake-up for them.
    pub fn hushed(&self, into: &mut VecDeque<Vec<u8>>, run: impl FnOnce()) {
        /// Ends the suppression of wake-ups, also when `run` panics; results that finished then do wake.
        struct Hushed<'a>(&'a Outbox);
        impl Drop for Hushed<'_> {
            fn drop(&mut self) {
                self.0.wake.begin_drain();
                if !self.0.finished.lock().is_empty() {
                    self.0.wake.wake();
                }
            }
        }
        let hushed = Hushed(self);
        self.wake.hush();
        run();
        into.append(&mut self.finished.lock());
        drop(hushed);
    }

    fn push(&self, result: Vec<u8>) {
        self.finished.lock().push_back(result);
        self.wake.wake();
    }
}

/// An operation that has not ended. If it is dropped without an outcome, because its code panicked or the runtime went away,
/// it ends in an error: a promise that never settles would keep the process alive for ever.
pub struct Pending {
    outbox: Arc<Outbox>,
    ticket: u32,
    known: Known,
    settled: bool,
}

impl Pending {
    /// The callback for the outcome, as the engine calls it.
    pub fn into_reply(self) -> Reply {
        Box::new(move |Answered { collection, answer }| self.settle(collection.as_deref(), answer))
    }

    /// Ends the operation.
    pub fn settle(mut self, collection: Option<&Collection>, result: Result<Answer>) {
        let bytes = answer::encode(self.ticket, self.known, collection, result);
        self.settled = true;
        self.outbox.push(bytes);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.settled {
            let error = Error::new(
                Kind::Internal,
                "the operation ended without a result, which is a defect in moltendb-node; close the database, open it again and please report it",
            );
            self.outbox.push(answer::encode(self.ticket, self.known, None, Err(error)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finishes_in_a_hush_is_taken_behind_what_was_ready() {
        let outbox = Outbox::new(Wake::silent());
        let mut ready = VecDeque::from([vec![1, 0, 0, 0]]);
        outbox.hushed(&mut ready, || {
            outbox.pending(2, Known::NONE).into_reply()(Answered::plain(Ok(Answer::Done)))
        });
        assert_eq!(ready.iter().map(|bytes| bytes[0]).collect::<Vec<_>>(), [1, 2]);
        assert!(outbox.finished.lock().is_empty());
    }

    #[test]
    fn a_dropped_reply_still_ends_its_operation() {
        let outbox = Outbox::new(Wake::silent());
        drop(outbox.pending(7, Known::NONE).into_reply());
        outbox.pending(8, Known::NONE).into_reply()(Answered::plain(Ok(Answer::Done)));
        let mut ready = VecDeque::new();
        outbox.drain(&mut ready);
        let heads: Vec<_> = ready.iter().map(|bytes| (bytes[0], bytes[4])).collect();
        assert_eq!(heads, [(7, 1), (8, 0)]);
        ready.clear();
        outbox.drain(&mut ready);
        assert!(ready.is_empty());
    }
}
