//! Opening and creating a database.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::clean::{self, CheckpointLoader};
use super::listing::Listing;
use super::recovery::{Files, Recovered, RecoveryReport, Terms, named, recover};
use super::unlock::unlocked;
use crate::error::{Error, Kind, Result};
use crate::options::{Access, Creation, EncryptionKey, OpenOptions, StorageMode};
use crate::storage::backends::async_disk::AsyncDiskStorage;
use crate::storage::backends::checked::Checked;
use crate::storage::backends::disk::{Disk, DiskParts};
use crate::storage::backends::memory::MemoryStorage;
use crate::storage::backends::sync_disk::SyncDiskStorage;
use crate::storage::backends::trimmer;
use crate::storage::cipher::cipher::Cipher;
use crate::storage::contract::backend::{Loader, Lsn, StorageBackend};
use crate::storage::contract::latch::Latch;
use crate::storage::format::manifest;
use crate::storage::format::manifest::Manifest;
use crate::storage::format::segment::{SEGMENT_HEADER_LEN, SegmentHeader, segment_name};
use crate::storage::format::witness::Witness;
use crate::storage::generation::checkpoints::{Begun, Checkpoints};
use crate::storage::generation::generation::Generations;
use crate::storage::generation::history::History;
use crate::storage::generation::retire;
use crate::storage::host::home::{FoundFile, Home, Trust};
use crate::storage::host::lock::DirectoryLock;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{OpenMode, write_all_at};
use crate::storage::log::allocation::{Placing, Segments};
use crate::storage::log::writer::{Progress, Writer};
use crate::storage::reseal::aside;
use crate::storage::spill::area::SpillArea;

/// An open log, and the recovery report.
pub struct Opened {
    /// Where commits go.
    pub backend: Arc<dyn StorageBackend>,
    /// The recovery report.
    pub report: RecoveryReport,
    /// The last commit.
    pub last_lsn: Lsn,
    /// The keys of the database.
    pub cipher: Cipher,
}

/// Opens or creates a database directory. The loader receives the snapshot and the commits after it. An error from it ends
/// the opening; nothing has been modified.
pub fn open_disk(
    host: &Host,
    path: &Path,
    options: &OpenOptions,
    runtime: Option<tokio::runtime::Handle>,
    loader: &mut dyn Loader,
) -> Result<Opened> {
    open_with(host, path, options, runtime, Loading::Whole(loader))
}

/// [`open_disk`] that begins with the checkpoint, where there is one that fits.
pub(crate) fn open_disk_from_checkpoint(
    host: &Host,
    path: &Path,
    options: &OpenOptions,
    runtime: Option<tokio::runtime::Handle>,
    loader: &mut dyn CheckpointLoader,
) -> Result<Opened> {
    open_with(host, path, options, runtime, Loading::FromCheckpoint(loader))
}

