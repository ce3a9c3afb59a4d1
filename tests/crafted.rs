//! Hand-made files with valid checksums: content that no writer produces is reported as damage, with file and offset, by
//! opening and by verify, before anything depends on it. Memory is not allocated for lengths that only a file claims.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use moltendb_node::document::order::compare;
use moltendb_node::document::{MAX_DEPTH, RawValue, Shapes, Value, encode_plain, incoming};
use moltendb_node::engine::{Database, Verification, extended_json, record, verify};
use moltendb_node::error::{Error, Kind};
use moltendb_node::options::{OpenOptions, StorageMode};
use moltendb_node::storage::frame::{FrameKind, HEADER_LEN, HeadSeed, encode_mark};
use moltendb_node::storage::manifest::{Clean, Manifest};
use moltendb_node::storage::segment::{SegmentHeader, segment_name};
use moltendb_node::storage::snapshot::{self, Footer, SnapshotHeader, SnapshotSeed, snapshot_name};
use moltendb_node::storage::{Host, Lsn};

const SALT: [u8; 16] = [9; 16];

fn runtime() -> tokio::runtime::Handle {
    static RUNTIME: std::sync::OnceLock<tokio::runtime::Runtime> = std::sync::OnceLock::new();
    let build =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    RUNTIME.get_or_init(build).handle().clone()
}

fn segment_head(sync: bool) -> Vec<u8> {
    let header =
        SegmentHeader { sync, encrypted: false, id: 1, base_lsn: Lsn(0), salt: SALT, prev_seal_crc: 0 };
    header.encode().to_vec()
}

/// The frame header, as the format defines it.
fn frame_head(offset: u64, len: u32, lsn: u64, lag: u32, body_crc: u32) -> [u8; HEADER_LEN] {
    let mut head = [0; HEADER_LEN];
    head[0..4].copy_from_slice(&len.to_le_bytes());
    head[8..16].copy_from_slice(&lsn.to_le_bytes());
    head[16..20].copy_from_slice(&lag.to_le_bytes());
    head[20..24].copy_from_slice(&body_crc.to_le_bytes());
    head[24] = 1;
    (head[28], head[29]) = (1, 1);
    let seed = crc32c::crc32c_append(crc32c::crc32c(&SALT), &1_u64.to_le_bytes());
    let seed = crc32c::crc32c_append(seed, &offset.to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c_append(seed, &head[0..4]), &head[8..32]);
    head[4..8].copy_from_slice(&crc.to_le_bytes());
    head
}

/// A closed database whose only commit has this payload.
fn write_one(dir: &Path, payload: &[u8]) {
    std::fs::create_dir(dir).unwrap();
    let mut bytes = segment_head(true);
    bytes.extend_from_slice(&frame_head(64, payload.len() as u32, 1, 1, crc32c::crc32c(payload)));
    bytes.extend_from_slice(payload);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let (seal, _) = encode_mark(FrameKind::Seal, HeadSeed::new(&SALT, 1), bytes.len() as u64, Lsn(1));
    bytes.extend_from_slice(&seal);
    let mut manifest = Manifest::new([7; 16]);
    manifest.clean = Some(Clean { segment: 1, len: bytes.len() as u64, lsn: 1 });
    std::fs::write(dir.join(segment_name(1)), bytes).unwrap();
    std::fs::write(dir.join("MANIFEST"), manifest.encode()).unwrap();
}

fn payload(records: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    record::begin(&mut out, 1_700_000_000_000);
    record::create(&mut out, 1, "c", b"");
    records(&mut out);
    out
}

