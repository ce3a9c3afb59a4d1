//! One open database: the shared state of the commit path, readers and sessions.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use std::time::Duration;

use super::compaction_state::CompactionState;
use super::documents::{Documents, LEAST_SHARE};
use super::precedence::Precedence;
use super::publish_waiters::PublishWaiters;
use super::publisher::{Publisher, Room};
use super::snapshots::Snapshots;
use super::transaction_counts::TransactionCounts;
use crate::document::{Value, id};
use crate::engine::exec::backpressure::Backpressure;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::locks::{LongMutex, Mutex, MutexGuard, may_block};
use crate::engine::exec::nonblocking::{
    NONBLOCKING_BYTES, blocked, is_nonblocking, nonblocking_work, would_block,
};
use crate::engine::state::base::LARGE_LIMIT;
use crate::engine::state::catalogue::Catalogue;
use crate::engine::state::collection::{Collection, Collections};
use crate::engine::state::feed::Feed;
use crate::engine::state::feed::past_names::{PastName, PastNames};
use crate::engine::state::namespace::Databases;
use crate::engine::state::views::{View, Views};
use crate::error::{Error, Kind, Result};
use crate::options::{Access, OpenOptions, StorageMode};
use crate::storage::cipher::cipher::Cipher;
use crate::storage::host::system::{Clock, Rng};
use crate::storage::host::vfs::Vfs;
use crate::storage::{FrameSize, Host, Lsn, Opened, PageSink, Place, RecoveryReport, StorageBackend};
use crate::work::Work;

/// The newest applied state, published or not. Its lock is the commit lock.
pub(crate) struct Applied {
    /// The names of the databases.
    pub databases: Arc<Databases>,
    /// The newest commit's LSN.
    pub lsn: Lsn,
    /// The collections there are.
    pub catalogue: Arc<Catalogue>,
    /// The number of the next collection.
    pub next_number: u32,
    /// No more commits are accepted.
    pub closed: bool,
}

/// What recovery or creation passes to a new store.
pub struct Recovered {
    /// The newest commit's LSN.
    pub lsn: Lsn,
    /// The collections there are.
    pub catalogue: Catalogue,
    /// The same by number.
    pub collections: Arc<Collections>,
    /// The number of the next collection.
    pub next_number: u32,
    /// The time of the newest commit (ms).
    pub time: i64,
    /// The names that collections had before, as far as the log tells.
    pub(crate) past: BTreeMap<u32, Vec<PastName>>,
    /// It is an earlier state of a database.
    pub(crate) is_past: bool,
    /// The name of the default database, where it is not that of its path.
    pub(crate) default_name: Option<String>,
}

impl Recovered {
    /// A database without collections.
    pub(crate) fn empty() -> Recovered {
        Recovered {
            lsn: Lsn(0),
            catalogue: Catalogue::default(),
            collections: Arc::new(Collections::default()),
            next_number: 1,
            time: i64::MIN,
            past: BTreeMap::new(),
            is_past: false,
            default_name: None,
        }
    }
}

/// Held by the one compaction that runs.
#[derive(Default)]
pub(crate) struct Compacting;

/// Held while an index is created or dropped.
#[derive(Default)]
pub(crate) struct Building;

/// An open database.
pub(crate) struct Store {
    name: String,
    databases: Arc<Databases>,
    storage: Arc<dyn StorageBackend>,
    publisher: Arc<Publisher>,
    collections: Arc<Collections>,
    applied: LongMutex<Applied>,
    applied_lsn: AtomicU64,
    /// The time of the newest commit (ms).
    commit_time: AtomicI64,
    /// Of an earlier state: the time of its newest commit (ms).
    moment: Option<i64>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    vfs: Arc<dyn Vfs>,
    cipher: Cipher,
    /// The source of the operations' seeds.
    chance: AtomicU64,
    /// The same as `now`, for code that may not know storage.
    work_clock: crate::work::Clock,
    options: OpenOptions,
    report: RecoveryReport,
    /// Allows one compaction at a time.
    compacting: LongMutex<Compacting>,
    /// Indexes are created and dropped one after the other.
    building: LongMutex<Building>,
    auto: CompactionState,
    closing: AtomicBool,
    /// The position of the clock hand: a collection's number and a slot.
    hand: Mutex<(u32, u64)>,
    precedence: Precedence,
    transactions: TransactionCounts,
    documents: Documents,
    past_names: PastNames,
    pub(super) snapshots: Snapshots,
    /// The time that the program has set (ms).
    pub(super) set_time: AtomicI64,
    leave: LeaveCheckpoint,
}

