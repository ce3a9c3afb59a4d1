//! Verify reports every damage, continues after it, and never panics.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use moltendb_node::document::{Value, encode_plain};
use moltendb_node::engine::record;
use moltendb_node::engine::replay::Replay;
use moltendb_node::engine::{InsertOrder, Verification, verify};
use moltendb_node::options::{Access, OpenOptions, StorageMode};
use moltendb_node::storage::{Block, FrameSize, Host, open_disk};

use super::support::{Client, object};

fn options() -> OpenOptions {
    OpenOptions { storage: StorageMode::Sync, segment_size: 4096, ..OpenOptions::default() }
}

/// 24 documents and two deletions in several segments.
fn build(path: &Path) {
    let client = Client::open(path.to_str().unwrap(), options()).unwrap();
    for n in 0..24 {
        let text = Value::String("x".repeat(20 + n as usize * 13));
        let document = object(&[("_id", Value::Int(n)), ("text", text)]);
        client.insert("users", &[document], InsertOrder::Ordered).unwrap();
    }
    for n in [3, 17] {
        assert!(client.delete_id("users", &Value::Int(n)).unwrap());
    }
    client.database.close().unwrap();
}

fn check(path: &Path) -> Verification {
    verify(path.to_str().unwrap()).unwrap()
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("LOCK") && !path.ends_with("OWNER"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_flip_and_every_cut_is_told_and_blamed_on_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    build(&path);
    let whole = check(&path);
    assert!(whole.ok && whole.clean && whole.files.len() > 2);
    assert_eq!((whole.documents, whole.last_lsn), (22, 26));
    for file in files(&path) {
        let bytes = std::fs::read(&file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let told = |what: &str, at: usize| match verify(path.to_str().unwrap()) {
            // A flip that puts a valid checksum over another format version does not count; this test does not make one.
            Err(error) => panic!("{what} at {at} of {name}: {error}"),
            Ok(found) => {
                assert!(!found.ok, "{what} at {at} of {name} is not told");
                let blamed = found.files.iter().find(|report| report.first_damage.is_some()).unwrap();
                assert_eq!(blamed.file, name, "{what} at {at}");
                assert!(found.documents <= 24);
                if at.is_multiple_of(7) {
                    let read_only = OpenOptions { access: Access::ReadOnly, ..options() };
                    let opened = Client::open(path.to_str().unwrap(), read_only);
                    assert!(opened.is_err(), "{what} at {at} of {name} opens, and does not verify");
                }
            }
        };
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            std::fs::write(&file, &changed).unwrap();
            told("a flip", at);
        }
        for len in (0..bytes.len()).step_by(5) {
            std::fs::write(&file, &bytes[..len]).unwrap();
            told("a cut", len);
        }
        std::fs::write(&file, &bytes).unwrap();
    }
    assert_eq!(check(&path), whole);
}

#[test]
fn records_and_documents_are_decoded_strictly() {
    let document = |fields: &[(&str, Value)]| {
        let mut bytes = Vec::new();
        encode_plain(&object(fields), &mut bytes);
        bytes
    };
    let good = |id: i32| document(&[("_id", Value::Int(id))]);
    let put = |out: &mut Vec<u8>, bytes: &[u8]| {
        record::write(out, 0, (1, 1, 0), record::Making::Inserted, bytes, &[]);
    };
    type Write<'a> = Box<dyn Fn(&mut Vec<u8>) + 'a>;
    let cases: Vec<(&str, Write<'_>)> = vec![
        ("no _id", Box::new(|out| put(out, &document(&[("name", Value::Null)])))),
        ("array", Box::new(|out| put(out, &document(&[("_id", Value::Array(vec![]))])))),
        ("cannot be read", Box::new(|out| put(out, &[0x81, 0xa1, 0xff, 1]))),
        ("cannot be read", Box::new(|out| put(out, &[&good(7)[..], &[0]].concat()))),
        ("malformed", Box::new(|out| out.push(99))),
        ("does not exist", Box::new(|out| record::delete(out, 1, &[7], &[]))),
        (
            "changes a document",
            Box::new(|out| {
                record::write(out, 0, (1, 2, 0), record::Making::Replaced, &good(7), &[]);
            }),
        ),
        ("exists already", Box::new(|out| put(out, &good(1)))),
        ("does not exist", Box::new(|out| record::drop_collection(out, 9))),
        ("begins twice", Box::new(|out| record::create(out, 2, "users", b""))),
        ("out of order", Box::new(|out| record::shape(out, 1, 5, &["a"]))),
        ("repeats a key", Box::new(|out| record::shape(out, 1, 0, &["a", "a"]))),
    ];
    for (expected, write) in cases {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        let opened =
            open_disk(&Host::system(), &path, &options(), None, &mut Replay::new(&path, None)).unwrap();
        for step in 0..3 {
            let mut bytes = Vec::new();
            record::begin(&mut bytes, 0);
            match step {
                0 => {
                    record::create(&mut bytes, 1, "users", b"");
                    put(&mut bytes, &good(1));
                }
                1 => write(&mut bytes),
                _ => put(&mut bytes, &good(2)),
            }
            let size = FrameSize { blocks: [bytes.len() as u32].into_iter().collect(), records: 1 };
            let place = opened.backend.reserve(&size).unwrap();
            let block =
                Arc::new(Block { place: place.blocks[0], base: 0, bytes: bytes.into(), transient: false });
            let completion = opened.backend.append(place, &[block]);
            opened.backend.drive();
            completion.wait().unwrap();
        }
        opened.backend.close().unwrap();
        let found = check(&path);
        assert!(!found.ok, "{expected}");
        // A document that came from nowhere can be read all the same.
        let documents = if expected.contains("changes") { 3 } else { 2 };
        assert_eq!(found.documents, documents, "{expected}");
        let damage = found.files[1].first_damage.clone().unwrap();
        assert!(damage.message.contains(expected), "{expected}: {}", damage.message);
        assert_eq!((damage.lsn, found.files[1].frames), (Some(2), 3));
        assert!(damage.offset > 64 && damage.offset < found.files[1].bytes);
    }
}
