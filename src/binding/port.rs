//! One instance of the facade in an environment: its handles, shapes and results. It lives on the JavaScript thread; only
//! the outbox is shared with other threads.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::bindgen_prelude::JsValue;
use napi::{Env, sys};

use super::answer::{self, Known, Section};
use super::buffers::Buffers;
use super::failure::refused;
use super::outbox::Outbox;
use super::request;
use super::wake::Hold;
use crate::document::outgoing::{BLOCK, HEAD};
use crate::document::raw::value_len;
use crate::document::{RawValue, Shapes};
use crate::engine::{Answered, Database, Hot, Limits, Session, Size, Task};
use crate::error::{Error, Kind, Result};
use crate::work::watching;

/// Verbs of `attempt`; any other value reads many documents, each of the newest state.
const GET: u32 = 1;
const HAS: u32 = 2;
/// Reads all documents of one state.
const ALL: u32 = 4;
/// Bytes before the `_id`s of an `attempt` request.
const ATTEMPT_HEAD: u32 = 24;
/// About this many bytes of documents are read by one `attempt`.
const MANY_BYTES: usize = 1 << 20;

/// A request of at most this many bytes and operations may run on the JavaScript thread.
const SMALL_BYTES: u32 = 64 << 10;
const SMALL_OPERATIONS: usize = 128;

/// The return value of an `attempt` that would block.
const WAIT: i32 = -1;

/// A collection by name in a database.
struct Handle {
    database: u32,
    session: Arc<Session>,
    name: Arc<str>,
}

/// A port.
pub struct Port {
    outbox: Arc<Outbox>,
    shapes: Arc<Shapes>,
    buffers: Option<Buffers>,
    /// By handle; `None` after the database was closed.
    handles: Vec<Option<Handle>>,
    /// Handles that JavaScript released.
    released: Vec<u32>,
    sessions: HashMap<u32, Arc<Session>>,
    /// Results fetched from the outbox and not yet taken.
    ready: VecDeque<Vec<u8>>,
    /// The result of `call`, which is taken first and alone.
    called: Option<Vec<u8>>,
    /// Operations submitted whose results are not taken yet.
    pending: usize,
    /// Keeps the process alive while operations are pending.
    hold: Hold,
    /// Set when the environment has ended during a call.
    ended: Arc<AtomicBool>,
    /// The limits of pending operations that have any, by ticket.
    limits: HashMap<u32, Limits>,
    section: Section,
}

impl Port {
    /// A port that delivers results through this outbox.
    pub fn new(outbox: Arc<Outbox>, hold: Hold) -> Port {
        Port {
            outbox,
            shapes: Arc::new(Shapes::new()),
            buffers: None,
            handles: Vec::new(),
            released: Vec::new(),
            sessions: HashMap::new(),
            ready: VecDeque::new(),
            called: None,
            pending: 0,
            hold,
            ended: Arc::default(),
            limits: HashMap::new(),
            section: Section::default(),
        }
    }

    /// Replaces both buffers.
    pub fn set_buffers(&mut self, buffers: Buffers) {
        self.buffers = Some(buffers);
    }

    /// Whether the port knows this database.
    pub fn knows(&self, database: u32) -> bool {
        self.sessions.contains_key(&database)
    }

    /// Registers a database, and removes those that are closed.
    pub fn meet(&mut self, database: u32, engine: &Arc<Database>, is_open: impl Fn(u32) -> bool) {
        let closed: Vec<_> = self.sessions.keys().copied().filter(|known| !is_open(*known)).collect();
        let closed: Vec<_> = closed.iter().filter_map(|known| self.sessions.remove(known)).collect();
        for handle in &mut self.handles {
            if handle.as_ref().is_some_and(|handle| !is_open(handle.database)) {
                *handle = None;
            }
        }
        free(closed);
        self.sessions.insert(database, engine.session());
    }

