//! Snapshots and forks of a database in memory, compared with what was read when they were made: random operations, with restores in any
//! order, and forks that go their own ways. `SNAPSHOT_RUNS` sets the number of runs, `SEED` the first seed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::channel;

use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::{
    Answer, Answered, FindOptions, InsertOrder, Limits, Operation, Reach, Size, Task,
};
use moltendb_node::error::Kind;
use moltendb_node::options::{AutoCompact, MemoryLimit};

use crate::indexes::spec;
use crate::support::{Client, batch_of, incoming, object, update_of};
use crate::transactions::Txn;

const NAMES: [&str; 5] = ["a", "b", "c", "other\0a", "third\0b"];

fn options() -> OpenOptions {
    OpenOptions { auto_compact: AutoCompact::Off, ..OpenOptions::default() }
}

fn text(value: &str) -> Value {
    Value::String(value.into())
}

pub fn snapshot(client: &Client) -> u64 {
    match client.call("", Operation::Snapshot).unwrap().1 {
        Answer::Count(number) => number,
        _ => panic!("a snapshot has another answer"),
    }
}

pub fn restore(client: &Client, snapshot: u64) {
    client.call("", Operation::Restore { snapshot }).unwrap();
}

fn release(client: &Client, snapshot: u64) {
    client.call("", Operation::Release { snapshot }).unwrap();
}

fn fork(client: &Client) -> Client {
    let database = client.database.fork().unwrap();
    Client { session: database.session(), database }
}

/// What a collection has: its options, its indexes, its documents in natural order with their versions and times, and what index reads give.
type Seen = BTreeMap<String, (Value, Vec<Value>, Vec<(Value, u64, i64, i64)>, Vec<Vec<Value>>)>;

fn find(client: &Client, name: &str, filter: &Value, hint: Option<&Value>) -> Vec<Value> {
    let options = FindOptions { hint: hint.map(incoming), ..FindOptions::default() };
    let first = client.call(name, Operation::Find { filter: incoming(filter), options }).unwrap();
    let (cursor, mut documents) = batch_of(first).unwrap();
    documents.extend(client.rest(cursor, 0).unwrap());
    documents
}

fn seen(client: &Client) -> Seen {
    let mut all = Seen::new();
    for database in ["", "other\0", "third\0"] {
        let Answer::Collections(rows) =
            client.call(database, Operation::ListCollections { filter: None }).unwrap().1
        else {
            panic!("a listing has another answer")
        };
        for row in rows {
            let name = format!("{database}{}", row.name);
            let Answer::Values(indexes) = client.call(&name, Operation::ListIndexes).unwrap().1 else {
                panic!("a listing has another answer")
            };
            let documents: Vec<_> = find(client, &name, &object(&[]), None)
                .into_iter()
                .map(|document| {
                    let Value::Object(fields) = &document else { panic!("a document is an object") };
                    let id = incoming(&fields[0].1);
                    match client.call(&name, Operation::Get { id, meta: true }).unwrap().1 {
                        Answer::Versioned { version, created_at, modified_at, .. } => {
                            (document, version, created_at, modified_at)
                        }
                        _ => panic!("{name}: the document {document:?} is not found by its _id"),
                    }
                })
                .collect();
            let natural = Value::Array(vec![Value::Array(vec![text("$natural"), Value::Int(1)])]);
            let filters = (0..4).flat_map(|n| ["x", "y", "z"].map(|field| object(&[(field, Value::Int(n))])));
            let filters = filters.chain([object(&[("x", object(&[("$gte", Value::Int(2))]))])]);
            let reads = filters.map(|filter| {
                let found = find(client, &name, &filter, None);
                assert_eq!(found, find(client, &name, &filter, Some(&natural)), "{name}: {filter:?}");
                assert_eq!(client.count(&name, &filter).unwrap(), found.len() as u64, "{name}: {filter:?}");
                found
            });
            let reads = reads.collect();
            assert_eq!(row.count, documents.len() as u64, "{name}");
            assert_eq!(client.count(&name, &object(&[])).unwrap(), row.count, "{name}");
            all.insert(name, (row.options, indexes, documents, reads));
        }
    }
    all
}

struct Run {
    dice: fastrand::Rng,
    next: i32,
}