/// What a store writes into its checkpoint when it is closed at this LSN, if possible.
pub(super) type LeaveCheckpoint = fn(&Store, Lsn, &mut dyn PageSink) -> Result<Option<Vec<u8>>>;

impl Store {
    /// A store over recovered collections.
    pub(crate) fn new(
        (name, at): (String, &Path),
        opened: Opened,
        host: &Host,
        options: OpenOptions,
        recovered: Recovered,
        leave: LeaveCheckpoint,
    ) -> Arc<Store> {
        let mut seed = [0; 8];
        host.rng.fill(&mut seed);
        let clock = host.clock.clone();
        let catalogue = Arc::new(recovered.catalogue);
        let views = Views::new(recovered.lsn, catalogue.clone(), recovered.collections.clone());
        let publisher = Publisher {
            views,
            waiting: PublishWaiters::new(recovered.lsn),
            budget: Backpressure::new(options.queue_limit),
            feed: Arc::new(Feed::new(options.storage == StorageMode::Memory, options.memory_limit.bytes())),
        };
        let past_names = PastNames::new(recovered.past);
        if opened.backend.keeps_history() {
            past_names.keep();
        }
        let tight = options.memory_limit.bytes().is_some_and(|limit| limit < LARGE_LIMIT);
        let millis = |clock: &dyn Clock| i64::try_from(clock.now_millis()).unwrap_or(i64::MAX);
        let work_clock = clock.clone();
        let documents = Documents::new(options.memory_limit.bytes().unwrap_or(0) / LEAST_SHARE);
        let taken = |name: &str| catalogue.database_like(name).is_some();
        let databases = Arc::new(Databases::of(&name, at, recovered.default_name, taken));
        Arc::new(Store {
            name,
            databases: databases.clone(),
            storage: opened.backend,
            publisher: Arc::new(publisher),
            collections: recovered.collections,
            applied: LongMutex::new(Applied {
                databases,
                lsn: recovered.lsn,
                catalogue,
                next_number: recovered.next_number,
                closed: false,
            }),
            applied_lsn: AtomicU64::new(recovered.lsn.0),
            commit_time: AtomicI64::new(recovered.time),
            moment: recovered.is_past.then_some(recovered.time),
            work_clock: Arc::new(move || millis(&*work_clock)),
            clock,
            rng: host.rng.clone(),
            vfs: host.vfs.clone(),
            cipher: opened.cipher,
            chance: AtomicU64::new(u64::from_le_bytes(seed)),
            // The key is not needed any more.
            options: OpenOptions { encryption: None, ..options },
            report: opened.report,
            compacting: LongMutex::default(),
            building: LongMutex::default(),
            auto: CompactionState { tight: AtomicBool::new(tight), ..CompactionState::default() },
            closing: AtomicBool::new(false),
            hand: Mutex::default(),
            precedence: Precedence::default(),
            transactions: TransactionCounts::default(),
            documents,
            past_names,
            snapshots: Snapshots::default(),
            set_time: AtomicI64::new(i64::MIN),
            leave,
        })
    }

    /// The transactions of the database.
    pub(crate) fn transactions(&self) -> &TransactionCounts {
        &self.transactions
    }

    pub(crate) fn precedence(&self) -> &Precedence {
        &self.precedence
    }

    /// The path it was opened with.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The names of the databases.
    pub(crate) fn databases(&self) -> &Databases {
        &self.databases
    }

    /// The options that it was opened with.
    pub(crate) fn options(&self) -> &OpenOptions {
        &self.options
    }

    /// The recovery report.
    pub(crate) fn report(&self) -> &RecoveryReport {
        &self.report
    }

    /// The storage backend.
    pub(crate) fn storage(&self) -> &dyn StorageBackend {
        &*self.storage
    }

    pub(crate) fn shared_storage(&self) -> Arc<dyn StorageBackend> {
        self.storage.clone()
    }

