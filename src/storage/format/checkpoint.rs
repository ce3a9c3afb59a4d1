//! The checkpoint: written by a clean close so that the next opening can answer reads by key before it has read the log. It
//! is a cache: nothing depends on it, it is never fsynced, and a damaged one is treated as missing.
//!
//! ```text
//! header, 128 bytes
//!   0  magic "MOLTNCHK"           8  u32 version            12  u32 flags: 0
//!  16  id of the database        32  u64 generation
//!  40  the clean end: u64 segment, u64 its length, u64 last lsn       64  u32 head_crc of its SEAL    68  zero
//!  72  salt, 16 bytes: random    88  u64 length of the state          96  u32 pages
//! 100  u32 crc of salt, state   104  u32 crc of salt, table          108  zero
//! 124  u32 crc of the 124 bytes before
//! state    as the engine made it
//! table    a row a page: u32 low, u32 length, u32 crc of salt, offset of the page in the file (u64), page
//! pages    one behind the other; as the engine made them, in order of low
//! ```
//!
//! A checkpoint is used only if every field of the clean end equals that of the database. This includes the checksum of the
//! SEAL, which no other history of the same database shares.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::frame::{array_at, u32_at, u64_at};
use super::manifest::Clean;
use super::version::FORMAT_VERSION;
use crate::error::{Error, Kind, Result};
use crate::storage::contract::backend::CheckpointContents;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{OpenMode, VfsFile, read_exact_at, write_all_at, zeros};

const MAGIC: &[u8; 8] = b"MOLTNCHK";
const HEADER_LEN: usize = 128;
const CRC_AT: usize = HEADER_LEN - 4;
const ROW_LEN: usize = 12;
/// The maximum bytes of a state: a larger database has no checkpoint.
const LONGEST_STATE: u64 = 64 << 20;
/// The maximum bytes of a page that is read. A page is longer only where thousands of keys share a hash.
const LONGEST_PAGE: u32 = 1 << 20;
/// Rows of the table that are read at once.
const ROWS: u64 = 1 << 16;
/// Bytes that are written at once.
const PIECE: usize = 1 << 20;

/// The state of a database that a checkpoint belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The database.
    pub database: [u8; 16],
    /// Its generation.
    pub generation: u64,
    /// Where the log ends.
    pub clean: Clean,
    /// Head checksum of the SEAL there.
    pub seal_crc: u32,
}

impl Bound {
    /// The file name of its checkpoint.
    pub(crate) fn name(&self) -> String {
        checkpoint_name(self.clean.lsn)
    }

    fn encode(&self, header: &mut [u8]) {
        let mut put = |at: usize, field: &[u8]| header[at..at + field.len()].copy_from_slice(field);
        put(16, &self.database);
        put(32, &self.generation.to_le_bytes());
        put(40, &self.clean.segment.to_le_bytes());
        put(48, &self.clean.len.to_le_bytes());
        put(56, &self.clean.lsn.to_le_bytes());
        put(64, &self.seal_crc.to_le_bytes());
    }

    fn decode(header: &[u8; HEADER_LEN]) -> Bound {
        let clean = Clean { segment: u64_at(header, 40), len: u64_at(header, 48), lsn: u64_at(header, 56) };
        Bound {
            database: array_at(header, 16),
            generation: u64_at(header, 32),
            clean,
            seal_crc: u32_at(header, 64),
        }
    }
}

/// The file name of the checkpoint at this LSN.
pub fn checkpoint_name(lsn: u64) -> String {
    format!("chk-{lsn:016x}.chk")
}

/// The LSN in a checkpoint's file name; `None` for every other name.
pub fn parse_checkpoint_name(name: &str) -> Option<u64> {
    let lsn = u64::from_str_radix(name.strip_prefix("chk-")?.strip_suffix(".chk")?, 16).ok()?;
    (checkpoint_name(lsn) == name).then_some(lsn)
}

