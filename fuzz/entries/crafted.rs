//! Databases made by hand with valid checksums: segments, snapshots and manifests with arbitrary content.
//!
//! Opening and verifying agree about each, neither changes it, and what opens can be read, written and opened again.

use moltendb_node::Database;
use moltendb_node::document::{Value, encode_plain};
use moltendb_node::engine::verify::verify_on;
use moltendb_node::engine::{Operation, record};
use moltendb_node::error::Error;
use moltendb_node::options::{Access, OpenOptions, StorageMode};
use moltendb_node::storage::Lsn;
use moltendb_node::storage::manifest::{Clean, Manifest};
use moltendb_node::storage::segment::segment_name;
use moltendb_node::storage::snapshot::{
    self, BlockKind, Entry, Footer, HEADER_LEN, SnapshotHeader, SnapshotSeed, snapshot_name,
};

use super::Input;
use super::disk::{DIR, Disk};
use super::log::{LONGEST, Log, SALT, SEGMENT, check_refusal};
use super::values::{grown, read_whole, runtime};

pub(super) const DATABASE: [u8; 16] = [1; 16];
const SNAPSHOT: u64 = 2;

pub(super) fn options(access: Access) -> OpenOptions {
    OpenOptions { storage: StorageMode::Async, access, ..OpenOptions::default() }
}

pub(super) type Content = Vec<(String, Result<Vec<Value>, String>)>;

/// Opens the database and reads all of it.
fn load(disk: &Disk, access: Access, write: bool) -> Result<Content, Error> {
    let database = Database::open_on(&disk.host(), DIR, options(access), runtime())?;
    let loaded = database.session().call("", Operation::ListCollections { filter: None });
    let content = loaded.answer.map(|_| read_whole(&database, write));
    let closed = database.close();
    let content = content?;
    closed?;
    Ok(content)
}

/// Verifying reports ok exactly if the database opens and loads, and neither changes a byte.
pub fn agree(disk: &Disk) -> Result<Content, Error> {
    let before = disk.content();
    let verified = verify_on(&disk.host(), DIR);
    let loaded = load(disk, Access::ReadOnly, false);
    assert!(disk.content() == before, "reading changed the disk");
    let ok = verified.as_ref().is_ok_and(|found| found.ok);
    assert_eq!(ok, loaded.is_ok(), "verified: {verified:?}, loaded: {:?}", loaded.as_ref().err());
    if let (Ok(found), Ok(content)) = (&verified, &loaded) {
        let documents: usize = content.iter().map(|(_, found)| found.as_ref().map_or(0, Vec::len)).sum();
        assert_eq!(found.documents, documents as u64, "verifying counts other documents");
        for (name, found) in content {
            assert!(found.is_ok(), "{name} was loaded and cannot be read: {found:?}");
        }
    }
    loaded
}

/// [`agree`], then the database is written to and opened again.
pub(super) fn use_it(disk: &Disk) {
    match agree(disk) {
        Err(error) => check_refusal(&error),
        Ok(_) => match load(disk, Access::ReadWrite, true) {
            // The largest numbers are refused when they are used up.
            Err(error) => panic!("what opens to be read opens to be written: {error:?}"),
            Ok(written) => {
                let again = load(disk, Access::ReadOnly, false).expect("what was written opens again");
                assert!(again == written, "documents changed while the database was closed");
            }
        },
    }
}

fn number(input: &mut Input<'_>) -> u32 {
    match input.byte() {
        byte @ 0..240 => u32::from(byte % 4),
        byte @ 240..248 => u32::from(byte),
        _ => u32::MAX - u32::from(input.byte() % 3),
    }
}

pub(super) fn bytes_of(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    bytes
}

