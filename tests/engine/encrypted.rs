//! Encrypted databases: what a program can do with them, what it is told, and that nothing of its data is ever written in clear.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::verify::verify_with;
use moltendb_node::engine::{
    Answer, FindOptions, InsertOrder, Interrupt, Operation, Reach, Wanted, recover_to_with,
};
use moltendb_node::error::Kind;
use moltendb_node::options::{
    AutoCompact, Check, EncryptionKey, History, PastHistory, PastLimits, Retention, StorageMode,
};
use moltendb_node::storage::{Host, Lsn, Moment};

use crate::files::{Word, with_words};
use crate::indexes::spec;
use crate::support::{Client, incoming, object};

fn key(n: u8) -> EncryptionKey {
    EncryptionKey::raw(&[n; 32]).unwrap()
}

fn options(encryption: Option<EncryptionKey>) -> OpenOptions {
    OpenOptions { encryption, storage: StorageMode::Sync, ..OpenOptions::default() }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// Looks for words in all that is written, under whatever name.
#[derive(Clone, Default)]
struct Canaries {
    words: Arc<Vec<Vec<u8>>>,
    found: Arc<Mutex<BTreeSet<String>>>,
    kinds: Arc<Mutex<BTreeSet<String>>>,
}

impl Canaries {
    fn look(&self, path: &Path, bytes: &[u8]) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for word in self.words.iter() {
            if bytes.windows(word.len()).any(|part| part == word) {
                self.found.lock().unwrap().insert(format!("{name}: {}", String::from_utf8_lossy(word)));
            }
        }
        let kind = name.split(['-', '.']).next().unwrap_or_default().to_owned();
        let kind = format!("{kind}.{}", name.rsplit('.').next().unwrap_or_default());
        self.kinds.lock().unwrap().insert(kind);
    }

    fn look_in(&self, directory: &Path) {
        for entry in directory.read_dir().unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => self.look_in(&entry.path()),
                false => self.look(&entry.path(), &std::fs::read(entry.path()).unwrap()),
            }
        }
    }
}

impl Word for Canaries {
    fn wrote(&self, path: &Path, bytes: &[u8]) {
        self.look(path, bytes);
    }
}

fn documents(from: i32) -> Vec<Value> {
    let one = |n: i32| {
        object(&[
            ("_id", text(&format!("canary-id-{n:05}"))),
            ("canaryfield", text(&format!("canary-value-{:05}", (n * 7_919) % 3_000))),
            ("pad", text(&"p".repeat(700))),
        ])
    };
    (from..from + 1_000).map(one).collect()
}

