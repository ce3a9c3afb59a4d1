//! The database, compared with a plain list: random operations, compactions, reopening, kills and power cuts. `MODEL_RUNS`
//! sets the number of runs of a hundred operations, `SEED` the first seed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::sim::Sim;
use crate::support::{Client, object};
use moltendb_node::document::Value;
use moltendb_node::engine::{InsertOrder, Reach};
use moltendb_node::error::{Error, Kind};
use moltendb_node::index::Spec;
use moltendb_node::options::{AutoCompact, StorageMode};
use moltendb_node::{OpenOptions, Result};

/// A random generator whose seed replays a run.
struct Dice(fastrand::Rng);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(fastrand::Rng::with_seed(seed))
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0.u64(..sides)
    }
}

/// The expected content: documents in insertion order, with their versions.
#[derive(Default, Clone)]
struct Model {
    documents: Vec<(Value, Arc<Value>, u64)>,
}

impl Model {
    fn place(&self, id: &Value) -> Option<usize> {
        self.documents.iter().position(|(own, _, _)| own == id)
    }

    fn put(&mut self, id: &Value, document: Value) {
        let document = Arc::new(document);
        match self.place(id) {
            Some(at) => self.documents[at] = (id.clone(), document, self.documents[at].2 + 1),
            None => self.documents.push((id.clone(), document, 1)),
        }
    }

    fn contents(&self) -> Vec<Value> {
        self.documents.iter().map(|(_, document, _)| (**document).clone()).collect()
    }

    /// All results of a database in this state.
    fn check(&self, client: &Client, context: &str) -> Result<()> {
        assert_eq!(client.find("c", &object(&[]))?, self.contents(), "{context}");
        assert_eq!(client.count("c", &object(&[]))? as usize, self.documents.len(), "{context}");
        for (id, document, version) in &self.documents {
            assert_eq!(client.get("c", id)?.as_ref(), Some(&**document), "{context}");
            assert_eq!(client.version("c", id)?, Some(*version), "{context}");
        }
        Ok(())
    }
}

