//! The options of a collection, changed while it is used: by one commit, which log, snapshot and checkpoint keep.

use moltendb_node::document::Value;
use moltendb_node::engine::verify::verify_on;
use moltendb_node::engine::{Answer, InsertOrder, Operation};
use moltendb_node::error::Kind;
use moltendb_node::options::{AutoCompact, History, PastHistory, PastLimits, StorageMode};
use moltendb_node::storage::{Lsn, Moment};
use moltendb_node::{OpenOptions, Result};

use crate::disk::{DIR, Disk};
use crate::sim::Sim;
use crate::support::{Client, incoming, object, reopened};

fn options() -> OpenOptions {
    OpenOptions { checkpoint_from: 0, auto_compact: AutoCompact::Off, ..OpenOptions::default() }
}

fn images(enabled: bool) -> Value {
    object(&[("changeStreamPreAndPostImages", object(&[("enabled", Value::Bool(enabled))]))])
}

fn coll_mod(client: &Client, name: &str, changes: &Value) -> Result<()> {
    client.call(name, Operation::CollMod { changes: incoming(changes) }).map(drop)
}

/// The options of a collection.
fn listed(client: &Client, name: &str) -> Value {
    let (database, name) = name.split_once('\0').map_or(("", name), |(_, name)| ("b\0", name));
    let Answer::Collections(rows) =
        client.call(database, Operation::ListCollections { filter: None }).unwrap().1
    else {
        panic!("a listing has another answer")
    };
    rows.into_iter().find(|row| row.name == name).map_or(Value::Null, |row| row.options)
}

fn fill(client: &Client, name: &str) {
    client.insert(name, &[object(&[("_id", Value::Int(1))])], InsertOrder::Ordered).unwrap();
}

#[test]
fn options_that_were_changed_come_back_from_log_snapshot_and_checkpoint() {
    for ways in 0..4 {
        let disk = Disk::default();
        let open = || Client::open_on(&disk.host(), DIR, options()).unwrap();
        let client = open();
        for name in ["one", "two", "b\0one"] {
            fill(&client, name);
        }
        coll_mod(&client, "one", &images(true)).unwrap();
        coll_mod(&client, "b\0one", &images(true)).unwrap();
        coll_mod(&client, "b\0one", &images(false)).unwrap();
        if ways & 1 != 0 {
            client.database.compact().unwrap();
        }
        if ways & 2 != 0 {
            client.database.write_checkpoint().unwrap();
        }
        coll_mod(&client, "two", &images(true)).unwrap();
        client.database.close().unwrap();
        assert!(verify_on(&disk.host(), DIR).unwrap().ok);
        let client = open();
        let found = ["one", "two", "b\0one"].map(|name| listed(&client, name));
        assert_eq!(found, [images(true), images(true), images(false)], "{ways}");
        client.database.close().unwrap();
    }
}

#[test]
fn what_is_no_change_writes_nothing_and_what_is_wrong_is_refused() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    fill(&client, "one");
    coll_mod(&client, "one", &images(true)).unwrap();
    let before = client.database.stats().unwrap().last_lsn;
    coll_mod(&client, "one", &images(true)).unwrap();
    coll_mod(&client, "one", &object(&[])).unwrap();
    let refused = |name: &str, changes: &Value| {
        let error = coll_mod(&client, name, changes).unwrap_err();
        (error.kind(), error.code().map_or(0, |code| code.number()))
    };
    assert_eq!(refused("none", &images(true)), (Kind::BadQuery, 26));
    assert_eq!(refused("one", &object(&[("image", Value::Int(1))])), (Kind::BadQuery, 40415));
    assert_eq!(refused("one", &object(&[("cappedSize", Value::Int(1))])), (Kind::BadQuery, 72));
    let wrong = object(&[("changeStreamPreAndPostImages", Value::Bool(true))]);
    assert_eq!(refused("one", &wrong), (Kind::BadQuery, 9));
    assert_eq!(client.database.stats().unwrap().last_lsn, before);
}

#[test]
fn a_snapshot_has_the_options_of_its_moment_and_earlier_states_those_of_theirs() {
    let disk = Disk::default();
    let history = History { past: PastHistory::Keep(PastLimits::DEFAULT), ..History::default() };
    let client = Client::open_on(&disk.host(), DIR, OpenOptions { history, ..options() }).unwrap();
    fill(&client, "one");
    let moments: Vec<_> = [true, false, true]
        .into_iter()
        .map(|enabled| {
            coll_mod(&client, "one", &images(enabled)).unwrap();
            client.database.compact().unwrap();
            (client.database.stats().unwrap().last_lsn, enabled)
        })
        .collect();
    for (lsn, enabled) in moments {
        let past = client.database.as_of(Moment::Lsn(Lsn(lsn))).unwrap();
        let past = Client { session: past.session(), database: past };
        assert_eq!(listed(&past, "one"), images(enabled));
    }
    client.database.close().unwrap();
}

#[test]
fn a_crash_leaves_the_options_as_they_were_or_as_they_are_to_be() {
    let (mut before, mut after) = (0, 0);
    for seed in 0..120 {
        let storage = if seed % 2 == 0 { StorageMode::Async } else { StorageMode::Sync };
        let cut = seed % 3 == 0;
        let context = format!("seed {seed}, {storage:?}, cut {cut}");
        let sim = Sim::new(seed);
        let client = reopened(&sim.process(), storage);
        fill(&client, "one");
        client.database.flush().unwrap();
        sim.die_after(seed / 6 % 5);
        let outcome = coll_mod(&client, "one", &images(true)).and_then(|()| client.database.flush());
        drop(client);
        if cut {
            sim.process();
            sim.cut();
        }
        let client = reopened(&sim.process(), storage);
        let found = listed(&client, "one");
        assert!(found == images(true) || found == object(&[]), "{context}: {found:?}");
        if outcome.is_ok() {
            assert_eq!(found, images(true), "{context}: it was acknowledged");
        }
        *(if found == images(true) { &mut after } else { &mut before }) += 1;
    }
    assert!(before > 5 && after > 5, "{before} before, {after} after");
}
