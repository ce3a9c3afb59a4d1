//! From a directory to a log that can continue: R0 fsyncs what is trusted, R1 to R3 check the chain, then replay, R4 judges
//! the tail, R5 cuts and seals it. Before every check has passed and every frame was passed on, recovery only fsyncs. After a clean
//! close R0 comes later, before the first change (`host::home`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use serde::Serialize;

use crate::error::{Details, Error, Kind, Result};
use crate::options::{Access, RecoveryPolicy};
use crate::storage::contract::backend::{Loader, Lsn, Replayed};
use crate::storage::format::checkpoint::Bound;
use crate::storage::format::manifest::{Clean, Manifest};
use crate::storage::format::segment::{SEGMENT_HEADER_LEN, Segment, SegmentHeader, segment_name};
use crate::storage::format::snapshot::Entry;
use crate::storage::format::{frame, manifest};
use crate::storage::generation::snapshot_file::SnapshotFile;
use crate::storage::host::home::{Home, Trust, make_folder};
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{OpenMode, read_exact_at, write_all_at};
use crate::storage::log::frames::Frames;

/// Name of the directory of bytes that recovery cut off.
pub(crate) const QUARANTINE: &str = "quarantine";
const COPY_CHUNK: u64 = 1 << 20;
/// Bytes of a segment from which on a thread pays.
const WORTH_A_THREAD: u64 = 1 << 20;
/// Bytes of frames that are passed on together, and how many such batches may wait.
const AHEAD_BYTES: u64 = 256 << 10;
const AHEAD: usize = 4;

/// What opening found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryReport {
    /// The last session closed the database, or there was none.
    pub clean: bool,
    /// This call created the database.
    pub created: bool,
    /// Commits read from the log.
    pub frames_replayed: u64,
    /// Bytes after the last valid frame, which a power cut or a kill left unfinished.
    pub bytes_cut: u64,
    /// Whether those bytes look damaged rather than unfinished.
    pub suspect_tail: bool,
    /// Where those bytes were kept; `None` when read-only.
    pub quarantine: Option<PathBuf>,
    /// The last commit.
    pub last_lsn: u64,
    /// Segments read.
    pub segments: u64,
}

/// How to recover.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) access: Access,
    pub(crate) policy: RecoveryPolicy,
}

/// A log that can continue.
pub(crate) struct Recovered {
    pub(crate) snapshot: Option<Arc<SnapshotFile>>,
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) last: Lsn,
    pub(crate) next_segment: u64,
    pub(crate) seal_crc: u32,
    /// The newest segment, when this recovery sealed it.
    pub(crate) sealed: Option<Clean>,
    pub(crate) report: RecoveryReport,
}

/// The end of the newest segment.
struct Tail {
    segment: Arc<Segment>,
    len: u64,
    /// Zeros follow.
    written: u64,
    good: u64,
    durable_end: u64,
    seal: Option<u32>,
}

/// The files of a database, open but not read yet.
#[derive(Clone)]
pub(crate) struct Files {
    pub(crate) snapshot: Option<(Arc<SnapshotFile>, Arc<[Entry]>)>,
    /// Segments with frames, and their lengths.
    pub(crate) segments: Vec<(Arc<Segment>, u64)>,
}

impl Files {
    /// Opens the files that `manifest` describes; `found` are the segments in the directory.
    pub(crate) fn open(
        host: &Host,
        dir: &Path,
        manifest: &Manifest,
        found: &[u64],
        how: Trust,
    ) -> Result<Files> {
        let segments = open_chain(host, dir, manifest, found, how)?;
        let snapshot = match &manifest.snapshot {
            Some(named) => {
                let (snapshot, entries) = SnapshotFile::open(host, dir, named, how)?;
                Some((Arc::new(snapshot), entries.into()))
            }
            None => None,
        };
        Ok(Files { snapshot, segments })
    }
}

