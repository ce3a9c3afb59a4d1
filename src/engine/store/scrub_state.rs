//! The state of the scrub: how far it is, what it has found, and how it is stopped.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use crate::engine::exec::interrupt::LOOK;
use crate::engine::exec::locks::{Condvar, Mutex, may_block};
use crate::error::Error;
use crate::storage::host::paced::Pace;

/// Damage that is kept for statistics; more is counted and logged.
const KEPT: usize = 100;

/// Damage that the scrub has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScrubDamage {
    /// The file.
    pub file: String,
    /// Its offset in the file.
    pub offset: u64,
    /// What is wrong, and the next step.
    pub message: String,
}

/// How far the scrub is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScrubStats {
    /// Whether a pass is under way.
    pub running: bool,
    /// Bytes that the current pass has read, or the last one.
    pub bytes_read: u64,
    /// About how many bytes it reads.
    pub bytes_total: u64,
    /// Passes that read everything since the database was opened.
    pub passes: u64,
    /// When (ms since 1970) the last of them ended.
    pub completed_at: Option<i64>,
    /// The number of damaged places that the current or the last pass has found.
    pub errors: u64,
    /// The first of them.
    pub damage: Vec<ScrubDamage>,
}

/// Shared by the thread that scrubs, and those that ask and stop it.
#[derive(Default)]
pub(crate) struct ScrubState {
    stats: Mutex<Option<ScrubStats>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    waiting: Mutex<Waiting>,
    woken: Condvar,
    read: AtomicU64,
    stopped: AtomicBool,
}

#[derive(Default)]
struct Waiting;

impl ScrubState {
    /// What it does; `None` where there is no scrub.
    pub(crate) fn stats(&self) -> Option<ScrubStats> {
        let stats = self.stats.lock().clone()?;
        Some(ScrubStats { bytes_read: self.read.load(Ordering::Relaxed), ..stats })
    }

    /// The scrub runs on this thread, unless there is one already.
    pub(crate) fn begin(&self, spawn: impl FnOnce() -> io::Result<JoinHandle<()>>) -> io::Result<()> {
        let mut thread = self.thread.lock();
        if thread.is_none() && !self.is_stopped() {
            *self.stats.lock() = Some(ScrubStats::default());
            *thread = Some(spawn()?);
        }
        Ok(())
    }

    /// Changes the statistics.
    pub(crate) fn note(&self, change: impl FnOnce(&mut ScrubStats)) {
        if let Some(stats) = &mut *self.stats.lock() {
            change(stats);
        }
    }

    /// A pass begins.
    pub(crate) fn pass_begins(&self, bytes: u64) {
        self.read.store(0, Ordering::Relaxed);
        self.note(|stats| {
            let (passes, completed_at) = (stats.passes, stats.completed_at);
            *stats = ScrubStats {
                running: true,
                bytes_total: bytes,
                passes,
                completed_at,
                ..ScrubStats::default()
            };
        });
    }

    /// It found damage.
    pub(crate) fn found(&self, error: &Error) {
        let details = error.details();
        let file = details.file.as_ref().and_then(|file| file.file_name()).unwrap_or_default();
        let damage = ScrubDamage {
            file: file.to_string_lossy().into_owned(),
            offset: details.offset.unwrap_or(0),
            message: error.message().to_owned(),
        };
        self.note(|stats| {
            stats.errors += 1;
            if stats.damage.len() < KEPT {
                stats.damage.push(damage);
            }
        });
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Waits for this time, or until it is stopped; sometimes less.
    pub(crate) fn wait(&self, time: Duration) {
        let mut waiting = self.waiting.lock();
        if !self.is_stopped() {
            self.woken.wait_for(&mut waiting, time);
        }
    }

    /// Stops the thread, and waits for its end.
    pub(crate) fn stop(&self) {
        {
            let _waiting = self.waiting.lock();
            self.stopped.store(true, Ordering::Release);
            self.woken.notify_all();
        }
        let thread = self.thread.lock().take();
        // It may be the last that has the store.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != std::thread::current().id()) {
            may_block("the end of the scrub");
            // Its panic was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// The pace of a scrub.
pub(crate) struct ScrubPace {
    pub(crate) state: std::sync::Arc<ScrubState>,
    pub(crate) bytes_per_second: u64,
    /// Bytes that were read without a wait.
    pub(crate) debt: AtomicU64,
}

impl Pace for ScrubPace {
    fn pass(&self, bytes: u64) -> io::Result<()> {
        self.state.read.fetch_add(bytes, Ordering::Relaxed);
        let debt = self.debt.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let time = Duration::from_secs_f64(debt as f64 / self.bytes_per_second as f64);
        if time >= LOOK {
            self.debt.store(0, Ordering::Relaxed);
            self.state.wait(time);
        }
        if self.state.is_stopped() {
            return Err(io::Error::other("the scrub was stopped"));
        }
        Ok(())
    }
}
