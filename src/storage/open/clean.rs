//! Opening from a checkpoint: neither the snapshot nor the log before its clean end is read.

use std::path::Path;

use super::listing::Listing;
use super::recovery::Files;
use crate::error::{Kind, Result};
use crate::storage::contract::backend::Loader;
use crate::storage::format::checkpoint::{Bound, checkpoint_name};
use crate::storage::format::frame::{FrameHeader, FrameKind, HEADER_LEN};
use crate::storage::format::manifest::Manifest;
use crate::storage::host::home::Trust;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::read_exact_at;
use crate::storage::runs::file::RunFile;

/// If the log after a checkpoint has this share of all bytes or more, reading everything is faster than replaying it.
const LARGE_SHARE: u64 = 2;
/// A log of at most so many bytes is always replayed on its checkpoint.
const SMALL: u64 = 4 << 20;

/// The checkpoint that an opening begins with.
pub(crate) struct FromCheckpoint {
    /// Its state.
    pub bound: Bound,
    /// Its pages.
    pub file: RunFile,
    /// Its length.
    pub length: u64,
    /// What the engine wrote into its catalogue.
    pub catalogue: Vec<u8>,
}

/// A loader that can begin with a checkpoint.
pub(crate) trait CheckpointLoader: Loader {
    /// Whether this program understands the checkpoint; else it is passed over.
    fn fits(&self, checkpoint: &FromCheckpoint) -> bool;
    /// Takes the state of the checkpoint; frames after it follow.
    fn begin(&mut self, checkpoint: FromCheckpoint) -> Result<()>;
}

/// The checkpoint that opening this directory would begin with. Nothing is changed.
pub(crate) fn of_directory(host: &Host, dir: &Path) -> Result<Option<FromCheckpoint>> {
    let Some(listing) = Listing::read(host, dir)? else { return Ok(None) };
    let manifest = Manifest::read(host, dir, false)?;
    let files = Files::open(host, dir, &manifest, &listing.segments, Trust::ReadOnly)?;
    find(host, dir, &manifest, &files, &listing.checkpoints)
}

/// The newest checkpoint that fits the files, if opening from it is faster; `found` are the LSNs of all checkpoints. One that cannot
/// be read is passed over, but not one that was changed on purpose.
pub(crate) fn find(
    host: &Host,
    dir: &Path,
    manifest: &Manifest,
    files: &Files,
    found: &[u64],
) -> Result<Option<FromCheckpoint>> {
    let mut found = found.to_vec();
    found.sort_unstable();
    for lsn in found.into_iter().rev() {
        match read(host, dir, manifest, files, lsn) {
            Ok(None) => {}
            Err(error) if error.kind() != Kind::Tampered => {
                tracing::info!(%error, "a checkpoint cannot be used");
            }
            other => return other,
        }
    }
    Ok(None)
}

/// The checkpoint at this LSN; `None` if it is of another state, or if opening from it is not faster.
fn read(
    host: &Host,
    dir: &Path,
    manifest: &Manifest,
    files: &Files,
    lsn: u64,
) -> Result<Option<FromCheckpoint>> {
    let Some(checkpoint) = open(host, dir, &manifest.database, lsn)? else { return Ok(None) };
    let bound = &checkpoint.bound;
    let of_snapshot = files
        .snapshot
        .as_ref()
        .and_then(|(snapshot, _)| Bound::of_snapshot(manifest, snapshot.lsn.0, snapshot.seal_crc));
    let is_state = of_snapshot.is_some_and(|state| state == *bound) || is_end(files, bound);
    if bound.clean.lsn != lsn || bound.generation != manifest.generation || !is_state {
        return Ok(None);
    }
    let all: u64 = files.segments.iter().map(|(_, len)| len).sum();
    let all = all + files.snapshot.as_ref().map_or(0, |(snapshot, _)| snapshot.len);
    let behind = files.segments.iter().filter(|(segment, _)| segment.id > bound.clean.segment);
    let behind: u64 = behind.map(|(_, len)| len).sum();
    if behind > SMALL && behind > all / LARGE_SHARE {
        return Ok(None);
    }
    Ok(Some(checkpoint))
}

/// The checkpoint at this LSN, whether or not the log is the one that it is of.
pub(crate) fn open(host: &Host, dir: &Path, database: &[u8; 16], lsn: u64) -> Result<Option<FromCheckpoint>> {
    let path = dir.join(checkpoint_name(lsn));
    let (file, foot, reference) = RunFile::open_named(host, &path, database, lsn)?;
    let catalogue = file.catalogue(&foot)?;
    let Some((bound, contents)) = Bound::decode(*database, &catalogue) else { return Ok(None) };
    let catalogue = contents.to_vec();
    Ok(Some(FromCheckpoint { bound, file, length: reference.length, catalogue }))
}

/// Whether the log has this clean end.
fn is_end(files: &Files, bound: &Bound) -> bool {
    let Bound { clean, seal_crc, .. } = bound;
    let found = files.segments.iter().find(|(segment, _)| segment.id == clean.segment);
    let Some((segment, _)) = found.filter(|(_, len)| *len == clean.len) else { return false };
    let seal_len = segment.seed.seal_len();
    let Some(at) = clean.len.checked_sub(seal_len) else { return false };
    let mut bytes = vec![0; seal_len as usize];
    let seal = read_exact_at(&*segment.file, at, &mut bytes).ok();
    let seal = seal.and_then(|()| FrameHeader::decode(&bytes, segment.seed, at));
    seal.is_some_and(|seal| {
        seal.kind == FrameKind::Seal
            && seal.lsn.0 == clean.lsn
            && seal.head_crc == *seal_crc
            && seal.is_genuine(segment.cipher(), at, bytes.get(HEADER_LEN..).unwrap_or_default())
    })
}
