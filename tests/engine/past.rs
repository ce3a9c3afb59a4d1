//! Earlier states: random histories are compared with copies of all documents that were taken when each commit was the newest, through
//! compactions, openings, and damage. `PAST_RUNS` sets the number of runs, `SEED` the first seed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moltendb_node::document::Value;
use moltendb_node::engine::{
    Answer, InsertOrder, Interrupt, Operation, Reach, RecoveredTo, SetEntry, Wanted, recover_to_on,
};
use moltendb_node::error::Kind;
use moltendb_node::options::{
    AutoCompact, ChangeHistory, Check, History, HistoryLimits, MemoryLimit, PastHistory, PastLimits,
};
use moltendb_node::storage::host::Clock;
use moltendb_node::storage::{Host, Lsn, Moment};
use moltendb_node::{OpenOptions, Result};

use crate::indexes::spec;
use crate::support::{Client, incoming, object};
use crate::transactions::Txn;

/// A clock that the test moves.
#[derive(Default)]
struct Hands(AtomicU64);

impl Clock for Hands {
    fn now_millis(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All documents of all collections, with the names of their indexes and their options.
type Copied = BTreeMap<String, (Vec<Value>, Vec<String>)>;

/// The states after some commits, and the times at which each became the newest.
#[derive(Default)]
struct States {
    by_lsn: BTreeMap<u64, Copied>,
    times: BTreeMap<u64, i64>,
}

fn copy_of(client: &Client) -> Copied {
    let mut copied = Copied::new();
    for database in ["", "b\0", "c\0"] {
        let answer = client.call(database, Operation::ListCollections { filter: None }).unwrap().1;
        let Answer::Collections(rows) = answer else { panic!("a listing has another answer") };
        for row in rows {
            let name = format!("{database}{}", row.name);
            let documents = client.find(&name, &object(&[])).unwrap();
            assert_eq!(client.count(&name, &object(&[])).unwrap(), documents.len() as u64);
            let indexes = match client.call(&name, Operation::ListIndexes).unwrap().1 {
                Answer::Values(specs) => {
                    let shown = |spec| format!("{:?} {:?}", field(spec, "name"), field(spec, "hidden"));
                    specs.iter().map(shown).collect()
                }
                _ => panic!("a listing has another answer"),
            };
            let mut indexes: Vec<String> = indexes;
            indexes.push(format!("{:?}", row.options));
            copied.insert(name, (documents, indexes));
        }
    }
    copied
}

fn field<'v>(document: &'v Value, name: &str) -> Option<&'v Value> {
    let Value::Object(fields) = document else { return None };
    fields.iter().find(|(own, _)| own == name).map(|(_, value)| value)
}

fn document(dice: &mut fastrand::Rng) -> Value {
    let (id, n, text) = (dice.i32(0..40), dice.i32(0..5), "x".repeat(dice.usize(0..60)));
    let mut fields = vec![("_id", Value::Int(id)), ("n", Value::Int(n))];
    // More shapes come and go.
    let name = ["a", "b", "c", "d"][dice.usize(0..4)];
    fields.push((name, Value::String(text)));
    object(&fields)
}

const NAMES: [&str; 5] = ["one", "two", "b\0one", "b\0three", "c\0one"];

/// Changes something; an error of the operation itself is fine.
fn change(client: &Client, dice: &mut fastrand::Rng) {
    let name = NAMES[dice.usize(0..NAMES.len())];
    let id = object(&[("_id", Value::Int(dice.i32(0..40)))]);
    match dice.u32(0..100) {
        0..30 => {
            let documents: Vec<_> = (0..dice.usize(1..6)).map(|_| document(dice)).collect();
            drop(client.insert(name, &documents, InsertOrder::Unordered));
        }
        30..50 => drop(client.set(name, &[(document(dice), None)])),
        50..65 => {
            let update = object(&[("$inc", object(&[("n", Value::Int(1))]))]);
            drop(client.update(name, &id, &update, Reach::Many));
        }
        65..75 => drop(client.delete_id(name, &Value::Int(dice.i32(0..40)))),
        75..79 => drop(client.drop_collection(name)),
        79..83 => {
            let to = Value::String(["one", "two", "three"][dice.usize(0..3)].into());
            let drop_target = dice.bool();
            drop(client.call(name, Operation::Rename { to: incoming(&to), drop_target }));
        }
        83..88 => {
            let field = ["n", "a", "b"][dice.usize(0..3)];
            drop(client.database.create_indexes(name, &[spec(&[(field, 1)], &[])]));
        }
        88..90 => drop(client.database.drop_index(name, "n_1")),
        90..92 => {
            let changes = match dice.u32(0..3) {
                0 => ("changeStreamPreAndPostImages", object(&[("enabled", Value::Bool(dice.bool()))])),
                1 => ("validator", object(&[("n", object(&[("$lt", Value::Int(dice.i32(3..9)))]))])),
                _ => {
                    let name = ("name", Value::String("n_1".into()));
                    ("index", object(&[name, ("hidden", Value::Bool(dice.bool()))]))
                }
            };
            let changes = incoming(&object(&[changes]));
            drop(client.call(name, Operation::CollMod { changes }));
        }
        92..94 => drop(client.call(["", "b\0", "c\0"][dice.usize(0..3)], Operation::DropDatabase)),
        _ => {
            let txn = Txn::begin(client, 1 + dice.u16(0..9));
            for _ in 0..dice.usize(1..5) {
                let name = NAMES[dice.usize(0..NAMES.len())];
                let document = document(dice);
                let entries = vec![SetEntry { document: incoming(&document), if_version: None }];
                drop(txn.call(name, Operation::Set { entries }));
            }
            if dice.bool() { drop(txn.commit()) } else { txn.abort() }
        }
    }
}