    /// A handle for a collection of a database that the port knows.
    pub fn collection(&mut self, database: u32, name: &str) -> Result<u32> {
        let session = self.sessions.get(&database).ok_or_else(closed)?;
        let made = Some(Handle { database, session: Arc::clone(session), name: name.into() });
        if let Some(handle) = self.released.pop()
            && let Some(place) = self.handles.get_mut(handle as usize)
        {
            *place = made;
            return Ok(handle);
        }
        let handle = u32::try_from(self.handles.len())
            .map_err(|_| Error::new(Kind::Limit, "there are 2^32 collection handles; reuse them"))?;
        self.handles.push(made);
        Ok(handle)
    }

    /// Releases a handle that JavaScript no longer uses; the next collection may get it.
    pub fn release(&mut self, handle: u32) {
        if let Some(place) = self.handles.get_mut(handle as usize) {
            *place = None;
            self.released.push(handle);
        }
    }

    /// Starts the operations of a request, and runs small ones on this thread. Returns what `take` returns if all finished
    /// results fit the result buffer; otherwise -1, and the caller must call `take`.
    pub fn submit(&mut self, env: &Env, length: u32) -> Result<i32> {
        let requests = request::parse(self.buffers()?.request(length)?, &self.shapes)?;
        let small = length <= SMALL_BYTES && requests.len() <= SMALL_OPERATIONS;
        let size = if small { Size::Small } else { Size::Any };
        let mut batches: Vec<(&Arc<Session>, Vec<Task>)> = Vec::with_capacity(1);
        let room = requests.len();
        for request in requests {
            let pending = self.outbox.pending(request.ticket, request.known);
            self.pending += 1;
            let handle = self.handles.get(request.collection as usize).and_then(Option::as_ref);
            let (handle, operation) = match (handle, request.operation) {
                (Some(handle), Ok(operation)) => (handle, operation),
                (None, _) => {
                    pending.settle(None, Err(closed()));
                    continue;
                }
                (_, Err(error)) => {
                    pending.settle(None, Err(error));
                    continue;
                }
            };
            let limits = Limits {
                max_time: request.max_time,
                cancel: request.cancellable.then(Arc::default),
                begun: request.max_time.map(|_| Arc::default()),
                progress: request.cancellable.then(Arc::default),
                no_disk: request.no_disk,
                unchecked: request.unchecked,
            };
            if limits.cancel.is_some() || limits.begun.is_some() {
                self.limits.insert(request.ticket, limits.clone());
            }
            let work = Task {
                name: Arc::clone(&handle.name),
                operation,
                transaction: request.transaction,
                limits,
                reply: pending.into_reply(),
            };
            match batches.iter_mut().find(|(session, _)| Arc::ptr_eq(session, &handle.session)) {
                Some((_, batch)) => batch.push(work),
                None => {
                    let mut batch = Vec::with_capacity(room);
                    batch.push(work);
                    batches.push((&handle.session, batch));
                }
            }
        }
        self.outbox.hushed(&mut self.ready, || {
            for (session, batch) in batches {
                session.submit(batch, size);
            }
        });
        let finished: usize = self.ready.iter().map(Vec::len).sum();
        if finished > self.buffers.as_ref().map_or(0, Buffers::room) {
            self.hold.set(env, true).map_err(refused)?;
            return Ok(-1);
        }
        self.take(env)
    }

    /// Interrupts an operation; its result is still to be taken.
    pub fn cancel(&mut self, ticket: u32) {
        if let Some(cancel) = self.limits.get(&ticket).and_then(|limits| limits.cancel.as_ref()) {
            cancel.store(true, Ordering::Relaxed);
        }
    }

    /// Whether an operation with a time limit has begun or is done.
    pub fn has_begun(&self, ticket: u32) -> bool {
        let begun = self.limits.get(&ticket).and_then(|limits| limits.begun.as_ref());
        begun.is_some_and(|begun| begun.load(Ordering::Acquire))
    }

    /// How far an interruptible operation is.
    pub fn progress(&self, ticket: u32) -> Option<(u64, u64)> {
        self.limits.get(&ticket)?.progress.as_ref().map(|progress| progress.now())
    }

