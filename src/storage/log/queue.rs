//! The append queue: many threads add frames, one thread at a time writes them (group commit).
//!
//! The thread that calls [`Queue::drive`] becomes the writer unless another thread is. The writer takes everything queued as
//! one group, publishes it, settles it in order, and repeats until the queue is empty. So a single commit waits only for
//! itself, and while one fsync runs the following commits gather into the next group.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use parking_lot::{Condvar, Mutex};
use smallvec::SmallVec;

use crate::error::{Error, Kind, Result};
use crate::storage::contract::backend::{Block, Place};
use crate::storage::contract::completion::{Completer, Completion};

/// A frame with its place.
pub(crate) struct Frame {
    pub(crate) place: Place,
    pub(crate) blocks: SmallVec<[Arc<Block>; 2]>,
}

/// The instruction to end the previous segment, durably, and to continue in this one.
pub(crate) struct Turn {
    pub(crate) segment: u64,
    /// Receives the head checksum of the previous segment's SEAL.
    pub(crate) seal_crc: Arc<AtomicU32>,
}

/// The writer's tasks, in order.
pub(crate) enum Task {
    Frame(Frame),
    Turn(Turn),
    /// Settles after the frames before it.
    Barrier,
}

/// A task and its completion.
pub(crate) struct Entry {
    pub(crate) task: Task,
    completer: Completer,
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    bytes: u64,
    writing: bool,
    stopped: bool,
}

/// The queue.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    idle: Condvar,
}

impl Queue {
    /// Appends a task.
    pub(crate) fn push(&self, task: Task) -> Completion {
        let (completer, completion) = Completion::new();
        let mut state = self.state.lock();
        if state.stopped {
            return Completion::ready(Err(Error::new(Kind::Closed, "the database is closed")));
        }
        state.bytes += bytes_of(&task);
        state.entries.push(Entry { task, completer });
        completion
    }

    /// Bytes that are queued.
    pub(crate) fn bytes(&self) -> u64 {
        self.state.lock().bytes
    }

    /// Whether no thread writes, no thread holds the queue, and at most this many bytes are queued.
    pub(crate) fn is_nonblocking(&self, most: u64) -> bool {
        self.state.try_lock().is_some_and(|state| !state.writing && state.bytes <= most)
    }

    /// Publishes group after group until the queue is empty, unless another thread is doing so.
    pub(crate) fn drive(&self, publish: impl FnMut(&[Entry]) -> Result<()>) {
        self.drive_while(|_, _| true, publish);
    }

    /// Like `drive`, but calls a predicate with the entries and bytes of each group before it is taken. Returns `false` when
    /// tasks are queued and no thread is working on them.
    pub(crate) fn drive_while(
        &self,
        mut go_on: impl FnMut(&[Entry], u64) -> bool,
        mut publish: impl FnMut(&[Entry]) -> Result<()>,
    ) -> bool {
        let mut group = Vec::new();
        {
            let mut state = self.state.lock();
            if state.writing || state.entries.is_empty() {
                return true;
            }
            if !go_on(&state.entries, state.bytes) {
                return false;
            }
            state.writing = true;
            std::mem::swap(&mut state.entries, &mut group);
        }
        let turn = Writing(self);
        loop {
            let result = publish(&group);
            let bytes: u64 = group.iter().map(|entry| bytes_of(&entry.task)).sum();
            self.state.lock().bytes -= bytes;
            for entry in group.drain(..) {
                entry.completer.settle(result.clone());
            }
            let mut state = self.state.lock();
            let done = state.entries.is_empty();
            if done || !go_on(&state.entries, state.bytes) {
                state.writing = false;
                std::mem::forget(turn);
                self.idle.notify_all();
                return done;
            }
            std::mem::swap(&mut state.entries, &mut group);
        }
    }

    /// Publishes what is queued, on this thread or on the current writer, then stays the writer for good: later pushes
    /// return `CLOSED`.
    pub(crate) fn stop(&self, mut publish: impl FnMut(&[Entry]) -> Result<()>) {
        loop {
            self.drive(&mut publish);
            let mut state = self.state.lock();
            while state.writing && !state.stopped {
                self.idle.wait(&mut state);
            }
            if state.entries.is_empty() {
                state.writing = true;
                state.stopped = true;
                return;
            }
        }
    }
}

/// Releases the writer role when a callback panics, so that other threads do not wait for ever.
struct Writing<'a>(&'a Queue);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.state.lock().writing = false;
        self.0.idle.notify_all();
    }
}

fn bytes_of(task: &Task) -> u64 {
    let Task::Frame(frame) = task else { return 0 };
    frame.blocks.iter().map(|block| block.bytes.len() as u64).sum()
}
