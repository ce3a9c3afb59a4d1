//! The names in a database directory, and the errors for entries of the wrong type.

use std::path::Path;

use super::recovery::QUARANTINE;
use crate::error::{Details, Error, Kind, Result};
use crate::storage::format::checkpoint::{is_unfinished_name, parse_checkpoint_name};
use crate::storage::format::manifest::{self, Manifest};
use crate::storage::format::segment::parse_segment_name;
use crate::storage::format::snapshot::{is_temporary_name, parse_snapshot_name};
use crate::storage::format::spill::is_spill_name;
use crate::storage::generation::retire;
use crate::storage::host::home::not_a_folder;
use crate::storage::host::lock::{LOCK_NAME, OWNER_NAME};
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{Entry, EntryKind};

/// The names of a database directory.
#[derive(Default)]
pub(crate) struct Listing {
    pub(crate) manifest: bool,
    /// In ascending order.
    pub(crate) segments: Vec<u64>,
    /// In ascending order.
    pub(crate) snapshots: Vec<u64>,
    pub(crate) checkpoints: Vec<u64>,
    pub(crate) temporary: Vec<String>,
    /// Whether there are kept generations.
    pub(crate) backups: bool,
    /// A name that no database uses.
    pub(crate) foreign: Option<String>,
}

impl Listing {
    /// `None` when there is no directory; an error when the path, or a file of the database, is something else.
    pub(crate) fn read(host: &Host, path: &Path) -> Result<Option<Listing>> {
        match host.vfs.kind(path).map_err(|error| Error::io("look at", path, error))? {
            None => return Ok(None),
            Some(EntryKind::Directory) => {}
            Some(_) => {
                let message =
                    format!("{} is not a directory; a database is a directory of its own", path.display());
                return Err(named(message, path));
            }
        }
        let mut listing = Listing::default();
        for entry in host.vfs.read_dir(path).map_err(|error| Error::io("list", path, error))? {
            listing.add(path, entry)?;
        }
        listing.segments.sort_unstable();
        listing.snapshots.sort_unstable();
        Ok(Some(listing))
    }

    /// Whether nothing is there that an opening removes, or goes on with.
    pub(crate) fn is_settled(&self, manifest: &Manifest) -> bool {
        let is_left = self.segments.iter().any(|id| retire::is_left_segment(manifest, *id))
            || self.snapshots.iter().any(|id| retire::is_left_snapshot(manifest, *id));
        self.temporary.is_empty() && !self.backups && manifest.fence == 0 && !is_left
    }

    fn add(&mut self, dir: &Path, entry: Entry) -> Result<()> {
        let Entry { name, kind } = entry;
        let segment = parse_segment_name(&name);
        let snapshot = parse_snapshot_name(&name);
        let temporary = name == manifest::TMP_NAME
            || is_temporary_name(&name)
            || is_spill_name(&name)
            || is_unfinished_name(&name);
        let checkpoint = parse_checkpoint_name(&name);
        let file = name == manifest::NAME || name == LOCK_NAME || name == OWNER_NAME || checkpoint.is_some();
        if (segment.is_some() || snapshot.is_some() || temporary || file) && kind != EntryKind::File {
            let path = dir.join(&name);
            let what = kind.described();
            let message = format!("{} is {what}; the files of a database are regular files", path.display());
            return Err(named(message, &path));
        }
        if (name == QUARANTINE || name == retire::FOLDER) && kind != EntryKind::Directory {
            return Err(not_a_folder(&dir.join(&name), kind));
        }
        self.manifest |= name == manifest::NAME;
        self.backups |= name == retire::FOLDER;
        self.snapshots.extend(snapshot);
        self.segments.extend(segment);
        self.checkpoints.extend(checkpoint);
        if temporary {
            self.temporary.push(name);
        } else if !file && snapshot.is_none() && segment.is_none() && !name.starts_with('.') {
            self.foreign = Some(name);
        }
        Ok(())
    }
}

fn named(message: String, file: &Path) -> Error {
    Error::new(Kind::Io, message)
        .with_details(Details { file: Some(file.to_path_buf()), ..Details::default() })
}