/// Recovers the database that `manifest` describes.
pub(crate) fn recover(
    host: &Host,
    dir: &Path,
    manifest: &Manifest,
    files: Files,
    terms: Terms,
    home: Option<&Home>,
    (loader, begun): (&mut dyn Loader, Option<&Bound>),
) -> Result<Recovered> {
    let Files { snapshot, segments: chain } = files;
    let mut report =
        RecoveryReport { clean: true, segments: chain.len() as u64, ..RecoveryReport::default() };
    let (last, seal_crc) = match (begun, &snapshot) {
        (Some(begun), _) => (Lsn(begun.clean.lsn), begun.seal_crc),
        (None, Some((snapshot, _))) => (snapshot.lsn, snapshot.seal_crc),
        (None, None) => (Lsn(0), 0),
    };
    let behind = |segment: &Segment| begun.is_none_or(|begun| segment.id > begun.clean.segment);
    let read = chain.iter().filter(|(segment, _)| behind(segment));
    let bytes: u64 = read.clone().map(|(_, len)| len).sum();
    match &snapshot {
        Some((snapshot, entries)) if begun.is_none() => {
            loader.expect(snapshot.len + bytes);
            snapshot.load(entries, loader)?;
        }
        _ => loader.expect(bytes),
    }
    let snapshot = snapshot.map(|(snapshot, _)| snapshot);
    let mut log = Log { manifest, terms, report: &mut report, last, seal_crc, tail: None };
    let newest = chain.last().map(|(segment, _)| segment.id);
    for (segment, len) in read {
        log.read(segment, *len, Some(segment.id) == newest, loader)?;
    }
    if let Some(begun) = begun
        && let Some((segment, len)) = chain.last().filter(|(segment, _)| !behind(segment))
    {
        log.end_before(segment, *len, begun)?;
    }
    let Log { last, mut seal_crc, tail, .. } = log;
    if chain.is_empty() {
        report.clean = check_without_segments(dir, manifest, last)? && !manifest.is_in_use();
    }
    report.last_lsn = last.0;
    let mut sealed = None;
    if let Some(tail) = tail.filter(|_| !report.clean && terms.access == Access::ReadWrite) {
        home.map_or(Ok(()), Home::check)?;
        let (clean, crc) = mend(host, dir, &tail, last, &mut report)?;
        sealed = Some(clean);
        seal_crc = crc;
    }
    let next_segment = newest.map_or(manifest.first_segment, |id| id + 1);
    let segments = chain.into_iter().map(|(segment, _)| segment).collect();
    Ok(Recovered { snapshot, segments, last, next_segment, seal_crc, sealed, report })
}

/// The log, as far as it was read.
struct Log<'r> {
    manifest: &'r Manifest,
    terms: Terms,
    report: &'r mut RecoveryReport,
    last: Lsn,
    /// The checksum of the last seal.
    seal_crc: u32,
    tail: Option<Tail>,
}

impl Log<'_> {
    /// Ends with the clean end of a checkpoint, which the newest segment, of this length, was found to have.
    fn end_before(&mut self, segment: &Arc<Segment>, len: u64, begun: &Bound) -> Result<()> {
        if let Some(witnessed) = &self.manifest.witnessed {
            witnessed.check_frames(&segment.path, segment.id, len)?;
        }
        self.report.clean = self.manifest.clean == Some(begun.clean) && !self.manifest.is_in_use();
        let seal = Some(begun.seal_crc);
        let segment = segment.clone();
        self.tail = Some(Tail { segment, len, written: len, good: len, durable_end: len, seal });
        Ok(())
    }

    /// Checks the next segment, of this length, and passes its frames to the loader.
    fn read(
        &mut self,
        segment: &Arc<Segment>,
        len: u64,
        is_newest: bool,
        loader: &mut dyn Loader,
    ) -> Result<()> {
        let header = check_header(segment, self.last, self.seal_crc)?;
        let mut frames = Frames::new(segment, len, self.last);
        self.report.frames_replayed += replay(&mut frames, loader)?;
        self.last = frames.last;
        let read = |error| segment.io("read", error);
        let mut whole = frames.seal.is_some() && frames.end == len;
        if is_newest && !whole && frames.seal.is_some() {
            // The SEAL reached the disk, the truncation after it did not; `check_clean` knows the length of a clean close.
            whole = frames.written().map_err(read)? == frames.end;
        }
        if !is_newest || frames.seal.is_some() {
            if !whole {
                let what = "the segment does not end at its seal";
                return Err(Error::corrupt(&segment.path, frames.end, what));
            }
            self.seal_crc = frames.seal.unwrap_or(0);
        }
        if let Some(witnessed) = &self.manifest.witnessed {
            witnessed.check_frames(&segment.path, segment.id, frames.end)?;
        }
        if !is_newest {
            return Ok(());
        }
        self.report.clean = check_clean(self.manifest, segment, &frames)? && !self.manifest.is_in_use();
        if !whole {
            judge(&mut frames, segment, header.sync, self.terms, self.report)?;
        }
        self.tail = Some(Tail {
            segment: segment.clone(),
            len,
            written: frames.written().map_err(read)?,
            good: frames.end,
            durable_end: frames.durable_end,
            seal: frames.seal,
        });
        Ok(())
    }
}

