//! Entries that cannot be imported: the first ones in the result, all of them in a file, as lines of JSON.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::BASE64;
use serde::Serialize;

use super::source::{Place, Source};
use crate::error::{Details, Error, Kind, Result};
use crate::storage::Host;
use crate::storage::vfs::{OpenMode, VfsFile, write_all_at};

/// How many a result lists.
const LISTED: usize = 100;

/// An entry that was not imported.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rejected {
    /// Its file.
    pub file: String,
    /// Its line; in files without lines its number, from 1. 0 for the head of a file.
    pub line: u64,
    /// Its first byte, where the file is not compressed.
    pub offset: Option<u64>,
    /// Its bytes.
    pub length: u64,
    /// Why.
    pub reason: String,
}

/// What is written of it.
#[derive(Serialize)]
struct Kept<'a> {
    #[serde(flatten)]
    rejected: &'a Rejected,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// All of them.
pub(super) struct Rejects {
    pub(super) count: u64,
    pub(super) listed: Vec<Rejected>,
    kept: Option<(PathBuf, Arc<dyn VfsFile>)>,
    length: u64,
}

impl Rejects {
    /// None yet; with a file for them, which must not exist.
    pub(super) fn new(host: &Host, path: Option<&Path>) -> Result<Rejects> {
        let kept = match path {
            None => None,
            Some(path) => {
                let there = host.vfs.entry(path).map_err(|error| Error::io("look at", path, error))?;
                if there.is_some() {
                    let message = format!(
                        "{} is there already; name another file for what is rejected",
                        path.display()
                    );
                    let details = Details { file: Some(path.to_path_buf()), ..Details::default() };
                    return Err(Error::new(Kind::Io, message).with_details(details));
                }
                let file = host
                    .vfs
                    .open(path, OpenMode::Create)
                    .map_err(|error| Error::io("create", path, error))?;
                Some((path.to_path_buf(), file))
            }
        };
        Ok(Rejects { count: 0, listed: Vec::new(), kept, length: 0 })
    }

    /// One more, with its bytes where they are at hand or can be read again.
    pub(super) fn add(
        &mut self,
        source: &Source,
        place: &Place,
        bytes: Option<&[u8]>,
        reason: String,
    ) -> Result<()> {
        let &Place { file, line, offset, length } = place;
        let file = source.path(file).display().to_string();
        let rejected = Rejected { file, line, offset, length, reason };
        self.count += 1;
        if let Some((path, file)) = &self.kept {
            let again = if bytes.is_none() { source.reread(place) } else { None };
            let bytes = bytes.or(again.as_deref());
            let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
            let base64 = bytes.filter(|_| text.is_none()).map(|bytes| BASE64.encode(bytes));
            let mut out = serde_json::to_vec(&Kept { rejected: &rejected, text, base64 })
                .map_err(|error| Error::new(Kind::Internal, format!("no JSON: {error}")))?;
            out.push(b'\n');
            write_all_at(&**file, self.length, &out).map_err(|error| Error::io("write", path, error))?;
            self.length += out.len() as u64;
        }
        if self.listed.len() < LISTED {
            self.listed.push(rejected);
        }
        Ok(())
    }

    /// Makes the file durable.
    pub(super) fn finish(&self) -> Result<()> {
        let Some((path, file)) = &self.kept else { return Ok(()) };
        file.sync_all().map_err(|error| Error::io("fsync", path, error))
    }

    /// Removes the file, as nothing was imported.
    pub(super) fn give_up(self, host: &Host) {
        if let Some((path, file)) = self.kept {
            drop(file);
            // The error that ended the import is more useful than one about the leftover.
            let _ = host.vfs.remove(&path);
        }
    }
}
