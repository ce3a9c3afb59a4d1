//! Whatever index a query uses, its result is that of a scan: the same documents in the same order. Each seed makes a
//! collection with indexes and one without, writes to both, and queries both. `SEED` sets the first seed, `CYCLES` the
//! number of seeds.

use std::sync::Arc;

use super::find::Cursor;
use super::{count, distinct};
use crate::document::{Path, Shapes, Value, encode_plain};
use crate::engine::aggregate::aggregation::Aggregation;
use crate::engine::database::Database;
use crate::engine::exec::interrupt::{Interrupt, Limits};
use crate::engine::operation::input::{Incoming, parse_filter};
use crate::engine::operation::request::{FindOptions, InsertOrder, Operation, Reach, Returned, Upsert};
use crate::engine::operation::response::{Document, UpdateOutcome};
use crate::engine::plan::hint::Hint;
use crate::engine::session::Session;
use crate::engine::state::collection::Collection;
use crate::engine::store::Store;
use crate::engine::write::by_filter;
use crate::engine::write::modification::{Change, Modification};
use crate::index::Spec;
use crate::options::{OpenOptions, StorageMode};
use crate::query::expression::Constants;
use crate::query::{Sort, Update};

struct Dice(fastrand::Rng);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0.u64(..sides)
    }

    fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.roll(all.len() as u64) as usize].clone()
    }
}

fn incoming(value: &Value) -> Incoming {
    let mut bytes = Vec::new();
    encode_plain(value, &mut bytes);
    Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
}