/// Passes every frame to the loader; returns their number. For a long segment, a second thread reads and checks ahead while
/// the loader works.
fn replay(frames: &mut Frames<'_>, loader: &mut dyn Loader) -> Result<u64> {
    let mut count = 0;
    let mut pass = |frame: Result<Replayed>| {
        loader.frame(frame?)?;
        count += 1;
        Ok(())
    };
    if frames.len < WORTH_A_THREAD {
        frames.try_for_each(pass)?;
        return Ok(count);
    }
    std::thread::scope(|scope| {
        let (send, ahead) = sync_channel::<Vec<Result<Replayed>>>(AHEAD);
        scope.spawn(move || {
            let (mut batch, mut from) = (Vec::new(), frames.end);
            while let Some(frame) = frames.next() {
                batch.push(frame);
                if frames.end - from >= AHEAD_BYTES {
                    from = frames.end;
                    // The loader refused a frame: the rest is not needed.
                    if send.send(std::mem::take(&mut batch)).is_err() {
                        return;
                    }
                }
            }
            // The loader refused a frame: the rest is not needed.
            let _ = send.send(batch);
        });
        ahead.into_iter().flatten().try_for_each(&mut pass)
    })?;
    Ok(count)
}

/// R0 and R1: opens every segment with frames, and fsyncs it unless that is owed; none may be missing. Newer ones without frames were allocated for
/// frames that were never written; the next session reuses them.
fn open_chain(
    host: &Host,
    dir: &Path,
    manifest: &Manifest,
    found: &[u64],
    how: Trust,
) -> Result<Vec<(Arc<Segment>, u64)>> {
    let mut opened = BTreeMap::new();
    for id in found.iter().copied().filter(|id| manifest.has_segment(*id)) {
        let path = dir.join(segment_name(id));
        let file = host.vfs.open(&path, how.mode()).map_err(|error| Error::io("open", &path, error))?;
        if how == Trust::Synced {
            file.sync_all().map_err(|error| Error::io("fsync", &path, error))?;
        }
        let len = file.len().map_err(|error| Error::io("measure", &path, error))?;
        opened.insert(id, (path, file, len));
    }
    let newest = opened.iter().rev().find(|(_, (_, _, len))| *len > SEGMENT_HEADER_LEN).map(|(id, _)| *id);
    let witnessed = manifest.witnessed.filter(|one| one.segment >= manifest.first_segment);
    if let Some(witnessed) = &witnessed {
        let path = dir.join(segment_name(witnessed.segment));
        witnessed.check_len(&path, opened.get(&witnessed.segment).map(|(_, _, len)| *len))?;
    }
    // A session begins a segment only after frames, or when it is the very first.
    let before = witnessed.and_then(|one| one.segment.checked_sub(1));
    let newest = newest
        .max(manifest.clean.map(|clean| clean.segment))
        .max(before.filter(|id| *id >= manifest.first_segment));
    let due = newest.unwrap_or(manifest.first_segment);
    let mut chain = Vec::new();
    for id in manifest.first_segment..=due {
        let Some((path, file, len)) = opened.remove(&id) else {
            return Err(Error::corrupt(&dir.join(segment_name(id)), 0, "the segment is missing"));
        };
        if len > SEGMENT_HEADER_LEN {
            let mut bytes = [0; SEGMENT_HEADER_LEN as usize];
            read_exact_at(&*file, 0, &mut bytes).map_err(|error| Error::io("read", &path, error))?;
            let header = SegmentHeader::decode(&bytes, &path)?;
            if header.id != id {
                return Err(Error::corrupt(&path, 16, format!("its header says segment {}", header.id)));
            }
            chain.push((Arc::new(Segment::of(&header, path, file, &host.cipher)?), len));
        } else if newest.is_some() {
            return Err(Error::corrupt(&path, len, "the segment ends before its first frame"));
        }
    }
    Ok(chain)
}

