//! Opening from a checkpoint: neither the snapshot nor the log before it is read, and every operation has the result that it has
//! without one, also with a log after it. Damage is reported by what reads it, and a damaged or missing checkpoint costs only time.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use moltendb_node::document::Value;
use moltendb_node::engine::verify::verify_on;
use moltendb_node::engine::{InsertOrder, Operation, Reach};
use moltendb_node::error::Kind;
use moltendb_node::index::Spec;
use moltendb_node::options::{Access, AutoCompact, Check, Retention, StorageMode};
use moltendb_node::storage::Host;
use moltendb_node::{OpenOptions, Result};

use crate::disk::{DIR, Disk};
use crate::files::{Word, with_words};
use crate::support::{Client, incoming, object};

/// Counts the bytes that are read from the log and from snapshots; operations on a checkpoint fail where the test says so.
#[derive(Clone)]
pub struct Gate {
    pub read: Arc<AtomicUsize>,
    fails: Option<&'static str>,
}

impl Gate {
    pub fn host(disk: &Disk, fails: Option<&'static str>) -> (Host, Gate) {
        let gate = Gate { read: Arc::default(), fails };
        (with_words(disk.host(), gate.clone()), gate)
    }
}

impl Word for Gate {
    fn before(&self, verb: &'static str, path: &Path, bytes: usize) -> io::Result<()> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("chk-") && self.fails == Some(verb) {
            return Err(io::Error::other("on purpose"));
        }
        if verb == "read" && (name.ends_with(".log") || name.ends_with(".snp")) {
            self.read.fetch_add(bytes, Ordering::Relaxed);
        }
        Ok(())
    }
}

pub fn options() -> OpenOptions {
    OpenOptions { checkpoint_from: 0, auto_compact: AutoCompact::Off, ..OpenOptions::default() }
}

pub fn id(n: i32) -> Value {
    match n % 3 {
        0 => Value::Int(n),
        1 => Value::String(format!("id-{n}")),
        _ => object(&[("n", Value::Int(n))]),
    }
}

pub fn spec() -> Value {
    let key = Value::Array(vec![Value::Array(vec![Value::String("n".into()), Value::Int(1)])]);
    object(&[("key", key), ("name", Value::String("n_1".into()))])
}

pub fn document(n: i32, field: &str) -> Value {
    object(&[("_id", id(n)), ("n", Value::Int(n % 7)), (field, Value::String("x".repeat(60)))])
}

pub type Content = BTreeMap<(&'static str, i32), Option<Value>>;

/// Two collections in a snapshot and two segments: frames with one document and with many, some documents written again and
/// some deleted.
pub fn filled(disk: &Disk, options: &OpenOptions) -> Content {
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
    if options.checkpoint_from == 0 {
        assert!(client.database.write_checkpoint().unwrap());
    }
    client.database.close().unwrap();
    for n in 900..930 {
        content.insert(("a", n), None);
        content.insert(("none", n), None);
    }
    content
}

pub fn by_key(client: &Client, content: &Content) -> Result<()> {
    by_key_where(client, content, |_| true)
}

fn by_key_where(client: &Client, content: &Content, wanted: impl Fn(i32) -> bool) -> Result<()> {
    for ((name, n), expected) in content.iter().filter(|((_, n), _)| wanted(*n)) {
        assert_eq!(client.get(name, &id(*n))?, *expected, "{name} {n}");
    }
    Ok(())
}

pub fn checkpoints(disk: &Disk) -> Vec<String> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    disk.content().keys().map(|path| name(path)).filter(|name| name.ends_with(".chk")).collect()
}

pub fn files(disk: &Disk) -> BTreeMap<String, Vec<u8>> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    disk.content().into_iter().map(|(path, bytes)| (name(&path), bytes)).collect()
}

/// Every kind of operation.
pub fn check(host: &Host, options: OpenOptions, content: &Content) -> Result<()> {
    let client = Client::open_on(host, DIR, options)?;
    by_key(&client, content)?;
    for name in ["a", "b"] {
        let there: Vec<_> = content.iter().filter(|((own, _), one)| *own == name && one.is_some()).collect();
        assert_eq!(client.find(name, &object(&[]))?.len(), there.len());
        let three =
            |one: &Option<Value>| matches!(one, Some(Value::Object(fields)) if fields[1].1 == Value::Int(3));
        let sevens = there.iter().filter(|(_, one)| three(one)).count();
        assert_eq!(client.find(name, &object(&[("n", Value::Int(3))]))?.len(), sevens);
    }
    client.database.check_indexes()?;
    by_key(&client, content)?;
    client.database.close()
}

