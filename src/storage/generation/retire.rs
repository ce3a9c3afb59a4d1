//! Retires what a new generation replaced: moves it to `backup/<generation>/` with its manifest, or removes it.
//!
//! `backup/<generation>/MANIFEST.tmp` lists the files of the backup and is durable before the database's manifest is
//! replaced. Then the files are moved, and the rename to `MANIFEST` marks the backup as complete. A crash in between leaves
//! MANIFEST.tmp, and the next opening continues the move; if the database's manifest was not replaced, it is removed.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Details, Error, Kind, Result};
use crate::storage::format::checkpoint::{is_unfinished_name, parse_checkpoint_name};
use crate::storage::format::manifest;
use crate::storage::format::manifest::Manifest;
use crate::storage::format::segment::parse_segment_name;
use crate::storage::format::snapshot::{is_temporary_name, parse_snapshot_name};
use crate::storage::format::spill::is_spill_name;
use crate::storage::host::home::{make_folder, not_a_folder};
use crate::storage::host::lock::{LOCK_NAME, OWNER_NAME};
use crate::storage::host::system::Host;
use crate::storage::host::vfs::EntryKind;

/// Name of the directory of kept generations.
pub(crate) const FOLDER: &str = "backup";

/// Records durably which files will belong to the backup of this manifest's generation.
pub(crate) fn announce(host: &Host, dir: &Path, old: &Manifest) -> Result<()> {
    let backups = dir.join(FOLDER);
    let folder = folder(dir, old.generation);
    make_folder(host, &backups)?;
    sync_dir(host, dir)?;
    make_folder(host, &folder)?;
    sync_dir(host, &backups)?;
    if exists(host, &folder.join(manifest::NAME))? {
        let message = format!("{} holds a backup already; move it elsewhere", folder.display());
        let details = Details { file: Some(folder), ..Details::default() };
        return Err(Error::new(Kind::Io, message).with_details(details));
    }
    old.write_aside(host, &folder)?;
    sync_dir(host, &folder)
}

/// Moves the files of an announced backup that have not moved yet.
pub(crate) fn finish(host: &Host, dir: &Path, generation: u64) -> Result<()> {
    let folder = folder(dir, generation);
    let old = Manifest::read_named(host, &folder.join(manifest::TMP_NAME), false)?;
    for name in names(host, dir, EntryKind::File)? {
        if belongs(&old, &name) {
            let from = dir.join(&name);
            host.vfs.rename(&from, &folder.join(&name)).map_err(|error| Error::io("move", &from, error))?;
        }
    }
    sync_dir(host, &folder)?;
    Manifest::put_in_place(host, &folder)
}

/// Removes backups of generations of this database before `oldest`.
pub(crate) fn prune(host: &Host, dir: &Path, database: &[u8; 16], oldest: u64) -> Result<()> {
    for generation in generations(host, dir)?.into_iter().filter(|generation| *generation < oldest) {
        let folder = folder(dir, generation);
        match manifest_in(host, &folder) {
            Ok(Some(kept)) if kept.database != *database || kept.generation != generation => {
                tracing::warn!(folder = %folder.display(), "what is there belongs to another database and stays");
                continue;
            }
            Err(error) => {
                tracing::warn!(%error, "an old generation that cannot be told from another database stays");
                continue;
            }
            Ok(_) => {}
        }
        // The manifest is removed first, durably: a half-removed backup must not look complete.
        remove(host, &folder.join(manifest::NAME))?;
        remove(host, &folder.join(manifest::TMP_NAME))?;
        clear(host, &folder)?;
    }
    Ok(())
}

/// The folders of the kept generations that are complete.
pub(crate) fn complete(host: &Host, dir: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for generation in generations(host, dir)? {
        let folder = folder(dir, generation);
        if exists(host, &folder.join(manifest::NAME))? {
            folders.push(folder);
        }
    }
    Ok(folders)
}

/// The manifest of a kept generation, or the one that announces it.
fn manifest_in(host: &Host, folder: &Path) -> Result<Option<Manifest>> {
    for name in [manifest::NAME, manifest::TMP_NAME] {
        let path = folder.join(name);
        if exists(host, &path)? {
            return Manifest::read_named(host, &path, false).map(Some);
        }
    }
    Ok(None)
}

/// Removes the rest of a backup after its manifest is durably gone.
fn clear(host: &Host, folder: &Path) -> Result<()> {
    sync_dir(host, folder)?;
    let files = names(host, folder, EntryKind::File)?;
    for name in files.iter().filter(|name| is_ours(name)) {
        remove(host, &folder.join(name))?;
    }
    // Other files keep the directory.
    let _ = host.vfs.remove_dir(folder);
    Ok(())
}

