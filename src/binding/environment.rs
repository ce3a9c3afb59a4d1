//! What one JavaScript environment (a thread of Node.js: the main thread or a worker) has open, and what happens at its end.
//!
//! Node.js runs cleanup hooks last added first, on the environment's thread, while Node-API still works:
//!
//! 1. the hook of each port, added after its wake function was made, silences that function and drops the port;
//! 2. the hook of the environment closes the databases that are still open, so that what was acknowledged is durable.
//!    It blocks for that: the hook of napi itself, added when the addon was loaded, gives tokio only 100 ms.
//!
//! The hooks of a worker run when the thread has left its call. So a long call asks now and then whether its environment
//! ends ([`is_ending`]).

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use napi::Env;
use napi::bindgen_prelude::JsValue;
use parking_lot::Mutex;

use super::failure::refused;
use super::outbox::Outbox;
use super::port::{Port, closed};
use super::wake::{Hold, Wake, WakeFunction};
use crate::engine::{Database, MEMORY, Progress};
use crate::error::{Error, Kind, Result};
use crate::options::OpenOptions;
use crate::storage::Host;

static NEXT_PORT: AtomicU32 = AtomicU32::new(1);
static NEXT_DATABASE: AtomicU32 = AtomicU32::new(1);

thread_local! {
    static HERE: RefCell<Environment> = RefCell::default();
}

/// The environment of this thread.
#[derive(Default)]
struct Environment {
    ports: Vec<(u32, Port)>,
    databases: Option<Arc<Databases>>,
}

/// The databases that an environment has open, by handle; `None` after its end.
pub struct Databases {
    open: Mutex<Option<HashMap<u32, Arc<Database>>>>,
}

impl Databases {
    /// Opens a database, at the location that its path means now, and assigns it a handle. Blocks.
    pub fn open(
        &self,
        path: &str,
        at: Result<PathBuf>,
        options: OpenOptions,
        progress: &Progress,
    ) -> Result<u32> {
        let runtime = tokio::runtime::Handle::current();
        let database = match path {
            "" | MEMORY => Database::open(path, options, runtime)?,
            _ => Database::open_at(&Host::system(), path, &at?, options, runtime, progress)?,
        };
        self.keep(database)
    }

    /// Assigns a handle to an open database.
    pub fn keep(&self, database: Arc<Database>) -> Result<u32> {
        let handle = NEXT_DATABASE.fetch_add(1, Ordering::Relaxed);
        match &mut *self.open.lock() {
            Some(open) => open.insert(handle, database),
            None => {
                database.close()?;
                return Err(Error::new(Kind::Closed, "the environment ended while the database was opened"));
            }
        };
        Ok(handle)
    }

    /// Closes a database. Blocks. Its handle is removed even when closing fails, because closing cannot be retried.
    pub fn close(&self, handle: u32, database: &Database) -> Result<()> {
        let result = database.close();
        self.forget(handle);
        result
    }

    /// Closes a database if that does not block; otherwise returns `None` and does nothing.
    pub fn close_at_once(&self, handle: u32, database: &Database) -> Option<Result<()>> {
        let result = database.close_at_once()?;
        self.forget(handle);
        Some(result)
    }

    fn forget(&self, handle: u32) {
        if let Some(open) = &mut *self.open.lock() {
            open.remove(&handle);
        }
    }

    /// The database of a handle, until it is closed.
    pub fn get(&self, handle: u32) -> Option<Arc<Database>> {
        self.open.lock().as_ref()?.get(&handle).cloned()
    }

    fn is_open(&self, handle: u32) -> bool {
        self.open.lock().as_ref().is_some_and(|open| open.contains_key(&handle))
    }

    fn close_all(&self) {
        let open = self.open.lock().as_mut().map(std::mem::take);
        Self::close_each(open.unwrap_or_default());
    }

    /// Like `close_all`; nothing can be opened afterwards.
    fn end(&self) {
        let open = self.open.lock().take();
        Self::close_each(open.unwrap_or_default());
    }

    fn close_each(open: HashMap<u32, Arc<Database>>) {
        for (handle, database) in open {
            if let Err(error) = database.close() {
                tracing::error!(handle, %error, "a database could not be closed at exit");
            }
        }
    }
}

/// The databases of this environment.
pub fn databases(env: &Env) -> Result<Arc<Databases>> {
    HERE.with_borrow_mut(|here| match &here.databases {
        Some(databases) => Ok(Arc::clone(databases)),
        None => {
            let databases = Arc::new(Databases { open: Mutex::new(Some(HashMap::new())) });
            let ending = Arc::clone(&databases);
            env.add_env_cleanup_hook((), move |()| quietly(|| end(&ending))).map_err(refused)?;
            here.databases = Some(Arc::clone(&databases));
            Ok(databases)
        }
    })
}

/// Adds a port with two functions: one wakes JavaScript, the other keeps the process alive.
pub fn open_port(env: &Env, wake: WakeFunction, hold: WakeFunction) -> Result<u32> {
    databases(env)?;
    let id = NEXT_PORT.fetch_add(1, Ordering::Relaxed);
    let port = Port::new(Outbox::new(Wake::new(wake)), Hold::new(hold));
    env.add_env_cleanup_hook(id, |id| quietly(|| close_port(id))).map_err(refused)?;
    HERE.with_borrow_mut(|here| here.ports.push((id, port)));
    Ok(id)
}

/// Drops a port; results that it still waits for are not delivered.
pub fn close_port(id: u32) {
    let port = HERE.with_borrow_mut(|here| {
        let place = here.ports.iter().position(|(own, _)| *own == id)?;
        Some(here.ports.swap_remove(place))
    });
    drop(port);
}

/// Calls a function with a port of this thread.
#[inline]
pub fn with_port<T>(id: u32, run: impl FnOnce(&mut Port) -> Result<T>) -> Result<T> {
    HERE.with_borrow_mut(|here| match here.ports.iter_mut().find(|(own, _)| *own == id) {
        Some((_, port)) => run(port),
        None => Err(Error::new(Kind::Internal, format!("there is no port {id} in this environment"))),
    })
}

/// A handle, local to the port, for a collection of a database of this environment.
pub fn collection(port: u32, database: u32, name: &str) -> Result<u32> {
    let databases = HERE.with_borrow(|here| here.databases.clone()).ok_or_else(closed)?;
    let engine = databases.get(database).ok_or_else(closed)?;
    with_port(port, |port| {
        if !port.knows(database) {
            port.meet(database, &engine, |handle| databases.is_open(handle));
        }
        port.collection(database, name)
    })
}

/// Closes every database of this environment. Blocks.
pub fn close_all() {
    let databases = HERE.with_borrow(|here| here.databases.clone());
    if let Some(databases) = databases {
        databases.close_all();
    }
}

/// Whether the environment ends while this thread is in a call: the worker is terminated, or the main thread exits, which
/// waits for its workers. Node-API refuses everything that could run JavaScript from then on, and nothing else changes.
pub fn is_ending(env: &Env) -> bool {
    env.create_int32(0).and_then(|zero| zero.coerce_to_bool()).is_err()
}

fn end(databases: &Databases) {
    databases.end();
    drop(HERE.take());
}

/// A panic that leaves a hook would abort the process.
fn quietly(hook: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(hook)).is_err() {
        tracing::error!("a defect in moltendb-node: a cleanup hook panicked");
    }
}
