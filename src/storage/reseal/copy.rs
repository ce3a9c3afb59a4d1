//! One segment or snapshot, written again with other keys and another number. Everything else stays as it is, also the salt of a segment,
//! by which resume tokens of change streams know their commits.

use std::path::Path;

use crate::error::{Error, Result};
use crate::storage::contract::backend::{Lsn, ReadBack, SnapshotProof};
use crate::storage::format::frame::{self, Commit};
use crate::storage::format::manifest::SnapshotRef;
use crate::storage::format::segment::{SEGMENT_HEADER_LEN, Segment, SegmentHeader, segment_name};
use crate::storage::format::snapshot::snapshot_name;
use crate::storage::generation::snapshot_file::SnapshotFile;
use crate::storage::generation::snapshot_writer::SnapshotWriter;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{OpenMode, read_exact_at, write_all_at};
use crate::storage::log::frames::Frames;

/// Segments are written in pieces of about this many bytes.
const PIECE: usize = 1 << 20;

/// How a segment ends: the last commit, and the checksum of its SEAL as it was and as it is now.
#[derive(Clone, Copy)]
pub(super) struct End {
    pub(super) last: Lsn,
    pub(super) old: u32,
    pub(super) new: u32,
}

/// A segment that was written again.
pub(super) struct Copied {
    /// The checksum of the SEAL that it follows now.
    pub(super) follows: u32,
    pub(super) end: End,
    pub(super) len: u64,
}

/// Writes a segment again as this one, with the keys of this host. It must be whole, and follow the one before.
pub(super) fn segment(to: &Host, dir: &Path, from: &Segment, id: u64, before: Option<End>) -> Result<Copied> {
    let mut head = [0; SEGMENT_HEADER_LEN as usize];
    read_exact_at(&*from.file, 0, &mut head).map_err(|error| from.io("read", error))?;
    let old = SegmentHeader::decode(&head, &from.path)?;
    if before.is_some_and(|end| (end.last, end.old) != (old.base_lsn, old.prev_seal_crc)) {
        return Err(Error::corrupt(&from.path, 24, "it does not follow the seal of the segment before"));
    }
    let follows = before.map_or(old.prev_seal_crc, |end| end.new);
    let encrypted = to.cipher.is_sealing();
    let header = SegmentHeader { id, encrypted, prev_seal_crc: follows, ..old };
    let path = dir.join(segment_name(id));
    let failed = |error| Error::io("write", &path, error);
    let file = to.vfs.open(&path, OpenMode::Create).map_err(|error| Error::io("create", &path, error))?;
    file.set_len(0).map_err(failed)?;
    let new = Segment::of(&header, path.clone(), file.clone(), &to.cipher)?;
    let len = from.file.len().map_err(|error| from.io("measure", error))?;
    let mut frames = Frames::new(from, len, old.base_lsn);
    let (mut buffer, mut written) = (header.encode().to_vec(), 0);
    while let Some(commit) = frames.next() {
        let commit = commit?;
        let Some(kept) = frames.header else { break };
        let fields = Commit { lsn: commit.lsn, lag: kept.lag, records: kept.records };
        let at = written + buffer.len() as u64;
        frame::encode_commit(&mut buffer, new.seed, at, fields, &commit.blocks, new.cipher());
        if buffer.len() >= PIECE {
            write_all_at(&*file, written, &buffer).map_err(failed)?;
            written += buffer.len() as u64;
            buffer.clear();
        }
    }
    let Some(seal) = frames.seal.filter(|_| frames.end == len) else {
        return Err(Error::corrupt(&from.path, frames.end, "the segment does not end at its seal"));
    };
    let at = written + buffer.len() as u64;
    let (bytes, new_seal) = frame::encode_seal(new.seed, at, frames.last, new.cipher());
    buffer.extend_from_slice(&bytes);
    write_all_at(&*file, written, &buffer).map_err(failed)?;
    file.sync_all().map_err(|error| Error::io("fsync", &path, error))?;
    let end = End { last: frames.last, old: seal, new: new_seal };
    Ok(Copied { follows, end, len: written + buffer.len() as u64 })
}

/// Writes a segment without frames, which the next commit will begin anew.
pub(super) fn empty_segment(to: &Host, dir: &Path, id: u64, after: (Lsn, u32)) -> Result<()> {
    let path = dir.join(segment_name(id));
    let mut salt = [0; 16];
    to.rng.fill(&mut salt);
    let (encrypted, (base_lsn, prev_seal_crc)) = (to.cipher.is_sealing(), after);
    let header = SegmentHeader { sync: false, encrypted, id, base_lsn, salt, prev_seal_crc };
    let write = || {
        let file = to.vfs.open(&path, OpenMode::Create)?;
        file.set_len(0)?;
        write_all_at(&*file, 0, &header.encode())?;
        file.sync_all()
    };
    write().map_err(|error| Error::io("create", &path, error))
}

/// Writes a snapshot again as this one, with the keys of this host. The first segment behind it follows the SEAL with this checksum.
pub(super) fn snapshot(
    to: &Host,
    dir: &Path,
    from: &SnapshotFile,
    id: u64,
    seal_crc: u32,
) -> Result<SnapshotRef> {
    let writer = SnapshotWriter::begin(to, &dir.join(snapshot_name(id)), id, from.lsn)?;
    let mut copying = Copying(writer);
    from.prove(&mut copying)?;
    copying.0.finish(seal_crc)
}

struct Copying(SnapshotWriter);

impl SnapshotProof for Copying {
    fn block(&mut self, block: &ReadBack<'_>) -> Result<()> {
        self.0.block(block.collection, block.documents, block.payload).map(drop)
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}