impl Run {
    fn name(&mut self) -> &'static str {
        NAMES[self.dice.usize(..NAMES.len())]
    }

    fn fields(&mut self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![("x", Value::Int(self.dice.i32(0..4)))];
        if self.dice.bool() {
            fields.push(("y", Value::Array((0..self.dice.i32(0..3)).map(Value::Int).collect())));
        }
        if self.dice.u8(..3) == 0 {
            fields.push(("z", Value::Int(self.dice.i32(0..40))));
        }
        fields
    }

    /// A document under an `_id` that is often used again.
    fn document(&mut self) -> Value {
        self.next += 1;
        let id = if self.dice.bool() { self.next % 25 } else { self.next };
        let mut fields = vec![("_id", Value::Int(id))];
        fields.extend(self.fields());
        object(&fields)
    }

    /// One random operation; whether it succeeds does not matter.
    fn step(&mut self, client: &Client) {
        let name = self.name();
        let filter = object(&[("x", Value::Int(self.dice.i32(0..4)))]);
        let _ = match self.dice.u8(..24) {
            0..=6 => {
                let documents: Vec<Value> = (0..self.dice.usize(1..8)).map(|_| self.document()).collect();
                client.insert(name, &documents, InsertOrder::Unordered).map(drop)
            }
            7..=9 => {
                let change = object(&[("$set", object(&self.fields()))]);
                client.update(name, &filter, &change, Reach::Many).map(drop)
            }
            10..=11 => client.set(name, &[(self.document(), None)]).map(drop),
            12..=13 => client.delete(name, &filter, Reach::Many).map(drop),
            14 => client.delete_id(name, &Value::Int(self.dice.i32(0..25))).map(drop),
            15 => {
                let on = |yes| ("unique", Value::Bool(yes));
                let partial = object(&[("x", Value::Int(1))]);
                let spec = match self.dice.u8(..6) {
                    0 | 1 => spec(&[("x", 1)], &[]),
                    2 => spec(&[("y", 1), ("x", -1)], &[]),
                    3 => spec(&[("z", 1)], &[on(true), ("sparse", Value::Bool(true))]),
                    4 => spec(&[("z", -1)], &[("partialFilterExpression", partial)]),
                    _ => spec(&[("x", 1)], &[("hidden", Value::Bool(true))]),
                };
                client.database.create_indexes(name, &[spec]).map(drop)
            }
            16 => client.database.drop_index(name, ["x_1", "y_1_x_-1", "z_1", "*"][self.dice.usize(..4)]),
            17 => client.drop_collection(name).map(drop),
            18 => {
                let to = incoming(&text(["a", "b", "c"][self.dice.usize(..3)]));
                client.call(name, Operation::Rename { to, drop_target: self.dice.bool() }).map(drop)
            }
            19 => {
                let enabled = object(&[("enabled", Value::Bool(self.dice.bool()))]);
                let hidden = [("name", text("x_1")), ("hidden", Value::Bool(self.dice.bool()))];
                let changes = match self.dice.u8(..3) {
                    0 => object(&[("changeStreamPreAndPostImages", enabled)]),
                    1 => object(&[("validator", object(&[("x", object(&[("$lt", Value::Int(3))]))]))]),
                    _ => object(&[("index", object(&hidden))]),
                };
                client.call(name, Operation::CollMod { changes: incoming(&changes) }).map(drop)
            }
            20 if self.dice.u8(..3) == 0 => {
                client.call(["other\0", "third\0"][self.dice.usize(..2)], Operation::DropDatabase).map(drop)
            }
            21..=22 => {
                let txn = Txn::begin(client, 1);
                let _ = txn.insert(name, &[self.document()]);
                let other = self.name();
                let change = object(&[("$inc", object(&[("x", Value::Int(1))]))]);
                let _ = txn.call(other, update_of(&filter, &change, Reach::Many));
                if self.dice.bool() {
                    let _ = txn.commit();
                } else {
                    txn.abort();
                }
                Ok(())
            }
            _ => client.database.compact().map(drop),
        };
    }
}

