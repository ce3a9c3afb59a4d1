//! The open cursors of a session: they return batches until they are read to the end, closed or expired.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use crate::engine::aggregate::aggregation::Aggregation;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::locks::{LongMutex, Mutex};
use crate::engine::operation::response::{Answer, Answered, Document};
use crate::engine::read::find::Cursor;
use crate::engine::state::collection::Collection;
use crate::engine::state::idle_readers::{IdleReader, Ticket};
use crate::engine::state::views::Views;
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result, codes};

/// The idle time (ms) after which a cursor is closed.
const CURSOR_IDLE: i64 = 10 * 60 * 1_000;
/// Expired cursors that are remembered, so that the error can say why the cursor is gone.
const REMEMBERED: usize = 1_024;

/// Why a cursor has no more batches that views held too much for.
const ENDED: &str = "the cursor was ended: it kept an older state of the database in memory, and changes since then took more than \
    memoryLimit leaves for that. Run the query again, read its cursor faster or with larger batches, or raise memoryLimit";

/// What a cursor reads from.
pub(crate) enum Open {
    Find(Box<Cursor>),
    Aggregate(Aggregation),
}

impl Open {
    fn collection(&self) -> Option<&Arc<Collection>> {
        match self {
            Open::Find(cursor) => cursor.collection(),
            Open::Aggregate(_) => None,
        }
    }

    fn view(&self) -> Ticket {
        match self {
            Open::Find(cursor) => cursor.view(),
            Open::Aggregate(aggregation) => aggregation.view(),
        }
    }

    fn is_done(&self) -> bool {
        match self {
            Open::Find(cursor) => cursor.is_done(),
            Open::Aggregate(aggregation) => aggregation.is_done(),
        }
    }

    fn next_batch(&mut self, store: &Store, size: u32, interrupt: &Interrupt) -> Result<Vec<Document>> {
        match self {
            Open::Find(cursor) => cursor.next_batch(store, size, interrupt),
            Open::Aggregate(aggregation) => aggregation.next_batch(size, interrupt),
        }
    }
}

/// What a cursor reads from, until it is ended before its time.
struct Reading(Option<Open>);

struct OpenCursor {
    cursor: LongMutex<Reading>,
    used: AtomicU64,
    view: Ticket,
    views: Arc<Views>,
}

impl IdleReader for OpenCursor {
    fn end(&self) -> bool {
        // It is locked while a batch is read.
        let Some(mut reading) = self.cursor.try_lock() else { return false };
        let ended = reading.0.take();
        drop(reading);
        // Another view of the same state is not this reader's from now on.
        self.views.readers().remove(self.view);
        drop(ended);
        true
    }
}

impl Drop for OpenCursor {
    fn drop(&mut self) {
        self.views.readers().remove(self.view);
    }
}

#[derive(Default)]
struct Numbered {
    open: HashMap<u64, Arc<OpenCursor>>,
    expired: Vec<u64>,
}

/// The open cursors of a session by number, from 1 on.
#[derive(Default)]
pub(crate) struct OpenCursors {
    cursors: Mutex<Numbered>,
    newest: AtomicU64,
}

impl OpenCursors {
    /// Returns the first batch; a cursor with more gets a number and stays open.
    pub(crate) fn first_batch(
        &self,
        store: &Store,
        mut cursor: Open,
        size: u32,
        interrupt: &Interrupt,
    ) -> Answered {
        let collection = cursor.collection().cloned();
        let documents = match cursor.next_batch(store, size, interrupt) {
            Ok(documents) => documents,
            Err(error) => return Answered { collection, answer: Err(error) },
        };
        if cursor.is_done() {
            return Answered { collection, answer: Ok(Answer::Batch { cursor: 0, documents }) };
        }
        let number = self.newest.fetch_add(1, Ordering::Relaxed) + 1;
        let (used, view) = (AtomicU64::new(store.now() as u64), cursor.view());
        let views = store.views().clone();
        let reading = LongMutex::new(Reading(Some(cursor)));
        let open = Arc::new(OpenCursor { cursor: reading, used, view, views });
        let reader: Weak<OpenCursor> = Arc::downgrade(&open);
        self.cursors.lock().open.insert(number, open);
        store.views().readers().add(view, reader);
        Answered { collection, answer: Ok(Answer::Batch { cursor: number, documents }) }
    }

    /// Returns the next batch of an open cursor.
    pub(crate) fn more(&self, store: &Store, number: u64, size: u32, interrupt: &Interrupt) -> Answered {
        let open = {
            let cursors = self.cursors.lock();
            match cursors.open.get(&number) {
                Some(open) => open.clone(),
                None if cursors.expired.contains(&number) => {
                    let message =
                        "the cursor was closed after 10 minutes without a read; run the query again";
                    let error = Error::new(Kind::Timeout, message).with_code(codes::CURSOR_NOT_FOUND);
                    return Answered::failed(error);
                }
                None => return Answered::failed(Error::new(Kind::Closed, "the cursor is closed")),
            }
        };
        open.used.store(store.now() as u64, Ordering::Relaxed);
        let mut reading = open.cursor.lock();
        let Some(cursor) = &mut reading.0 else {
            drop(reading);
            self.close(number);
            return Answered::failed(Error::new(Kind::Limit, ENDED).with_code(codes::CURSOR_NOT_FOUND));
        };
        let collection = cursor.collection().cloned();
        match cursor.next_batch(store, size, interrupt) {
            Err(error) => {
                // The rest of the batch is lost, so the cursor ends.
                drop(reading);
                let failed = self.cursors.lock().open.remove(&number);
                drop(failed);
                Answered { collection, answer: Err(error) }
            }
            Ok(documents) => {
                let done = cursor.is_done();
                drop(reading);
                if done {
                    let finished = self.cursors.lock().open.remove(&number);
                    drop(finished);
                }
                let cursor = if done { 0 } else { number };
                Answered { collection, answer: Ok(Answer::Batch { cursor, documents }) }
            }
        }
    }

    /// Closes one.
    pub(crate) fn close(&self, number: u64) {
        let closed = self.cursors.lock().open.remove(&number);
        drop(closed);
    }

    /// Closes all.
    pub(crate) fn close_all(&self) {
        let open = std::mem::take(&mut *self.cursors.lock());
        drop(open);
    }

    /// Closes those that were idle for too long.
    pub(crate) fn expire(&self, store: &Store) {
        let now = store.now();
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