/// The state that a moment should have.
fn expected(states: &States, moment: Moment) -> u64 {
    match moment {
        Moment::Lsn(lsn) => lsn.0,
        Moment::Time(time) => {
            let before = states.times.iter().rev().find(|(_, own)| **own <= time);
            before.map_or(0, |(lsn, _)| *lsn)
        }
    }
}

fn pick(states: &States, dice: &mut fastrand::Rng) -> Moment {
    let newest = *states.by_lsn.last_key_value().unwrap().0;
    let lsn = dice.u64(0..=newest);
    match dice.u32(0..3) {
        0 => Moment::Time(states.times.get(&lsn).map_or(1, |time| time + dice.i64(0..3))),
        _ => Moment::Lsn(Lsn(lsn)),
    }
}

fn check_past(client: &Client, states: &States, moment: Moment, kept_from: u64, context: &str) {
    let lsn = expected(states, moment);
    let past = match client.database.as_of(moment) {
        Ok(past) => past,
        Err(error) => {
            assert!(lsn < kept_from, "{context}: {moment:?} is kept from {kept_from} on: {error}");
            assert_eq!(error.kind(), Kind::HistoryLost, "{context}: {error}");
            return;
        }
    };
    let past = Client { session: past.session(), database: past };
    let copied = copy_of(&past);
    assert_eq!(copied, states.by_lsn[&lsn], "{context}: {moment:?}");
    past.database.check_indexes().unwrap();
    for (name, (documents, _)) in &copied {
        for n in 0..2 {
            let filter = object(&[("n", Value::Int(n))]);
            let with = documents.iter().filter(|one| field(one, "n") == Some(&Value::Int(n))).count();
            assert_eq!(past.count(name, &filter).unwrap(), with as u64, "{context}: {moment:?}");
        }
    }
    let refused = past.set("one", &[(object(&[("_id", Value::Int(1))]), None)]).unwrap_err();
    assert_eq!(refused.kind(), Kind::ReadOnly);
    if lsn > 0 {
        assert_eq!(past.database.stats().unwrap().last_lsn, lsn, "{context}: {moment:?}");
    }
    past.database.close().unwrap();
}

struct Run {
    directory: tempfile::TempDir,
    host: Host,
    hands: Arc<Hands>,
    options: OpenOptions,
    dice: fastrand::Rng,
    states: States,
    /// Whether every state is kept.
    keeps_all: bool,
    /// From this commit on every state must be there.
    kept_from: u64,
    context: String,
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut dice = fastrand::Rng::with_seed(seed);
        let hands = Arc::new(Hands(AtomicU64::new(1_700_000_000_000)));
        let host = Host { clock: hands.clone(), ..Host::system() };
        let changes = if dice.bool() {
            ChangeHistory::Keep(HistoryLimits::DEFAULT)
        } else {
            ChangeHistory::WhenWatched
        };
        let past = match dice.u32(0..4) {
            0 => PastHistory::AsBefore,
            1 => PastHistory::Off,
            2 => PastHistory::Keep(PastLimits::DEFAULT),
            _ => PastHistory::Keep(PastLimits {
                max_age: Duration::from_millis(dice.u64(1..300)),
                max_bytes: dice.bool().then(|| dice.u64(1..60_000)),
            }),
        };
        // Within these limits all is kept; otherwise the statistics say how much.
        let keeps_all =
            past == PastHistory::Keep(PastLimits::DEFAULT) || changes != ChangeHistory::WhenWatched;
        let options = OpenOptions {
            auto_compact: AutoCompact::Off,
            checkpoint_from: if dice.bool() { 0 } else { u64::MAX },
            memory_limit: if dice.bool() { MemoryLimit::Bytes(1) } else { MemoryLimit::Unlimited },
            check: if dice.bool() { Check::Quick } else { Check::Full },
            segment_size: if dice.bool() { 8192 } else { 1 << 20 },
            history: History { changes, past },
            ..OpenOptions::default()
        };
        let context = format!("seed {seed}, {options:?}");
        let states = States::default();
        let directory = tempfile::tempdir().unwrap();
        Run { directory, host, hands, options, dice, states, keeps_all, kept_from: 0, context }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    fn open(&self) -> Client {
        Client::open_on(&self.host, &self.path("db"), self.options.clone()).unwrap()
    }