fn run(seed: u64, context: &str) {
    let mut run = Run { dice: fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)), next: 0 };
    let client = Client::open(":memory:", options()).unwrap();
    let mut snapshots: Vec<(u64, Seen)> = Vec::new();
    let mut forks: Vec<(Client, Seen)> = Vec::new();
    let mut cursors: Vec<(u64, Vec<Value>)> = Vec::new();
    for step in 0..160 {
        let context = format!("{context}, step {step}");
        match run.dice.u8(..20) {
            0 | 1 if snapshots.len() < 6 => snapshots.push((snapshot(&client), seen(&client))),
            2 | 3 if !snapshots.is_empty() => {
                let (number, expected) = &snapshots[run.dice.usize(..snapshots.len())];
                restore(&client, *number);
                assert_eq!(seen(&client), *expected, "{context}");
                client.database.check_indexes().unwrap_or_else(|error| panic!("{context}: {error}"));
            }
            4 if !snapshots.is_empty() && run.dice.u8(..4) == 0 => {
                let (number, _) = snapshots.swap_remove(run.dice.usize(..snapshots.len()));
                release(&client, number);
            }
            5 if forks.len() < 2 => {
                let expected = seen(&client);
                let fork = fork(&client);
                assert_eq!(seen(&fork), expected, "{context}: a fork");
                fork.database.check_indexes().unwrap();
                forks.push((fork, expected));
            }
            6 if !forks.is_empty() => {
                let before = seen(&client);
                let (fork, expected) = &mut forks[run.dice.usize(..1)];
                assert_eq!(seen(fork), *expected, "{context}: the database was changed");
                for _ in 0..5 {
                    run.step(fork);
                }
                fork.database.check_indexes().unwrap();
                *expected = seen(fork);
                assert_eq!(seen(&client), before, "{context}: its fork was changed");
            }
            7 => {
                let name = run.name();
                let expected = client.find(name, &object(&[])).unwrap();
                let (cursor, first) = client.first(name, &object(&[]), 1).unwrap();
                if cursor != 0 {
                    cursors.push((cursor, expected[first.len()..].to_vec()));
                }
            }
            8 => {
                for (cursor, expected) in cursors.drain(..) {
                    assert_eq!(client.rest(cursor, 2).unwrap(), expected, "{context}: a cursor");
                }
            }
            _ => run.step(&client),
        }
    }
    for (number, _) in snapshots {
        release(&client, number);
    }
    for (cursor, _) in cursors {
        let _ = client.rest(cursor, 0);
    }
    client.database.check_indexes().unwrap_or_else(|error| panic!("{context}: {error}"));
    let stats = client.database.stats().unwrap();
    assert_eq!((stats.views, stats.view_bytes), (0, 0), "{context}");
}

#[test]
fn a_restore_brings_everything_back_in_any_order_and_forks_go_their_own_ways() {
    let number = |name: &str, usual| {
        std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok()).unwrap_or(usual)
    };
    let (runs, first) = (number("SNAPSHOT_RUNS", 60), number("SEED", 1));
    for seed in first..first + runs {
        run(seed, &format!("SEED={seed} SNAPSHOT_RUNS=1"));
    }
}

fn one(id: i32, x: i32) -> Value {
    object(&[("_id", Value::Int(id)), ("x", Value::Int(x))])
}

#[test]
fn what_was_written_between_restores_is_freed() {
    let client = Client::open(":memory:", options()).unwrap();
    client.insert("a", &(0..100).map(|id| one(id, id)).collect::<Vec<_>>(), InsertOrder::Ordered).unwrap();
    let number = snapshot(&client);
    let mut most = 0;
    for round in 0..400 {
        let documents: Vec<_> = (1_000..1_100).map(|id| one(id, round)).collect();
        client.insert("a", &documents, InsertOrder::Ordered).unwrap();
        client.insert(&format!("made{round}"), &documents, InsertOrder::Ordered).unwrap();
        client
            .update("a", &object(&[]), &object(&[("$inc", object(&[("x", Value::Int(1))]))]), Reach::Many)
            .unwrap();
        restore(&client, number);
        let stats = client.database.stats().unwrap();
        assert_eq!((stats.documents, stats.collections, stats.view_bytes), (100, 1, 0), "round {round}");
        if round == 100 {
            most = stats.hot_bytes + stats.slot_bytes + stats.key_bytes;
        }
        assert!(round < 100 || stats.hot_bytes + stats.slot_bytes + stats.key_bytes <= 2 * most);
    }
}

