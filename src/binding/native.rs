//! The entry points. `docs/boundary.md` is their contract.
//!
//! The methods that return promises are not `async fn(&self)`: such a future borrows from the JavaScript object, and a
//! worker that ends frees that object even before the future has run. Instead each method takes what it needs on the
//! JavaScript thread and gives tokio a future that owns it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::bindgen_prelude::{
    AsyncBlock, AsyncBlockBuilder, ClassInstance, Either, Function, ToNapiValue, Uint8Array,
    within_runtime_if_available,
};
use napi::{Env, sys};
use napi_derive::napi;
use parking_lot::Mutex;

use super::buffers::Buffers;
use super::environment::{self, Databases, with_port};
use super::failure::{blocking, exception, guarded, refused};
use super::log;
use super::options;
use super::port::closed;
use super::wake::WakeFunction;
use crate::engine::{Database, Interrupt, Limits, MEMORY, Progress, Wanted, recover_to};
use crate::error::{Error, Kind, Result};
use crate::options::OpenOptions;
use crate::storage::{Lsn, Moment};

/// The package and version of this addon. The facade compares it with its own before it calls anything else, and the packing script finds it
/// in the file.
#[napi]
pub fn version() -> &'static str {
    log::begin();
    concat!("moltendb-node/", env!("CARGO_PKG_VERSION"))
}

/// How far one operation is.
#[derive(Default)]
#[napi]
pub struct NativeProgress {
    progress: Arc<Progress>,
    stop: Arc<AtomicBool>,
}

#[napi]
impl NativeProgress {
    /// Nothing done, and nothing expected.
    #[napi(constructor)]
    pub fn new() -> NativeProgress {
        NativeProgress::default()
    }

    /// Ends an operation that can be ended by this.
    #[napi]
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Steps that are done, and all steps.
    #[napi]
    pub fn now(&self) -> Vec<f64> {
        let (done, total) = self.progress.now();
        vec![done as f64, total as f64]
    }
}

impl NativeProgress {
    /// The limits of an operation that is ended by this and says here how far it is.
    pub(super) fn limits(&self) -> Limits {
        Limits { cancel: Some(self.stop.clone()), progress: Some(self.progress.clone()), ..Limits::default() }
    }
}

/// Where the operation says how far it is; a fresh value that nobody reads without an argument.
pub(super) fn shared(given: Option<ClassInstance<'_, NativeProgress>>) -> Arc<Progress> {
    given.map(|given| given.progress.clone()).unwrap_or_default()
}

/// An open database. The environment keeps it until it is closed: this object is freed after JavaScript has collected it and
/// the event loop has turned, which may be much later.
#[napi]
pub struct NativeDatabase {
    handle: u32,
    home: Arc<Databases>,
    /// The interrupts of running compactions and backups, by ticket.
    stops: Arc<Mutex<HashMap<u32, Arc<AtomicBool>>>>,
}

/// Work that can be interrupted, as long as this value lives.
struct Stoppable {
    ticket: u32,
    flag: Arc<AtomicBool>,
    progress: Arc<Progress>,
    stops: Arc<Mutex<HashMap<u32, Arc<AtomicBool>>>>,
}

impl Stoppable {
    fn interrupt(&self) -> Interrupt {
        let (cancel, progress) = (Some(self.flag.clone()), Some(self.progress.clone()));
        let limits = Limits { cancel, progress, ..Limits::default() };
        Interrupt::start(&limits, 0)
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        self.stops.lock().remove(&self.ticket);
    }
}

#[napi]
impl NativeDatabase {
    /// Resolves with the database when it is recovered and ready. A database in memory is returned at once, without a
    /// promise.
    #[napi]
    pub fn open(
        env: &Env,
        path: String,
        options_json: String,
        progress: Option<ClassInstance<'_, NativeProgress>>,
        key: Option<Uint8Array>,
    ) -> napi::Result<Either<NativeDatabase, AsyncBlock<NativeDatabase>>> {
        let home = guarded(env, || environment::databases(env))?;
        let in_memory = path == MEMORY;
        // Resolved now: the working directory may change before the work begins.
        let at = Database::locate(&path);
        let progress = shared(progress);
        // Copied now: the caller overwrites its own bytes.
        let encryption = guarded(env, || options::key(key.as_deref()))?;
        let work = move || {
            let options = OpenOptions { encryption, ..options::parse(&path, &options_json)? };
            let handle = home.open(&path, at, options, &progress)?;
            Ok(NativeDatabase { handle, home, stops: Arc::default() })
        };
        if in_memory {
            return within_runtime_if_available(|| guarded(env, work)).map(Either::A);
        }
        promise(env, work).map(Either::B)
    }