fn check_header(segment: &Segment, last: Lsn, seal_crc: u32) -> Result<SegmentHeader> {
    let mut bytes = [0; SEGMENT_HEADER_LEN as usize];
    read_exact_at(&*segment.file, 0, &mut bytes).map_err(|error| segment.io("read", error))?;
    let header = SegmentHeader::decode(&bytes, &segment.path)?;
    let wrong = if header.id != segment.id {
        Some((16, format!("its header says segment {}", header.id)))
    } else if header.base_lsn != last {
        Some((
            24,
            format!("it continues after lsn {}, the segment before ends with {}", header.base_lsn.0, last.0),
        ))
    } else if header.prev_seal_crc != seal_crc {
        Some((48, "it does not follow the seal of the segment before".to_owned()))
    } else {
        None
    };
    match wrong {
        Some((offset, what)) => Err(Error::corrupt(&segment.path, offset, what)),
        None => Ok(header),
    }
}

/// R3: the newest segment must be exactly as a clean close recorded it.
fn check_clean(manifest: &Manifest, segment: &Segment, frames: &Frames<'_>) -> Result<bool> {
    let Some(clean) = manifest.clean.filter(|clean| clean.segment == segment.id) else { return Ok(false) };
    let holds = frames.seal.is_some()
        && frames.end == clean.len
        && frames.len == clean.len
        && frames.last.0 == clean.lsn;
    if !holds {
        let what = format!(
            "it was closed with {} bytes and lsn {}, and is good up to here with lsn {}",
            clean.len, clean.lsn, frames.last.0
        );
        return Err(Error::corrupt(&segment.path, frames.end, what));
    }
    Ok(true)
}

/// A database without segments that hold frames is new, or has a snapshot and nothing after it. Only in a backup does the
/// manifest record that nothing is missing: its `clean` names the segment before the first.
fn check_without_segments(dir: &Path, manifest: &Manifest, last: Lsn) -> Result<bool> {
    match manifest.clean {
        Some(clean) if clean.lsn != last.0 => {
            let what = format!("it was closed with lsn {}, its snapshot ends with {}", clean.lsn, last.0);
            Err(Error::corrupt(&dir.join(manifest::NAME), 112, what))
        }
        clean => Ok(clean.is_some() || manifest.snapshot.is_none()),
    }
}

/// R4: a torn tail is cut off, a damaged one is refused.
fn judge(
    frames: &mut Frames<'_>,
    segment: &Segment,
    sync: bool,
    terms: Terms,
    report: &mut RecoveryReport,
) -> Result<()> {
    let read = |error| segment.io("read", error);
    report.bytes_cut = frames.written().map_err(read)? - frames.end;
    if report.bytes_cut == 0 {
        return Ok(());
    }
    if let Some(what) = frames.find_proof_of_damage().map_err(read)?.damage() {
        return Err(Error::corrupt(&segment.path, frames.end, what));
    }
    report.suspect_tail = frames.is_suspect().map_err(read)?;
    if report.suspect_tail && sync && terms.policy == RecoveryPolicy::Strict {
        let message = format!(
            "the last {} bytes of {} from offset {} look damaged, not torn by a power cut; restore a backup, or open with recovery: 'truncate' to continue without them",
            report.bytes_cut,
            segment.path.display(),
            frames.end
        );
        let details =
            Details { file: Some(segment.path.clone()), offset: Some(frames.end), ..Details::default() };
        return Err(Error::new(Kind::CorruptTail, message).with_details(details));
    }
    Ok(())
}

