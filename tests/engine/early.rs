//! Opening with a checkpoint: reads by key before the log was read return what they return afterwards; a damaged checkpoint
//! does not matter, and damage of the log is reported.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use moltendb_node::document::Value;
use moltendb_node::engine::{InsertOrder, Operation, Reach};
use moltendb_node::error::{Error, Kind};
use moltendb_node::index::Spec;
use moltendb_node::options::{Access, AutoCompact, Retention, StorageMode};
use moltendb_node::storage::Host;
use moltendb_node::{OpenOptions, Result};

use crate::disk::{DIR, Disk};
use crate::files::{Word, with_words};
use crate::support::{Client, incoming, object};

/// Large reads, of the log and of snapshots, wait until they are released; operations on a checkpoint fail where the test
/// says so.
#[derive(Clone)]
struct Gate {
    open: Arc<(Mutex<bool>, Condvar)>,
    fails: Option<&'static str>,
}

/// More than an early read needs, less than the log has.
const LARGE: usize = 40 << 10;

impl Gate {
    fn host(disk: &Disk, fails: Option<&'static str>) -> (Host, Gate) {
        let gate = Gate { open: Arc::default(), fails };
        (with_words(disk.host(), gate.clone()), gate)
    }

    fn release(&self) {
        *self.open.0.lock().unwrap() = true;
        self.open.1.notify_all();
    }

    fn is_shut(&self) -> bool {
        !*self.open.0.lock().unwrap()
    }
}

impl Word for Gate {
    fn before(&self, verb: &'static str, path: &Path, bytes: usize) -> io::Result<()> {
        if path.extension().is_some_and(|extension| extension == "chk") {
            assert_ne!(verb, "sync", "nothing rests on it");
            if self.fails == Some(verb) {
                return Err(io::Error::other("on purpose"));
            }
        }
        if verb == "read" && bytes >= LARGE {
            let (open, changed) = &*self.open;
            drop(changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
        }
        Ok(())
    }
}

fn options() -> OpenOptions {
    OpenOptions { checkpoint_from: 0, auto_compact: AutoCompact::Off, ..OpenOptions::default() }
}

fn id(n: i32) -> Value {
    match n % 3 {
        0 => Value::Int(n),
        1 => Value::String(format!("id-{n}")),
        _ => object(&[("n", Value::Int(n))]),
    }
}

fn spec() -> Value {
    let key = Value::Array(vec![Value::Array(vec![Value::String("n".into()), Value::Int(1)])]);
    object(&[("key", key), ("name", Value::String("n_1".into()))])
}

fn document(n: i32, field: &str) -> Value {
    object(&[("_id", id(n)), ("n", Value::Int(n % 7)), (field, Value::String("x".repeat(60)))])
}

type Content = BTreeMap<(&'static str, i32), Option<Value>>;

/// Two collections in a snapshot and two segments: frames with one document and with many, some documents written again and
/// some deleted.
fn filled(disk: &Disk, options: &OpenOptions) -> Content {
    let mut content = Content::new();
    let client = Client::open_on(&disk.host(), DIR, options.clone()).unwrap();
    client.database.create_indexes("a", &[Spec::parse(&spec()).unwrap()]).unwrap();
    for part in 0..3 {
        for name in ["a", "b"] {
            let numbers = part * 300..part * 300 + 300;
            let documents: Vec<Value> = numbers.clone().map(|n| document(n, "text")).collect();
            client.insert(name, &documents[..250], InsertOrder::Ordered).unwrap();
            for document in &documents[250..] {
                client.insert(name, std::slice::from_ref(document), InsertOrder::Ordered).unwrap();
            }
            for n in numbers.clone().filter(|n| n % 9 == 0) {
                client.set(name, &[(document(n, "again"), None)]).unwrap();
            }
            for n in numbers.clone().filter(|n| n % 11 == 0) {
                assert!(client.delete_id(name, &id(n)).unwrap());
            }
            for n in numbers {
                let field = if n % 9 == 0 { "again" } else { "text" };
                content.insert((name, n), (n % 11 != 0).then(|| document(n, field)));
            }
        }
        if part == 0 {
            client.database.compact().unwrap();
        }
    }
    client.database.close().unwrap();
    for n in 900..930 {
        content.insert(("a", n), None);
        content.insert(("none", n), None);
    }
    content
}

fn by_key(client: &Client, content: &Content) -> Result<()> {
    for ((name, n), expected) in content {
        assert_eq!(client.get(name, &id(*n))?, *expected, "{name} {n}");
    }
    Ok(())
}

fn checkpoints(disk: &Disk) -> Vec<String> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    disk.content().keys().map(|path| name(path)).filter(|name| name.ends_with(".chk")).collect()
}

fn files(disk: &Disk) -> BTreeMap<String, Vec<u8>> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    disk.content().into_iter().map(|(path, bytes)| (name(&path), bytes)).collect()
}