    /// The handle that identifies the database in synchronous calls; never reused in a process.
    #[napi(getter)]
    pub fn handle(&self) -> u32 {
        self.handle
    }

    /// Path, storage and recovery report, as JSON.
    #[napi]
    pub fn describe(&self, env: &Env) -> napi::Result<String> {
        guarded(env, || json(&self.database()?.describe()))
    }

    /// Resolves when every write that resolved before is durable.
    #[napi]
    pub fn flush(&self, env: &Env) -> napi::Result<AsyncBlock<()>> {
        let database = guarded(env, || self.database())?;
        promise(env, move || database.flush())
    }

    /// Resolves when a snapshot of the current state has begun a new generation of files, with the result as JSON.
    #[napi]
    pub fn compact(
        &self,
        env: &Env,
        ticket: u32,
        progress: Option<ClassInstance<'_, NativeProgress>>,
    ) -> napi::Result<AsyncBlock<String>> {
        let (database, stoppable) =
            (guarded(env, || self.database())?, self.stoppable(ticket, shared(progress)));
        promise(env, move || json(&database.compact_within(&stoppable.interrupt())?))
    }

    /// Resolves when a copy of the current state is complete in its own directory, with the result as JSON.
    #[napi]
    pub fn backup(
        &self,
        env: &Env,
        destination: String,
        ticket: u32,
        progress: Option<ClassInstance<'_, NativeProgress>>,
        key: Option<Uint8Array>,
    ) -> napi::Result<AsyncBlock<String>> {
        let (database, key) = guarded(env, || Ok((self.database()?, options::key(key.as_deref())?)))?;
        let stoppable = self.stoppable(ticket, shared(progress));
        let destination = located(destination);
        promise(env, move || {
            json(&database.backup_with(&destination, key.as_ref(), &stoppable.interrupt())?)
        })
    }

    /// Resolves when another key opens the database in this directory; with what was written again as JSON, if all files are to be.
    #[napi]
    pub fn rekey(
        env: &Env,
        path: String,
        old: Uint8Array,
        new: Uint8Array,
        reencrypt: bool,
    ) -> napi::Result<AsyncBlock<String>> {
        let keys = guarded(env, || Ok((options::key(Some(&old))?, options::key(Some(&new))?)))?;
        let path = located(path);
        promise(env, move || match keys {
            (Some(old), Some(new)) if reencrypt => json(&Database::reencrypt(&path, &old, &new)?),
            (Some(old), Some(new)) => Database::rekey(&path, &old, &new).map(|()| "null".to_owned()),
            _ => Err(Error::new(Kind::Argument, "rekey needs the old key and the new one")),
        })
    }

    /// Interrupts the compaction or backup of this ticket; its promise still settles.
    #[napi]
    pub fn stop(&self, ticket: u32) {
        if let Some(flag) = self.stops.lock().get(&ticket) {
            flag.store(true, Ordering::Relaxed);
        }
    }

    /// Announces that the database is about to be closed: operations that still run shortly after end with `CLOSED`.
    #[napi]
    pub fn interrupt(&self) {
        if let Some(database) = self.home.get(self.handle) {
            database.interrupt_soon();
        }
    }

    /// Resolves when the database is closed. Returns no promise if closing did not block.
    #[napi]
    pub fn close(&self, env: &Env) -> napi::Result<Either<(), AsyncBlock<()>>> {
        let (home, handle) = (Arc::clone(&self.home), self.handle);
        let Some(database) = home.get(handle) else { return Ok(Either::A(())) };
        match guarded(env, || home.close_at_once(handle, &database).transpose())? {
            Some(()) => Ok(Either::A(())),
            None => promise(env, move || home.close(handle, &database)).map(Either::B),
        }
    }

