//! Capped collections: compared with a list that forgets its first documents, across restarts, compactions, checkpoints and crashes; and tailable
//! cursors. `CAPPED_RUNS` sets the number of runs, `SEED` the first seed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use moltendb_node::document::Value;
use moltendb_node::engine::verify::verify_on;
use moltendb_node::engine::{Answer, FindOptions, InsertOrder, Limits, Operation, Reach, Size, Task};
use moltendb_node::options::{AutoCompact, StorageMode};
use moltendb_node::{OpenOptions, Result};

use crate::disk::{DIR, Disk};
use crate::sim::{Dice, Sim};
use crate::support::{Client, batch_of, incoming, object, reopened};

const NAME: &str = "log";

fn capped(size: u64, max: Option<u64>) -> Value {
    let mut fields = vec![("capped", Value::Bool(true)), ("size", Value::number(size as f64))];
    fields.extend(max.map(|max| ("max", Value::number(max as f64))));
    object(&fields)
}

fn create(client: &Client, options: &Value) -> Result<()> {
    client.call(NAME, Operation::Create { options: Some(incoming(options)) }).map(drop)
}

fn coll_mod(client: &Client, changes: &[(&str, Value)]) -> Result<()> {
    client.call(NAME, Operation::CollMod { changes: incoming(&object(changes)) }).map(drop)
}

fn document(id: i32, bytes: usize) -> Value {
    object(&[("_id", Value::Int(id)), ("pad", Value::Binary(vec![7; bytes]))])
}

/// The bytes of such a document as it is stored: three for what is around its values, and each value in its only encoding.
fn size_of(id: i32, bytes: usize) -> u64 {
    static BASE: AtomicU64 = AtomicU64::new(0);
    let measured = |id, bytes| {
        let client = Client::open(":memory:", OpenOptions::default()).unwrap();
        client.insert("one", &[document(id, bytes)], InsertOrder::Ordered).unwrap();
        let Answer::Value(Value::Object(stats)) = client.call("one", Operation::Stats).unwrap().1 else {
            panic!("statistics are an object")
        };
        match stats.iter().find(|(name, _)| name == "size") {
            Some((_, Value::Int(size))) => *size as u64,
            other => panic!("{other:?}"),
        }
    };
    let int = |id: i32| match id {
        0..=127 => 1,
        128..=255 => 2,
        256..=65_535 => 3,
        _ => 5,
    };
    let binary = |bytes: usize| bytes as u64 + if bytes < 256 { 2 } else { 3 };
    if BASE.load(Ordering::Relaxed) == 0 {
        BASE.store(measured(1, 10) - int(1) - binary(10), Ordering::Relaxed);
        for (id, bytes) in [(127, 255), (128, 256), (255, 0), (256, 1), (70_000, 3)] {
            assert_eq!(
                measured(id, bytes),
                BASE.load(Ordering::Relaxed) + int(id) + binary(bytes),
                "{id} {bytes}"
            );
        }
    }
    BASE.load(Ordering::Relaxed) + int(id) + binary(bytes)
}

/// What a capped collection must have: `_id` and the bytes in it, in the order of insertions.
#[derive(Clone)]
struct Model {
    documents: Vec<(i32, usize)>,
    size: u64,
    max: Option<u64>,
}

impl Model {
    fn bytes(&self) -> u64 {
        self.documents.iter().map(|(id, bytes)| size_of(*id, *bytes)).sum()
    }

    fn insert(&mut self, documents: &[(i32, usize)]) {
        let fitting = documents.iter().filter(|(id, bytes)| size_of(*id, *bytes) <= self.size);
        let before = self.documents.len();
        self.documents.extend(fitting);
        if self.documents.len() == before {
            return;
        }
        let is_full = |model: &Model| {
            model.bytes() > model.size || model.max.is_some_and(|max| model.documents.len() as u64 > max)
        };
        while is_full(self) {
            self.documents.remove(0);
        }
    }

    fn check(&self, client: &Client, context: &str) {
        let expected: Vec<Value> = self.documents.iter().map(|(id, bytes)| document(*id, *bytes)).collect();
        assert_eq!(client.find(NAME, &object(&[])).unwrap(), expected, "{context}");
        assert_eq!(client.count(NAME, &object(&[])).unwrap() as usize, expected.len(), "{context}");
        for (id, bytes) in &self.documents {
            assert_eq!(client.get(NAME, &Value::Int(*id)).unwrap(), Some(document(*id, *bytes)), "{context}");
        }
    }
}

