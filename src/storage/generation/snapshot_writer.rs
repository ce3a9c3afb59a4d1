//! Writes a snapshot: the blocks first, then table and footer, the header last.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Kind, Result};
use crate::storage::cipher::beside::Beside;
use crate::storage::cipher::unit::FileCipher;
use crate::storage::contract::backend::{BlockPlace, FileId, Lsn};
use crate::storage::format::frame::MAX_BODY;
use crate::storage::format::manifest::SnapshotRef;
use crate::storage::format::packed_table::PackedTable;
use crate::storage::format::snapshot;
use crate::storage::format::snapshot::{
    BLOCK_HEADER_LEN, Footer, HEADER_LEN, LONGEST_SHARED, SnapshotHeader, SnapshotSeed,
};
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{OpenMode, VfsFile, write_all_at};

/// Blocks are written in pieces of about this many bytes.
const PIECE: usize = 1 << 20;
/// The same of blocks that another thread seals: few enough to stay in the processor's cache.
const SEALED_PIECE: usize = 256 << 10;

/// A snapshot that is being written.
pub(crate) struct SnapshotWriter {
    id: u64,
    lsn: Lsn,
    salt: [u8; 16],
    sealer: Sealer,
    path: PathBuf,
    file: Arc<dyn VfsFile>,
    /// Bytes written, and those that are being sealed.
    written: u64,
    sealing: u64,
    piece: Piece,
    /// Seals blocks, from the second piece on.
    beside: Option<Beside<Piece>>,
    table: PackedTable,
    documents: u64,
}

/// Blocks that follow each other.
#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    /// Those that are not sealed yet, or not in the table.
    blocks: Vec<Laid>,
}

/// A block in a piece.
#[derive(Clone, Copy)]
struct Laid {
    /// Where it begins in the piece, and in the file.
    at: usize,
    offset: u64,
    /// Bytes of its payload, as a unit and before.
    stored: u32,
    len: u32,
    collection: u32,
    documents: u32,
    crc: u32,
}

/// What a block needs to be sealed.
#[derive(Clone)]
struct Sealer {
    seed: SnapshotSeed,
    cipher: FileCipher,
}

impl Sealer {
    /// Seals a block, and writes its header.
    fn seal(&self, bytes: &mut [u8], block: &mut Laid) {
        let Laid { at, offset, stored, len, .. } = *block;
        let from = at + BLOCK_HEADER_LEN as usize;
        let unit = bytes.get_mut(from..from + stored as usize).unwrap_or_default();
        self.cipher.seal_laid(&snapshot::block_place(offset, len), unit);
        block.crc = self.seed.block_crc(offset, unit);
        if let Some(header) = bytes.get_mut(at..from) {
            let (one, other) = header.split_at_mut(4);
            one.copy_from_slice(&stored.to_le_bytes());
            other.copy_from_slice(&block.crc.to_le_bytes());
        }
    }

    fn seal_all(&self, piece: &mut Piece) {
        let Piece { bytes, blocks } = piece;
        blocks.iter_mut().for_each(|block| self.seal(bytes, block));
    }
}

impl SnapshotWriter {
    /// Begins the snapshot of the commits up to `lsn`, in the file at `path`.
    pub(crate) fn begin(host: &Host, path: &Path, id: u64, lsn: Lsn) -> Result<SnapshotWriter> {
        let failed = |error| Error::io("create", path, error);
        let file = host.vfs.open(path, OpenMode::Create).map_err(failed)?;
        file.set_len(0).map_err(failed)?;
        let mut salt = [0; 16];
        host.rng.fill(&mut salt);
        Ok(SnapshotWriter {
            id,
            lsn,
            salt,
            sealer: Sealer {
                seed: SnapshotSeed::new(&salt, id),
                cipher: snapshot::snapshot_cipher(&host.cipher, id, lsn, &salt),
            },
            path: path.to_path_buf(),
            file,
            written: HEADER_LEN,
            sealing: 0,
            piece: Piece::default(),
            beside: None,
            table: PackedTable::default(),
            documents: 0,
        })
    }

