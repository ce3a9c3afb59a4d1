//! One caller's use of a database: its operations, in the order it was promised, and its cursors.
//!
//! Writes that name their `_id`s commit in the order they were called, so they share a lane of one. Scans and
//! writes by filter take their place when their candidates are found, on as many threads as there are cores.
//! Reads by `_id` that must wait for the disk, and batches of cursors, have a lane of their own, so that no
//! scan is in front of them.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::aggregate::{Aggregation, is_write};
use super::collection::Collection;
use super::commit::Committed;
use super::cursor::{Cursor, parse_filter};
use super::lane::{Job, Lane};
use super::operation::{Answer, CollectionInfo, Document, Incoming, Operation, Reach, Reply, Upsert};
use super::read::{Hot, incoming_key};
use super::store::Store;
use super::write::{Change, Modification};
use crate::document::{RawKind, RawValue, incoming};
use crate::error::{Error, Kind, Result};
use crate::options::Access;
use crate::query::{Filter, Update};

/// A cursor that nobody asks for this long (ms) is closed.
const CURSOR_IDLE: i64 = 10 * 60 * 1_000;
/// Expired cursors that are remembered, so that asking for one says why it is gone.
const REMEMBERED: usize = 1_024;

/// What an operation answers at once, or after a commit is published.
enum Outcome {
    Now(Option<Arc<Collection>>, Result<Answer>),
    Published(Committed<Answer>),
}

/// What a cursor reads on.
enum Source {
    Find(Box<Cursor>),
    Aggregate(Aggregation),
}

impl Source {
    fn collection(&self) -> Option<&Arc<Collection>> {
        match self {
            Source::Find(cursor) => cursor.collection(),
            Source::Aggregate(_) => None,
        }
    }

    fn is_done(&self) -> bool {
        match self {
            Source::Find(cursor) => cursor.is_done(),
            Source::Aggregate(aggregation) => aggregation.is_done(),
        }
    }

    fn next_batch(&mut self, store: &Store, size: u32) -> Result<Vec<Document>> {
        match self {
            Source::Find(cursor) => cursor.next_batch(store, size),
            Source::Aggregate(aggregation) => aggregation.next_batch(size),
        }
    }
}

struct OpenCursor {
    cursor: Mutex<Source>,
    used: AtomicU64,
}

#[derive(Default)]
struct Cursors {
    open: HashMap<u64, Arc<OpenCursor>>,
    expired: Vec<u64>,
}

/// One caller (an environment and a database handle).
pub struct Session {
    store: Arc<Store>,
    access: Access,
    closed: Arc<AtomicBool>,
    runtime: Handle,
    writes: Arc<Lane>,
    reads: Arc<Lane>,
    scans: Arc<Lane>,
    cursors: Mutex<Cursors>,
    next_cursor: AtomicU64,
}

