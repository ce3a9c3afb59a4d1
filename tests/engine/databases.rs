//! Many databases in one engine: in log, snapshot, checkpoint and copies, dropped in one commit, and in the order of writes.

use std::sync::mpsc::channel;

use moltendb_node::document::Value;
use moltendb_node::engine::verify::verify_on;
use moltendb_node::engine::{
    Answer, Answered, DatabaseCounts, InsertOrder, Isolation, Limits, Operation, Reach, Size, Step, Task,
};
use moltendb_node::error::Kind;
use moltendb_node::options::{AutoCompact, StorageMode};
use moltendb_node::{OpenOptions, Result};

use crate::disk::{DIR, Disk};
use crate::indexes::spec;
use crate::sim::Sim;
use crate::support::{Client, incoming, object, reopened, update_of};

fn one(id: i32) -> Value {
    object(&[("_id", Value::Int(id))])
}

fn insert(client: &Client, name: &str, ids: std::ops::Range<i32>) {
    client.insert(name, &ids.map(one).collect::<Vec<_>>(), InsertOrder::Ordered).unwrap();
}

fn count(client: &Client, name: &str) -> u64 {
    client.count(name, &object(&[])).unwrap()
}

/// The collections of a database, by its full name.
fn listed(client: &Client, whole: &str) -> Vec<String> {
    match client.call(whole, Operation::ListCollections { filter: None }).unwrap().1 {
        Answer::Collections(rows) => rows.into_iter().map(|row| row.name).collect(),
        _ => panic!("a listing has another answer"),
    }
}

fn names(client: &Client) -> Vec<String> {
    client.database.stats().unwrap().databases.into_iter().map(|one| one.name).collect()
}

fn rename(to: &str) -> Operation {
    Operation::Rename { to: incoming(&Value::String(to.into())), drop_target: false }
}

fn options() -> OpenOptions {
    OpenOptions { checkpoint_from: 0, auto_compact: AutoCompact::Off, ..OpenOptions::default() }
}

#[test]
fn databases_are_apart_and_come_back_from_log_snapshot_and_checkpoint() {
    for ways in 0..4 {
        let (disk, dir) = (Disk::default(), DIR);
        let open = || Client::open_on(&disk.host(), dir, options()).unwrap();
        let client = open();
        insert(&client, "users", 0..3);
        insert(&client, "b\0users", 0..5);
        insert(&client, "b\0orders.old", 0..2);
        insert(&client, "ba\0users", 0..1);
        client.database.create_indexes("b\0users", &[spec(&[("n", 1)], &[])]).unwrap();
        client.call("b\0orders.old", rename("orders")).unwrap();
        if ways & 1 != 0 {
            client.database.compact().unwrap();
        }
        if ways & 2 != 0 {
            client.database.write_checkpoint().unwrap();
        }
        insert(&client, "b\0users", 5..6);
        client.database.close().unwrap();
        assert!(verify_on(&disk.host(), dir).unwrap().ok);
        let client = open();
        assert_eq!(listed(&client, ""), ["users"]);
        assert_eq!(listed(&client, "b\0"), ["orders", "users"]);
        assert_eq!(listed(&client, "c\0"), [""; 0]);
        let counts = ["users", "b\0users", "b\0orders", "ba\0users"].map(|name| count(&client, name));
        assert_eq!(counts, [3, 6, 2, 1]);
        let stats = client.database.stats_of("b").unwrap();
        assert_eq!((stats.collections, stats.documents, stats.indexes), (2, 8, 1));
        let named = |name: &str, collections, documents| DatabaseCounts {
            name: name.to_owned(),
            collections,
            documents,
        };
        let default = client.database.describe().name;
        let expected = [named("b", 2, 8), named("ba", 1, 1), named(&default, 1, 3)];
        let mut found = client.database.stats().unwrap().databases;
        found.sort_by_key(|one| (one.name == default, one.name.clone()));
        assert_eq!(found, expected);
        client.database.check_indexes().unwrap();
        client.database.close().unwrap();
    }
}

#[test]
fn a_database_is_dropped_by_one_commit_and_the_others_stay() {
    let disk = Disk::default();
    let open = || Client::open_on(&disk.host(), DIR, options()).unwrap();
    let client = open();
    for name in ["users", "b\0users", "b\0orders", "ba\0users"] {
        insert(&client, name, 0..3);
    }
    let before = client.database.stats().unwrap().last_lsn;
    assert!(matches!(client.call("b\0", Operation::DropDatabase).unwrap().1, Answer::Bool(true)));
    assert_eq!(client.database.stats().unwrap().last_lsn, before + 1);
    // There is nothing to drop, so nothing is written.
    for whole in ["b\0", "none\0"] {
        assert!(matches!(client.call(whole, Operation::DropDatabase).unwrap().1, Answer::Bool(true)));
    }
    assert_eq!(client.database.stats().unwrap().last_lsn, before + 1);
    insert(&client, "b\0users", 0..1);
    client.call("", Operation::DropDatabase).unwrap();
    client.database.close().unwrap();
    assert!(verify_on(&disk.host(), DIR).unwrap().ok);
    let client = open();
    assert_eq!(names(&client), ["b", "ba"]);
    assert_eq!((listed(&client, ""), count(&client, "b\0users")), (vec![], 1));
    client.database.close().unwrap();
}