    /// Appends a block.
    pub(crate) fn block(&mut self, collection: u32, documents: u32, payload: &[u8]) -> Result<BlockPlace> {
        let len = payload.len();
        if len as u64 > MAX_BODY || (len > LONGEST_SHARED as usize && documents > 1) {
            let what = format!("a snapshot block of {len} bytes and {documents} documents is too long");
            return Err(Error::new(Kind::Internal, what));
        }
        let Piece { bytes, .. } = &mut self.piece;
        let (at, offset) = (bytes.len(), self.written + self.sealing + bytes.len() as u64);
        bytes.resize(at + BLOCK_HEADER_LEN as usize, 0);
        let from = bytes.len();
        self.sealer.cipher.lay(payload, bytes);
        let stored = (bytes.len() - from) as u32;
        let mut block = Laid { at, offset, stored, len: len as u32, collection, documents, crc: 0 };
        if self.beside.is_none() {
            self.sealer.seal(bytes, &mut block);
        }
        self.piece.blocks.push(block);
        if collection != 0 {
            self.documents += u64::from(documents);
        }
        let most = if self.sealer.cipher.is_sealing() { SEALED_PIECE } else { PIECE };
        if self.piece.bytes.len() >= most {
            self.put()?;
        }
        Ok(BlockPlace {
            file: FileId::Snapshot(self.id),
            frame: offset,
            offset: offset + BLOCK_HEADER_LEN,
            len: len as u32,
        })
    }

    /// Bytes written so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.written + self.sealing + self.piece.bytes.len() as u64
    }

    /// The number in the name.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Finishes the snapshot durably. The first segment after it follows the SEAL with this checksum.
    pub(crate) fn finish(mut self, seal_crc: u32) -> Result<SnapshotRef> {
        let mut rest = self.put_all_but_last()?;
        let table = self.written + rest.len() as u64;
        let blocks = u32::try_from(self.table.blocks())
            .map_err(|_| Error::new(Kind::Limit, "a snapshot holds at most 2^32 blocks"))?;
        let header = SnapshotHeader {
            encrypted: self.sealer.cipher.is_sealing(),
            id: self.id,
            lsn: self.lsn,
            salt: self.salt,
            seal_crc,
            documents: self.documents,
            blocks,
        };
        let head = header.encode();
        let mut table_crc = self.sealer.seed.table_crc(&[]);
        let mut mac = self.sealer.cipher.begin_mac();
        mac.add(&head);
        let (packed, mut entry) = (std::mem::take(&mut self.table), Vec::new());
        for one in packed.entries() {
            entry.clear();
            one.encode(&mut entry);
            table_crc = crc32c::crc32c_append(table_crc, &entry);
            mac.add(&entry);
            rest.extend_from_slice(&entry);
            if rest.len() >= PIECE {
                self.write(&rest)?;
                rest.clear();
            }
        }
        let header_crc = snapshot::header_crc(&head);
        let mut footer = Footer { table, blocks, table_crc, header_crc, mac: Default::default() };
        footer.mac = footer.end_mac(mac);
        rest.extend_from_slice(&footer.encode());
        self.write(&rest)?;
        write_all_at(&*self.file, 0, &head).map_err(|error| self.io("write", error))?;
        self.file.sync_all().map_err(|error| self.io("fsync", error))?;
        Ok(snapshot::reference(&header, &footer, self.written))
    }

    /// Writes a piece that is full, or hands it over and writes the one before.
    fn put(&mut self) -> Result<()> {
        let piece = std::mem::take(&mut self.piece);
        let Some(beside) = &mut self.beside else {
            self.end(piece)?;
            if self.sealer.cipher.is_sealing() {
                let sealer = self.sealer.clone();
                self.beside = Beside::begin(move |piece| sealer.seal_all(piece));
            }
            return Ok(());
        };
        self.sealing += piece.bytes.len() as u64;
        match beside.give(piece)? {
            Some(sealed) => self.end_sealed(sealed),
            None => Ok(()),
        }
    }

    /// Writes what was handed over; returns the bytes of the last piece, sealed.
    fn put_all_but_last(&mut self) -> Result<Vec<u8>> {
        let mut last = std::mem::take(&mut self.piece);
        if let Some(mut beside) = self.beside.take() {
            self.sealer.seal_all(&mut last);
            while let Some(sealed) = beside.take()? {
                self.end_sealed(sealed)?;
            }
        }
        self.name(&mut last);
        Ok(last.bytes)
    }

    fn end_sealed(&mut self, piece: Piece) -> Result<()> {
        self.sealing -= piece.bytes.len() as u64;
        self.end(piece)
    }

    /// Writes a piece.
    fn end(&mut self, mut piece: Piece) -> Result<()> {
        self.name(&mut piece);
        self.write(&piece.bytes)?;
        if self.piece.bytes.is_empty() {
            piece.bytes.clear();
            self.piece = piece;
        }
        Ok(())
    }

    /// Names the blocks of a piece in the table, in their order.
    fn name(&mut self, piece: &mut Piece) {
        for block in piece.blocks.drain(..) {
            self.table.push(block.collection, block.stored, block.documents, block.crc);
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        write_all_at(&*self.file, self.written, bytes).map_err(|error| self.io("write", error))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn io(&self, what: &str, error: std::io::Error) -> Error {
        Error::io(what, &self.path, error)
    }
}
