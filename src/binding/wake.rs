//! The callback that notifies JavaScript of finished results: called once per burst, strong only while something is pending.
//!
//! A burst ends when JavaScript begins to drain the queue. The producer appends its result and then sets `scheduled`; the
//! consumer clears `scheduled` and then empties the queue. If a producer finds the flag set, it appended before the consumer
//! cleared it, and the consumer, which empties the queue afterwards, sees that result. So no wake-up is lost, and an
//! unnecessary one only finds an empty queue.
//!
//! A strong function that is idle would keep Node.js from exiting; a weak one with pending work would let it exit too early.
//! Functions are made weak; a second one, [`Hold`], is strong while operations are pending.
//!
//! `silence` runs on the JavaScript thread before Node.js closes the function: cleanup hooks run last added first, and the
//! port adds its hook after the function added its own. The lock lets a running call finish; afterwards no thread reaches
//! the environment.

use std::sync::atomic::{AtomicBool, Ordering};

use napi::bindgen_prelude::Unknown;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use parking_lot::Mutex;

/// The wake callback as napi makes it: without arguments, exceptions left to Node.js, weak.
pub type WakeFunction = ThreadsafeFunction<(), Unknown<'static>, (), Status, false, true>;

/// Wakes JavaScript at most once per burst.
pub struct Wake {
    function: Mutex<Option<WakeFunction>>,
    scheduled: AtomicBool,
}

impl Wake {
    /// Wakes through this function, which is weak.
    pub fn new(function: WakeFunction) -> Wake {
        Wake { function: Mutex::new(Some(function)), scheduled: AtomicBool::new(false) }
    }

    /// Does nothing.
    #[cfg(test)]
    pub fn silent() -> Wake {
        Wake { function: Mutex::new(None), scheduled: AtomicBool::new(false) }
    }

    /// Called on any thread after a result was queued.
    pub fn wake(&self) {
        if !self.scheduled.swap(true, Ordering::AcqRel)
            && let Some(function) = &*self.function.lock()
        {
            // The queue is unbounded, so this fails only while the environment closes, when JavaScript no longer runs.
            function.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Called by a thread that is about to empty the queue itself; until then results do not wake JavaScript.
    pub fn hush(&self) {
        self.scheduled.store(true, Ordering::Release);
    }

    /// Called before the queue is emptied; the next result wakes again.
    pub fn begin_drain(&self) {
        self.scheduled.swap(false, Ordering::AcqRel);
    }

    /// Stops all wake-ups. Called on the JavaScript thread, while its environment lives.
    pub fn silence(&self) {
        drop(self.function.lock().take());
    }
}

/// Keeps the process alive. Never called, and never leaves the JavaScript thread: if the wake function did this job, holding
/// and releasing would block on a call that another thread is making.
pub struct Hold {
    function: WakeFunction,
    held: bool,
}

impl Hold {
    /// Holds through this function, which is weak.
    pub fn new(function: WakeFunction) -> Hold {
        Hold { function, held: false }
    }

    /// Keeps the process alive, or lets it exit.
    #[expect(deprecated, reason = "clones keep the function, only this keeps the process")]
    pub fn set(&mut self, env: &Env, held: bool) -> napi::Result<()> {
        if held != self.held {
            if held { self.function.refer(env) } else { self.function.unref(env) }?;
            self.held = held;
        }
        Ok(())
    }
}
