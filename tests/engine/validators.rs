//! Validators beside what else happens: crashes, earlier states, evicted documents, transactions.

use moltendb_node::document::Value;
use moltendb_node::engine::verify::verify_on;
use moltendb_node::engine::{InsertOrder, Operation, Reach, SetEntry};
use moltendb_node::error::Kind;
use moltendb_node::options::{AutoCompact, StorageMode};
use moltendb_node::{OpenOptions, Result};

use crate::disk::{DIR, Disk};
use crate::sim::Sim;
use crate::support::{Client, incoming, object};
use crate::transactions::Txn;

fn document(id: i32, n: i32) -> Value {
    object(&[("_id", Value::Int(id)), ("n", Value::Int(n)), ("text", Value::String("x".repeat(300)))])
}

/// Documents must have an `n` of at most this.
fn at_most(most: i32) -> Value {
    object(&[("n", object(&[("$lte", Value::Int(most))]))])
}

fn with(validator: &Value) -> Value {
    object(&[("validator", validator.clone())])
}

fn create(client: &Client, options: &Value) -> Result<()> {
    client.call("c", Operation::Create { options: Some(incoming(options)) }).map(drop)
}

fn coll_mod(client: &Client, changes: &Value) -> Result<()> {
    client.call("c", Operation::CollMod { changes: incoming(changes) }).map(drop)
}

fn is_refused<T>(result: Result<T>) -> bool {
    result.is_err_and(|error| error.kind() == Kind::SchemaViolation)
}

/// Sets every document to this `n`; the first that is refused ends it.
fn set_all(client: &Client, n: i32) -> Result<(u64, u64)> {
    let update = object(&[("$set", object(&[("n", Value::Int(n))]))]);
    client.update("c", &object(&[]), &update, Reach::Many)
}

#[test]
fn documents_on_disk_are_checked_as_those_in_memory_are() {
    let disk = Disk::default();
    let options = OpenOptions { checkpoint_from: 0, memory_limit: Some(1).into(), ..OpenOptions::default() };
    let open = || Client::open_on(&disk.host(), DIR, options.clone()).unwrap();
    let client = open();
    let documents: Vec<_> = (0..500).map(|id| document(id, id % 10)).collect();
    client.insert("c", &documents, InsertOrder::Ordered).unwrap();
    client.database.compact().unwrap();
    client.database.close().unwrap();
    let client = open();
    coll_mod(&client, &with(&at_most(5))).unwrap();
    // Documents that were not valid before may stay so.
    coll_mod(&client, &object(&[("validationLevel", Value::String("moderate".into()))])).unwrap();
    let update = object(&[("$set", object(&[("n", Value::Int(9))]))]);
    let over = object(&[("n", object(&[("$gt", Value::Int(5))]))]);
    assert_eq!(client.update("c", &over, &update, Reach::Many).unwrap(), (200, 150));
    assert!(is_refused(set_all(&client, 9)));
    let entry = |id, n| [SetEntry { document: incoming(&document(id, n)), if_version: None }];
    let set = |id, n| client.call("c", Operation::Set { entries: entry(id, n).into() }).map(drop);
    assert!(set(6, 8).is_ok() && is_refused(set(1, 8)) && is_refused(set(1_000, 8)));
    client.database.close().unwrap();
    assert!(verify_on(&disk.host(), DIR).unwrap().ok);
}

#[test]
fn a_crash_within_the_change_of_a_validator_leaves_the_one_before_or_the_new_one() {
    let (mut before, mut after) = (0, 0);
    for seed in 0..60 {
        let sim = Sim::new(seed);
        let options = OpenOptions {
            storage: StorageMode::Sync,
            segment_size: 1 << 16,
            auto_compact: AutoCompact::Off,
            ..OpenOptions::default()
        };
        let open = || Client::open_on(&sim.process(), "/db", options.clone()).unwrap();
        let client = open();
        create(&client, &with(&at_most(5))).unwrap();
        sim.die_after(seed / 6 % 5);
        let outcome = coll_mod(&client, &with(&at_most(7)));
        drop(client);
        if seed % 3 == 0 {
            sim.process();
            sim.cut();
        }
        let client = open();
        let fits = |n| client.set("c", &[(document(1, n), None)]);
        assert!(is_refused(fits(8)) && fits(5).is_ok(), "seed {seed}");
        let is_new = fits(6).is_ok();
        assert!(is_new || outcome.is_err(), "seed {seed}: it was acknowledged");
        *(if is_new { &mut after } else { &mut before }) += 1;
    }
    assert!(before > 3 && after > 3, "{before} before, {after} after");
}

#[test]
fn the_rules_of_a_commit_are_those_of_its_moment_whoever_changes_them_meanwhile() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    create(&client, &with(&at_most(5))).unwrap();
    std::thread::scope(|scope| {
        let changes = scope.spawn(|| {
            for turn in 0..300 {
                coll_mod(&client, &with(&at_most(if turn % 2 == 0 { 9 } else { 5 }))).unwrap();
            }
        });
        let mut id = 0;
        while !changes.is_finished() {
            let n = 1 + id % 9;
            let set = client.set("c", &[(document(id % 50, n), None)]);
            assert!(set.is_ok() || n > 5, "{n}");
            let txn = Txn::begin(&client, 1);
            let entries = vec![SetEntry { document: incoming(&document(100, n)), if_version: None }];
            match txn.call("c", Operation::Set { entries }) {
                Ok(_) => assert!(txn.commit().is_ok() || n > 5, "{n}"),
                Err(_) => {
                    txn.abort();
                    assert!(n > 5, "{n}");
                }
            }
            id += 1;
        }
    });
    // What is there was valid when it was written, and what is written now must be.
    coll_mod(&client, &with(&at_most(5))).unwrap();
    assert!(is_refused(set_all(&client, 6)));
    assert!(set_all(&client, 5).is_ok());
}
