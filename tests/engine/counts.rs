//! Counts by an index beside writers: a count is that of one state, whatever is applied, superseded or still read meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::indexes::spec;
use crate::support::{Client, object};
use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::{InsertOrder, Reach};
use moltendb_node::options::StorageMode;

const DOCUMENTS: i32 = 400;
const CITIES: i32 = 10;
const ROUNDS: i32 = 300;

fn document(id: i32, city: i32) -> Value {
    object(&[("_id", Value::Int(id)), ("city", Value::Int(city)), ("n", Value::Int(0))])
}

fn in_cities(cities: std::ops::Range<i32>) -> Value {
    object(&[("city", object(&[("$in", Value::Array(cities.map(Value::Int).collect()))]))])
}

#[test]
fn documents_that_move_between_the_keys_of_an_index_are_each_counted_once() {
    let seed = fastrand::u64(..);
    for mode in [Some(StorageMode::Async), Some(StorageMode::Sync), None] {
        let directory = tempfile::tempdir().unwrap();
        let path = match mode {
            Some(_) => directory.path().join("db").to_str().unwrap().to_owned(),
            None => ":memory:".to_owned(),
        };
        let options = OpenOptions { storage: mode.unwrap_or(StorageMode::Async), ..OpenOptions::default() };
        let client = Client::open(&path, options).unwrap();
        client.database.create_indexes("c", &[spec(&[("city", 1)], &[])]).unwrap();
        let documents: Vec<Value> = (0..DOCUMENTS).map(|id| document(id, id % CITIES)).collect();
        client.insert("c", &documents, InsertOrder::Ordered).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let own = || Client { database: client.database.clone(), session: client.database.session() };
            let movers: Vec<_> = (0..3)
                .map(|thread| {
                    let client = own();
                    scope.spawn(move || {
                        let mut random = fastrand::Rng::with_seed(seed ^ thread);
                        for n in 0..ROUNDS {
                            let id = random.i32(0..DOCUMENTS);
                            // To and fro: the same entry comes and goes while older versions of it are still there.
                            let city = if n % 3 == 0 { random.i32(0..CITIES) } else { id % 2 };
                            let set = object(&[("$set", object(&[("city", Value::Int(city))]))]);
                            client
                                .update("c", &object(&[("_id", Value::Int(id))]), &set, Reach::One)
                                .unwrap();
                            let extra = DOCUMENTS + thread as i32;
                            client.insert("c", &[document(extra, CITIES + 5)], InsertOrder::Ordered).unwrap();
                            assert!(client.delete_id("c", &Value::Int(extra)).unwrap());
                        }
                    })
                })
                .collect();
            for reader in 0..2 {
                let (client, done) = (own(), &done);
                scope.spawn(move || {
                    let mut cursor = None;
                    for n in 0.. {
                        if done.load(Ordering::Relaxed) {
                            break;
                        }
                        // An open cursor keeps an older state, and with it the entries of older versions.
                        if reader == 0 && n % 40 == 0 {
                            let begun = client.first("c", &in_cities(0..CITIES), 3).unwrap();
                            if let Some((open, first)) = cursor.replace(begun) {
                                let rest = client.rest(open, 0).unwrap();
                                assert_eq!(first.len() + rest.len(), DOCUMENTS as usize, "seed {seed}");
                            }
                        }
                        let all = client.count("c", &in_cities(0..CITIES)).unwrap();
                        assert_eq!(all, DOCUMENTS as u64, "{mode:?}, seed {seed}");
                        let extra = client.count("c", &in_cities(CITIES + 5..CITIES + 6)).unwrap();
                        assert!(extra <= 3, "{extra} of 3 at most: {mode:?}, seed {seed}");
                    }
                });
            }
            // The readers end with the writers, also where one of those fails.
            let ended: Vec<_> = movers.into_iter().map(|mover| mover.join()).collect();
            done.store(true, Ordering::Relaxed);
            ended.into_iter().for_each(|ended| ended.unwrap());
        });
        let found = client.find("c", &object(&[])).unwrap();
        for city in 0..CITIES {
            let own = found.iter().filter(|document| is_in(document, city)).count() as u64;
            assert_eq!(client.count("c", &in_cities(city..city + 1)).unwrap(), own, "{mode:?}, seed {seed}");
        }
        client.database.close().unwrap();
    }
}

fn is_in(document: &Value, city: i32) -> bool {
    let Value::Object(fields) = document else { return false };
    fields.iter().any(|(name, value)| name == "city" && *value == Value::Int(city))
}