#[test]
fn what_is_asked_for_is_read_and_nothing_else() {
    let disk = Disk::default();
    let content = filled(&disk, &options());
    assert_eq!(checkpoints(&disk).len(), 1);
    let bytes: usize = disk.content().values().map(Vec::len).sum();
    for access in [Access::ReadWrite, Access::ReadOnly] {
        let (host, gate) = Gate::host(&disk, None);
        let client = Client::open_on(&host, DIR, OpenOptions { access, ..options() }).unwrap();
        let opened = gate.read.load(Ordering::Relaxed);
        assert!(opened < 2_000 && opened * 20 < bytes, "{opened} of {bytes} bytes");
        // By the trees of the checkpoint alone.
        let alive = |n: i32| content.get(&("a", n)).is_some_and(Option::is_some);
        let expected = (0..900).filter(|n| n % 7 == 3 && alive(*n)).count() as u64;
        assert_eq!(client.count("a", &object(&[("n", Value::Int(3))])).unwrap(), expected);
        for (n, expected) in [(12, true), (33, false), (901, false)] {
            let (_, has) = client.call("a", Operation::Has { id: incoming(&id(n)) }).unwrap();
            assert!(matches!(has, moltendb_node::engine::Answer::Bool(has) if has == expected));
        }
        assert_eq!(gate.read.load(Ordering::Relaxed), opened);
        assert_eq!(client.version("a", &id(9)).unwrap(), Some(2));
        assert_eq!(client.version("a", &id(12)).unwrap(), Some(1));
        assert!(gate.read.load(Ordering::Relaxed) > opened);
        let made = client.call("a", Operation::CreateIndexes { specs: vec![incoming(&spec())] });
        assert_eq!(made.is_ok(), access == Access::ReadWrite);
        let told = client.database.describe().recovery;
        assert!(told.clean && told.frames_replayed == 0);
        client.database.close().unwrap();
    }
    check(&disk.host(), options(), &content).unwrap();
    check(&disk.host(), OpenOptions { memory_limit: Some(5_000).into(), ..options() }, &content).unwrap();
    check(&disk.host(), OpenOptions { check: Check::Full, ..options() }, &content).unwrap();
    assert_eq!(checkpoints(&disk).len(), 1);
}

/// Random writes of every kind, with the index on `n`.
pub fn churn(client: &Client, content: &mut Content, dice: &mut fastrand::Rng, times: usize) {
    for _ in 0..times {
        let (name, n) = (["a", "b"][dice.usize(..2)], dice.i32(0..1_000));
        let there = content.get(&(name, n)).is_some_and(Option::is_some);
        let fresh = object(&[
            ("_id", id(n)),
            ("n", Value::Int(dice.i32(0..7))),
            ("text", Value::String("y".repeat(dice.usize(..90)))),
        ]);
        match dice.u8(..4) {
            0 if there => {
                assert!(client.delete_id(name, &id(n)).unwrap());
                content.insert((name, n), None);
            }
            1 if there => {
                assert!(client.delete_id(name, &id(n)).unwrap());
                client.insert(name, std::slice::from_ref(&fresh), InsertOrder::Ordered).unwrap();
                content.insert((name, n), Some(fresh));
            }
            _ => {
                client.set(name, &[(fresh.clone(), None)]).unwrap();
                content.insert((name, n), Some(fresh));
            }
        }
    }
}

/// The counts of an index, and what a find by it returns, against the content.
pub fn by_index(client: &Client, content: &Content) {
    for n in 0..7 {
        let filter = object(&[("n", Value::Int(n))]);
        let of = |one: &Value| matches!(one, Value::Object(fields) if fields[1].1 == Value::Int(n));
        let expected: Vec<&Value> = content
            .iter()
            .filter(|((name, _), one)| *name == "a" && one.as_ref().is_some_and(of))
            .filter_map(|(_, one)| one.as_ref())
            .collect();
        assert_eq!(client.count("a", &filter).unwrap(), expected.len() as u64, "{n}");
        let found = client.find("a", &filter).unwrap();
        assert_eq!(found.len(), expected.len(), "{n}");
        assert!(found.iter().all(|one| expected.contains(&one)), "{n}");
    }
}