#[test]
fn a_reader_of_a_state_between_finds_documents_by_key_after_a_restore() {
    let client = Client::open(":memory:", options()).unwrap();
    client.insert("a", &[one(1, 1), one(2, 2)], InsertOrder::Ordered).unwrap();
    let number = snapshot(&client);
    client.delete_id("a", &Value::Int(1)).unwrap();
    client.insert("a", &[one(1, 9)], InsertOrder::Ordered).unwrap();
    let between = snapshot(&client);
    let txn = Txn::begin(&client, 1);
    let by_key = |txn: &Txn<'_>| txn.find("a", &one(1, 9), FindOptions::default()).unwrap();
    assert_eq!(by_key(&txn), [one(1, 9)]);
    restore(&client, number);
    assert_eq!(by_key(&txn), [one(1, 9)]);
    assert_eq!(client.find("a", &object(&[])).unwrap(), [one(1, 1), one(2, 2)]);
    restore(&client, between);
    assert_eq!(client.find("a", &object(&[])).unwrap(), [one(2, 2), one(1, 9)]);
    assert_eq!(client.get("a", &Value::Int(1)).unwrap(), Some(one(1, 9)));
    // It was written since the snapshot of the transaction, if only to what it was.
    txn.call("a", update_of(&one(1, 9), &object(&[("$inc", object(&[("x", Value::Int(1))]))]), Reach::One))
        .map(drop)
        .unwrap_err();
}

#[test]
fn an_index_that_was_hidden_before_it_was_dropped_comes_back_as_the_snapshot_has_it() {
    let client = Client::open(":memory:", options()).unwrap();
    client.insert("a", &[one(1, 1), one(2, 2)], InsertOrder::Ordered).unwrap();
    client.database.create_indexes("a", &[spec(&[("x", 1)], &[])]).unwrap();
    let (number, expected) = (snapshot(&client), seen(&client));
    let hidden = object(&[("name", text("x_1")), ("hidden", Value::Bool(true))]);
    client.call("a", Operation::CollMod { changes: incoming(&object(&[("index", hidden)])) }).unwrap();
    client.database.drop_index("a", "x_1").unwrap();
    restore(&client, number);
    assert_eq!(seen(&client), expected);
}

#[test]
fn a_transaction_that_was_open_at_a_restore_conflicts_where_that_has_changed_what_it_writes() {
    let client = Client::open(":memory:", options()).unwrap();
    client.insert("a", &[one(1, 1), one(2, 2)], InsertOrder::Ordered).unwrap();
    let number = snapshot(&client);
    client.insert("made", &[one(1, 1)], InsertOrder::Ordered).unwrap();
    client
        .update("a", &one(1, 1), &object(&[("$set", object(&[("x", Value::Int(5))]))]), Reach::One)
        .unwrap();
    let change = object(&[("$inc", object(&[("x", Value::Int(1))]))]);
    let open = |transaction, name: &str, id| {
        let txn = Txn::begin(&client, transaction);
        txn.call(name, update_of(&object(&[("_id", Value::Int(id))]), &change, Reach::One)).unwrap();
        txn
    };
    let (changed, gone, other) = (open(1, "a", 1), open(2, "made", 1), open(3, "a", 2));
    restore(&client, number);
    assert_eq!(changed.commit().unwrap_err().kind(), Kind::Conflict);
    assert_eq!(gone.commit().unwrap_err().kind(), Kind::Conflict);
    other.commit().unwrap();
    assert_eq!(client.find("a", &object(&[])).unwrap(), [one(1, 1), one(2, 3)]);
    assert_eq!(client.count("made", &object(&[])).unwrap(), 0);
}

#[test]
fn writes_take_effect_before_or_after_a_restore_as_they_were_called() {
    let client = Client::open(":memory:", options()).unwrap();
    let documents: Vec<_> = (0..3_000).map(|id| one(id, 0)).collect();
    client.insert("a", &documents, InsertOrder::Ordered).unwrap();
    let number = snapshot(&client);
    let change = object(&[("$inc", object(&[("x", Value::Int(1))]))]);
    for round in 0..50 {
        let (sender, receiver) = channel();
        let task = |name: &str, operation| {
            let sender = sender.clone();
            let reply = Box::new(move |answered: Answered| sender.send(answered.answer.map(drop)).unwrap());
            Task { name: name.into(), operation, transaction: 0, limits: Limits::default(), reply }
        };
        let insert =
            |id| Operation::Insert { documents: vec![incoming(&one(id, 7))], order: InsertOrder::Ordered };
        client.session.submit(
            vec![
                task("a", update_of(&object(&[]), &change, Reach::Many)),
                task("b", insert(1)),
                task("", Operation::Restore { snapshot: number }),
                task("a", update_of(&object(&[("x", Value::Int(0))]), &change, Reach::Many)),
                task("b", insert(2)),
            ],
            Size::Any,
        );
        (0..5).for_each(|_| receiver.recv().unwrap().unwrap());
        assert_eq!(client.count("a", &object(&[("x", Value::Int(1))])).unwrap(), 3_000, "round {round}");
        assert_eq!(client.find("b", &object(&[])).unwrap(), [one(2, 7)], "round {round}");
        restore(&client, number);
    }
}

