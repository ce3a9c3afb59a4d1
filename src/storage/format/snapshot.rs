//! A snapshot: all documents as of one commit, in one file. Pure; each encoder is beside its decoder.
//!
//! ```text
//! HEADER  96 bytes
//!     0  magic "MOLTNSNP"     8  u32 version     12  u32 flags: bit 1 encrypted
//!    16  u64 id              24  u64 lsn: the last commit that it holds
//!    32  salt, 16 bytes      48  u32 head checksum of the SEAL before the first segment after the snapshot
//!    52  u8 encoding of payloads (1)   53  zero   56  u64 documents   64  u32 blocks   68  zero
//!    92  u32 crc32c over what stands before
//! BLOCKS  one after the other
//!     0  u32 length of the payload      4  u32 crc32c over salt, id, offset of this block, and the payload
//!     8  payload
//! TABLE   one entry of 40 bytes a block, in the order of the blocks
//!     0  u64 offset of the block        8  u32 length of the payload    12  u32 its checksum
//!    16  u32 collection                20  u32 documents in it
//!    24  u64 documents of the same collection in the blocks before it
//!    32  u8 kind: 1 database, 2 documents, 3 kept for directories, 4 kept for indexes      33  zero
//! FOOTER  48 bytes, the end of the file
//!     0  magic "MOLTNTBL"     8  u64 offset of the table   16  u32 blocks   20  u32 crc32c over salt, id and table
//!    24  u32 checksum of the header   28  mac, 16 bytes, when encrypted   44  u32 crc32c over what stands before
//! ```
//!
//! Encrypted: payloads are units (`cipher`) of the offset and the length of their block, and lengths are those of units. The mac is
//! over the header, the table, and the footer before it.
//!
//! Every byte is covered by a checksum, every checksum by that of the table or the footer, and the manifest holds the
//! footer's. All numbers are little endian.

use std::collections::BTreeMap;
use std::path::Path;

use super::frame::{MAX_BODY, array_at, u32_at, u64_at};
use super::manifest::SnapshotRef;
use super::version::{FORMAT_VERSION, LARGEST_NUMBER, check_version};
use crate::error::{Details, Error, Kind, Result};
use crate::storage::cipher::cipher::Cipher;
use crate::storage::cipher::unit::{FileCipher, TAG, UnitMac, is_same};
use crate::storage::contract::backend::Lsn;

/// Length of the header; the first block stands here.
pub const HEADER_LEN: u64 = 96;
/// Length of the block header before each payload.
pub const BLOCK_HEADER_LEN: u64 = 8;
/// Length of a table entry.
pub const ENTRY_LEN: u64 = 40;
/// Length of the footer.
pub const FOOTER_LEN: u64 = 48;

const MAGIC: &[u8; 8] = b"MOLTNSNP";
const END_MAGIC: &[u8; 8] = b"MOLTNTBL";
const HEADER_CRC_AT: usize = HEADER_LEN as usize - 4;
const FOOTER_CRC_AT: usize = FOOTER_LEN as usize - 4;
const MAC_AT: usize = 28;
const ENCRYPTED: u32 = 2;
const ENCODING: u8 = 1;

/// The first 96 bytes, parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotHeader {
    /// Whether blocks are encrypted.
    pub encrypted: bool,
    /// The number in the name.
    pub id: u64,
    /// The LSN of its last commit.
    pub lsn: Lsn,
    /// Random; binds blocks to this file.
    pub salt: [u8; 16],
    /// Head checksum of the SEAL before the first segment after the snapshot; 0 when there was none.
    pub seal_crc: u32,
    /// Documents in it.
    pub documents: u64,
    /// Blocks in it.
    pub blocks: u32,
}

