//! The key of a database: opening it with one, and changing which key that is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::listing::Listing;
use super::recovery::{Files, QUARANTINE, Terms, named, recover};
use crate::error::{Error, Kind, Result};
use crate::options::{Access, EncryptionKey, RecoveryPolicy};
use crate::storage::cipher::cipher::Cipher;
use crate::storage::contract::backend::Discard;
use crate::storage::format::checkpoint::checkpoint_name;
use crate::storage::format::manifest::{self, Manifest, key_required};
use crate::storage::generation::retire;
use crate::storage::host::home::{Home, Trust};
use crate::storage::host::lock::DirectoryLock;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::EntryKind;
use crate::storage::reseal::aside;
use crate::storage::reseal::reseal::{self, Resealed, Source};

/// The host with the keys of the database in this directory, which has a manifest. Nothing is changed, and no lock is taken.
///
/// `KEY_REQUIRED` where it is encrypted and no key is given, `NOT_ENCRYPTED` the other way round, `WRONG_KEY` where the key is that of
/// another database.
pub fn unlocked(host: &Host, dir: &Path, key: Option<&EncryptionKey>) -> Result<Host> {
    let path = dir.join(manifest::NAME);
    let manifest = Manifest::peek(host, &path)?;
    let (Some(block), Some(key)) = (manifest.key_block(), key) else {
        return match (manifest.encrypted, key.is_some()) {
            (true, _) => Err(key_required(&path)),
            (false, false) => Ok(host.with(Cipher::PLAIN)),
            (false, true) => {
                let message = format!(
                    "{} is not encrypted, and encryptionKey was given; open it without, and make an encrypted copy with backup",
                    dir.display()
                );
                Err(named(Kind::NotEncrypted, message, &path))
            }
        };
    };
    // The derivation of the keys of an open database is not repeated.
    if host.cipher.block() == Some(&block) {
        return Ok(host.clone());
    }
    let opened = Cipher::unlock(key, manifest.database, block, host.random()).map_err(|error| {
        let is_malformed = error.kind() == Kind::Corrupt;
        if is_malformed { Error::corrupt(&path, 120, error.message()) } else { error }
    })?;
    let cipher = opened.ok_or_else(|| {
        let message =
            format!("{} is encrypted with another key; open it with the right encryptionKey", dir.display());
        named(Kind::WrongKey, message, &path)
    })?;
    Ok(host.with(cipher))
}

/// Makes this the key of the database that `old` opens, and of the generations that are kept in it. Documents are not written again: the
/// data key stays, and is wrapped anew. The directory is readable with one of the two keys at each moment.
pub fn rekey(host: &Host, path: &Path, old: &EncryptionKey, new: &EncryptionKey) -> Result<()> {
    let Claimed { host, dir, lock: _lock } = &claim(host, path, old)?;
    let manifest = Manifest::read(host, dir, true)?;
    host.vfs.sync_dir(dir).map_err(|error| Error::io("fsync", dir, error))?;
    let manifest = aside::end(host, dir, manifest)?;
    retire::resume(host, dir, &manifest)?;
    let cipher = host.cipher.with_key(new, host.random())?;
    let host = &host.with(cipher);
    // The database itself comes last: until then the old key opens it, and this can be done again.
    for folder in retire::complete(host, dir)? {
        let path = folder.join(manifest::NAME);
        match Manifest::read_named(host, &path, false) {
            Ok(kept) if kept.database == manifest.database => {
                kept.wrapped_by(&host.cipher).replace(host, &folder)?;
            }
            // Of another database, or damaged: it stays as it is.
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "a kept generation has the key that it had");
            }
        }
    }
    manifest.wrapped_by(&host.cipher).replace(host, dir)?;
    Ok(())
}

/// What [`reencrypt`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reencrypted {
    /// Bytes of the files that were written.
    pub bytes: u64,
    /// Generations in `backup/` that were removed.
    pub generations: u64,
    /// Why a part of the history is gone: its files were damaged.
    pub lost: Option<String>,
}

