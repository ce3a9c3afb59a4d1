//! Reads the log of an open database in the background, with the same checks as opening. Until it is done, reads by key are
//! answered from the checkpoint (`early_reads`), and everything else waits; if it fails, every operation fails with the
//! error that opening would have had.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use super::early_reads::{self, Early};
use super::replay::Replay;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::locks::Mutex;
use crate::engine::index_build::fill;
use crate::engine::operation::request::Operation;
use crate::engine::operation::response::Answered;
use crate::engine::store::Store;
use crate::engine::store::loading::EarlyReads;
use crate::error::{Error, Kind, Result};
use crate::storage::{self, Deferred, Loader, Replayed, SnapshotBlock};

/// Reads the log of a database that storage opened with a checkpoint.
pub(crate) fn load_later(store: &Arc<Store>, opened: storage::Early) -> Result<()> {
    let storage::Early { checkpoint, deferred } = opened;
    let early = Early::new(Path::new(store.name()), checkpoint);
    if early.is_none() {
        tracing::warn!(
            database = store.name(),
            "the checkpoint cannot be read, so everything waits for the log"
        );
    }
    store.loading().begin(early.map(|early| Arc::new(early) as Arc<dyn EarlyReads>));
    // Shared, so that it still exists if no thread can be started.
    let deferred = Arc::new(Mutex::new(Some(deferred)));
    let (loading, taken) = (store.clone(), deferred.clone());
    let work = move || {
        let deferred = taken.lock().take();
        if let Some(deferred) = deferred {
            read_log(&loading, deferred);
        }
    };
    if std::thread::Builder::new().name("load".to_owned()).spawn(work).is_ok() {
        return Ok(());
    }
    let deferred = deferred.lock().take();
    if let Some(deferred) = deferred {
        read_log(store, deferred);
    }
    store.wait_loaded(&Interrupt::default())
}

fn read_log(store: &Store, deferred: Deferred) {
    let began = store.elapsed();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut replay = Replay::new(Path::new(store.name()), store.options().memory_limit);
        deferred.load(&mut UntilClosing { store, replay: &mut replay })?;
        let recovered = replay.finish();
        fill::build_recovered(store, &recovered.catalogue)?;
        store.take_over(recovered);
        Ok(())
    }));
    let result = result.unwrap_or_else(|_| {
        let message = "reading the log failed in a way that is a defect of this package; please report it";
        Err(Error::new(Kind::Internal, message))
    });
    match &result {
        Err(error) if error.kind() == Kind::Closed => {}
        Err(error) => {
            tracing::error!(database = store.name(), %error, "the log does not hold what was answered from its checkpoint");
        }
        Ok(()) => {
            let ms = (store.elapsed() - began).as_millis() as u64;
            tracing::debug!(database = store.name(), ms, "the log was read");
        }
    }
    store.loading().end(result);
}

/// Answers from the checkpoint, or waits until everything was read and then returns `None`.
pub(crate) fn answer_early(
    store: &Store,
    name: &str,
    operation: &Operation,
    interrupt: &Interrupt,
) -> Result<Option<Answered>> {
    if store.is_loaded() {
        return Ok(None);
    }
    // The hold is taken before the phase is read: the files of the checkpoint stay readable.
    let _hold = store.views().hold();
    if let Some(early) = store.loading().early()
        && let Some(answered) = early_reads::answer(&*early, store, name, operation)
    {
        return Ok(Some(answered));
    }
    store.wait_loaded(interrupt)?;
    Ok(None)
}

/// A replay that stops when the database is closed.
struct UntilClosing<'l, 'r> {
    store: &'l Store,
    replay: &'l mut Replay<'r>,
}

impl UntilClosing<'_, '_> {
    fn check(&self) -> Result<()> {
        if self.store.is_closing() {
            return Err(Error::new(Kind::Closed, "the database was closed before its log was read"));
        }
        Ok(())
    }
}

impl Loader for UntilClosing<'_, '_> {
    fn database_block(&mut self, block: SnapshotBlock) -> Result<()> {
        self.check()?;
        self.replay.database_block(block)
    }

    fn least_document(&self) -> u32 {
        self.replay.least_document()
    }

    fn documents(&self, block: SnapshotBlock) -> Result<()> {
        self.check()?;
        self.replay.documents(block)
    }

    fn frame(&mut self, frame: Replayed) -> Result<()> {
        self.check()?;
        self.replay.frame(frame)
    }
}
