//! Checkpoints made by hand, of an undamaged database: their checksums are valid, and their content is right or wrong.
//!
//! With one whose content is right, results are those of an opening without it. With another one results may be wrong, since only
//! the log has the right ones, but every operation ends, and an error of damage names the file.

use std::path::Path;
use std::sync::Arc;

use moltendb_node::Database;
use moltendb_node::document::{RawValue, Shapes, Value};
use moltendb_node::engine::{Answer, FindOptions, Operation, record};
use moltendb_node::error::{Error, Kind};
use moltendb_node::index::encode_key;
use moltendb_node::options::Access;
use moltendb_node::storage::checkpoint::checkpoint_name;
use moltendb_node::storage::frame::{HEADER_LEN, u32_at};
use moltendb_node::storage::manifest::{Clean, Manifest};
use moltendb_node::storage::pages::entries::{EntriesBuilder, Entry};
use moltendb_node::storage::pages::inner::{self, Child, separator};
use moltendb_node::storage::pages::pointer::Pointer;
use moltendb_node::storage::pages::rows::RowsBuilder;
use moltendb_node::storage::pages::target::entry_bytes;
use moltendb_node::storage::runs::writer::RunWriter;
use moltendb_node::storage::segment::segment_name;
use moltendb_node::storage::{Lsn, PageSink};

use super::Input;
use super::crafted::{DATABASE, agree, any_number, bytes_of, options, use_it};
use super::disk::{DIR, Disk};
use super::log::{LONGEST, Log, SEGMENT, check_refusal};
use super::values::{incoming_of, read_whole, runtime};

/// Documents of each collection; entries of a page.
const DOCUMENTS: u64 = 12;
const TOGETHER: usize = 4;
/// The most slots that a checkpoint claims here: a scan passes all of them.
const SLOTS: u64 = 1 << 16;

/// Where a document is, and what it is found by.
struct Place {
    collection: u32,
    frame: u64,
    /// Length of the payload; offset and length of the document in it, and length of the head of its record.
    payload: u64,
    offset: u64,
    len: u64,
    head: u64,
    /// Its keys in the trees.
    id: Vec<u8>,
    value: Vec<u8>,
}

/// What the input changes: nothing where it has no more bytes.
struct Lies<'a> {
    input: Input<'a>,
    told: u32,
}

impl Lies<'_> {
    fn is_next(&mut self) -> bool {
        let next = self.input.byte() >= 244;
        self.told += u32::from(next);
        next
    }

    fn number(&mut self, right: u64) -> u64 {
        if self.is_next() { any_number(&mut self.input, right) } else { right }
    }

    /// Writes a page, perhaps with a change, and returns the pointer to it, perhaps with a change.
    fn page(&mut self, out: &mut RunWriter, page: &[u8], net: i64) -> Pointer {
        let mut page = page.to_vec();
        if self.is_next() {
            let (at, len) = (usize::from(self.input.short()) % page.len(), page.len());
            match self.input.byte() % 4 {
                0 => page[at] = self.input.byte(),
                1 => page.truncate(at),
                2 => page.resize(len + at, 0),
                _ => page[at % 12] = self.input.byte(),
            }
        }
        let net = self.number(net.cast_unsigned()).cast_signed();
        let mut pointer = out.page(&page, net).expect("a page is written");
        if self.is_next() {
            pointer.file = any_number(&mut self.input, 0);
            pointer.offset = any_number(&mut self.input, pointer.offset);
            pointer.length = any_number(&mut self.input, u64::from(pointer.length)) as u32;
        }
        pointer
    }

    /// The numbers, each in LEB128.
    fn put<const N: usize>(&mut self, out: &mut Vec<u8>, numbers: [u64; N]) {
        numbers.into_iter().for_each(|right| varint(out, self.number(right)));
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The name, the text of each document, and what is found by an index on it.
fn text_of(n: u64) -> Value {
    Value::String(format!("text {}", n % 3))
}

fn index_key(value: &Value) -> Vec<u8> {
    let (bytes, shapes) = (bytes_of(value), Shapes::new());
    let mut key = Vec::new();
    encode_key(RawValue::new(&bytes, &shapes), &mut key);
    key
}

/// The records that begin the collections, in the log and in a checkpoint.
fn begun() -> Vec<u8> {
    let text = |text: &str| Value::String(text.to_owned());
    let field = Value::Array(vec![text("a"), Value::Int(1)]);
    let index = [("key", Value::Array(vec![field])), ("name", text("a_1"))];
    let index = index.map(|(name, value)| (name.to_owned(), value));
    let mut out = Vec::new();
    record::begin(&mut out, 1_000);
    for (collection, name) in [(1, "one"), (2, "two")] {
        record::create(&mut out, collection, name, b"");
        record::index(&mut out, collection, &bytes_of(&Value::Object(index.to_vec())));
    }
    out
}

/// A closed database of one segment, its end, the head checksum of its SEAL, and its documents.
fn closed() -> (Log, Clean, u32, Vec<Place>) {
    let mut log = Log::after(true, Lsn(0), 0);
    log.commit(&begun());
    let mut places = Vec::new();
    for n in 0..2 * DOCUMENTS {
        let (collection, id, text) = (1 + n as u32 % 2, format!("k{}", (b'a' + n as u8) as char), text_of(n));
        let fields = [("_id", Value::String(id.clone())), ("a", text.clone())];
        let document =
            bytes_of(&Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).to_vec()));
        let mut payload = Vec::new();
        record::begin(&mut payload, 1_000);
        let making = record::Making::Inserted;
        let (range, head) =
            record::write(&mut payload, 1_000, (collection, 1, 1_000), making, &document, &[]);
        let frame = log.bytes.len() as u64;
        log.commit(&payload);
        let key = [&[1], id.as_bytes()].concat();
        places.push(Place {
            collection,
            frame,
            payload: payload.len() as u64,
            offset: range.start as u64,
            len: document.len() as u64,
            head: u64::from(head),
            id: [&(key.len() as u16).to_be_bytes()[..], &key].concat(),
            value: index_key(&text),
        });
    }
    log.mark(2);
    let clean = Clean { segment: SEGMENT, len: log.bytes.len() as u64, lsn: log.lsn() };
    let seal = u32_at(&log.bytes, log.bytes.len() - 28);
    (log, clean, seal, places)
}

