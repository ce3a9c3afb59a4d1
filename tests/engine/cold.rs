//! Threads that read, write, compact and back up one database at once, with documents that are mostly on disk. Every result
//! is compared with the whole content that its writer knows.
//!
//! Story of the defect that 5,000 tests missed: a read by `_id` stored the block that it had read before a compaction under
//! the span that the compaction had assigned to the slot meanwhile. The commit was the same, so the existing check passed. A
//! get returned another document, and the next compaction made the mixture durable.
//!
//! A document goes through states 0, 1, 2 ..., each with exactly one content, or none. Only its writer advances it, and
//! records the state that it is about to make and the state that it has made. A concurrent reader must find one of the
//! states between.
//!
//! `COLD_SECONDS` sets the time for each mode, `COLD_SEED` the seed of the choices.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::{Answer, InsertOrder, Operation, Reach};
use moltendb_node::index::Spec;
use moltendb_node::options::{AutoCompact, Retention, StorageMode};

use crate::disk::{DIR, Disk};
use crate::support::{Client, documents_of, incoming, object};

/// Threads that write, each its own documents.
const WRITERS: u64 = 3;
/// Documents of one writer: few, so that a block holds many of them and each is read often.
const OWN: u64 = 40;

struct Dice(fastrand::Rng);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.u64(..bound)
    }
}

/// A hash of a document and its state, which decides the content.
fn mixed(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn id(document: u64) -> Value {
    Value::String(format!("id-{document:04}"))
}

/// Whether there is no document in this state.
fn is_absent(document: u64, state: u64) -> bool {
    state == 0 || mixed(document << 32 | state).is_multiple_of(6)
}

/// The only valid content under this `_id` in this state. Most contents have the same length as others.
fn content(document: u64, state: u64) -> Value {
    let bits = mixed(document << 32 | state);
    let len = [40, 40, 40, 41, 300, 2_000][(bits >> 8) as usize % 6];
    let text = format!("{document}/{state} ").repeat(len / 8);
    object(&[
        ("_id", id(document)),
        ("state", Value::Int(state as i32)),
        ("n", Value::Int((state % 7) as i32)),
        ("text", Value::String(text)),
    ])
}

fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Object(fields) = value else { return None };
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// The known state of each document: the last one made, and the one being made.
struct Known {
    done: Vec<AtomicU64>,
    begun: Vec<AtomicU64>,
}

impl Known {
    fn new() -> Known {
        let zeros = || (0..WRITERS * OWN).map(|_| AtomicU64::new(0)).collect();
        Known { done: zeros(), begun: zeros() }
    }

    fn all(of: &[AtomicU64]) -> Vec<u64> {
        of.iter().map(|state| state.load(Ordering::SeqCst)).collect()
    }

    /// What was found under an `_id` must be a state of the time of the read.
    fn check(&self, document: u64, found: Option<&Value>, (least, most): (u64, u64), context: &str) {
        let Some(found) = found else {
            let absent = (least..=most).any(|state| is_absent(document, state));
            assert!(absent, "{context}: {:?} of states {least} to {most} is missing", id(document));
            return;
        };
        let state = match field(found, "state") {
            Some(Value::Int(state)) => *state as u64,
            other => panic!("{context}: {:?} has the state {other:?}", id(document)),
        };
        assert!(
            *found == content(document, state),
            "{context}: under {:?} stands what was never written there: {found:?}",
            id(document)
        );
        let there = (least..=most).contains(&state) && !is_absent(document, state);
        assert!(there, "{context}: {:?} has state {state}, not one of {least} to {most}", id(document));
    }

    /// Like `check`, for all results of a find.
    fn check_all(&self, found: &[Value], (least, most): (&[u64], &[u64]), context: &str) {
        let mut by_id: Vec<Option<&Value>> = vec![None; least.len()];
        for one in found {
            let Some(Value::String(text)) = field(one, "_id") else { panic!("{context}: {one:?}") };
            let document: usize = text[3..].parse().unwrap();
            assert!(by_id[document].replace(one).is_none(), "{context}: {text} was met twice");
        }
        for (document, found) in by_id.into_iter().enumerate() {
            self.check(document as u64, found, (least[document], most[document]), context);
        }
    }
}

/// Advances the documents of one writer.
fn write(client: &Client, known: &Known, writer: u64, mut dice: Dice, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let document = writer * OWN + dice.below(OWN);
        let (done, begun) = (&known.done[document as usize], &known.begun[document as usize]);
        let state = done.load(Ordering::SeqCst);
        let next = state + 1;
        begun.store(next, Ordering::SeqCst);
        let (key, new) = (id(document), content(document, next));
        let filter = object(&[("_id", key.clone())]);
        match (is_absent(document, state), is_absent(document, next)) {
            (true, true) => assert!(!client.delete_id("c", &key).unwrap()),
            (false, true) if dice.below(2) == 0 => assert!(client.delete_id("c", &key).unwrap()),
            (false, true) => assert_eq!(client.delete("c", &filter, Reach::One).unwrap(), 1),
            (true, false) if dice.below(2) == 0 => {
                assert_eq!(client.insert("c", &[new], InsertOrder::Ordered).unwrap(), (1, vec![]));
            }
            (false, false) if dice.below(3) > 0 => {
                let set = ["state", "n", "text"].map(|name| (name, field(&new, name).unwrap().clone()));
                let update = object(&[("$set", object(&set))]);
                // By `_id`, or by content, which a read outside of the lock has to find.
                let by_content = object(&[
                    ("n", Value::Int((state % 7) as i32)),
                    ("text", field(&content(document, state), "text").unwrap().clone()),
                ]);
                let filter = if dice.below(2) == 0 { filter } else { by_content };
                assert_eq!(client.update("c", &filter, &update, Reach::One).unwrap(), (1, 1));
            }
            _ => drop(client.set("c", &[(new, None)]).unwrap()),
        }
        done.store(next, Ordering::SeqCst);
    }
}