fn document(dice: &mut Dice, id: &Value) -> Value {
    let mut fields = vec![("_id", id.clone()), ("n", Value::Int(dice.roll(10) as i32))];
    // Many key lists, so that the shape table fills in some runs and plain maps are used.
    let extra = format!("k{}", dice.roll(40));
    match dice.roll(4) {
        0 => fields.push((&extra, Value::String("x".repeat(dice.roll(300) as usize)))),
        1 => fields.push(("inner", object(&[(&extra, Value::Array(vec![Value::Null, Value::Long(7)]))]))),
        2 => {
            let longest = [200, 200, 2_000, 2_000, 2_000, 2_000, 20_000, 100_000][dice.roll(8) as usize];
            fields.push(("big", Value::Binary(vec![7; dice.roll(longest) as usize])));
        }
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

/// The options of a run's database.
#[derive(Clone, Copy, Debug)]
struct Way {
    mode: StorageMode,
    memory_limit: Option<u64>,
}

struct Run {
    way: Way,
    dice: Dice,
    sim: Sim,
    client: Client,
    model: Model,
    /// The states by the LSN of the commit that made each.
    states: BTreeMap<u64, Model>,
    /// Survives a power cut.
    durable: u64,
    open_cursor: Option<(u64, Vec<Value>)>,
    /// A separate generator, so that a seed plays the same operations with indexes and without.
    index_dice: Dice,
    /// The maximum number of LSNs that the running operation takes.
    reach: u64,
}

fn open(sim: &Sim, way: Way) -> Result<Client> {
    let options = OpenOptions {
        storage: way.mode,
        memory_limit: way.memory_limit.into(),
        segment_size: 1 << 16,
        // Nothing runs in the background, so that a seed reproduces the run.
        auto_compact: AutoCompact::Off,
        flush_interval: Duration::from_secs(60),
        // Every clean close leaves a checkpoint, so every opening after one begins with it.
        checkpoint_from: 0,
        ..OpenOptions::default()
    };
    let path = if way.mode == StorageMode::Memory { ":memory:" } else { "/db" };
    Client::open_on(&sim.process(), path, options)
}

impl Run {
    fn new(seed: u64, way: Way) -> Run {
        let sim = Sim::new(seed);
        let client = open(&sim, way).unwrap();
        let states = BTreeMap::from([(0, Model::default())]);
        let (dice, index_dice, model) = (Dice::new(seed), Dice::new(!seed), Model::default());
        Run { way, dice, sim, client, model, states, durable: 0, open_cursor: None, index_dice, reach: 1 }
    }

    fn go(&mut self, context: &str) {
        self.doom();
        for step in 0..100 {
            let context = format!("{context} step {step}");
            if let Err(error) = self.step(step, &context) {
                assert!(self.sim.is_dead() || self.sim.sync_failed(), "{context}: {error:?}");
                self.revive(&context);
            }
        }
        self.sim.spare();
        if self.client.database.close().is_err() {
            self.revive(context);
        }
    }

    /// Some processes die at a later operation, some meet a failing fsync.
    fn doom(&mut self) {
        let (death, failure) = (self.dice.roll(3), self.dice.roll(7));
        if self.way.mode == StorageMode::Memory {
            return;
        }
        if death == 0 {
            self.sim.die_after(1 + self.dice.roll(900));
        }
        if failure == 0 {
            self.sim.fail_sync(self.dice.roll(60));
        }
    }

    fn step(&mut self, step: usize, context: &str) -> Result<()> {
        self.operate(context)?;
        self.note()?;
        self.index()?;
        self.note()?;
        if step % 10 == 9 {
            self.check_indexes(context)?;
            self.model.check(&self.client, context)?;
        }
        Ok(())
    }

    /// Checks the contents of every index, unless the process dies.
    fn check_indexes(&self, context: &str) -> Result<()> {
        let checked = self.client.database.check_indexes();
        let dead = self.sim.is_dead();
        checked.map(drop).inspect_err(|error| assert!(dead, "{context}: {error}"))
    }

    fn note(&mut self) -> Result<()> {
        let lsn = self.client.database.stats()?.last_lsn;
        self.states.insert(lsn, self.model.clone());
        if self.way.mode == StorageMode::Sync {
            self.durable = lsn;
        }
        Ok(())
    }

    /// Sometimes creates an index, drops all, or writes a checkpoint. None changes a document; creating takes an LSN for a collection that
    /// begins with it, and one for itself.
    fn index(&mut self) -> Result<()> {
        self.reach = 2;
        match self.index_dice.roll(20) {
            0 => match self.client.database.create_indexes("c", &[index(&mut self.index_dice)]) {
                // There may be one with the same key.
                Err(error) if error.kind() != Kind::BadQuery => return Err(error),
                _ => {}
            },
            1 => match self.client.database.drop_index("c", "*") {
                // There may be no collection.
                Err(error) if error.kind() != Kind::BadQuery => return Err(error),
                _ => {}
            },
            2 => drop(self.client.database.write_checkpoint()?),
            _ => {}
        }
        self.reach = 1;
        Ok(())
    }

    /// Opens what a dead process left: everything acknowledged is there, and at most the operation that was running.
    fn revive(&mut self, context: &str) {
        self.open_cursor = None;
        let last = self.states.keys().next_back().copied().unwrap_or(0);
        let least = if self.dice.roll(2) == 0 {
            self.sim.process();
            self.sim.cut();
            self.durable
        } else {
            last
        };
        self.client = match open(&self.sim, self.way) {
            Ok(client) => client,
            Err(error) => panic!("{context}: refused: {error:?}"),
        };
        let lsn = self.client.database.stats().unwrap().last_lsn;
        assert!(
            lsn >= least && lsn <= last + self.reach,
            "{context}: {lsn} came back, {least} to {last} were answered"
        );
        if lsn <= last {
            // No operation takes more than one LSN, but some take none.
            self.model = self.states.range(..=lsn).next_back().unwrap().1.clone();
        }
        self.states.retain(|known, _| *known <= lsn);
        self.states.insert(lsn, self.model.clone());
        (self.durable, self.reach) = (lsn, 1);
        self.check_indexes(context).unwrap();
        self.model.check(&self.client, context).unwrap();
        self.doom();
    }

    fn operate(&mut self, context: &str) -> Result<()> {
        let Run { client, dice, model, .. } = self;
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
                let documents: Vec<Value> = ids.iter().map(|id| document(dice, id)).collect();
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
                let answer = client.insert("c", &documents, order)?;
                if self.sim.is_dead() || self.sim.sync_failed() {
                    // An error of a document may be the failure of the storage.
                    return Err(Error::new(Kind::Io, "the process dies"));
                }
                assert_eq!(answer, (inserted, failed), "{context}");
            }
            3..=4 => {
                let new = document(dice, &id);
                model.put(&id, new.clone());
                let versions = client.set("c", &[(new, None)])?;
                let expected = model.documents[model.place(&id).unwrap()].2;
                assert_eq!(versions, [expected], "{context}");
            }
            5 => {
                let expected = model.place(&id).map(|at| model.documents.remove(at)).is_some();
                assert_eq!(client.delete_id("c", &id)?, expected, "{context}");
            }
            6..=7 => {
                let n = Value::Int(dice.roll(10) as i32);
                let mut changed = 0;
                for (_, document, version) in &mut model.documents {
                    if !has_n(document, &n) {
                        continue;
                    }
                    let Value::Object(fields) = Arc::make_mut(document) else { unreachable!() };
                    if let Some((_, own)) = fields.iter_mut().find(|(key, _)| key == "n") {
                        *own = Value::Int(n_of(own) + 1);
                        *version += 1;
                        changed += 1;
                    }
                }
                let filter = object(&[("n", n)]);
                let update = object(&[("$inc", object(&[("n", Value::Int(1))]))]);
                let answer = client.update("c", &filter, &update, Reach::Many)?;
                assert_eq!(answer, (changed, changed), "{context}");
            }
            8 => {
                let n = Value::Int(dice.roll(14) as i32);
                let before = model.documents.len();
                model.documents.retain(|(_, document, _)| !has_n(document, &n));
                let deleted = client.delete("c", &object(&[("n", n)]), Reach::Many)?;
                assert_eq!(deleted as usize, before - model.documents.len(), "{context}");
            }
            9 => {
                if dice.roll(4) == 0 {
                    let there = !model.documents.is_empty();
                    model.documents.clear();
                    let existed = client.drop_collection("c")?;
                    assert!(existed || !there, "{context}");
                }
            }
            10 => {
                if let Some((cursor, expected)) = self.open_cursor.take() {
                    assert_eq!(client.rest(cursor, 7)?, expected, "{context}: an open cursor");
                }
                let (cursor, first) = client.first("c", &object(&[]), 3)?;
                let contents = model.contents();
                assert_eq!(first, contents[..first.len()], "{context}");
                if cursor != 0 {
                    self.open_cursor = Some((cursor, contents[first.len()..].to_vec()));
                }
            }
            11 => {
                let compaction = client.database.compact()?;
                assert_eq!(compaction.documents as usize, model.documents.len(), "{context}");
                // The commit point was durable, and everything before it.
                self.durable = self.client.database.stats()?.last_lsn;
            }
            12 if dice.roll(2) == 0 => {
                client.database.flush()?;
                self.durable = client.database.stats()?.last_lsn;
            }
            _ if self.way.mode == StorageMode::Memory => {}
            _ => {
                client.database.close()?;
                self.open_cursor = None;
                self.durable = self.states.keys().next_back().copied().unwrap_or(0);
                self.client = open(&self.sim, self.way)?;
                for (id, document, version) in &self.model.documents {
                    assert_eq!(self.client.get("c", id)?.as_ref(), Some(&**document), "{context}: early");
                    assert_eq!(self.client.version("c", id)?, Some(*version), "{context}: early");
                }
                // The log is read by now, so that a seed determines at which disk operation the next process dies.
                self.client.database.stats()?;
                self.doom();
            }
        }
        Ok(())
    }
}