/// Every kind of operation, early or not.
fn check(host: &Host, options: OpenOptions, content: &Content) -> Result<()> {
    let client = Client::open_on(host, DIR, options)?;
    by_key(&client, content)?;
    for name in ["a", "b"] {
        let there: Vec<_> = content.iter().filter(|((own, _), one)| *own == name && one.is_some()).collect();
        assert_eq!(client.find(name, &object(&[]))?.len(), there.len());
        let sevens = there.iter().filter(|((_, n), _)| n % 7 == 3).count();
        assert_eq!(client.find(name, &object(&[("n", Value::Int(3))]))?.len(), sevens);
    }
    client.database.check_indexes()?;
    by_key(&client, content)?;
    client.database.close()
}

#[test]
fn reads_by_key_are_answered_before_the_log_was_read_and_the_same_afterwards() {
    let disk = Disk::default();
    let content = filled(&disk, &options());
    assert_eq!(checkpoints(&disk).len(), 1);
    for access in [Access::ReadWrite, Access::ReadOnly] {
        let (host, gate) = Gate::host(&disk, None);
        let client = Client::open_on(&host, DIR, OpenOptions { access, ..options() }).unwrap();
        by_key(&client, &content).unwrap();
        assert_eq!(client.version("a", &id(9)).unwrap(), Some(2));
        assert_eq!(client.version("a", &id(12)).unwrap(), Some(1));
        assert_eq!(client.find("a", &object(&[("_id", id(12))])).unwrap(), [document(12, "text")]);
        assert!(client.find("a", &object(&[("_id", id(11 * 3))])).unwrap().is_empty());
        for (n, expected) in [(12, true), (33, false), (901, false)] {
            let (_, has) = client.call("a", Operation::Has { id: incoming(&id(n)) }).unwrap();
            assert!(matches!(has, moltendb_node::engine::Answer::Bool(has) if has == expected));
        }
        let made = client.call("a", Operation::CreateIndexes { specs: vec![incoming(&spec())] });
        assert_eq!(made.is_ok(), access == Access::ReadWrite);
        assert!(gate.is_shut());
        let told = client.database.describe().recovery;
        assert!(told.clean && told.frames_replayed > 0 && told.last_lsn > told.frames_replayed);
        gate.release();
        client.database.close().unwrap();
    }
    check(&disk.host(), options(), &content).unwrap();
    check(&disk.host(), OpenOptions { memory_limit: Some(5_000), ..options() }, &content).unwrap();
    assert_eq!(checkpoints(&disk).len(), 1);
}

#[test]
fn what_is_no_read_by_key_waits_for_the_log() {
    let disk = Disk::default();
    let mut content = filled(&disk, &options());
    let (host, gate) = Gate::host(&disk, None);
    let client = Client::open_on(&host, DIR, options()).unwrap();
    let (sent, answers) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            client.set("a", &[(document(10, "new"), None)]).unwrap();
            sent.send("written").unwrap();
        });
        scope.spawn(|| {
            assert!(client.count("b", &object(&[])).unwrap() > 0);
            sent.send("counted").unwrap();
        });
        by_key(&client, &content).unwrap();
        assert!(answers.try_recv().is_err(), "the log cannot have been read");
        gate.release();
    });
    assert_eq!(answers.try_iter().count(), 2);
    content.insert(("a", 10), Some(document(10, "new")));
    by_key(&client, &content).unwrap();
    client.database.close().unwrap();
    assert_eq!(checkpoints(&disk).len(), 1, "the new one takes the place of the old one");
    check(&disk.host(), options(), &content).unwrap();
}

