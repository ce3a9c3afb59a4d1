//! The report of a database that opened, with the content of each file; and the additions to the report of one that did not.

use std::collections::BTreeMap;
use std::path::Path;

use super::inspect::{Inspected, listed};
use super::past;
use super::recovery::RecoveryReport;
use super::report::{FileReport, blank, damage_of};
use crate::error::{Error, Result};
use crate::storage::contract::backend::{FileId, Lsn, Replayed};
use crate::storage::format::manifest;
use crate::storage::format::manifest::Manifest;
use crate::storage::format::segment::{SEGMENT_HEADER_LEN, parse_segment_name, segment_name};
use crate::storage::format::snapshot::snapshot_name;
use crate::storage::generation::snapshot_file::SnapshotFile;
use crate::storage::host::home::Trust;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::OpenMode;

impl Inspected {
    /// Adds the error of opening to the report of its file, if that has no damage yet.
    pub fn blame(&mut self, error: &Error) {
        let file = error.details().file.as_deref().and_then(Path::file_name);
        let name = file.map_or_else(|| manifest::NAME.to_owned(), |name| name.to_string_lossy().into_owned());
        let found = damage_of(error, None);
        self.clean = false;
        match self.files.iter_mut().find(|report| report.file == name) {
            Some(report) => {
                report.first_damage.get_or_insert(found);
            }
            None => {
                let kind = if parse_segment_name(&name).is_some() { "segment" } else { "snapshot" };
                self.files.push(FileReport { first_damage: Some(found), ..blank(name, kind) });
            }
        }
    }
}

/// What a loader received from a valid database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Read {
    /// Blocks of the snapshot.
    pub snapshot_blocks: u64,
    /// Commits of each segment, and blocks in them.
    segments: BTreeMap<u64, (u64, u64)>,
    /// The segment of the last commit: a commit without blocks has no location.
    last: u64,
}

impl Read {
    /// Counts a commit.
    pub(crate) fn count(&mut self, commit: &Replayed) {
        if let Some(FileId::Segment(id)) = commit.blocks.first().map(|block| block.place.file) {
            self.last = id;
        }
        let (frames, blocks) = self.segments.entry(self.last).or_default();
        *frames += 1;
        *blocks += commit.blocks.len() as u64;
    }
}

/// The files of a database that was opened read-only and read completely, under a lock that is still held.
pub(crate) fn list_whole(host: &Host, dir: &Path, read: &Read, report: &RecoveryReport) -> Result<Inspected> {
    let manifest = Manifest::read(host, dir, false)?;
    let measured = |name: String, kind: &'static str| {
        let path = dir.join(&name);
        let file = host.vfs.open(&path, OpenMode::Read).map_err(|error| Error::io("open", &path, error))?;
        let bytes = file.len().map_err(|error| Error::io("measure", &path, error))?;
        Ok::<_, Error>(FileReport { bytes, ..blank(name, kind) })
    };
    let mut files = vec![measured(manifest::NAME.to_owned(), "manifest")?];
    let listing = listed(host, dir)?;
    let snapshot = match &manifest.snapshot {
        Some(named) => Some(SnapshotFile::open(host, dir, named, Trust::ReadOnly)?.0),
        None => None,
    };
    let end = snapshot.map(|snapshot| (snapshot.lsn, snapshot.seal_crc));
    files.extend(past::check_all(host, dir, &manifest, &listing, end)?);
    if let Some(named) = &manifest.snapshot {
        let blocks = read.snapshot_blocks;
        files.push(FileReport { blocks, ..measured(snapshot_name(named.id), "snapshot")? });
    }
    for id in listing.segments.into_iter().filter(|id| manifest.has_segment(*id)) {
        let (frames, blocks) = read.segments.get(&id).copied().unwrap_or_default();
        files.push(FileReport { frames, blocks, ..measured(segment_name(id), "segment")? });
    }
    let newest =
        files.iter_mut().rev().find(|file| file.bytes > SEGMENT_HEADER_LEN && file.kind == "segment");
    if let Some(newest) = newest {
        newest.torn_bytes = report.bytes_cut;
    }
    Ok(Inspected { files, last_lsn: Lsn(report.last_lsn), clean: report.clean })
}
