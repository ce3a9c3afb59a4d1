//! One run file: its head, its foot, and its pages, each of which is read with its checksum.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::checked_pages::CheckedPages;
use crate::error::{Details, Error, Kind, Result};
use crate::storage::cipher::cipher::Cipher;
use crate::storage::cipher::unit::FileCipher;
use crate::storage::contract::backend::{Depth, Lsn};
use crate::storage::format::frame::{array_at, u32_at, u64_at};
use crate::storage::format::version::{FORMAT_VERSION, LARGEST_NUMBER, check_version};
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{OpenMode, VfsFile, read_exact_at, read_exact_from, zeros};
use crate::storage::pages::head::{HEAD_LEN as PAGE_HEAD, Head, PageKind};
use crate::storage::pages::pointer::{POINTER_LEN, PageSeed, Pointer};

/// Length of the head; the first page stands here.
pub const HEAD_LEN: u64 = 96;
/// Length of the foot.
pub const FOOT_LEN: u64 = 64;

const MAGIC: &[u8; 8] = b"MOLTNRUN";
const END_MAGIC: &[u8; 8] = b"MOLTNRND";
const HEAD_CRC: usize = HEAD_LEN as usize - 4;
const FOOT_CRC: usize = FOOT_LEN as usize - 4;
const ENCRYPTED: u32 = 2;

/// What identifies a run file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunHead {
    /// The database that it belongs to.
    pub database: [u8; 16],
    /// The number in the name.
    pub run: u64,
    /// Random; binds the pages to this file.
    pub salt: [u8; 16],
    /// Whether its pages are encrypted.
    pub encrypted: bool,
}

impl RunHead {
    /// Encodes the head.
    pub fn encode(&self) -> [u8; HEAD_LEN as usize] {
        let mut bytes = [0; HEAD_LEN as usize];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, MAGIC);
        put(8, &FORMAT_VERSION.to_le_bytes());
        put(12, &(u32::from(self.encrypted) * ENCRYPTED).to_le_bytes());
        put(16, &self.database);
        put(32, &self.run.to_le_bytes());
        put(40, &self.salt);
        let crc = crc32c::crc32c(&bytes[..HEAD_CRC]);
        bytes[HEAD_CRC..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Decodes the first bytes of the file at `path`; errors name that path.
    pub fn decode(bytes: &[u8; HEAD_LEN as usize], path: &Path) -> Result<RunHead> {
        if bytes[..8] != *MAGIC {
            return Err(Error::corrupt(path, 0, "it is not a run file of this database format"));
        }
        if u32_at(bytes, HEAD_CRC) != crc32c::crc32c(&bytes[..HEAD_CRC]) {
            return Err(Error::corrupt(path, 0, "the checksum of the run file's head does not match"));
        }
        check_version(path, u32_at(bytes, 8))?;
        let flags = u32_at(bytes, 12);
        let is_old = flags == ENCRYPTED && u32_at(bytes, 8) != FORMAT_VERSION;
        if flags & !ENCRYPTED != 0
            || is_old
            || bytes[56..HEAD_CRC].iter().any(|byte| *byte != 0)
            || u64_at(bytes, 32) > LARGEST_NUMBER
        {
            return Err(Error::corrupt(path, 12, "the run file's head holds fields of no known format"));
        }
        Ok(RunHead {
            database: array_at(bytes, 16),
            run: u64_at(bytes, 32),
            salt: array_at(bytes, 40),
            encrypted: flags == ENCRYPTED,
        })
    }

    /// What seals its pages. All of the head is part of its key.
    pub(super) fn cipher(&self, cipher: &Cipher) -> FileCipher {
        cipher.file("moltendb run", &[&self.encode()])
    }
}

/// The end of a run file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunFoot {
    /// The catalogue.
    pub catalogue: Pointer,
    /// The last commit whose changes the run holds.
    pub lsn: Lsn,
    /// The checksum of the head.
    pub head: u32,
}

impl RunFoot {
    /// Encodes the foot.
    pub fn encode(&self) -> [u8; FOOT_LEN as usize] {
        let mut bytes = Vec::with_capacity(FOOT_LEN as usize);
        bytes.extend_from_slice(END_MAGIC);
        self.catalogue.encode(&mut bytes);
        bytes.extend_from_slice(&self.lsn.0.to_le_bytes());
        bytes.extend_from_slice(&self.head.to_le_bytes());
        bytes.resize(FOOT_CRC, 0);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        array_at(&bytes, 0)
    }