fn plain(fields: &[(&str, Value)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    encode_plain(&Value::Object(fields), &mut bytes);
    bytes
}

/// `{ _id: 1, a: ... }` with these bytes for `a`.
fn with(a: &[u8]) -> Vec<u8> {
    [&[0x82, 0xa3, b'_', b'i', b'd', 1, 0xa1, b'a'][..], a].concat()
}

fn put(out: &mut Vec<u8>, document: &[u8]) {
    record::write(out, 1_700_000_000_000, (1, 1, 0), record::Making::Inserted, document, &[]);
}

fn open(dir: &Path) -> Result<(), Error> {
    let options = OpenOptions { storage: StorageMode::Sync, ..OpenOptions::default() };
    let database = Database::open(dir.to_str().unwrap(), options, runtime())?;
    database.close()
}

fn check(dir: &Path) -> Verification {
    verify(dir.to_str().unwrap()).unwrap()
}

/// Opening and verify both refuse it, and name the offset in the segment.
fn refused(name: &str, payload: &[u8]) {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("db");
    write_one(&dir, payload);
    let verified = check(&dir);
    let error = open(&dir).expect_err(name);
    assert_eq!(error.kind(), Kind::Corrupt, "{name}: {error:?}");
    assert_eq!(error.details().file.as_deref(), Some(&*dir.join(segment_name(1))), "{name}");
    assert!(error.details().offset.is_some_and(|offset| offset >= 96), "{name}: {error:?}");
    assert!(!verified.ok, "{name}");
    let blamed = verified.files.iter().find(|file| file.first_damage.is_some()).unwrap();
    assert_eq!(blamed.file, segment_name(1), "{name}");
}

#[test]
fn a_document_that_no_writer_makes_is_damage_when_the_database_is_opened() {
    let nested = |lead: &[u8], levels: usize| [lead.repeat(levels), vec![0xc0]].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("one array too deep", with(&nested(&[0x91], MAX_DEPTH))),
        ("one map too deep", with(&nested(&[0x81, 0xa1, b'a'], MAX_DEPTH))),
        ("arrays 100,000 deep", with(&nested(&[0x91], 100_000))),
        ("maps 100,000 deep", with(&nested(&[0x81, 0xa1, b'a'], 100_000))),
        ("an array longer than the bytes", with(&[0xdd, 255, 255, 255, 255, 0xc0])),
        ("a map longer than the bytes", with(&[0xdf, 255, 255, 255, 255, 0xa1, b'a', 0xc0])),
        ("a string longer than the bytes", with(&[0xdb, 255, 255, 255, 255, b'a'])),
        ("a string that is not UTF-8", with(&[0xa2, 0xff, 0xfe])),
        (
            "a key that is not UTF-8",
            [&[0x82][..], &[0xa3, b'_', b'i', b'd', 1, 0xa2, 0xc3, 0x28, 1]].concat(),
        ),
        ("a key twice", [&[0x83, 0xa3, b'_', b'i', b'd', 1][..], &[0xa1, b'a', 1, 0xa1, b'a', 2]].concat()),
        ("a key twice, below", with(&[0x91, 0x82, 0xa1, b'a', 1, 0xa1, b'a', 2])),
        ("an unknown shape", with(&[0xc1, 3, 0xff])),
        ("another extension", with(&[0xd7, 9, 0, 0, 0, 0, 0, 0, 0, 0])),
        ("a date that is none", with(&[0xd7, 1, 0x7f, 255, 255, 255, 255, 255, 255, 255])),
        ("bytes behind it", [plain(&[("_id", Value::Int(1))]), vec![0]].concat()),
        ("no _id", plain(&[("a", Value::Int(1))])),
        ("an array for an _id", plain(&[("_id", Value::Array(vec![]))])),
        ("a long _id", plain(&[("_id", Value::String("x".repeat(2_000)))])),
        ("no object", vec![0x92, 1, 2]),
        ("more than 16 MiB", with(&[&[0xc6, 1, 0, 0, 1][..], &[0; (16 << 20) + 17]].concat())),
    ];
    for (name, document) in cases {
        refused(name, &payload(|out| put(out, &document)));
    }
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("db");
    let deepest = with(&nested(&[0x91], MAX_DEPTH - 1));
    write_one(&dir, &payload(|out| put(out, &deepest)));
    assert!(check(&dir).ok, "the deepest document that may be stored");
    open(&dir).unwrap();
}