struct Row {
    low: u32,
    at: u64,
    len: u32,
    crc: u32,
}

/// An open checkpoint that belongs to its database. A page is verified when it is read.
pub struct Checkpoint {
    path: PathBuf,
    file: Arc<dyn VfsFile>,
    salt: [u8; 16],
    state: Vec<u8>,
    rows: Vec<Row>,
}

impl Checkpoint {
    /// Opens the checkpoint of this state. Any error means that there is no usable one.
    pub(crate) fn open(host: &Host, dir: &Path, bound: &Bound) -> Result<Checkpoint> {
        let path = dir.join(bound.name());
        let file = host.vfs.open(&path, OpenMode::Read).map_err(|error| Error::io("open", &path, error))?;
        let len = file.len().map_err(|error| Error::io("measure", &path, error))?;
        let read = |at: u64, bytes: &mut [u8]| {
            read_exact_at(&*file, at, bytes).map_err(|error| Error::io("read", &path, error))
        };
        let mut header = [0; HEADER_LEN];
        read(0, &mut header)?;
        let wrong = |at: u64, what: &str| Error::corrupt(&path, at, what);
        if header[..8] != *MAGIC
            || u32_at(&header, CRC_AT) != crc32c::crc32c(&header[..CRC_AT])
            || u32_at(&header, 8) != FORMAT_VERSION
            || u32_at(&header, 12) != 0
        {
            return Err(wrong(0, "it is no checkpoint of this format"));
        }
        if Bound::decode(&header) != *bound {
            return Err(wrong(16, "it belongs to another state of the database"));
        }
        let salt = array_at(&header, 72);
        let (state_len, pages) = (u64_at(&header, 88), u64::from(u32_at(&header, 96)));
        let table_at = (HEADER_LEN as u64).saturating_add(state_len);
        let first = table_at.saturating_add(pages * ROW_LEN as u64);
        if first > len {
            return Err(wrong(len, "it ends too early"));
        }
        // The header is not verified yet: allocate nothing for data that is not there.
        if state_len > LONGEST_STATE {
            return Err(wrong(88, "its state is longer than any"));
        }
        let mut state = zeros(state_len).map_err(|error| Error::io("read", &path, error))?;
        read(HEADER_LEN as u64, &mut state)?;
        if crc(&salt, &[&state]) != u32_at(&header, 100) {
            return Err(wrong(HEADER_LEN as u64, "its checksum does not hold"));
        }
        let (rows, end) = read_table(&read, &path, &salt, table_at..first, u32_at(&header, 104))?;
        if end != len {
            return Err(wrong(len, "it does not end with its last page"));
        }
        Ok(Checkpoint { path, file, salt, state, rows })
    }

    /// The state.
    pub fn state(&self) -> &[u8] {
        &self.state
    }

    /// The last page whose `low` is at most this value, if any.
    pub fn page(&self, low: u32) -> Result<Option<Vec<u8>>> {
        let after = self.rows.partition_point(|row| row.low <= low);
        let Some(row) = after.checked_sub(1).and_then(|at| self.rows.get(at)) else { return Ok(None) };
        if row.len > LONGEST_PAGE {
            return Err(Error::corrupt(&self.path, row.at, "a page is longer than is read for one key"));
        }
        let mut page = vec![0; row.len as usize];
        read_exact_at(&*self.file, row.at, &mut page)
            .map_err(|error| Error::io("read", &self.path, error))?;
        if crc(&self.salt, &[&row.at.to_le_bytes(), &page]) != row.crc {
            return Err(Error::corrupt(&self.path, row.at, "a page's checksum does not hold"));
        }
        Ok(Some(page))
    }
}