    pub(crate) fn compacting(&self) -> &LongMutex<Compacting> {
        &self.compacting
    }

    pub(crate) fn building(&self) -> &LongMutex<Building> {
        &self.building
    }

    pub(crate) fn auto(&self) -> &CompactionState {
        &self.auto
    }

    /// Whether work that can wait should stop.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(crate) fn hand(&self) -> &Mutex<(u32, u64)> {
        &self.hand
    }

    /// A seed for the `$rand` and `$sample` of one operation. The increment differs from that of the sequences that start
    /// there.
    pub(crate) fn seed(&self) -> u64 {
        self.chance.fetch_add(0xd1b5_4a32_d192_ed03, Ordering::Relaxed)
    }

    /// The `_id` of a document without one: a UUID of version 7.
    pub(crate) fn new_id(&self) -> Value {
        let mut random = [0; 10];
        self.rng.fill(&mut random);
        Value::String(id::uuid_v7(u64::try_from(self.time()).unwrap_or_default(), random))
    }

    /// The time of a monotonic clock.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// The published state.
    pub(crate) fn views(&self) -> &Arc<Views> {
        &self.publisher.views
    }

    /// The collections by number.
    pub(crate) fn collections(&self) -> &Collections {
        &self.collections
    }

    pub(crate) fn publisher(&self) -> Arc<Publisher> {
        self.publisher.clone()
    }

    pub(crate) fn budget(&self) -> &Backpressure {
        &self.publisher.budget
    }

    /// Waits for space in the commit queue.
    pub(crate) fn room(&self, bytes: u64, check: impl Fn() -> Result<()>) -> Result<Room> {
        self.note_memory(bytes);
        if is_nonblocking() {
            would_block(|| bytes > NONBLOCKING_BYTES as u64 || !self.budget().try_take(bytes))?;
        } else {
            self.budget().take(bytes, || self.storage().drive(), check)?;
        }
        Ok(Room { publisher: self.publisher(), bytes })
    }

    /// The last step of a commit that can fail.
    pub(crate) fn reserve(&self, size: &FrameSize) -> Result<Place> {
        would_block(|| !self.storage.is_nonblocking(size))?;
        self.storage.reserve(size)
    }

    /// Milliseconds since 1970, for limits and ages. What documents and expressions see is [`Store::time`].
    pub(crate) fn now(&self) -> i64 {
        (self.work_clock)()
    }

    /// Of an earlier state: the time of its newest commit (ms).
    pub(super) fn moment(&self) -> Option<i64> {
        self.moment
    }

    /// What it stands on.
    pub(crate) fn host(&self) -> Host {
        Host::new(self.vfs.clone(), self.clock.clone(), self.rng.clone()).with(self.cipher.clone())
    }

    /// The time of a commit that is made now (ms): that of the clock, but never before the commits that there are.
    pub(crate) fn commit_time(&self) -> i64 {
        self.time().max(self.commit_time.load(Ordering::Acquire))
    }

    /// The time of the newest commit (ms); where that is not known, of the clock.
    pub(crate) fn newest_time(&self) -> i64 {
        match self.commit_time.load(Ordering::Acquire) {
            i64::MIN => self.time(),
            time => time,
        }
    }

    /// The time of the newest commit (ms), the least number where that is not known.
    pub(crate) fn newest_commit_time(&self) -> i64 {
        self.commit_time.load(Ordering::Acquire)
    }

    /// Notes the time of the newest commit, under the commit lock.
    pub(crate) fn set_commit_time(&self, time: i64) {
        self.commit_time.store(time, Ordering::Release);
    }

    /// The budget of an operation under these limits.
    pub(crate) fn work(&self, interrupt: &Interrupt) -> Work {
        nonblocking_work().unwrap_or_else(|| {
            let limit = self.options.query_memory_limit;
            interrupt.work(self.work_clock.clone(), limit, self.storage.spill())
        })
    }

    /// Opens a view of the newest published state.
    pub(crate) fn view(&self) -> View {
        self.views().open(self.now())
    }

    /// Takes the commit lock.
    pub(crate) fn applied(&self) -> MutexGuard<'_, Applied> {
        self.applied.lock()
    }

    /// Takes the commit lock, if it is free.
    pub(crate) fn try_applied(&self) -> Option<MutexGuard<'_, Applied>> {
        self.applied.try_lock()
    }

    /// Takes the commit lock to commit.
    pub(crate) fn applied_to_commit(&self) -> Result<MutexGuard<'_, Applied>> {
        would_block(|| false)?;
        if is_nonblocking() { self.applied.try_lock().ok_or_else(blocked) } else { Ok(self.applied()) }
    }

    /// The newest applied LSN. What was read before this call depends on no later one.
    pub(crate) fn applied_lsn(&self) -> Lsn {
        Lsn(self.applied_lsn.load(Ordering::Acquire))
    }

    pub(crate) fn set_applied_lsn(&self, lsn: Lsn) {
        self.applied_lsn.store(lsn.0, Ordering::Release);
    }

    /// The collection of this name in the newest applied state.
    pub(crate) fn applied_collection(&self, name: &str) -> Option<Arc<Collection>> {
        let applied = self.applied_to_commit().ok()?;
        applied.catalogue.get(name).cloned()
    }

    /// The error why a commit cannot begin, if any.
    pub(crate) fn refusal(&self, applied: &Applied) -> Option<Error> {
        if applied.closed {
            return Some(Error::new(Kind::Closed, format!("the database {} is closed", self.name)));
        }
        if self.options.access == Access::ReadOnly {
            return Some(self.read_only());
        }
        self.publisher.waiting.poisoned()
    }

    /// The error why a copy cannot begin, if any: of a poisoned database it is unknown what reopening will find.
    pub(crate) fn refusal_to_read(&self, applied: &Applied) -> Option<Error> {
        if applied.closed {
            return Some(Error::new(Kind::Closed, format!("the database {} is closed", self.name)));
        }
        self.publisher.waiting.poisoned()
    }

    /// Why nothing more will be published, if that is so.
    pub(crate) fn poisoned(&self) -> Option<Error> {
        self.publisher.waiting.poisoned()
    }

    /// Calls back once everything up to this LSN is published, or with the error why it never will be.
    pub(crate) fn when_published(&self, lsn: Lsn, call: impl FnOnce(Result<()>) + Send + 'static) {
        self.publisher.waiting.until(lsn, call);
    }

    /// Waits until everything up to this LSN is published.
    pub(crate) fn wait_published(&self, lsn: Lsn) -> Result<()> {
        may_block("the publication of a commit");
        let (published, waits) = std::sync::mpsc::sync_channel(1);
        self.storage().drive();
        self.when_published(lsn, move |result| {
            // The receiver waits below.
            let _ = published.send(result);
        });
        let lost = || Err(Error::new(Kind::Internal, "a write was dropped unanswered"));
        waits.recv().unwrap_or_else(|_| lost())
    }

    /// The newest commits, for those who watch them.
    pub(crate) fn feed(&self) -> &Arc<Feed> {
        &self.publisher.feed
    }

    /// The names that collections had before.
    pub(crate) fn past_names(&self) -> &PastNames {
        &self.past_names
    }

    /// The documents that were read by themselves.
    pub(crate) fn documents(&self) -> &Documents {
        &self.documents
    }

    /// Everything acknowledged so far is durable when this returns.
    pub(crate) fn flush(&self) -> Result<()> {
        may_block("an fsync");
        self.storage.flush().wait()
    }

    /// Ends commits; flushes, seals, marks clean.
    pub(crate) fn close(&self) -> Result<()> {
        self.closing.store(true, Ordering::Release);
        self.auto.scrub.stop();
        let first = !std::mem::replace(&mut self.applied.lock().closed, true);
        self.snapshots.clear();
        // What deletes expired documents, and a running compaction, see the flag and stop.
        drop(self.auto.expiry.running().lock());
        let _none = self.compacting.lock();
        if !first {
            return Ok(());
        }
        let storage = self.storage.stats();
        let worth = storage.log_bytes + storage.snapshot_bytes >= self.options.checkpoint_from;
        self.storage.close_leaving(&|lsn, out| if worth { (self.leave)(self, lsn, out) } else { Ok(None) })
    }

    /// The durability it was opened with.
    pub(crate) fn mode(&self) -> StorageMode {
        self.options.storage
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::warn!(database = %self.name, %error, "an unclosed database could not be closed cleanly");
        }
    }
}
