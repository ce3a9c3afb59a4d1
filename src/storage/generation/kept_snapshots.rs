//! Snapshots of replaced generations that are kept with the log behind them, so that the states after them can be read again.
//!
//! MANIFEST names the first of them; what each holds is in its file. One without the log behind it is of no use, and one that cannot
//! be read takes only its own states away.

use std::path::Path;

use super::retire;
use super::snapshot_file::SnapshotFile;
use crate::error::{Error, Result};
use crate::storage::contract::backend::Lsn;
use crate::storage::format::manifest::{Manifest, SnapshotRef};
use crate::storage::format::segment::{SEGMENT_HEADER_LEN, Segment, SegmentHeader};
use crate::storage::format::snapshot::Entry;
use crate::storage::host::home::Trust;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::read_exact_at;
use crate::storage::log::kept::{Backup, find};

/// A snapshot, and where the log behind it begins.
#[derive(Clone)]
pub(crate) struct KeptSnapshot {
    pub(crate) named: SnapshotRef,
    /// The last commit in it.
    pub(crate) lsn: Lsn,
    /// No commit in it is later; `None` where that cannot be read.
    pub(crate) time: Option<i64>,
    /// The first segment behind it.
    pub(crate) first: u64,
    /// The generation that is kept, and the folder to which its files are moved.
    pub(crate) moved: Option<Backup>,
}

impl KeptSnapshot {
    /// An open one, and the first segment behind it.
    pub(crate) fn of(
        named: SnapshotRef,
        file: &SnapshotFile,
        first: u64,
        moved: Option<Backup>,
    ) -> KeptSnapshot {
        KeptSnapshot { named, lsn: file.lsn, time: file.time(), first, moved }
    }

    /// Its bytes; 0 where they are kept for a backup anyway.
    pub(crate) fn bytes(&self) -> u64 {
        if self.moved.is_some() { 0 } else { self.named.len }
    }

    /// Opens its file, which may not have been moved yet.
    pub(crate) fn open(&self, host: &Host, dir: &Path) -> Result<(SnapshotFile, Vec<Entry>)> {
        let opened = SnapshotFile::open(host, dir, &self.named, Trust::ReadOnly);
        match (&self.moved, opened) {
            (Some((_, folder)), Err(_)) => SnapshotFile::open(host, folder, &self.named, Trust::ReadOnly),
            (_, opened) => opened,
        }
    }
}

/// Those that a manifest keeps.
#[derive(Default)]
pub(crate) struct Found {
    /// Those that are there, the oldest first.
    pub(crate) snapshots: Vec<KeptSnapshot>,
    /// Why one of them, or the directory, cannot be read.
    pub(crate) damage: Option<Error>,
}

/// Looks for those that a manifest keeps. `segments` are the numbers of those that may be behind one, which is told by its last commit.
pub(crate) fn load(
    host: &Host,
    dir: &Path,
    manifest: &Manifest,
    folders: &[Backup],
    segments: impl Fn(Lsn) -> Vec<u64>,
) -> Found {
    let mut found = Found::default();
    if manifest.past == 0 {
        return found;
    }
    let folders_of = folders.iter().map(|moved| (moved.1.as_path(), Some(moved)));
    for (folder, moved) in std::iter::once((dir, None)).chain(folders_of) {
        let listed = retire::snapshots(host, folder).unwrap_or_else(|error| {
            found.damage.get_or_insert(error);
            Vec::new()
        });
        for id in listed.into_iter().filter(|id| manifest.keeps_snapshot(*id)) {
            match read(host, (dir, folder), id, folders, moved.cloned(), &segments) {
                Ok(kept) => found.snapshots.extend(kept),
                Err(error) => {
                    found.damage.get_or_insert(error);
                }
            }
        }
    }
    found.snapshots.sort_unstable_by_key(|kept| kept.named.id);
    found.snapshots.dedup_by_key(|kept| kept.named.id);
    found
}

fn read(
    host: &Host,
    (dir, folder): (&Path, &Path),
    id: u64,
    folders: &[Backup],
    moved: Option<Backup>,
    segments: &impl Fn(Lsn) -> Vec<u64>,
) -> Result<Option<KeptSnapshot>> {
    let named = SnapshotFile::reference_in(host, folder, id)?;
    let file = SnapshotFile::open_to_prove(host, folder, &named)?;
    for first in segments(file.lsn) {
        // One that cannot be read is not the one behind it.
        let Ok(Some((segment, _))) = find(host, dir, first, folders) else { continue };
        if segment.base == file.lsn && seal_before(&segment)? == file.seal_crc {
            return Ok(Some(KeptSnapshot::of(named, &file, first, moved)));
        }
    }
    Ok(None)
}

/// The checksum of the SEAL that a segment follows.
fn seal_before(segment: &Segment) -> Result<u32> {
    let mut bytes = [0; SEGMENT_HEADER_LEN as usize];
    read_exact_at(&*segment.file, 0, &mut bytes).map_err(|error| Error::io("read", &segment.path, error))?;
    Ok(SegmentHeader::decode(&bytes, &segment.path)?.prev_seal_crc)
}