/// Reads the table of pages, which lies in this range of the file; returns its rows and the end of the last page.
fn read_table(
    read: &impl Fn(u64, &mut [u8]) -> Result<()>,
    path: &Path,
    salt: &[u8; 16],
    table: Range<u64>,
    expected_crc: u32,
) -> Result<(Vec<Row>, u64)> {
    let wrong = |at: u64, what: &str| Error::corrupt(path, at, what);
    let (mut at, mut row_at) = (table.end, table.start);
    let (mut rows, mut table_crc) = (Vec::<Row>::new(), crc(salt, &[]));
    while row_at < table.end {
        let len = (table.end - row_at).min(ROWS * ROW_LEN as u64);
        let mut part = zeros(len).map_err(|error| Error::io("read", path, error))?;
        read(row_at, &mut part)?;
        table_crc = crc32c::crc32c_append(table_crc, &part);
        for row in part.chunks_exact(ROW_LEN) {
            let (low, len, crc) = (u32_at(row, 0), u32_at(row, 4), u32_at(row, 8));
            // A table in a hole of the file fails at its first rows.
            if len == 0 || rows.last().is_some_and(|before| before.low >= low) {
                return Err(wrong(row_at, "its pages are out of order"));
            }
            rows.push(Row { low, at, len, crc });
            at = at.saturating_add(u64::from(len));
        }
        row_at += part.len() as u64;
    }
    if table_crc != expected_crc {
        return Err(wrong(table.start, "its checksum does not hold"));
    }
    Ok((rows, at))
}

/// Writes the checkpoint of this state. Nothing is synced.
pub(crate) fn write(host: &Host, dir: &Path, bound: &Bound, contents: &CheckpointContents) -> Result<u64> {
    let path = dir.join(bound.name());
    if contents.state.len() as u64 > LONGEST_STATE {
        return Err(Error::new(Kind::Limit, "the database has too many names and shapes for a checkpoint"));
    }
    let mut salt = [0; 16];
    host.rng.fill(&mut salt);
    let table_at = HEADER_LEN + contents.state.len();
    let mut at = (table_at + contents.pages.len() * ROW_LEN) as u64;
    let mut table = Vec::with_capacity(contents.pages.len() * ROW_LEN);
    for (low, page) in &contents.pages {
        table.extend_from_slice(&low.to_le_bytes());
        table.extend_from_slice(&(page.len() as u32).to_le_bytes());
        table.extend_from_slice(&crc(&salt, &[&at.to_le_bytes(), page]).to_le_bytes());
        at += page.len() as u64;
    }
    let mut header = [0; HEADER_LEN];
    bound.encode(&mut header);
    let mut put = |at: usize, field: &[u8]| header[at..at + field.len()].copy_from_slice(field);
    put(0, MAGIC);
    put(8, &FORMAT_VERSION.to_le_bytes());
    put(72, &salt);
    put(88, &(contents.state.len() as u64).to_le_bytes());
    put(96, &(contents.pages.len() as u32).to_le_bytes());
    put(100, &crc(&salt, &[&contents.state]).to_le_bytes());
    put(104, &crc(&salt, &[&table]).to_le_bytes());
    let whole = crc32c::crc32c(&header[..CRC_AT]);
    header[CRC_AT..].copy_from_slice(&whole.to_le_bytes());

    let write = || {
        let file = host.vfs.open(&path, OpenMode::Create)?;
        file.set_len(0)?;
        let (mut buffer, mut end) = (Vec::with_capacity(PIECE), 0);
        let pages = contents.pages.iter().map(|(_, page)| &page[..]);
        for part in [&header[..], &contents.state, &table].into_iter().chain(pages) {
            buffer.extend_from_slice(part);
            if buffer.len() >= PIECE {
                write_all_at(&*file, end, &buffer)?;
                end += buffer.len() as u64;
                buffer.clear();
            }
        }
        write_all_at(&*file, end, &buffer)?;
        Ok(end + buffer.len() as u64)
    };
    write().map_err(|error: std::io::Error| Error::io("write", &path, error))
}

fn crc(salt: &[u8; 16], parts: &[&[u8]]) -> u32 {
    parts.iter().fold(crc32c::crc32c(salt), |crc, part| crc32c::crc32c_append(crc, part))
}
