//! A copy of the database while it is in use: one state, verified, in a directory that opens by itself.
//!
//! The copy grows in `<destination>.partial` and gets its name in one rename, once its snapshot has been read back
//! and its manifest is durable: a destination that is there is whole.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::compact::Written;
use super::limits::Watch;
use super::proof::{Proof, Purpose};
use super::replay::Replay;
use super::store::Store;
use crate::error::{Details, Error, Kind, Result};
use crate::options::{Creation, OpenOptions, StorageMode};
use crate::storage::{Host, open_disk};

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// Documents in it.
    pub documents: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// The last commit of this database that it holds.
    pub lsn: u64,
    /// How long it took.
    pub ms: u64,
}

impl Store {
    /// Copies the state of now into a directory that is not there yet. Reads and writes go on meanwhile; whatever
    /// resolved before the call is in the copy.
    pub fn backup(&self, host: &Host, destination: &Path) -> Result<Backup> {
        self.backup_within(host, destination, &Watch::default())
    }

    /// [`Store::backup`] that ends as the watch says, and then leaves nothing.
    pub fn backup_within(&self, host: &Host, destination: &Path, watch: &Watch) -> Result<Backup> {
        let began = self.elapsed();
        if host.vfs.kind(destination).map_err(|error| Error::io("look at", destination, error))?.is_some() {
            let message = format!(
                "{} is there already; a backup is made in a directory of its own, so name another",
                destination.display()
            );
            let details = Details { file: Some(destination.to_path_buf()), ..Details::default() };
            return Err(Error::new(Kind::Io, message).with_details(details));
        }
        let partial = partial_of(destination)?;
        remove(host, &partial)?;
        let made = self.copy(host, &partial, watch).and_then(|backup| {
            let renamed = host.vfs.rename(&partial, destination);
            renamed.map_err(|error| Error::io("rename", &partial, error))?;
            let parent = parent_of(destination);
            host.vfs.sync_dir(parent).map_err(|error| Error::io("fsync", parent, error))?;
            Ok(backup)
        });
        if made.is_err() {
            // What failed says more than that the rest of it is still there.
            let _ = remove(host, &partial);
        }
        Ok(Backup { ms: (self.elapsed() - began).as_millis() as u64, ..made? })
    }

    fn copy(&self, host: &Host, partial: &Path, watch: &Watch) -> Result<Backup> {
        let options = OpenOptions {
            storage: StorageMode::Sync,
            creation: Creation::MustBeNew,
            ..OpenOptions::default()
        };
        let generation = {
            let applied = self.applied();
            match self.refusal_to_read(&applied) {
                Some(error) => return Err(error),
                None => self.generation(&applied),
            }
        };
        let copy = open_disk(host, partial, &options, None, &mut Replay::new(partial, None))?.backend;
        let cut = copy.cut()?;
        let mut sink = copy.begin_snapshot(&cut)?;
        let written = self.write_snapshot(&generation, &mut *sink, watch)?;
        let mut proof = Proof::new(self, Purpose::Backup, &generation, &written);
        let (_, bytes) = copy.install_proven(cut, sink, &mut proof)?.bytes;
        copy.close()?;
        // The state may have been applied and not published: only what this database keeps may be in a backup.
        self.wait_published(generation.lsn())?;
        let documents = written.iter().map(Written::documents).sum();
        Ok(Backup { documents, bytes, lsn: generation.lsn().0, ms: 0 })
    }
}

fn partial_of(destination: &Path) -> Result<PathBuf> {
    let name = destination.file_name().ok_or_else(|| {
        Error::new(Kind::Argument, "a backup needs the path of a directory that is not there yet")
    })?;
    let mut partial = OsString::from(name);
    partial.push(".partial");
    Ok(destination.with_file_name(partial))
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Removes what an earlier backup left unfinished: a directory of this name with the files of a database.
fn remove(host: &Host, partial: &Path) -> Result<()> {
    if host.vfs.kind(partial).map_err(|error| Error::io("look at", partial, error))?.is_none() {
        return Ok(());
    }
    let entries = host.vfs.read_dir(partial).map_err(|error| Error::io("list", partial, error))?;
    for entry in entries {
        let path = partial.join(entry.name);
        host.vfs.remove(&path).map_err(|error| Error::io("remove", &path, error))?;
    }
    host.vfs.remove_dir(partial).map_err(|error| Error::io("remove", partial, error))
}