/// The tree of slots: a row for 64 of them.
fn slots(lies: &mut Lies<'_>, out: &mut RunWriter, tree: u32, places: &[&Place]) -> Vec<u8> {
    let mut record = Vec::new();
    lies.put(&mut record, [places.len() as u64]);
    for place in places {
        lies.put(&mut record, [0, place.frame, HEADER_LEN as u64, place.payload]);
    }
    for (n, place) in places.iter().enumerate() {
        lies.put(&mut record, [n as u64 + 1, place.offset, place.len << 6 | place.head, 1]);
    }
    let mut rows = RowsBuilder::default();
    rows.push(0, &record);
    let mut page = Vec::new();
    rows.finish(tree, &mut page);
    let pointer = lies.page(out, &page, 1);
    root(lies, 0, pointer)
}

/// A tree of keys: leaves of some entries each, and a page above them.
fn keys(lies: &mut Lies<'_>, out: &mut RunWriter, tree: u32, mut entries: Vec<(Vec<u8>, u64)>) -> Vec<u8> {
    entries.sort();
    entries.iter_mut().for_each(|(_, slot)| *slot = lies.number(*slot) & 0xffff_ffff_ffff);
    let (mut children, mut last, mut page) = (Vec::new(), Vec::new(), Vec::new());
    for some in entries.chunks(TOGETHER) {
        let mut leaf = EntriesBuilder::default();
        some.iter().for_each(|(key, slot)| leaf.push(Entry { key, slot: *slot, plus: true }));
        let first = entry_bytes(&some[0].0, some[0].1);
        let low = if children.is_empty() { Vec::new() } else { separator(&last, &first) };
        last = some.last().map(|(key, slot)| entry_bytes(key, *slot)).unwrap_or_default();
        let net = leaf.net();
        page.clear();
        leaf.finish(tree, &mut page);
        children.push(Child { low, pointer: lies.page(out, &page, net) });
    }
    page.clear();
    inner::encode(&children, tree, &mut page);
    let net = children.iter().fold(0, |sum: i64, child| sum.wrapping_add(child.pointer.net));
    let pointer = lies.page(out, &page, net);
    root(lies, 1, pointer)
}

fn root(lies: &mut Lies<'_>, height: u8, pointer: Pointer) -> Vec<u8> {
    if lies.is_next() {
        return vec![0];
    }
    let mut bytes = vec![1, lies.number(u64::from(height)) as u8];
    pointer.encode(&mut bytes);
    bytes
}

