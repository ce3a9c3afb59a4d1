//! Whether the log of an open database has been read. Until then, reads by key are answered from its checkpoint and
//! everything else waits; if reading fails, every operation fails with that error.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::engine::exec::locks::{Condvar, Mutex};
use crate::engine::format::key::Key;
use crate::engine::state::collection::Collection;
use crate::engine::state::version::Span;
use crate::error::{Error, Kind, Result};
use crate::storage::{Block, StorageBackend};

/// The documents of a checkpoint, by key.
pub(crate) trait EarlyReads: Send + Sync {
    /// The collection of this name, without documents.
    fn collection(&self, name: &str) -> Option<&Arc<Collection>>;

    /// The document of this key, or that there is none; `None` when that cannot be determined.
    fn find(
        &self,
        storage: &dyn StorageBackend,
        collection: &Collection,
        key: &Key,
    ) -> Option<Option<(Arc<Block>, Span)>>;
}

/// How long a wait lasts before the limits of the operation are checked again.
const LOOK: Duration = Duration::from_millis(5);

/// The phase of the reading.
pub(crate) struct Loading {
    phase: Mutex<Phase>,
    ended: Condvar,
    /// Whether everything was read; readable without the lock.
    loaded: AtomicBool,
}

enum Phase {
    Loaded,
    /// With the checkpoint, if there is one.
    UnderWay(Option<Arc<dyn EarlyReads>>),
    /// Reading failed, or was stopped by closing.
    Ended(Error),
}

impl Default for Loading {
    fn default() -> Self {
        Loading { phase: Mutex::new(Phase::Loaded), ended: Condvar::new(), loaded: AtomicBool::new(true) }
    }
}

impl Loading {
    pub(crate) fn begin(&self, early: Option<Arc<dyn EarlyReads>>) {
        *self.phase.lock() = Phase::UnderWay(early);
        self.loaded.store(false, Ordering::Release);
    }

    pub(crate) fn end(&self, result: Result<()>) {
        let mut phase = self.phase.lock();
        match result {
            Ok(()) => {
                *phase = Phase::Loaded;
                self.loaded.store(true, Ordering::Release);
            }
            Err(error) => *phase = Phase::Ended(error),
        }
        self.ended.notify_all();
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }

    pub(crate) fn early(&self) -> Option<Arc<dyn EarlyReads>> {
        match &*self.phase.lock() {
            Phase::UnderWay(early) => early.clone(),
            Phase::Loaded | Phase::Ended(_) => None,
        }
    }

    pub(crate) fn wait(&self, check: impl Fn() -> Result<()>) -> Result<()> {
        let mut phase = self.phase.lock();
        loop {
            match &*phase {
                Phase::Loaded => return Ok(()),
                Phase::Ended(error) => return Err(error.clone()),
                Phase::UnderWay(_) => check()?,
            }
            self.ended.wait_for(&mut phase, LOOK);
        }
    }

    /// Waits for the end of the reading; returns its error, if any.
    pub(crate) fn outlast(&self) -> Result<()> {
        match self.wait(|| Ok(())) {
            Err(error) if error.kind() != Kind::Closed => Err(error),
            _ => Ok(()),
        }
    }
}