/// A document, and more often than not a good one.
fn document(input: &mut Input<'_>) -> Vec<u8> {
    let id = Value::Int(i32::from(input.byte() % 8));
    let kind = input.byte();
    let value = match kind % 8 {
        0 => return input.take(usize::from(kind)).to_vec(),
        1 => {
            // Nested as deep as a byte says, and then some.
            let depth = usize::from(input.byte()) * if kind > 200 { 100 } else { 1 };
            let mut bytes = vec![0x82, 0xa3, b'_', b'i', b'd', 7, 0xa1, b'a'];
            let lead: &[u8] = if kind & 8 == 0 { &[0x91] } else { &[0x81, 0xa1, b'b'] };
            (0..depth).for_each(|_| bytes.extend_from_slice(lead));
            bytes.push(0xc0);
            return bytes;
        }
        2 => return [&[0xc1, 0, input.byte() % 3][..], &bytes_of(&id), &bytes_of(&grown(input, 3))].concat(),
        3 => vec![("_id".to_owned(), grown(input, 2))],
        _ => vec![("_id".to_owned(), id), ("a".to_owned(), grown(input, 4))],
    };
    bytes_of(&Value::Object(value))
}

/// A definition of an index, and more often than not a good one.
fn definition(input: &mut Input<'_>) -> Vec<u8> {
    let kind = input.byte();
    let path = ["a", "a.b", "b", "", "a.$", "a.b.c.d.e.f"][usize::from(kind) % 6];
    let field = |path: &str| Value::Array(vec![Value::String(path.to_owned()), Value::Int(1)]);
    let key = Value::Array(vec![field(path), field("_id")]);
    let mut spec =
        vec![("key".to_owned(), key), ("name".to_owned(), Value::String(format!("i{}", kind % 16)))];
    match kind / 64 {
        0 => spec.push(("unique".to_owned(), Value::Bool(kind & 1 == 0))),
        1 => spec.push(("partialFilterExpression".to_owned(), grown(input, 6))),
        _ => {}
    }
    bytes_of(&Value::Object(spec))
}

/// What a payload is in.
#[derive(Clone, Copy)]
enum Of {
    Log,
    Snapshot,
}

/// A payload of any records.
fn payload(input: &mut Input<'_>, most: u8, of: Of) -> (Vec<u8>, u32) {
    const NAMES: [&str; 8] = ["one", "two", "three", "__proto__", "", "../x", "a$b", "four"];
    const KEYS: [&str; 4] = ["_id", "a", "b", ""];
    let mut out = Vec::new();
    record::begin(&mut out, if input.byte() == 0 { i64::MIN } else { 1_000 });
    let mut puts = 0;
    for _ in 0..input.byte() % most.max(1) {
        let kind = input.byte();
        let collection = number(input);
        match kind % 16 {
            0 | 1 => record::create(&mut out, collection, NAMES[usize::from(input.byte()) % 8], b""),
            2 | 3 => {
                let keys = &KEYS[..usize::from(input.byte()) % 5];
                record::shape(&mut out, collection, u16::from(input.byte() % 3), keys);
            }
            4 => {
                record::delete(&mut out, collection, &bytes_of(&Value::Int(i32::from(input.byte() % 8))), &[])
            }
            5 => record::drop_collection(&mut out, collection),
            6 => record::rename(&mut out, collection, NAMES[usize::from(input.byte()) % 8]),
            7 => record::next(&mut out, collection),
            8 => record::index(&mut out, collection, &definition(input)),
            9 => record::drop_index(&mut out, collection, "i1"),
            10 if kind > 128 => {
                let len = usize::from(input.byte() % 32);
                out.extend_from_slice(input.take(len));
            }
            kind => {
                let metadata =
                    record::Metadata { collection, version: 1, created_at: 900, modified_at: 1_000 };
                let making = match kind {
                    11 | 12 => record::Making::Inserted,
                    13 => record::Making::Updated(&[3, 1]),
                    _ => record::Making::Replaced,
                };
                let document = document(input);
                match (kind, of) {
                    (15, _) | (_, Of::Snapshot) => record::put(&mut out, 1_000, metadata, &document),
                    _ => record::write(&mut out, 1_000, (collection, 1, 900), making, &document, &[]),
                };
                puts += 1;
            }
        }
    }
    (out, puts)
}

/// A payload that begins two collections with a shape and an index.
fn begun() -> Vec<u8> {
    let mut out = Vec::new();
    record::begin(&mut out, 1_000);
    for (collection, name) in [(1, "one"), (2, "two")] {
        record::create(&mut out, collection, name, b"");
        record::shape(&mut out, collection, 0, &["_id", "a"]);
    }
    out
}

