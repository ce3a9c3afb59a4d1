//! Reads the files of a database again while it is open, and checks every checksum.
//!
//! The files are opened by their names, and nothing keeps a compaction from replacing them meanwhile. So what looks like damage is
//! damage only if MANIFEST still names the same generation then; otherwise the pass begins again with the new one, whose files the
//! compaction has just read back. The log is checked up to the last commit that was published when the pass began: what is behind it
//! is still being written.

use std::path::Path;

use super::clean::{self, FromCheckpoint};
use super::listing::Listing;
use super::past;
use super::report::FileReport;
use crate::error::{Error, Result};
use crate::storage::contract::backend::{Depth, Lsn};
use crate::storage::format::checkpoint::checkpoint_name;
use crate::storage::format::manifest::{self, Manifest};
use crate::storage::format::segment::{SEGMENT_HEADER_LEN, Segment, SegmentHeader, segment_name};
use crate::storage::format::snapshot::snapshot_name;
use crate::storage::generation::snapshot_file::SnapshotFile;
use crate::storage::host::home::Trust;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{OpenMode, read_exact_at};
use crate::storage::log::frames::Frames;

/// Takes what a pass meets.
pub(crate) trait ScrubVisitor {
    /// A pass begins, over files of so many bytes together. What was found before is void.
    fn begin(&mut self, bytes: u64);

    /// Damage: `CORRUPT`, with file and offset.
    fn damage(&mut self, error: Error);

    /// Checks a checkpoint beyond its catalogue.
    fn checkpoint(&mut self, checkpoint: FromCheckpoint) -> Result<()>;
}

