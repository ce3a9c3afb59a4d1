//! The database against a plain list: random operations, reopened now and then, the same answers throughout.
//! `CYCLES` sets how many runs, `SEED` the first seed.

use crate::support::{Client, object};
use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::{InsertOrder, Reach};
use moltendb_node::index::Spec;
use moltendb_node::options::StorageMode;

/// A small generator with a seed that replays (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % sides
    }
}

/// What the database should hold: documents in insertion order, with their versions.
#[derive(Default, Clone)]
struct Model {
    documents: Vec<(Value, Value, u64)>,
}

impl Model {
    fn place(&self, id: &Value) -> Option<usize> {
        self.documents.iter().position(|(own, _, _)| own == id)
    }

    fn put(&mut self, id: &Value, document: Value) {
        match self.place(id) {
            Some(at) => self.documents[at] = (id.clone(), document, self.documents[at].2 + 1),
            None => self.documents.push((id.clone(), document, 1)),
        }
    }

    fn contents(&self) -> Vec<Value> {
        self.documents.iter().map(|(_, document, _)| document.clone()).collect()
    }
}

fn document(dice: &mut Dice, id: &Value) -> Value {
    let mut fields = vec![("_id", id.clone()), ("n", Value::Int(dice.roll(10) as i32))];
    // Many key lists, so that the shape table fills in some runs and plain maps take over.
    let extra = format!("k{}", dice.roll(40));
    match dice.roll(4) {
        0 => fields.push((&extra, Value::String("x".repeat(dice.roll(300) as usize)))),
        1 => fields.push(("inner", object(&[(&extra, Value::Array(vec![Value::Null, Value::Long(7)]))]))),
        2 => fields.push(("big", Value::Binary(vec![7; dice.roll(100_000) as usize]))),
        _ => {}
    }
    object(&fields)
}

fn index(dice: &mut Dice) -> Spec {
    let paths = ["n", "inner", "inner.k7", "big", "k3", "_id.a"];
    let mut path = || Value::String(paths[dice.roll(paths.len() as u64) as usize].to_owned());
    let (first, second) = (path(), path());
    let mut key = vec![Value::Array(vec![first.clone(), Value::Int(if dice.roll(2) == 0 { 1 } else { -1 })])];
    if first != second && dice.roll(2) == 0 {
        key.push(Value::Array(vec![second, Value::Int(1)]));
    }
    let mut fields = vec![("key", Value::Array(key))];
    let name = format!("index-{}", dice.roll(1 << 40));
    fields.push(("name", Value::String(name)));
    match dice.roll(3) {
        0 => fields.push(("sparse", Value::Bool(true))),
        1 => {
            let few = object(&[("n", object(&[("$lt", Value::Int(5))]))]);
            fields.push(("partialFilterExpression", few));
        }
        _ => {}
    }
    Spec::parse(&object(&fields)).unwrap()
}

