//! All segments and snapshots of a database, written again. They get numbers above those in use, so that both sets of files can
//! stand in the directory until MANIFEST changes from one to the other.

use std::path::Path;
use std::sync::Arc;

use super::copy::{self, End};
use crate::error::{Error, Kind, Result};
use crate::storage::contract::backend::Lsn;
use crate::storage::format::manifest::{Clean, Manifest};
use crate::storage::format::segment::{Segment, segment_name};
use crate::storage::format::snapshot::snapshot_name;
use crate::storage::format::version::LARGEST_NUMBER;
use crate::storage::generation::history::backups;
use crate::storage::generation::kept_snapshots::{self, KeptSnapshot};
use crate::storage::generation::retire;
use crate::storage::generation::snapshot_file::SnapshotFile;
use crate::storage::host::system::Host;
use crate::storage::log::kept::find;

/// What is written again: the files of a recovered database.
pub(crate) struct Source<'s> {
    /// With its keys.
    pub(crate) host: &'s Host,
    pub(crate) dir: &'s Path,
    pub(crate) manifest: &'s Manifest,
    /// Of the generation, in order; each ends with its SEAL.
    pub(crate) segments: &'s [Arc<Segment>],
    pub(crate) snapshot: Option<&'s SnapshotFile>,
    /// The last commit, and the checksum of the last SEAL.
    pub(crate) end: (Lsn, u32),
    /// The first number of segments that is free.
    pub(crate) free: u64,
}

/// What was written.
pub(crate) struct Resealed {
    /// Makes the new files those of the database.
    pub(crate) manifest: Manifest,
    /// The segments that it continues.
    pub(crate) segments: Vec<u64>,
    /// Bytes of the files.
    pub(crate) bytes: u64,
    /// Why a part of the history was not written again.
    pub(crate) lost: Option<Error>,
}

/// The history that was written again.
#[derive(Default)]
struct History {
    /// Of each segment its number before, and the checksum of the SEAL that it follows now.
    follows: Vec<(u64, u32)>,
    /// How the last ends.
    end: Option<End>,
    bytes: u64,
}