#[test]
fn a_damaged_checkpoint_changes_nothing() {
    let disk = Disk::default();
    let content = filled(&disk, &options());
    let name = checkpoints(&disk).remove(0);
    let whole = files(&disk);
    let bytes = &whole[&name];
    let try_with = |changed: Option<Vec<u8>>| {
        let mut files = whole.clone();
        match changed {
            Some(bytes) => files.insert(name.clone(), bytes),
            None => files.remove(&name),
        };
        let client = Client::open_on(&Disk::with(files).host(), DIR, options()).unwrap();
        let few = content.iter().filter(|((_, n), _)| n % 13 == 0);
        by_key(&client, &few.map(|(key, one)| (*key, one.clone())).collect()).unwrap();
        client.database.close().unwrap();
    };
    for at in (0..bytes.len()).filter(|at| *at < 400 || at % 41 == 0) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        try_with(Some(changed));
    }
    for len in [0, 1, 127, 128, 200, bytes.len() / 2, bytes.len() - 1] {
        try_with(Some(bytes[..len].to_vec()));
    }
    try_with(Some([&bytes[..], b"more"].concat()));
    try_with(None);
}

#[test]
fn a_checkpoint_of_another_state_is_not_used() {
    let disk = Disk::default();
    let mut content = filled(&disk, &options());
    let old = files(&disk);
    let name = checkpoints(&disk).remove(0);
    let client = Client::open_on(&disk.host(), DIR, options()).unwrap();
    client.set("a", &[(document(10, "new"), None)]).unwrap();
    content.insert(("a", 10), Some(document(10, "new")));
    client.database.flush().unwrap();
    // The process dies; the checkpoint of the session before is still there.
    let killed = files(&disk);
    assert!(killed.contains_key(&name));
    check(&Disk::with(killed.into_iter().filter(|(name, _)| name != "LOCK")).host(), options(), &content)
        .unwrap();
    client.database.close().unwrap();
    // The old checkpoint under the name of the new one, and under its own.
    for name in [checkpoints(&disk).remove(0), name.clone()] {
        let mut files = files(&disk);
        files
            .insert(name.clone(), old.values().find(|bytes| bytes.starts_with(b"MOLTNCHK")).unwrap().clone());
        check(&Disk::with(files).host(), options(), &content).unwrap();
    }
    // A compaction makes another generation of it.
    let client = Client::open_on(&disk.host(), DIR, options()).unwrap();
    client.database.compact().unwrap();
    let compacted = files(&disk);
    check(&Disk::with(compacted).host(), options(), &content).unwrap();
    client.database.close().unwrap();
    assert_eq!(checkpoints(&disk).len(), 1);
    check(&disk.host(), options(), &content).unwrap();
}

fn told(error: &Error) -> (Kind, String, Option<u64>) {
    (error.kind(), error.message().to_string(), error.details().offset)
}

/// Opens, runs every operation and closes; returns the first error.
fn whole(files: BTreeMap<String, Vec<u8>>, content: &Content) -> Option<Error> {
    let read_only = OpenOptions { access: Access::ReadOnly, ..options() };
    let client = match Client::open_on(&Disk::with(files).host(), DIR, read_only) {
        Ok(client) => client,
        Err(error) => return Some(error),
    };
    let counted = client.count("a", &object(&[("n", Value::Int(1))]));
    let gotten = client.get("b", &id(12));
    let closed = client.database.close();
    if let Err(error) = counted {
        assert_eq!(told(&gotten.unwrap_err()), told(&error), "nothing is answered once it is known");
        assert_eq!(told(&closed.unwrap_err()), told(&error), "closing tells it");
        return Some(error);
    }
    assert_eq!(gotten.unwrap(), content[&("b", 12)]);
    closed.err()
}