fn get(client: &Client, known: &Known, mut dice: Dice, stop: &AtomicBool, context: &str) {
    while !stop.load(Ordering::Relaxed) {
        let wanted: Vec<u64> = (0..1 + dice.below(4))
            .map(|_| dice.below(WRITERS * OWN))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let least = Known::all(&known.done);
        let found: Vec<Option<Value>> = match wanted[..] {
            [one] => vec![client.get("c", &id(one)).unwrap()],
            _ => {
                let ids = wanted.iter().map(|one| incoming(&id(*one))).collect();
                let (collection, answer) = client.call("c", Operation::GetMany { ids }).unwrap();
                let Answer::Documents(documents) = answer else { panic!("a getMany has another answer") };
                documents_of(collection, documents)
            }
        };
        for (document, found) in wanted.into_iter().zip(&found) {
            let most = known.begun[document as usize].load(Ordering::SeqCst);
            known.check(document, found.as_ref(), (least[document as usize], most), context);
        }
    }
}

/// An open cursor, its first batch, and the states between which it was opened.
type Begun = (u64, Vec<Value>, Vec<u64>, Vec<u64>);

/// Finds all documents; some cursors stay open over compactions and are read to their end later.
fn find(client: &Client, known: &Known, mut dice: Dice, stop: &AtomicBool, context: &str) {
    let mut open: VecDeque<Begun> = VecDeque::new();
    while !stop.load(Ordering::Relaxed) {
        if dice.below(3) == 0 {
            // By an index: every result has the requested value, and is whole.
            let n = dice.below(7) as i32;
            let most = |document: usize| known.begun[document].load(Ordering::SeqCst);
            for one in client.find("c", &object(&[("n", Value::Int(n))])).unwrap() {
                assert_eq!(field(&one, "n"), Some(&Value::Int(n)), "{context}: {one:?}");
                let Some(Value::String(text)) = field(&one, "_id") else { panic!("{context}: {one:?}") };
                let document: usize = text[3..].parse().unwrap();
                known.check(document as u64, Some(&one), (0, most(document)), context);
            }
            continue;
        }
        let least = Known::all(&known.done);
        let (cursor, first) = client.first("c", &object(&[]), 1 + dice.below(30) as u32).unwrap();
        let most = Known::all(&known.begun);
        open.push_back((cursor, first, least, most));
        while open.len() > dice.below(4) as usize {
            let (cursor, mut found, least, most) = open.pop_front().unwrap();
            found.extend(client.rest(cursor, 1 + dice.below(30) as u32).unwrap());
            known.check_all(&found, (&least, &most), context);
        }
    }
    for (cursor, mut found, least, most) in open {
        found.extend(client.rest(cursor, 10).unwrap());
        known.check_all(&found, (&least, &most), context);
    }
}