#[test]
fn a_name_that_differs_only_in_case_and_invalid_names_are_refused_without_a_nul_in_the_message() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    insert(&client, "b\0users", 0..1);
    let refused = |name: &str| {
        let error = client.set(name, &[(one(1), None)]).unwrap_err();
        assert!(!error.message().contains('\0'), "{error}");
        (error.kind(), error.code().map(|code| code.number()))
    };
    assert_eq!(refused("B\0users"), (Kind::BadQuery, Some(13297)));
    for bad in ["a.b\0users", "b\0", "b\0a\0c", "b\0$x"] {
        assert_eq!(refused(bad), (Kind::BadQuery, Some(73)), "{bad:?}");
    }
    // A plain name cannot lead to another database.
    let error = client.call("b\0users", rename("c\0users")).map(drop).unwrap_err();
    assert_eq!(error.code().map(|code| code.number()), Some(73));
    assert!(!error.message().contains('\0'), "{error}");
    let error = client.call("b\0none", rename("new")).map(drop).unwrap_err();
    assert_eq!(error.message(), "the collection 'b.none' does not exist, so it cannot be renamed");
    let error = client.insert("b\0users", &[one(0)], InsertOrder::Ordered);
    assert_eq!(error.unwrap(), (0, vec![0]));
    let Answer::Inserted(outcome) = client
        .call(
            "b\0users",
            Operation::Insert { documents: vec![incoming(&one(0))], order: InsertOrder::Ordered },
        )
        .unwrap()
        .1
    else {
        panic!("an insert has another answer")
    };
    let message = outcome.failures[0].error.message().to_owned();
    assert_eq!(message, "E11000 duplicate key error collection: b.users index: _id_ dup key: { _id: 0 }");
}

#[test]
fn a_directory_may_be_renamed_and_take_the_name_of_a_database_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let open = |name: &str| Client::open(&at(name), OpenOptions::default()).unwrap();
    let client = open("app");
    insert(&client, "users", 0..1);
    insert(&client, "other\0users", 0..2);
    assert_eq!(names(&client), ["app", "other"]);
    client.database.close().unwrap();
    std::fs::rename(at("app"), at("new")).unwrap();
    let client = open("new");
    assert_eq!((names(&client), count(&client, "users")), (vec!["new".to_owned(), "other".to_owned()], 1));
    client.database.close().unwrap();
    std::fs::rename(at("new"), at("other")).unwrap();
    let client = open("other");
    assert_eq!(client.database.describe().name, "other_default");
    assert_eq!((count(&client, "users"), count(&client, "other\0users")), (1, 2));
    client.database.close().unwrap();
}

