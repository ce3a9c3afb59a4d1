//! TTL indexes, compared with a list of documents and their times, across restarts, compactions, checkpoints and crashes. `TTL_RUNS` sets the
//! number of runs, `SEED` the first seed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moltendb_node::document::Value;
use moltendb_node::engine::verify::verify_on;
use moltendb_node::engine::{Answer, InsertOrder, Operation, Reach};
use moltendb_node::options::{AutoCompact, History, PastHistory, PastLimits, StorageMode};
use moltendb_node::storage::host::Clock;
use moltendb_node::storage::{Host, Lsn, Moment};
use moltendb_node::{OpenOptions, Result};

use crate::disk::{DIR, Disk};
use crate::sim::{Dice, Sim};
use crate::support::{Client, incoming, object, reopened};

const NAME: &str = "c";

/// A clock that the test moves.
struct Hands(AtomicU64);

impl Clock for Hands {
    fn now_millis(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn spec(path: &str, seconds: Option<Value>, more: &[(&str, Value)]) -> Value {
    let key = Value::Array(vec![Value::Array(vec![text(path), Value::Int(1)])]);
    let mut fields = vec![("key", key)];
    fields.extend(seconds.map(|seconds| ("expireAfterSeconds", seconds)));
    fields.extend(more.iter().cloned());
    object(&fields)
}

fn create_index(client: &Client, spec: &Value) -> Result<()> {
    client.call(NAME, Operation::CreateIndexes { specs: vec![incoming(spec)] }).map(drop)
}

fn coll_mod(client: &Client, index: &[(&str, Value)]) -> Result<Value> {
    let changes = object(&[("index", object(index))]);
    match client.call(NAME, Operation::CollMod { changes: incoming(&changes) })?.1 {
        Answer::Value(value) => Ok(value),
        _ => panic!("collMod has another answer"),
    }
}

/// After how many seconds documents expire, by the names of the indexes.
fn listed(client: &Client) -> BTreeMap<String, Option<Value>> {
    let Answer::Values(rows) = client.call(NAME, Operation::ListIndexes).unwrap().1 else {
        panic!("a listing has another answer")
    };
    let field = |row: &Value, name: &str| match row {
        Value::Object(fields) => fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()),
        _ => None,
    };
    rows.iter()
        .map(|row| match field(row, "name") {
            Some(Value::String(name)) => (name, field(row, "expireAfterSeconds")),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// The earliest date of a value, if it has one.
fn earliest(value: &Value) -> Option<i64> {
    match value {
        Value::Date(date) => Some(*date),
        Value::Array(items) => items
            .iter()
            .filter_map(|item| match item {
                Value::Date(date) => Some(*date),
                _ => None,
            })
            .min(),
        _ => None,
    }
}

fn time(dice: &mut Dice, now: i64) -> Value {
    let mut date = || Value::Date(now - 20_000 + dice.below(40) as i64 * 1_000);
    let one = date();
    let other = date();
    match dice.below(8) {
        0 => Value::Null,
        1 => text("2001"),
        2 => Value::Int(5),
        3 => Value::Array(vec![one, text("x"), other]),
        4 => Value::Array(vec![]),
        _ => one,
    }
}

#[test]
fn exactly_what_has_expired_is_deleted() {
    let runs = std::env::var("TTL_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(40);
    let first: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    for seed in first..first + runs {
        let mut dice = Dice::new(seed);
        let clock = Arc::new(Hands(AtomicU64::new(1_700_000_000_000)));
        let disk = Disk::default();
        let host = || Host { clock: clock.clone(), ..disk.host() };
        let options = OpenOptions {
            checkpoint_from: 0,
            rebase_from: 4 << 10,
            auto_compact: AutoCompact::Off,
            memory_limit: [None, Some(1)][seed as usize % 2].into(),
            ..OpenOptions::default()
        };
        let open = || Client::open_on(&host(), DIR, options.clone()).unwrap();
        let mut client = open();
        let is_partial = dice.below(2) == 0;
        let partial = object(&[("kept", Value::Bool(false))]);
        let more: &[(&str, Value)] =
            if is_partial { &[("partialFilterExpression", partial.clone())] } else { &[] };
        let (mut seconds, mut direct) = (dice.below(10) as i64, dice.below(2) == 0);
        create_index(&client, &spec("t", direct.then(|| Value::number(seconds as f64)), more)).unwrap();
        let mut model: Vec<(i32, Value, bool)> = Vec::new();
        let mut next = 0;
        for step in 0..40 {
            let context = format!("seed {seed}, step {step}, partial {is_partial}");
            let now = clock.now_millis() as i64;
            match dice.below(12) {
                0..=3 => {
                    for _ in 0..[1, 5, 300][dice.below(3)] {
                        model.push((next, time(&mut dice, now), dice.below(2) == 0));
                        next += 1;
                        let (id, time, kept) = model.last().unwrap();
                        let fields =
                            [("_id", Value::Int(*id)), ("t", time.clone()), ("kept", Value::Bool(*kept))];
                        client.insert(NAME, &[object(&fields)], InsertOrder::Ordered).unwrap();
                    }
                }
                4 if !model.is_empty() => {
                    let at = dice.below(model.len());
                    model[at].1 = time(&mut dice, now);
                    let set = object(&[("$set", object(&[("t", model[at].1.clone())]))]);
                    client
                        .update(NAME, &object(&[("_id", Value::Int(model[at].0))]), &set, Reach::One)
                        .unwrap();
                }
                5 => {
                    seconds = dice.below(12) as i64;
                    direct = true;
                    let seconds = ("expireAfterSeconds", Value::number(seconds as f64));
                    coll_mod(&client, &[("name", text("t_1")), seconds]).unwrap();
                }
                6 => drop(clock.0.fetch_add(dice.below(8_000) as u64, Ordering::Relaxed)),
                7 => drop(client.database.compact().unwrap()),
                8 => drop(client.database.write_checkpoint().unwrap()),
                9 => {
                    client.database.close().unwrap();
                    client = open();
                }
                _ => {
                    let before = model.len();
                    let by = now - seconds * 1_000;
                    model.retain(|(_, time, kept)| {
                        let is_over = earliest(time).is_some_and(|date| date <= by);
                        !(direct && is_over && !(is_partial && *kept))
                    });
                    let deleted = client.database.delete_expired().unwrap();
                    assert_eq!(deleted as usize, before - model.len(), "{context}");
                }
            }
            let found: Vec<Value> = model
                .iter()
                .map(|(id, time, kept)| {
                    object(&[("_id", Value::Int(*id)), ("t", time.clone()), ("kept", Value::Bool(*kept))])
                })
                .collect();
            assert_eq!(client.find(NAME, &object(&[])).unwrap(), found, "{context}");
        }
        client.database.check_indexes().unwrap();
        client.database.close().unwrap();
        assert!(verify_on(&disk.host(), DIR).unwrap().ok, "seed {seed}");
    }
}

#[test]
fn when_documents_expire_comes_back_from_log_snapshot_checkpoint_and_earlier_states() {
    for ways in 0..4 {
        let disk = Disk::default();
        let history = History { past: PastHistory::Keep(PastLimits::DEFAULT), ..History::default() };
        let options = OpenOptions { checkpoint_from: 0, history, ..OpenOptions::default() };
        let open = || Client::open_on(&disk.host(), DIR, options.clone()).unwrap();
        let client = open();
        create_index(&client, &spec("a", Some(Value::Int(5)), &[])).unwrap();
        create_index(&client, &spec("b", None, &[("hidden", Value::Bool(true))])).unwrap();
        create_index(&client, &spec("gone", Some(Value::Int(1)), &[])).unwrap();
        let before = client.database.stats().unwrap().last_lsn;
        let change = |client: &Client, name: &str, seconds: i32| {
            coll_mod(client, &[("name", text(name)), ("expireAfterSeconds", Value::Int(seconds))]).unwrap()
        };
        let number = |number: i32| Value::Int(number);
        let old_and_new =
            object(&[("expireAfterSeconds_old", number(5)), ("expireAfterSeconds_new", number(6))]);
        assert_eq!(change(&client, "a_1", 6), old_and_new);
        assert_eq!(change(&client, "a_1", 6), object(&[]), "no change");
        assert_eq!(change(&client, "b_1", 7), object(&[("expireAfterSeconds_new", number(7))]));
        client.call(NAME, Operation::DropIndex { index: incoming(&text("gone_1")) }).unwrap();
        if ways & 1 != 0 {
            client.database.compact().unwrap();
        }
        if ways & 2 != 0 {
            client.database.write_checkpoint().unwrap();
        }
        change(&client, "b_1", 8);
        client.database.close().unwrap();
        assert!(verify_on(&disk.host(), DIR).unwrap().ok);
        let client = open();
        let id = ("_id_".to_owned(), None);
        let now = [("a_1".to_owned(), Some(number(6))), ("b_1".to_owned(), Some(number(8))), id.clone()];
        assert_eq!(listed(&client), BTreeMap::from(now), "{ways}");
        // Made again it is as it is said then.
        create_index(&client, &spec("gone", None, &[])).unwrap();
        assert_eq!(listed(&client)["gone_1"], None);
        let past = client.database.as_of(Moment::Lsn(Lsn(before))).unwrap();
        let past = Client { session: past.session(), database: past };
        assert_eq!(listed(&past)["a_1"], Some(number(5)));
        client.database.close().unwrap();
    }
}

#[test]
fn what_is_wrong_is_refused_with_the_code_of_the_server() {
    let client = Client::open(":memory:", OpenOptions::default()).unwrap();
    let code = |outcome: Result<()>| outcome.unwrap_err().code().map_or(0, |code| code.number());
    for wrong in
        [Value::Int(-1), Value::Double(f64::NAN), Value::Double(2_147_483_648.0), text("5"), Value::Null]
    {
        assert_eq!(code(create_index(&client, &spec("t", Some(wrong.clone()), &[]))), 67, "{wrong:?}");
    }
    let pair = |path: &str| Value::Array(vec![text(path), Value::Int(1)]);
    let compound =
        object(&[("key", Value::Array(vec![pair("a"), pair("b")])), ("expireAfterSeconds", Value::Int(5))]);
    assert_eq!(code(create_index(&client, &compound)), 67);
    assert_eq!(code(create_index(&client, &spec("_id", Some(Value::Int(5)), &[]))), 197);
    create_index(&client, &spec("t", Some(Value::Double(i32::MAX.into())), &[])).unwrap();
    create_index(&client, &spec("t", Some(Value::Double(f64::from(i32::MAX) + 0.5)), &[])).unwrap();
    assert_eq!(code(create_index(&client, &spec("t", Some(Value::Int(5)), &[]))), 85);
    assert_eq!(code(create_index(&client, &spec("t", Some(Value::Int(5)), &[("name", text("other"))]))), 85);
    assert_eq!(code(create_index(&client, &spec("t", None, &[]))), 85);
    create_index(&client, &object(&[("key", Value::Array(vec![pair("a"), pair("b")]))])).unwrap();
    let seconds = |seconds: Value| ("expireAfterSeconds", seconds);
    let of = |index: &[(&str, Value)]| code(coll_mod(&client, index).map(drop));
    assert_eq!(of(&[("name", text("a_1_b_1")), seconds(Value::Int(5))]), 72);
    assert_eq!(of(&[("name", text("_id_")), seconds(Value::Int(5))]), 72);
    assert_eq!(of(&[("name", text("t_1")), seconds(Value::Int(-5))]), 72);
    assert_eq!(of(&[("name", text("t_1")), seconds(Value::Double(f64::NAN))]), 72);
    assert_eq!(of(&[("name", text("t_1")), seconds(text("x"))]), 14);
    assert_eq!(of(&[("name", text("none")), seconds(Value::Int(5))]), 27);
    assert_eq!(of(&[("name", text("t_1"))]), 72);
}

#[test]
fn a_crash_during_a_deletion_leaves_documents_that_the_next_pass_deletes() {
    let mut left = BTreeMap::new();
    for seed in 0..60 {
        let storage = if seed % 2 == 0 { StorageMode::Async } else { StorageMode::Sync };
        let sim = Sim::new(seed);
        let client = reopened(&sim.process(), storage);
        create_index(&client, &spec("t", Some(Value::Int(0)), &[])).unwrap();
        let one = |n: i32| {
            // The simulation's clock stands at 0.
            let date = if n % 3 == 0 { i64::from(i32::MAX) } else { -1 };
            object(&[("_id", Value::Int(n)), ("t", Value::Date(date)), ("pad", Value::Binary(vec![1; 900]))])
        };
        client.insert(NAME, &(0..900).map(one).collect::<Vec<_>>(), InsertOrder::Ordered).unwrap();
        client.database.flush().unwrap();
        sim.die_after(seed * 3);
        let _ = client.database.delete_expired();
        drop(client);
        if seed % 3 == 0 {
            sim.process();
            sim.cut();
        }
        let client = reopened(&sim.process(), storage);
        let count = client.count(NAME, &object(&[])).unwrap();
        assert!((300..=900).contains(&count), "seed {seed}: {count}");
        *left.entry(count).or_insert(0) += 1;
        client.database.delete_expired().unwrap();
        assert_eq!(client.count(NAME, &object(&[])).unwrap(), 300, "seed {seed}");
        client.database.check_indexes().unwrap();
        client.database.close().unwrap();
    }
    assert!(left.len() > 2, "{left:?}");
}

#[test]
fn the_monitor_deletes_by_itself_and_a_close_does_not_wait_for_its_pause() {
    let options =
        |ttl_interval| OpenOptions { ttl_interval, storage: StorageMode::Memory, ..OpenOptions::default() };
    for interval in [Some(Duration::from_millis(20)), None] {
        let client = Client::open(":memory:", options(interval)).unwrap();
        create_index(&client, &spec("t", Some(Value::Int(0)), &[])).unwrap();
        client
            .insert(NAME, &[object(&[("_id", Value::Int(1)), ("t", Value::Date(5))])], InsertOrder::Ordered)
            .unwrap();
        let began = std::time::Instant::now();
        let mut count = 1;
        let patience = if interval.is_some() { 20_000 } else { 200 };
        while count > 0 && began.elapsed() < Duration::from_millis(patience) {
            std::thread::sleep(Duration::from_millis(5));
            count = client.count(NAME, &object(&[])).unwrap();
        }
        assert_eq!(count, u64::from(interval.is_none()));
        client.database.close().unwrap();
    }
    let client = Client::open(":memory:", options(Some(Duration::from_secs(3_600)))).unwrap();
    create_index(&client, &spec("t", Some(Value::Int(0)), &[])).unwrap();
    let began = std::time::Instant::now();
    client.database.close().unwrap();
    assert!(began.elapsed() < Duration::from_secs(60));
}