/// Writes the files of a database again with the keys of `to`.
pub(crate) fn write(source: &Source<'_>, to: &Host) -> Result<Resealed> {
    let Source { host, dir, manifest, segments, snapshot, .. } = *source;
    let folders = backups(host, dir);
    let (kept, mut lost) = kept_segments(source);
    let (history, broken) = write_history(source, to, &kept)?;
    lost = broken.or(lost);
    let shift = |id: u64| id - manifest.first_segment + source.free + history.follows.len() as u64;
    let mut next = Manifest {
        first_segment: shift(manifest.first_segment),
        snapshot: None,
        clean: None,
        history: if history.follows.is_empty() { 0 } else { source.free },
        past: 0,
        from_nothing: 0,
        fence: 0,
        witnessed: None,
        ..manifest.clone()
    }
    .wrapped_by(&to.cipher);
    let (mut before, mut bytes, mut ids) = (history.end, history.bytes, Vec::new());
    let mut first_follows = None;
    for segment in segments {
        let id = shift(segment.id);
        let copied = copy::segment(to, dir, segment, id, before)?;
        first_follows.get_or_insert(copied.follows);
        next.clean = Some(Clean { segment: id, len: copied.len, lsn: copied.end.last.0 });
        before = Some(copied.end);
        bytes += copied.len;
        ids.push(id);
    }
    let first_follows = first_follows.unwrap_or_else(|| history.end.map_or(source.end.1, |end| end.new));
    if ids.is_empty() {
        copy::empty_segment(to, dir, next.first_segment, (source.end.0, first_follows))?;
        ids.push(next.first_segment);
    }
    // Snapshots, the oldest first: each has the number of its generation, which all grow by the same.
    let place = |id: u64| history.follows.iter().position(|(old, _)| *old == id);
    let found = kept_snapshots::load(host, dir, manifest, &folders, |lsn| {
        kept.iter().filter(|segment| segment.base == lsn).map(|segment| segment.id).collect()
    });
    lost = lost.or(found.damage);
    let old: Vec<(KeptSnapshot, u32)> = found
        .snapshots
        .into_iter()
        .filter_map(|kept| place(kept.first).map(|at| (kept, history.follows.get(at).map_or(0, |one| one.1))))
        .collect();
    let lowest = old.first().map(|(kept, _)| kept.named.id).or(snapshot.map(|file| file.id));
    let more = manifest.generation + 1 - lowest.unwrap_or(manifest.generation);
    next.generation = manifest.generation + more;
    if next.generation.max(next.first_segment + segments.len() as u64) > LARGEST_NUMBER {
        return Err(Error::new(Kind::Limit, "the numbers of segments or generations are used up"));
    }
    for (kept, follows) in &old {
        let id = kept.named.id + more;
        let named = kept.open(host, dir).and_then(|(file, _)| copy::snapshot(to, dir, &file, id, *follows));
        match named {
            Ok(named) => bytes += named.len,
            // Opening passes over one that is not there.
            Err(error) if error.is_damage() => {
                retire::remove(host, &dir.join(snapshot_name(id)))?;
                lost = lost.or(Some(error));
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(file) = snapshot {
        let named = copy::snapshot(to, dir, file, file.id + more, first_follows)?;
        bytes += named.len;
        next.snapshot = Some(named);
    }
    if manifest.past > 0 && next.history > 0 {
        next.past = old.first().map_or(next.generation, |(kept, _)| kept.named.id + more);
    }
    let is_whole = history.follows.first().is_some_and(|(id, _)| *id == manifest.from_nothing);
    if is_whole && manifest.from_nothing > 0 {
        next.from_nothing = next.history;
    }
    Ok(Resealed { manifest: next, segments: ids, bytes, lost })
}

/// The segments that are kept for the history, in order, and why the one before them cannot be read.
fn kept_segments(source: &Source<'_>) -> (Vec<Segment>, Option<Error>) {
    let Source { host, dir, manifest, .. } = *source;
    let folders = backups(host, dir);
    let (mut kept, mut damage) = (Vec::new(), None);
    for id in (manifest.oldest_segment()..manifest.first_segment).rev() {
        match find(host, dir, id, &folders) {
            Ok(Some((segment, _))) => kept.push(segment),
            Ok(None) => break,
            Err(error) => {
                damage = Some(error);
                break;
            }
        }
    }
    kept.reverse();
    (kept, damage)
}

/// Writes the segments of the history again: from the first on behind which all are whole and follow each other. Returns why that is
/// not the first of all.
fn write_history(source: &Source<'_>, to: &Host, kept: &[Segment]) -> Result<(History, Option<Error>)> {
    let mut damage = None;
    let mut begin = 0;
    loop {
        let mut history = History::default();
        let rest = kept.get(begin..).unwrap_or_default();
        let broken = rest.iter().zip(source.free..).find_map(|(segment, id)| {
            match copy::segment(to, source.dir, segment, id, history.end) {
                Ok(copied) => {
                    history.follows.push((segment.id, copied.follows));
                    history.end = Some(copied.end);
                    history.bytes += copied.len;
                    None
                }
                Err(error) => Some(error),
            }
        });
        // The log goes on behind the snapshot.
        let due = source.snapshot.map(|file| (file.lsn, file.seal_crc));
        let is_broken = |end: &End| due.is_some_and(|due| due != (end.last, end.old));
        let error = match broken {
            Some(error) if !error.is_damage() => return Err(error),
            Some(error) => error,
            None if history.end.as_ref().is_some_and(is_broken) => {
                let what = "the history does not end where the log goes on";
                rest.last().map_or_else(
                    || Error::new(Kind::Corrupt, what),
                    |last| Error::corrupt(&last.path, 0, what),
                )
            }
            None => return Ok((history, damage)),
        };
        for id in source.free..=source.free + history.follows.len() as u64 {
            retire::remove(source.host, &source.dir.join(segment_name(id)))?;
        }
        // Where one does not follow the one before, it is itself the first of the rest; a damaged one is not.
        begin += history.follows.len().max(1);
        damage = Some(error);
    }
}