impl SnapshotHeader {
    /// Encodes the header.
    pub fn encode(&self) -> [u8; HEADER_LEN as usize] {
        let mut bytes = [0; HEADER_LEN as usize];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, MAGIC);
        put(8, &FORMAT_VERSION.to_le_bytes());
        put(12, &(u32::from(self.encrypted) * ENCRYPTED).to_le_bytes());
        put(16, &self.id.to_le_bytes());
        put(24, &self.lsn.0.to_le_bytes());
        put(32, &self.salt);
        put(48, &self.seal_crc.to_le_bytes());
        put(52, &[ENCODING]);
        put(56, &self.documents.to_le_bytes());
        put(64, &self.blocks.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..HEADER_CRC_AT]);
        bytes[HEADER_CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Decodes the first bytes of the file at `path`; errors name that path.
    pub fn decode(bytes: &[u8; HEADER_LEN as usize], path: &Path) -> Result<SnapshotHeader> {
        if bytes[..8] != *MAGIC {
            return Err(Error::corrupt(path, 0, "it is not a snapshot of this database format"));
        }
        if u32_at(bytes, HEADER_CRC_AT) != crc32c::crc32c(&bytes[..HEADER_CRC_AT]) {
            return Err(Error::corrupt(path, 0, "the snapshot header's checksum does not match"));
        }
        check_version(path, u32_at(bytes, 8))?;
        let flags = u32_at(bytes, 12);
        let zero = bytes[53..56].iter().chain(&bytes[68..HEADER_CRC_AT]).all(|byte| *byte == 0);
        let is_old = flags & ENCRYPTED != 0 && u32_at(bytes, 8) != FORMAT_VERSION;
        if flags & !ENCRYPTED != 0 || is_old || bytes[52] != ENCODING || !zero {
            return Err(Error::corrupt(path, 12, "the snapshot header holds fields of no known format"));
        }
        if u64_at(bytes, 16).max(u64_at(bytes, 24)) > LARGEST_NUMBER {
            return Err(Error::corrupt(
                path,
                16,
                "the snapshot header holds a number that no database reaches",
            ));
        }
        Ok(SnapshotHeader {
            encrypted: flags & ENCRYPTED != 0,
            id: u64_at(bytes, 16),
            lsn: Lsn(u64_at(bytes, 24)),
            salt: array_at(bytes, 32),
            seal_crc: u32_at(bytes, 48),
            documents: u64_at(bytes, 56),
            blocks: u32_at(bytes, 64),
        })
    }
}

/// The kind of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// The database itself: names, shapes, counters.
    Database,
    /// Documents of one collection.
    Documents,
}

/// A block's entry in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Offset of the block.
    pub offset: u64,
    /// Length of the payload.
    pub len: u32,
    /// The checksum in the block header.
    pub crc: u32,
    /// The collection; 0 for the database itself.
    pub collection: u32,
    /// Documents in it.
    pub documents: u32,
    /// Documents of the same collection in earlier blocks.
    pub first_document: u64,
    /// Its kind.
    pub kind: BlockKind,
}

impl Entry {
    /// Where the next block begins.
    pub fn end(&self) -> u64 {
        self.offset + BLOCK_HEADER_LEN + u64::from(self.len)
    }

    /// Appends the entry.
    pub fn encode(&self, table: &mut Vec<u8>) {
        table.extend_from_slice(&self.offset.to_le_bytes());
        table.extend_from_slice(&self.len.to_le_bytes());
        table.extend_from_slice(&self.crc.to_le_bytes());
        table.extend_from_slice(&self.collection.to_le_bytes());
        table.extend_from_slice(&self.documents.to_le_bytes());
        table.extend_from_slice(&self.first_document.to_le_bytes());
        let kind = match self.kind {
            BlockKind::Database => 1,
            BlockKind::Documents => 2,
        };
        table.extend_from_slice(&[kind, 0, 0, 0, 0, 0, 0, 0]);
    }

