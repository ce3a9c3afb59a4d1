//! Reads a snapshot: header, footer and table at once, then blocks in any order, each verified.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::error::{Error, Kind, Result};
use crate::storage::cipher::beside::Beside;
use crate::storage::cipher::unit::FileCipher;
use crate::storage::contract::backend::{
    Block, BlockPlace, Depth, FileId, Loader, Lsn, Part, ReadBack, SnapshotBlock, SnapshotProof,
};
use crate::storage::format::frame::{MAX_BODY, u32_at};
use crate::storage::format::manifest::SnapshotRef;
use crate::storage::format::snapshot;
use crate::storage::format::snapshot::{
    BLOCK_HEADER_LEN, BlockKind, ENTRY_LEN, Entry, FOOTER_LEN, Footer, HEADER_LEN, LONGEST_SHARED,
    SnapshotHeader, SnapshotSeed, Table, snapshot_name,
};
use crate::storage::host::home::{FoundFile, Trust};
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{OpenMode, VfsFile, read_exact_at, read_exact_from, resize, zeros};

/// Bytes of the table that are read at once: whole entries.
const TABLE_PIECE: u64 = ENTRY_LEN << 14;
/// Bytes of blocks that are read at once, or one larger block.
const PIECE: u64 = 1 << 20;
/// Bytes that are read at once when one thread reads and verifies everything: few enough to stay in the processor's cache.
const PROVEN_PIECE: u64 = 256 << 10;

/// An open snapshot.
pub(crate) struct SnapshotFile {
    pub(crate) id: u64,
    pub(crate) len: u64,
    pub(crate) lsn: Lsn,
    /// Head checksum of the SEAL before its first segment.
    pub(crate) seal_crc: u32,
    opener: Opener,
    path: PathBuf,
    file: Arc<dyn VfsFile>,
    /// Where the table is.
    table: Range<u64>,
}

/// What the blocks of a snapshot are verified with, and decrypted.
#[derive(Clone)]
struct Opener {
    id: u64,
    seed: SnapshotSeed,
    cipher: FileCipher,
    path: Arc<Path>,
}

impl Opener {
    /// Verifies a block that stands in these bytes, and decrypts it in place; returns its payload.
    fn open<'b>(&self, entry: &Entry, bytes: &'b mut [u8]) -> Result<ReadBack<'b>> {
        let (head, payload) = bytes.split_at_mut(bytes.len().min(BLOCK_HEADER_LEN as usize));
        let is_named = head.len() == BLOCK_HEADER_LEN as usize
            && (u32_at(head, 0), u32_at(head, 4)) == (entry.len, entry.crc);
        if !is_named || self.seed.block_crc(entry.offset, payload) != entry.crc {
            return Err(self.damage(entry.offset));
        }
        let place = self.place_of(entry);
        let unit = snapshot::block_place(entry.offset, place.len);
        let payload =
            &*self.cipher.open_in_place(&unit, payload).ok_or_else(|| self.foreign(entry.offset))?;
        let Entry { collection, documents, first_document, .. } = *entry;
        Ok(ReadBack { collection, documents, first_document, place, payload })
    }

    fn place_of(&self, entry: &Entry) -> BlockPlace {
        BlockPlace {
            file: FileId::Snapshot(self.id),
            frame: entry.offset,
            offset: entry.offset + BLOCK_HEADER_LEN,
            len: entry.len.saturating_sub(self.cipher.overhead()),
        }
    }

    fn foreign(&self, offset: u64) -> Error {
        Error::tampered(&self.path, offset, "a block was not written with its key")
    }

    fn damage(&self, offset: u64) -> Error {
        Error::corrupt(&self.path, offset, "a block's checksum does not match")
    }
}

/// Adjacent blocks that were read at once, to be opened on another thread.
struct Unopened {
    entries: Vec<Entry>,
    bytes: Vec<u8>,
    /// Whether all of them were opened.
    opened: Result<()>,
}

impl Unopened {
    fn open(&mut self, opener: &Opener) {
        let Unopened { entries, bytes, opened } = self;
        let start = entries.first().map_or(0, |entry| entry.offset);
        *opened = entries
            .iter()
            .try_for_each(|entry| opener.open(entry, bytes_of(bytes, start, entry)).map(|_| ()));
    }

