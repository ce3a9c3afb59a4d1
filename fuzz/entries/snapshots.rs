//! Snapshots: their parsers on any bytes, and whole ones with blocks of any content, loaded by storage and by the engine.

use std::path::Path;
use std::sync::Mutex;

use moltendb_node::Database;
use moltendb_node::error::Error;
use moltendb_node::options::{Access, OpenOptions, StorageMode};
use moltendb_node::storage::manifest::{LEN, Manifest};
use moltendb_node::storage::segment::segment_name;
use moltendb_node::storage::snapshot::{
    self, BLOCK_HEADER_LEN, BlockKind, Entry, FOOTER_LEN, Footer, HEADER_LEN, SnapshotHeader, SnapshotSeed,
};
use moltendb_node::storage::{Loader, Lsn, Replayed, SnapshotBlock, open_disk};

use super::Input;
use super::crafted::agree;
use super::disk::{DIR, Disk};
use super::log::{LONGEST, Log, SALT, SEGMENT, check_refusal};
use super::values::{read_whole, runtime};

const ID: u64 = 2;

/// What is wrong with a block's entry; each a bit.
const OFFSET: u8 = 1;
const LENGTH: u8 = 2;
const CHECKSUM: u8 = 4;
const COUNT: u8 = 8;
const BEFORE: u8 = 16;
const KIND: u8 = 32;

/// A block as it was written: collection, documents, payload.
type Written = Vec<(u32, u32, Vec<u8>)>;

/// A block as it was loaded: its place among all, and what was written.
type Block = (u32, u32, u32, Vec<u8>);

/// Collects blocks in any order.
#[derive(Default)]
struct Loaded {
    blocks: Mutex<Vec<Block>>,
}

impl Loaded {
    fn note(&self, block: SnapshotBlock) {
        let loaded = (block.index, block.collection, block.documents, block.block.bytes.to_vec());
        self.blocks.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(loaded);
    }
}

impl Loader for Loaded {
    fn database_block(&mut self, block: SnapshotBlock) -> Result<(), Error> {
        self.note(block);
        Ok(())
    }

    fn documents(&self, block: SnapshotBlock) -> Result<(), Error> {
        self.note(block);
        Ok(())
    }

    fn frame(&mut self, _: Replayed) -> Result<(), Error> {
        Ok(())
    }
}

/// A snapshot with these blocks, each with the faults of its first byte. Returns whether there was none.
fn build(input: &mut Input<'_>, faults: u8) -> (Vec<u8>, SnapshotHeader, Footer, Written, bool) {
    let seed = SnapshotSeed::new(&SALT, ID);
    let mut bytes = vec![0; HEADER_LEN as usize];
    let (mut table, mut written, mut whole) = (Vec::new(), Written::new(), true);
    let mut before = std::collections::BTreeMap::<u32, u64>::new();
    while !input.is_empty() && written.len() < 64 {
        let (wrong, collection, documents) = (input.byte(), u32::from(input.byte()), u32::from(input.byte()));
        let len = usize::from(input.short() % 2048);
        let payload = input.take(len).to_vec();
        let offset = bytes.len() as u64;
        let crc = seed.block_crc(offset, &payload);
        let count = before.entry(collection).or_default();
        let database = (collection == 0) != (wrong & KIND != 0);
        let documents =
            if wrong & COUNT != 0 { documents << 24 } else { documents.min(payload.len() as u32) };
        let entry = Entry {
            offset: offset + u64::from(wrong & OFFSET),
            len: payload.len() as u32 + u32::from(wrong & LENGTH),
            crc: crc ^ u32::from(wrong & CHECKSUM),
            collection,
            documents,
            first_document: *count + (u64::from(wrong & BEFORE) << 40),
            kind: if database { BlockKind::Database } else { BlockKind::Documents },
        };
        *count += u64::from(documents);
        whole &=
            wrong & (OFFSET | LENGTH | CHECKSUM | BEFORE | KIND) == 0 && documents <= payload.len() as u32;
        bytes.extend_from_slice(&entry.len.to_le_bytes());
        bytes.extend_from_slice(&entry.crc.to_le_bytes());
        bytes.extend_from_slice(&payload);
        debug_assert_eq!(BLOCK_HEADER_LEN, 8);
        entry.encode(&mut table);
        written.push((collection, documents, payload));
    }
    let documents: u64 = before.iter().filter(|(number, _)| **number != 0).map(|(_, count)| count).sum();
    let header = SnapshotHeader {
        encrypted: false,
        id: ID,
        lsn: Lsn(if faults & 1 != 0 {
            u64::MAX
        } else if faults & 16 != 0 {
            (1 << 62) - 99
        } else {
            7
        }),
        salt: SALT,
        seal_crc: 9,
        documents: documents + u64::from(faults & 2),
        blocks: written.len() as u32 + u32::from(faults & 4),
    };
    whole &= faults & (1 | 2 | 4 | 8) == 0;
    let head = header.encode();
    bytes[..HEADER_LEN as usize].copy_from_slice(&head);
    let footer = Footer {
        table: bytes.len() as u64,
        blocks: written.len() as u32,
        table_crc: seed.table_crc(&table) ^ u32::from(faults & 8),
        header_crc: snapshot::header_crc(&head),
        mac: [0; 16],
    };
    bytes.extend_from_slice(&table);
    bytes.extend_from_slice(&footer.encode());
    (bytes, header, footer, written, whole)
}