fn object(fields: Vec<(&str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn scalar(dice: &mut Dice) -> Value {
    match dice.roll(14) {
        0 => Value::Null,
        1 => Value::Bool(dice.roll(2) == 0),
        2 => Value::Double(f64::from(dice.roll(8) as u32) / 2.0),
        3 => Value::Long(dice.roll(6) as i64),
        4 => dice.pick(&[Value::Double(f64::NAN), Value::Double(-0.0), Value::Double(f64::INFINITY)]),
        5 => Value::Date(dice.roll(4) as i64),
        6 => Value::Binary(vec![7; dice.roll(3) as usize]),
        7 => Value::ObjectId([dice.roll(3) as u8; 12]),
        8 | 9 => dice.pick(&["", "a", "ab", "abc", "b", "\0", "a\0"].map(string)),
        10 if dice.roll(20) == 0 => Value::String("x".repeat(1_000 + dice.roll(60) as usize)),
        11 => object(vec![("p", Value::Int(dice.roll(3) as i32))]),
        _ => Value::Int(dice.roll(8) as i32),
    }
}

/// At most one of `a` and `o` leads to an array, because an index may have both.
fn document(dice: &mut Dice, id: i32) -> Value {
    let mut fields = vec![("_id", Value::Int(id)), ("u", Value::Int(id * 7 % 1_000))];
    let arrays = dice.roll(4);
    let list = |dice: &mut Dice| (0..dice.roll(4)).map(|_| scalar(dice)).collect::<Vec<_>>();
    if dice.roll(6) > 0 {
        let a = match arrays {
            0 => {
                let mut list = list(dice);
                if dice.roll(5) == 0 {
                    list.push(Value::Array(vec![scalar(dice)]));
                }
                Value::Array(list)
            }
            _ => scalar(dice),
        };
        fields.push(("a", a));
    }
    let pair = |dice: &mut Dice| {
        let mut inner = Vec::new();
        if dice.roll(4) > 0 {
            inner.push(("p", scalar(dice)));
        }
        if dice.roll(4) > 0 {
            inner.push(("q", scalar(dice)));
        }
        object(inner)
    };
    match dice.roll(5) {
        0 if arrays == 1 => {
            let items = (0..dice.roll(4)).map(|_| if dice.roll(4) == 0 { scalar(dice) } else { pair(dice) });
            fields.push(("o", Value::Array(items.collect())));
        }
        0 | 1 => fields.push(("o", pair(dice))),
        2 => fields.push(("o", scalar(dice))),
        _ => {}
    }
    if dice.roll(8) > 0 {
        fields.push(("b", Value::Int(dice.roll(5) as i32)));
    }
    if dice.roll(3) > 0 {
        fields.push(("c", scalar(dice)));
    }
    object(fields)
}

const PATHS: [&str; 7] = ["a", "b", "c", "o", "o.p", "o.q", "u"];

fn test(dice: &mut Dice) -> Value {
    let comparison = dice.pick(&["$eq", "$gt", "$gte", "$lt", "$lte"]);
    match dice.roll(16) {
        0..=3 => scalar(dice),
        4..=6 => object(vec![(comparison, scalar(dice))]),
        7 | 8 => object(vec![
            ("$gte", Value::Int(dice.roll(5) as i32)),
            ("$lt", Value::Int(3 + dice.roll(5) as i32)),
        ]),
        9 | 10 => {
            let list = (0..dice.roll(4)).map(|_| scalar(dice)).collect();
            object(vec![("$in", Value::Array(list))])
        }
        11 => object(vec![("$exists", Value::Bool(dice.roll(2) == 0))]),
        12 => object(vec![("$regex", dice.pick(&["^a", "^ab", "b", "^a*"].map(string)))]),
        13 => object(vec![("$ne", scalar(dice))]),
        14 => object(vec![("$type", dice.pick(&["string", "number", "null", "array"].map(string)))]),
        _ => {
            let inner = if dice.roll(2) == 0 {
                object(vec![("$gte", Value::Int(1)), ("$lt", Value::Int(4))])
            } else {
                object(vec![("p", scalar(dice)), ("q", test(dice))])
            };
            object(vec![("$elemMatch", inner)])
        }
    }
}

fn filter(dice: &mut Dice) -> Value {
    let field = |dice: &mut Dice| (dice.pick(&PATHS), test(dice));
    match dice.roll(12) {
        0 => object(Vec::new()),
        1 => object(vec![("_id", Value::Int(dice.roll(60) as i32))]),
        2 => {
            let list = (0..dice.roll(5)).map(|_| Value::Int(dice.roll(60) as i32)).collect();
            object(vec![("_id", object(vec![("$in", Value::Array(list))]))])
        }
        3 | 4 => {
            let list = (0..1 + dice.roll(3)).map(|_| object(vec![field(dice)])).collect();
            let mut all = vec![("$or", Value::Array(list))];
            if dice.roll(2) == 0 {
                all.push(field(dice));
            }
            object(all)
        }
        5 => {
            let list = (0..1 + dice.roll(3)).map(|_| object(vec![field(dice)])).collect();
            object(vec![("$and", Value::Array(list))])
        }
        _ => {
            let mut all = vec![field(dice)];
            for _ in 0..dice.roll(3) {
                let next = field(dice);
                if all.iter().all(|(path, _)| *path != next.0) {
                    all.push(next);
                }
            }
            object(all)
        }
    }
}

fn pairs(dice: &mut Dice, most: u64) -> Value {
    let mut paths: Vec<&str> = Vec::new();
    for _ in 0..1 + dice.roll(most) {
        let path = dice.pick(&PATHS);
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let sign = |dice: &mut Dice| Value::Int(if dice.roll(3) == 0 { -1 } else { 1 });
    Value::Array(paths.iter().map(|path| Value::Array(vec![string(path), sign(dice)])).collect())
}

fn spec(dice: &mut Dice, number: u64) -> Spec {
    let name = ("name", Value::String(format!("i{number}")));
    let spec = match dice.roll(8) {
        0 => {
            let key = Value::Array(vec![Value::Array(vec![string("u"), Value::Int(1)])]);
            object(vec![("key", key), name, ("unique", Value::Bool(true))])
        }
        1 | 2 => object(vec![("key", pairs(dice, 3)), name, ("sparse", Value::Bool(true))]),
        3 => {
            let only = dice.pick(&[
                object(vec![("b", object(vec![("$gte", Value::Int(2))]))]),
                object(vec![("a", object(vec![("$exists", Value::Bool(true))]))]),
                object(vec![("c", object(vec![("$type", string("number"))]))]),
            ]);
            object(vec![("key", pairs(dice, 3)), name, ("partialFilterExpression", only)])
        }
        _ => object(vec![("key", pairs(dice, 3)), name]),
    };
    Spec::parse(&spec).unwrap()
}

/// The parameters of a find.
#[derive(Clone)]
struct Find {
    filter: Value,
    sort: Option<Value>,
    skip: u64,
    limit: u64,
}

fn find(dice: &mut Dice) -> Find {
    let sort = (dice.roll(2) == 0).then(|| pairs(dice, 3));
    let skip = if dice.roll(3) == 0 { dice.roll(5) } else { 0 };
    let limit = if dice.roll(2) == 0 { 1 + dice.roll(12) } else { 0 };
    Find { filter: filter(dice), sort, skip, limit }
}

struct Run {
    database: Arc<Database>,
    session: Arc<Session>,
    store: Arc<Store>,
    interrupt: Interrupt,
}

/// An open cursor, and its remaining results.
struct Open {
    cursor: Cursor,
    rest: Vec<Value>,
    asked: String,
}

impl Run {
    fn cursor(&self, name: &str, find: &Find, hint: Option<&Value>) -> Cursor {
        let options = FindOptions {
            sort: find.sort.as_ref().map(incoming),
            projection: None,
            skip: find.skip,
            limit: find.limit,
            batch: 0,
            hint: hint.map(incoming),
        };
        let (constants, limits) = (Constants::default(), Limits::default());
        Cursor::open(&self.store, name, &incoming(&find.filter), &options, &constants, &limits).unwrap()
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
            name,
            (&pipeline, &Constants::default()),
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
        let (filter, hint) = (parse_filter(&incoming(&find.filter)).unwrap(), hint.map(parse_hint));
        count::matches(&self.store, name, &filter, (find.skip, find.limit), hint.as_ref(), &self.interrupt)
            .unwrap()
    }

    fn distinct(&self, name: &str, path: &str, find: &Find, hint: Option<&Value>) -> Vec<Value> {
        let (filter, hint) = (parse_filter(&incoming(&find.filter)).unwrap(), hint.map(parse_hint));
        distinct::values(&self.store, name, &Path::parse(path), &filter, hint.as_ref(), &self.interrupt)
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
        let (filter, hint) = (parse_filter(&incoming(&find.filter)).unwrap(), hint.map(parse_hint));
        let update = update.map(|update| Update::parse(incoming(update).raw(), None).unwrap());
        let sort = find.sort.as_ref().and_then(|sort| Sort::parse(incoming(sort).raw()).unwrap());
        let change = update.as_ref().map_or(Change::Delete, Change::Update);
        let committed = by_filter::modify_answering(
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

fn update(dice: &mut Dice) -> Value {
    match dice.roll(4) {
        0 => object(vec![("$inc", object(vec![("b", Value::Int(1))]))]),
        1 => object(vec![("$unset", object(vec![("a", Value::Int(1)), ("c", Value::Int(1))]))]),
        2 => {
            object(vec![("$set", object(vec![("a", scalar(dice)), ("b", Value::Int(dice.roll(5) as i32))]))])
        }
        _ => object(vec![("$set", object(vec![("c", scalar(dice))]))]),
    }
}

fn run(seed: u64, runtime: &tokio::runtime::Handle) -> usize {
    let mut dice = Dice(fastrand::Rng::with_seed(seed));
    let directory = tempfile::tempdir().unwrap();
    let on_disk = dice.roll(8) == 0;
    let path =
        if on_disk { directory.path().join("db").to_str().unwrap().to_owned() } else { ":memory:".into() };
    let options = OpenOptions {
        storage: if on_disk { StorageMode::Async } else { StorageMode::Memory },
        memory_limit: on_disk.then_some(2_000),
        ..OpenOptions::default()
    };
    let database = Database::open(&path, options, runtime.clone()).unwrap();
    let (session, store) = (database.session(), database.store().clone());
    let run = Run { database, session, store, interrupt: Interrupt::default() };
    let mut names: Vec<String> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut next = 0;
    let mut cases = 0;
    let natural = Value::Array(vec![Value::Array(vec![string("$natural"), Value::Int(1)])]);
    let backward = Value::Array(vec![Value::Array(vec![string("$natural"), Value::Int(-1)])]);
    for step in 0..24_u64 {
        let context = format!("seed {seed} step {step}");
        let documents = |dice: &mut Dice, next: &mut i32| -> Vec<Value> {
            let count = 1 + dice.roll(20) as i32;
            *next += count;
            (*next - count..*next).map(|id| document(dice, id)).collect()
        };
        match dice.roll(9) {
            0..=2 => {
                let all = documents(&mut dice, &mut next);
                run.write(|| Operation::Insert {
                    documents: all.iter().map(incoming).collect(),
                    order: InsertOrder::Ordered,
                });
            }
            3 => {
                let id = Value::Int(dice.roll(60) as i32);
                run.write(|| Operation::DeleteId { id: incoming(&id), if_version: None });
            }
            4 if names.len() < 5 => {
                let spec = spec(&mut dice, step);
                if run.database.create_indexes("x", std::slice::from_ref(&spec)).is_ok() {
                    names.push(spec.name.to_string());
                }
            }
            5 if names.len() > 2 => {
                let name = names.remove(dice.roll(names.len() as u64) as usize);
                run.database.drop_index("x", &name).unwrap();
            }
            _ => {
                let find = find(&mut dice);
                let hint = match dice.roll(2) {
                    0 if !names.is_empty() => Some(Value::String(dice.pick(&names))),
                    _ => None,
                };
                let update = (dice.roll(4) > 0).then(|| update(&mut dice));
                let how = (dice.pick(&[Reach::One, Reach::Many]), dice.roll(2) == 0);
                let asked =
                    format!("{context}: {:?} {:?} {update:?} {how:?} {hint:?}", find.filter, find.sort);
                let by_index = run.modify("x", &find, update.as_ref(), how, hint.as_ref());
                let by_scan = run.modify("p", &find, update.as_ref(), how, Some(&natural));
                assert_eq!(by_index, by_scan, "{asked}");
            }
        }
        for _ in 0..4 {
            let find = find(&mut dice);
            let path = dice.pick(&PATHS);
            let expected = run.find("p", &find, Some(&natural), 0);
            let counted = run.count("p", &find, Some(&natural));
            let different = run.distinct("p", path, &find, Some(&natural));
            let unsorted = Find { sort: None, ..find.clone() };
            let mut reversed = run.find("p", &Find { skip: 0, limit: 0, ..unsorted.clone() }, None, 0);
            reversed.reverse();
            let most = if find.limit == 0 { usize::MAX } else { find.limit as usize };
            let reversed: Vec<_> = reversed.into_iter().skip(find.skip as usize).take(most).collect();
            let asked = format!("{context}: {:?} skip {} limit {}", find.filter, find.skip, find.limit);
            let batch = dice.roll(4) as u32;
            assert_eq!(run.find("x", &unsorted, Some(&backward), batch), reversed, "{asked}");
            assert_eq!(run.aggregate("x", &unsorted, Some(&backward)), reversed, "{asked}");
            let hints = std::iter::once(None).chain(names.iter().map(|name| Some(string(name))));
            for hint in hints {
                cases += 1;
                let hint = hint.as_ref();
                let batch = dice.roll(4) as u32;
                let asked = format!(
                    "{context}: {:?} sort {:?} skip {} limit {} hint {hint:?}",
                    find.filter, find.sort, find.skip, find.limit
                );
                assert_eq!(run.find("x", &find, hint, batch), expected, "{asked}");
                assert_eq!(run.aggregate("x", &find, hint), expected, "aggregate {asked}");
                assert_eq!(run.count("x", &find, hint), counted, "count {asked}");
                assert_eq!(run.distinct("x", path, &find, hint), different, "distinct {path} {asked}");
                if dice.roll(8) == 0 {
                    let mut cursor = run.cursor("x", &find, hint);
                    let first = run.drain(&mut cursor, 1, 1);
                    let rest = expected[first.len()..].to_vec();
                    open.push(Open { cursor, rest, asked });
                }
            }
        }
        if open.len() > 6 || dice.roll(4) == 0 {
            for mut one in open.drain(..) {
                let rest = run.drain(&mut one.cursor, 2, usize::MAX);
                assert_eq!(rest, one.rest, "opened at {} and read at step {step}", one.asked);
            }
        }
        run.store.cool();
    }
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
