//! Reads every byte of a database without changing one: which files are valid, and where each one is first damaged.
//!
//! Recovery stops at the first damage, because nothing that depends on it may be returned. Inspection continues: after an
//! invalid frame at the next valid one, after an invalid segment at the next segment. What follows damage is judged by
//! itself; a gap in front of it is not reported as a second damage.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::listing::Listing;
use super::past;
use super::report::{Damage, FileReport, blank, damage, damage_of};
use crate::error::{Details, Error, Kind, Result};
use crate::options::Access;
use crate::storage::contract::backend::{Depth, Lsn, Replayed};
use crate::storage::format::manifest;
use crate::storage::format::manifest::{Clean, Manifest, SnapshotRef};
use crate::storage::format::segment::{SEGMENT_HEADER_LEN, Segment, SegmentHeader, segment_name};
use crate::storage::format::snapshot::{Entry, snapshot_name};
use crate::storage::format::witnessed::Witnessed;
use crate::storage::generation::snapshot_file::SnapshotFile;
use crate::storage::host::home::Trust;
use crate::storage::host::lock::DirectoryLock;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{OpenMode, VfsFile, read_exact_at};
use crate::storage::log::frames::Frames;

/// The content of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// Each file: the manifest, the segments of the history, the snapshot, then the segments of the log, in order.
    pub files: Vec<FileReport>,
    /// The last commit that was read.
    pub last_lsn: Lsn,
    /// Whether the last session closed the database and it has not changed since.
    pub clean: bool,
}

/// One commit, with what is needed to check it.
pub struct InspectedCommit {
    /// The commit.
    pub commit: Replayed,
    /// Whether it is a block of the snapshot: part of the state at that LSN, not a commit of its own.
    pub from_snapshot: bool,
    /// Whether every commit before it was read too.
    pub gapless: bool,
}

/// Checks a commit; returns the offset in its file and a description if it is wrong.
pub(crate) type Visitor<'a> = dyn FnMut(&InspectedCommit) -> Option<(u64, String)> + 'a;

/// Reads a database directory under a shared lock. `visit` is called in order with every commit whose checksums are valid.
///
/// Damage is part of the report. `IO` when there is no database or the system refuses, `LOCKED` when a process has it open
/// for writing, `VERSION` and `WRONG_KEY` when this version cannot read it.
pub fn inspect(host: &Host, dir: &Path, visit: &mut Visitor<'_>) -> Result<Inspected> {
    let failed = |error| Error::io("look at", dir, error);
    let path = host.vfs.absolute(dir).map_err(failed)?;
    let listing = listed(host, &path)?;
    let dir = &*host.vfs.real(&path).map_err(failed)?;
    let _lock = DirectoryLock::acquire(host, dir, Access::ReadOnly)?;
    let (files, last) = (Vec::new(), Lsn(0));
    let mut pass = Pass { host, dir, visit, files, last, seal_crc: 0, gapless: true, witnessed: None };
    let manifest = pass.manifest()?;
    let first = manifest.as_ref().map_or(0, |manifest| manifest.first_segment);
    let mut end = None;
    if let Some(named) = manifest.as_ref().and_then(|manifest| manifest.snapshot) {
        end = pass.snapshot(&named)?;
    }
    let past = manifest.as_ref().map(|manifest| past::check_all(host, dir, manifest, &listing, end));
    let past = past.transpose()?.unwrap_or_default();
    pass.witnessed =
        manifest.as_ref().and_then(|manifest| manifest.witnessed).filter(|one| one.segment >= first);
    // Without a manifest every segment is read.
    let is_part = |id: &u64| manifest.as_ref().is_none_or(|manifest| manifest.has_segment(*id));
    let segments = listing.segments.into_iter().filter(is_part).collect();
    let in_use = manifest.as_ref().is_some_and(Manifest::is_in_use);
    let clean = manifest.and_then(|manifest| manifest.clean);
    let clean = pass.segments(segments, clean, first)?;
    pass.files.splice(1..1, past);
    Ok(Inspected { files: pass.files, last_lsn: pass.last, clean: clean && !in_use })
}

/// The segments in the directory, in order.
pub(crate) fn list(host: &Host, dir: &Path) -> Result<Vec<u64>> {
    Ok(listed(host, dir)?.segments)
}

