//! The completion of a durable call: settled once, by the thread that made it durable; its owner blocks on it or gets a
//! callback.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::error::{Error, Kind, Result};

type Listener = Box<dyn FnOnce(Result<()>) + Send>;

enum State {
    Pending(Option<Listener>),
    Settled(Result<()>),
}

struct Shared {
    state: Mutex<State>,
    settled: Condvar,
}

/// The pending result of a durable call: settles when the call's promise holds, or has failed.
#[must_use = "a write is not published until its completion has settled"]
pub struct Completion(Arc<Shared>);

/// The settling side of a [`Completion`]. When it is dropped without settling, the completion fails.
pub struct Completer(Option<Arc<Shared>>);

impl Completion {
    /// A pending completion and its settling side.
    pub fn new() -> (Completer, Completion) {
        let shared = Arc::new(Shared { state: Mutex::new(State::Pending(None)), settled: Condvar::new() });
        (Completer(Some(shared.clone())), Completion(shared))
    }

    /// A completion that has settled.
    pub fn ready(result: Result<()>) -> Completion {
        Completion(Arc::new(Shared { state: Mutex::new(State::Settled(result)), settled: Condvar::new() }))
    }

    /// Blocks until it settles.
    pub fn wait(self) -> Result<()> {
        let mut state = self.0.state.lock();
        loop {
            match &*state {
                State::Settled(result) => return result.clone(),
                State::Pending(_) => self.0.settled.wait(&mut state),
            }
        }
    }

    /// Calls back when it settles: immediately if it has, otherwise on the thread that settles it.
    pub fn then(self, listener: impl FnOnce(Result<()>) + Send + 'static) {
        let mut state = self.0.state.lock();
        match &mut *state {
            State::Settled(result) => {
                let result = result.clone();
                drop(state);
                listener(result);
            }
            State::Pending(slot) => *slot = Some(Box::new(listener)),
        }
    }
}

impl Completer {
    /// Settles it.
    pub fn settle(mut self, result: Result<()>) {
        self.finish(result);
    }

    fn finish(&mut self, result: Result<()>) {
        let Some(shared) = self.0.take() else { return };
        let before = std::mem::replace(&mut *shared.state.lock(), State::Settled(result.clone()));
        shared.settled.notify_all();
        if let State::Pending(Some(listener)) = before {
            listener(result);
        }
    }
}

impl Drop for Completer {
    fn drop(&mut self) {
        self.finish(Err(Error::new(Kind::Internal, "a write was dropped before it was settled")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_runs_once_whether_it_came_before_or_after() {
        let called = Arc::new(Mutex::new(0));
        for listen_first in [true, false] {
            let (completer, completion) = Completion::new();
            let counter = called.clone();
            if listen_first {
                completion.then(move |result| *counter.lock() += i32::from(result.is_ok()));
                completer.settle(Ok(()));
            } else {
                completer.settle(Ok(()));
                completion.then(move |result| *counter.lock() += i32::from(result.is_ok()));
            }
        }
        assert_eq!(*called.lock(), 2);
    }

    #[test]
    fn a_dropped_completer_is_an_error() {
        let (completer, completion) = Completion::new();
        drop(completer);
        assert_eq!(completion.wait().unwrap_err().kind(), Kind::Internal);
    }
}