#[test]
fn no_word_of_the_data_is_ever_written_in_clear() {
    let words =
        ["canary-id", "canary-value", "canaryfield", "canarycoll", "canaryindex", "canarydb", "pppppppp"];
    let found = |encryption: Option<EncryptionKey>| {
        let canaries = Canaries {
            words: Arc::new(words.iter().map(|word| word.as_bytes().to_vec()).collect()),
            ..Canaries::default()
        };
        let host = with_words(Host::system(), canaries.clone());
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        let path = path.to_str().unwrap();
        let past = PastHistory::Keep(PastLimits::DEFAULT);
        let options = OpenOptions {
            auto_compact: AutoCompact::Off,
            segment_size: 1 << 20,
            query_memory_limit: 1 << 20,
            retention: Retention { generations: 2 },
            history: History { past, ..History::default() },
            checkpoint_from: 0,
            ..options(encryption.clone())
        };
        let client = Client::open_on(&host, path, options.clone()).unwrap();
        for from in [0, 1_000, 2_000] {
            client.insert("canarycoll", &documents(from), InsertOrder::Ordered).unwrap();
        }
        client.insert("canarydb\0other", &documents(0)[..10], InsertOrder::Ordered).unwrap();
        client
            .database
            .create_indexes("canarycoll", &[spec(&[("canaryfield", 1)], &[("name", text("canaryindex"))])])
            .unwrap();
        client.database.compact().unwrap();
        let set = object(&[("$set", object(&[("canaryfield", text("canary-value-again"))]))]);
        client.update("canarycoll", &object(&[("_id", text("canary-id-00007"))]), &set, Reach::One).unwrap();
        client.delete_id("canarycoll", &text("canary-id-00009")).unwrap();
        client.database.write_checkpoint().unwrap();
        // A sort of three times the memory that it may take.
        let sort = Some(incoming(&Value::Array(vec![Value::Array(vec![text("pad"), Value::Int(1)])])));
        let find = FindOptions { sort, batch: 10, ..FindOptions::default() };
        let sorted =
            client.call("canarycoll", Operation::Find { filter: incoming(&object(&[])), options: find });
        assert!(matches!(sorted.unwrap().1, Answer::Batch { cursor, .. } if cursor != 0));
        assert!(client.database.stats().unwrap().spill_bytes > 0);
        client.database.compact().unwrap();
        let copy = directory.path().join("copy");
        client.database.backup(copy.to_str().unwrap()).unwrap();
        client.database.close().unwrap();
        // A torn tail goes to quarantine.
        let client = Client::open_on(&host, path, options.clone()).unwrap();
        client.insert("canarycoll", &documents(5_000), InsertOrder::Ordered).unwrap();
        assert_eq!(client.count("canarycoll", &object(&[])).unwrap(), 3_999);
        client.database.close().unwrap();
        canaries.look_in(directory.path());
        let verified = verify_with(&Host::system(), path, encryption.as_ref()).unwrap();
        assert!(verified.ok, "{verified:?}");
        assert!(verify_with(&Host::system(), copy.to_str().unwrap(), encryption.as_ref()).unwrap().ok);
        let kinds = canaries.kinds.lock().unwrap().clone();
        for kind in ["seg.log", "snap.tmp", "snap.snp", "chk.tmp", "chk.chk", "spill.tmp", "MANIFEST.tmp"] {
            assert!(kinds.contains(kind), "{kind} of {kinds:?}");
        }
        canaries.found.lock().unwrap().clone()
    };
    assert_eq!(found(Some(key(1))), BTreeSet::new());
    // The test finds them where they are.
    let plain = found(None);
    for word in words {
        assert!(plain.iter().any(|one| one.ends_with(word)), "{word} of {plain:?}");
    }
}

#[test]
fn a_key_that_does_not_fit_is_told_and_changes_no_byte() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let password = |text: &str| EncryptionKey::password(text.as_bytes().to_vec().into()).unwrap();
    for (name, encryption) in
        [("secret", Some(key(1))), ("word", Some(password("open sesame"))), ("plain", None)]
    {
        let client = Client::open(&at(name), options(encryption)).unwrap();
        client.insert("c", &[object(&[("_id", Value::Int(1))])], InsertOrder::Ordered).unwrap();
        assert_eq!(client.database.stats().unwrap().encrypted, name != "plain");
        client.database.close().unwrap();
    }
    let files = |name: &str| -> Vec<_> {
        let entries = directory.path().join(name).read_dir().unwrap().map(|entry| entry.unwrap());
        let mut files: Vec<_> = entries
            .map(|entry| {
                let modified = entry.metadata().unwrap().modified().unwrap();
                (entry.file_name(), std::fs::read(entry.path()).unwrap(), modified)
            })
            .collect();
        files.sort();
        files
    };
    let cases = [
        ("secret", Some(key(2)), Kind::WrongKey),
        ("secret", Some(password("open sesame")), Kind::WrongKey),
        ("secret", None, Kind::KeyRequired),
        ("word", Some(password("open Sesame")), Kind::WrongKey),
        ("word", Some(key(1)), Kind::WrongKey),
        ("word", None, Kind::KeyRequired),
        ("plain", Some(key(1)), Kind::NotEncrypted),
    ];
    for (name, encryption, kind) in cases {
        let before = files(name);
        let error = Client::open(&at(name), options(encryption.clone())).err().unwrap();
        assert_eq!(error.kind(), kind, "{name}: {error:?}");
        assert!(error.details().file.is_some());
        assert_eq!(files(name), before, "{name}");
        assert_eq!(verify_with(&Host::system(), &at(name), encryption.as_ref()).err().unwrap().kind(), kind);
        let wanted = Wanted { moment: Moment::Lsn(Lsn(1)), allow_partial: true };
        let (path, to) = (at(name), at("never"));
        let made = recover_to_with(
            &Host::system(),
            (&path, encryption.as_ref()),
            &to,
            wanted,
            &Interrupt::default(),
        );
        assert_eq!(made.err().unwrap().kind(), kind);
        assert!(!Path::new(&to).exists());
        // Of a database that is open, too.
        let right = match name {
            "secret" => Some(key(1)),
            "word" => Some(password("open sesame")),
            _ => None,
        };
        let open = Client::open(&at(name), options(right.clone())).unwrap();
        assert_eq!(
            Client::open(&at(name), options(encryption)).err().unwrap().kind(),
            kind,
            "joining {name}"
        );
        let joined = Client::open(&at(name), options(right)).unwrap();
        assert_eq!(joined.count("c", &object(&[])).unwrap(), 1);
        joined.database.close().unwrap();
        open.database.close().unwrap();
    }
    assert_eq!(format!("{:?}", options(Some(password("open sesame"))).encryption), "Some(EncryptionKey)");
}

