//! A copy of the database while it is in use: one state, verified, in a directory that is a complete database.
//!
//! The copy is written into a directory beside the destination that the backup creates itself, `<destination>.partial-<16
//! hex digits>`, and is renamed once its snapshot has been read back and its manifest is durable: an existing destination is
//! complete. Other names are left alone.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::proof::{Proof, Purpose};
use super::snapshot::{self, Generation};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::store::Store;
use crate::error::{Details, Error, Kind, Result};
use crate::options::{Creation, EncryptionKey, OpenOptions, StorageMode};
use crate::storage::host::vfs::EntryKind;
use crate::storage::{Discard, Host, create_parents, is_own_name, open_disk};

/// The content of a backup.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// Documents in it.
    pub documents: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// The last commit of this database in it.
    pub lsn: u64,
    /// How long it took.
    pub ms: u64,
}

/// Random names that are tried before the backup fails.
const ATTEMPTS: u32 = 16;

/// Copies the current state into a new directory that is not in `own`, the database's directory. Reads and writes
/// continue; every write that resolved before the call is in the copy. It is encrypted with this key, or opens with that of the
/// database. Stops when the interrupt fires, and then leaves
/// nothing.
pub(crate) fn run(
    store: &Store,
    (host, own): (&Host, Option<&Path>),
    (destination, key): (&Path, Option<&EncryptionKey>),
    interrupt: &Interrupt,
) -> Result<Backup> {
    let began = store.elapsed();
    let destination =
        &*host.vfs.absolute(destination).map_err(|error| Error::io("look at", destination, error))?;
    // As in the system: a trailing slash does not change the name.
    let name = destination.file_name().ok_or_else(|| {
        Error::new(Kind::Argument, "a backup needs the path of a directory that is not there yet")
    })?;
    let destination = &*destination.with_file_name(name);
    if host.vfs.entry(destination).map_err(|error| Error::io("look at", destination, error))?.is_some() {
        return Err(taken(destination));
    }
    check_outside(host, own, destination)?;
    let partial = make_partial(host, destination)?;
    let made = copy(store, host, &partial, key, interrupt).and_then(|backup| {
        // Never over a directory that was created meanwhile, such as another backup: a directory with content is not
        // replaced.
        host.vfs.rename(&partial, destination).map_err(|error| {
            let overtaken = matches!(host.vfs.entry(destination), Ok(Some(_)));
            if overtaken { taken(destination) } else { Error::io("rename", &partial, error) }
        })?;
        let parent = parent_of(destination);
        host.vfs.sync_dir(parent).map_err(|error| Error::io("fsync", parent, error))?;
        Ok(backup)
    });
    if made.is_err() {
        // The original error is more useful than one about the leftover.
        let _ = remove(host, &partial);
    }
    Ok(Backup { ms: (store.elapsed() - began).as_millis() as u64, ..made? })
}

fn copy(
    store: &Store,
    host: &Host,
    partial: &Path,
    key: Option<&EncryptionKey>,
    interrupt: &Interrupt,
) -> Result<Backup> {
    let options = OpenOptions {
        encryption: key.cloned().or_else(|| store.host().cipher.key()),
        storage: StorageMode::Sync,
        creation: Creation::MustBeNew,
        ..OpenOptions::default()
    };
    let generation = {
        let applied = store.applied();
        match store.refusal_to_read(&applied) {
            Some(error) => return Err(error),
            // A copy has no older commits, so it needs no older names.
            None => Generation { past: Vec::new(), ..snapshot::generation(store, &applied) },
        }
    };
    let copy = open_disk(host, partial, &options, None, &mut Discard)?.backend;
    let cut = copy.cut()?;
    let mut sink = copy.begin_snapshot(&cut)?;
    let documents = snapshot::write(store, &generation, &mut *sink, None, interrupt)?;
    let mut proof = Proof::new(store, Purpose::Backup, &generation, None, interrupt);
    let (_, bytes) = copy.install_proven(cut, sink, &mut proof)?.bytes;
    copy.close()?;
    // The state may be applied and not published: a backup may contain only what this database keeps.
    store.wait_published(generation.lsn())?;
    Ok(Backup { documents, bytes, lsn: generation.lsn().0, ms: 0 })
}

/// Directories that are looked at above a destination; a longer path is longer than systems accept.
const DEEPEST: usize = 1_024;

/// In the database's own directory a copy could be mistaken for one of its generations.
fn check_outside(host: &Host, own: Option<&Path>, destination: &Path) -> Result<()> {
    let Some(own) = own.and_then(|own| host.vfs.identity(own).ok()) else { return Ok(()) };
    let inside = |above: &Path| host.vfs.identity(above).is_ok_and(|identity| identity == own);
    // A path with `..` in it is followed as the system follows it.
    let climbs = destination.components().any(|part| part == Component::ParentDir);
    let is_inside = if climbs {
        let above = destination.ancestors().skip(1).find(|above| host.vfs.identity(above).is_ok());
        above.is_some_and(|above| climbed(host, above).iter().any(|above| inside(above)))
    } else {
        destination.ancestors().skip(1).any(inside)
    };
    if is_inside {
        let why = "is inside the directory of the database; name a directory outside of it";
        return Err(refused(destination, why));
    }
    Ok(())
}

/// A directory and those above it, up to the root.
fn climbed(host: &Host, from: &Path) -> Vec<PathBuf> {
    let mut all = vec![from.to_path_buf()];
    while let Some(last) = all.last() {
        let above = last.join("..");
        match (host.vfs.identity(last), host.vfs.identity(&above)) {
            (Ok(here), Ok(there)) if here != there && all.len() < DEEPEST => all.push(above),
            _ => break,
        }
    }
    all
}

fn taken(destination: &Path) -> Error {
    refused(destination, "is there already; a backup is made in a directory of its own, so name another")
}

fn refused(path: &Path, why: &str) -> Error {
    let details = Details { file: Some(path.to_path_buf()), ..Details::default() };
    Error::new(Kind::Io, format!("{} {why}", path.display())).with_details(details)
}

/// Creates a directory with a unique name beside the destination.
pub(crate) fn make_partial(host: &Host, destination: &Path) -> Result<PathBuf> {
    create_parents(host, parent_of(destination))?;
    let mut attempt = 0;
    loop {
        let mut random = [0; 8];
        host.rng.fill(&mut random);
        let mut name = OsString::from(destination.file_name().unwrap_or_default());
        name.push(format!(".partial-{:016x}", u64::from_le_bytes(random)));
        let partial = destination.with_file_name(name);
        match host.vfs.create_dir(&partial) {
            Ok(()) => return Ok(partial),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(Error::io("create directory", &partial, error)),
        }
    }
}

pub(crate) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Removes an unfinished copy: a directory of [`make_partial`], and the files that storage created in it.
pub(crate) fn remove(host: &Host, partial: &Path) -> Result<()> {
    if host.vfs.entry(partial).map_err(|error| Error::io("look at", partial, error))?
        != Some(EntryKind::Directory)
    {
        return Ok(());
    }
    let entries = host.vfs.read_dir(partial).map_err(|error| Error::io("list", partial, error))?;
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::File && is_own_name(&entry.name)) {
        let path = partial.join(&entry.name);
        host.vfs.remove(&path).map_err(|error| Error::io("remove", &path, error))?;
    }
    // Other files keep the directory.
    host.vfs.remove_dir(partial).map_err(|error| Error::io("remove", partial, error))
}