/// The names in the directory.
pub(crate) fn listed(host: &Host, dir: &Path) -> Result<Listing> {
    let refused = |message: String| {
        let details = Details { file: Some(dir.to_path_buf()), ..Details::default() };
        Err(Error::new(Kind::Io, message).with_details(details))
    };
    let Some(listing) = Listing::read(host, dir)? else {
        return refused(format!("there is no database at {}; check the path", dir.display()));
    };
    if listing.segments.is_empty() && !listing.manifest {
        return refused(format!("{} holds no database; check the path", dir.display()));
    }
    Ok(listing)
}

/// One pass over a directory.
struct Pass<'a, 'l> {
    host: &'a Host,
    dir: &'a Path,
    visit: &'a mut Visitor<'l>,
    files: Vec<FileReport>,
    last: Lsn,
    seal_crc: u32,
    gapless: bool,
    /// The record of its newest segment by a session that was not closed.
    witnessed: Option<Witnessed>,
}

/// What a segment must follow, and whether it is the newest with frames.
struct Role {
    newest: bool,
    clean: Option<Clean>,
}

impl Pass<'_, '_> {
    /// The manifest, if it can be read; without it every segment of the directory is read.
    fn manifest(&mut self) -> Result<Option<Manifest>> {
        let path = self.dir.join(manifest::NAME);
        let mut report = blank(manifest::NAME.to_owned(), "manifest");
        if let Ok(file) = self.host.vfs.open(&path, OpenMode::Read) {
            report.bytes = file.len().map_err(|error| Error::io("measure", &path, error))?;
        }
        let read = match Manifest::read(self.host, self.dir, false) {
            Ok(manifest) => Some(manifest),
            Err(error) if error.is_damage() => {
                report.first_damage = Some(damage_of(&error, None));
                None
            }
            Err(_) if self.host.vfs.kind(&path).is_ok_and(|kind| kind.is_none()) => {
                report.first_damage = Some(damage(0, None, "it is missing, and there is data beside it"));
                None
            }
            Err(error) => return Err(error),
        };
        self.gapless &= read.is_some();
        self.files.push(report);
        Ok(read)
    }

    /// Reads the snapshot block by block; a damaged block is reported, and the next one is read. Returns where the log before
    /// it ended.
    fn snapshot(&mut self, named: &SnapshotRef) -> Result<Option<past::End>> {
        let path = self.dir.join(snapshot_name(named.id));
        let mut report = blank(snapshot_name(named.id), "snapshot");
        if let Ok(file) = self.host.vfs.open(&path, OpenMode::Read) {
            report.bytes = file.len().map_err(|error| Error::io("measure", &path, error))?;
        }
        match SnapshotFile::open(self.host, self.dir, named, Trust::ReadOnly) {
            Ok((file, entries)) => {
                self.last = file.lsn;
                self.seal_crc = file.seal_crc;
                for entry in &entries {
                    self.snapshot_block(&file, entry, &mut report)?;
                }
            }
            Err(error) if error.is_damage() => {
                report.first_damage = Some(damage_of(&error, None));
            }
            Err(error) => return Err(error),
        }
        let is_whole = report.first_damage.is_none();
        self.gapless &= is_whole;
        self.files.push(report);
        Ok(is_whole.then_some((self.last, self.seal_crc)))
    }

    fn snapshot_block(&mut self, file: &SnapshotFile, entry: &Entry, report: &mut FileReport) -> Result<()> {
        let place = file.place_of(entry);
        let found = match file.read_block(place, Depth::Device) {
            Ok(block) => {
                report.blocks += 1;
                let commit = Replayed { lsn: file.lsn, blocks: block.into_iter().collect() };
                let gapless = self.gapless && report.first_damage.is_none();
                let inspected = InspectedCommit { commit, from_snapshot: true, gapless };
                (self.visit)(&inspected).map(|(offset, what)| damage(offset, Some(file.lsn.0), &what))
            }
            Err(error) if error.is_damage() => Some(damage_of(&error, Some(file.lsn.0))),
            Err(error) => return Err(error),
        };
        report.first_damage = report.first_damage.take().or(found);
        Ok(())
    }