#[test]
fn writes_on_a_checkpoint_are_there_after_a_close_and_after_a_kill_in_any_order() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let mut dice = fastrand::Rng::with_seed(seed);
    for limit in [None, Some(1), Some(20_000)] {
        let options = OpenOptions { memory_limit: limit.into(), ..options() };
        let disk = Disk::default();
        let mut content = filled(&disk, &options);
        let mut now = files(&disk);
        for round in 0..12 {
            let disk = Disk::with(now.clone());
            let client = Client::open_on(&disk.host(), DIR, options.clone()).unwrap();
            by_index(&client, &content);
            churn(&client, &mut content, &mut dice, 60);
            if dice.u8(..5) == 0 {
                client.database.compact().unwrap();
                churn(&client, &mut content, &mut dice, 30);
            }
            for _ in 0..dice.u8(..3) {
                assert!(client.database.write_checkpoint().unwrap());
                by_index(&client, &content);
                churn(&client, &mut content, &mut dice, 20);
            }
            if dice.u8(..4) == 0 {
                let spec = Spec::parse(&spec_of("text")).unwrap();
                client.database.create_indexes("a", &[spec]).unwrap();
            }
            client.database.check_indexes().unwrap();
            by_index(&client, &content);
            by_key(&client, &content).unwrap();
            client.database.flush().unwrap();
            let killed = files(&disk);
            client.database.close().unwrap();
            now = if dice.bool() { files(&disk) } else { killed };
            now.retain(|name, _| name != "LOCK");
            let disk = Disk::with(now.clone());
            check(&disk.host(), OpenOptions { access: Access::ReadOnly, ..options.clone() }, &content)
                .unwrap_or_else(|error| panic!("seed {seed}, round {round}: {error}"));
            let whole = OpenOptions { check: Check::Full, ..options.clone() };
            check(&Disk::with(now.clone()).host(), whole, &content).unwrap();
        }
    }
}

fn spec_of(path: &str) -> Value {
    let key = Value::Array(vec![Value::Array(vec![Value::String(path.into()), Value::Int(1)])]);
    object(&[("key", key), ("name", Value::String(format!("{path}_1")))])
}