/// [`rekey`] that writes all files again, with a new data key: the old one, and what it is wrapped with, open none of them. The history
/// stays; the generations in `backup/`, and what stands in `quarantine/`, are removed. The directory is readable with exactly one of the
/// two keys at each moment.
pub fn reencrypt(host: &Host, path: &Path, old: &EncryptionKey, new: &EncryptionKey) -> Result<Reencrypted> {
    let Claimed { host, dir, lock } = &claim(host, path, old)?;
    host.vfs.sync_dir(dir).map_err(|error| Error::io("fsync", dir, error))?;
    let manifest = Manifest::read(host, dir, true)?;
    let listing = Listing::read(host, dir)?.unwrap_or_default();
    let files = Files::open(host, dir, &manifest, &listing.segments, Trust::Synced)?;
    let home = Home::new(host, dir.clone(), lock, Arc::default())?;
    let terms = Terms { access: Access::ReadWrite, policy: RecoveryPolicy::Strict };
    // What nobody can prove must not become genuine, so everything is read and checked as by an opening.
    let recovered = recover(host, dir, &manifest, files, terms, Some(&home), (&mut Discard, None))?;
    for name in &listing.temporary {
        retire::remove(host, &dir.join(name))?;
    }
    let manifest = aside::end(host, dir, manifest)?;
    retire::resume(host, dir, &manifest)?;
    let cipher = Cipher::create(new, manifest.database, host.random())?;
    let to = &host.with(cipher);
    let newest = listing.segments.last().map_or(0, |id| id + 1);
    let free = recovered.next_segment.max(newest).max(manifest.first_segment + 1);
    let fenced = aside::begin(host, dir, &manifest, free)?;
    let source = Source {
        host,
        dir,
        manifest: &manifest,
        segments: &recovered.segments,
        snapshot: recovered.snapshot.as_deref(),
        end: (recovered.last, recovered.seal_crc),
        free,
    };
    let written = reseal::write(&source, to).and_then(|written| {
        host.vfs.sync_dir(dir).map_err(|error| Error::io("fsync", dir, error))?;
        let Resealed { manifest, segments, .. } = &written;
        let files = Files::open(to, dir, manifest, segments, Trust::ReadOnly)?;
        let terms = Terms { access: Access::ReadOnly, ..terms };
        recover(to, dir, manifest, files, terms, None, (&mut Discard, None))?;
        Ok(written)
    });
    let written = match written {
        Ok(written) => written,
        Err(error) => {
            // The disk may be full: what was written gives its space back now, or with the next opening.
            if let Err(other) = aside::end(host, dir, fenced) {
                tracing::warn!(error = %other, "files of a change of keys that failed stay until the next opening");
            }
            return Err(error);
        }
    };
    // These are of no use with the new key, and readable with the old one. The history in `backup/` was written again.
    for lsn in &listing.checkpoints {
        retire::remove(host, &dir.join(checkpoint_name(*lsn)))?;
    }
    let before = retire::complete(host, dir)?.len();
    retire::prune(host, dir, &manifest.database, manifest.generation)?;
    let generations = before.saturating_sub(retire::complete(host, dir)?.len()) as u64;
    remove_quarantine(host, dir)?;
    host.vfs.sync_dir(dir).map_err(|error| Error::io("fsync", dir, error))?;
    home.check()?;
    written.manifest.replace(to, dir)?;
    retire::resume(to, dir, &written.manifest)?;
    let lost = written.lost.map(|error| error.message().to_owned());
    Ok(Reencrypted { bytes: written.bytes, generations, lost })
}

/// Removes the torn bytes that were kept.
fn remove_quarantine(host: &Host, dir: &Path) -> Result<()> {
    let folder = dir.join(QUARANTINE);
    let failed = |error| Error::io("list", &folder, error);
    if host.vfs.kind(&folder).map_err(failed)?.is_none() {
        return Ok(());
    }
    for entry in host.vfs.read_dir(&folder).map_err(failed)? {
        if entry.kind == EntryKind::File && entry.name.starts_with("seg-") && entry.name.ends_with(".bin") {
            retire::remove(host, &folder.join(entry.name))?;
        }
    }
    host.vfs.sync_dir(&folder).map_err(|error| Error::io("fsync", &folder, error))?;
    // Other files keep the directory.
    let _ = host.vfs.remove_dir(&folder);
    Ok(())
}

/// A directory that is locked to change its key.
struct Claimed {
    /// With the keys of the database.
    host: Host,
    dir: PathBuf,
    lock: DirectoryLock,
}

fn claim(host: &Host, path: &Path, key: &EncryptionKey) -> Result<Claimed> {
    let failed = |error| Error::io("look at", path, error);
    let path = host.vfs.absolute(path).map_err(failed)?;
    let is_there = Listing::read(host, &path)?.is_some_and(|listing| listing.manifest);
    if !is_there {
        let message = format!("there is no database at {}; check the path", path.display());
        return Err(named(Kind::Io, message, &path));
    }
    // Before anything is changed, also by the lock.
    unlocked(host, &path, Some(key))?;
    let dir = host.vfs.real(&path).map_err(failed)?;
    let lock = DirectoryLock::acquire(host, &dir, Access::ReadWrite)?;
    let host = unlocked(host, &dir, Some(key))?;
    Ok(Claimed { host, dir, lock })
}