    /// Reads an entry; `None` for a kind that this version does not know.
    fn decode(bytes: &[u8]) -> Option<Entry> {
        let kind = match u64_at(bytes, 32) {
            1 => BlockKind::Database,
            2 => BlockKind::Documents,
            _ => return None,
        };
        Some(Entry {
            offset: u64_at(bytes, 0),
            len: u32_at(bytes, 8),
            crc: u32_at(bytes, 12),
            collection: u32_at(bytes, 16),
            documents: u32_at(bytes, 20),
            first_document: u64_at(bytes, 24),
            kind,
        })
    }
}

/// The last 48 bytes, parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footer {
    /// Offset of the table.
    pub table: u64,
    /// Entries in it.
    pub blocks: u32,
    /// Its checksum.
    pub table_crc: u32,
    /// The header's checksum.
    pub header_crc: u32,
    /// The mac of an encrypted snapshot, otherwise zero.
    pub mac: [u8; TAG],
}

impl Footer {
    /// Encodes the footer.
    pub fn encode(&self) -> [u8; FOOTER_LEN as usize] {
        let mut bytes = [0; FOOTER_LEN as usize];
        bytes[0..8].copy_from_slice(END_MAGIC);
        bytes[8..16].copy_from_slice(&self.table.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.blocks.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.table_crc.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.header_crc.to_le_bytes());
        bytes[MAC_AT..FOOTER_CRC_AT].copy_from_slice(&self.mac);
        let crc = crc32c::crc32c(&bytes[..FOOTER_CRC_AT]);
        bytes[FOOTER_CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Decodes the bytes at `offset` of the file at `path`. The table must end exactly where the footer begins.
    pub fn decode(bytes: &[u8; FOOTER_LEN as usize], path: &Path, offset: u64) -> Result<Footer> {
        let holds = bytes[..8] == *END_MAGIC
            && u32_at(bytes, FOOTER_CRC_AT) == crc32c::crc32c(&bytes[..FOOTER_CRC_AT]);
        let footer = Footer {
            table: u64_at(bytes, 8),
            blocks: u32_at(bytes, 16),
            table_crc: u32_at(bytes, 20),
            header_crc: u32_at(bytes, 24),
            mac: array_at(bytes, MAC_AT),
        };
        let len = u64::from(footer.blocks) * ENTRY_LEN;
        if !holds || footer.table < HEADER_LEN || footer.table.checked_add(len) != Some(offset) {
            return Err(Error::corrupt(
                path,
                offset,
                "the snapshot's footer is malformed, or its checksum does not match",
            ));
        }
        Ok(footer)
    }
}

/// What seals the blocks of a snapshot, and proves the rest of it.
pub(crate) fn snapshot_cipher(cipher: &Cipher, id: u64, lsn: Lsn, salt: &[u8; 16]) -> FileCipher {
    cipher.file("moltendb snapshot", &[&id.to_le_bytes(), &lsn.0.to_le_bytes(), salt])
}

/// The associated data of the payload of this length in the block at this offset.
pub(crate) fn block_place(offset: u64, len: u32) -> [u8; 12] {
    let mut place = [0; 12];
    place[..8].copy_from_slice(&offset.to_le_bytes());
    place[8..].copy_from_slice(&len.to_le_bytes());
    place
}

impl Footer {
    /// Ends the mac of a snapshot, to which header and table were added.
    pub(crate) fn end_mac(&self, mut mac: UnitMac) -> [u8; TAG] {
        mac.add(&self.encode()[..MAC_AT]);
        mac.end()
    }
}

/// The seed of the checksums of a snapshot's blocks and table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotSeed(u32);

impl SnapshotSeed {
    /// The seed of this snapshot.
    pub fn new(salt: &[u8; 16], id: u64) -> SnapshotSeed {
        SnapshotSeed(crc32c::crc32c_append(crc32c::crc32c(salt), &id.to_le_bytes()))
    }

    /// The checksum of a payload whose block is at `offset`.
    pub fn block_crc(self, offset: u64, payload: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c_append(self.0, &offset.to_le_bytes()), payload)
    }

    /// The checksum of the table.
    pub fn table_crc(self, table: &[u8]) -> u32 {
        crc32c::crc32c_append(self.0, table)
    }
}

/// The maximum payload of a block with several documents.
pub const LONGEST_SHARED: u32 = 64 << 10;

/// Reads the table piece by piece. Every block must begin where the previous one ends, and the last one must end where the
/// table begins. Document counts must equal the sum of the earlier blocks and may not exceed the bytes of the payload,
/// because a loader allocates by them. So no memory is allocated for data that is not in the file, and a table in a hole of
/// the file fails at its first entry.
pub struct Table<'a> {
    footer: &'a Footer,
    path: &'a Path,
    crc: u32,
    /// Where the next block begins.
    due: u64,
    /// Where the next entry is.
    at: u64,
    documents: BTreeMap<u32, u64>,
    /// None where they are only checked.
    entries: Option<Vec<Entry>>,
    /// The first entry of a kind that this version does not know, reported only if the checksum is valid.
    unknown: Option<u64>,
    /// The mac of what was read, and what encryption adds to a payload.
    sealed: Option<UnitMac>,
    overhead: u32,
}