#[test]
fn a_record_that_no_writer_makes_is_damage_when_the_database_is_opened() {
    let spec = |name: &str, path: &str| {
        let field = Value::Array(vec![Value::String(path.to_owned()), Value::Int(1)]);
        plain(&[("key", Value::Array(vec![field])), ("name", Value::String(name.to_owned()))])
    };
    type Write<'a> = Box<dyn Fn(&mut Vec<u8>) + 'a>;
    let cases: Vec<(&str, Write<'_>)> = vec![
        (
            "a shape of more keys than any",
            Box::new(|out| {
                out.extend_from_slice(&[3, 1, 0, 0x80, 0x80, 0x04]);
                out.resize(out.len() + 65_536, 0);
            }),
        ),
        ("a shape that repeats a key", Box::new(|out| record::shape(out, 1, 0, &["a", "a"]))),
        ("a shape out of order", Box::new(|out| record::shape(out, 1, 60_000, &["a"]))),
        ("a name with a slash", Box::new(|out| record::create(out, 2, "../x", b""))),
        ("an empty name", Box::new(|out| record::create(out, 2, "", b""))),
        ("a long name", Box::new(|out| record::create(out, 2, &"x".repeat(121), b""))),
        ("a name of a database with a dot", Box::new(|out| record::create(out, 2, "a.b\0c", b""))),
        ("a name of three parts", Box::new(|out| record::create(out, 2, "a\0b\0c", b""))),
        ("no name before the NUL", Box::new(|out| record::create(out, 2, "\0c", b""))),
        ("no name after the NUL", Box::new(|out| record::rename(out, 1, "a\0"))),
        ("a dropped database with a slash", Box::new(|out| record::drop_database(out, "a/b"))),
        ("a dropped database with collections", Box::new(|out| record::drop_database(out, ""))),
        ("a bad new name", Box::new(|out| record::rename(out, 1, "a$b"))),
        ("the last collection number", Box::new(|out| record::create(out, u32::MAX, "d", b""))),
        (
            "a deleted _id that is none",
            Box::new(|out| {
                put(out, &plain(&[("_id", Value::Int(1))]));
                record::delete(out, 1, &[0x91, 1], &[]);
            }),
        ),
        (
            "more indexes than any",
            Box::new(|out| {
                (0..64).for_each(|n| record::index(out, 1, &spec(&format!("i{n}"), &format!("a{n}"))));
            }),
        ),
        (
            "a definition longer than any",
            Box::new(|out| {
                record::index(out, 1, &spec("i", &["a"; 10_000].join(".")));
            }),
        ),
        (
            "a definition nested too deep",
            Box::new(|out| {
                let head =
                    [0x83, 0xa3, b'k', b'e', b'y', 0x91, 0x92, 0xa1, b'a', 1, 0xa4, b'n', b'a', b'm', b'e'];
                let filter = b"\xa1i\xb7partialFilterExpression";
                let nested = [[0x81, 0xa1, b'a'].repeat(5_000), vec![0xc0]].concat();
                record::index(out, 1, &[&head[..], &filter[..], &nested].concat());
            }),
        ),
        (
            "documents that do not fit their index",
            Box::new(|out| {
                let fields =
                    ["a", "b"].map(|path| Value::Array(vec![Value::String(path.into()), Value::Int(1)]));
                let key = Value::Array(fields.to_vec());
                record::index(out, 1, &plain(&[("key", key), ("name", Value::String("i".into()))]));
                let both = || Value::Array(vec![Value::Int(1), Value::Int(2)]);
                put(out, &plain(&[("_id", Value::Int(1)), ("a", both()), ("b", both())]));
            }),
        ),
    ];
    for (name, write) in cases {
        refused(name, &payload(|out| write(out)));
    }
}

#[test]
fn bytes_of_any_depth_that_nobody_checked_are_compared_and_read_without_end_of_the_stack() {
    let shapes = Shapes::new();
    for lead in [&[0x91][..], &[0x81, 0xa1, b'a']] {
        let bytes = [lead.repeat(200_000), vec![1]].concat();
        let value = RawValue::new(&bytes, &shapes);
        assert!(compare(value, value).is_eq());
        assert!(incoming::check(&bytes, &shapes).is_err());
        let _ = value.to_value();
        let mut json = Vec::new();
        extended_json::write(value, &mut json);
        assert!(json.len() < 1_000, "what lies too deep is null");
    }
}

/// A file of this length with these bytes at these offsets, and holes elsewhere.
fn sparse(path: &Path, len: u64, parts: &[(u64, &[u8])]) {
    let mut file = std::fs::File::create(path).unwrap();
    file.set_len(len).unwrap();
    for (at, bytes) in parts {
        file.seek(SeekFrom::Start(*at)).unwrap();
        file.write_all(bytes).unwrap();
    }
}

/// The bytes of a file before a hole that is never read.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn holes_are_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("db");
    write_one(&dir, &payload(|out| put(out, &plain(&[("_id", Value::Int(1))]))));
    let good = std::fs::read(dir.join(segment_name(1))).unwrap();
    std::fs::write(dir.join("MANIFEST"), Manifest::new([7; 16]).encode()).unwrap();
    // Zeros after the written bytes are unused space, however many there are.
    sparse(&dir.join(segment_name(1)), 1 << 40, &[(0, &good)]);
    assert!(check(&dir).ok);
    open(&dir).unwrap();
    // A frame whose bytes are missing from the file is torn.
    let head = frame_head(64, 200 << 20, 1, 1, 5);
    std::fs::write(dir.join("MANIFEST"), Manifest::new([7; 16]).encode()).unwrap();
    sparse(&dir.join(segment_name(1)), 1 << 33, &[(0, &segment_head(true)), (64, &head)]);
    let verified = check(&dir);
    assert!(verified.ok && verified.files[1].torn_bytes == 32, "{verified:?}");
    // One byte at the end of a terabyte is a tail; the bytes in between are not copied.
    sparse(&dir.join(segment_name(1)), 1 << 40, &[(0, &good), ((1 << 40) - 8, &[1])]);
    assert!(!check(&dir).ok && open(&dir).is_err());
    // A table of a snapshot in a hole.
    let header = SnapshotHeader {
        encrypted: false,
        id: 2,
        lsn: Lsn(1),
        salt: SALT,
        seal_crc: 0,
        documents: 0,
        blocks: u32::MAX,
    };
    let len = 96 + u64::from(u32::MAX) * 40 + 48;
    let footer = Footer {
        table: 96,
        blocks: u32::MAX,
        table_crc: SnapshotSeed::new(&SALT, 2).table_crc(&[]),
        header_crc: snapshot::header_crc(&header.encode()),
        mac: [0; 16],
    };
    sparse(&dir.join(snapshot_name(2)), len, &[(0, &header.encode()), (len - 48, &footer.encode())]);
    let mut manifest = Manifest::new([7; 16]);
    manifest.snapshot = Some(snapshot::reference(&header, &footer, len));
    std::fs::write(dir.join("MANIFEST"), manifest.encode()).unwrap();
    sparse(&dir.join(segment_name(1)), good.len() as u64, &[(0, &good)]);
    assert_eq!(open(&dir).unwrap_err().kind(), Kind::Corrupt);
    assert!(!check(&dir).ok);
}