/// R5 and rule 6: keeps the torn bytes, cuts them off, rewrites what may never have reached the disk, and seals.
fn mend(
    host: &Host,
    dir: &Path,
    tail: &Tail,
    last: Lsn,
    report: &mut RecoveryReport,
) -> Result<(Clean, u32)> {
    let segment = &*tail.segment;
    if tail.written > tail.good {
        report.quarantine = Some(quarantine(host, dir, tail)?);
    }
    if tail.len > tail.good {
        segment.file.set_len(tail.good).map_err(|error| segment.io("cut", error))?;
        segment.file.sync_all().map_err(|error| segment.io("fsync", error))?;
    }
    // An fsync that failed before the last process ended may have left these pages clean in memory and missing on disk.
    // Rewriting makes them dirty, so that the fsync below is reliable.
    copy(segment, tail.durable_end, tail.good, &mut |at, bytes| {
        write_all_at(&*segment.file, at, bytes).map_err(|error| segment.io("write", error))
    })?;
    segment.file.sync_all().map_err(|error| segment.io("fsync", error))?;
    let (crc, len) = match tail.seal {
        Some(crc) => (crc, tail.good),
        None => {
            let (bytes, crc) = frame::encode_seal(segment.seed, tail.good, last, segment.cipher());
            write_all_at(&*segment.file, tail.good, &bytes).map_err(|error| segment.io("write", error))?;
            segment.file.sync_all().map_err(|error| segment.io("fsync", error))?;
            (crc, tail.good + bytes.len() as u64)
        }
    };
    Ok((Clean { segment: segment.id, len, lsn: last.0 }, crc))
}

fn quarantine(host: &Host, dir: &Path, tail: &Tail) -> Result<PathBuf> {
    let folder = dir.join(QUARANTINE);
    if make_folder(host, &folder)? {
        host.vfs.sync_dir(dir).map_err(|error| Error::io("fsync", dir, error))?;
    }
    let path = folder.join(format!("seg-{:016x}-from-{:016x}.bin", tail.segment.id, tail.good));
    let bytes = tail.written - tail.good;
    let failed = |error: std::io::Error| {
        let what = format!("keep the {bytes} torn bytes of {} in", tail.segment.path.display());
        Error::io(&what, &path, error)
    };
    let file = host.vfs.open(&path, OpenMode::Create).map_err(failed)?;
    file.set_len(0).map_err(failed)?;
    // Holes stay holes: the length of a file may exceed the disk.
    file.set_len(bytes).map_err(failed)?;
    let mut at = tail.good;
    while let Some(data) = tail.segment.file.next_data(at).map_err(|error| tail.segment.io("read", error))? {
        let (from, to) = (data.start.max(at), data.end.min(tail.written));
        if from >= to {
            break;
        }
        copy(&tail.segment, from, to, &mut |at, bytes| {
            write_all_at(&*file, at - tail.good, bytes).map_err(failed)
        })?;
        at = to;
    }
    file.sync_all().map_err(failed)?;
    host.vfs.sync_dir(&folder).map_err(|error| Error::io("fsync", &folder, error))?;
    Ok(path)
}

fn copy(segment: &Segment, from: u64, to: u64, put: &mut dyn FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
    let mut buffer = vec![0; (to - from).min(COPY_CHUNK) as usize];
    let mut at = from;
    while at < to {
        let len = (to - at).min(COPY_CHUNK) as usize;
        buffer.truncate(len);
        read_exact_at(&*segment.file, at, &mut buffer).map_err(|error| segment.io("read", error))?;
        put(at, &buffer)?;
        at += len as u64;
    }
    Ok(())
}

/// An error that names a file.
pub(super) fn named(kind: Kind, message: String, file: &Path) -> Error {
    Error::new(kind, message).with_details(Details { file: Some(file.to_path_buf()), ..Details::default() })
}
