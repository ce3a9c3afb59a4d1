//! Transactions, compared with a naive model of committed states: several run interleaved, each on its own copy of the state at
//! its first operation. `TRANSACTION_RUNS` and `CRASH_RUNS` set the numbers of runs, `SEED` the first seed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use crate::indexes::spec;
use crate::sim::Sim;
use crate::support::{Client, batch_of, incoming, object, update_of};
use moltendb_node::document::Value;
use moltendb_node::engine::{
    Answer, Answered, Collection, FindOptions, InsertOrder, Isolation, Limits, Operation, Reach, SetEntry,
    Size, Step, Task,
};
use moltendb_node::error::{Error, Kind};
use moltendb_node::options::{AutoCompact, StorageMode};
use moltendb_node::{OpenOptions, Result};

/// A transaction of a client.
pub struct Txn<'c> {
    client: &'c Client,
    number: u16,
}

impl<'c> Txn<'c> {
    pub fn begin(client: &'c Client, number: u16) -> Txn<'c> {
        Txn::begin_as(client, number, Isolation::Snapshot)
    }

    pub fn begin_as(client: &'c Client, number: u16, isolation: Isolation) -> Txn<'c> {
        let txn = Txn { client, number };
        let begin = Step::Begin { idle: 60_000, total: 600_000, origin: ([0; 16], 1), isolation };
        txn.call("", Operation::Transaction(begin)).unwrap();
        txn
    }

    pub fn call(&self, name: &str, operation: Operation) -> Result<(Option<Arc<Collection>>, Answer)> {
        let (sender, receiver) = sync_channel(1);
        let reply = Box::new(move |answered: Answered| sender.send(answered).unwrap());
        let task =
            Task { name: name.into(), operation, transaction: self.number, limits: Limits::default(), reply };
        self.client.session.submit(vec![task], Size::Small);
        let Answered { collection, answer } = receiver.recv().unwrap();
        match answer? {
            Answer::Inserted(mut outcome) if !outcome.failures.is_empty() => {
                Err(outcome.failures.remove(0).error)
            }
            answer => Ok((collection, answer)),
        }
    }

    pub fn commit(self) -> Result<()> {
        self.call("", Operation::Transaction(Step::Commit)).map(drop)
    }

    pub fn abort(self) {
        self.call("", Operation::Transaction(Step::Abort)).unwrap();
    }

    pub fn find(&self, name: &str, filter: &Value, options: FindOptions) -> Result<Vec<Value>> {
        let found = self.call(name, Operation::Find { filter: incoming(filter), options })?;
        let (mut cursor, mut documents) = batch_of(found)?;
        while cursor != 0 {
            let (next, more) = batch_of(self.call(name, Operation::More { cursor, batch: 3 })?)?;
            documents.extend(more);
            cursor = next;
        }
        Ok(documents)
    }

    pub fn insert(&self, name: &str, documents: &[Value]) -> Result<()> {
        let documents = documents.iter().map(incoming).collect();
        self.call(name, Operation::Insert { documents, order: InsertOrder::Ordered }).map(drop)
    }
}

pub fn is_transient(error: &Error) -> bool {
    error.details().transient
}

fn document(id: i32, n: i32, u: Option<i32>) -> Value {
    let mut fields = vec![("_id", Value::Int(id)), ("n", Value::Int(n))];
    fields.extend(u.map(|u| ("u", Value::Int(u))));
    object(&fields)
}

fn field(document: &Value, name: &str) -> Option<i32> {
    let Value::Object(fields) = document else { return None };
    fields.iter().find(|(key, _)| key == name).and_then(|(_, value)| match value {
        Value::Int(value) => Some(*value),
        _ => None,
    })
}

/// The documents of a collection in natural order.
type State = Vec<Value>;

fn place(state: &State, id: i32) -> Option<usize> {
    state.iter().position(|document| field(document, "_id") == Some(id))
}

fn holder(state: &State, document: &Value) -> Option<i32> {
    let u = field(document, "u")?;
    let id = field(document, "_id");
    let other = state.iter().find(|other| field(other, "u") == Some(u) && field(other, "_id") != id)?;
    field(other, "_id")
}

/// The collection, and when (by the number of the commit) each `_id` was last written.
#[derive(Default)]
struct Committed {
    state: State,
    written: BTreeMap<i32, u64>,
    commits: u64,
}

/// What a transaction should see.
struct Expected {
    /// The commit of its snapshot.
    from: u64,
    snapshot: State,
    own: State,
    /// The `_id`s that it has written.
    wrote: Vec<i32>,
    /// The `_id`s of the snapshot that it has deleted, perhaps inserted again.
    gone: Vec<i32>,
    marks: Vec<(u64, State, Vec<i32>, Vec<i32>)>,
    failed: bool,
}

/// What a write comes to.
#[derive(Debug, PartialEq)]
enum Fate {
    Done,
    Duplicate,
    Conflict,
}

impl Expected {
    fn new(committed: &Committed) -> Expected {
        let state = committed.state.clone();
        let (from, snapshot) = (committed.commits, state.clone());
        Expected {
            from,
            snapshot,
            own: state,
            wrote: Vec::new(),
            gone: Vec::new(),
            marks: Vec::new(),
            failed: false,
        }
    }

    /// Writes a document, or deletes it, as the server of one writer would.
    fn write(&mut self, committed: &Committed, id: i32, next: Option<Value>) -> Fate {
        let is_own = self.wrote.contains(&id);
        if !is_own && committed.written.get(&id).is_some_and(|at| *at > self.from) {
            return Fate::Conflict;
        }
        if let Some(next) = &next {
            if holder(&self.own, next).is_some() {
                return Fate::Duplicate;
            }
            // Given to another document since: not one that this transaction writes.
            let replaces = |other| self.wrote.contains(&other) && place(&self.snapshot, other).is_some();
            if holder(&committed.state, next).is_some_and(|other| !replaces(other)) {
                return Fate::Conflict;
            }
        }
        if !is_own {
            self.wrote.push(id);
        }
        match (next, place(&self.own, id)) {
            (Some(next), Some(at)) => self.own[at] = next,
            (Some(next), None) => self.own.push(next),
            (None, Some(at)) => {
                self.own.remove(at);
                self.gone.push(id);
            }
            (None, None) => {}
        }
        Fate::Done
    }

    fn is_doomed(&self, committed: &Committed) -> bool {
        self.wrote.iter().any(|id| committed.written.get(id).is_some_and(|at| *at > self.from))
    }

    fn commit(&self, committed: &mut Committed) -> bool {
        let changed = |id: &i32| {
            place(&self.own, *id).map(|at| &self.own[at])
                != place(&self.snapshot, *id).map(|at| &self.snapshot[at])
        };
        if self.is_doomed(committed) {
            return false;
        }
        let taken = |document: &Value| {
            holder(&committed.state, document).is_some_and(|other| !self.wrote.contains(&other))
        };
        let written =
            self.own.iter().filter(|document| self.wrote.contains(&field(document, "_id").unwrap()));
        if written.clone().any(taken) {
            return false;
        }
        // A document that was deleted and inserted again is a new one.
        committed.commits += 1;
        committed.state.retain(|document| !self.gone.contains(&field(document, "_id").unwrap()));
        for document in written {
            let id = field(document, "_id").unwrap();
            match place(&committed.state, id) {
                Some(at) => committed.state[at] = document.clone(),
                None => committed.state.push(document.clone()),
            }
        }
        for id in &self.wrote {
            if place(&self.own, *id).is_some() || changed(id) {
                committed.written.insert(*id, committed.commits);
            }
        }
        true
    }
}

struct Run<'c> {
    client: &'c Client,
    dice: fastrand::Rng,
    committed: Committed,
    open: Vec<Option<(Txn<'c>, Option<Expected>)>>,
    numbers: u16,
    commits: u64,
    conflicts: u64,
}

impl Run<'_> {
    fn check(&self, txn: &Txn<'_>, own: &State, context: &str) {
        let all = object(&[]);
        let sorted = |options: FindOptions| FindOptions { batch: 3, ..options };
        assert_eq!(txn.find("c", &all, sorted(FindOptions::default())).unwrap(), *own, "{context}: all");
        let n = self.dice.clone().i32(0..5);
        let matching: State = own.iter().filter(|one| field(one, "n") == Some(n)).cloned().collect();
        let filter = object(&[("n", Value::Int(n))]);
        assert_eq!(txn.find("c", &filter, FindOptions::default()).unwrap(), matching, "{context}: by index");
        let count = Operation::Count { filter: incoming(&filter), skip: 0, limit: 0, hint: None };
        match txn.call("c", count).unwrap().1 {
            Answer::Count(count) => assert_eq!(count as usize, matching.len(), "{context}: count"),
            _ => panic!("a count has another answer"),
        }
        for sign in [1, -1] {
            let sort = Value::Array(vec![Value::Array(vec![Value::String("n".into()), Value::Int(sign)])]);
            let options =
                FindOptions { sort: Some(incoming(&sort)), limit: 7, batch: 2, ..FindOptions::default() };
            let mut expected = own.clone();
            expected.sort_by_key(|one| field(one, "n").unwrap() * sign);
            expected.truncate(7);
            assert_eq!(txn.find("c", &all, options).unwrap(), expected, "{context}: sorted {sign}");
        }
        let id = n * 3;
        let get = Operation::Find {
            filter: incoming(&object(&[("_id", Value::Int(id))])),
            options: FindOptions::default(),
        };
        let found = batch_of(txn.call("c", get).unwrap()).unwrap().1;
        let expected: State = place(own, id).map(|at| own[at].clone()).into_iter().collect();
        assert_eq!(found, expected, "{context}: by _id");
    }

    fn step(&mut self, context: &str) {
        let at = self.dice.usize(0..self.open.len());
        let Some((txn, expected)) = self.open[at].take() else {
            self.numbers += 1;
            self.open[at] = Some((Txn::begin(self.client, self.numbers), None));
            return;
        };
        let mut expected = match expected {
            Some(expected) => expected,
            None => Expected::new(&self.committed),
        };
        let context = format!("{context}, transaction {}", txn.number);
        match self.dice.u32(0..12) {
            0 => {
                let whole = !expected.failed;
                let committed = whole && expected.commit(&mut self.committed);
                let wrote = !expected.wrote.is_empty();
                match txn.commit() {
                    Ok(()) => assert!(committed, "{context}: committed"),
                    Err(error) => {
                        assert!(!committed, "{context}: {error}");
                        assert_eq!(is_transient(&error), whole, "{context}: {error}");
                        assert_eq!(error.kind() == Kind::Conflict, whole, "{context}: {error}");
                        self.conflicts += u64::from(whole);
                    }
                }
                self.commits += u64::from(committed && wrote);
                return;
            }
            1 if self.dice.u32(0..4) == 0 => return txn.abort(),
            1..=3 if !expected.failed => self.check(&txn, &expected.own, &context),
            4 if !expected.failed => match txn.call("", Operation::Transaction(Step::Savepoint)).unwrap().1 {
                Answer::Count(mark) => expected.marks.push((
                    mark,
                    expected.own.clone(),
                    expected.wrote.clone(),
                    expected.gone.clone(),
                )),
                _ => panic!("a savepoint has another answer"),
            },
            5 if !expected.marks.is_empty() => {
                let to = self.dice.usize(0..expected.marks.len());
                expected.marks.truncate(to + 1);
                let (mark, own, wrote, gone) = expected.marks[to].clone();
                txn.call("", Operation::Transaction(Step::RollBack { to: mark })).unwrap();
                (expected.own, expected.wrote, expected.gone, expected.failed) = (own, wrote, gone, false);
            }
            _ => self.write(&txn, &mut expected, &context),
        }
        self.open[at] = Some((txn, Some(expected)));
    }

    fn write(&mut self, txn: &Txn<'_>, expected: &mut Expected, context: &str) {
        let (id, n) = (self.dice.i32(0..14), self.dice.i32(0..5));
        let u = (self.dice.u32(0..3) == 0).then(|| self.dice.i32(0..6));
        if expected.failed {
            let error = txn.insert("c", &[document(id, n, u)]).unwrap_err();
            assert!(error.kind() == Kind::Closed && !is_transient(&error), "{context}: {error}");
            return;
        }
        let committed = &self.committed;
        let (fate, outcome) = match self.dice.u32(0..5) {
            0 => {
                let there = place(&expected.own, id).is_some();
                let new = document(id, n, u);
                let fate = match there {
                    true => Fate::Duplicate,
                    false => expected.write(committed, id, Some(new.clone())),
                };
                (fate, txn.insert("c", &[new]))
            }
            1 => {
                let new = document(id, n, u);
                let fate = expected.write(committed, id, Some(new.clone()));
                let entries = vec![SetEntry { document: incoming(&new), if_version: None }];
                (fate, txn.call("c", Operation::Set { entries }).map(drop))
            }
            2 => {
                let fate = match place(&expected.own, id) {
                    Some(_) => expected.write(committed, id, None),
                    None => Fate::Done,
                };
                let filter = incoming(&object(&[("_id", Value::Int(id))]));
                (
                    fate,
                    txn.call(
                        "c",
                        Operation::Delete { filter, reach: Reach::One, hint: None, if_version: None },
                    )
                    .map(drop),
                )
            }
            3 => {
                let fate = match place(&expected.own, id) {
                    // An update that changes nothing writes nothing.
                    Some(at) if field(&expected.own[at], "n") != Some(n) => {
                        let u = field(&expected.own[at], "u");
                        expected.write(committed, id, Some(document(id, n, u)))
                    }
                    _ => Fate::Done,
                };
                let set = object(&[("$set", object(&[("n", Value::Int(n))]))]);
                let update = update_of(&object(&[("_id", Value::Int(id))]), &set, Reach::One);
                (fate, txn.call("c", update).map(drop))
            }
            _ => {
                let matching: Vec<(i32, Option<i32>)> = expected
                    .own
                    .iter()
                    .filter(|one| field(one, "n") == Some(n))
                    .map(|one| (field(one, "_id").unwrap(), field(one, "u")))
                    .collect();
                let mut fate = Fate::Done;
                for (id, u) in matching {
                    if fate == Fate::Done {
                        fate = expected.write(committed, id, Some(document(id, (n + 1) % 5, u)));
                    }
                }
                let set = object(&[("$set", object(&[("n", Value::Int((n + 1) % 5))]))]);
                let update = update_of(&object(&[("n", Value::Int(n))]), &set, Reach::Many);
                (fate, txn.call("c", update).map(drop))
            }
        };
        match outcome {
            Ok(()) => assert_eq!(fate, Fate::Done, "{context}"),
            // It cannot commit: another writer has changed what it wrote, and moved a unique value with it.
            Err(error) if fate == Fate::Done && expected.is_doomed(&self.committed) => {
                assert!(error.kind() == Kind::Conflict && is_transient(&error), "{context}: {error}");
                expected.failed = true;
            }
            Err(error) => {
                let kind = if fate == Fate::Conflict { Kind::Conflict } else { Kind::DuplicateKey };
                assert_ne!(fate, Fate::Done, "{context}: {error}");
                assert_eq!(error.kind(), kind, "{context}: {error}");
                assert_eq!(is_transient(&error), fate == Fate::Conflict, "{context}: {error}");
                self.conflicts += u64::from(fate == Fate::Conflict);
                expected.failed = true;
            }
        }
    }
}

fn run(seed: u64) -> (u64, u64) {
    let context = format!("SEED={seed} TRANSACTION_RUNS=1");
    let sim = Sim::new(seed);
    let memory_limit = [None, Some(0), Some(4_000)][(seed % 3) as usize];
    let options = OpenOptions {
        storage: StorageMode::Async,
        memory_limit: memory_limit.into(),
        segment_size: 1 << 16,
        ..OpenOptions::default()
    };
    let client = Client::open_on(&sim.process(), "db", options).unwrap();
    let sparse = [("unique", Value::Bool(true)), ("sparse", Value::Bool(true))];
    client.database.create_indexes("c", &[spec(&[("n", 1)], &[]), spec(&[("u", 1)], &sparse)]).unwrap();
    let mut run = Run {
        client: &client,
        dice: fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        committed: Committed::default(),
        open: (0..3).map(|_| None).collect(),
        numbers: 0,
        commits: 0,
        conflicts: 0,
    };
    for step in 0..160 {
        run.step(&format!("{context}, step {step}"));
        if step % 20 == 0 {
            let state = client.find("c", &object(&[])).unwrap();
            assert_eq!(state, run.committed.state, "{context}, step {step}: committed");
            client.database.check_indexes().unwrap();
        }
        if step % 50 == 49 {
            client.database.compact().unwrap();
        }
    }
    let result = (run.commits, run.conflicts);
    let state = run.committed.state;
    drop(run.open);
    assert_eq!(client.find("c", &object(&[])).unwrap(), state, "{context}");
    client.database.close().unwrap();
    let options = OpenOptions { storage: StorageMode::Async, ..OpenOptions::default() };
    let client = Client::open_on(&sim.process(), "db", options).unwrap();
    assert_eq!(client.find("c", &object(&[])).unwrap(), state, "{context}: reopened");
    client.database.check_indexes().unwrap();
    result
}

/// A number of the environment.
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("it is a number"))
}