/// What receives the content of the files.
enum Loading<'l> {
    Whole(&'l mut dyn Loader),
    FromCheckpoint(&'l mut dyn CheckpointLoader),
}

fn open_with(
    host: &Host,
    path: &Path,
    options: &OpenOptions,
    runtime: Option<tokio::runtime::Handle>,
    mut loading: Loading<'_>,
) -> Result<Opened> {
    let Claimed { host, path, latch, lock, home, listing } = claim(host, path, options)?;
    let (host, path) = (&host, &*path);
    let writable = options.access == Access::ReadWrite;
    let created = !listing.manifest;
    let (mut manifest, files) = if created {
        let manifest = create(host, path, options, &listing)?;
        let files = Files::open(host, path, &manifest, &[1], Trust::Synced)?;
        (manifest, files)
    } else {
        found(host, &home, &listing, options.access)?
    };
    let terms = Terms { access: options.access, policy: options.recovery };
    let mut begun = None;
    if let Loading::FromCheckpoint(loader) = &mut loading
        && let Some(checkpoint) = clean::find(host, path, &manifest, &files, &listing.checkpoints)?
        && loader.fits(&checkpoint)
    {
        let damaged = checkpoint.file.damaged();
        begun = Some(Begun { bound: checkpoint.bound, length: checkpoint.length, damaged });
        loader.begin(checkpoint)?;
    }
    let bound = begun.as_ref().map(|begun| &begun.bound);
    let mut recovered = match loading {
        Loading::Whole(loader) => recover(host, path, &manifest, files, terms, Some(&home), (loader, bound))?,
        Loading::FromCheckpoint(loader) => {
            recover(host, path, &manifest, files, terms, Some(&home), (loader, bound))?
        }
    };
    recovered.report.created = created;
    if writable && !listing.is_settled(&manifest) {
        home.check()?;
        remove_temporary(host, path, &listing.temporary)?;
        manifest = aside::end(host, path, manifest)?;
        retire::resume(host, path, &manifest)?;
    }
    let report = std::mem::take(&mut recovered.report);
    let last_lsn = recovered.last;
    // A reader removes none.
    let found = if writable { listing.checkpoints } else { Vec::new() };
    let home = (home, lock, (found, begun));
    let backend = backend_of(host, options, runtime, (manifest, recovered), home, latch)?;
    Ok(Opened { backend, report, last_lsn, cipher: host.cipher.clone() })
}

/// The files of a database that is there. Before anything depends on them they are fsynced: here, or, where a clean close has ended
/// them and nothing is left to do, before the first change.
fn found(host: &Host, home: &Home, listing: &Listing, access: Access) -> Result<(Manifest, Files)> {
    let dir = home.dir();
    let open = |manifest: &Manifest, trust| Files::open(host, dir, manifest, &listing.segments, trust);
    let manifest = Manifest::read(host, dir, false)?;
    if access == Access::ReadOnly {
        let files = open(&manifest, Trust::ReadOnly)?;
        return Ok((manifest, files));
    }
    if manifest.is_closed() && listing.is_settled(&manifest) {
        let files = open(&manifest, Trust::Owed)?;
        if files.are_closed(&manifest) {
            let path = dir.join(manifest::NAME);
            let own = host.vfs.open(&path, OpenMode::ReadWrite);
            let own = own.map_err(|error| Error::io("open", &path, error))?;
            home.owe([vec![(path, own)], files.found()].concat());
            return Ok((manifest, files));
        }
    }
    host.vfs.sync_dir(dir).map_err(|error| Error::io("fsync", dir, error))?;
    let manifest = Manifest::read(host, dir, true)?;
    let files = open(&manifest, Trust::Synced)?;
    Ok((manifest, files))
}

impl Files {
    /// Whether they end exactly where a clean close has ended them.
    pub(crate) fn are_closed(&self, manifest: &Manifest) -> bool {
        let newest = self.segments.last().map(|(segment, len)| (segment.id, *len));
        let closed = manifest.clean.map(|clean| (clean.segment, clean.len));
        newest.is_some() && newest == closed
    }

    /// The files to fsync before anything depends on them.
    pub(crate) fn found(&self) -> Vec<FoundFile> {
        let segments = self.segments.iter().map(|(segment, _)| (segment.path.clone(), segment.file.clone()));
        let snapshot = self.snapshot.iter().map(|(snapshot, _)| snapshot.found());
        segments.chain(snapshot).collect()
    }
}

/// A directory that is locked for this process.
struct Claimed {
    /// With the keys of the database.
    host: Host,
    path: PathBuf,
    latch: Arc<Latch>,
    lock: DirectoryLock,
    home: Arc<Home>,
    listing: Listing,
}

/// Checks the options and the directory, creates it if it may, and locks it.
fn claim(host: &Host, path: &Path, options: &OpenOptions) -> Result<Claimed> {
    options.validate()?;
    if options.storage == StorageMode::Memory {
        return Err(Error::new(Kind::Argument, "storage 'memory' has no directory; open ':memory:'"));
    }
    let path = &*host.vfs.absolute(path).map_err(|error| Error::io("look at", path, error))?;
    let present = Listing::read(host, path)?;
    if let Some(listing) = &present {
        check_fresh(host, path, listing)?;
    }
    check_creation(path, options, present.as_ref())?;
    let key = options.encryption.as_ref();
    let is_there = present.as_ref().is_some_and(|listing| listing.manifest);
    // A wrong key changes nothing, not even by the lock.
    let known = if is_there { unlocked(host, path, key)? } else { host.clone() };
    if present.is_none() {
        create_directories(host, path)?;
    }
    let fresh = !present.is_some_and(|listing| listing.manifest);
    if fresh {
        // Also when a killed process has created the directory: its name may not be durable yet.
        sync_parent(host, path)?;
    }
    let path = host.vfs.real(path).map_err(|error| Error::io("look at", path, error))?;
    let latch = Arc::new(Latch::default());
    let lock = DirectoryLock::acquire(host, &path, options.access)?;
    let host = &known;
    let home = Arc::new(Home::new(host, path.clone(), &lock, latch.clone())?);
    let listing = Listing::read(host, &path)?.unwrap_or_default();
    check_creation(&path, options, Some(&listing))?;
    // The key may have been changed meanwhile, or the database created.
    let host = if listing.manifest { unlocked(host, &path, key)? } else { new_keys(host, key)? };
    Ok(Claimed { host, path, latch, lock, home, listing })
}

/// The storage that continues after what was recovered.
fn backend_of(
    host: &Host,
    options: &OpenOptions,
    runtime: Option<tokio::runtime::Handle>,
    (manifest, recovered): (Manifest, Recovered),
    (home, lock, (found, begun)): (Arc<Home>, DirectoryLock, (Vec<u64>, Option<Begun>)),
    latch: Arc<Latch>,
) -> Result<Arc<dyn StorageBackend>> {
    let sync = options.storage == StorageMode::Sync;
    let last = recovered.last;
    let witness = Arc::new(Witness::new(host.clone(), home.clone(), manifest.witnessed));
    let spill = Arc::new(SpillArea::new(host.clone(), home.clone()));
    let checkpoints = Checkpoints::new(host, home.dir(), found, begun);
    let below = (&recovered.segments[..], recovered.snapshot.as_deref());
    let history = History::load(host, home.dir(), options.history, &manifest, below);
    let segments = Segments::new(host.clone(), home, recovered.segments);
    let generations = Generations::new(
        &segments,
        (options.retention, history),
        manifest,
        recovered.snapshot,
        lock,
        witness.clone(),
        checkpoints,
    );
    if options.access == Access::ReadWrite {
        generations.settle_history(&segments, &latch)?;
    }
    let parts = DiskParts {
        access: options.access,
        segments,
        placing: Placing::new(last, recovered.next_segment, options.segment_size),
        writer: Writer::new(last, recovered.seal_crc, sync, witness.clone()),
        progress: Progress::new(last),
        generations,
        witness,
        spill,
        sealed: recovered.sealed,
    };
    let disk = Disk::new(parts, latch.clone());
    let backend: Arc<dyn StorageBackend> = if sync {
        Arc::new(Checked::new(SyncDiskStorage::new(disk), latch))
    } else {
        let disk = AsyncDiskStorage::new(disk, runtime.as_ref(), options.flush_interval);
        Arc::new(Checked::new(disk, latch))
    };
    if let Some(runtime) = runtime.filter(|_| options.access == Access::ReadWrite) {
        trimmer::begin(&runtime, &backend, host.clock.clone());
    }
    Ok(backend)
}

/// Opens storage in memory.
pub fn open_memory() -> Opened {
    open_memory_after(Lsn(0))
}

/// The same; with a key its copies on disk open with that.
pub fn open_memory_with(host: &Host, key: Option<&EncryptionKey>) -> Result<Opened> {
    Ok(Opened { cipher: new_keys(host, key)?.cipher, ..open_memory() })
}

/// The same as [`open_memory`], for a database whose newest commit has this number.
pub fn open_memory_after(last: Lsn) -> Opened {
    let mut database = [0; 16];
    Host::system().rng.fill(&mut database);
    let storage = MemoryStorage::new(database, last);
    let backend = Arc::new(Checked::new(storage, Arc::new(Latch::default())));
    let report = RecoveryReport { clean: true, created: true, last_lsn: last.0, ..RecoveryReport::default() };
    Opened { backend, report, last_lsn: last, cipher: Cipher::PLAIN }
}

/// The keys of a database that is to be created.
fn new_keys(host: &Host, key: Option<&EncryptionKey>) -> Result<Host> {
    let Some(key) = key else { return Ok(host.with(Cipher::PLAIN)) };
    let mut database = [0; 16];
    host.rng.fill(&mut database);
    Ok(host.with(Cipher::create(key, database, host.random())?))
}

fn check_creation(path: &Path, options: &OpenOptions, listing: Option<&Listing>) -> Result<()> {
    let exists = listing.is_some_and(|listing| listing.manifest);
    if exists && options.creation == Creation::MustBeNew {
        let message = format!("{} already holds a database; open it without errorIfExists", path.display());
        return Err(named(Kind::Io, message, path));
    }
    if exists {
        return Ok(());
    }
    if options.creation == Creation::Never || options.access == Access::ReadOnly {
        let message =
            format!("there is no database at {}; open it once with createIfMissing", path.display());
        return Err(named(Kind::Io, message, path));
    }
    let Some(listing) = listing else { return Ok(()) };
    if let Some(foreign) = &listing.foreign {
        let message = format!(
            "{} holds no database but other files ({foreign}); name a new or an empty directory",
            path.display()
        );
        return Err(named(Kind::Io, message, path));
    }
    Ok(())
}

/// R1: segments without frames, no snapshot and no manifest: the creation was interrupted.
fn check_fresh(host: &Host, dir: &Path, listing: &Listing) -> Result<()> {
    if listing.manifest {
        return Ok(());
    }
    let mut frames = !listing.snapshots.is_empty();
    for id in &listing.segments {
        let path = dir.join(segment_name(*id));
        let file = host.vfs.open(&path, OpenMode::Read).map_err(|error| Error::io("open", &path, error))?;
        frames |= file.len().map_err(|error| Error::io("measure", &path, error))? > SEGMENT_HEADER_LEN;
    }
    if frames {
        return Err(Error::corrupt(
            &dir.join(manifest::NAME),
            0,
            "it is missing, and there is data beside it",
        ));
    }
    Ok(())
}

/// Creates the first segment, durably, before the manifest that names it.
fn create(host: &Host, dir: &Path, options: &OpenOptions, listing: &Listing) -> Result<Manifest> {
    check_fresh(host, dir, listing)?;
    let mut salt = [0; 16];
    host.rng.fill(&mut salt);
    let mut database = [0; 16];
    host.rng.fill(&mut database);
    let database = host.cipher.database().unwrap_or(database);
    let header = SegmentHeader {
        sync: options.storage == StorageMode::Sync,
        encrypted: host.cipher.is_sealing(),
        id: 1,
        base_lsn: Lsn(0),
        salt,
        prev_seal_crc: 0,
    };
    let path = dir.join(segment_name(1));
    let write = || {
        let file = host.vfs.open(&path, OpenMode::Create)?;
        file.set_len(0)?;
        write_all_at(&*file, 0, &header.encode())?;
        file.sync_all()?;
        host.vfs.sync_dir(dir)
    };
    write().map_err(|error| Error::io("create", &path, error))?;
    let manifest = Manifest::of_new(database, &host.cipher);
    manifest.replace(host, dir)?;
    Ok(manifest)
}

/// R6: removes what a writer left unfinished. Creating the database may have used and renamed the name since.
fn remove_temporary(host: &Host, dir: &Path, names: &[String]) -> Result<()> {
    for name in names {
        let tmp = dir.join(name);
        retire::remove(host, &tmp)?;
    }
    Ok(())
}

/// Creates a directory and its missing parents, durably except for its own name.
fn create_directories(host: &Host, path: &Path) -> Result<()> {
    let failed = |error| Error::io("create directory", path, error);
    if let Some(parent) = parent(path) {
        create_parents(host, parent)?;
    }
    match host.vfs.create_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map_err(failed),
    }
}

/// Creates a directory and its missing parents, durably.
pub(crate) fn create_parents(host: &Host, path: &Path) -> Result<()> {
    if host.vfs.kind(path).map_err(|error| Error::io("create directory", path, error))?.is_none() {
        create_directories(host, path)?;
        sync_parent(host, path)?;
    }
    Ok(())
}

fn sync_parent(host: &Host, path: &Path) -> Result<()> {
    let parent = parent(path).unwrap_or(Path::new("."));
    host.vfs.sync_dir(parent).map_err(|error| Error::io("fsync", parent, error))
}

fn parent(path: &Path) -> Option<&Path> {
    path.parent().filter(|parent| !parent.as_os_str().is_empty())
}