    fn decode(bytes: &[u8; FOOT_LEN as usize]) -> Option<RunFoot> {
        let holds = u32_at(bytes, FOOT_CRC) == crc32c::crc32c(&bytes[..FOOT_CRC]);
        if !holds || bytes[..8] != *END_MAGIC || bytes[52..FOOT_CRC].iter().any(|byte| *byte != 0) {
            return None;
        }
        let catalogue = Pointer::decode(&bytes[8..8 + POINTER_LEN])?;
        Some(RunFoot { catalogue, lsn: Lsn(u64_at(bytes, 40)), head: u32_at(bytes, 48) })
    }
}

/// A reference to a finished run file, as the manifest holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunReference {
    /// The number in the name.
    pub run: u64,
    /// The length of the file.
    pub length: u64,
    /// The checksum of the foot.
    pub foot: u32,
}

/// An open run file.
pub struct RunFile {
    path: PathBuf,
    file: Arc<dyn VfsFile>,
    head: RunHead,
    seed: PageSeed,
    cipher: FileCipher,
    /// Where pages end.
    end: u64,
    /// Whether some of it was found damaged.
    damaged: Arc<AtomicBool>,
    checked: CheckedPages,
}

impl RunFile {
    /// Opens a file that is being written, whose pages so far end there.
    pub fn open_unfinished(
        host: &Host,
        path: &Path,
        database: &[u8; 16],
        run: u64,
        end: u64,
    ) -> Result<RunFile> {
        let file = host.vfs.open(path, OpenMode::Read).map_err(|error| Error::io("open", path, error))?;
        let (head, _) = read_head(&*file, path, database, run, &host.cipher)?;
        let cipher = head.cipher(&host.cipher);
        Ok(RunFile { cipher, ..RunFile::unfinished(path.to_path_buf(), file, head, end) })
    }

    /// A file that is not encrypted.
    pub(super) fn unfinished(path: PathBuf, file: Arc<dyn VfsFile>, head: RunHead, end: u64) -> RunFile {
        let (seed, cipher) = (PageSeed::new(&head.salt, head.run), FileCipher::PLAIN);
        RunFile {
            path,
            file,
            head,
            seed,
            cipher,
            end,
            damaged: Arc::default(),
            checked: CheckedPages::new(0),
        }
    }

    /// Opens a finished run file, which must be the one that the reference names.
    pub fn open(
        host: &Host,
        path: &Path,
        database: &[u8; 16],
        reference: &RunReference,
    ) -> Result<(RunFile, RunFoot)> {
        let (file, foot, found) = RunFile::open_named(host, path, database, reference.run)?;
        if found != *reference {
            let at = found.length.min(reference.length);
            return Err(Error::corrupt(path, at, "the run file has another length or foot than expected"));
        }
        Ok((file, foot))
    }

    /// Opens the finished run file with this number, without a reference to it; returns the reference too.
    pub fn open_named(
        host: &Host,
        path: &Path,
        database: &[u8; 16],
        run: u64,
    ) -> Result<(RunFile, RunFoot, RunReference)> {
        let failed = |error| Error::io("read", path, error);
        let file = host.vfs.open(path, OpenMode::Read).map_err(|error| Error::io("open", path, error))?;
        let length = file.len().map_err(failed)?;
        if length < HEAD_LEN + FOOT_LEN {
            return Err(Error::corrupt(path, length, "the run file is shorter than its head and its foot"));
        }
        let (head, crc) = read_head(&*file, path, database, run, &host.cipher)?;
        let mut foot = [0; FOOT_LEN as usize];
        let end = length - FOOT_LEN;
        read_exact_at(&*file, end, &mut foot).map_err(failed)?;
        let reference = RunReference { run, length, foot: u32_at(&foot, FOOT_CRC) };
        let decoded =
            RunFoot::decode(&foot).filter(|decoded| decoded.head == crc && decoded.catalogue.file == 0);
        let foot = decoded
            .ok_or_else(|| Error::corrupt(path, end, "the run file's foot is damaged, or of another file"))?;
        let seed = PageSeed::new(&head.salt, head.run);
        let (cipher, checked) = (head.cipher(&host.cipher), CheckedPages::new(end));
        let (path, damaged) = (path.to_path_buf(), Arc::default());
        let file = RunFile { path, file, head, seed, cipher, end, damaged, checked };
        Ok((file, foot, reference))
    }

