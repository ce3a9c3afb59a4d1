//! A handle of an open database. Handles in one process share the engine of a directory; the last one closes it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use serde::Serialize;
use tokio::runtime::Handle;

use super::counts::DatabaseCounts;
use super::registry;
use super::stats::{DatabaseStats, HistoryStats, TransactionStats};
use crate::engine::commit::Committed;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::locks::{LongMutex, Mutex};
use crate::engine::exec::progress::Progress;
use crate::engine::expiry::monitor;
use crate::engine::index_build::create;
use crate::engine::index_build::fill;
use crate::engine::maintenance::backup::{self, Backup};
use crate::engine::maintenance::checkpoint;
use crate::engine::maintenance::{Compaction, compaction, rebase};
use crate::engine::recovery::replay::Replay;
use crate::engine::recovery::reported::Reported;
use crate::engine::recovery::{behind, from_checkpoint, scrub};
use crate::engine::session::Session;
use crate::engine::session::info::suggested;
use crate::engine::session::interruption::{GRACE, PATIENCE};
use crate::engine::store::{Recovered, Store};
use crate::engine::transfer::export::{Export, Form};
use crate::engine::transfer::molten::export_molten;
use crate::engine::transfer::{MoltenExported, Secret};
use crate::error::{Error, Kind, Result};
use crate::index::Spec;
use crate::options::{Check, EncryptionKey, MEMORY, OpenOptions, StorageMode};
use crate::storage::host::memory;
use crate::storage::{Host, Opened, RecoveryReport, open_disk, open_disk_from_checkpoint, open_memory_with};

/// Held by the one thread that closes.
#[derive(Default)]
struct Closing;

/// A handle of a database.
pub struct Database {
    store: Arc<Store>,
    options: OpenOptions,
    closed: Arc<AtomicBool>,
    /// Held while closing, so that a second close returns only when the first is done.
    closing: LongMutex<Closing>,
    sessions: Mutex<Vec<Weak<Session>>>,
    /// Earlier states that were opened by this handle.
    pasts: Mutex<Vec<Weak<Database>>>,
    runtime: Handle,
    place: Option<registry::Place>,
    /// The location of its directory.
    at: Option<PathBuf>,
}

/// A description of a handle.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// The path it was opened with.
    pub path: String,
    /// The name of the default database.
    pub name: String,
    /// `sync`, `async` or `memory`.
    pub storage: &'static str,
    /// What recovery found.
    pub recovery: RecoveryReport,
}

impl Database {
    /// Opens a database and blocks until it is recovered. Each `:memory:` is a
    /// separate database.
    pub fn open(path: &str, options: OpenOptions, runtime: Handle) -> Result<Arc<Database>> {
        Self::open_on(&Host::system(), path, options, runtime)
    }

    /// The absolute path that a path means now; a later change of the working directory has no effect.
    pub fn locate(path: &str) -> Result<PathBuf> {
        locate_on(&Host::system(), path)
    }

    /// [`Database::open`] on another file system, clock and source of randomness.
    pub fn open_on(host: &Host, path: &str, options: OpenOptions, runtime: Handle) -> Result<Arc<Database>> {
        let at = if path == MEMORY || path.is_empty() { PathBuf::new() } else { locate_on(host, path)? };
        Self::open_at(host, path, &at, options, runtime, &Progress::default())
    }

    /// [`Database::open_on`] with a location that was resolved earlier; says how many bytes of the files were read.
    pub fn open_at(
        host: &Host,
        path: &str,
        at: &Path,
        mut options: OpenOptions,
        runtime: Handle,
        progress: &Progress,
    ) -> Result<Arc<Database>> {
        if path == MEMORY {
            options.storage = StorageMode::Memory;
        }
        options.validate()?;
        options.settle_memory(memory::allowed());
        if path.is_empty() {
            return Err(Error::new(Kind::Argument, "path must name a directory, or be ':memory:'"));
        }
        let new_store = |opened: Opened, recovered| {
            let (name, options) = ((path.to_owned(), at), options.clone());
            Store::new(name, opened, host, options, recovered, checkpoint::leave)
        };
        if options.storage == StorageMode::Memory {
            let store = new_store(open_memory_with(host, options.encryption.as_ref())?, Recovered::empty());
            monitor::begin(&store, &runtime);
            return Ok(Self::handle(store, options, runtime, None, None));
        }
        let open_store = |check| {
            let mut replay = Replay::new(at, options.memory_limit.bytes());
            let mut reported = Reported::new(&mut replay, progress);
            let handle = Some(runtime.clone());
            let opened = match check {
                Check::Full => open_disk(host, at, &options, handle, &mut reported)?,
                Check::Quick => open_disk_from_checkpoint(host, at, &options, handle, &mut reported)?,
            };
            let changes = replay.take_changes();
            let store = new_store(opened, replay.finish());
            let catalogue = store.views().catalogue();
            match changes {
                Some(changes) => behind::build(&store, &catalogue, &changes)?,
                None => fill::build_recovered(&store, &catalogue)?,
            }
            Ok(store)
        };
        let (store, place) = registry::open(host, at, &options, || match open_store(options.check) {
            // Snapshot and log have all of it.
            Err(error) if options.check == Check::Quick && from_checkpoint::is_damage(&error) => {
                tracing::warn!(database = path, %error, "the log is read, as its checkpoint is damaged");
                open_store(Check::Full)
            }
            opened => opened,
        })?;
        rebase::begin(&store, &runtime);
        monitor::begin(&store, &runtime);
        scrub::begin(&store, &store.host(), at);
        Ok(Self::handle(store, options, runtime, place, Some(at.to_path_buf())))
    }