/// Reads everything in the directory, of the log up to a published commit. An error is not about damage: a file could not be read.
pub(crate) fn scrub(host: &Host, dir: &Path, published: Lsn, visitor: &mut dyn ScrubVisitor) -> Result<()> {
    loop {
        let manifest = match Manifest::read(host, dir, false) {
            Ok(manifest) => manifest,
            Err(error) if error.is_damage() => {
                visitor.begin(manifest::LEN as u64);
                visitor.damage(error);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let Some(listing) = Listing::read(host, dir)? else { return Ok(()) };
        let (is_damaged, is_outdated) = (false, false);
        let mut pass = Pass { host, dir, manifest, published, visitor, is_damaged, is_outdated };
        let bytes = pass.bytes(&listing);
        pass.visitor.begin(bytes);
        let ended = pass.run(&listing);
        if !pass.is_outdated {
            return ended;
        }
    }
}

struct Pass<'a> {
    host: &'a Host,
    dir: &'a Path,
    manifest: Manifest,
    published: Lsn,
    visitor: &'a mut dyn ScrubVisitor,
    is_damaged: bool,
    is_outdated: bool,
}

impl Pass<'_> {
    /// About how much there is to read.
    fn bytes(&self, listing: &Listing) -> u64 {
        let length = |name: String| {
            let file = self.host.vfs.open(&self.dir.join(name), OpenMode::Read);
            file.and_then(|file| file.len()).unwrap_or(0)
        };
        let kept = past::kept(&self.manifest, &listing.segments).iter();
        let segments = listing.segments.iter().filter(|id| self.manifest.has_segment(**id));
        let segments = kept.chain(segments).map(|id| segment_name(*id));
        let checkpoints = listing.checkpoints.iter().map(|lsn| checkpoint_name(*lsn));
        let snapshots = listing.snapshots.iter().filter(|id| self.manifest.keeps_snapshot(**id));
        let snapshots = snapshots.map(|id| snapshot_name(*id));
        let files: u64 = segments.chain(checkpoints).chain(snapshots).map(length).sum();
        manifest::LEN as u64 + files + self.manifest.snapshot.map_or(0, |snapshot| snapshot.len)
    }

    /// Whether another generation has taken the place of the one that is read.
    fn is_replaced(&self) -> Result<bool> {
        match Manifest::read(self.host, self.dir, false) {
            Ok(now) => Ok(now.generation != self.manifest.generation),
            Err(error) if error.is_damage() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn run(&mut self, listing: &Listing) -> Result<()> {
        let mut last = Lsn(0);
        if let Some(named) = self.manifest.snapshot {
            last = self.snapshot(&named)?;
        }
        self.past(listing)?;
        self.segments(listing, last)?;
        for lsn in &listing.checkpoints {
            let checked = self.checkpoint(*lsn);
            let is_there = self.is_there(&checkpoint_name(*lsn));
            // Another one may have taken its place meanwhile.
            if let Err(error) = checked
                && is_there
            {
                self.note(error)?;
            }
        }
        Ok(())
    }

    /// Tells of damage. Another error ends the pass, and so does any where the files are no longer those of the database.
    fn note(&mut self, error: Error) -> Result<()> {
        self.is_outdated = self.is_replaced()?;
        if self.is_outdated || !error.is_damage() {
            return Err(error);
        }
        self.is_damaged = true;
        self.visitor.damage(error);
        Ok(())
    }

    fn is_there(&self, name: &str) -> bool {
        self.host.vfs.kind(&self.dir.join(name)).is_ok_and(|kind| kind.is_some())
    }

    /// Reads every block; returns the last commit in it.
    fn snapshot(&mut self, named: &manifest::SnapshotRef) -> Result<Lsn> {
        let (file, entries) = match SnapshotFile::open(self.host, self.dir, named, Trust::ReadOnly) {
            Ok(opened) => opened,
            Err(error) => {
                self.note(error)?;
                return Ok(Lsn(0));
            }
        };
        for entry in &entries {
            let place = file.place_of(entry);
            if let Err(error) = file.read_block(place, Depth::Device) {
                self.note(error)?;
            }
        }
        Ok(file.lsn)
    }

    /// Reads the segments and the snapshots of the history; those that are given up meanwhile are left out.
    fn past(&mut self, listing: &Listing) -> Result<()> {
        for id in past::kept(&self.manifest, &listing.segments) {
            self.note_past(past::check(self.host, self.dir, &[*id], None)?)?;
        }
        for id in &listing.snapshots {
            self.note_past(past::check_snapshots(self.host, self.dir, &self.manifest, &[*id])?)?;
        }
        Ok(())
    }

    fn note_past(&mut self, reports: Vec<FileReport>) -> Result<()> {
        for report in reports {
            let Some(found) = report.first_damage.filter(|_| self.is_there(&report.file)) else { continue };
            self.note(Error::corrupt(&self.dir.join(&report.file), found.offset, found.message))?;
        }
        Ok(())
    }

    /// Reads the log behind a commit, up to the published one.
    fn segments(&mut self, listing: &Listing, mut last: Lsn) -> Result<()> {
        let first = self.manifest.first_segment;
        let mut due = None;
        let mut ids = listing.segments.clone();
        ids.retain(|id| self.manifest.has_segment(*id));
        for id in ids {
            if last >= self.published {
                return Ok(());
            }
            let expected = due.unwrap_or(if first == 0 { id } else { first });
            if expected < id {
                let path = self.dir.join(segment_name(expected));
                self.note(Error::corrupt(&path, 0, "the segment is missing"))?;
            }
            due = Some(id + 1);
            match self.segment(id, last) {
                Ok(reached) => last = reached,
                Err(error) => {
                    self.note(error)?;
                    // The next one says what it follows.
                    last = Lsn(0);
                }
            }
        }
        if last < self.published && !self.is_damaged {
            let path = self.dir.join(segment_name(due.unwrap_or(first)));
            let what = format!("the log ends with lsn {}, and {} was written", last.0, self.published.0);
            self.note(Error::corrupt(&path, 0, what))?;
        }
        Ok(())
    }

    /// Reads a segment after a commit, 0 if that is unknown; returns the last commit in it.
    fn segment(&self, id: u64, last: Lsn) -> Result<Lsn> {
        let path = self.dir.join(segment_name(id));
        let file = match self.host.vfs.open(&path, OpenMode::Read) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::corrupt(&path, 0, "the segment is missing"));
            }
            opened => opened.map_err(|error| Error::io("open", &path, error))?,
        };
        let len = file.len().map_err(|error| Error::io("measure", &path, error))?;
        if len <= SEGMENT_HEADER_LEN {
            return Err(Error::corrupt(&path, len, "the segment ends before its first frame"));
        }
        let mut head = [0; SEGMENT_HEADER_LEN as usize];
        read_exact_at(&*file, 0, &mut head).map_err(|error| Error::io("read", &path, error))?;
        let header = SegmentHeader::decode(&head, &path)?;
        if header.id != id || last.0 > 0 && header.base_lsn != last {
            return Err(Error::corrupt(&path, 16, "its header belongs to another segment"));
        }
        let segment = Segment::of(&header, path, file, &self.host.cipher)?;
        let mut frames = Frames::new(&segment, len, header.base_lsn);
        while frames.last < self.published {
            match frames.next() {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None if frames.seal.is_some() => break,
                None => {
                    let what = "the frame's checksum does not match, or the file ends inside it";
                    return Err(Error::corrupt(&segment.path, frames.end, what));
                }
            }
        }
        Ok(frames.last)
    }

    fn checkpoint(&mut self, lsn: u64) -> Result<()> {
        match clean::open(self.host, self.dir, &self.manifest.database, lsn)? {
            Some(checkpoint) => self.visitor.checkpoint(checkpoint),
            None => Ok(()),
        }
    }
}
