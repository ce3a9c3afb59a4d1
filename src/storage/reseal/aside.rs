//! New files beside those of the database. MANIFEST says from which numbers on files are no part of it: so a power cut leaves either
//! the database as it was, or, once MANIFEST names the new files, all of them.

use std::path::Path;

use crate::error::{Error, Result};
use crate::storage::format::manifest::Manifest;
use crate::storage::format::segment::parse_segment_name;
use crate::storage::format::snapshot::parse_snapshot_name;
use crate::storage::format::witnessed::Witnessed;
use crate::storage::generation::retire;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::EntryKind;

/// Segments from this one on, and snapshots of later generations, will be no part of the database.
pub(crate) fn begin(host: &Host, dir: &Path, manifest: &Manifest, fence: u64) -> Result<Manifest> {
    replace(host, dir, Manifest { fence, ..manifest.clone() })
}

/// Removes them, if there are any. Returns the manifest without them.
pub(crate) fn end(host: &Host, dir: &Path, manifest: Manifest) -> Result<Manifest> {
    if manifest.fence == 0 {
        return Ok(manifest);
    }
    let fence = manifest.fence;
    for entry in host.vfs.read_dir(dir).map_err(|error| Error::io("list", dir, error))? {
        let is_aside = parse_segment_name(&entry.name).is_some_and(|id| id >= fence)
            || parse_snapshot_name(&entry.name).is_some_and(|id| id > manifest.generation);
        if is_aside && entry.kind == EntryKind::File {
            retire::remove(host, &dir.join(entry.name))?;
        }
    }
    // Gone before the numbers may be used.
    host.vfs.sync_dir(dir).map_err(|error| Error::io("fsync", dir, error))?;
    replace(host, dir, Manifest { fence: 0, ..manifest })
}

fn replace(host: &Host, dir: &Path, manifest: Manifest) -> Result<Manifest> {
    // Its record stands in the first place then.
    let witnessed = manifest.witnessed.map(|record| Witnessed { place: 0, ..record });
    let manifest = Manifest { witnessed, ..manifest };
    manifest.replace(host, dir)?;
    Ok(manifest)
}