    /// The same, where damage that is found is noted for others, too.
    #[must_use]
    pub fn noting(self, damaged: Arc<AtomicBool>) -> RunFile {
        RunFile { damaged, ..self }
    }

    /// Reads the catalogue.
    pub fn catalogue(&self, foot: &RunFoot) -> Result<Vec<u8>> {
        let mut page = self.read(&foot.catalogue)?;
        let kind = Head::decode(&page).map_err(|what| self.corrupt(foot.catalogue.offset, what))?.kind;
        if kind != PageKind::Catalogue {
            return Err(self.corrupt(foot.catalogue.offset, "the foot leads to a page that is no catalogue"));
        }
        Ok(page.split_off(PAGE_HEAD))
    }

    /// Its number.
    pub fn run(&self) -> u64 {
        self.head.run
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a page; its checksum must hold.
    pub fn read(&self, pointer: &Pointer) -> Result<Vec<u8>> {
        let lost = || self.corrupt(pointer.offset, "a page could not be read");
        self.read_from(pointer, Depth::Device)?.ok_or_else(lost)
    }

    /// Reads a page; `None` where it lies deeper.
    pub(super) fn read_from(&self, pointer: &Pointer, depth: Depth) -> Result<Option<Vec<u8>>> {
        let Pointer { offset, length, sum, .. } = *pointer;
        let inside =
            offset >= HEAD_LEN && offset.checked_add(u64::from(length)).is_some_and(|end| end <= self.end);
        if !inside {
            return Err(self.corrupt(offset, "a page is outside of the run file"));
        }
        let failed = |error| Error::io("read", &self.path, error);
        let mut bytes = zeros(u64::from(length)).map_err(failed)?;
        if !read_exact_from(&*self.file, offset, &mut bytes, depth).map_err(failed)? {
            return Ok(None);
        }
        if self.seed.sum(offset, &bytes) != sum {
            return Err(self.corrupt(offset, "the checksum of a page does not match"));
        }
        if !self.cipher.is_sealing() {
            return Ok(Some(bytes));
        }
        let opened = self.cipher.open(&page_place(offset, length), &bytes);
        let foreign = || Error::tampered(&self.path, offset, "a page was not written with its key");
        Ok(Some(opened.ok_or_else(foreign)?.into_vec()))
    }

    /// The pages that were checked since it was opened.
    pub(super) fn checked(&self) -> &CheckedPages {
        &self.checked
    }

    /// Whether some of it was found damaged, now or later.
    pub fn damaged(&self) -> Arc<AtomicBool> {
        self.damaged.clone()
    }

    /// An error about the bytes at an offset.
    pub fn corrupt(&self, offset: u64, what: impl std::fmt::Display) -> Error {
        self.damaged.store(true, Ordering::Release);
        let path = self.path.display();
        let message = format!(
            "{path} is damaged at offset {offset}: {what}; it is made from snapshot and log: close the database and open it again, \
             which reads them instead"
        );
        let details = Details { file: Some(self.path.clone()), offset: Some(offset), ..Details::default() };
        Error::new(Kind::Corrupt, message).with_details(details)
    }
}

/// The associated data of the page of this length, as it is stored, at this offset.
pub(super) fn page_place(offset: u64, length: u32) -> [u8; 12] {
    let mut place = [0; 12];
    place[..8].copy_from_slice(&offset.to_le_bytes());
    place[8..].copy_from_slice(&length.to_le_bytes());
    place
}

/// The head of the file with this number, and its checksum.
fn read_head(
    file: &dyn VfsFile,
    path: &Path,
    database: &[u8; 16],
    run: u64,
    cipher: &Cipher,
) -> Result<(RunHead, u32)> {
    let mut head = [0; HEAD_LEN as usize];
    read_exact_at(file, 0, &mut head).map_err(|error| Error::io("read", path, error))?;
    let crc = u32_at(&head, HEAD_CRC);
    let head = RunHead::decode(&head, path)?;
    if head.run != run || head.database != *database {
        let what = "the run file belongs to another database, or has another number";
        return Err(Error::corrupt(path, 16, what));
    }
    match (head.encrypted, cipher.is_sealing()) {
        (true, false) => Err(Error::corrupt(path, 12, "the run file is encrypted, and the database is not")),
        (false, true) => Err(Error::tampered(path, 12, "the run file is not encrypted, and the database is")),
        _ => Ok((head, crc)),
    }
}
