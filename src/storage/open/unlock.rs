//! The key of a database: opening it with one, and changing which key that is.

use std::path::Path;

use super::listing::Listing;
use super::recovery::named;
use crate::error::{Error, Kind, Result};
use crate::options::{Access, EncryptionKey};
use crate::storage::cipher::cipher::Cipher;
use crate::storage::format::manifest::{self, Manifest, key_required};
use crate::storage::generation::retire;
use crate::storage::host::lock::DirectoryLock;
use crate::storage::host::system::Host;

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
    let failed = |error| Error::io("look at", path, error);
    let path = host.vfs.absolute(path).map_err(failed)?;
    let is_there = Listing::read(host, &path)?.is_some_and(|listing| listing.manifest);
    if !is_there {
        let message = format!("there is no database at {}; check the path", path.display());
        return Err(named(Kind::Io, message, &path));
    }
    // Before anything is changed, also by the lock.
    unlocked(host, &path, Some(old))?;
    let dir = &*host.vfs.real(&path).map_err(failed)?;
    let _lock = DirectoryLock::acquire(host, dir, Access::ReadWrite)?;
    let host = &unlocked(host, dir, Some(old))?;
    let manifest = Manifest::read(host, dir, true)?;
    host.vfs.sync_dir(dir).map_err(|error| Error::io("fsync", dir, error))?;
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