#[test]
fn damage_of_the_log_is_told_with_a_checkpoint_as_without() {
    let disk = Disk::default();
    let content = filled(&disk, &options());
    let files = files(&disk);
    let checkpoint = checkpoints(&disk).remove(0);
    for (name, bytes) in files.iter().filter(|(name, _)| name.ends_with(".log") || name.ends_with(".snp")) {
        let near_the_ends = |at: usize| at < 100 || at + 100 > bytes.len();
        for at in (0..bytes.len()).filter(|at| near_the_ends(*at) || at % 997 == 0) {
            let mut damaged = files.clone();
            damaged.get_mut(name).unwrap()[at] ^= 1 << (at % 8);
            let with = whole(damaged.clone(), &content).expect(name);
            damaged.remove(&checkpoint);
            let without = whole(damaged, &content).expect(name);
            assert_eq!(told(&with), told(&without), "{name} {at}");
            assert_eq!(with.kind(), Kind::Corrupt, "{name} {at}");
        }
    }
    assert!(whole(files, &content).is_none());
}

#[test]
fn closing_while_the_log_is_read_ends_that_and_leaves_everything_as_it_was() {
    let disk = Disk::default();
    let content = filled(&disk, &options());
    let before = files(&disk);
    for _ in 0..20 {
        let client = Client::open_on(&disk.host(), DIR, options()).unwrap();
        assert_eq!(client.get("a", &id(12)).unwrap(), content[&("a", 12)]);
        client.database.close().unwrap();
        assert_eq!(client.get("a", &id(12)).unwrap_err().kind(), Kind::Closed);
    }
    let after = files(&disk);
    assert!(before.iter().all(|(name, bytes)| name == "OWNER" || after[name] == *bytes));
    check(&disk.host(), options(), &content).unwrap();
}

#[test]
fn a_checkpoint_that_cannot_be_written_or_read_fails_nothing() {
    for verb in ["open", "write", "remove"] {
        let disk = Disk::default();
        let content = filled(&disk, &options());
        let (host, gate) = Gate::host(&disk, Some(verb));
        gate.release();
        let client = Client::open_on(&host, DIR, options()).unwrap();
        client.set("a", &[(document(12, "text"), None)]).unwrap();
        client.database.close().unwrap();
        assert!(checkpoints(&disk).len() <= 2, "{verb}");
        check(&disk.host(), options(), &content).unwrap();
    }
    let disk = Disk::default();
    let content = filled(&disk, &options());
    let (host, gate) = Gate::host(&disk, Some("read"));
    gate.release();
    check(&host, options(), &content).unwrap();
}

#[test]
fn it_is_left_by_large_databases_that_were_written_and_by_no_others() {
    let disk = Disk::default();
    filled(&disk, &OpenOptions { checkpoint_from: 1 << 20, ..options() });
    assert!(checkpoints(&disk).is_empty());
    let client = Client::open_on(&disk.host(), DIR, options()).unwrap();
    client.get("a", &id(1)).unwrap();
    client.database.close().unwrap();
    assert!(checkpoints(&disk).is_empty());
    // With kept generations, and in sync mode.
    let retention = Retention { generations: 1 };
    let options = OpenOptions { retention, storage: StorageMode::Sync, ..options() };
    let disk = Disk::default();
    let content = filled(&disk, &options);
    assert_eq!(checkpoints(&disk).len(), 1);
    check(&disk.host(), options.clone(), &content).unwrap();
    let client = Client::open_on(&disk.host(), DIR, options).unwrap();
    client
        .update("a", &object(&[]), &object(&[("$inc", object(&[("n", Value::Int(7))]))]), Reach::Many)
        .unwrap();
    client.database.compact().unwrap();
    client.database.close().unwrap();
    assert_eq!(checkpoints(&disk).len(), 1);
}
