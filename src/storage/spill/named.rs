//! A temporary file, and its name until that is removed.

use std::path::PathBuf;
use std::sync::Arc;

use crate::storage::host::home::Home;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::VfsFile;

/// A file whose name may not be removed yet.
pub(super) struct NamedFile {
    host: Host,
    home: Arc<Home>,
    pub(super) path: PathBuf,
    pub(super) file: Arc<dyn VfsFile>,
    named: bool,
}

impl NamedFile {
    /// A file that was just opened. Its name is removed at once where that leaves the file usable.
    pub(super) fn new(host: Host, home: Arc<Home>, path: PathBuf, file: Arc<dyn VfsFile>) -> NamedFile {
        let mut named = NamedFile { host, home, path, file, named: true };
        if cfg!(unix) {
            named.unlink();
        }
        named
    }

    fn unlink(&mut self) {
        if self.named && self.home.look().is_ok() {
            self.named = self.host.vfs.remove(&self.path).is_err();
        }
    }
}

impl Drop for NamedFile {
    fn drop(&mut self) {
        // If that fails the next opening removes it.
        self.unlink();
    }
}