impl<'a> Table<'a> {
    /// The table that this footer names; nothing is read yet.
    pub fn new(footer: &'a Footer, seed: SnapshotSeed, path: &'a Path) -> Table<'a> {
        Table {
            footer,
            path,
            crc: seed.0,
            due: HEADER_LEN,
            at: footer.table,
            documents: BTreeMap::new(),
            entries: Some(Vec::new()),
            unknown: None,
            sealed: None,
            overhead: 0,
        }
    }

    /// The same of an encrypted snapshot, whose mac begins with this header.
    #[must_use]
    pub(crate) fn sealed_by(self, cipher: &FileCipher, header: &[u8]) -> Table<'a> {
        let mut mac = cipher.begin_mac();
        mac.add(header);
        Table { sealed: cipher.is_sealing().then_some(mac), overhead: cipher.overhead(), ..self }
    }

    /// The same table, of which only the number of documents is kept.
    #[must_use]
    pub fn without_entries(self) -> Table<'a> {
        Table { entries: None, ..self }
    }

    /// Reads the next whole entries.
    pub fn read(&mut self, bytes: &[u8]) -> Result<()> {
        self.crc = crc32c::crc32c_append(self.crc, bytes);
        if let Some(mac) = &mut self.sealed {
            mac.add(bytes);
        }
        for bytes in bytes.chunks(ENTRY_LEN as usize) {
            self.entry(bytes)?;
            self.at += ENTRY_LEN;
        }
        Ok(())
    }

    fn entry(&mut self, bytes: &[u8]) -> Result<()> {
        if u64_at(bytes, 0) != self.due {
            return Err(self.damage("a block of the snapshot's table is out of place"));
        }
        let Some(entry) = Entry::decode(bytes) else {
            self.unknown.get_or_insert(self.at);
            self.due = self.due.saturating_add(BLOCK_HEADER_LEN + u64::from(u32_at(bytes, 8)));
            return Ok(());
        };
        if entry.end() > self.footer.table {
            return Err(self.damage("a block of the snapshot's table is out of place"));
        }
        let before = self.documents.entry(entry.collection).or_default();
        let database = entry.kind == BlockKind::Database;
        let len = entry.len.checked_sub(self.overhead);
        let holds = database == (entry.collection == 0)
            && entry.first_document == *before
            && len
                .is_some_and(|len| entry.documents <= len && (entry.documents <= 1 || len <= LONGEST_SHARED))
            && u64::from(entry.len) <= MAX_BODY;
        if !holds {
            return Err(self.damage("the snapshot's table counts other documents than there are"));
        }
        *before += u64::from(entry.documents);
        self.due = entry.end();
        if let Some(entries) = &mut self.entries {
            entries.push(entry);
        }
        Ok(())
    }

    /// The documents of all collections, and the entries, after all were read.
    pub fn finish(self) -> Result<(u64, Vec<Entry>)> {
        if self.crc != self.footer.table_crc {
            let what = "the checksum of the snapshot's table does not match";
            return Err(Error::corrupt(self.path, self.footer.table, what));
        }
        let is_sealed = self.sealed.is_some();
        let mac = self.sealed.map_or([0; TAG], |mac| self.footer.end_mac(mac));
        if !is_same(&mac, &self.footer.mac) {
            return Err(match is_sealed {
                true => {
                    let what = "the mac of the snapshot is not that of its header and its table";
                    Error::tampered(self.path, self.footer.table, what)
                }
                false => {
                    let what = "the snapshot's footer has a mac, and the snapshot is not encrypted";
                    Error::corrupt(self.path, self.footer.table, what)
                }
            });
        }
        if let Some(at) = self.unknown {
            let message = format!(
                "{} holds blocks of a kind that this package does not know; open it with a newer moltendb-node",
                self.path.display()
            );
            let file = Some(self.path.to_path_buf());
            let details = Details { file, offset: Some(at), ..Details::default() };
            return Err(Error::new(Kind::Version, message).with_details(details));
        }
        if self.due != self.footer.table {
            return Err(Error::corrupt(self.path, self.due, "the snapshot's table leaves bytes out"));
        }
        let documents = self.documents.iter().filter(|(number, _)| **number != 0).map(|(_, count)| count);
        Ok((documents.sum(), self.entries.unwrap_or_default()))
    }

    fn damage(&self, what: &str) -> Error {
        Error::corrupt(self.path, self.at, what)
    }
}