/// Compacts and writes checkpoints continuously, and sometimes makes a backup, which must open with a state of its time.
fn compact(client: &Client, known: &Known, on_disk: bool, stop: &AtomicBool, context: &str) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    let mut compactions = 0;
    while !stop.load(Ordering::Relaxed) {
        client.database.compact().unwrap_or_else(|error| panic!("{context}: {error}"));
        compactions += 1;
        for _ in 0..compactions % 4 {
            client.database.write_checkpoint().unwrap_or_else(|error| panic!("{context}: {error}"));
        }
        if !on_disk || compactions % 40 != 5 {
            continue;
        }
        let path = directory.path().join(compactions.to_string()).to_str().unwrap().to_owned();
        let least = Known::all(&known.done);
        client.database.backup(&path).unwrap_or_else(|error| panic!("{context}: {error}"));
        let most = Known::all(&known.begun);
        let copy = Client::open(&path, OpenOptions::default()).unwrap();
        known.check_all(&copy.find("c", &object(&[])).unwrap(), (&least, &most), context);
        copy.database.close().unwrap();
    }
    compactions
}

#[derive(Clone, Copy, Debug)]
struct Way {
    storage: StorageMode,
    memory_limit: Option<u64>,
    generations: u32,
}

fn play(way: Way, seed: u64, time: Duration) {
    let context = format!("{way:?}, COLD_SEED={seed}");
    let mut disk = Disk::default();
    disk.pace = Some(Arc::new(AtomicU64::new(seed)));
    let options = OpenOptions {
        storage: way.storage,
        memory_limit: way.memory_limit.into(),
        segment_size: 1 << 16,
        auto_compact: AutoCompact::Off,
        retention: Retention { generations: way.generations },
        ..OpenOptions::default()
    };
    let on_disk = way.storage != StorageMode::Memory;
    let path = if on_disk { DIR } else { ":memory:" };
    let open = || Client::open_on(&disk.host(), path, options.clone()).unwrap();
    let client = open();
    let known = Known::new();
    let key = Value::Array(vec![Value::Array(vec![Value::String("n".into()), Value::Int(1)])]);
    let index = object(&[("key", key), ("name", Value::String("n_1".into()))]);
    client.database.create_indexes("c", &[Spec::parse(&index).unwrap()]).unwrap();
    let stop = AtomicBool::new(false);
    let dice = |thread: u64| Dice(fastrand::Rng::with_seed(seed.wrapping_mul(1_000).wrapping_add(thread)));
    std::thread::scope(|scope| {
        let (known, stop, context) = (&known, &stop, &context);
        let session = || Client { database: client.database.clone(), session: client.database.session() };
        let mut threads = Vec::new();
        for writer in 0..WRITERS {
            let (client, dice) = (session(), dice(writer));
            threads.push(scope.spawn(move || write(&client, known, writer, dice, stop)));
        }
        for reader in 0..2 {
            let (client, dice) = (session(), dice(100 + reader));
            threads.push(scope.spawn(move || get(&client, known, dice, stop, context)));
        }
        let (finder, dice) = (session(), dice(200));
        threads.push(scope.spawn(move || find(&finder, known, dice, stop, context)));
        let compactor = session();
        threads.push(scope.spawn(move || {
            assert!(
                compact(&compactor, known, on_disk, stop, context) > 0,
                "{context}: nothing was compacted"
            );
        }));
        let until = Instant::now() + time;
        while Instant::now() < until && !threads.iter().any(|thread| thread.is_finished()) {
            std::thread::sleep(Duration::from_millis(10));
        }
        stop.store(true, Ordering::Relaxed);
        let all: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        assert!(all.iter().all(|one| one.is_ok()), "{context}: see the first panic above");
    });
    let states = Known::all(&known.done);
    assert!(states.iter().sum::<u64>() > WRITERS * OWN, "{context}: hardly anything was written");
    let check = |client: &Client| {
        known.check_all(&client.find("c", &object(&[])).unwrap(), (&states, &states), &context);
        client.database.check_indexes().unwrap_or_else(|error| panic!("{context}: {error}"));
    };
    check(&client);
    client.database.compact().unwrap();
    check(&client);
    client.database.close().unwrap();
    if on_disk {
        let client = open();
        check(&client);
        client.database.close().unwrap();
    }
}

#[test]
fn reads_beside_writes_and_compactions_find_what_was_written_wherever_it_stands() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let time = Duration::from_millis(number("COLD_SECONDS", 0) * 1_000).max(Duration::from_millis(1_500));
    let seed = number("COLD_SEED", 1);
    let way = |storage, memory_limit, generations| Way { storage, memory_limit, generations };
    let ways = [
        way(StorageMode::Memory, None, 0),
        way(StorageMode::Async, Some(1), 0),
        way(StorageMode::Sync, Some(1), 0),
        way(StorageMode::Async, Some(20_000), 2),
        way(StorageMode::Sync, Some(5_000), 0),
        way(StorageMode::Sync, None, 1),
    ];
    for (n, way) in ways.into_iter().enumerate() {
        play(way, seed + 100 * n as u64, time);
    }
}
