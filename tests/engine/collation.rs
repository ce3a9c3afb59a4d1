//! Collations: finds, counts, sorts, distinct values and groups against an oracle that compares words by hand, by scans and by
//! indexes of several strengths, and again after the database was opened from a checkpoint, and from the log alone.

use std::cmp::Ordering;

use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::{Answer, FindOptions, InsertOrder, Operation};
use moltendb_node::index::Spec;

use crate::checkpoint::options;
use crate::disk::{DIR, Disk};
use crate::support::{Client, batch_of, incoming, object};

/// Letters with their places by strength: the letter, its accent, its case.
const LETTERS: [(char, [u8; 3]); 8] = [
    ('a', [0, 0, 0]),
    ('A', [0, 0, 1]),
    ('\u{e1}', [0, 1, 0]),
    ('\u{c1}', [0, 1, 1]),
    ('b', [1, 0, 0]),
    ('B', [1, 0, 1]),
    ('c', [2, 0, 0]),
    ('C', [2, 0, 1]),
];

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn call(operator: &str, operand: Value) -> Value {
    object(&[(operator, operand)])
}

fn collation(strength: usize) -> Value {
    object(&[("locale", text("en")), ("strength", Value::Int(strength as i32))])
}

/// The order of two words at a strength: all letters first, then all accents, then all cases.
fn compare_words(a: &str, b: &str, strength: usize) -> Ordering {
    let level = |word: &str, level: usize| -> Vec<u8> {
        let place = |letter: char| LETTERS.iter().find(|(own, _)| *own == letter).unwrap().1[level];
        word.chars().map(place).collect()
    };
    (0..strength).map(|n| level(a, n).cmp(&level(b, n))).fold(Ordering::Equal, Ordering::then)
}

/// Missing values, then numbers, then words.
fn compare(a: Option<&Value>, b: Option<&Value>, strength: usize) -> Ordering {
    let rank = |value: Option<&Value>| match value {
        None => (0, 0),
        Some(Value::Int(number)) => (1, *number),
        Some(_) => (2, 0),
    };
    match (a, b) {
        (Some(Value::String(a)), Some(Value::String(b))) => compare_words(a, b, strength),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn field<'v>(document: &'v Value, name: &str) -> Option<&'v Value> {
    let Value::Object(fields) = document else { panic!("a document is no object") };
    fields.iter().find(|(own, _)| own == name).map(|(_, value)| value)
}

struct Dice(fastrand::Rng);

impl Dice {
    fn word(&mut self) -> String {
        (0..self.0.usize(0..4)).map(|_| LETTERS[self.0.usize(0..LETTERS.len())].0).collect()
    }

    fn scalar(&mut self) -> Value {
        if self.0.u8(0..6) == 0 { Value::Int(self.0.i32(0..3)) } else { Value::String(self.word()) }
    }

    fn document(&mut self, id: i32) -> Value {
        let mut fields = vec![("_id", Value::Int(id))];
        if self.0.u8(0..8) > 0 {
            fields.push(("s", self.scalar()));
        }
        let words = (0..self.0.usize(0..3)).map(|_| Value::String(self.word())).collect();
        fields.push(("t", Value::Array(words)));
        object(&fields)
    }
}

/// A condition, and whether a value fulfils it.
type Condition = (Value, Box<dyn Fn(Option<&Value>, usize) -> bool>);