    /// Resolves with an earlier state, as a database of its own: after a commit, or at a time (ms since 1970).
    #[napi]
    pub fn as_of(
        &self,
        env: &Env,
        lsn: Option<f64>,
        time: Option<f64>,
    ) -> napi::Result<AsyncBlock<NativeDatabase>> {
        let (database, moment) = guarded(env, || Ok((self.database()?, moment(lsn, time)?)))?;
        let home = Arc::clone(&self.home);
        promise(env, move || {
            let handle = home.keep(database.as_of(moment)?)?;
            Ok(NativeDatabase { handle, home, stops: Arc::default() })
        })
    }

    /// Resolves with a copy in memory of what it has now.
    #[napi]
    pub fn fork(&self, env: &Env) -> napi::Result<AsyncBlock<NativeDatabase>> {
        let database = guarded(env, || self.database())?;
        let home = Arc::clone(&self.home);
        promise(env, move || {
            let handle = home.keep(database.fork()?)?;
            Ok(NativeDatabase { handle, home, stops: Arc::default() })
        })
    }

    /// Sets the time of what is written from now on (ms since 1970), or gives it back to the clock.
    #[napi]
    pub fn set_time(&self, time: Option<f64>) {
        if let Some(database) = self.home.get(self.handle) {
            database.set_time(time.map(|time| time as i64));
        }
    }

    /// Resolves when a new database has a moment of a directory, with the result as JSON. The moment is the number of a commit, or 0 and a
    /// time (ms since 1970).
    #[napi]
    pub fn recover_to(
        env: &Env,
        path: String,
        destination: String,
        moment: Vec<f64>,
        allow_partial: bool,
        stop: ClassInstance<'_, NativeProgress>,
        key: Option<Uint8Array>,
    ) -> napi::Result<AsyncBlock<String>> {
        let (wanted, key) = guarded(env, || {
            let moment = match moment[..] {
                [lsn] => self::moment(Some(lsn), None),
                [_, time] => self::moment(None, Some(time)),
                _ => self::moment(None, None),
            };
            Ok((Wanted { moment: moment?, allow_partial }, options::key(key.as_deref())?))
        })?;
        let (path, destination) = (located(path), located(destination));
        let limits = Limits { cancel: Some(stop.stop.clone()), ..Limits::default() };
        promise(env, move || {
            let interrupt = Interrupt::start(&limits, 0);
            json(&recover_to((&path, key.as_ref()), &destination, wanted, &interrupt)?)
        })
    }

    /// Resolves with the statistics as one of the databases sees them, as JSON; the empty name is the default database.
    #[napi]
    pub fn stats(&self, env: &Env, database: String) -> napi::Result<AsyncBlock<String>> {
        let open = guarded(env, || self.database())?;
        promise(env, move || json(&open.stats_of(&database)?))
    }
}

impl NativeDatabase {
    fn stoppable(&self, ticket: u32, progress: Arc<Progress>) -> Stoppable {
        let flag = Arc::new(AtomicBool::new(false));
        self.stops.lock().insert(ticket, flag.clone());
        Stoppable { ticket, flag, progress, stops: self.stops.clone() }
    }

    pub(super) fn database(&self) -> Result<Arc<Database>> {
        self.home.get(self.handle).ok_or_else(closed)
    }
}

/// Opens a port. `wake` is called once per burst of results; `hold` is never called: it keeps the process alive.
#[napi(ts_args_type = "wake: () => void, hold: () => void")]
pub fn open_port(env: &Env, wake: WakeFunction, hold: WakeFunction) -> napi::Result<u32> {
    guarded(env, || environment::open_port(env, wake, hold))
}

/// Gives the port its buffers, or replaces them.
#[napi]
pub fn set_buffers(env: &Env, port: u32, request: Uint8Array, result: Uint8Array) -> napi::Result<()> {
    guarded(env, || {
        with_port(port, |port| {
            port.set_buffers(Buffers::new(request, result));
            Ok(())
        })
    })
}

/// A handle, local to the port, for a collection.
#[napi]
pub fn collection(env: &Env, port: u32, database: u32, name: String) -> napi::Result<u32> {
    guarded(env, || environment::collection(port, database, &name))
}

/// Releases a handle of a collection.
#[napi]
pub fn release_collection(env: &Env, port: u32, handle: u32) -> napi::Result<()> {
    guarded(env, || {
        with_port(port, |port| {
            port.release(handle);
            Ok(())
        })
    })
}

