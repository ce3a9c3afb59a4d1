//! Whatever index a query uses, its result is that of a scan: the same documents in the same order. Each seed makes a
//! collection with indexes and one without, writes to both, and queries both. `SEED` sets the first seed, `CYCLES` the
//! number of seeds.

use std::sync::Arc;

use super::find::Cursor;
use super::layers::source::Source;
use super::random_queries::{Dice, Find, PATHS, collation, document, find, object, spec, string, update};
use super::{count, distinct};
use crate::document::{Path, Shapes, Value, encode_plain};
use crate::engine::aggregate::aggregation::Aggregation;
use crate::engine::database::Database;
use crate::engine::exec::interrupt::{Interrupt, Limits};
use crate::engine::operation::input::{Incoming, parse_filter_with};
use crate::engine::operation::request::{FindOptions, InsertOrder, Operation, Reach, Returned, Upsert};
use crate::engine::operation::response::{Document, UpdateOutcome};
use crate::engine::plan::hint::Hint;
use crate::engine::session::Session;
use crate::engine::state::collection::Collection;
use crate::engine::store::Store;
use crate::engine::write::by_filter;
use crate::engine::write::modification::{Change, Modification};
use crate::options::{OpenOptions, StorageMode};
use crate::query::expression::Constants;
use crate::query::{Sort, Update};

fn incoming(value: &Value) -> Incoming {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
}

struct Run {
    database: Arc<Database>,
    session: Arc<Session>,
    store: Arc<Store>,
    interrupt: Interrupt,
    /// The context of the next operations: how strings compare.
    constants: Constants,
}

/// An open cursor, and its remaining results.
struct Open {
    cursor: Cursor,
    rest: Vec<Value>,
    what: String,
}

impl Run {
    fn cursor(&self, name: &str, find: &Find, hint: Option<&Value>) -> Cursor {
        let options = FindOptions {
            sort: find.sort.as_ref().map(incoming),
            skip: find.skip,
            limit: find.limit,
            hint: hint.map(incoming),
            ..FindOptions::default()
        };
        let limits = Limits::default();
        Cursor::open(
            Source::newest(&self.store),
            name,
            &incoming(&find.filter),
            &options,
            &self.constants,
            &limits,
        )
        .unwrap()
    }

    fn drain(&self, cursor: &mut Cursor, batch: u32, batches: usize) -> Vec<Value> {
        let mut all = Vec::new();
        for _ in 0..batches {
            if cursor.is_done() {
                break;
            }
            let documents = cursor.next_batch(&self.store, batch, &self.interrupt).unwrap();
            let collection = cursor.collection().cloned();
            all.extend(documents.iter().map(|one| tree(collection.as_deref(), one)));
        }
        all
    }

    fn find(&self, name: &str, find: &Find, hint: Option<&Value>, batch: u32) -> Vec<Value> {
        self.drain(&mut self.cursor(name, find, hint), batch, usize::MAX)
    }

    fn aggregate(&self, name: &str, find: &Find, hint: Option<&Value>) -> Vec<Value> {
        let mut stages = vec![object(vec![("$match", find.filter.clone())])];
        if let Some(Value::Array(pairs)) = &find.sort {
            let pair = |pair: &Value| match pair {
                Value::Array(pair) => match pair.as_slice() {
                    [Value::String(path), sign] => (path.clone(), sign.clone()),
                    _ => unreachable!(),
                },
                _ => unreachable!(),
            };
            stages.push(object(vec![("$sort", Value::Object(pairs.iter().map(pair).collect()))]));
        }
        if find.skip > 0 {
            stages.push(object(vec![("$skip", Value::Int(find.skip as i32))]));
        }
        if find.limit > 0 {
            stages.push(object(vec![("$limit", Value::Int(find.limit as i32))]));
        }
        let (pipeline, hint) = (incoming(&Value::Array(stages)), hint.map(incoming));
        let mut run = Aggregation::open(
            &self.store,
            Source::newest(&self.store),
            name,
            (&pipeline, &self.constants),
            hint.as_ref(),
            &self.interrupt,
        )
        .unwrap();
        let mut all = Vec::new();
        while !run.is_done() {
            all.extend(run.next_batch(3, &self.interrupt).unwrap().iter().map(|one| tree(None, one)));
        }
        all
    }

    fn count(&self, name: &str, find: &Find, hint: Option<&Value>) -> u64 {
        let (filter, hint) =
            (parse_filter_with(&incoming(&find.filter), &self.constants).unwrap(), hint.map(parse_hint));
        count::matches(
            &self.store,
            (&Source::newest(&self.store), name),
            &filter,
            (find.skip, find.limit),
            hint.as_ref(),
            &self.interrupt,
        )
        .unwrap()
    }