#[test]
fn states_copies_and_checkpoints_of_an_encrypted_database_are_read_with_its_key_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let past = PastHistory::Keep(PastLimits::DEFAULT);
    let kept = OpenOptions {
        history: History { past, ..History::default() },
        checkpoint_from: 0,
        ..options(Some(key(1)))
    };
    let client = Client::open(&at("db"), kept.clone()).unwrap();
    client.insert("c", &documents(0), InsertOrder::Ordered).unwrap();
    let lsn = client.database.stats().unwrap().last_lsn;
    client.database.compact().unwrap();
    client.insert("c", &documents(1_000), InsertOrder::Ordered).unwrap();
    client.database.compact().unwrap();
    let was = client.database.as_of(Moment::Lsn(Lsn(lsn))).unwrap();
    let was = Client { session: was.session(), database: was };
    assert_eq!(was.count("c", &object(&[])).unwrap(), 1_000);
    was.database.backup(&at("was")).unwrap();
    client.database.backup(&at("same")).unwrap();
    client.database.backup_with(&at("other"), Some(&key(2)), &Interrupt::default()).unwrap();
    client.database.close().unwrap();
    for check in [Check::Quick, Check::Full] {
        let client = Client::open(&at("db"), OpenOptions { check, ..kept.clone() }).unwrap();
        assert_eq!(client.find("c", &object(&[])).unwrap().len(), 2_000);
        client.database.check_indexes().unwrap();
        client.database.close().unwrap();
    }
    let wanted = Wanted { moment: Moment::Lsn(Lsn(lsn)), allow_partial: false };
    let (path, to) = (at("db"), at("recovered"));
    let key_of_it = key(1);
    let interrupt = Interrupt::default();
    recover_to_with(&Host::system(), (&path, Some(&key_of_it)), &to, wanted, &interrupt).unwrap();
    for (name, right, count) in
        [("was", 1, 1_000), ("same", 1, 2_000), ("other", 2, 2_000), ("recovered", 1, 1_000)]
    {
        assert_eq!(
            Client::open(&at(name), options(Some(key(3 - right)))).err().unwrap().kind(),
            Kind::WrongKey
        );
        assert_eq!(Client::open(&at(name), options(None)).err().unwrap().kind(), Kind::KeyRequired);
        let client = Client::open(&at(name), options(Some(key(right)))).unwrap();
        assert_eq!(client.count("c", &object(&[])).unwrap(), count, "{name}");
        client.database.close().unwrap();
    }
    // A copy of a plain database may be encrypted.
    let plain = Client::open(&at("plain"), options(None)).unwrap();
    plain.insert("c", &documents(0), InsertOrder::Ordered).unwrap();
    plain.database.backup_with(&at("sealed"), Some(&key(3)), &Interrupt::default()).unwrap();
    let sealed = Client::open(&at("sealed"), options(Some(key(3)))).unwrap();
    assert_eq!(sealed.find("c", &object(&[])).unwrap(), plain.find("c", &object(&[])).unwrap());
}