/// Writes the checkpoint into the directory.
fn write(lies: &mut Lies<'_>, disk: &Disk, clean: Clean, seal: u32, places: &[Place]) {
    let path = Path::new(DIR).join(checkpoint_name(clean.lsn));
    let mut out = RunWriter::begin(&disk.host(), &path, DATABASE, clean.lsn).expect("a file is created");
    let mut catalogue = Vec::new();
    for number in [1, clean.segment, clean.len, clean.lsn] {
        catalogue.extend_from_slice(&lies.number(number).to_le_bytes());
    }
    catalogue.extend_from_slice(&seal.to_le_bytes());
    lies.put(&mut catalogue, [1, 1, SEGMENT, 1]);
    let begun = begun();
    lies.put(&mut catalogue, [begun.len() as u64]);
    let from = catalogue.len();
    catalogue.extend_from_slice(&begun);
    if lies.is_next() {
        let at = from + usize::from(lies.input.short()) % begun.len();
        catalogue[at] = lies.input.byte();
    }
    lies.put(&mut catalogue, [2]);
    for collection in [1, 2] {
        let own: Vec<&Place> = places.iter().filter(|place| place.collection == collection).collect();
        let tree = 1 + 3 * (collection - 1);
        let end = lies.number(own.len() as u64).min(SLOTS);
        lies.put(&mut catalogue, [u64::from(collection)]);
        varint(&mut catalogue, end);
        lies.put(&mut catalogue, [own.len() as u64, 900]);
        catalogue.extend_from_slice(&lies.number(7).to_le_bytes());
        catalogue.extend(slots(lies, &mut out, tree, &own));
        let of = |key: fn(&Place) -> &Vec<u8>| own.iter().map(|place| key(place).clone()).zip(0..).collect();
        catalogue.extend(keys(lies, &mut out, tree + 1, of(|place| &place.id)));
        lies.put(&mut catalogue, [1, 0, 0]);
        catalogue.extend(keys(lies, &mut out, tree + 2, of(|place| &place.value)));
    }
    if lies.is_next() {
        let at = usize::from(lies.input.short()) % catalogue.len();
        catalogue[at] = lies.input.byte();
    }
    out.finish(&catalogue, Lsn(clean.lsn)).expect("a file is ended");
}

/// A checkpoint with arbitrary content, of an undamaged database, which is opened, read and written.
pub fn crafted_checkpoint(data: &[u8]) {
    let mut lies = Lies { input: Input(&data[..data.len().min(LONGEST)]), told: 0 };
    let (log, clean, seal, places) = closed();
    let mut manifest = Manifest::new(DATABASE);
    manifest.clean = Some(clean);
    let files = [("MANIFEST".to_owned(), manifest.encode().to_vec()), (segment_name(SEGMENT), log.bytes)];
    let without = agree(&Disk::with(files.clone())).expect("the database is whole");
    let disk = Disk::with(files);
    write(&mut lies, &disk, clean, seal, &places);
    if lies.told == 0 {
        let with = agree(&disk).expect("a true checkpoint opens");
        assert!(with == without, "a true checkpoint changes what a database holds");
        read(&disk, Access::ReadOnly, true);
        return use_it(&disk);
    }
    let before = disk.content();
    read(&disk, Access::ReadOnly, false);
    assert!(disk.content() == before, "reading changed the disk");
    read(&disk, Access::ReadWrite, false);
}

/// Opens the database and reads everything in each way.
fn read(disk: &Disk, access: Access, is_true: bool) {
    let database = match Database::open_on(&disk.host(), DIR, options(access), runtime()) {
        Ok(database) => database,
        Err(error) => return check_refusal(&error),
    };
    let session = database.session();
    for (collection, name) in [(0, "one"), (1, "two")] {
        for n in (collection..2 * DOCUMENTS).step_by(2) {
            let id = incoming_of(&Value::String(format!("k{}", (b'a' + n as u8) as char)));
            let found = session.call(name, Operation::Get { id, meta: false }).answer;
            assert!(!is_true || found.is_ok(), "a document cannot be read: {:?}", found.err());
            told(found.err());
        }
        for n in 0..3 {
            let found = by_index(&database, name, &text_of(n));
            assert!(!is_true || found == Some(DOCUMENTS as usize / 3), "an index finds {found:?}");
        }
    }
    read_whole(&database, access == Access::ReadWrite);
    let _ = database.close();
}

/// An error must be one of damage, and name its file.
fn told(error: Option<Error>) {
    if let Some(error) = error.filter(|error| error.kind() == Kind::Corrupt) {
        assert!(error.details().file.is_some(), "damage names its file: {error:?}");
    }
}

fn by_index(database: &Arc<Database>, name: &str, text: &Value) -> Option<usize> {
    let session = database.session();
    let filter = incoming_of(&Value::Object(vec![("a".to_owned(), text.clone())]));
    let options =
        FindOptions { sort: None, projection: None, skip: 0, limit: 0, batch: 0, hint: None, meta: false };
    match session.call(name, Operation::Find { filter, options }).answer {
        Ok(Answer::Batch { documents, .. }) => Some(documents.len()),
        Ok(_) => None,
        Err(error) => {
            told(Some(error));
            None
        }
    }
}