/// R6: continues a retirement that a crash interrupted, and removes leftovers of older generations.
pub(crate) fn resume(host: &Host, dir: &Path, manifest: &Manifest) -> Result<()> {
    for generation in generations(host, dir)? {
        let folder = folder(dir, generation);
        if !exists(host, &folder.join(manifest::TMP_NAME))? {
            if generation < manifest.generation && !exists(host, &folder.join(manifest::NAME))? {
                clear(host, &folder)?;
            }
            continue;
        }
        if generation < manifest.generation && exists(host, &folder.join(manifest::NAME))? {
            // It is complete, and its manifest was being replaced by one with another key.
            remove(host, &folder.join(manifest::TMP_NAME))?;
        } else if generation < manifest.generation {
            finish(host, dir, generation)?;
        } else {
            remove(host, &folder.join(manifest::TMP_NAME))?;
            // The database's manifest was put back by hand: the backup is the database's own generation.
            let _ = host.vfs.remove_dir(&folder);
        }
    }
    for name in names(host, dir, EntryKind::File)? {
        let is_left = parse_segment_name(&name).is_some_and(|id| is_left_segment(manifest, id))
            || parse_snapshot_name(&name).is_some_and(|id| is_left_snapshot(manifest, id));
        if is_left {
            remove(host, &dir.join(name))?;
        }
    }
    Ok(())
}

/// Whether this segment is of an older generation, and not kept.
pub(crate) fn is_left_segment(manifest: &Manifest, id: u64) -> bool {
    id < manifest.oldest_segment()
}

/// The same of a snapshot. A compaction that failed before its commit point leaves the one of the next generation: once the manifest
/// is durable, nothing will ever name that. Newer ones are not ours.
pub(crate) fn is_left_snapshot(manifest: &Manifest, id: u64) -> bool {
    let named = manifest.snapshot.map_or(0, |snapshot| snapshot.id);
    id < named && !manifest.keeps_snapshot(id) || id == manifest.generation + 1
}

/// Removes a file, if it is there.
pub(crate) fn remove(host: &Host, path: &Path) -> Result<()> {
    match host.vfs.remove(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path, error)),
        _ => Ok(()),
    }
}

fn belongs(old: &Manifest, name: &str) -> bool {
    let last = old.clean.map_or(0, |clean| clean.segment);
    parse_segment_name(name).is_some_and(|id| (old.first_segment..=last).contains(&id))
        || parse_snapshot_name(name).is_some_and(|id| old.snapshot.is_some_and(|snapshot| snapshot.id == id))
}

/// Whether this is a name that the database uses in its directory.
pub(crate) fn is_own_name(name: &str) -> bool {
    is_ours(name)
        || matches!(name, manifest::NAME | manifest::TMP_NAME)
        || is_temporary_name(name)
        || is_spill_name(name)
        || is_unfinished_name(name)
}

fn is_ours(name: &str) -> bool {
    matches!(name, LOCK_NAME | OWNER_NAME)
        || parse_segment_name(name).is_some()
        || parse_snapshot_name(name).is_some()
        || parse_checkpoint_name(name).is_some()
}

pub(super) fn folder(dir: &Path, generation: u64) -> PathBuf {
    dir.join(FOLDER).join(generation.to_string())
}

/// The generations that have a directory in `backup/`.
pub(super) fn generations(host: &Host, dir: &Path) -> Result<Vec<u64>> {
    let backups = dir.join(FOLDER);
    match host.vfs.entry(&backups).map_err(|error| Error::io("look at", &backups, error))? {
        None => return Ok(Vec::new()),
        Some(EntryKind::Directory) => {}
        Some(kind) => return Err(not_a_folder(&backups, kind)),
    }
    let mut found: Vec<u64> = names(host, &backups, EntryKind::Directory)?
        .iter()
        .filter_map(|name| name.parse().ok().filter(|id: &u64| id.to_string() == *name))
        .collect();
    found.sort_unstable();
    Ok(found)
}

/// The segments in a directory.
pub(super) fn segments(host: &Host, dir: &Path) -> Result<Vec<u64>> {
    Ok(names(host, dir, EntryKind::File)?.iter().filter_map(|name| parse_segment_name(name)).collect())
}

/// The snapshots in a directory; none where there is no directory.
pub(super) fn snapshots(host: &Host, dir: &Path) -> Result<Vec<u64>> {
    if !exists(host, dir)? {
        return Ok(Vec::new());
    }
    Ok(names(host, dir, EntryKind::File)?.iter().filter_map(|name| parse_snapshot_name(name)).collect())
}

fn names(host: &Host, dir: &Path, kind: EntryKind) -> Result<Vec<String>> {
    let entries = host.vfs.read_dir(dir).map_err(|error| Error::io("list", dir, error))?;
    Ok(entries.into_iter().filter(|entry| entry.kind == kind).map(|entry| entry.name).collect())
}

fn exists(host: &Host, path: &Path) -> Result<bool> {
    Ok(host.vfs.kind(path).map_err(|error| Error::io("look at", path, error))?.is_some())
}

fn sync_dir(host: &Host, dir: &Path) -> Result<()> {
    host.vfs.sync_dir(dir).map_err(|error| Error::io("fsync", dir, error))
}