    /// Passes on what was opened; returns the bytes, to be used again.
    fn pass(self, opener: &Opener, proof: &mut dyn SnapshotProof) -> Result<Vec<u8>> {
        self.opened?;
        let start = self.entries.first().map_or(0, |entry| entry.offset);
        for entry in &self.entries {
            let place = opener.place_of(entry);
            let from = (place.offset - start) as usize + opener.cipher.before();
            let payload = self.bytes.get(from..from + place.len as usize).unwrap_or_default();
            let Entry { collection, documents, first_document, .. } = *entry;
            proof.block(&ReadBack { collection, documents, first_document, place, payload })?;
        }
        Ok(self.bytes)
    }
}

/// The bytes of a block among those from `start` on.
fn bytes_of<'b>(bytes: &'b mut [u8], start: u64, entry: &Entry) -> &'b mut [u8] {
    bytes.get_mut((entry.offset - start) as usize..(entry.end() - start) as usize).unwrap_or_default()
}

impl SnapshotFile {
    /// Opens the snapshot that a manifest names and verifies everything except the blocks.
    pub(crate) fn open(
        host: &Host,
        dir: &Path,
        named: &SnapshotRef,
        how: Trust,
    ) -> Result<(SnapshotFile, Vec<Entry>)> {
        SnapshotFile::open_with(host, dir, named, how, true)
    }

    /// Its path and its file.
    pub(crate) fn found(&self) -> FoundFile {
        (self.path.clone(), self.file.clone())
    }

    /// The same of a snapshot whose blocks are read once, in order, for which the table is read again.
    pub(crate) fn open_to_prove(host: &Host, dir: &Path, named: &SnapshotRef) -> Result<SnapshotFile> {
        Ok(SnapshotFile::open_with(host, dir, named, Trust::ReadOnly, false)?.0)
    }

    /// What names the snapshot with this number in a directory, as its own header and footer say it.
    pub(crate) fn reference_in(host: &Host, dir: &Path, id: u64) -> Result<SnapshotRef> {
        let path = dir.join(snapshot_name(id));
        let file = host.vfs.open(&path, OpenMode::Read).map_err(|error| Error::io("open", &path, error))?;
        let len = file.len().map_err(|error| Error::io("measure", &path, error))?;
        if len < HEADER_LEN + FOOTER_LEN {
            return Err(Error::corrupt(&path, len, "the snapshot ends before its footer"));
        }
        let read = |at: u64, bytes: &mut [u8]| {
            read_exact_at(&*file, at, bytes).map_err(|error| Error::io("read", &path, error))
        };
        let (mut head, mut tail) = ([0; HEADER_LEN as usize], [0; FOOTER_LEN as usize]);
        read(0, &mut head)?;
        read(len - FOOTER_LEN, &mut tail)?;
        let header = SnapshotHeader::decode(&head, &path)?;
        let footer = Footer::decode(&tail, &path, len - FOOTER_LEN)?;
        if header.id != id {
            return Err(Error::corrupt(&path, 12, "its header belongs to another snapshot"));
        }
        Ok(snapshot::reference(&header, &footer, len))
    }

    /// The time with which its first block begins: no commit in it is later. `None` where it cannot be read.
    pub(crate) fn time(&self) -> Option<i64> {
        let mut head = [0; BLOCK_HEADER_LEN as usize];
        read_exact_at(&*self.file, HEADER_LEN, &mut head).ok()?;
        let len = u32_at(&head, 0);
        let offset = HEADER_LEN + BLOCK_HEADER_LEN;
        if offset + u64::from(len) > self.table.start {
            return None;
        }
        let len = len.checked_sub(self.overhead()).filter(|len| *len <= LONGEST_SHARED)?;
        let place = BlockPlace { file: FileId::Snapshot(self.id), frame: HEADER_LEN, offset, len };
        let block = self.read_block(place, Depth::Device).ok().flatten()?;
        block.bytes.first_chunk::<8>().map(|time| i64::from_le_bytes(*time))
    }

