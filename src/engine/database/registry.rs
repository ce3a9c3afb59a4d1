//! The databases open in this process, by the identity of their directory: threads of one process share the engine of a
//! directory. The lock of an open database keeps the directory's inode from being reused.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;

use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::options::{Access, Creation, OpenOptions};
use crate::storage::Host;

/// Device and inode of a directory.
type Identity = (u64, u64);

/// The key of a registered database.
#[derive(Clone)]
pub(crate) struct Place(Arc<Mutex<Shared>>);

#[derive(Default)]
struct Shared {
    store: Option<Arc<Store>>,
    handles: usize,
}

static OPEN: LazyLock<Mutex<HashMap<Identity, Place>>> = LazyLock::new(Mutex::default);
/// Held while a directory is looked up, and while one is opened that does not exist yet: it has no identity to be found by,
/// and must not be found before its database is registered.
static CREATING: Mutex<()> = Mutex::new(());

/// Shares the engine of this directory, or opens one.
pub(crate) fn open(
    host: &Host,
    path: &Path,
    options: &OpenOptions,
    open_store: impl FnOnce() -> Result<Arc<Store>>,
) -> Result<(Arc<Store>, Option<Place>)> {
    let creating = CREATING.lock();
    let identity = host.vfs.identity(path).ok();
    let Some(identity) = identity else {
        let store = open_store()?;
        let Ok(identity) = host.vfs.identity(path) else { return Ok((store, None)) };
        let place = Place(Arc::new(Mutex::new(Shared { store: Some(store.clone()), handles: 1 })));
        OPEN.lock().insert(identity, place.clone());
        return Ok((store, Some(place)));
    };
    drop(creating);
    let place = OPEN.lock().entry(identity).or_insert_with(|| Place(Arc::default())).clone();
    let mut shared = place.0.lock();
    let store = match &shared.store {
        Some(store) => {
            check_joining(store, path, options)?;
            store.clone()
        }
        None => open_store()?,
    };
    shared.store = Some(store.clone());
    shared.handles += 1;
    drop(shared);
    Ok((store, Some(place)))
}

/// Drops one handle; the last one closes the engine. A concurrent open waits, then opens a new one.
pub(crate) fn release(place: &Place, store: &Store) -> Result<()> {
    let mut shared = place.0.lock();
    shared.handles -= 1;
    if shared.handles > 0 {
        return Ok(());
    }
    shared.store = None;
    store.close()
}

fn check_joining(store: &Store, path: &Path, options: &OpenOptions) -> Result<()> {
    let path = path.display();
    let (open, requested) = (store.options(), options);
    if open.storage != requested.storage {
        let message = format!(
            "{path} is open in this process with storage '{}'; it cannot be opened with '{}' as well: use the same, \
             or close it first",
            open.storage.as_str(),
            requested.storage.as_str()
        );
        return Err(Error::new(Kind::Locked, message));
    }
    if open.access == Access::ReadOnly && requested.access == Access::ReadWrite {
        let message = format!("{path} is open in this process with readOnly; close it first to write");
        return Err(Error::new(Kind::Locked, message));
    }
    if requested.creation == Creation::MustBeNew {
        let message = format!("{path} holds a database already, and errorIfExists was given");
        return Err(Error::new(Kind::Io, message));
    }
    Ok(())
}