    fn handle(
        store: Arc<Store>,
        options: OpenOptions,
        runtime: Handle,
        place: Option<registry::Place>,
        at: Option<PathBuf>,
    ) -> Arc<Database> {
        let closed = Arc::new(AtomicBool::new(false));
        // The key is not needed any more.
        let options = OpenOptions { encryption: None, ..options };
        Arc::new(Database {
            store,
            options,
            closed,
            closing: LongMutex::default(),
            sessions: Mutex::default(),
            pasts: Mutex::default(),
            runtime,
            place,
            at,
        })
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The location of its directory.
    pub(super) fn at(&self) -> Option<&Path> {
        self.at.as_deref()
    }

    /// A handle of an earlier state, which is closed with this one.
    pub(super) fn add_past(&self, store: Arc<Store>) -> Result<Arc<Database>> {
        let options = store.options().clone();
        let past = Self::handle(store, options, self.runtime.clone(), None, self.at.clone());
        let mut pasts = self.pasts.lock();
        // This handle may have been closed meanwhile.
        self.check_open("asOf")?;
        pasts.retain(|known| known.strong_count() > 0);
        pasts.push(Arc::downgrade(&past));
        Ok(past)
    }

    /// A handle of another database, which only it refers to.
    pub(super) fn handle_of(&self, store: Arc<Store>, options: OpenOptions) -> Arc<Database> {
        monitor::begin(&store, &self.runtime);
        Self::handle(store, options, self.runtime.clone(), None, None)
    }

    /// A caller's own queue of operations. One per environment keeps its writes in order.
    pub fn session(&self) -> Arc<Session> {
        let session =
            Session::new(self.store.clone(), self.options.access, self.closed.clone(), self.runtime.clone());
        let mut sessions = self.sessions.lock();
        sessions.retain(|known| known.strong_count() > 0);
        sessions.push(Arc::downgrade(&session));
        session
    }

    /// Begins an export of these collections of the default database, or of all.
    pub fn export(&self, only: Option<&[String]>) -> Result<Export> {
        self.export_of(Some(""), only, Form::Lines)
    }

    /// Begins an export of these collections, or of all, of one database (empty: the default one) or of all.
    pub fn export_of(&self, database: Option<&str>, only: Option<&[String]>, form: Form) -> Result<Export> {
        self.check_open("export")?;
        Export::new(self.store.clone(), self.closed.clone(), database, only, form)
    }

    /// Writes one database (empty: the default one) as a log of MoltenDB; leaves no file when it fails.
    pub fn export_molten(
        &self,
        database: &str,
        path: &Path,
        secret: Option<&Secret>,
        interrupt: &Interrupt,
    ) -> Result<MoltenExported> {
        self.check_open("exportMolten")?;
        export_molten(&Host::system(), &self.store, database, path, secret, interrupt)
    }

    /// Everything acknowledged so far is durable when this returns.
    pub fn flush(&self) -> Result<()> {
        self.check_open("flush")?;
        self.store.flush()
    }

    /// Writes a checkpoint of the newest state, from which the next opening goes on, and puts it in place of what memory has of the
    /// same. Returns whether it did: not in memory, nor while an index is being built.
    pub fn write_checkpoint(&self) -> Result<bool> {
        self.check_open("writeCheckpoint")?;
        rebase::run(&self.store)
    }

    /// Deletes the documents that have expired by TTL indexes, without waiting for the monitor; returns how many.
    pub fn delete_expired(&self) -> Result<u64> {
        self.check_open("deleteExpired")?;
        monitor::run_now(&self.store, &self.runtime)
    }

    /// Writes a snapshot of the current state and begins a new generation of files; writers continue meanwhile.
    pub fn compact(&self) -> Result<Compaction> {
        self.compact_within(&Interrupt::default())
    }

    /// [`Database::compact`] that stops when the interrupt fires, and then changes nothing.
    pub fn compact_within(&self, interrupt: &Interrupt) -> Result<Compaction> {
        self.check_open("compact")?;
        compaction::run_within(&self.store, interrupt)
    }

    /// Copies the current state into a new directory; see [`backup::run`].
    pub fn backup(&self, destination: &str) -> Result<Backup> {
        self.backup_within(destination, &Interrupt::default())
    }

    /// [`Database::backup`] that stops when the interrupt fires, and then leaves nothing.
    pub fn backup_within(&self, destination: &str, interrupt: &Interrupt) -> Result<Backup> {
        self.backup_with(destination, None, interrupt)
    }

    /// The same; the copy is encrypted with this key, or opens with that of the database.
    pub fn backup_with(
        &self,
        destination: &str,
        key: Option<&EncryptionKey>,
        interrupt: &Interrupt,
    ) -> Result<Backup> {
        self.check_open("backup")?;
        let (host, own, destination) = (Host::system(), self.at.as_deref(), Path::new(destination));
        backup::run(&self.store, (&host, own), (destination, key), interrupt)
    }

    /// Creates indexes, all or none, and the collection if it is missing; returns their names once that is published.
    pub fn create_indexes(&self, collection: &str, specs: &[Spec]) -> Result<Vec<String>> {
        self.check_open("createIndexes")?;
        self.published(create::run(&self.store, collection, specs))
    }

    /// Drops the index of this name, or all but the one on `_id` for `*`.
    pub fn drop_index(&self, collection: &str, index: &str) -> Result<()> {
        self.check_open("dropIndex")?;
        self.published(create::drop_index(&self.store, collection, index))
    }

    fn published<T>(&self, committed: Committed<T>) -> Result<T> {
        self.store.wait_published(committed.lsn)?;
        committed.result
    }

    /// Compares every index with its documents; returns the number of entries. A difference is an `INTERNAL` error: a defect
    /// of this package.
    pub fn check_indexes(&self) -> Result<u64> {
        self.check_open("checkIndexes")?;
        fill::check_indexes(&self.store)
    }

    /// Announces that the handle is about to be closed: its operations that still run shortly after end with `CLOSED`.
    pub fn interrupt_soon(self: &Arc<Self>) {
        self.live_sessions().iter().for_each(|session| session.end_streams());
        let pasts = self.pasts.lock().iter().filter_map(Weak::upgrade).collect::<Vec<_>>();
        pasts.iter().for_each(Database::interrupt_soon);
        let database = Arc::downgrade(self);
        self.runtime.spawn(async move {
            tokio::time::sleep(GRACE).await;
            let Some(sessions) = database.upgrade().map(|database| database.live_sessions()) else { return };
            sessions.iter().for_each(|session| session.interrupt());
            tokio::time::sleep(PATIENCE).await;
            sessions.iter().for_each(|session| session.interrupt_writes());
        });
    }

    fn live_sessions(&self) -> Vec<Arc<Session>> {
        self.sessions.lock().iter().filter_map(Weak::upgrade).collect()
    }

    /// Sets the time of what is written from now on (ms since 1970): that of documents, of `$$NOW`, of ids that are made here. `None`
    /// gives it back to the clock. A commit is never before those that there are, whatever is set.
    pub fn set_time(&self, time: Option<i64>) {
        self.store.set_time(time);
    }

    /// Waits for the operations of this handle; the last handle flushes, seals and releases the directory.
    /// A second call waits for the first and does nothing.
    pub fn close(&self) -> Result<()> {
        let _closing = self.closing.lock();
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let pasts = std::mem::take(&mut *self.pasts.lock());
        for past in pasts.iter().filter_map(Weak::upgrade) {
            if let Err(error) = past.close() {
                tracing::warn!(database = %self.store.name(), %error, "an earlier state could not be closed");
            }
        }
        for session in self.live_sessions() {
            session.drain();
        }
        match &self.place {
            Some(place) => registry::release(place, &self.store),
            None => self.store.close(),
        }
    }

    /// Closes a database in memory if that does not block. Otherwise returns `None` and does nothing.
    pub fn close_at_once(&self) -> Option<Result<()>> {
        let idle = |session: &Weak<Session>| session.upgrade().is_none_or(|session| session.is_idle());
        let at_once = self.options.storage == StorageMode::Memory
            && self.closing.try_lock().is_some()
            && self.sessions.lock().iter().all(idle)
            && self.store.compacting().try_lock().is_some()
            && self.store.auto().expiry.running().try_lock().is_some();
        at_once.then(|| self.close())
    }

    /// Current statistics.
    pub fn stats(&self) -> Result<DatabaseStats> {
        self.stats_of("")
    }

    /// Current statistics, with the counts of one database (empty: the default one).
    pub fn stats_of(&self, database: &str) -> Result<DatabaseStats> {
        self.check_open("stats")?;
        let catalogue = self.store.views().catalogue();
        let own = || catalogue.of(database);
        let storage = self.store.storage().stats();
        let all = || catalogue.iter().map(|(_, collection)| collection);
        let newest = self.store.views().published();
        let indexes = || all().flat_map(|collection| collection.ready_indexes(newest));
        let (views, since) = self.store.views().held();
        let base = all().find_map(|collection| collection.base().map(|below| below.base().clone()));
        let base = base.as_ref();
        Ok(DatabaseStats {
            collections: own().filter(|(_, collection)| !collection.is_view()).count() as u64,
            documents: own().map(|(_, collection)| collection.count()).sum(),
            databases: DatabaseCounts::all(&catalogue, self.store.databases()),
            hot_bytes: all().map(|collection| collection.hot_bytes()).sum::<u64>()
                + self.store.documents().bytes(),
            live_bytes: all().map(|collection| collection.live_bytes()).sum(),
            encrypted: self.store.host().cipher.is_sealing(),
            segments: storage.segments,
            bytes_on_disk: storage.bytes_on_disk,
            spill_bytes: storage.spill_bytes,
            slot_bytes: all().map(|collection| collection.slab().slot_bytes()).sum(),
            key_bytes: all().map(|collection| collection.key_bytes()).sum(),
            checkpoint_bytes: storage.checkpoint_bytes,
            cache_bytes: base.map_or(0, |base| base.cached_bytes()),
            pages_read: base.map_or(0, |base| base.pages_read()),
            queued_bytes: self.store.budget().used(),
            syncs: storage.syncs,
            last_lsn: self.store.views().published().0,
            durable_lsn: storage.durable.0,
            views: views as u64,
            memory_limit: self.store.options().memory_limit.bytes(),
            view_bytes: self.store.views().held_bytes(),
            oldest_view_age: since.map_or(0, |since| (self.store.now() - since).max(0) as u64),
            transactions: TransactionStats::of(self.store.transactions(), self.store.now()),
            indexes: own().map(|(_, collection)| collection.ready_indexes(newest).count() as u64).sum(),
            index_bytes: indexes().map(|index| index.bytes()).sum(),
            history: {
                let storage = self.store.storage();
                storage.history().map(|log| HistoryStats::of(log, storage.past_reach()))
            },
            scrub: self.store.auto().scrub.stats(),
            suggested_indexes: own().flat_map(|(name, one)| suggested(name, one)).collect(),
        })
    }

    /// Path, durability, and what recovery found.
    pub fn describe(&self) -> Description {
        Description {
            path: self.store.name().to_owned(),
            name: self.store.databases().default_name().to_owned(),
            storage: self.store.mode().as_str(),
            recovery: self.store.report().clone(),
        }
    }

    pub(super) fn check_open(&self, method: &str) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            let message = format!("{method}: the database {} is closed; open it again", self.store.name());
            return Err(Error::new(Kind::Closed, message));
        }
        Ok(())
    }
}