    /// Runs the only operation of a request on this thread; its result is the next one taken. Ends soon once the environment
    /// does.
    pub fn call(&mut self, length: u32, is_ending: impl Fn() -> bool + 'static) -> Result<()> {
        let mut requests = request::parse(self.buffers()?.request(length)?, &self.shapes)?;
        let (Some(request), None) = (requests.pop(), requests.pop()) else {
            return Err(Error::new(Kind::Internal, "a synchronous call must hold one operation"));
        };
        let handle = self.handles.get(request.collection as usize).and_then(Option::as_ref);
        let Answered { collection, answer } = match (handle, request.operation) {
            (Some(handle), Ok(operation)) => {
                let ended = self.ended.clone();
                let cancel = Some(ended.clone());
                let (max_time, no_disk) = (request.max_time, request.no_disk);
                let unchecked = request.unchecked;
                let limits = Limits { max_time, cancel, no_disk, unchecked, ..Limits::default() };
                let watch = move || ended.store(is_ending(), Ordering::Relaxed);
                let (session, name, transaction) = (&handle.session, &handle.name, request.transaction);
                watching(watch, || session.call_and_wait(name, operation, transaction, limits))
            }
            (None, _) => Answered::failed(closed()),
            (_, Err(error)) => Answered::failed(error),
        };
        self.called = Some(answer::encode(request.ticket, request.known, collection.as_deref(), answer));
        Ok(())
    }

    /// Reads documents in memory by `_id`, without blocking. The request buffer names them; the documents go to the result
    /// buffer. `boundary.md` has the formats and the return values.
    #[inline]
    pub fn attempt(&mut self, env: &Env) -> Result<sys::napi_value> {
        let number = |number: i32| Ok(env.create_int32(number).map_err(refused)?.raw());
        let Port { buffers: Some(buffers), handles, shapes, section, .. } = self else {
            return Err(no_buffers());
        };
        let Some(Attempt { collection, known, verb, count, ids }) = Attempt::read(buffers)? else {
            return Err(Error::new(Kind::Internal, "the head of a read is malformed; please report it"));
        };
        let Some(Some(handle)) = handles.get(collection as usize) else {
            return Err(closed());
        };
        // An error here occurs again for the submitted operation, which reports it.
        let written = match verb {
            HAS => {
                let has = handle.session.has_hot(&handle.name, RawValue::new(ids, shapes));
                return number(has.map_or(WAIT, i32::from));
            }
            GET => match handle.session.get_hot(&handle.name, RawValue::new(ids, shapes)) {
                Hot::Found(collection, document) | Hot::Loaded(collection, document) => {
                    match section.document(&document, &collection, known) {
                        Ok((section, true)) if section.len() <= BLOCK && buffers.write(0, section) => {
                            let tokens = section.get(HEAD..).unwrap_or_default();
                            return Ok(env.create_string_latin1(tokens).map_err(refused)?.raw());
                        }
                        written => written.map(|(section, _)| section),
                    }
                }
                Hot::Missing => return number(0),
                Hot::Wait => return number(WAIT),
            },
            _ => {
                let ids = Ids { rest: ids, left: count as usize, shapes };
                let (session, name) = (&handle.session, &handle.name);
                let found = match verb {
                    ALL => session.get_all_hot(name, (ids, count as usize), MANY_BYTES),
                    _ => session.get_many_hot(name, ids, MANY_BYTES),
                };
                match found {
                    Some((collection, documents)) => {
                        section.documents(documents, collection.as_deref(), known)
                    }
                    None => return number(WAIT),
                }
            }
        };
        let Ok(section) = written else { return number(WAIT) };
        let length = signed(section.len());
        number(if buffers.write(0, section) { length } else { -length })
    }