/// Frames with arbitrary content, in a segment that was closed cleanly or not.
pub fn crafted_segment(data: &[u8]) {
    let mut input = Input(&data[..data.len().min(LONGEST)]);
    let mode = input.byte();
    let mut log = Log::after(mode & 1 != 0, Lsn(0), 0);
    if mode & 2 != 0 {
        log.commit(&begun());
    }
    while !input.is_empty() && log.bytes.len() < LONGEST {
        match input.byte() % 16 {
            0 => log.mark(3),
            1 => {
                // Blocks whose lengths fill the body, or do not.
                let (first, _) = payload(&mut input, 8, Of::Log);
                let (second, _) = payload(&mut input, 8, Of::Log);
                let longer = u32::from(input.byte() > 200);
                log.blocks(&[&first, &second], longer);
            }
            2 => {
                // A header that claims more bytes than the file has.
                let len = u32::from(input.short()) << (input.byte() % 17);
                log.head(len);
            }
            _ => log.commit(&payload(&mut input, 12, Of::Log).0),
        }
    }
    let sealed = mode & 4 != 0;
    if sealed {
        log.mark(2);
    }
    let mut manifest = Manifest::new(DATABASE);
    if mode & 8 != 0 {
        manifest.clean = Some(Clean { segment: SEGMENT, len: log.bytes.len() as u64, lsn: log.lsn() });
    }
    if mode & 16 != 0 {
        log.bytes.resize(log.bytes.len() + 64, 0);
    }
    use_it(&Disk::with([
        ("MANIFEST".to_owned(), manifest.encode().to_vec()),
        (segment_name(SEGMENT), log.bytes),
    ]));
}

/// Blocks of any records, under a table that may count and order them otherwise.
pub fn crafted_snapshot(data: &[u8]) {
    let mut input = Input(&data[..data.len().min(LONGEST)]);
    let mode = input.byte();
    let seed = SnapshotSeed::new(&SALT, SNAPSHOT);
    let (mut bytes, mut table) = (vec![0; HEADER_LEN as usize], Vec::new());
    let mut before = std::collections::BTreeMap::<u32, u64>::new();
    let (mut blocks, mut documents) = (0, 0);
    let mut first = Some((begun(), 0));
    while (first.is_some() || !input.is_empty()) && blocks < 32 {
        let (payload, puts) = first.take().unwrap_or_else(|| payload(&mut input, 12, Of::Snapshot));
        let wrong = if blocks == 0 { 0 } else { input.byte() };
        let collection = if blocks == 0 { 0 } else { number(&mut input) };
        let counted = match wrong {
            200..220 => u32::from(input.short()) << (wrong % 17),
            220..240 => payload.len() as u32 / 10,
            _ => puts,
        };
        let offset = bytes.len() as u64;
        let count = before.entry(collection).or_default();
        let shift = if wrong > 250 { 1 << 40 } else { 0 };
        let entry = Entry {
            offset,
            len: payload.len() as u32,
            crc: seed.block_crc(offset, &payload),
            collection,
            documents: counted,
            first_document: *count + shift,
            kind: if collection == 0 { BlockKind::Database } else { BlockKind::Documents },
        };
        *count += u64::from(counted);
        documents += if collection == 0 { 0 } else { u64::from(counted) };
        bytes.extend_from_slice(&entry.len.to_le_bytes());
        bytes.extend_from_slice(&entry.crc.to_le_bytes());
        bytes.extend_from_slice(&payload);
        entry.encode(&mut table);
        blocks += 1;
    }
    let lsn = match mode & 3 {
        0 => Lsn(1 << 62),
        n => Lsn(u64::from(n)),
    };
    let counted = blocks + if mode & 64 != 0 { u32::MAX / 2 } else { 0 };
    let header = SnapshotHeader {
        encrypted: false,
        id: SNAPSHOT,
        lsn,
        salt: SALT,
        seal_crc: 9,
        documents,
        blocks: counted,
    };
    let head = header.encode();
    bytes[..HEADER_LEN as usize].copy_from_slice(&head);
    let footer = Footer {
        table: bytes.len() as u64,
        blocks: counted,
        table_crc: seed.table_crc(&table),
        header_crc: snapshot::header_crc(&head),
        mac: [0; 16],
    };
    bytes.extend_from_slice(&table);
    bytes.extend_from_slice(&footer.encode());
    let mut manifest = Manifest::new(DATABASE);
    manifest.generation = SNAPSHOT;
    manifest.snapshot = Some(snapshot::reference(&header, &footer, bytes.len() as u64));
    let log = Log::after(mode & 4 != 0, lsn, 9);
    let disk = Disk::with([
        ("MANIFEST".to_owned(), manifest.encode().to_vec()),
        (snapshot_name(SNAPSHOT), bytes),
        (segment_name(SEGMENT), log.bytes),
    ]);
    if mode & 3 == 0 {
        // No commit follows the largest number of all: it is refused, and the database stays as it is.
        if let Err(error) = agree(&disk) {
            check_refusal(&error);
        }
        return;
    }
    use_it(&disk);
}