fn has_n(document: &Value, n: &Value) -> bool {
    matches!(document, Value::Object(fields) if fields.iter().any(|(key, own)| key == "n" && own == n))
}

fn n_of(value: &Value) -> i32 {
    match value {
        Value::Int(n) => *n,
        other => panic!("n is {other:?}"),
    }
}

const WAYS: [Way; 8] = [
    Way { mode: StorageMode::Memory, memory_limit: None },
    Way { mode: StorageMode::Async, memory_limit: None },
    Way { mode: StorageMode::Sync, memory_limit: None },
    Way { mode: StorageMode::Async, memory_limit: Some(5_000) },
    Way { mode: StorageMode::Sync, memory_limit: Some(0) },
    Way { mode: StorageMode::Async, memory_limit: None },
    Way { mode: StorageMode::Sync, memory_limit: Some(5_000) },
    Way { mode: StorageMode::Async, memory_limit: Some(0) },
];

#[test]
fn random_operations_answer_as_a_plain_list_does() {
    let number = |name: &str, default| {
        std::env::var(name)
            .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    let (runs, first): (u64, u64) = (number("MODEL_RUNS", 400), number("SEED", 1));
    let next = AtomicU64::new(first);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= first + runs {
                        return;
                    }
                    let way = WAYS[(n % 8) as usize];
                    let seed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                    Run::new(seed, way).go(&format!("SEED={n} MODEL_RUNS=1, {way:?}"));
                }
            });
        }
    });
}