    fn note(&mut self, client: &Client) {
        let lsn = client.database.stats().unwrap().last_lsn;
        // A rename with dropTarget, or an index of a new collection, may be several commits: what is between them is not compared.
        self.states.by_lsn.entry(lsn).or_insert_with(|| copy_of(client));
        let now = self.hands.0.load(Ordering::Relaxed) as i64;
        self.states.times.entry(lsn).or_insert(now);
    }

    /// A moment of a state that was noted.
    fn moment(&mut self) -> Moment {
        loop {
            let moment = pick(&self.states, &mut self.dice);
            if self.states.by_lsn.contains_key(&expected(&self.states, moment)) {
                return moment;
            }
        }
    }

    fn recover_to(&mut self, from: &str, moment: Moment, allow_partial: bool) -> Result<RecoveredTo> {
        let to = self.path("to");
        let wanted = Wanted { moment, allow_partial };
        let made = recover_to_on(&self.host, &self.path(from), &to, wanted, &Interrupt::default());
        let Ok(made) = made else {
            assert!(!Path::new(&to).exists(), "{}: something is left", self.context);
            return made;
        };
        let client = Client::open_on(&self.host, &to, OpenOptions::default()).unwrap();
        let noted = self.states.by_lsn.get(&made.lsn);
        assert_eq!(
            Some(&copy_of(&client)),
            noted,
            "{}: {moment:?} {made:?} {:?}",
            self.context,
            self.states.times
        );
        assert_eq!(
            made.documents,
            client.database.stats().unwrap().databases.iter().map(|one| one.documents).sum::<u64>()
        );
        client.database.close().unwrap();
        std::fs::remove_dir_all(&to).unwrap();
        Ok(made)
    }

    /// What is given up comes with a compaction or an opening.
    fn note_reach(&mut self, client: &Client) {
        let stats = client.database.stats().unwrap();
        let past = stats.history.and_then(|history| history.past);
        assert_eq!(
            past.is_some(),
            matches!(self.options.history.past, PastHistory::Keep(_)),
            "{}",
            self.context
        );
        if let Some(past) = past {
            assert!(past.from == 0 || !self.keeps_all, "{}: {past:?}", self.context);
            self.kept_from = past.from;
        }
    }

    fn step(&mut self, client: &mut Client) {
        self.hands.0.fetch_add(self.dice.u64(0..5), Ordering::Relaxed);
        match self.dice.u32(0..40) {
            // A snapshot of no commit could be that of a copy: the log behind it does not begin with nothing.
            0 if self.states.by_lsn.len() > 1 => {
                client.database.compact().unwrap();
                self.kept_from = if self.keeps_all { 0 } else { client.database.stats().unwrap().last_lsn };
                self.note_reach(client);
            }
            1 => drop(client.database.write_checkpoint().unwrap()),
            2 => {
                client.database.close().unwrap();
                *client = self.open();
                self.note_reach(client);
            }
            3..6 => {
                let moment = self.moment();
                check_past(client, &self.states, moment, self.kept_from, &self.context);
            }
            _ => change(client, &mut self.dice),
        }
        self.note(client);
    }
}

fn runs() -> (u64, u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("SEED").unwrap_or_else(|| fastrand::u64(0..1 << 40));
    println!("SEED={first}");
    (first, number("PAST_RUNS").unwrap_or(6))
}