fn locate_on(host: &Host, path: &str) -> Result<PathBuf> {
    let path = Path::new(path);
    host.vfs.absolute(path).map_err(|error| Error::io("find", path, error))
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::warn!(database = %self.store.name(), %error, "an unclosed database could not be closed cleanly");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::exec::work_queue::Job;

    #[test]
    fn a_database_in_memory_is_closed_at_once_unless_something_is_under_way() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let context = runtime.enter();
        let database = Database::open(MEMORY, OpenOptions::default(), runtime.handle().clone()).unwrap();
        let session = database.session();
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let job: Job = Box::new(move || receiver.recv().unwrap());
        session.scans.push(runtime.handle(), [job]);
        assert!(database.close_at_once().is_none());
        assert!(database.stats().is_ok(), "nothing was closed");
        sender.send(()).unwrap();
        session.scans.wait_idle();
        let packing = database.store.compacting().lock();
        assert!(database.close_at_once().is_none());
        drop(packing);
        // A lingering worker may hold the lock of its queue for a moment.
        let closed = loop {
            if let Some(closed) = database.close_at_once() {
                break closed;
            }
            std::thread::yield_now();
        };
        closed.unwrap();
        assert_eq!(database.stats().unwrap_err().kind(), Kind::Closed);
        drop(context);
    }

    #[test]
    fn a_database_on_disk_is_never_closed_at_once() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let context = runtime.enter();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        let handle = runtime.handle().clone();
        let database = Database::open(path.to_str().unwrap(), OpenOptions::default(), handle).unwrap();
        assert!(database.close_at_once().is_none());
        database.close().unwrap();
        drop(context);
    }
}