    fn distinct(&self, name: &str, path: &str, find: &Find, hint: Option<&Value>) -> Vec<Value> {
        let (filter, hint) =
            (parse_filter_with(&incoming(&find.filter), &self.constants).unwrap(), hint.map(parse_hint));
        distinct::values(
            &self.store,
            (&Source::newest(&self.store), name),
            (&Path::parse(path), self.constants.collation()),
            &filter,
            hint.as_ref(),
            &self.interrupt,
        )
        .unwrap()
    }

    /// Changes, replaces or deletes; the outcome and, if requested, the document.
    fn modify(
        &self,
        name: &str,
        find: &Find,
        update: Option<&Value>,
        (reach, answer): (Reach, bool),
        hint: Option<&Value>,
    ) -> (UpdateOutcome, Option<Value>) {
        let (filter, hint) =
            (parse_filter_with(&incoming(&find.filter), &self.constants).unwrap(), hint.map(parse_hint));
        let update =
            update.map(|update| Update::parse_with(incoming(update).raw(), None, &self.constants).unwrap());
        let sort = find
            .sort
            .as_ref()
            .and_then(|sort| Sort::parse_with(incoming(sort).raw(), &self.constants).unwrap());
        let change = update.as_ref().map_or(Change::Delete, Change::Update);
        let committed = by_filter::modify_and_return(
            &self.store,
            &Modification {
                name,
                filter: &filter,
                reach,
                change,
                upsert: (Upsert::No, None),
                sort: sort.as_ref().filter(|_| reach == Reach::One),
                hint: hint.as_ref(),
                answer: answer.then_some((Returned::Before, None)),
                interrupt: &self.interrupt,
                ahead: None,
                if_version: None,
            },
        );
        self.store.wait_published(committed.lsn).unwrap();
        committed.result.unwrap()
    }

    fn write(&self, operation: impl Fn() -> Operation) {
        for name in ["x", "p"] {
            self.session.call(name, operation()).answer.unwrap();
        }
    }
}

fn parse_hint(hint: &Value) -> Hint {
    Hint::of(Some(&incoming(hint))).unwrap().unwrap()
}

fn tree(collection: Option<&Collection>, document: &Document) -> Value {
    match document {
        Document::Projected(value) => value.clone(),
        stored => stored.stored(collection.unwrap()).unwrap().to_value(),
    }
}

/// Two collections of one database with the same documents: `x` has indexes, `p` has none.
struct Twins {
    run: Run,
    /// The indexes of `x`.
    names: Vec<String>,
    open: Vec<Open>,
    /// The next `_id`.
    next: i32,
    cases: usize,
}

impl Twins {
    /// Writes to both, or changes the indexes of `x`.
    fn write(&mut self, dice: &mut Dice, step: u64, context: &str) {
        self.run.constants = Constants::default().under(collation(dice));
        let run = &self.run;
        match dice.roll(9) {
            0..=2 => {
                let count = 1 + dice.roll(20) as i32;
                let all: Vec<_> = (self.next..self.next + count).map(|id| document(dice, id)).collect();
                self.next += count;
                run.write(|| Operation::Insert {
                    documents: all.iter().map(incoming).collect(),
                    order: InsertOrder::Ordered,
                });
            }
            3 => {
                let id = Value::Int(dice.roll(60) as i32);
                run.write(|| Operation::DeleteId { id: incoming(&id), if_version: None });
            }
            4 if self.names.len() < 5 => {
                let spec = spec(dice, step);
                if run.database.create_indexes("x", std::slice::from_ref(&spec)).is_ok() {
                    self.names.push(spec.name.to_string());
                }
            }
            5 if self.names.len() > 2 => {
                let name = self.names.remove(dice.roll(self.names.len() as u64) as usize);
                run.database.drop_index("x", &name).unwrap();
            }
            _ => {
                let find = find(dice);
                let hint = match dice.roll(2) {
                    0 if !self.names.is_empty() => Some(Value::String(dice.pick(&self.names))),
                    _ => None,
                };
                let update = (dice.roll(4) > 0).then(|| update(dice));
                let how = (dice.pick(&[Reach::One, Reach::Many]), dice.roll(2) == 0);
                let what =
                    format!("{context}: {:?} {:?} {update:?} {how:?} {hint:?}", find.filter, find.sort);
                let by_index = run.modify("x", &find, update.as_ref(), how, hint.as_ref());
                let by_scan = run.modify("p", &find, update.as_ref(), how, Some(&natural(1)));
                assert_eq!(by_index, by_scan, "{what}");
            }
        }
    }