#[test]
fn an_earlier_state_equals_the_copy_that_was_taken_then_and_a_new_database_made_of_it_too() {
    let (first, count) = runs();
    for seed in first..first + count {
        let mut run = Run::new(seed);
        let mut client = run.open();
        run.note(&client);
        for _ in 0..150 {
            run.step(&mut client);
        }
        // A state stays readable whatever happens to the database meanwhile.
        let newest = client.database.stats().unwrap().last_lsn;
        let held = client.database.as_of(Moment::Lsn(Lsn(newest))).unwrap();
        run.hands.0.fetch_add(10, Ordering::Relaxed);
        let held = Client { session: held.session(), database: held };
        for _ in 0..40 {
            change(&client, &mut run.dice);
        }
        client.database.compact().unwrap();
        client.database.compact().unwrap();
        assert_eq!(copy_of(&held), run.states.by_lsn[&newest], "{}", run.context);
        client.database.close().unwrap();
        let ended = held.find("one", &object(&[])).unwrap_err();
        assert_eq!(ended.kind(), Kind::Closed);
        let first = if run.keeps_all { 0 } else { newest + 1 };
        for _ in 0..6 {
            let moment = run.moment();
            let lsn = expected(&run.states, moment);
            match run.recover_to("db", moment, false) {
                Ok(made) => assert_eq!(made.lsn, lsn, "{}: {moment:?}", run.context),
                Err(error) => {
                    assert!(lsn < first, "{}: {moment:?}: {error}", run.context);
                    assert_eq!(error.kind(), Kind::HistoryLost, "{}: {error}", run.context);
                }
            }
        }
    }
}

#[test]
fn from_a_damaged_directory_comes_the_state_or_an_error_and_never_another_state() {
    let (first, count) = runs();
    for seed in first..first + count {
        let mut run = Run::new(seed);
        let mut client = run.open();
        run.note(&client);
        for _ in 0..80 {
            run.step(&mut client);
        }
        client.database.close().unwrap();
        for _ in 0..25 {
            let damaged = Path::new(&run.path("damaged")).to_path_buf();
            std::fs::create_dir(&damaged).unwrap();
            let mut names = Vec::new();
            for entry in std::fs::read_dir(run.path("db")).unwrap() {
                let entry = entry.unwrap();
                std::fs::copy(entry.path(), damaged.join(entry.file_name())).unwrap();
                names.push(entry.file_name());
            }
            names.retain(|name| name != "LOCK" && name != "OWNER");
            let name = damaged.join(&names[run.dice.usize(0..names.len())]);
            let mut bytes = std::fs::read(&name).unwrap();
            match run.dice.u32(0..4) {
                0 => bytes.truncate(run.dice.usize(0..=bytes.len())),
                1 => std::fs::remove_file(&name).unwrap(),
                _ if bytes.is_empty() => {}
                _ => {
                    let at = run.dice.usize(0..bytes.len());
                    bytes[at] ^= 1 << run.dice.u32(0..8);
                }
            }
            if name.exists() {
                std::fs::write(&name, bytes).unwrap();
            }
            let moment = run.moment();
            let lsn = expected(&run.states, moment);
            let is_told =
                |kind| matches!(kind, Kind::Corrupt | Kind::CorruptTail | Kind::HistoryLost | Kind::Io);
            match run.recover_to("damaged", moment, false) {
                Ok(made) => assert_eq!(made.lsn, lsn, "{}: {moment:?}", run.context),
                Err(error) => {
                    let newest = error.kind() == Kind::Argument && matches!(moment, Moment::Lsn(_));
                    assert!(newest || is_told(error.kind()), "{}: {error}", run.context);
                }
            }
            let noted = run.states.by_lsn.clone();
            // A commit between two that were noted has no copy.
            let part = recover_partially(&mut run, moment);
            if let Some((made, copied)) = part {
                assert!(made.lsn <= lsn, "{}", run.context);
                // Damage behind a state of a time may hide a commit of that time.
                let is_there = made.lsn == lsn;
                let agrees =
                    made.damage.is_none() == is_there || is_there && matches!(moment, Moment::Time(_));
                assert!(agrees, "{}: {made:?}", run.context);
                if let Some(noted) = noted.get(&made.lsn) {
                    assert_eq!(&copied, noted, "{}: {made:?}", run.context);
                }
            }
            std::fs::remove_dir_all(&damaged).unwrap();
        }
    }
}

fn recover_partially(run: &mut Run, moment: Moment) -> Option<(RecoveredTo, Copied)> {
    let to = run.path("part");
    let wanted = Wanted { moment, allow_partial: true };
    let made = recover_to_on(&run.host, &run.path("damaged"), &to, wanted, &Interrupt::default()).ok()?;
    let client = Client::open_on(&run.host, &to, OpenOptions::default()).unwrap();
    let copied = copy_of(&client);
    client.database.close().unwrap();
    std::fs::remove_dir_all(&to).unwrap();
    Some((made, copied))
}