    /// Moves as many whole results as fit to the result buffer. Returns the bytes written, 0 when no result is ready, and
    /// minus the bytes needed when the first result does not fit.
    pub fn take(&mut self, env: &Env) -> Result<i32> {
        let buffers = self.buffers.as_mut().ok_or_else(no_buffers)?;
        if let Some(result) = self.called.take() {
            let length = signed(result.len());
            if buffers.write(0, &result) {
                return Ok(length);
            }
            self.called = Some(result);
            return Ok(-length);
        }
        if self.ready.is_empty() {
            self.outbox.drain(&mut self.ready);
        }
        let mut written = 0;
        while let Some(result) = self.ready.front() {
            if !buffers.write(written, result) {
                break;
            }
            written += result.len();
            if !self.limits.is_empty()
                && let Some(ticket) = result.first_chunk()
            {
                self.limits.remove(&u32::from_le_bytes(*ticket));
            }
            self.ready.pop_front();
            self.pending = self.pending.saturating_sub(1);
        }
        self.hold.set(env, self.pending > 0).map_err(refused)?;
        match self.ready.front() {
            Some(result) if written == 0 => Ok(-signed(result.len())),
            _ => Ok(signed(written)),
        }
    }

    fn buffers(&self) -> Result<&Buffers> {
        self.buffers.as_ref().ok_or_else(no_buffers)
    }
}

/// The request of an `attempt`.
struct Attempt<'a> {
    collection: u32,
    known: Known,
    verb: u32,
    count: u32,
    ids: &'a [u8],
}

impl Attempt<'_> {
    #[inline]
    fn read(buffers: &Buffers) -> Result<Option<Attempt<'_>>> {
        let words = buffers.request(ATTEMPT_HEAD)?.as_chunks::<4>().0;
        let &[collection, number, known, verb, count, end] = words else { return Ok(None) };
        let ids = buffers.request(u32::from_le_bytes(end))?.get(ATTEMPT_HEAD as usize..);
        Ok(ids.map(|ids| Attempt {
            collection: u32::from_le_bytes(collection),
            known: Known { number: u32::from_le_bytes(number), count: u32::from_le_bytes(known) },
            verb: u32::from_le_bytes(verb),
            count: u32::from_le_bytes(count),
            ids,
        }))
    }
}

/// Encoded `_id`s, one after the other.
#[derive(Clone)]
struct Ids<'a> {
    rest: &'a [u8],
    left: usize,
    shapes: &'a Shapes,
}

impl<'a> Iterator for Ids<'a> {
    type Item = RawValue<'a>;

    fn next(&mut self) -> Option<RawValue<'a>> {
        let (id, rest) = self.rest.split_at_checked(value_len(self.rest, self.shapes))?;
        if id.is_empty() || self.left == 0 {
            return None;
        }
        (self.rest, self.left) = (rest, self.left - 1);
        Some(RawValue::new(id, self.shapes))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // An `_id` takes at least one byte.
        let most = self.left.min(self.rest.len());
        (most, Some(most))
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.outbox.wake.silence();
        self.handles.clear();
        free(self.sessions.drain().map(|(_, session)| session).collect());
    }
}

/// Drops sessions on another thread: the last one of a closed database frees its whole state, which would block the event
/// loop for seconds if that is large.
fn free(sessions: Vec<Arc<Session>>) {
    if let Some(runtime) = sessions.first().map(|session| session.runtime.clone()) {
        runtime.spawn_blocking(move || drop(sessions));
    }
}

/// Each result is bounded when it is made; several of them are in a buffer whose size JavaScript has chosen.
fn signed(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

fn no_buffers() -> Error {
    Error::new(Kind::Internal, "the port has no buffers yet; call setBuffers first")
}

/// The error for a handle whose database was closed.
pub fn closed() -> Error {
    Error::new(Kind::Closed, "the database is closed; open it again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::OpenOptions;

    #[test]
    fn the_state_of_a_closed_database_is_not_freed_on_the_thread_of_the_port() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let database = Database::open(":memory:", OpenOptions::default(), runtime.handle().clone()).unwrap();
        let session = database.session();
        database.close().unwrap();
        drop(database);
        let (go_on, wait) = std::sync::mpsc::channel::<()>();
        let occupied = runtime.spawn_blocking(move || wait.recv().unwrap());
        let freed = Arc::downgrade(&session);
        free(vec![session]);
        assert_eq!(freed.strong_count(), 1, "it waits for the other thread");
        go_on.send(()).unwrap();
        runtime.block_on(occupied).unwrap();
        while freed.strong_count() > 0 {
            std::thread::yield_now();
        }
    }
}