#[test]
fn it_has_what_a_list_has_that_forgets_its_first_documents() {
    let runs = std::env::var("CAPPED_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(40);
    let first: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    for seed in first..first + runs {
        let mut dice = Dice::new(seed);
        let disk = Disk::default();
        let memory_limit = [None, Some(1), Some(1), Some(1 << 20)][seed as usize % 4];
        let options = OpenOptions {
            checkpoint_from: 0,
            rebase_from: 4 << 10,
            auto_compact: AutoCompact::Off,
            memory_limit: memory_limit.into(),
            ..OpenOptions::default()
        };
        let open = || Client::open_on(&disk.host(), DIR, options.clone()).unwrap();
        let mut client = open();
        let max = [None, Some(1), Some(7), Some(40)][dice.below(4)];
        let size = [256, 1_024, 4_096, 65_536][dice.below(4)];
        create(&client, &capped(size, max)).unwrap();
        if dice.below(2) == 0 {
            let key = Value::Array(vec![Value::Array(vec![Value::String("pad".into()), Value::Int(1)])]);
            let specs = vec![incoming(&object(&[("key", key)]))];
            client.call(NAME, Operation::CreateIndexes { specs }).unwrap();
        }
        let mut model = Model { documents: Vec::new(), size, max };
        let mut next = 0;
        for step in 0..60 {
            let context =
                format!("seed {seed}, step {step}, memory {memory_limit:?}, size {size}, max {max:?}");
            match dice.below(16) {
                0..=7 => {
                    let count = [1, 1, 2, 5, 60][dice.below(5)];
                    let fresh: Vec<(i32, usize)> =
                        (0..count).map(|n| (next + n, [0, 3, 40, 255, 300][dice.below(5)])).collect();
                    next += count;
                    let documents: Vec<Value> =
                        fresh.iter().map(|(id, bytes)| document(*id, *bytes)).collect();
                    client.insert(NAME, &documents, InsertOrder::Unordered).unwrap();
                    model.insert(&fresh);
                }
                8 | 9 if !model.documents.is_empty() => {
                    let at = dice.below(model.documents.len());
                    let (id, _) = model.documents[at];
                    let bytes = dice.below(200);
                    let set = object(&[("$set", object(&[("pad", Value::Binary(vec![7; bytes]))]))]);
                    client.update(NAME, &object(&[("_id", Value::Int(id))]), &set, Reach::One).unwrap();
                    model.documents[at].1 = bytes;
                }
                10 if !model.documents.is_empty() => {
                    let (id, _) = model.documents.remove(dice.below(model.documents.len()));
                    assert!(client.delete_id(NAME, &Value::Int(id)).unwrap());
                    if dice.below(2) == 0 {
                        client.insert(NAME, &[document(id, 9)], InsertOrder::Ordered).unwrap();
                        model.insert(&[(id, 9)]);
                    }
                }
                11 => {
                    let size = [512, 2_048, 32_768][dice.below(3)];
                    coll_mod(&client, &[("cappedSize", Value::number(size as f64))]).unwrap();
                    model.size = size;
                }
                12 => {
                    let max = dice.below(30) as i32;
                    coll_mod(&client, &[("cappedMax", Value::Int(max))]).unwrap();
                    model.max = (max > 0).then_some(max as u64);
                }
                13 => drop(client.database.compact().unwrap()),
                14 => drop(client.database.write_checkpoint().unwrap()),
                15 => {
                    client.database.close().unwrap();
                    client = open();
                }
                _ => {}
            }
            model.check(&client, &context);
        }
        client.database.close().unwrap();
        assert!(verify_on(&disk.host(), DIR).unwrap().ok, "seed {seed}");
        let client = open();
        model.check(&client, &format!("seed {seed}, at the end"));
        client.database.check_indexes().unwrap();
        client.database.close().unwrap();
    }
}

#[test]
fn a_crash_leaves_it_as_one_of_its_commits_did_and_never_larger_than_it_may_be() {
    let mut seen = BTreeSet::new();
    for seed in 0..120 {
        let storage = if seed % 2 == 0 { StorageMode::Async } else { StorageMode::Sync };
        let context = format!("seed {seed}, {storage:?}");
        let mut dice = Dice::new(seed);
        let sim = Sim::new(seed);
        let client = reopened(&sim.process(), storage);
        create(&client, &capped(256, Some(4))).unwrap();
        client.database.flush().unwrap();
        let mut model = Model { documents: Vec::new(), size: 256, max: Some(4) };
        let (mut states, mut kept) = (vec![model.clone()], 0);
        sim.die_after(dice.below(60) as u64);
        for n in 0..40 {
            let fresh = [(2 * n, dice.below(60)), (2 * n + 1, dice.below(60))];
            let documents = fresh.map(|(id, bytes)| document(id, bytes));
            model.insert(&fresh);
            states.push(model.clone());
            if client.insert(NAME, &documents, InsertOrder::Ordered).is_err() {
                break;
            }
            if n % 5 == 4 && client.database.flush().is_err() {
                break;
            }
            if storage == StorageMode::Sync || n % 5 == 4 {
                kept = states.len() - 1;
            }
            if n == 20 && client.database.compact().is_err() {
                break;
            }
        }
        drop(client);
        sim.process();
        sim.cut();
        let client = reopened(&sim.process(), storage);
        let found = client.find(NAME, &object(&[])).unwrap();
        let shown = |model: &Model| {
            model.documents.iter().map(|(id, bytes)| document(*id, *bytes)).collect::<Vec<_>>()
        };
        let at = states.iter().rposition(|state| shown(state) == found);
        let at = at.unwrap_or_else(|| panic!("{context}: no commit has left {found:?}"));
        assert!(at >= kept, "{context}: commit {at}, though {kept} was durable");
        seen.insert(at);
        // And it goes on as it would have.
        let mut model = states[at].clone();
        client.insert(NAME, &[document(1_000, 50)], InsertOrder::Ordered).unwrap();
        model.insert(&[(1_000, 50)]);
        model.check(&client, &context);
    }
    assert!(seen.len() > 8, "{seen:?}");
}

#[test]
fn what_is_wrong_is_refused_with_the_code_of_the_server() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    let code = |outcome: Result<()>| outcome.unwrap_err().code().map_or(0, |code| code.number());
    let size = |size: Value| object(&[("capped", Value::Bool(true)), ("size", size)]);
    for hostile in [0.0, -1.0, f64::NAN, 2_f64.powi(53), f64::INFINITY] {
        assert_eq!(code(create(&client, &size(Value::Double(hostile)))), 51024, "{hostile}");
    }
    assert_eq!(code(create(&client, &size(Value::String("1".into())))), 14);
    assert_eq!(code(create(&client, &object(&[("capped", Value::Bool(true))]))), 72);
    assert_eq!(code(create(&client, &object(&[("size", Value::Int(5))]))), 72);
    assert_eq!(code(create(&client, &capped(4_096, Some(0)))), 51024);
    create(&client, &capped(300, Some(2))).unwrap();
    create(&client, &capped(300, Some(2))).unwrap();
    assert_eq!(code(create(&client, &capped(300, Some(3)))), 48, "with other options");
    let large = [document(1, 600)];
    assert_eq!(client.insert(NAME, &large, InsertOrder::Ordered).unwrap(), (0, vec![0]));
    client.insert(NAME, &[document(2, 5)], InsertOrder::Ordered).unwrap();
    let grown = object(&[("$set", object(&[("pad", Value::Binary(vec![0; 600]))]))]);
    let error = client.update(NAME, &object(&[]), &grown, Reach::One).unwrap_err();
    assert_eq!(error.code().unwrap().number(), 2);
    client.insert("plain", &[document(1, 1)], InsertOrder::Ordered).unwrap();
    let changes = incoming(&object(&[("cappedSize", Value::Int(4_096))]));
    assert_eq!(code(client.call("plain", Operation::CollMod { changes }).map(drop)), 72);
    assert_eq!(code(coll_mod(&client, &[("cappedSize", Value::Int(0))])), 51024);
}