/// Starts the operations in the request buffer. Returns what `take` returns, or -1 when the results do not fit.
#[napi]
pub fn submit(env: &Env, port: u32, length: u32) -> napi::Result<i32> {
    guarded(env, || with_port(port, |port| port.submit(env, length)))
}

/// Interrupts the operation of this ticket.
#[napi]
pub fn cancel(env: &Env, port: u32, ticket: u32) -> napi::Result<()> {
    guarded(env, || {
        with_port(port, |port| {
            port.cancel(ticket);
            Ok(())
        })
    })
}

/// Whether the operation of this ticket, which has a time limit, has begun or is done.
#[napi]
pub fn has_begun(env: &Env, port: u32, ticket: u32) -> napi::Result<bool> {
    guarded(env, || with_port(port, |port| Ok(port.has_begun(ticket))))
}

/// Steps of the operation of this ticket that are done, and all steps; null for one that says nothing or is done.
#[napi]
pub fn progress(env: &Env, port: u32, ticket: u32) -> napi::Result<Option<Vec<f64>>> {
    guarded(env, || {
        with_port(port, |port| Ok(port.progress(ticket).map(|(done, total)| vec![done as f64, total as f64])))
    })
}

/// Moves finished results to the result buffer.
#[napi]
pub fn take(env: &Env, port: u32) -> napi::Result<i32> {
    guarded(env, || with_port(port, |port| port.take(env)))
}

/// A function that tries to read by `_id` without blocking; the request buffer names the documents. It is created by hand
/// and takes no arguments, because the wrapper of napi-derive takes longer than the read.
#[napi(ts_return_type = "() => number | string")]
pub fn point_reads(env: &Env, port: u32) -> napi::Result<Function<'_, (), sys::napi_value>> {
    env.create_function_from_closure("attempt", move |call| {
        guarded(call.env, || with_port(port, |port| port.attempt(call.env)))
    })
}

/// Runs one operation on this thread.
#[napi]
pub fn call(env: Env, port: u32, length: u32) -> napi::Result<()> {
    guarded(&env, || with_port(port, |port| port.call(length, move || environment::is_ending(&env))))
}

/// Drops the port.
#[napi]
pub fn close_port(env: &Env, port: u32) -> napi::Result<()> {
    guarded(env, || {
        environment::close_port(port);
        Ok(())
    })
}

/// Closes every database that this environment has open; blocks. For the process's `exit` event: Node.js does not run the
/// cleanup hooks of the main thread after `process.exit` or after an uncaught exception.
#[napi]
pub fn close_all(env: &Env) -> napi::Result<()> {
    guarded(env, || {
        environment::close_all();
        Ok(())
    })
}

/// Tells the log of an operation that took long.
#[napi]
pub fn note_slow(operation: String, namespace: String, duration_ms: f64, documents: Option<f64>) {
    let documents = documents.map(|count| count as u64);
    tracing::warn!(operation, namespace, duration_ms, documents, "a slow operation");
}

/// The absolute path that a path means now: the working directory may change before the work begins.
pub(super) fn located(path: String) -> String {
    let at = (!path.is_empty() && path != MEMORY).then(|| Database::locate(&path).ok());
    at.flatten().and_then(|at| at.into_os_string().into_string().ok()).unwrap_or(path)
}

/// A commit or a time; numbers of JavaScript.
fn moment(lsn: Option<f64>, time: Option<f64>) -> Result<Moment> {
    match (lsn, time) {
        (Some(lsn), _) => Ok(Moment::Lsn(Lsn(lsn as u64))),
        (None, Some(time)) => Ok(Moment::Time(time as i64)),
        (None, None) => Err(Error::new(Kind::Argument, "a moment is a date or the number of a commit")),
    }
}

/// A promise of blocking work, which runs on tokio.
pub(super) fn promise<T>(
    env: &Env,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> napi::Result<AsyncBlock<T>>
where
    T: ToNapiValue + Send + 'static,
{
    let work = blocking(work);
    let work = async { Ok(work.await) };
    // The exception of a failure is created on the JavaScript thread: it is an object with properties.
    let settled = |env: Env, outcome: Result<T>| outcome.map_err(|error| exception(&env, &error));
    AsyncBlockBuilder::build_with_map(env, work, settled).map_err(|error| exception(env, &refused(error)))
}

/// A value as JSON text.
pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::new(Kind::Internal, format!("no JSON: {error}")))
}