/// 4 MiB of headers that each claim half of the file: checking them one by one would take hours.
#[test]
fn headers_of_frames_that_overlap_are_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("db");
    std::fs::create_dir(&dir).unwrap();
    let size: usize = 4 << 20;
    let mut bytes = segment_head(false);
    bytes.resize(size, 0);
    (bytes[64], bytes[size - 1]) = (1, 1);
    for at in (72..size / 2).step_by(32) {
        let head = frame_head(at as u64, (size - at - 64) as u32, 9_000_000, 1, 0);
        bytes[at..at + 32].copy_from_slice(&head);
    }
    std::fs::write(dir.join(segment_name(1)), &bytes).unwrap();
    std::fs::write(dir.join("MANIFEST"), Manifest::new([7; 16]).encode()).unwrap();
    let error = open(&dir).unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt);
    assert!(error.message().contains("overlap"), "{error}");
    assert!(!check(&dir).ok);
    assert_eq!(std::fs::read(dir.join(segment_name(1))).unwrap(), bytes, "a refused database was changed");
}

#[test]
fn a_gap_in_the_segments_is_reported_once_however_wide() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("db");
    write_one(&dir, &payload(|out| put(out, &plain(&[("_id", Value::Int(1))]))));
    let mut manifest = Manifest::new([7; 16]);
    manifest.clean = Some(Clean { segment: 1 << 62, len: 100, lsn: 1 });
    std::fs::write(dir.join("MANIFEST"), manifest.encode()).unwrap();
    assert_eq!(open(&dir).unwrap_err().kind(), Kind::Corrupt);
    let verified = check(&dir);
    assert!(!verified.ok);
    assert_eq!(verified.files.len(), 3, "{:?}", verified.files);
    let damage = verified.files[2].first_damage.as_ref().unwrap();
    assert!(
        damage.message.starts_with("the segment is missing, and so are the 4611686018427387902"),
        "{damage:?}"
    );
}

#[test]
fn a_history_that_begins_above_the_first_segment_is_damage_of_the_manifest() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("db");
    write_one(&dir, &payload(|out| put(out, &plain(&[("_id", Value::Int(1))]))));
    let named = Manifest::read(&Host::system(), &dir, false).unwrap();
    for (history, offset) in
        [(2, Some(256)), ((1 << 62) + 1, Some(32)), (u64::MAX, Some(32)), (0, None), (1, None)]
    {
        std::fs::write(dir.join("MANIFEST"), Manifest { history, ..named.clone() }.encode()).unwrap();
        let verified = check(&dir);
        let refused = open(&dir).err();
        assert_eq!(verified.ok, offset.is_none(), "{history}: {verified:?}");
        assert_eq!(
            refused.as_ref().map(Error::kind),
            offset.map(|_| Kind::Corrupt),
            "{history}: {refused:?}"
        );
        if let Some(error) = refused {
            assert_eq!(error.details().file.as_deref(), Some(&*dir.join("MANIFEST")));
            assert_eq!(error.details().offset, offset);
        }
    }
}

/// Regression: 20,000 collections took 20 seconds to open, and 145 KB of memory each.
#[test]
fn many_collections_are_opened_without_copying_the_catalogue_for_each() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("db");
    let mut out = Vec::new();
    record::begin(&mut out, 1_700_000_000_000);
    (1..=20_000).for_each(|n| record::create(&mut out, n, &format!("c{n}"), b""));
    write_one(&dir, &out);
    let before = resident();
    let options = OpenOptions { storage: StorageMode::Sync, ..OpenOptions::default() };
    let database = Database::open(dir.to_str().unwrap(), options, runtime()).unwrap();
    assert_eq!(database.stats().unwrap().collections, 20_000);
    if let (Some(before), Some(after)) = (before, resident()) {
        let each = after.saturating_sub(before) / 20_000;
        assert!(each < 4_096, "an empty collection takes {each} bytes");
    }
    database.close().unwrap();
    assert!(check(&dir).ok);
}

/// The current memory of this process, where the system reports it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}