#[test]
fn what_became_too_much_goes_little_by_little() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    create(&client, &capped(1 << 20, None)).unwrap();
    let documents: Vec<Value> = (0..5_000).map(|id| document(id, 1)).collect();
    client.insert(NAME, &documents, InsertOrder::Ordered).unwrap();
    coll_mod(&client, &[("cappedMax", Value::Int(10))]).unwrap();
    let counts: Vec<u64> = (0..6)
        .map(|n| {
            client.insert(NAME, &[document(10_000 + n, 1)], InsertOrder::Ordered).unwrap();
            client.count(NAME, &object(&[])).unwrap()
        })
        .collect();
    assert_eq!(counts, [4_001, 3_002, 2_003, 1_004, 10, 10]);
}

fn tail(client: &Client, filter: &Value) -> Result<u64> {
    let operation = Operation::Tail { filter: incoming(filter), options: FindOptions::default() };
    match client.call(NAME, operation)?.1 {
        Answer::Count(stream) => Ok(stream),
        _ => panic!("a tail has another answer"),
    }
}

/// Reads on without waiting for an answer.
fn read(client: &Client, stream: u64, wait: Option<u64>) -> mpsc::Receiver<Result<(u64, Vec<Value>)>> {
    let (sender, receiver) = mpsc::channel();
    let reply = Box::new(move |answered: moltendb_node::engine::Answered| {
        let moltendb_node::engine::Answered { collection, answer } = answered;
        let batch = answer.and_then(|answer| match answer {
            Answer::Changes { .. } => Ok((0, Vec::new())),
            answer => batch_of((collection, answer)),
        });
        drop(sender.send(batch));
    });
    let operation = Operation::Changes { stream, batch: 2, wait };
    let task = Task { name: NAME.into(), operation, transaction: 0, limits: Limits::default(), reply };
    client.session.submit(vec![task], Size::Any);
    receiver
}

