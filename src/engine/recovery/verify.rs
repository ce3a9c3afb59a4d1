//! Verifies a database by opening it, read-only and with every document left on disk, with the same code as a normal
//! opening: so a database verifies if and only if it opens. If that fails, every file is read on after the damage, to
//! report all of it; nothing is changed.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::damaged::State;
use super::from_checkpoint;
use super::replay::Replay;
use super::reported::Reported;
use crate::engine::exec::progress::Progress;
use crate::engine::index_build::fill;
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::options::{Access, EncryptionKey, MEMORY, MemoryLimit, OpenOptions, StorageMode};
use crate::storage::open::inspect::inspect;
use crate::storage::{
    Damage, FileReport, Host, Inspected, Loader, Read, Replayed, SnapshotBlock, checkpoint_of, list_whole,
    open_disk, unlocked,
};

/// The report of verify.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Whether no file is damaged.
    pub ok: bool,
    /// Each file.
    pub files: Vec<FileReport>,
    /// Documents of the newest state that could be read completely.
    pub documents: u64,
    /// The last commit that was read.
    pub last_lsn: u64,
    /// Whether the last session closed the database.
    pub clean: bool,
}

impl Verification {
    fn new(found: Inspected, documents: u64) -> Verification {
        Verification {
            ok: found.files.iter().all(|file| file.first_damage.is_none()),
            files: found.files,
            documents,
            last_lsn: found.last_lsn.0,
            clean: found.clean,
        }
    }
}

/// Reads a database that no process writes. Damage is part of the report; an error means that it could not be read.
pub fn verify(path: &str) -> Result<Verification> {
    verify_on(&Host::system(), path)
}

/// [`verify`] that says how many bytes of the files were read.
pub fn verify_within(path: &str, key: Option<&EncryptionKey>, progress: &Progress) -> Result<Verification> {
    verify_reporting(&Host::system(), path, key, progress)
}

/// [`verify`] on another file system.
pub fn verify_on(host: &Host, path: &str) -> Result<Verification> {
    verify_with(host, path, None)
}

/// [`verify_on`] of a database that is encrypted with this key.
pub fn verify_with(host: &Host, path: &str, key: Option<&EncryptionKey>) -> Result<Verification> {
    verify_reporting(host, path, key, &Progress::default())
}

fn verify_reporting(
    host: &Host,
    path: &str,
    key: Option<&EncryptionKey>,
    progress: &Progress,
) -> Result<Verification> {
    if path.is_empty() || path == MEMORY {
        return Err(Error::new(Kind::Argument, "path must name the directory of a database"));
    }
    let host = &match unlocked(host, Path::new(path), key) {
        Err(error) if matches!(error.kind(), Kind::KeyRequired | Kind::WrongKey | Kind::NotEncrypted) => {
            return Err(error);
        }
        // A manifest that cannot be read is part of the report.
        unlocked => unlocked.unwrap_or_else(|_| host.clone()),
    };
    let error = match open_whole(host, path, key, progress) {
        Ok(whole) => return check_checkpoint(host, path, whole),
        Err(error) => error,
    };
    let mut state = State::default();
    let mut found = inspect(host, Path::new(path), &mut |inspected| state.commit(inspected))?;
    if error.is_damage() || error.kind() == Kind::CorruptTail {
        found.blame(&error);
    } else if found.files.iter().all(|file| file.first_damage.is_none()) {
        return Err(error);
    }
    Ok(Verification::new(found, state.documents()))
}

/// Reads the checkpoint that opening would begin with, if there is one.
fn check_checkpoint(host: &Host, path: &str, mut whole: Verification) -> Result<Verification> {
    let Some(checkpoint) = checkpoint_of(host, Path::new(path))? else { return Ok(whole) };
    let (file, bytes) = (checkpoint.file.path().to_path_buf(), checkpoint.length);
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let first_damage = match from_checkpoint::check(checkpoint) {
        Ok(()) => None,
        Err(error) if error.is_damage() => {
            let offset = error.details().offset.unwrap_or(0);
            Some(Damage { offset, lsn: None, message: error.message().to_owned() })
        }
        Err(error) => return Err(error),
    };
    whole.ok &= first_damage.is_none();
    let report = FileReport {
        file: name,
        kind: "checkpoint",
        bytes,
        frames: 0,
        blocks: 0,
        torn_bytes: 0,
        first_damage,
    };
    whole.files.push(report);
    Ok(whole)
}

/// Opens the database as a program does, but read-only, without using a checkpoint, and with no document kept in memory.
fn open_whole(
    host: &Host,
    path: &str,
    key: Option<&EncryptionKey>,
    progress: &Progress,
) -> Result<Verification> {
    let options = OpenOptions {
        encryption: key.cloned(),
        storage: StorageMode::Sync,
        access: Access::ReadOnly,
        memory_limit: MemoryLimit::Bytes(0),
        ..OpenOptions::default()
    };
    let mut counting = Counting::new(Replay::new(Path::new(path), options.memory_limit.bytes()));
    let mut reported = Reported::new(&mut counting, progress);
    let opened = open_disk(host, Path::new(path), &options, None, &mut reported)?;
    let (replay, read) = counting.finish();
    let files = list_whole(host, Path::new(path), &read, &opened.report)?;
    let store =
        Store::new((path.to_owned(), Path::new(path)), opened, host, options, replay.finish(), |_, _, _| {
            Ok(None)
        });
    let catalogue = store.views().catalogue();
    fill::build_recovered(&store, &catalogue)?;
    let documents = catalogue.iter().map(|(_, collection)| collection.count()).sum();
    store.close()?;
    Ok(Verification::new(files, documents))
}

/// A replay that counts what it takes.
struct Counting<'a> {
    replay: Replay<'a>,
    read: Read,
    snapshot_blocks: AtomicU64,
}

impl<'a> Counting<'a> {
    fn new(replay: Replay<'a>) -> Counting<'a> {
        Counting { replay, read: Read::default(), snapshot_blocks: AtomicU64::new(0) }
    }

    fn finish(self) -> (Replay<'a>, Read) {
        let Counting { replay, mut read, snapshot_blocks } = self;
        read.snapshot_blocks = snapshot_blocks.into_inner();
        (replay, read)
    }
}

impl Loader for Counting<'_> {
    fn database_block(&mut self, block: SnapshotBlock) -> Result<()> {
        self.snapshot_blocks.fetch_add(1, Ordering::Relaxed);
        self.replay.database_block(block)
    }

    fn least_document(&self) -> u32 {
        self.replay.least_document()
    }

    fn documents(&self, block: SnapshotBlock) -> Result<()> {
        self.snapshot_blocks.fetch_add(1, Ordering::Relaxed);
        self.replay.documents(block)
    }

    fn frame(&mut self, frame: Replayed) -> Result<()> {
        self.read.count(&frame);
        self.replay.frame(frame)
    }
}
