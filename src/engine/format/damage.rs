//! The error that locates damage in a file.

use std::path::Path;

use crate::error::Error;
use crate::storage::format::segment::segment_name;
use crate::storage::format::snapshot::snapshot_name;
use crate::storage::{BlockPlace, FileId};

/// Damage of the record at `start` in the payload at this place, in the database at `path`.
pub(crate) fn damage(path: &Path, place: &BlockPlace, start: usize, what: &str) -> Error {
    let file = match place.file {
        FileId::Segment(id) => segment_name(id),
        FileId::Snapshot(id) => snapshot_name(id),
        FileId::Memory => "memory".to_owned(),
    };
    Error::corrupt(&path.join(file), place.offset + start as u64, what)
}
