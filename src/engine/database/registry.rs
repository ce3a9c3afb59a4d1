//! The databases open in this process, by the identity of their directory: threads of one process share the engine of a
//! directory. The lock of an open database keeps the directory's inode from being reused.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use crate::engine::exec::locks::{LongMutex, Mutex};
use crate::engine::store::Store;
use crate::error::{Details, Error, Kind, Result};
use crate::options::{Access, Creation, EncryptionKey, OpenOptions};
use crate::storage::Host;

/// Device and inode of a directory.
type Identity = (u64, u64);

/// A registered database.
#[derive(Clone)]
pub(crate) struct Place {
    identity: Identity,
    shared: Arc<LongMutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    store: Option<Arc<Store>>,
    handles: usize,
}

static OPEN: LazyLock<Mutex<HashMap<Identity, Place>>> = LazyLock::new(Mutex::default);
/// Held while a directory is looked up, and while one is opened that does not exist yet: it has no identity to be found by,
/// and must not be found before its database is registered.
static CREATING: LongMutex<Creating> = LongMutex::new(Creating);

struct Creating;

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
        let shared = Arc::new(LongMutex::new(Shared { store: Some(store.clone()), handles: 1 }));
        let place = Place { identity, shared };
        OPEN.lock().insert(identity, place.clone());
        return Ok((store, Some(place)));
    };
    drop(creating);
    let mut open_store = Some(open_store);
    loop {
        let unused = || Place { identity, shared: Arc::default() };
        let place = OPEN.lock().entry(identity).or_insert_with(unused).clone();
        let mut shared = place.shared.lock();
        // Its last handle may have been closed in between.
        if !place.is_registered() {
            continue;
        }
        let joined = match (&shared.store, open_store.take()) {
            (Some(store), _) => check_joining(store, path, options).map(|()| store.clone()),
            (None, Some(open_store)) => open_store(),
            (None, None) => Err(Error::new(Kind::Internal, "a database was opened twice by one call")),
        };
        let store = joined.inspect_err(|_| place.forget_unused(&shared))?;
        shared.store = Some(store.clone());
        shared.handles += 1;
        drop(shared);
        return Ok((store, Some(place)));
    }
}

impl Place {
    fn is_registered(&self) -> bool {
        OPEN.lock().get(&self.identity).is_some_and(|known| Arc::ptr_eq(&known.shared, &self.shared))
    }

    /// Removes the entry if it has no handle: the inode may become another directory's.
    fn forget_unused(&self, shared: &Shared) {
        if shared.handles == 0 && self.is_registered() {
            OPEN.lock().remove(&self.identity);
        }
    }
}

/// Drops one handle; the last one closes the engine. A concurrent open waits, then opens a new one.
pub(crate) fn release(place: &Place, store: &Store) -> Result<()> {
    let mut shared = place.shared.lock();
    shared.handles -= 1;
    if shared.handles > 0 {
        return Ok(());
    }
    shared.store = None;
    let closed = store.close();
    place.forget_unused(&shared);
    closed
}

/// The error of an opening that contradicts what the database is open with.
fn contradicts(message: String, open_with: &'static str) -> Error {
    Error::new(Kind::Locked, message)
        .with_details(Details { open_with: Some(open_with), ..Details::default() })
}

/// The key must be that of the open database, also where it is given once more.
fn check_key(store: &Store, path: &Path, key: Option<&EncryptionKey>) -> Result<()> {
    let cipher = store.host().cipher;
    let (kind, what) = match (cipher.is_sealing(), key) {
        (true, Some(key)) if cipher.is_opened_by(key)? => return Ok(()),
        (false, None) => return Ok(()),
        (true, Some(_)) => {
            (Kind::WrongKey, "is encrypted with another key; open it with the right encryptionKey")
        }
        (true, None) => (Kind::KeyRequired, "is encrypted; open it with its encryptionKey"),
        (false, Some(_)) => {
            (Kind::NotEncrypted, "is not encrypted, and encryptionKey was given; open it without")
        }
    };
    let details = Details { file: Some(path.to_path_buf()), ..Details::default() };
    Err(Error::new(kind, format!("{} {what}", path.display())).with_details(details))
}

fn check_joining(store: &Store, path: &Path, options: &OpenOptions) -> Result<()> {
    check_key(store, path, options.encryption.as_ref())?;
    let path = path.display();
    let (open, requested) = (store.options(), options);
    if open.storage != requested.storage {
        let message = format!(
            "{path} is open in this process with storage '{}'; it cannot be opened with '{}' as well: use the same, \
             or close it first",
            open.storage.as_str(),
            requested.storage.as_str()
        );
        return Err(contradicts(message, open.storage.as_str()));
    }
    if open.access == Access::ReadOnly && requested.access == Access::ReadWrite {
        let message = format!("{path} is open in this process with readOnly; close it first to write");
        return Err(contradicts(message, "readOnly"));
    }
    if requested.creation == Creation::MustBeNew {
        let message = format!("{path} holds a database already, and errorIfExists was given");
        return Err(Error::new(Kind::Io, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::database::Database;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    }

    #[test]
    fn a_closed_database_leaves_no_entry_nor_does_one_that_cannot_be_opened() {
        let runtime = runtime();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        let open = |options| Database::open(path.to_str().unwrap(), options, runtime.handle().clone());
        let is_known = || {
            let identity = Host::system().vfs.identity(&path).unwrap();
            OPEN.lock().contains_key(&identity)
        };
        let first = open(OpenOptions::default()).unwrap();
        let second = open(OpenOptions::default()).unwrap();
        first.close().unwrap();
        assert!(is_known(), "one handle is left");
        second.close().unwrap();
        assert!(!is_known());
        assert!(open(OpenOptions { creation: Creation::MustBeNew, ..OpenOptions::default() }).is_err());
        assert!(!is_known());
    }

    #[test]
    fn threads_that_open_and_close_a_database_at_the_same_time_share_it() {
        let runtime = runtime();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let handle = runtime.handle().clone();
                        let database =
                            Database::open(path.to_str().unwrap(), OpenOptions::default(), handle).unwrap();
                        database.close().unwrap();
                    }
                });
            }
        });
    }
}