fn run(seed: u64, mode: StorageMode, memory_limit: Option<u64>) {
    let mut dice = Dice(seed | 1);
    let directory = tempfile::tempdir().unwrap();
    let path = match mode {
        StorageMode::Memory => ":memory:".to_owned(),
        _ => directory.path().join("db").to_str().unwrap().to_owned(),
    };
    let options =
        || OpenOptions { storage: mode, memory_limit, segment_size: 1 << 18, ..OpenOptions::default() };
    let mut client = Client::open(&path, options()).unwrap();
    let mut model = Model::default();
    let mut open_cursor: Option<(u64, Vec<Value>)> = None;
    // Drawn apart, so that a seed plays the same operations with and without.
    let mut index_dice = Dice(!seed | 1);
    for step in 0..100 {
        let context = format!("seed {seed} mode {mode:?} memory {memory_limit:?} step {step}");
        let id = match dice.roll(3) {
            0 => Value::Int(dice.roll(20) as i32),
            1 => Value::String(format!("id-{}", dice.roll(20))),
            _ => object(&[("a", Value::Int(dice.roll(5) as i32))]),
        };
        match dice.roll(13) {
            0..=2 => {
                let count = 1 + dice.roll(30) as usize;
                let ids: Vec<Value> =
                    (0..count).map(|_| Value::String(format!("id-{}", dice.roll(60)))).collect();
                let documents: Vec<Value> = ids.iter().map(|id| document(&mut dice, id)).collect();
                let order = if dice.roll(2) == 0 { InsertOrder::Ordered } else { InsertOrder::Unordered };
                let mut failed = Vec::new();
                let mut inserted = 0;
                for (n, (id, document)) in ids.iter().zip(&documents).enumerate() {
                    if model.place(id).is_some() {
                        failed.push(n);
                        if order == InsertOrder::Ordered {
                            break;
                        }
                    } else {
                        model.put(id, document.clone());
                        inserted += 1;
                    }
                }
                let answer = client.insert("c", &documents, order).unwrap();
                assert_eq!(answer, (inserted, failed), "{context}");
            }
            3..=4 => {
                let new = document(&mut dice, &id);
                model.put(&id, new.clone());
                let versions = client.set("c", &[(new, None)]).unwrap();
                let expected = model.documents[model.place(&id).unwrap()].2;
                assert_eq!(versions, [expected], "{context}");
            }
            5 => {
                let expected = model.place(&id).map(|at| model.documents.remove(at)).is_some();
                assert_eq!(client.delete_id("c", &id).unwrap(), expected, "{context}");
            }
            6..=7 => {
                let n = Value::Int(dice.roll(10) as i32);
                let mut changed = 0;
                for (_, document, version) in &mut model.documents {
                    let Value::Object(fields) = document else { unreachable!() };
                    if let Some((_, own)) = fields.iter_mut().find(|(key, own)| key == "n" && *own == n) {
                        *own = Value::Int(n_of(own) + 1);
                        *version += 1;
                        changed += 1;
                    }
                }
                let filter = object(&[("n", n)]);
                let update = object(&[("$inc", object(&[("n", Value::Int(1))]))]);
                let answer = client.update("c", &filter, &update, Reach::Many).unwrap();
                assert_eq!(answer, (changed, changed), "{context}");
            }
            8 => {
                let n = Value::Int(dice.roll(14) as i32);
                let before = model.documents.len();
                model.documents.retain(|(_, document, _)| {
                    let Value::Object(fields) = document else { unreachable!() };
                    !fields.iter().any(|(key, own)| key == "n" && *own == n)
                });
                let deleted = client.delete("c", &object(&[("n", n)]), Reach::Many).unwrap();
                assert_eq!(deleted as usize, before - model.documents.len(), "{context}");
            }
            9 => {
                if dice.roll(4) == 0 {
                    let existed = client.drop_collection("c").unwrap();
                    assert!(existed || model.documents.is_empty(), "{context}");
                    model.documents.clear();
                }
            }
            10 => {
                if let Some((cursor, expected)) = open_cursor.take() {
                    assert_eq!(client.rest(cursor, 7).unwrap(), expected, "{context}: an open cursor");
                }
                let (cursor, first) = client.first("c", &object(&[]), 3).unwrap();
                let contents = model.contents();
                assert_eq!(first, contents[..first.len()], "{context}");
                if cursor != 0 {
                    open_cursor = Some((cursor, contents[first.len()..].to_vec()));
                }
            }
            _ if mode == StorageMode::Memory => {}
            11 if dice.roll(2) == 0 => {
                let compaction = client.database.compact().unwrap();
                assert_eq!(compaction.documents as usize, model.documents.len(), "{context}");
            }
            _ => {
                if dice.roll(2) == 0 {
                    open_cursor = None;
                    client.database.close().unwrap();
                    client = Client::open(&path, options()).unwrap();
                }
            }
        }
        match index_dice.roll(20) {
            0 => drop(client.database.create_indexes("c", &[index(&mut index_dice)])),
            1 => drop(client.database.drop_index("c", "*")),
            _ => {}
        }
        if step % 10 == 9 {
            client.database.check_indexes().unwrap_or_else(|error| panic!("{context}: {error}"));
            assert_eq!(client.find("c", &object(&[])).unwrap(), model.contents(), "{context}");
            assert_eq!(client.count("c", &object(&[])).unwrap() as usize, model.documents.len(), "{context}");
            for (id, document, version) in &model.documents {
                assert_eq!(client.get("c", id).unwrap().as_ref(), Some(document), "{context}");
                assert_eq!(client.version("c", id).unwrap(), Some(*version), "{context}");
            }
        }
    }
    client.database.close().unwrap();
}

fn n_of(value: &Value) -> i32 {
    match value {
        Value::Int(n) => *n,
        other => panic!("n is {other:?}"),
    }
}

#[test]
fn random_operations_answer_as_a_plain_list_does() {
    let number = |name: &str, default| {
        std::env::var(name)
            .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    let (cycles, first): (u64, u64) = (number("CYCLES", 400), number("SEED", 1));
    for n in first..first + cycles {
        let seed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        run(seed, StorageMode::Memory, None);
        match n % 20 {
            0 => run(seed, StorageMode::Async, None),
            7 => run(seed, StorageMode::Async, Some(5_000)),
            14 => run(seed, StorageMode::Sync, Some(0)),
            _ => {}
        }
    }
}
