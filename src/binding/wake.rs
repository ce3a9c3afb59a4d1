//! The callback that tells JavaScript of finished results: once a burst, strong only while something is pending.
//!
//! A burst ends when JavaScript begins to drain. The producer appends its result and then raises `scheduled`; the
//! consumer lowers `scheduled` and then empties the queue. A producer that finds the flag raised therefore
//! appended before the consumer lowered it, and the consumer, which looks afterwards, sees that result: no
//! wake-up is lost, and one too many only finds an empty queue.
//!
//! A strong function that is idle would hang Node.js, a weak one with work pending would let it exit silently.
//! Functions are made weak; a second one, [`Hold`], is strong while operations are pending.
//!
//! `silence` runs on the JavaScript thread before Node.js closes the function: cleanup hooks run last added first,
//! and the port adds its hook after the function added its own. The lock lets a call that is under way finish;
//! afterwards no thread reaches the environment.

use std::sync::atomic::{AtomicBool, Ordering};

use napi::bindgen_prelude::Unknown;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use parking_lot::Mutex;

/// The wake callback as napi makes it: without arguments, exceptions left to Node.js, weak.
pub type WakeFunction = ThreadsafeFunction<(), Unknown<'static>, (), Status, false, true>;

/// Wakes JavaScript at most once a burst.
pub struct Wake {
    function: Mutex<Option<WakeFunction>>,
    scheduled: AtomicBool,
}

impl Wake {
    /// Wakes through this function, which is weak.
    pub fn new(function: WakeFunction) -> Wake {
        Wake { function: Mutex::new(Some(function)), scheduled: AtomicBool::new(false) }
    }

    /// Wakes nobody.
    #[cfg(test)]
    pub fn silent() -> Wake {
        Wake { function: Mutex::new(None), scheduled: AtomicBool::new(false) }
    }

    /// Called on any thread after a result was queued.
    pub fn wake(&self) {
        if !self.scheduled.swap(true, Ordering::AcqRel)
            && let Some(function) = &*self.function.lock()
        {
            // The queue is unbounded, so this fails only while the environment closes: nobody is left to be told.
            function.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Called by a thread that is about to look at the queue itself; until then results wake nobody.
    pub fn hush(&self) {
        self.scheduled.store(true, Ordering::Release);
    }

    /// Called before the queue is emptied; the next result wakes again.
    pub fn begin_drain(&self) {
        self.scheduled.swap(false, Ordering::AcqRel);
    }

    /// Wakes nobody from now on. On the JavaScript thread, while its environment lives.
    pub fn silence(&self) {
        drop(self.function.lock().take());
    }
}

/// Keeps the process alive. Never called, and never leaves the JavaScript thread: were it the function that wakes,
/// holding and releasing would wait for the call that is under way on another thread just then.
pub struct Hold {
    function: WakeFunction,
    held: bool,
}

impl Hold {
    /// Holds through this function, which is weak.
    pub fn new(function: WakeFunction) -> Hold {
        Hold { function, held: false }
    }

    /// Keeps the process alive from now on, or lets it exit.
    #[expect(deprecated, reason = "clones keep the function, only this keeps the process")]
    pub fn set(&mut self, env: &Env, held: bool) -> napi::Result<()> {
        if held != self.held {
            if held { self.function.refer(env) } else { self.function.unref(env) }?;
            self.held = held;
        }
        Ok(())
    }
}
