//! The scrub: a thread that reads all files of an open database again, slowly, and tells of damage before a query meets it.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};

use super::from_checkpoint;
use crate::engine::store::Store;
use crate::engine::store::scrub_state::{ScrubPace, ScrubState};
use crate::error::{Error, Result};
use crate::options::{Scrub, StorageMode};
use crate::storage::host::paced::PacedVfs;
use crate::storage::{FromCheckpoint, Host, ScrubVisitor, scrub};

/// Starts it, if the options say so and it does not run.
pub(crate) fn begin(store: &Arc<Store>, host: &Host, at: &Path) {
    let Some(options) = store.options().scrub.filter(|_| store.mode() != StorageMode::Memory) else { return };
    let state = store.auto().scrub.clone();
    let debt = AtomicU64::new(0);
    let pace = ScrubPace { state: state.clone(), bytes_per_second: options.bytes_per_second, debt };
    let vfs = Arc::new(PacedVfs { vfs: host.vfs.clone(), pace: Arc::new(pace) });
    let job = Job {
        store: Arc::downgrade(store),
        host: Host { vfs, ..host.clone() },
        at: at.to_path_buf(),
        state: state.clone(),
        options,
    };
    let spawn = || std::thread::Builder::new().name("moltendb-scrub".to_owned()).spawn(move || job.run());
    if let Err(error) = state.begin(spawn) {
        tracing::warn!(database = store.name(), %error, "there is no scrub, as its thread could not be started");
    }
}

/// What the thread has.
struct Job {
    store: Weak<Store>,
    host: Host,
    at: PathBuf,
    state: Arc<ScrubState>,
    options: Scrub,
}

impl Job {
    /// Passes until it is stopped, with a pause after each.
    fn run(self) {
        loop {
            let Some(store) = self.store.upgrade() else { return };
            let (name, published) = (store.name().to_owned(), store.views().published());
            drop(store);
            let mut visitor = Visitor { job: &self, name: &name };
            let ended = scrub(&self.host, &self.at, published, &mut visitor);
            self.state.note(|stats| stats.running = false);
            match ended {
                Err(_) if self.state.is_stopped() => return,
                Err(error) => tracing::warn!(database = name, %error, "the scrub could not read everything"),
                Ok(()) => self.completed(&name),
            }
            self.state.wait(self.options.interval);
            if self.state.is_stopped() {
                return;
            }
        }
    }

    fn completed(&self, name: &str) {
        let now = i64::try_from(self.host.clock.now_millis()).unwrap_or(i64::MAX);
        self.state.note(|stats| {
            stats.passes += 1;
            stats.completed_at = Some(now);
            let (bytes, errors) = (stats.bytes_total, stats.errors);
            tracing::info!(database = name, bytes, errors, "the scrub has read everything");
        });
    }
}

struct Visitor<'j> {
    job: &'j Job,
    name: &'j str,
}

impl ScrubVisitor for Visitor<'_> {
    fn begin(&mut self, bytes: u64) {
        self.job.state.pass_begins(bytes);
    }

    fn damage(&mut self, error: Error) {
        tracing::error!(database = self.name, %error, "the scrub has found damage");
        // The close removes a checkpoint that is damaged, so that the next opening reads snapshot and log.
        if from_checkpoint::is_damage(&error)
            && let Some(store) = self.job.store.upgrade()
        {
            let bases =
                store.collections().iter().flat_map(|collection| collection.bases()).collect::<Vec<_>>();
            bases.iter().for_each(|base| base.base().note_damage(error.details().file.as_deref()));
        }
        self.job.state.found(&error);
    }

    fn checkpoint(&mut self, checkpoint: FromCheckpoint) -> Result<()> {
        from_checkpoint::check(checkpoint)
    }
}