/// The parsers of its parts, on arbitrary bytes.
fn parse(data: &[u8]) {
    let path = Path::new("/db/snap");
    if let Some(head) = data.first_chunk::<{ HEADER_LEN as usize }>() {
        let _ = SnapshotHeader::decode(head, path).map_err(|error| check_refusal(&error));
    }
    if let Some(tail) = data.last_chunk::<{ FOOTER_LEN as usize }>() {
        let offset = (data.len() - tail.len()) as u64;
        let _ = Footer::decode(tail, path, offset).map_err(|error| check_refusal(&error));
    }
    let seed = SnapshotSeed::new(&SALT, ID);
    let blocks = (data.len() / snapshot::ENTRY_LEN as usize) as u32;
    let table = &data[..blocks as usize * snapshot::ENTRY_LEN as usize];
    let footer =
        Footer { table: 1 << 20, blocks, table_crc: seed.table_crc(table), header_crc: 0, mac: [0; 16] };
    match snapshot::decode_table(table, &footer, seed, path) {
        Ok(entries) => assert_eq!(entries.len(), blocks as usize),
        Err(error) => check_refusal(&error),
    }
}

/// Bytes as the parts of a snapshot, then as the blocks of a whole one that a manifest names.
pub fn snapshot(data: &[u8]) {
    let data = &data[..data.len().min(LONGEST)];
    parse(data);
    let mut input = Input(data);
    let (faults, mode) = (input.byte(), input.byte());
    let (bytes, header, footer, written, whole) = build(&mut input, faults);
    let mut manifest = Manifest::new([1; 16]);
    manifest.generation = ID;
    manifest.snapshot = Some(snapshot::reference(&header, &footer, bytes.len() as u64));
    let mut log = Log::after(mode & 1 != 0, header.lsn, header.seal_crc);
    if mode & 2 != 0 {
        log.commit(&[0; 8]);
    }
    let manifest: [u8; LEN] = manifest.encode();
    let disk = Disk::with([
        ("MANIFEST".to_owned(), manifest.to_vec()),
        (snapshot::snapshot_name(ID), bytes),
        (segment_name(SEGMENT), log.bytes),
    ]);
    let before = disk.content();
    let mut loaded = Loaded::default();
    let options =
        OpenOptions { storage: StorageMode::Async, access: Access::ReadOnly, ..OpenOptions::default() };
    match open_disk(&disk.host(), Path::new(DIR), &options, None, &mut loaded) {
        Err(error) => check_refusal(&error),
        Ok(_) => {
            assert!(whole, "a snapshot with a fault was loaded");
            let mut blocks = loaded.blocks.into_inner().unwrap_or_default();
            blocks.sort();
            let read: Written =
                blocks.into_iter().map(|(_, number, count, bytes)| (number, count, bytes)).collect();
            assert_eq!(read, written, "other blocks were loaded");
        }
    }
    assert!(disk.content() == before, "reading changed the disk");
    let _ = agree(&disk);
    let options = OpenOptions { access: Access::ReadWrite, ..options };
    let open = || Database::open_on(&disk.host(), DIR, options.clone(), runtime());
    let database = match open() {
        Ok(database) => database,
        Err(error) => return check_refusal(&error),
    };
    let content = read_whole(&database, true);
    database.close().expect("a database without faults closes");
    let database = open().expect("what was opened and closed opens again");
    assert!(read_whole(&database, false) == content, "documents changed while the database was closed");
    database.close().expect("a database without faults closes");
}