fn ids(batch: (u64, Vec<Value>)) -> Vec<i32> {
    let id = |document: &Value| match document {
        Value::Object(fields) => match fields.first() {
            Some((_, Value::Int(id))) => *id,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    batch.1.iter().map(id).collect()
}

#[test]
fn a_tailable_cursor_waits_without_a_thread_and_is_lost_when_others_took_the_place_of_what_it_had_not_read() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    let patience = Duration::from_secs(20);
    let now = |stream| read(&client, stream, Some(0)).recv_timeout(patience).unwrap();
    assert_eq!(tail(&client, &object(&[])).unwrap(), 0, "there is no such collection");
    create(&client, &capped(4_096, Some(3))).unwrap();
    let insert = |id| client.insert(NAME, &[document(id, 1)], InsertOrder::Ordered).unwrap();
    let (stream, slow) = (tail(&client, &object(&[])).unwrap(), tail(&client, &object(&[])).unwrap());
    assert_eq!(ids(now(stream).unwrap()), [] as [i32; 0], "nothing yet, and it stays open");
    let waiting = read(&client, stream, None);
    assert!(waiting.recv_timeout(Duration::from_millis(30)).is_err());
    insert(1);
    assert_eq!(ids(waiting.recv_timeout(patience).unwrap().unwrap()), [1]);
    for id in 2..=4 {
        insert(id);
    }
    assert_eq!(ids(now(stream).unwrap()), [2, 3], "a batch");
    assert_eq!(ids(now(slow).unwrap()), [2, 3], "it begins with the oldest");
    insert(5);
    insert(6);
    assert_eq!(ids(now(stream).unwrap()), [4, 5]);
    insert(7);
    insert(8);
    insert(9);
    // 4 to 6 made way, of which this one had seen all but 6.
    let lost = now(stream).unwrap_err();
    assert_eq!(lost.code().unwrap().number(), 136);
    assert_eq!(now(slow).unwrap_err().code().unwrap().number(), 136);
    assert!(now(stream).is_err(), "it is closed");
    let stream = tail(&client, &object(&[("_id", object(&[("$gt", Value::Int(7))]))])).unwrap();
    assert_eq!(ids(now(stream).unwrap()), [8, 9]);
    let waiting = read(&client, stream, None);
    // Each makes the one before go, which was read.
    coll_mod(&client, &[("cappedMax", Value::Int(1))]).unwrap();
    insert(10);
    assert_eq!(ids(waiting.recv_timeout(patience).unwrap().unwrap()), [10]);
    let waiting = read(&client, stream, None);
    client.drop_collection(NAME).unwrap();
    assert_eq!(waiting.recv_timeout(patience).unwrap().unwrap(), (0, Vec::new()), "dropped");
    create(&client, &capped(4_096, None)).unwrap();
    let stream = tail(&client, &object(&[])).unwrap();
    let waiting = read(&client, stream, None);
    client.database.close().unwrap();
    assert!(waiting.recv_timeout(patience).unwrap().is_err(), "closed");
}

#[test]
fn a_tailable_cursor_loses_nothing_among_many_commits() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    create(&client, &capped(1 << 30, None)).unwrap();
    let stream = tail(&client, &object(&[])).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let client = &client;
            scope.spawn(move || {
                for n in 0..400 {
                    client.insert(NAME, &[document(writer * 1_000 + n, 1)], InsertOrder::Ordered).unwrap();
                }
            });
        }
        let mut seen = Vec::new();
        while seen.len() < 1_200 {
            let batch = read(&client, stream, None).recv_timeout(Duration::from_secs(30)).unwrap().unwrap();
            seen.extend(ids(batch));
        }
        let all: Vec<i32> = client
            .find(NAME, &object(&[]))
            .unwrap()
            .into_iter()
            .flat_map(|document| ids((0, vec![document])))
            .collect();
        assert_eq!(seen, all);
    });
    client.database.close().unwrap();
}