fn condition(dice: &mut Dice) -> Condition {
    let value = dice.scalar();
    let same_class = |a: Option<&Value>, b: &Value| {
        matches!((a, b), (Some(Value::Int(_)), Value::Int(_)) | (Some(Value::String(_)), Value::String(_)))
    };
    match dice.0.u8(0..6) {
        0 | 1 => {
            let operand = value.clone();
            (value, Box::new(move |found, strength| compare(found, Some(&operand), strength).is_eq()))
        }
        2 => {
            let operand = value.clone();
            let test = move |found: Option<&Value>, strength| {
                same_class(found, &operand) && compare(found, Some(&operand), strength).is_gt()
            };
            (call("$gt", value), Box::new(test))
        }
        3 => {
            let operand = value.clone();
            let test = move |found: Option<&Value>, strength| {
                same_class(found, &operand) && compare(found, Some(&operand), strength).is_le()
            };
            (call("$lte", value), Box::new(test))
        }
        4 => {
            let all = vec![value, dice.scalar(), dice.scalar()];
            let operands = all.clone();
            let test = move |found: Option<&Value>, strength| {
                operands.iter().any(|operand| compare(found, Some(operand), strength).is_eq())
            };
            (call("$in", Value::Array(all)), Box::new(test))
        }
        _ => {
            let operand = value.clone();
            let test =
                move |found: Option<&Value>, strength| compare(found, Some(&operand), strength).is_ne();
            (call("$ne", value), Box::new(test))
        }
    }
}

fn under(strength: usize, operation: Operation) -> Operation {
    let variables = incoming(&Value::Array(vec![Value::Null, collation(strength)]));
    Operation::Let { variables, operation: Box::new(operation) }
}

fn sorted_by(path: &str, sign: i32) -> Value {
    Value::Array(vec![Value::Array(vec![text(path), Value::Int(sign)])])
}

/// All documents of a find, or of a pipeline.
fn all_of(client: &Client, operation: Operation) -> Vec<Value> {
    let (cursor, mut documents) = batch_of(client.call("c", operation).unwrap()).unwrap();
    documents.extend(client.rest(cursor, 0).unwrap());
    documents
}

fn ids(documents: &[&Value]) -> Vec<i32> {
    let id = |document: &&Value| match field(document, "_id") {
        Some(Value::Int(id)) => *id,
        other => panic!("{other:?}"),
    };
    documents.iter().map(id).collect()
}

/// Compares answers of the database with those of the oracle.
fn check(client: &Client, documents: &[Value], dice: &mut Dice, context: &str) {
    for strength in 1..=3 {
        let path = if dice.0.bool() { "s" } else { "t" };
        let (given, holds) = condition(dice);
        let is_negated = matches!(&given, Value::Object(fields) if fields[0].0 == "$ne");
        let matches = |document: &Value| match field(document, path) {
            Some(Value::Array(items)) if is_negated => items.iter().all(|item| holds(Some(item), strength)),
            Some(Value::Array(items)) => items.iter().any(|item| holds(Some(item), strength)),
            value => holds(value, strength),
        };
        let expected: Vec<&Value> = documents.iter().filter(|document| matches(document)).collect();
        let filter = object(&[(path, given.clone())]);
        let what = format!("{context}: {filter:?} at strength {strength}");
        let find =
            |options: FindOptions| under(strength, Operation::Find { filter: incoming(&filter), options });
        let found = all_of(client, find(FindOptions::default()));
        assert_eq!(ids(&found.iter().collect::<Vec<_>>()), ids(&expected), "{what}");

        let count = Operation::Count { filter: incoming(&filter), skip: 0, limit: 0, hint: None };
        match client.call("c", under(strength, count)).unwrap().1 {
            Answer::Count(count) => assert_eq!(count as usize, expected.len(), "count {what}"),
            _ => panic!("a count has another answer"),
        }

        let sign = if dice.0.bool() { 1 } else { -1 };
        let mut in_order = expected.clone();
        in_order.sort_by(|a, b| {
            let order = compare(field(a, "s"), field(b, "s"), strength);
            if sign < 0 { order.reverse() } else { order }
        });
        let sort = Some(incoming(&sorted_by("s", sign)));
        let found = all_of(client, find(FindOptions { sort, ..FindOptions::default() }));
        assert_eq!(ids(&found.iter().collect::<Vec<_>>()), ids(&in_order), "sorted {sign} {what}");

        let mut different: Vec<&Value> = Vec::new();
        for value in expected.iter().filter_map(|document| field(document, "s")) {
            if !different.iter().any(|known| compare(Some(known), Some(value), strength).is_eq()) {
                different.push(value);
            }
        }
        let key = incoming(&text("s"));
        let distinct = Operation::Distinct { key, filter: incoming(&filter), hint: None };
        match client.call("c", under(strength, distinct)).unwrap().1 {
            Answer::Values(values) => assert_eq!(values.iter().collect::<Vec<_>>(), different, "{what}"),
            _ => panic!("distinct has another answer"),
        }

        let mut groups: Vec<(Option<&Value>, i32)> = Vec::new();
        for document in &expected {
            let value = field(document, "s");
            match groups.iter_mut().find(|(known, _)| compare(*known, value, strength).is_eq()) {
                Some((_, count)) => *count += 1,
                None => groups.push((value, 1)),
            }
        }
        let groups: Vec<Value> = groups
            .into_iter()
            .map(|(value, count)| {
                object(&[("_id", value.cloned().unwrap_or(Value::Null)), ("n", Value::Int(count))])
            })
            .collect();
        let stages = Value::Array(vec![
            call("$match", filter.clone()),
            call("$group", object(&[("_id", text("$s")), ("n", call("$sum", Value::Int(1)))])),
        ]);
        let pipeline = Operation::Aggregate { pipeline: incoming(&stages), batch: 0, hint: None };
        assert_eq!(all_of(client, under(strength, pipeline)), groups, "grouped {what}");
    }
}