#[test]
fn a_damaged_checkpoint_is_told_or_makes_no_difference_and_is_gone_after_the_close() {
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
        let disk = Disk::with(files);
        let verified = verify_on(&disk.host(), DIR).unwrap();
        let client = Client::open_on(&disk.host(), DIR, options()).unwrap();
        let mut failed = by_key_where(&client, &content, |n| n % 13 == 0).err();
        if failed.is_none() {
            by_key(&client, &content).unwrap_or_else(|error| failed = Some(error));
            client
                .find("a", &object(&[("n", Value::Int(3))]))
                .map(drop)
                .unwrap_or_else(|error| failed = Some(error));
        }
        client.database.close().unwrap();
        if let Some(error) = failed {
            assert_eq!(error.kind(), Kind::Corrupt, "{error}");
            assert!(error.message().contains("it is made from snapshot and log"), "{error}");
            assert!(!verified.ok);
            assert!(checkpoints(&disk).is_empty(), "it would be met again");
            check(&disk.host(), options(), &content).unwrap();
        }
    };
    for at in (0..bytes.len()).filter(|at| *at < 200 || at % 97 == 0 || *at + 100 > bytes.len()) {
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
fn a_damaged_checkpoint_with_a_log_behind_it_is_opened_all_the_same() {
    let disk = Disk::default();
    let mut content = filled(&disk, &options());
    let client = Client::open_on(&disk.host(), DIR, options()).unwrap();
    churn(&client, &mut content, &mut fastrand::Rng::with_seed(3), 60);
    client.database.close().unwrap();
    let whole = files(&disk);
    let name = checkpoints(&disk).remove(0);
    for access in [Access::ReadWrite, Access::ReadOnly] {
        for at in (0..whole[&name].len()).step_by(311) {
            let mut damaged = whole.clone();
            damaged.get_mut(&name).unwrap()[at] ^= 4;
            let disk = Disk::with(damaged);
            let client = Client::open_on(&disk.host(), DIR, OpenOptions { access, ..options() })
                .unwrap_or_else(|error| panic!("{at}: {error}"));
            if let Err(error) = by_key(&client, &content) {
                assert_eq!(error.kind(), Kind::Corrupt, "{at}: {error}");
            }
            client.database.close().unwrap();
        }
    }
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
    assert_eq!(checkpoints(&disk), std::slice::from_ref(&name), "there is little behind it");
    client_rewrites(&disk, &mut content);
    assert_ne!(checkpoints(&disk), std::slice::from_ref(&name));
    // The old checkpoint under the name of the new one, and under its own.
    for name in [checkpoints(&disk).remove(0), name.clone()] {
        let mut files = files(&disk);
        files
            .insert(name.clone(), old.values().find(|bytes| bytes.starts_with(b"MOLTNRUN")).unwrap().clone());
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

/// Writes more than a checkpoint is kept for.
fn client_rewrites(disk: &Disk, content: &mut Content) {
    let client = Client::open_on(&disk.host(), DIR, options()).unwrap();
    for n in 0..300 {
        let large =
            object(&[("_id", id(n)), ("n", Value::Int(1)), ("text", Value::String("z".repeat(6_000)))]);
        client.set("b", &[(large.clone(), None)]).unwrap();
        content.insert(("b", n), Some(large));
    }
    client.database.close().unwrap();
}

#[test]
fn damage_of_a_document_is_told_where_it_is_read_and_by_a_full_check_and_by_verify() {
    let disk = Disk::default();
    let content = filled(&disk, &options());
    let files = files(&disk);
    let read_only = OpenOptions { access: Access::ReadOnly, ..options() };
    let mut told = 0;
    for (name, bytes) in files.iter().filter(|(name, _)| name.ends_with(".log") || name.ends_with(".snp")) {
        let near_the_ends = |at: usize| at < 100 || at + 100 > bytes.len();
        for at in (0..bytes.len()).filter(|at| near_the_ends(*at) || at % 997 == 0) {
            let mut damaged = files.clone();
            damaged.get_mut(name).unwrap()[at] ^= 1 << (at % 8);
            let host = Disk::with(damaged).host();
            let full = OpenOptions { check: Check::Full, ..read_only.clone() };
            let error = Client::open_on(&host, DIR, full).err().expect(name);
            assert_eq!(error.kind(), Kind::Corrupt, "{name} {at}");
            assert!(!verify_on(&host, DIR).unwrap().ok, "{name} {at}");
            let Ok(client) = Client::open_on(&host, DIR, read_only.clone()) else { continue };
            for (key, expected) in &content {
                match client.get(key.0, &id(key.1)) {
                    Ok(found) => assert_eq!(found, *expected, "{name} {at}"),
                    Err(error) => {
                        told += 1;
                        assert_eq!(error.kind(), Kind::Corrupt, "{name} {at}: {error}");
                    }
                }
            }
            client.database.close().unwrap();
        }
    }
    assert!(told > 100, "{told}");
}

#[test]
fn closing_without_a_write_leaves_everything_as_it_was() {
    let disk = Disk::default();
    let content = filled(&disk, &options());
    let before = files(&disk);
    for _ in 0..5 {
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
    for verb in ["open", "write", "remove", "sync", "rename"] {
        let disk = Disk::default();
        let content = filled(&disk, &options());
        let (host, _) = Gate::host(&disk, Some(verb));
        let client = Client::open_on(&host, DIR, options()).unwrap();
        client.set("a", &[(document(12, "text"), None)]).unwrap();
        client.database.compact().unwrap();
        client.database.close().unwrap();
        assert!(checkpoints(&disk).len() <= 2, "{verb}");
        check(&disk.host(), options(), &content).unwrap();
    }
    let disk = Disk::default();
    let content = filled(&disk, &options());
    let (host, _) = Gate::host(&disk, Some("read"));
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