    /// Compares the results of one query by each index of `x` with those of a scan of `p`.
    fn compare(&mut self, dice: &mut Dice, context: &str) {
        self.run.constants = Constants::default().under(collation(dice));
        let run = &self.run;
        let context = &format!("{context} under {:?}", run.constants.collation().to_value());
        let find = find(dice);
        let path = dice.pick(&PATHS);
        let scan = natural(1);
        let expected = run.find("p", &find, Some(&scan), 0);
        let counted = run.count("p", &find, Some(&scan));
        let different = run.distinct("p", path, &find, Some(&scan));
        let everything = Find { filter: object(Vec::new()), ..find.clone() };
        let all = run.distinct("p", path, &everything, Some(&scan));
        assert_eq!(
            run.distinct("x", path, &everything, None),
            all,
            "distinct {path} of everything: {context}"
        );
        self.compare_backward(dice, &find, context);
        let hints = std::iter::once(None).chain(self.names.iter().map(|name| Some(string(name))));
        for hint in hints {
            self.cases += 1;
            let hint = hint.as_ref();
            let batch = dice.roll(4) as u32;
            let what = format!(
                "{context}: {:?} sort {:?} skip {} limit {} hint {hint:?}",
                find.filter, find.sort, find.skip, find.limit
            );
            assert_eq!(run.find("x", &find, hint, batch), expected, "{what}");
            assert_eq!(run.aggregate("x", &find, hint), expected, "aggregate {what}");
            assert_eq!(run.count("x", &find, hint), counted, "count {what}");
            assert_eq!(run.distinct("x", path, &find, hint), different, "distinct {path} {what}");
            if dice.roll(8) == 0 {
                let mut cursor = run.cursor("x", &find, hint);
                let first = run.drain(&mut cursor, 1, 1);
                let rest = expected[first.len()..].to_vec();
                self.open.push(Open { cursor, rest, what });
            }
        }
    }

    /// A backward scan returns what a forward one does, reversed.
    fn compare_backward(&self, dice: &mut Dice, find: &Find, context: &str) {
        let run = &self.run;
        let unsorted = Find { sort: None, ..find.clone() };
        let mut reversed = run.find("p", &Find { skip: 0, limit: 0, ..unsorted.clone() }, None, 0);
        reversed.reverse();
        let most = if find.limit == 0 { usize::MAX } else { find.limit as usize };
        let reversed: Vec<_> = reversed.into_iter().skip(find.skip as usize).take(most).collect();
        let what = format!("{context}: {:?} skip {} limit {}", find.filter, find.skip, find.limit);
        let batch = dice.roll(4) as u32;
        assert_eq!(run.find("x", &unsorted, Some(&natural(-1)), batch), reversed, "{what}");
        assert_eq!(run.aggregate("x", &unsorted, Some(&natural(-1))), reversed, "{what}");
    }

    /// Cursors that stayed open return what was there when they were opened.
    fn read_open(&mut self, step: u64) {
        for mut one in self.open.drain(..) {
            let rest = self.run.drain(&mut one.cursor, 2, usize::MAX);
            assert_eq!(rest, one.rest, "opened at {} and read at step {step}", one.what);
        }
    }
}

/// The hint of a scan in this direction.
fn natural(direction: i32) -> Value {
    Value::Array(vec![Value::Array(vec![string("$natural"), Value::Int(direction)])])
}

/// Runs one seed; the number of compared queries.
fn run(seed: u64, runtime: &tokio::runtime::Handle) -> usize {
    let mut dice = Dice(fastrand::Rng::with_seed(seed));
    let directory = tempfile::tempdir().unwrap();
    let on_disk = dice.roll(8) == 0;
    let path =
        if on_disk { directory.path().join("db").to_str().unwrap().to_owned() } else { ":memory:".into() };
    let options = OpenOptions {
        storage: if on_disk { StorageMode::Async } else { StorageMode::Memory },
        memory_limit: on_disk.then_some(2_000).into(),
        ..OpenOptions::default()
    };
    let database = Database::open(&path, options, runtime.clone()).unwrap();
    let (session, store) = (database.session(), database.store().clone());
    let (interrupt, constants) = (Interrupt::default(), Constants::default());
    let run = Run { database, session, store, interrupt, constants };
    let mut twins = Twins { run, names: Vec::new(), open: Vec::new(), next: 0, cases: 0 };
    for step in 0..24_u64 {
        let context = format!("seed {seed} step {step}");
        twins.write(&mut dice, step, &context);
        for _ in 0..4 {
            twins.compare(&mut dice, &context);
        }
        if twins.open.len() > 6 || dice.roll(4) == 0 {
            twins.read_open(step);
        }
        twins.run.store.cool();
    }
    let Twins { run, open, cases, .. } = twins;
    drop(open);
    let all = Find { filter: object(Vec::new()), sort: None, skip: 0, limit: 0 };
    assert_eq!(run.find("x", &all, None, 0), run.find("p", &all, None, 0), "seed {seed}");
    run.database.check_indexes().unwrap();
    run.database.close().unwrap();
    cases
}

#[test]
fn an_index_changes_no_answer_and_no_order() {
    let read =
        |name, otherwise| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (first, cycles): (u64, u64) = (read("SEED", 1), read("CYCLES", 40));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let cases: usize = (first..first + cycles).map(|seed| run(seed, runtime.handle())).sum();
    assert!(cycles < 40 || cases > 4_000, "only {cases} cases");
}