fn index(name: &str, path: &str, strength: usize) -> Spec {
    let fields =
        object(&[("key", sorted_by(path, 1)), ("name", text(name)), ("collation", collation(strength))]);
    Spec::parse(&fields).unwrap()
}

fn open(disk: &Disk, options: OpenOptions) -> Client {
    Client::open_on(&disk.host(), DIR, options).unwrap()
}

fn run(seed: u64) {
    let mut dice = Dice(fastrand::Rng::with_seed(seed));
    let disk = Disk::default();
    let client = open(&disk, options());
    let strengths = [dice.0.usize(1..4), dice.0.usize(1..4)];
    client.database.create_indexes("c", &[index("s", "s", strengths[0])]).unwrap();
    let mut documents: Vec<Value> = (0..60).map(|id| dice.document(id)).collect();
    client.insert("c", &documents, InsertOrder::Ordered).unwrap();
    client.database.create_indexes("c", &[index("t", "t", strengths[1])]).unwrap();
    let context = format!("seed {seed}, indexes of strengths {strengths:?}");
    for _ in 0..4 {
        check(&client, &documents, &mut dice, &context);
    }
    client.database.close().unwrap();

    let client = open(&disk, options());
    for _ in 0..3 {
        check(&client, &documents, &mut dice, &format!("{context}, reopened"));
    }
    let more: Vec<Value> = (60..80).map(|id| dice.document(id)).collect();
    client.insert("c", &more, InsertOrder::Ordered).unwrap();
    documents.extend(more);
    client.database.flush().unwrap();

    // Killed, with a log after the checkpoint; then without a checkpoint.
    let files: Vec<(String, Vec<u8>)> = disk
        .content()
        .into_iter()
        .map(|(path, bytes)| (path.file_name().unwrap().to_str().unwrap().to_owned(), bytes))
        .collect();
    for with_checkpoint in [true, false] {
        let kept = files.iter().filter(|(name, _)| with_checkpoint || !name.starts_with("chk-")).cloned();
        let client = open(&Disk::with(kept), options());
        for _ in 0..2 {
            check(&client, &documents, &mut dice, &format!("{context}, checkpoint {with_checkpoint}"));
        }
        client.database.close().unwrap();
    }
    client.database.close().unwrap();
}

#[test]
fn answers_under_a_collation_are_those_of_a_comparison_by_hand() {
    let read =
        |name, otherwise| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (first, cycles): (u64, u64) = (read("SEED", 1), read("CYCLES", 12));
    (first..first + cycles).for_each(run);
}