impl Session {
    pub(super) fn new(
        store: Arc<Store>,
        access: Access,
        closed: Arc<AtomicBool>,
        runtime: Handle,
    ) -> Arc<Session> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from).max(2);
        let after_writes = || {
            let (store, runtime) = (store.clone(), runtime.clone());
            move || {
                store.storage().drive();
                store.cool();
                store.consider_compaction(&runtime);
            }
        };
        let session = Arc::new(Session {
            access,
            closed,
            writes: Lane::new(1, after_writes()),
            reads: Lane::new(2, || {}),
            scans: Lane::new(cores, after_writes()),
            cursors: Mutex::default(),
            next_cursor: AtomicU64::new(1),
            runtime,
            store,
        });
        let weak = Arc::downgrade(&session);
        session.runtime.spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(30)).await;
                match weak.upgrade() {
                    Some(session) => session.expire_cursors(),
                    None => return,
                }
            }
        });
        session
    }

    /// Starts operations; each is answered by its reply, once. Never blocks.
    pub fn submit(self: &Arc<Self>, work: Vec<(Arc<str>, Operation, Reply)>) {
        let (mut writes, mut reads, mut scans) = (Vec::new(), Vec::new(), Vec::new());
        for (name, operation, reply) in work {
            let lane = match &operation {
                Operation::Insert { .. }
                | Operation::Set { .. }
                | Operation::DeleteId { .. }
                | Operation::Drop => &mut writes,
                Operation::Update { filter, .. }
                | Operation::Replace { filter, .. }
                | Operation::Delete { filter, .. }
                    if names_id(filter.raw()) =>
                {
                    &mut writes
                }
                Operation::Find { filter, .. } | Operation::Count { filter, .. }
                    if names_id(filter.raw()) =>
                {
                    &mut reads
                }
                Operation::Find { .. }
                | Operation::Aggregate { .. }
                | Operation::Count { .. }
                | Operation::Update { .. }
                | Operation::Replace { .. }
                | Operation::Delete { .. } => &mut scans,
                // A batch of an unsorted cursor is found as it is asked for: a scan too.
                Operation::More { .. } => &mut scans,
                Operation::CloseCursor { .. }
                | Operation::Get { .. }
                | Operation::GetMany { .. }
                | Operation::Has { .. }
                | Operation::ListCollections => &mut reads,
            };
            let session = self.clone();
            let job: Job = Box::new(move || session.run(&name, operation, reply));
            lane.push(job);
        }
        for (lane, jobs) in [(&self.writes, writes), (&self.reads, reads), (&self.scans, scans)] {
            if !jobs.is_empty() {
                lane.push(&self.runtime, jobs);
            }
        }
    }

    /// Runs one operation on this thread and waits for its answer.
    pub fn call(&self, name: &str, operation: Operation) -> (Option<Arc<Collection>>, Result<Answer>) {
        match self.outcome(name, operation) {
            Outcome::Now(collection, answer) => (collection, answer),
            Outcome::Published(Committed { result, lsn }) => {
                self.store.storage().drive();
                let (sender, receiver) = std::sync::mpsc::sync_channel(1);
                self.store.when_published(lsn, move |published| {
                    // The receiver waits below.
                    let _ = sender.send(published);
                });
                let published = receiver
                    .recv()
                    .unwrap_or_else(|_| Err(Error::new(Kind::Internal, "a write was dropped unanswered")));
                self.store.cool();
                self.store.consider_compaction(&self.runtime);
                (None, published.and(result))
            }
        }
    }

    /// Reads a document without waiting.
    pub fn get_hot(&self, name: &str, id: RawValue<'_>) -> Hot {
        if self.is_closed() { Hot::Wait } else { self.store.get_hot(name, id) }
    }

    /// Whether a document is there; `None` when that cannot be said at once.
    pub fn has_hot(&self, name: &str, id: RawValue<'_>) -> Option<bool> {
        if self.is_closed() { None } else { Some(self.store.has(name, id)) }
    }

    /// Blocks until every operation that was submitted is answered or queued in storage, and lets go of the cursors.
    pub(super) fn drain(&self) {
        for lane in [&self.writes, &self.reads, &self.scans] {
            lane.wait_idle();
        }
        let open = std::mem::take(&mut *self.cursors.lock());
        drop(open);
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn run(&self, name: &str, operation: Operation, reply: Reply) {
        match self.outcome(name, operation) {
            Outcome::Now(collection, answer) => reply(collection, answer),
            Outcome::Published(Committed { result, lsn }) => {
                self.store.when_published(lsn, move |published| reply(None, published.and(result)));
            }
        }
    }

    fn outcome(&self, name: &str, operation: Operation) -> Outcome {
        if self.is_closed() {
            let message = format!("the database {} is closed; open it again", self.store.name());
            return Outcome::Now(None, Err(Error::new(Kind::Closed, message)));
        }
        if self.access == Access::ReadOnly && writes(&operation) {
            let message = format!("{} was opened with readOnly; open it without to write", self.store.name());
            return Outcome::Now(None, Err(Error::new(Kind::ReadOnly, message)));
        }
        catch_unwind(AssertUnwindSafe(|| self.execute(name, operation))).unwrap_or_else(|_| {
            let message = "an operation failed in a way that is a defect of this package; please report it";
            Outcome::Now(None, Err(Error::new(Kind::Internal, message)))
        })
    }

    fn execute(&self, name: &str, operation: Operation) -> Outcome {
        let store = &*self.store;
        match operation {
            Operation::Insert { documents, order } => {
                Outcome::Published(store.insert(name, &documents, order))
            }
            Operation::Set { entries } => Outcome::Published(store.set(name, &entries)),
            Operation::DeleteId { id, if_version } => {
                Outcome::Published(store.delete_id(name, &id, if_version))
            }
            Operation::Drop => Outcome::Published(store.drop_collection(name)),
            Operation::Update { filter, update, reach, upsert, new_id } => {
                let parsed = parse_filter(&filter).and_then(|filter| {
                    incoming::check(update.bytes(), &update.shapes)?;
                    Ok((filter, Update::parse(update.raw())?))
                });
                self.modify(name, parsed, reach, upsert, &new_id)
            }
            Operation::Replace { filter, document, upsert, new_id } => {
                let parsed = parse_filter(&filter).and_then(|filter| {
                    incoming::check(document.bytes(), &document.shapes)?;
                    Ok(filter)
                });
                match parsed {
                    Err(error) => Outcome::Now(None, Err(error)),
                    Ok(filter) => updated(store.modify(&Modification {
                        name,
                        filter: &filter,
                        reach: Reach::One,
                        change: Change::Replace(&document),
                        upsert: (upsert, Some(&new_id)),
                    })),
                }
            }
            Operation::Delete { filter, reach } => match parse_filter(&filter) {
                Err(error) => Outcome::Now(None, Err(error)),
                Ok(filter) => {
                    let Committed { result, lsn } = store.modify(&Modification {
                        name,
                        filter: &filter,
                        reach,
                        change: Change::Delete,
                        upsert: (Upsert::No, None),
                    });
                    let result = result.map(|outcome| Answer::Count(outcome.matched));
                    Outcome::Published(Committed { result, lsn })
                }
            },
            Operation::Aggregate { pipeline, batch } => self.aggregate(name, &pipeline, batch),
            read => {
                let (collection, answer) = self.read(name, read);
                Outcome::Now(collection, answer)
            }
        }
    }

    fn modify(
        &self,
        name: &str,
        parsed: Result<(Filter, Update)>,
        reach: Reach,
        upsert: Upsert,
        new_id: &Incoming,
    ) -> Outcome {
        match parsed {
            Err(error) => Outcome::Now(None, Err(error)),
            Ok((filter, update)) => updated(self.store.modify(&Modification {
                name,
                filter: &filter,
                reach,
                change: Change::Update(&update),
                upsert: (upsert, Some(new_id)),
            })),
        }
    }

    fn aggregate(&self, name: &str, pipeline: &Incoming, batch: u32) -> Outcome {
        let mut aggregation = match Aggregation::open(&self.store, name, pipeline) {
            Ok(aggregation) => aggregation,
            Err(error) => return Outcome::Now(None, Err(error)),
        };
        if !is_write(pipeline) {
            let (collection, answer) = self.first_batch(Source::Aggregate(aggregation), batch);
            return Outcome::Now(collection, answer);
        }
        let result = aggregation.next_batch(batch).map(|documents| Answer::Batch { cursor: 0, documents });
        Outcome::Published(Committed { result, lsn: aggregation.written() })
    }

    fn read(&self, name: &str, operation: Operation) -> (Option<Arc<Collection>>, Result<Answer>) {
        let store = &*self.store;
        let collection = store.views().collection(name);
        let answer = match operation {
            Operation::Get { id, meta } => self.get(collection.as_deref(), &id, meta),
            Operation::GetMany { ids } => ids
                .iter()
                .map(|id| {
                    let key = incoming_key(id)?;
                    let Some(collection) = &collection else { return Ok(None) };
                    Ok(store.get(collection, &key)?.map(|(block, span)| Document::of_block(&block, span)))
                })
                .collect::<Result<Vec<_>>>()
                .map(Answer::Documents),
            Operation::Has { id } => incoming_key(&id).map(|key| {
                let found = |collection: &Arc<Collection>| {
                    collection.find(&key, || store.views().published()).is_some()
                };
                Answer::Bool(collection.as_ref().is_some_and(found))
            }),
            Operation::Count { filter, skip, limit } => parse_filter(&filter).and_then(|filter| {
                if filter.is_all() && skip == 0 && limit == 0 {
                    return Ok(Answer::Count(collection.as_ref().map_or(0, |collection| collection.count())));
                }
                store.count(name, &filter, skip, limit).map(Answer::Count)
            }),
            Operation::Find { filter, options } => {
                return match Cursor::open(store, name, &filter, &options) {
                    Err(error) => (None, Err(error)),
                    Ok(cursor) => self.first_batch(Source::Find(Box::new(cursor)), options.batch),
                };
            }
            Operation::More { cursor, batch } => return self.more(cursor, batch),
            Operation::CloseCursor { cursor } => {
                let closed = self.cursors.lock().open.remove(&cursor);
                drop(closed);
                Ok(Answer::Done)
            }
            Operation::ListCollections => Ok(Answer::Collections(self.list())),
            _ => Err(Error::new(Kind::Internal, "a write was taken for a read")),
        };
        (collection, answer)
    }

    fn get(&self, collection: Option<&Collection>, id: &Incoming, meta: bool) -> Result<Answer> {
        let key = incoming_key(id)?;
        let Some(collection) = collection else { return Ok(Answer::Document(None)) };
        if meta {
            return Ok(self.store.get_versioned(collection, &key)?.unwrap_or(Answer::Document(None)));
        }
        let found = self.store.get(collection, &key)?;
        Ok(Answer::Document(found.map(|(block, span)| Document::of_block(&block, span))))
    }

    fn list(&self) -> Vec<CollectionInfo> {
        let catalogue = self.store.views().catalogue();
        catalogue
            .iter()
            .map(|(name, collection)| CollectionInfo {
                name: name.to_string(),
                number: collection.number(),
                count: collection.count(),
            })
            .collect()
    }

    fn first_batch(&self, mut cursor: Source, size: u32) -> (Option<Arc<Collection>>, Result<Answer>) {
        let collection = cursor.collection().cloned();
        let documents = match cursor.next_batch(&self.store, size) {
            Ok(documents) => documents,
            Err(error) => return (collection, Err(error)),
        };
        if cursor.is_done() {
            return (collection, Ok(Answer::Batch { cursor: 0, documents }));
        }
        let number = self.next_cursor.fetch_add(1, Ordering::Relaxed);
        let used = AtomicU64::new(self.store.now() as u64);
        let open = Arc::new(OpenCursor { cursor: Mutex::new(cursor), used });
        self.cursors.lock().open.insert(number, open);
        (collection, Ok(Answer::Batch { cursor: number, documents }))
    }

    fn more(&self, number: u64, size: u32) -> (Option<Arc<Collection>>, Result<Answer>) {
        let open = {
            let cursors = self.cursors.lock();
            match cursors.open.get(&number) {
                Some(open) => open.clone(),
                None if cursors.expired.contains(&number) => {
                    let message =
                        "the cursor was closed after 10 minutes without a read; run the query again";
                    return (None, Err(Error::new(Kind::Timeout, message)));
                }
                None => return (None, Err(Error::new(Kind::Closed, "the cursor is closed"))),
            }
        };
        open.used.store(self.store.now() as u64, Ordering::Relaxed);
        let mut cursor = open.cursor.lock();
        let collection = cursor.collection().cloned();
        match cursor.next_batch(&self.store, size) {
            Err(error) => (collection, Err(error)),
            Ok(documents) => {
                let done = cursor.is_done();
                drop(cursor);
                if done {
                    let finished = self.cursors.lock().open.remove(&number);
                    drop(finished);
                }
                (collection, Ok(Answer::Batch { cursor: if done { 0 } else { number }, documents }))
            }
        }
    }

    fn expire_cursors(&self) {
        let now = self.store.now();
        let mut cursors = self.cursors.lock();
        let idle: Vec<u64> = cursors
            .open
            .iter()
            .filter(|(_, open)| now - open.used.load(Ordering::Relaxed) as i64 > CURSOR_IDLE)
            .map(|(number, _)| *number)
            .collect();
        let dropped: Vec<_> = idle.iter().filter_map(|number| cursors.open.remove(number)).collect();
        cursors.expired.extend(idle);
        let surplus = cursors.expired.len().saturating_sub(REMEMBERED);
        cursors.expired.drain(..surplus);
        drop(cursors);
        drop(dropped);
    }
}

fn updated(committed: Committed<super::operation::UpdateOutcome>) -> Outcome {
    Outcome::Published(Committed { result: committed.result.map(Answer::Updated), lsn: committed.lsn })
}

fn writes(operation: &Operation) -> bool {
    if let Operation::Aggregate { pipeline, .. } = operation {
        return is_write(pipeline);
    }
    matches!(
        operation,
        Operation::Insert { .. }
            | Operation::Set { .. }
            | Operation::DeleteId { .. }
            | Operation::Drop
            | Operation::Update { .. }
            | Operation::Replace { .. }
            | Operation::Delete { .. }
    )
}

/// Whether a filter pins `_id` by a plain value; the bytes are not validated yet, only looked at.
fn names_id(filter: RawValue<'_>) -> bool {
    filter.get("_id").is_some_and(|id| match id.kind() {
        RawKind::Object(object) => {
            !object.iter().next().is_some_and(|(key, _)| key.starts_with('$') && key != "$eq")
        }
        _ => true,
    })
}
