//! The keys of encrypted databases.

use std::path::Path;

use super::database::Database;
use crate::error::{Error, Kind, Result};
use crate::options::{EncryptionKey, MEMORY};
use crate::storage::{self, Host};

impl Database {
    /// Makes another key that of the database at this path, which no process has open; see [`storage::rekey`].
    pub fn rekey(path: &str, old: &EncryptionKey, new: &EncryptionKey) -> Result<()> {
        Self::rekey_on(&Host::system(), path, old, new)
    }

    /// [`Database::rekey`] on another file system.
    pub fn rekey_on(host: &Host, path: &str, old: &EncryptionKey, new: &EncryptionKey) -> Result<()> {
        if path.is_empty() || path == MEMORY {
            return Err(Error::new(Kind::Argument, "path must name the directory of a database"));
        }
        storage::rekey(host, Path::new(path), old, new)
    }
}