    fn open_with(
        host: &Host,
        dir: &Path,
        named: &SnapshotRef,
        how: Trust,
        keeps_entries: bool,
    ) -> Result<(SnapshotFile, Vec<Entry>)> {
        let path = dir.join(snapshot_name(named.id));
        let file = match host.vfs.open(&path, how.mode()) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::corrupt(&path, 0, "the snapshot is missing"));
            }
            result => result.map_err(|error| Error::io("open", &path, error))?,
        };
        if how == Trust::Synced {
            file.sync_all().map_err(|error| Error::io("fsync", &path, error))?;
        }
        let len = file.len().map_err(|error| Error::io("measure", &path, error))?;
        if len != named.len || len < HEADER_LEN + FOOTER_LEN {
            let what = format!("the manifest names a snapshot of {} bytes, this file has {len}", named.len);
            return Err(Error::corrupt(&path, len.min(named.len), what));
        }
        let read = |at: u64, bytes: &mut [u8]| {
            read_exact_at(&*file, at, bytes).map_err(|error| Error::io("read", &path, error))
        };
        let mut head = [0; HEADER_LEN as usize];
        read(0, &mut head)?;
        let header = SnapshotHeader::decode(&head, &path)?;
        if header.id != named.id || header.encrypted && !host.cipher.is_sealing() {
            return Err(Error::corrupt(&path, 12, "its header belongs to another snapshot"));
        }
        if !header.encrypted && host.cipher.is_sealing() {
            return Err(Error::tampered(&path, 12, "it is not encrypted, and the database is"));
        }
        let mut tail = [0; FOOTER_LEN as usize];
        read(len - FOOTER_LEN, &mut tail)?;
        let footer = Footer::decode(&tail, &path, len - FOOTER_LEN)?;
        let whole = footer.header_crc == snapshot::header_crc(&head) && footer.blocks == header.blocks;
        if !whole || snapshot::reference(&header, &footer, len) != *named {
            return Err(Error::corrupt(
                &path,
                len - FOOTER_LEN,
                "it is not the snapshot that the manifest names",
            ));
        }
        let seed = SnapshotSeed::new(&header.salt, header.id);
        let cipher = snapshot::snapshot_cipher(&host.cipher, header.id, header.lsn, &header.salt);
        let mut table = Table::new(&footer, seed, &path).sealed_by(&cipher, &head);
        if !keeps_entries {
            table = table.without_entries();
        }
        let (mut at, mut bytes) = (footer.table, Vec::new());
        while at < len - FOOTER_LEN {
            bytes.resize((len - FOOTER_LEN - at).min(TABLE_PIECE) as usize, 0);
            read(at, &mut bytes)?;
            table.read(&bytes)?;
            at += bytes.len() as u64;
        }
        let (documents, entries) = table.finish()?;
        if documents != header.documents {
            return Err(Error::corrupt(&path, 56, "its header counts other documents than its table"));
        }
        let (lsn, seal_crc) = (header.lsn, header.seal_crc);
        let table = footer.table..len - FOOTER_LEN;
        let opener = Opener { id: named.id, seed, cipher, path: path.as_path().into() };
        Ok((SnapshotFile { id: named.id, len, lsn, seal_crc, opener, path, file, table }, entries))
    }

    /// Passes the blocks to a loader: the database's blocks in order on this thread, then the documents' blocks from as many
    /// threads as the machine runs at once. A block is verified before it is passed on.
    pub(crate) fn load(&self, entries: &[Entry], loader: &mut dyn Loader) -> Result<()> {
        let database = |entry: &Entry| entry.kind == BlockKind::Database;
        let least = u64::from(loader.least_document());
        let lies = |entry: &&Entry| u64::from(entry.documents) * least > u64::from(entry.len);
        if let Some(entry) = entries.iter().find(|entry| !database(entry) && lies(entry)) {
            let what = "the snapshot's table counts more documents than the block has room for";
            return Err(Error::corrupt(&self.path, entry.offset, what));
        }
        let mut buffer = Vec::new();
        for piece in pieces(entries, PIECE, database) {
            self.read_piece(entries, piece, &mut buffer, &mut |n, block| {
                loader.database_block(self.loaded(n, &block))
            })?;
        }
        let pieces = pieces(entries, PIECE, |entry| !database(entry));
        let shared = &*loader;
        self.each_piece(entries, &pieces, &|n, block| shared.documents(self.loaded(n, &block)))
    }

    /// Reads and verifies every block, and passes it to the proof; a second thread decrypts ahead.
    pub(crate) fn prove(&self, proof: &mut dyn SnapshotProof) -> Result<()> {
        let (mut buffer, mut table, mut at) = (Vec::new(), Vec::new(), self.table.start);
        let mut beside = self.opened_beside();
        while at < self.table.end {
            table.resize((self.table.end - at).min(TABLE_PIECE) as usize, 0);
            self.read(at, &mut table)?;
            at += table.len() as u64;
            let entries = snapshot::entries(&table);
            for piece in pieces(&entries, PROVEN_PIECE, |_| true) {
                let Some(beside) = &mut beside else {
                    self.read_piece(&entries, piece, &mut buffer, &mut |_, block| proof.block(&block))?;
                    continue;
                };
                let (entries, mut bytes) =
                    (entries.get(piece).unwrap_or_default().to_vec(), std::mem::take(&mut buffer));
                self.read_entries(&entries, &mut bytes)?;
                if let Some(first) = beside.give(Unopened { entries, bytes, opened: Ok(()) })? {
                    buffer = first.pass(&self.opener, proof)?;
                }
            }
        }
        while let Some(first) = beside.as_mut().map_or(Ok(None), Beside::take)? {
            first.pass(&self.opener, proof)?;
        }
        proof.end()
    }

    /// A thread that opens what was read, where that is more than verifying checksums.
    fn opened_beside(&self) -> Option<Beside<Unopened>> {
        if !self.opener.cipher.is_sealing() || self.table.start < 2 * PROVEN_PIECE {
            return None;
        }
        let opener = self.opener.clone();
        Beside::begin(move |piece: &mut Unopened| piece.open(&opener))
    }

    /// What a loader receives for a block: a payload that it may keep.
    fn loaded(&self, index: u32, block: &ReadBack<'_>) -> SnapshotBlock {
        let ReadBack { collection, documents, first_document, place, payload } = *block;
        let block = Arc::new(Block { place, base: 0, bytes: payload.into(), transient: false });
        SnapshotBlock { lsn: self.lsn, index, collection, documents, first_document, block }
    }

    /// Reads one payload and verifies it; `None` where it lies deeper.
    pub(crate) fn read_block(&self, place: BlockPlace, depth: Depth) -> Result<Option<Arc<Block>>> {
        self.read_part(place, None, depth)
    }

    /// The same of a part of it, which is all that is decrypted.
    pub(crate) fn read_part(
        &self,
        place: BlockPlace,
        part: Option<&Part>,
        depth: Depth,
    ) -> Result<Option<Arc<Block>>> {
        let part = part.filter(|part| part.is_of(place.len));
        if place.file != FileId::Snapshot(self.id) || place.offset != place.frame + BLOCK_HEADER_LEN {
            return Err(Error::new(Kind::Internal, format!("no block can stand at {place:?}")));
        }
        let stored = place.len.saturating_add(self.overhead());
        // The place may come from a file without a checksum: allocate nothing for a block that is not there.
        if place.len > LONGEST_SHARED {
            let mut head = [0; BLOCK_HEADER_LEN as usize];
            if !self.read_from(place.frame, &mut head, depth)? {
                return Ok(None);
            }
            if u32_at(&head, 0) != stored || u64::from(stored) > MAX_BODY {
                return Err(self.opener.damage(place.frame));
            }
        }
        let mut bytes = self.room(BLOCK_HEADER_LEN + u64::from(stored))?;
        if !self.read_from(place.frame, &mut bytes, depth)? {
            return Ok(None);
        }
        let (head, payload) = bytes.split_at(BLOCK_HEADER_LEN as usize);
        let crc = self.opener.seed.block_crc(place.frame, payload);
        if u32_at(head, 0) != stored || u32_at(head, 4) != crc {
            return Err(self.opener.damage(place.frame));
        }
        let (cipher, unit) = (&self.opener.cipher, snapshot::block_place(place.frame, place.len));
        let opened = match part {
            Some(part) => cipher.open_parts(&unit, payload, &part.ranges()),
            None if cipher.is_sealing() => cipher.open(&unit, payload),
            None => {
                bytes.drain(..BLOCK_HEADER_LEN as usize);
                Some(bytes.into_boxed_slice())
            }
        };
        let bytes = opened.ok_or_else(|| self.opener.foreign(place.frame))?;
        let base = part.map_or(0, Part::base);
        Ok(Some(Arc::new(Block { place, base, bytes, transient: true })))
    }

    /// What encryption adds to each payload.
    pub(crate) fn overhead(&self) -> u32 {
        self.opener.cipher.overhead()
    }

    fn each_piece(
        &self,
        entries: &[Entry],
        pieces: &[Range<usize>],
        visit: &(dyn Fn(u32, ReadBack<'_>) -> Result<()> + Sync),
    ) -> Result<()> {
        let next = AtomicUsize::new(0);
        let failure: Mutex<Option<Error>> = Mutex::new(None);
        let work = || {
            let mut buffer = Vec::new();
            while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Err(error) =
                    self.read_piece(entries, piece.clone(), &mut buffer, &mut |n, block| visit(n, block))
                {
                    failure.lock().get_or_insert(error);
                    next.store(pieces.len(), Ordering::Relaxed);
                }
            }
        };
        // Querying the parallelism costs more than loading a small snapshot.
        let threads = match pieces.len() {
            0 | 1 => 1,
            pieces => std::thread::available_parallelism().map_or(1, usize::from).min(pieces),
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        failure.into_inner().map_or(Ok(()), Err)
    }

    /// Reads adjacent blocks at once and passes each on, with its number, after verification.
    fn read_piece(
        &self,
        entries: &[Entry],
        piece: Range<usize>,
        buffer: &mut Vec<u8>,
        visit: &mut dyn FnMut(u32, ReadBack<'_>) -> Result<()>,
    ) -> Result<()> {
        let first = piece.start;
        let Some(entries) = entries.get(piece) else { return Ok(()) };
        let start = self.read_entries(entries, buffer)?;
        for (index, entry) in (first..).zip(entries) {
            visit(index as u32, self.opener.open(entry, bytes_of(buffer, start, entry))?)?;
        }
        Ok(())
    }

    /// Reads adjacent blocks at once; returns where the first one begins.
    fn read_entries(&self, entries: &[Entry], buffer: &mut Vec<u8>) -> Result<u64> {
        let (Some(from), Some(to)) = (entries.first(), entries.last()) else { return Ok(0) };
        resize(buffer, to.end() - from.offset).map_err(|error| Error::io("read", &self.path, error))?;
        buffer.shrink_to(2 * PIECE as usize);
        self.read(from.offset, buffer)?;
        Ok(from.offset)
    }

    /// Where the payload of a block is.
    pub(crate) fn place_of(&self, entry: &Entry) -> BlockPlace {
        self.opener.place_of(entry)
    }

    fn room(&self, len: u64) -> Result<Vec<u8>> {
        zeros(len).map_err(|error| Error::io("read", &self.path, error))
    }

    fn read(&self, at: u64, bytes: &mut [u8]) -> Result<()> {
        self.read_from(at, bytes, Depth::Device).map(|_| ())
    }

    fn read_from(&self, at: u64, bytes: &mut [u8], depth: Depth) -> Result<bool> {
        read_exact_from(&*self.file, at, bytes, depth).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                Error::corrupt(&self.path, at, "the file ends inside a block")
            }
            _ => Error::io("read", &self.path, error),
        })
    }
}

/// Groups the wanted blocks into adjacent runs of at most this many bytes, or one larger block.
fn pieces(entries: &[Entry], most: u64, wanted: impl Fn(&Entry) -> bool) -> Vec<Range<usize>> {
    let mut pieces: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| wanted(entry)) {
        match pieces.last_mut().filter(|piece| piece.end == index && entry.end() - start <= most) {
            Some(piece) => piece.end = index + 1,
            None => {
                start = entry.offset;
                pieces.push(index..index + 1);
            }
        }
    }
    pieces
}
