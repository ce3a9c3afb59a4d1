//! Deferred opening: a database that was closed cleanly and has a checkpoint of exactly that end is open as soon as its
//! files are; its log is read afterwards, with the same checks.

use std::path::{Path, PathBuf};

use super::recovery::{Files, Recovered, RecoveryReport, Terms, recover};
use crate::error::{Error, Result};
use crate::options::Access;
use crate::storage::contract::backend::{Loader, Lsn};
use crate::storage::format::checkpoint::{Bound, Checkpoint};
use crate::storage::format::frame::{FrameHeader, FrameKind, HEADER_LEN, SEAL_LEN};
use crate::storage::format::manifest::Manifest;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::read_exact_at;

/// A database that is open but not read yet.
pub(crate) struct Early {
    /// The checkpoint, which answers reads until then.
    pub checkpoint: Checkpoint,
    /// What is still to be read.
    pub deferred: Deferred,
}

/// The files of a database that are still to be read.
pub(crate) struct Deferred {
    host: Host,
    dir: PathBuf,
    manifest: Manifest,
    files: Files,
    terms: Terms,
    seal_crc: u32,
}

impl Deferred {
    /// Passes all of it to the loader, as opening without a checkpoint does; damage is the same error.
    pub(crate) fn load(self, loader: &mut dyn Loader) -> Result<()> {
        // The clean end is valid, so nothing has to be repaired; read-only ensures that.
        let terms = Terms { access: Access::ReadOnly, ..self.terms };
        let end = self.files.newest().map(|(segment, _)| segment.path.clone());
        let recovered = recover(&self.host, &self.dir, &self.manifest, self.files, terms, None, loader)?;
        let clean = self.manifest.clean.map_or(0, |clean| clean.lsn);
        if !recovered.report.clean || recovered.last != Lsn(clean) || recovered.seal_crc != self.seal_crc {
            return Err(Error::corrupt(&end.unwrap_or(self.dir), 0, "the segment changed while it was read"));
        }
        Ok(())
    }
}

/// What recovery would find in a database with a valid clean end and a checkpoint, without reading the log; `None` for every
/// other database.
pub(crate) fn open_early(
    host: &Host,
    dir: &Path,
    manifest: &Manifest,
    files: &Files,
    terms: Terms,
) -> Option<(Recovered, Early)> {
    let bound = bound(manifest, files)?;
    let checkpoint = Checkpoint::open(host, dir, &bound)
        .inspect_err(|error| tracing::info!(%error, "the log is read: there is no checkpoint that fits"))
        .ok()?;
    let base = files.snapshot.as_ref().map_or(0, |(snapshot, _)| snapshot.lsn.0);
    let report = RecoveryReport {
        clean: true,
        frames_replayed: bound.clean.lsn.checked_sub(base)?,
        last_lsn: bound.clean.lsn,
        segments: files.segments.len() as u64,
        ..RecoveryReport::default()
    };
    let recovered = Recovered {
        snapshot: files.snapshot.as_ref().map(|(snapshot, _)| snapshot.clone()),
        segments: files.segments.iter().map(|(segment, _)| segment.clone()).collect(),
        last: Lsn(bound.clean.lsn),
        next_segment: bound.clean.segment + 1,
        seal_crc: bound.seal_crc,
        sealed: None,
        report,
    };
    let deferred = Deferred {
        host: host.clone(),
        dir: dir.to_path_buf(),
        manifest: manifest.clone(),
        files: files.clone(),
        terms,
        seal_crc: bound.seal_crc,
    };
    Some((recovered, Early { checkpoint, deferred }))
}

/// The clean end, if it is valid and the newest segment ends with it.
fn bound(manifest: &Manifest, files: &Files) -> Option<Bound> {
    let clean = manifest.clean.filter(|_| !manifest.is_in_use())?;
    let (segment, len) = files.newest()?;
    if segment.id != clean.segment || *len != clean.len {
        return None;
    }
    let at = clean.len.checked_sub(SEAL_LEN)?;
    let mut bytes = [0; HEADER_LEN];
    read_exact_at(&*segment.file, at, &mut bytes).ok()?;
    let seal = FrameHeader::decode(&bytes, segment.seed, at)?;
    (seal.kind == FrameKind::Seal && seal.lsn.0 == clean.lsn).then_some(Bound {
        database: manifest.database,
        generation: manifest.generation,
        clean,
        seal_crc: seal.head_crc,
    })
}