/// Numbers that a field may have: those that are right, their neighbours, and the ends.
pub(super) fn any_number(input: &mut Input<'_>, right: u64) -> u64 {
    match input.byte() % 16 {
        0 => 0,
        1 => right.wrapping_sub(1),
        2 => right.wrapping_add(1),
        3 => 1 << 62,
        4 => (1 << 62) + 1,
        5 => u64::MAX,
        6 => u64::from(input.short()),
        _ => right,
    }
}

/// A closed database of one segment, and its end.
fn closed() -> (Log, Clean) {
    let mut log = Log::after(true, Lsn(0), 0);
    log.commit(&begun());
    for id in 0..9 {
        let mut out = Vec::new();
        record::begin(&mut out, 1_000);
        let text = Value::String("x".repeat(id as usize * 7));
        let value = Value::Object(vec![("_id".to_owned(), Value::Int(id)), ("a".to_owned(), text)]);
        let metadata = (1 + id as u32 % 2, 1, 1_000);
        record::write(&mut out, 1_000, metadata, record::Making::Inserted, &bytes_of(&value), &[]);
        log.commit(&out);
    }
    log.mark(2);
    let clean = Clean { segment: SEGMENT, len: log.bytes.len() as u64, lsn: log.lsn() };
    (log, clean)
}

/// A manifest with arbitrary numbers, of an undamaged database.
pub fn crafted_manifest(data: &[u8]) {
    let mut input = Input(&data[..data.len().min(LONGEST)]);
    let (log, clean) = closed();
    let mut manifest = Manifest::new(DATABASE);
    manifest.generation = any_number(&mut input, 1);
    manifest.first_segment = any_number(&mut input, SEGMENT);
    manifest.clean = (input.byte() % 4 != 0).then(|| Clean {
        segment: any_number(&mut input, clean.segment),
        len: any_number(&mut input, clean.len),
        lsn: any_number(&mut input, clean.lsn),
    });
    if input.byte() % 8 == 0 {
        let hash = std::array::from_fn(|_| input.byte());
        let (id, len) = (any_number(&mut input, 1), any_number(&mut input, 400));
        manifest.snapshot = Some(moltendb_node::storage::manifest::SnapshotRef { id, len, hash });
    }
    if input.byte() % 4 == 0 {
        manifest.history = any_number(&mut input, SEGMENT);
    }
    let mut bytes = manifest.encode().to_vec();
    if input.byte() % 16 == 0 {
        let at = 8 + usize::from(input.short()) % 500;
        bytes[at] = input.byte();
        let crc = crc32c::crc32c(&bytes[..508]).to_le_bytes();
        bytes[508..].copy_from_slice(&crc);
    }
    let disk = Disk::with([("MANIFEST".to_owned(), bytes), (segment_name(SEGMENT), log.bytes)]);
    match agree(&disk) {
        Err(error) => check_refusal(&error),
        Ok(before) => {
            assert!(before.len() == 2, "a database is other than its log: {before:?}");
            if manifest.generation < 1 << 62 {
                use_it(&disk);
            }
        }
    }
}