    /// Reads the segments; returns whether the last session closed the database.
    fn segments(&mut self, found: Vec<u64>, clean: Option<Clean>, first: u64) -> Result<bool> {
        let mut opened = Vec::new();
        for id in found {
            let path = self.dir.join(segment_name(id));
            let file =
                self.host.vfs.open(&path, OpenMode::Read).map_err(|error| Error::io("open", &path, error))?;
            let len = file.len().map_err(|error| Error::io("measure", &path, error))?;
            opened.push((id, path, file, len));
        }
        let newest =
            opened.iter().rev().find(|(_, _, _, len)| *len > SEGMENT_HEADER_LEN).map(|segment| segment.0);
        // A session begins a segment only after frames, or when it is the very first.
        let before = self.witnessed.and_then(|one| one.segment.checked_sub(1)).filter(|id| *id >= first);
        let newest = newest.max(clean.map(|clean| clean.segment)).max(before);
        let last = newest.max(self.witnessed.map(|one| one.segment)).unwrap_or(first);
        let mut due = if first == 0 { opened.first().map_or(0, |segment| segment.0) } else { first };
        for (id, path, file, len) in opened {
            if due < id {
                self.missing(due, last.min(id - 1));
            }
            due = id.saturating_add(1);
            let role = Role { newest: newest == Some(id), clean: clean.filter(|clean| clean.segment == id) };
            // Segments after the newest one were allocated for frames that were never written.
            let spare = newest.is_none_or(|newest| id > newest);
            self.segment(id, path, file, len, &role, spare)?;
        }
        self.missing(due, last);
        let damaged = self.files.iter().any(|file| file.first_damage.is_some());
        Ok(!damaged && (newest.is_none() || clean.map(|clean| clean.segment) == newest))
    }

    /// A gap is one damage, however many segments are missing.
    fn missing(&mut self, from: u64, to: u64) {
        if from > to || from == 0 {
            return;
        }
        let mut report = blank(segment_name(from), "segment");
        let what = match to - from {
            0 => "the segment is missing".to_owned(),
            more => format!("the segment is missing, and so are the {more} after it"),
        };
        report.first_damage = Some(damage(0, Some(self.last.0 + 1), &what));
        self.files.push(report);
        self.gapless = false;
    }

    fn segment(
        &mut self,
        id: u64,
        path: PathBuf,
        file: Arc<dyn VfsFile>,
        len: u64,
        role: &Role,
        spare: bool,
    ) -> Result<()> {
        let mut report = FileReport { bytes: len, ..blank(segment_name(id), "segment") };
        let witnessed = self.witnessed.filter(|one| one.segment == id);
        if let Some(error) = witnessed.and_then(|one| one.check_len(&path, Some(len)).err()) {
            report.first_damage = Some(damage_of(&error, Some(self.last.0 + 1)));
            self.gapless = false;
        }
        let Some(header) = self.header(&path, &*file, len, spare, &mut report)? else {
            self.gapless &= report.first_damage.is_none();
            self.files.push(report);
            return Ok(());
        };
        if self.gapless {
            let damage = chain_damage(id, &header, self.last, self.seal_crc);
            report.first_damage = report.first_damage.take().or(damage);
        }
        let base = if report.first_damage.is_none() && self.gapless { self.last } else { header.base_lsn };
        self.gapless &= report.first_damage.is_none();
        let segment = match Segment::of(&header, path, file, &self.host.cipher) {
            Ok(segment) => segment,
            Err(error) => {
                let lsn = Some(self.last.0 + 1);
                report.first_damage.get_or_insert_with(|| damage_of(&error, lsn));
                self.gapless = false;
                self.files.push(report);
                return Ok(());
            }
        };
        let mut frames = Frames::new(&segment, len, base);
        self.frames(&mut frames, &segment, header.sync, role, &mut report)?;
        if let Some(error) = witnessed.and_then(|one| one.check_frames(&segment.path, id, frames.end).err())
            && report.first_damage.is_none()
        {
            report.first_damage = Some(damage_of(&error, Some(frames.last.0 + 1)));
        }
        if let Some(clean) = role.clean.filter(|_| report.first_damage.is_none()) {
            let holds = frames.end == clean.len && len == clean.len && frames.last.0 == clean.lsn;
            if !holds {
                let what = format!("it was closed with {} bytes and lsn {}", clean.len, clean.lsn);
                report.first_damage = Some(damage(frames.end, Some(clean.lsn), &what));
            }
        }
        self.last = self.last.max(frames.last);
        self.seal_crc = frames.seal.unwrap_or(0);
        self.files.push(report);
        Ok(())
    }