/// Submits operations without waiting; returns their answers in the order of the calls.
fn submit(client: &Client, operations: Vec<(&str, Operation)>) -> Vec<Result<Answer>> {
    let (sender, receiver) = channel();
    for (n, (name, operation)) in operations.into_iter().enumerate() {
        let sender = sender.clone();
        let reply = Box::new(move |answered: Answered| sender.send((n, answered.answer)).unwrap());
        let task = Task { name: name.into(), operation, limits: Limits::default(), reply, transaction: 0 };
        client.session.submit(vec![task], Size::Small);
    }
    drop(sender);
    let mut answers: Vec<_> = receiver.iter().collect();
    answers.sort_by_key(|(n, _)| *n);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[test]
fn the_drop_of_a_database_takes_its_turn_among_the_writes_to_it() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    let documents: Vec<_> =
        (0..300).map(|n| object(&[("_id", Value::Int(n)), ("x", Value::Int(n))])).collect();
    let put = |ids: std::ops::Range<i32>| Operation::Insert {
        documents: ids.map(|id| incoming(&one(id))).collect(),
        order: InsertOrder::Ordered,
    };
    let slow = || {
        let change = object(&[("$inc", object(&[("x", Value::Int(1))]))]);
        let filter = object(&[("x", object(&[("$gte", Value::Int(0))]))]);
        update_of(&filter, &change, Reach::Many)
    };
    let out = |into: Value| {
        let stages = Value::Array(vec![object(&[("$out", into)])]);
        Operation::Aggregate { pipeline: incoming(&stages), batch: 0, hint: None }
    };
    for round in 0..60 {
        let database = if round % 2 == 0 { "b\0" } else { "" };
        let name = |collection: &str| format!("{database}{collection}");
        let (a, fresh, later) = (name("a"), name("fresh"), name("later"));
        for source in [a.as_str(), "src\0a"] {
            client.insert(source, &documents, InsertOrder::Ordered).unwrap();
        }
        let there = if database.is_empty() { "memory" } else { "b" };
        let into = object(&[("db", Value::String(there.into())), ("coll", Value::String("made".into()))]);
        let answers = submit(
            &client,
            vec![
                (&a, slow()),
                ("src\0a", out(into)),
                (database, Operation::DropDatabase),
                // A collection that nothing has named before, and a write by filter.
                (&fresh, put(0..3)),
                (&a, slow()),
                (&a, put(0..1)),
                ("src\0b", put(0..1)),
                (
                    database,
                    if round % 3 == 0 {
                        Operation::DropDatabase
                    } else {
                        Operation::ListCollections { filter: None }
                    },
                ),
                (&later, put(0..2)),
            ],
        );
        for (n, answer) in answers.iter().enumerate() {
            assert!(answer.is_ok(), "round {round}, operation {n}: {:?}", answer.as_ref().err());
        }
        let Ok(Answer::Updated(outcome)) = &answers[4] else { panic!("round {round}") };
        assert_eq!(outcome.matched, 0, "round {round}");
        let counts = [fresh, a, name("made"), later].map(|name| count(&client, &name));
        let expected = if round % 3 == 0 { [0, 0, 0, 2] } else { [3, 1, 0, 2] };
        assert_eq!(counts, expected, "round {round}");
        assert_eq!(count(&client, "src\0b"), 1);
        for whole in ["src\0", database] {
            client.call(whole, Operation::DropDatabase).unwrap();
        }
    }
}

#[test]
fn a_transaction_spans_databases_and_drops_none() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    let call = |name: &str, operation: Operation| {
        let (sender, receiver) = channel();
        let reply = Box::new(move |answered: Answered| sender.send(answered.answer).unwrap());
        let task = Task { name: name.into(), operation, limits: Limits::default(), reply, transaction: 1 };
        client.session.submit(vec![task], Size::Any);
        receiver.recv().unwrap()
    };
    call(
        "",
        Operation::Transaction(Step::Begin {
            idle: 60_000,
            total: 600_000,
            origin: ([0; 16], 1),
            isolation: Isolation::Snapshot,
        }),
    )
    .unwrap();
    for name in ["a", "b\0a", "c\0a"] {
        let documents = vec![incoming(&one(1))];
        call(name, Operation::Insert { documents, order: InsertOrder::Ordered }).unwrap();
    }
    for (name, operation) in
        [("b\0", Operation::DropDatabase), ("", Operation::ListDatabases { filter: None })]
    {
        let error = call(name, operation).map(drop).unwrap_err();
        assert_eq!(error.code().map(|code| code.number()), Some(263));
    }
    let before = client.database.stats().unwrap().last_lsn;
    call("", Operation::Transaction(Step::Commit)).unwrap();
    assert_eq!(client.database.stats().unwrap().last_lsn, before + 1);
    assert_eq!(["a", "b\0a", "c\0a"].map(|name| count(&client, name)), [1, 1, 1]);
}

/// The process dies, or the power is cut, at each operation of the drop.
#[test]
fn a_crash_within_the_drop_of_a_database_leaves_all_of_it_or_nothing() {
    let (mut kept, mut lost) = (0, 0);
    for seed in 1..=60_u64 {
        let storage = if seed % 2 == 0 { StorageMode::Sync } else { StorageMode::Async };
        let context = format!("seed {seed}, {storage:?}");
        let sim = Sim::new(seed);
        let client = reopened(&sim.process(), storage);
        for n in 0..40 {
            insert(&client, &format!("b\0c{n}"), 0..2);
        }
        insert(&client, "c0", 0..2);
        client.database.flush().unwrap();
        sim.die_after(seed % 12);
        let outcome = client.call("b\0", Operation::DropDatabase).map(drop);
        drop(client);
        let cut = seed % 3 != 0;
        if cut {
            sim.process();
            sim.cut();
        }
        let client = reopened(&sim.process(), storage);
        let left = listed(&client, "b\0").len();
        assert!(left == 0 || left == 40, "{context}: {left}");
        assert_eq!(count(&client, "c0"), 2, "{context}");
        if outcome.is_ok() && (storage == StorageMode::Sync || !cut) {
            assert_eq!(left, 0, "{context}: it was acknowledged");
        }
        *(if left > 0 { &mut kept } else { &mut lost }) += 1;
    }
    assert!(kept > 5 && lost > 5, "{kept} kept, {lost} dropped");
}
