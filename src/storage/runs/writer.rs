//! Writes a run file, once, from front to back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{HEAD_LEN, RunFoot, RunHead, RunReference, page_place};
use crate::error::{Error, Kind, Result};
use crate::storage::cipher::unit::FileCipher;
use crate::storage::contract::backend::{Lsn, PageSink};
use crate::storage::format::frame::u32_at;
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{OpenMode, VfsFile, write_all_at};
use crate::storage::pages::head::{Head, PageKind};
use crate::storage::pages::pointer::{PageSeed, Pointer};

/// Pages are written in pieces of about this many bytes.
const PIECE: usize = 1 << 20;
/// The longest page; a document of 16 MiB and its head are far below it.
const LONGEST: usize = 1 << 28;

/// A run file that is being written.
pub struct RunWriter {
    path: PathBuf,
    file: Arc<dyn VfsFile>,
    head: RunHead,
    seed: PageSeed,
    cipher: FileCipher,
    written: u64,
    buffer: Vec<u8>,
}

impl RunWriter {
    /// Begins the file with this number at `path`.
    pub fn begin(host: &Host, path: &Path, database: [u8; 16], run: u64) -> Result<RunWriter> {
        let failed = |error| Error::io("create", path, error);
        let file = host.vfs.open(path, OpenMode::Create).map_err(failed)?;
        file.set_len(0).map_err(failed)?;
        let mut salt = [0; 16];
        host.rng.fill(&mut salt);
        let head = RunHead { database, run, salt, encrypted: host.cipher.is_sealing() };
        Ok(RunWriter {
            path: path.to_path_buf(),
            file,
            head,
            seed: PageSeed::new(&salt, run),
            cipher: head.cipher(&host.cipher),
            written: 0,
            buffer: head.encode().to_vec(),
        })
    }

    /// Its number.
    pub fn run(&self) -> u64 {
        self.head.run
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    fn append(&mut self, page: &[u8], net: i64) -> Result<Pointer> {
        if page.len() > LONGEST {
            let what = format!("a page of {} bytes is longer than {LONGEST}", page.len());
            return Err(Error::new(Kind::Limit, what));
        }
        let offset = self.bytes();
        let from = self.buffer.len();
        let length = page.len() as u32 + self.cipher.overhead();
        self.cipher.seal(&page_place(offset, length), page, &mut self.buffer);
        let sum = self.seed.sum(offset, self.buffer.get(from..).unwrap_or_default());
        let pointer = Pointer { file: 0, offset, length, sum, net };
        if self.buffer.len() >= PIECE {
            self.put()?;
        }
        Ok(pointer)
    }

    /// Puts all pages so far into the file, for [`RunFile::open_unfinished`]; returns where they end.
    pub fn flush(&mut self) -> Result<u64> {
        self.put()?;
        Ok(self.written)
    }

    /// Ends the file with its catalogue, durably.
    pub fn finish(mut self, catalogue: &[u8], lsn: Lsn) -> Result<RunReference> {
        let mut page = Vec::with_capacity(12 + catalogue.len());
        Head { kind: PageKind::Catalogue, flags: 0, count: 0, tree: 0, prefix: 0 }.encode(&mut page);
        page.extend_from_slice(catalogue);
        let catalogue = self.append(&page, 0)?;
        let head = u32_at(&self.head.encode(), HEAD_LEN as usize - 4);
        let foot = RunFoot { catalogue, lsn, head }.encode();
        self.buffer.extend_from_slice(&foot);
        self.put()?;
        self.file.sync_all().map_err(|error| Error::io("fsync", &self.path, error))?;
        Ok(RunReference { run: self.head.run, length: self.written, foot: u32_at(&foot, foot.len() - 4) })
    }

    fn put(&mut self) -> Result<()> {
        write_all_at(&*self.file, self.written, &self.buffer)
            .map_err(|error| Error::io("write", &self.path, error))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

impl PageSink for RunWriter {
    fn page(&mut self, page: &[u8], net: i64) -> Result<Pointer> {
        self.append(page, net)
    }
}
