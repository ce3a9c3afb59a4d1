//! Writes a snapshot: the blocks first, then table and footer, the header last.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Kind, Result};
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

/// A snapshot that is being written.
pub(crate) struct SnapshotWriter {
    id: u64,
    lsn: Lsn,
    salt: [u8; 16],
    seed: SnapshotSeed,
    cipher: FileCipher,
    path: PathBuf,
    file: Arc<dyn VfsFile>,
    written: u64,
    buffer: Vec<u8>,
    table: PackedTable,
    documents: u64,
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
            seed: SnapshotSeed::new(&salt, id),
            cipher: snapshot::snapshot_cipher(&host.cipher, id, lsn, &salt),
            path: path.to_path_buf(),
            file,
            written: HEADER_LEN,
            buffer: Vec::new(),
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
        let offset = self.bytes();
        let head = self.buffer.len();
        self.buffer.resize(head + BLOCK_HEADER_LEN as usize, 0);
        let from = self.buffer.len();
        self.cipher.seal(&snapshot::block_place(offset, len as u32), payload, &mut self.buffer);
        let stored = self.buffer.get(from..).unwrap_or_default();
        let (stored_len, crc) = (stored.len() as u32, self.seed.block_crc(offset, stored));
        self.table.push(collection, stored_len, documents, crc);
        if collection != 0 {
            self.documents += u64::from(documents);
        }
        if let Some(header) = self.buffer.get_mut(head..from) {
            let (one, other) = header.split_at_mut(4);
            one.copy_from_slice(&stored_len.to_le_bytes());
            other.copy_from_slice(&crc.to_le_bytes());
        }
        if self.buffer.len() >= PIECE {
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
        self.written + self.buffer.len() as u64
    }

    /// The number in the name.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Finishes the snapshot durably. The first segment after it follows the SEAL with this checksum.
    pub(crate) fn finish(mut self, seal_crc: u32) -> Result<SnapshotRef> {
        let table = self.bytes();
        let blocks = u32::try_from(self.table.blocks())
            .map_err(|_| Error::new(Kind::Limit, "a snapshot holds at most 2^32 blocks"))?;
        let header = SnapshotHeader {
            encrypted: self.cipher.is_sealing(),
            id: self.id,
            lsn: self.lsn,
            salt: self.salt,
            seal_crc,
            documents: self.documents,
            blocks,
        };
        let head = header.encode();
        let mut table_crc = self.seed.table_crc(&[]);
        let mut mac = self.cipher.begin_mac();
        mac.add(&head);
        let (packed, mut entry) = (std::mem::take(&mut self.table), Vec::new());
        for one in packed.entries() {
            entry.clear();
            one.encode(&mut entry);
            table_crc = crc32c::crc32c_append(table_crc, &entry);
            mac.add(&entry);
            self.buffer.extend_from_slice(&entry);
            if self.buffer.len() >= PIECE {
                self.put()?;
            }
        }
        let header_crc = snapshot::header_crc(&head);
        let mut footer = Footer { table, blocks, table_crc, header_crc, mac: Default::default() };
        footer.mac = footer.end_mac(mac);
        self.buffer.extend_from_slice(&footer.encode());
        self.put()?;
        write_all_at(&*self.file, 0, &head).map_err(|error| self.io("write", error))?;
        self.file.sync_all().map_err(|error| self.io("fsync", error))?;
        Ok(snapshot::reference(&header, &footer, self.written))
    }

    fn put(&mut self) -> Result<()> {
        write_all_at(&*self.file, self.written, &self.buffer).map_err(|error| self.io("write", error))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn io(&self, what: &str, error: std::io::Error) -> Error {
        Error::io(what, &self.path, error)
    }
}
