//! The keys of encrypted databases.

use std::path::Path;

use super::database::Database;
use crate::error::{Error, Kind, Result};
use crate::options::{EncryptionKey, MEMORY};
use crate::storage::{self, Host, Reencrypted};

impl Database {
    /// Makes another key that of the database at this path, which no process has open; see [`storage::rekey`].
    pub fn rekey(path: &str, old: &EncryptionKey, new: &EncryptionKey) -> Result<()> {
        Self::rekey_on(&Host::system(), path, old, new)
    }

    /// The same, and writes all files again with a new data key; see [`storage::reencrypt`].
    pub fn reencrypt(path: &str, old: &EncryptionKey, new: &EncryptionKey) -> Result<Reencrypted> {
        Self::check_directory(path)?;
        storage::reencrypt(&Host::system(), Path::new(path), old, new)
    }

    /// [`Database::rekey`] on another file system.
    pub fn rekey_on(host: &Host, path: &str, old: &EncryptionKey, new: &EncryptionKey) -> Result<()> {
        Self::check_directory(path)?;
        storage::rekey(host, Path::new(path), old, new)
    }

    fn check_directory(path: &str) -> Result<()> {
        if path.is_empty() || path == MEMORY {
            return Err(Error::new(Kind::Argument, "path must name the directory of a database"));
        }
        Ok(())
    }
}