#[test]
fn snapshots_are_of_databases_in_memory_and_forks_of_any() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db");
    let client = Client::open(path.to_str().unwrap(), options()).unwrap();
    let refused = client.call("", Operation::Snapshot).map(drop).unwrap_err();
    assert_eq!(refused.kind(), Kind::NotSupported);
    client
        .insert("a", &(0..500).map(|id| one(id, id % 4)).collect::<Vec<_>>(), InsertOrder::Ordered)
        .unwrap();
    client.insert("other\0a", &[one(7, 7)], InsertOrder::Ordered).unwrap();
    client.database.create_indexes("a", &[spec(&[("x", 1)], &[])]).unwrap();
    client.delete_id("a", &Value::Int(3)).unwrap();
    for _ in 0..2 {
        let expected = seen(&client);
        let copy = fork(&client);
        assert_eq!(seen(&copy), expected);
        copy.database.check_indexes().unwrap();
        assert_eq!(copy.database.describe().name, client.database.describe().name);
        copy.delete("a", &object(&[]), Reach::Many).unwrap();
        assert_eq!(seen(&client), expected);
        client.database.compact().unwrap();
    }
    client.database.close().unwrap();
    let limited = OpenOptions { memory_limit: MemoryLimit::Bytes(1_000), ..options() };
    let client = Client::open(path.to_str().unwrap(), limited).unwrap();
    let Err(refused) = client.database.fork() else { panic!("it does not fit") };
    assert_eq!(refused.kind(), Kind::Limit);
    client.database.close().unwrap();
    let Err(refused) = client.database.fork() else { panic!("it is closed") };
    assert_eq!(refused.kind(), Kind::Closed);
}

#[test]
fn a_snapshot_of_another_database_or_one_that_was_released_is_refused() {
    let client = Client::open(":memory:", options()).unwrap();
    let refused =
        |number| client.call("", Operation::Restore { snapshot: number }).map(drop).unwrap_err().kind();
    assert_eq!(refused(1), Kind::Argument);
    let number = snapshot(&client);
    restore(&client, number);
    release(&client, number);
    release(&client, number);
    assert_eq!(refused(number), Kind::Argument);
    let all: Vec<u64> = (0..10_000).map(|_| snapshot(&client)).collect();
    assert_eq!(client.call("", Operation::Snapshot).map(drop).unwrap_err().kind(), Kind::Limit);
    client.insert("a", &[one(1, 1)], InsertOrder::Ordered).unwrap();
    restore(&client, all[5_000]);
    restore(&client, all[1]);
    assert_eq!(seen(&client), Seen::new());
    client.database.close().unwrap();
    assert_eq!(refused(all[1]), Kind::Closed);
}

#[test]
fn a_restore_beside_writers_leaves_the_state_of_the_snapshot_and_what_was_written_after_it() {
    let client = Arc::new(Client::open(":memory:", options()).unwrap());
    client.insert("a", &(0..200).map(|id| one(id, 0)).collect::<Vec<_>>(), InsertOrder::Ordered).unwrap();
    client.database.create_indexes("a", &[spec(&[("x", 1)], &[])]).unwrap();
    let number = snapshot(&client);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (client, stop) = (&client, &stop);
            scope.spawn(move || {
                let mut dice = fastrand::Rng::with_seed(thread);
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let id = dice.i32(0..300);
                    let _ = client.set("a", &[(one(id, dice.i32(0..9)), None)]);
                    let _ = client.delete_id("a", &Value::Int(dice.i32(0..300)));
                }
            });
        }
        for _ in 0..300 {
            restore(&client, number);
            let found = client.find("a", &object(&[("x", Value::Int(3))])).unwrap();
            assert!(found.iter().all(|one| format!("{one:?}").contains("3")));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    restore(&client, number);
    client.database.check_indexes().unwrap();
    assert_eq!(client.find("a", &object(&[])).unwrap(), (0..200).map(|id| one(id, 0)).collect::<Vec<_>>());
}
