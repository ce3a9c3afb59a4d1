//! The format version of all files, and the upper bound of every number in them.

use std::path::{Path, PathBuf};

use crate::error::{Details, Error, Kind, Result};

/// The format that this code writes.
pub(crate) const FORMAT_VERSION: u32 = 2;

/// The oldest format that this code reads: its log says PUT for every document that was written.
const OLDEST_VERSION: u32 = 1;

/// No LSN, segment or generation number is above this, so that incrementing one never overflows. A database with a million
/// commits a second reaches it after 146,000 years.
pub(crate) const LARGEST_NUMBER: u64 = 1 << 62;

/// Refuses a version that this code does not know. The checksum is at the same place in every version.
pub(crate) fn check_version(path: &Path, version: u32) -> Result<()> {
    if (OLDEST_VERSION..=FORMAT_VERSION).contains(&version) {
        return Ok(());
    }
    let message = format!(
        "{} has format version {version}, this package reads versions {OLDEST_VERSION} to {FORMAT_VERSION}; open it with a newer \
         moltendb-node",
        path.display()
    );
    let details = Details { file: Some(PathBuf::from(path)), offset: Some(8), ..Details::default() };
    Err(Error::new(Kind::Version, message).with_details(details))
}
