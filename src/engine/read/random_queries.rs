//! Random documents, filters, sorts, indexes and updates, for tests that compare two ways to an answer.

use crate::document::{Collation, Value};
use crate::index::Spec;

pub(super) struct Dice(pub(super) fastrand::Rng);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0.u64(..sides)
    }

    pub(super) fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.roll(all.len() as u64) as usize].clone()
    }
}

pub(super) fn object(fields: Vec<(&str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

pub(super) fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

pub(super) fn scalar(dice: &mut Dice) -> Value {
    match dice.roll(14) {
        0 => Value::Null,
        1 => Value::Bool(dice.roll(2) == 0),
        2 => Value::Double(f64::from(dice.roll(8) as u32) / 2.0),
        3 => Value::Long(dice.roll(6) as i64),
        4 => dice.pick(&[Value::Double(f64::NAN), Value::Double(-0.0), Value::Double(f64::INFINITY)]),
        5 => Value::Date(dice.roll(4) as i64),
        6 => Value::Binary(vec![7; dice.roll(3) as usize]),
        7 => Value::ObjectId([dice.roll(3) as u8; 12]),
        8 | 9 => {
            dice.pick(&["", "a", "ab", "abc", "b", "\0", "a\0", "A", "aB", "B", "\u{e4}", "-a"].map(string))
        }
        10 if dice.roll(20) == 0 => Value::String("x".repeat(1_000 + dice.roll(60) as usize)),
        11 => object(vec![("p", Value::Int(dice.roll(3) as i32))]),
        _ => Value::Int(dice.roll(8) as i32),
    }
}

/// At most one of `a` and `o` leads to an array, because an index may have both.
pub(super) fn document(dice: &mut Dice, id: i32) -> Value {
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

pub(super) const PATHS: [&str; 7] = ["a", "b", "c", "o", "o.p", "o.q", "u"];

pub(super) fn test(dice: &mut Dice) -> Value {
    let comparison = dice.pick(&["$eq", "$gt", "$gte", "$lt", "$lte"]);
    match dice.roll(16) {
        0..=3 => scalar(dice),
        4..=6 => object(vec![(comparison, scalar(dice))]),
        7 | 8 => object(vec![
            ("$gte", Value::Int(dice.roll(5) as i32)),
            ("$lt", Value::Int(3 + dice.roll(5) as i32)),
        ]),
        9 | 10 => {
            let mut list: Vec<Value> = (0..dice.roll(4)).map(|_| scalar(dice)).collect();
            if dice.roll(4) == 0 {
                let pattern = dice.pick(&["^a", "b", "^A"].map(string));
                let pattern = object(vec![("pattern", pattern), ("options", string(""))]);
                list.push(object(vec![("$regularExpression", pattern)]));
            }
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

pub(super) fn filter(dice: &mut Dice) -> Value {
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

pub(super) fn pairs(dice: &mut Dice, most: u64) -> Value {
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

pub(super) fn spec(dice: &mut Dice, number: u64) -> Spec {
    let name = ("name", Value::String(format!("i{number}")));
    let Value::Object(mut spec) = plain_spec(dice, name) else { unreachable!() };
    if let Some(collation) = collation(dice).to_value() {
        spec.push(("collation".to_owned(), collation));
    }
    Spec::parse(&Value::Object(spec)).unwrap()
}

/// The order of bytes in half of all cases, and of languages in the others.
pub(super) fn collation(dice: &mut Dice) -> Collation {
    let with = |more: Vec<(&'static str, Value)>| {
        let mut fields = vec![("locale", string("en"))];
        fields.extend(more);
        Collation::parse(&object(fields)).unwrap()
    };
    match dice.roll(8) {
        0 => with(vec![("strength", Value::Int(1))]),
        1 => with(vec![("strength", Value::Int(2))]),
        2 => with(Vec::new()),
        3 => with(vec![("strength", Value::Int(1)), ("alternate", string("shifted"))]),
        _ => Collation::SIMPLE,
    }
}

fn plain_spec(dice: &mut Dice, name: (&'static str, Value)) -> Value {
    match dice.roll(8) {
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
    }
}

/// The parameters of a find.
#[derive(Clone)]
pub(super) struct Find {
    pub(super) filter: Value,
    pub(super) sort: Option<Value>,
    pub(super) skip: u64,
    pub(super) limit: u64,
}

pub(super) fn find(dice: &mut Dice) -> Find {
    let sort = (dice.roll(2) == 0).then(|| pairs(dice, 3));
    let skip = if dice.roll(3) == 0 { dice.roll(5) } else { 0 };
    let limit = if dice.roll(2) == 0 { 1 + dice.roll(12) } else { 0 };
    Find { filter: filter(dice), sort, skip, limit }
}

pub(super) fn update(dice: &mut Dice) -> Value {
    match dice.roll(4) {
        0 => object(vec![("$inc", object(vec![("b", Value::Int(1))]))]),
        1 => object(vec![("$unset", object(vec![("a", Value::Int(1)), ("c", Value::Int(1))]))]),
        2 => {
            object(vec![("$set", object(vec![("a", scalar(dice)), ("b", Value::Int(dice.roll(5) as i32))]))])
        }
        _ => object(vec![("$set", object(vec![("c", scalar(dice))]))]),
    }
}
