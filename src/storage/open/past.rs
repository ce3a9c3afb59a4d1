//! Checks the segments and snapshots that are kept for the history. Opening does not read them, so their damage is told here, and to
//! those who read them.
//!
//! One that is missing is no damage: the history begins after it.

use std::io::ErrorKind;
use std::path::Path;

use super::listing::Listing;
use super::report::{Damage, FileReport, blank, damage, damage_of};
use crate::error::{Error, Result};
use crate::storage::contract::backend::{Lsn, ReadBack, SnapshotProof};
use crate::storage::format::manifest::Manifest;
use crate::storage::format::segment::{SEGMENT_HEADER_LEN, Segment, SegmentHeader, segment_name};
use crate::storage::format::snapshot::snapshot_name;
use crate::storage::generation::snapshot_file::SnapshotFile;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{OpenMode, read_exact_at};
use crate::storage::log::frames::Frames;

/// The last commit of a segment, and the checksum of its SEAL.
pub(crate) type End = (Lsn, u32);

/// Those of the segments found that are kept for the history: the newest without a gap.
pub(crate) fn kept<'f>(manifest: &Manifest, found: &'f [u64]) -> &'f [u64] {
    let below = &found[..found.partition_point(|id| *id < manifest.first_segment)];
    let due = (manifest.oldest_segment()..manifest.first_segment).rev();
    let count = below.iter().rev().zip(due).take_while(|(id, due)| **id == *due).count();
    &below[below.len() - count..]
}

/// The reports of all that is kept for the history; `end` is where the last of its segments should end, if that is known.
pub(crate) fn check_all(
    host: &Host,
    dir: &Path,
    manifest: &Manifest,
    listing: &Listing,
    end: Option<End>,
) -> Result<Vec<FileReport>> {
    let mut reports = check(host, dir, kept(manifest, &listing.segments), end)?;
    reports.extend(check_snapshots(host, dir, manifest, &listing.snapshots)?);
    Ok(reports)
}

/// The reports of the snapshots found that are kept for earlier states.
pub(crate) fn check_snapshots(
    host: &Host,
    dir: &Path,
    manifest: &Manifest,
    found: &[u64],
) -> Result<Vec<FileReport>> {
    let mut reports = Vec::new();
    for id in found.iter().copied().filter(|id| manifest.keeps_snapshot(*id)) {
        let mut report = blank(snapshot_name(id), "snapshot");
        match check_snapshot(host, dir, id, &mut report) {
            Ok(()) => {}
            Err(error) if error.is_damage() => report.first_damage = Some(damage_of(&error, None)),
            // It was given up meanwhile.
            Err(_) if host.vfs.kind(&dir.join(&report.file)).is_ok_and(|kind| kind.is_none()) => continue,
            Err(error) => return Err(error),
        }
        reports.push(report);
    }
    Ok(reports)
}

fn check_snapshot(host: &Host, dir: &Path, id: u64, report: &mut FileReport) -> Result<()> {
    let named = SnapshotFile::reference_in(host, dir, id)?;
    report.bytes = named.len;
    let file = SnapshotFile::open_to_prove(host, dir, &named)?;
    file.prove(&mut Counted(&mut report.blocks))
}

/// Counts the blocks whose checksums are right.
struct Counted<'r>(&'r mut u64);

impl SnapshotProof for Counted<'_> {
    fn block(&mut self, _: &ReadBack<'_>) -> Result<()> {
        *self.0 += 1;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The reports of these segments, which follow each other; `end` is where the last of them should end, if that is known.
pub(crate) fn check(host: &Host, dir: &Path, ids: &[u64], end: Option<End>) -> Result<Vec<FileReport>> {
    let mut reports = Vec::new();
    let mut before = None;
    for (n, id) in ids.iter().enumerate() {
        let after = end.filter(|_| n + 1 == ids.len());
        let Some((report, end)) = check_one(host, dir, *id, before, after)? else { continue };
        before = end;
        reports.push(report);
    }
    Ok(reports)
}

/// The report of one segment, which should begin and end like this, and its end; `None` if it is gone meanwhile.
fn check_one(
    host: &Host,
    dir: &Path,
    id: u64,
    before: Option<End>,
    after: Option<End>,
) -> Result<Option<(FileReport, Option<End>)>> {
    let path = dir.join(segment_name(id));
    let mut report = blank(segment_name(id), "segment");
    let file = match host.vfs.open(&path, OpenMode::Read) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| Error::io("open", &path, error))?,
    };
    report.bytes = file.len().map_err(|error| Error::io("measure", &path, error))?;
    if report.bytes <= SEGMENT_HEADER_LEN {
        report.first_damage = Some(damage(report.bytes, None, "the segment ends before its first frame"));
        return Ok(Some((report, None)));
    }
    let mut head = [0; SEGMENT_HEADER_LEN as usize];
    read_exact_at(&*file, 0, &mut head).map_err(|error| Error::io("read", &path, error))?;
    let header = match SegmentHeader::decode(&head, &path) {
        Ok(header) => header,
        Err(error) if error.is_damage() => {
            report.first_damage = Some(damage_of(&error, None));
            return Ok(Some((report, None)));
        }
        Err(error) => return Err(error),
    };
    let follows = before.is_none_or(|before| before == (header.base_lsn, header.prev_seal_crc));
    if header.id != id || !follows {
        report.first_damage = Some(damage(16, None, "its header belongs to another segment"));
    }
    let segment = match Segment::of(&header, path, file, &host.cipher) {
        Ok(segment) => segment,
        Err(error) => {
            report.first_damage = Some(damage_of(&error, None));
            return Ok(Some((report, None)));
        }
    };
    let mut frames = Frames::new(&segment, report.bytes, header.base_lsn);
    while let Some(found) = next_damage(&mut frames, &mut report)? {
        report.first_damage.get_or_insert(found);
        let read = |error| segment.io("read", error);
        if frames.seal.is_some() || !frames.skip_damage().map_err(read)? {
            break;
        }
    }
    let end = frames.seal.filter(|_| report.first_damage.is_none()).map(|seal| (frames.last, seal));
    if let (Some(end), Some(after)) = (end, after)
        && end != after
    {
        let what = "it does not end where the log goes on";
        report.first_damage = Some(damage(frames.end, Some(frames.last.0), what));
    }
    Ok(Some((report, end)))
}

/// Reads to the end of the segment, or to damage.
fn next_damage(frames: &mut Frames<'_>, report: &mut FileReport) -> Result<Option<Damage>> {
    loop {
        let due = Some(frames.last.0 + 1);
        let (at, what) = match frames.next() {
            Some(Ok(commit)) => {
                report.frames += 1;
                report.blocks += commit.blocks.len() as u64;
                continue;
            }
            Some(Err(error)) if error.is_damage() => return Ok(Some(damage_of(&error, due))),
            Some(Err(error)) => return Err(error),
            None if frames.seal.is_some() && frames.end == frames.len => return Ok(None),
            None if frames.seal.is_some() => (frames.end, "there are bytes after the seal of the segment"),
            None => (frames.end, "the frame's checksum does not match, or the file ends inside it"),
        };
        return Ok(Some(damage(at, due, what)));
    }
}