    /// The header of a segment; `None` if it has none that can be read, which is damage unless the segment is a spare one.
    fn header(
        &self,
        path: &Path,
        file: &dyn VfsFile,
        len: u64,
        spare: bool,
        report: &mut FileReport,
    ) -> Result<Option<SegmentHeader>> {
        if len <= SEGMENT_HEADER_LEN {
            if !spare && report.first_damage.is_none() {
                let what = "the segment ends before its first frame";
                report.first_damage = Some(damage(len, Some(self.last.0 + 1), what));
            }
            return Ok(None);
        }
        let mut head = [0; SEGMENT_HEADER_LEN as usize];
        read_exact_at(file, 0, &mut head).map_err(|error| Error::io("read", path, error))?;
        match SegmentHeader::decode(&head, path) {
            Ok(header) => Ok(Some(header)),
            Err(error) if error.is_damage() => {
                // Without the salt its frames cannot be told from old bytes.
                report.first_damage = Some(damage_of(&error, Some(self.last.0 + 1)));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn frames(
        &mut self,
        frames: &mut Frames<'_>,
        segment: &Segment,
        sync: bool,
        role: &Role,
        report: &mut FileReport,
    ) -> Result<()> {
        let read = |error| segment.io("read", error);
        loop {
            let next = frames.next();
            if let Some(Ok(commit)) = next {
                report.frames += 1;
                report.blocks += commit.blocks.len() as u64;
                let lsn = commit.lsn.0;
                let inspected = InspectedCommit { commit, from_snapshot: false, gapless: self.gapless };
                if let Some((offset, what)) = (self.visit)(&inspected) {
                    report.first_damage.get_or_insert_with(|| damage(offset, Some(lsn), &what));
                }
                continue;
            }
            let (at, due) = (frames.end, frames.last.0 + 1);
            let what = match next {
                Some(Err(error)) if error.is_damage() => damage_of(&error, Some(due)),
                Some(Err(error)) => return Err(error),
                _ if frames.seal.is_some() && frames.end == frames.len => return Ok(()),
                // The SEAL reached the disk, the truncation after it did not.
                _ if frames.seal.is_some()
                    && role.newest
                    && role.clean.is_none()
                    && frames.written().map_err(read)? == frames.end =>
                {
                    return Ok(());
                }
                _ if frames.seal.is_some() => {
                    damage(at, None, "there are bytes after the seal of the segment")
                }
                _ if role.newest && role.clean.is_none() && self.gapless && report.first_damage.is_none() => {
                    match torn(frames, sync).map_err(read)? {
                        Some(what) => damage(at, Some(due), &what),
                        None => {
                            report.torn_bytes = frames.written().map_err(read)? - frames.end;
                            return Ok(());
                        }
                    }
                }
                _ => damage(at, Some(due), "the frame's checksum does not match, or the file ends inside it"),
            };
            report.first_damage.get_or_insert(what);
            self.gapless = false;
            if frames.seal.is_some() || !frames.skip_damage().map_err(read)? {
                return Ok(());
            }
        }
    }
}

/// Why the end of the newest segment is damage; `None` when a kill or a power cut explains it.
fn torn(frames: &mut Frames<'_>, sync: bool) -> std::io::Result<Option<String>> {
    if frames.written()? == frames.end {
        return Ok(None);
    }
    if let Some(what) = frames.find_proof_of_damage()?.damage() {
        return Ok(Some(what));
    }
    let suspect = sync && frames.is_suspect()?;
    let what = "the last frame looks damaged, not torn by a power cut; opening needs recovery: 'truncate'";
    Ok(suspect.then(|| what.to_owned()))
}

fn chain_damage(id: u64, header: &SegmentHeader, last: Lsn, seal_crc: u32) -> Option<Damage> {
    let due = Some(last.0 + 1);
    if header.id != id {
        return Some(damage(16, due, &format!("its header says segment {}", header.id)));
    }
    if header.base_lsn != last {
        let (base, last) = (header.base_lsn.0, last.0);
        return Some(damage(
            24,
            due,
            &format!("it continues after lsn {base}, the log before it ends with {last}"),
        ));
    }
    let follows = header.prev_seal_crc == seal_crc;
    (!follows).then(|| damage(48, due, "it does not follow the seal of the segment before"))
}
