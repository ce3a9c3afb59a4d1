//! Writers and readers, compared with plain maps, for as long as requested; with concurrent compactions, documents on disk,
//! kept generations, and closing, killing by copy, and reopening in between.
//!
//! ```text
//! MOLTENDB_ROUNDS=1000 MOLTENDB_WRITES=2000 MOLTENDB_THREADS=8 MOLTENDB_SEED=7 \
//!     cargo test --release --no-default-features --test soak
//! ```

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "only some of its calls are needed here")]
#[path = "engine/support.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::{InsertOrder, Reach};
use moltendb_node::options::{Retention, StorageMode};
use support::{Client, object};

/// Documents that one writer owns.
const OWN: usize = 40;

struct Dice(fastrand::Rng);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(fastrand::Rng::with_seed(seed))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0.usize(..bound)
    }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// What one writer knows: text of the id -> n and the length of the body.
type Own = BTreeMap<String, (i32, usize)>;

/// The body identifies its owner, so that half of another document is not taken for the right one.
fn body(id: &str, len: usize) -> String {
    id.bytes().cycle().take(len).map(char::from).collect()
}

fn document(id: &str, (n, len): (i32, usize)) -> Value {
    let body = Value::String(body(id, len));
    object(&[("_id", Value::String(id.to_owned())), ("n", Value::Int(n)), ("body", body)])
}

/// Whether it is complete; returns its `_id`.
fn whole(document: &Value) -> String {
    let Value::Object(fields) = document else { panic!("{document:?} is no document") };
    match (&fields[0].1, &fields[2].1) {
        (Value::String(id), Value::String(text)) if *text == body(id, text.len()) => id.clone(),
        _ => panic!("{document:?} is not what anyone wrote"),
    }
}

/// One operation whose outcome the writer knows; no other writer touches its documents.
fn step(client: &Client, writer: usize, own: &mut Own, dice: &mut Dice) {
    let id = format!("{writer}-{}", dice.below(OWN));
    let key = Value::String(id.clone());
    let (n, len) = (dice.below(1 << 20) as i32, dice.below(300));
    let filter = object(&[("_id", key.clone())]);
    match dice.below(7) {
        0 | 1 => {
            let (inserted, failed) =
                client.insert("c", &[document(&id, (n, len))], InsertOrder::Ordered).unwrap();
            assert_eq!((inserted, failed.len()), if own.contains_key(&id) { (0, 1) } else { (1, 0) });
            own.entry(id).or_insert((n, len));
        }
        2 => {
            client.set("c", &[(document(&id, (n, len)), None)]).unwrap();
            own.insert(id, (n, len));
        }
        3 => {
            let inc = object(&[("$inc", object(&[("n", Value::Int(1))]))]);
            let there = u64::from(own.contains_key(&id));
            assert_eq!(client.update("c", &filter, &inc, Reach::One).unwrap(), (there, there));
            own.entry(id).and_modify(|(n, _)| *n += 1);
        }
        4 => assert_eq!(client.delete_id("c", &key).unwrap(), own.remove(&id).is_some()),
        5 => {
            let mut entries: Own = Own::new();
            for _ in 0..1 + dice.below(20) {
                entries.insert(format!("{writer}-{}", dice.below(OWN)), (n, len));
            }
            let all: Vec<_> = entries.iter().map(|(id, state)| (document(id, *state), None)).collect();
            client.set("c", &all).unwrap();
            own.extend(entries);
        }
        _ => assert_eq!(
            client.get("c", &key).unwrap(),
            own.get(&id).map(|state| document(&id, *state)),
            "{id} is not what was written"
        ),
    }
}

fn compare(client: &Client, owners: &[Own], when: &str) {
    let mut found: Vec<String> =
        client.find("c", &object(&[])).unwrap().iter().map(|one| format!("{one:?}")).collect();
    let all = owners.iter().flatten();
    let mut expected: Vec<String> = all.map(|(id, state)| format!("{:?}", document(id, *state))).collect();
    found.sort();
    expected.sort();
    assert_eq!(client.count("c", &object(&[])).unwrap(), expected.len() as u64, "{when}");
    assert!(found == expected, "{when}: documents differ");
}

/// A scan has every document once during writes, a cursor's batches are from one state, and a read by `_id` finds that
/// document or none.
fn read(client: &Client, writers: usize, mut dice: Dice, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        let (cursor, mut documents) = client.first("c", &object(&[]), 17).unwrap();
        for _ in 0..20 {
            let id = format!("{}-{}", dice.below(writers), dice.below(OWN));
            if let Some(document) = client.get("c", &Value::String(id.clone())).unwrap() {
                assert_eq!(whole(&document), id);
            }
        }
        documents.extend(client.rest(cursor, 17).unwrap());
        let ids: std::collections::BTreeSet<String> = documents.iter().map(whole).collect();
        assert_eq!(ids.len(), documents.len(), "a scan met a document twice");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[test]
fn writers_and_readers_agree_with_plain_maps_across_reopening() {
    let seed = setting("MOLTENDB_SEED", 1);
    let (rounds, writes) = (setting("MOLTENDB_ROUNDS", 6), setting("MOLTENDB_WRITES", 300));
    let threads = setting("MOLTENDB_THREADS", 4);
    println!("MOLTENDB_SEED={seed}");
    let directory = tempfile::tempdir().unwrap();
    let mut path: PathBuf = directory.path().join("db-0");
    let mut owners = vec![Own::new(); threads];
    let mut dice = Dice::new(seed as u64);
    for round in 0..rounds {
        let storage = if round % 4 == 3 { StorageMode::Sync } else { StorageMode::Async };
        let options = OpenOptions {
            storage,
            segment_size: 1 << 16,
            memory_limit: [None, Some(1), Some(10_000)][round % 3].into(),
            retention: Retention { generations: round as u32 % 2 },
            ..OpenOptions::default()
        };
        let client = Client::open(path.to_str().unwrap(), options).unwrap();
        compare(&client, &owners, &format!("round {round}, after opening"));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let session = |database| Client { session: client.database.session(), database };
            let (reader, compactor) = (session(client.database.clone()), client.database.clone());
            let (stop, its_dice) = (&stop, Dice::new(dice.below(1 << 30) as u64));
            scope.spawn(move || read(&reader, threads, its_dice, stop));
            scope.spawn(move || {
                while !stop.load(Ordering::Acquire) {
                    compactor.compact().unwrap();
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
            });
            let workers: Vec<_> = owners
                .iter_mut()
                .enumerate()
                .map(|(writer, own)| {
                    let client = session(client.database.clone());
                    let mut dice = Dice::new(dice.below(1 << 30) as u64);
                    scope.spawn(move || {
                        for _ in 0..writes {
                            step(&client, writer, own, &mut dice);
                        }
                    })
                })
                .collect();
            let results: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
            stop.store(true, Ordering::Release);
            assert!(results.iter().all(|result| result.is_ok()), "round {round}, MOLTENDB_SEED={seed}");
        });
        compare(&client, &owners, &format!("round {round}, before closing"));
        if dice.below(2) == 0 {
            // The next round opens a copy that was never closed, as a killed process leaves it.
            let next = directory.path().join(format!("db-{}", round + 1));
            copy(&path, &next);
            client.database.close().unwrap();
            std::fs::remove_dir_all(&path).unwrap();
            path = next;
        } else {
            client.database.close().unwrap();
        }
    }
    let client = Client::open(path.to_str().unwrap(), OpenOptions::default()).unwrap();
    compare(&client, &owners, "at the end");
    client.database.close().unwrap();
}