/// Reads a whole table.
pub fn decode_table(bytes: &[u8], footer: &Footer, seed: SnapshotSeed, path: &Path) -> Result<Vec<Entry>> {
    let mut table = Table::new(footer, seed, path);
    table.read(bytes)?;
    Ok(table.finish()?.1)
}

/// The entries in a part of a table that was read before; none of a kind that this version does not know.
pub fn entries(bytes: &[u8]) -> Vec<Entry> {
    bytes.chunks_exact(ENTRY_LEN as usize).filter_map(Entry::decode).collect()
}

/// What the manifest records of a snapshot: the checksums that cover all others, and the salt.
pub fn reference(header: &SnapshotHeader, footer: &Footer, len: u64) -> SnapshotRef {
    let mut hash = [0; 32];
    hash[0..16].copy_from_slice(&header.salt);
    hash[16..20].copy_from_slice(&footer.header_crc.to_le_bytes());
    hash[20..24].copy_from_slice(&u32_at(&footer.encode(), FOOTER_CRC_AT).to_le_bytes());
    SnapshotRef { id: header.id, len, hash }
}

/// The checksum of an encoded header.
pub fn header_crc(header: &[u8; HEADER_LEN as usize]) -> u32 {
    u32_at(header, HEADER_CRC_AT)
}

/// The file name of a snapshot.
pub fn snapshot_name(id: u64) -> String {
    format!("snap-{id:016x}.snp")
}

/// Its file name while it is being written.
pub fn temporary_name(id: u64) -> String {
    format!("snap-{id:016x}.tmp")
}

/// Whether this is the file name of a snapshot that is being written.
pub fn is_temporary_name(name: &str) -> bool {
    let digits = name.strip_prefix("snap-").and_then(|rest| rest.strip_suffix(".tmp"));
    let id = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    id.is_some_and(|id| temporary_name(id) == name)
}

/// The id in a snapshot's file name; `None` for every other name.
pub fn parse_snapshot_name(name: &str) -> Option<u64> {
    let id = u64::from_str_radix(name.strip_prefix("snap-")?.strip_suffix(".snp")?, 16).ok()?;
    (snapshot_name(id) == name).then_some(id)
}