#[test]
fn interleaved_transactions_answer_as_a_naive_model_of_snapshots_does() {
    let (runs, first): (u64, u64) = (number("TRANSACTION_RUNS", 60), number("SEED", 1));
    let results: Vec<(u64, u64)> = (first..first + runs).map(run).collect();
    let (commits, conflicts) = results.iter().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    println!("{commits} commits, {conflicts} conflicts");
    assert!(
        runs < 10 || (commits > runs && conflicts > runs / 2),
        "{commits} commits, {conflicts} conflicts"
    );
}

/// Opens the database of the test of crashes.
fn reopened(sim: &Sim, storage: StorageMode) -> Result<Client> {
    let options = OpenOptions {
        storage,
        segment_size: 1 << 16,
        auto_compact: AutoCompact::Off,
        flush_interval: Duration::from_secs(60),
        ..OpenOptions::default()
    };
    Client::open_on(&sim.process(), "/db", options)
}

/// The process dies, or the power is cut, at each operation of a commit of many documents in three collections, one of which it
/// begins: all of them are there afterwards, or none.
#[test]
fn a_crash_within_the_commit_of_a_transaction_leaves_all_of_it_or_nothing() {
    let (runs, first): (u64, u64) = (number("CRASH_RUNS", 120), number("SEED", 1));
    let (mut kept, mut lost) = (0, 0);
    for seed in first..first + runs {
        let storage = if seed % 2 == 0 { StorageMode::Sync } else { StorageMode::Async };
        let context = format!("seed {seed}, {storage:?}");
        let sim = Sim::new(seed);
        let client = reopened(&sim, storage).unwrap();
        let pad = |id: i32, n: i32| {
            object(&[("_id", Value::Int(id)), ("n", Value::Int(n)), ("pad", Value::Binary(vec![7; 700]))])
        };
        let before: Vec<Value> = (0..60).map(|id| pad(id, 0)).collect();
        client.insert("a", &before, InsertOrder::Ordered).unwrap();
        client.insert("b", &[pad(1, 0)], InsertOrder::Ordered).unwrap();
        client.database.flush().unwrap();
        let txn = Txn::begin(&client, 1);
        let change = object(&[("$set", object(&[("n", Value::Int(1))]))]);
        txn.call("a", update_of(&object(&[]), &change, Reach::Many)).unwrap();
        let filter = incoming(&object(&[("_id", Value::Int(1))]));
        txn.call("b", Operation::Delete { filter, reach: Reach::One, hint: None, if_version: None }).unwrap();
        txn.insert("fresh", &(0..80).map(|id| pad(id, 1)).collect::<Vec<_>>()).unwrap();
        sim.die_after(seed % 60);
        let outcome = txn.commit();
        drop(client);
        let cut = seed % 3 != 0;
        if cut {
            sim.process();
            sim.cut();
        }
        let client = reopened(&sim, storage).unwrap();
        let new = client.count("fresh", &object(&[])).unwrap();
        let changed = client.count("a", &object(&[("n", Value::Int(1))])).unwrap();
        let there = client.count("b", &object(&[])).unwrap();
        assert!(
            [(80, 60, 0), (0, 0, 1)].contains(&(new, changed, there)),
            "{context}: {new} {changed} {there}"
        );
        assert_eq!(client.count("a", &object(&[])).unwrap(), 60, "{context}");
        if outcome.is_ok() && (storage == StorageMode::Sync || !cut) {
            assert_eq!(new, 80, "{context}: it was acknowledged");
        }
        *(if new > 0 { &mut kept } else { &mut lost }) += 1;
    }
    assert!(runs < 100 || (kept > 10 && lost > 10), "{kept} kept, {lost} lost");
}
