//! Updates of many fields and of large sets against the plain implementation.

use super::*;
use crate::document::order::compare_values;
use crate::query::UpdateTarget;
use crate::query::testing::encode;
use crate::query::update::update::Update;
use crate::work::Work;

/// Random numbers from a seed that a failure prints.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn path(&mut self) -> String {
        let parts = 1 + self.roll(3);
        let part = |dice: &mut Dice| ["a", "b", "c", "d", "e", "0", "1"][dice.roll(7) as usize];
        (0..parts).map(|_| part(self)).collect::<Vec<_>>().join(".")
    }

    fn value(&mut self, depth: u64) -> Value {
        match self.roll(if depth == 0 { 3 } else { 6 }) {
            0 => Value::Int(self.roll(4) as i32),
            1 => Value::String("x".into()),
            2 => Value::Null,
            3 => Value::Array((0..self.roll(3)).map(|_| self.value(depth - 1)).collect()),
            _ => self.object(depth - 1),
        }
    }

    fn object(&mut self, depth: u64) -> Value {
        let mut fields = Object::new();
        for name in ["a", "b", "c", "d", "e", "0"] {
            if self.roll(2) == 0 {
                fields.push((name.to_owned(), self.value(depth)));
            }
        }
        Value::Object(fields)
    }

    fn update(&mut self) -> Value {
        let mut operators: Object = Vec::new();
        for _ in 0..1 + self.roll(12) {
            let path = self.path();
            let (operator, operand) = match self.roll(10) {
                0 | 1 => ("$unset", Value::Int(1)),
                2 => ("$inc", Value::Int(1)),
                3 => ("$push", self.value(1)),
                4 if self.roll(2) == 0 => {
                    let object =
                        path.rsplit_once('.').map_or(String::new(), |(object, _)| format!("{object}."));
                    (
                        "$rename",
                        Value::String(format!("{object}{}", ["a", "b", "x", "y"][self.roll(4) as usize])),
                    )
                }
                4 => ("$rename", Value::String(self.path())),
                5 => ("$setOnInsert", self.value(1)),
                6 => ("$pull", Value::Int(1)),
                7 => ("$max", Value::Int(2)),
                _ => ("$set", self.value(1)),
            };
            let place = operators.iter().position(|(name, _)| name == operator).unwrap_or_else(|| {
                operators.push((operator.to_owned(), Value::Object(Vec::new())));
                operators.len() - 1
            });
            if let Value::Object(fields) = &mut operators[place].1
                && !fields.iter().any(|(name, _)| *name == path)
            {
                fields.push((path, operand));
            }
        }
        if self.roll(4) == 0 {
            let id = Value::Object(vec![("_id".into(), Value::Int(self.roll(2) as i32))]);
            if !operators.iter().any(|(name, _)| name == "$set") {
                operators.push(("$set".into(), id));
            }
        }
        Value::Object(operators)
    }
}

#[test]
fn many_changes_do_what_one_after_the_other_does() {
    let mut applied = 0;
    for seed in 1..20_000_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let Value::Object(mut document) = dice.object(3) else { continue };
        if dice.roll(3) > 0 {
            document.insert(0, ("_id".into(), Value::Int(1)));
        }
        let update = dice.update();
        let Ok(parsed) = Update::parse(encode(&update).raw(), None) else { continue };
        let work = Work::default();
        let moment = Moment {
            now: 5,
            target: if dice.roll(2) == 0 { UpdateTarget::Inserted } else { UpdateTarget::Existing },
            work: &work,
            collation: &crate::document::Collation::SIMPLE,
        };
        let (mut plain, mut wide) = (document.clone(), document.clone());
        let expected = parsed.apply_each(&mut plain, moment);
        let context = || format!("seed {seed}: {update:?} on {document:?}");
        match (expected, apply_wide(&parsed.entries(), &mut wide, moment, 1)) {
            (Ok(expected), Ok(changed)) => {
                assert_eq!((expected, &plain), (changed, &wide), "{}", context());
                applied += 1;
            }
            // The sources of renames are looked at first: of several faults another may be told.
            (Err(expected), Err(error)) => {
                let renames = format!("{update:?}").contains("$rename");
                assert!(
                    renames || expected.message() == error.message(),
                    "{expected}, {error}, {}",
                    context()
                );
            }
            (expected, found) => panic!("{expected:?}, {found:?}, {}", context()),
        }
    }
    assert!(applied > 1_000, "{applied} updates were applied");
}

#[test]
fn large_sets_do_what_looking_for_each_value_does() {
    let has = |values: &[Value], value: &Value| values.iter().any(|one| compare_values(one, value).is_eq());
    for seed in 1..500_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let list = |dice: &mut Dice| (0..dice.roll(40)).map(|_| dice.value(2)).collect::<Vec<_>>();
        let (items, values) = (list(&mut dice), list(&mut dice));
        let run = |operator: &str, operand: Value| {
            let mut document = vec![("l".to_owned(), Value::Array(items.clone()))];
            let update = vec![(operator.to_owned(), Value::Object(vec![("l".to_owned(), operand)]))];
            let update = Update::parse(encode(&Value::Object(update)).raw(), None).unwrap();
            update.apply(&mut document, 0, UpdateTarget::Existing, None).unwrap();
            document.pop().unwrap().1
        };
        let pulled: Vec<_> = items.iter().filter(|item| !has(&values, item)).cloned().collect();
        assert_eq!(run("$pullAll", Value::Array(values.clone())), Value::Array(pulled), "seed {seed}");
        let mut added = items.clone();
        for value in &values {
            if !has(&added, value) {
                added.push(value.clone());
            }
        }
        let each = Value::Object(vec![("$each".into(), Value::Array(values.clone()))]);
        assert_eq!(run("$addToSet", each), Value::Array(added), "seed {seed}");
    }
}

/// Steps that an update of this many changes takes, and the document.
fn steps(count: usize, document: &Value, changes: impl Fn(usize) -> (String, Value), operator: &str) -> u64 {
    let fields = (0..count).map(changes).collect();
    let update = Value::Object(vec![(operator.to_owned(), Value::Object(fields))]);
    let update = Update::parse(encode(&update).raw(), None).unwrap();
    let Value::Object(mut document) = document.clone() else { return 0 };
    let work = Work::of_steps(u64::MAX, usize::MAX);
    update.apply_within(&mut document, 0, UpdateTarget::Existing, None, &work).unwrap();
    work.steps()
}

#[test]
fn the_steps_of_many_changes_grow_with_their_number_and_not_with_its_square() {
    const MANY: usize = 4_000;
    let fields = |name: &str| (0..MANY).map(|n| (format!("{name}{n}"), Value::Int(1))).collect::<Object>();
    let flat = Value::Object(fields("k"));
    let nested = Value::Object(vec![("a".into(), Value::Object(fields("k")))]);
    let empty = Value::Object(Vec::new());
    let rename = |n: usize| (format!("k{n}"), Value::String(format!("m{n}")));
    let below = |n: usize| (format!("a.k{n}"), Value::Int(2));
    let deeper = |n: usize| (format!("a.b.k{n}"), Value::Int(2));
    let most = 20 * MANY as u64;
    assert!(steps(MANY, &flat, rename, "$rename") < most);
    let rename_below = |n: usize| (format!("a.k{n}"), Value::String(format!("a.m{n}")));
    assert!(steps(MANY, &nested, rename_below, "$rename") < most);
    let one = Value::Object(vec![("a".into(), Value::Int(1))]);
    let many = Value::Object((0..MANY).map(|n| (format!("k{n}"), one.clone())).collect());
    let across = |n: usize| (format!("k{n}.a"), Value::String(format!("m{n}.a")));
    assert!(steps(MANY, &many, across, "$rename") < most);
    let up = |n: usize| (format!("a.k{n}"), Value::String(format!("k{n}")));
    assert!(steps(MANY, &nested, up, "$rename") < most);
    let down = |n: usize| (format!("k{n}"), Value::String(format!("a.b.k{n}")));
    assert!(steps(MANY, &flat, down, "$rename") < most);
    let element = Value::Object(vec![("a".into(), Value::Array(vec![flat.clone()]))]);
    let missing = |n: usize| (format!("a.0.m{n}"), Value::String(format!("m{n}")));
    assert!(steps(MANY, &element, missing, "$rename") < most);
    assert!(steps(MANY, &nested, below, "$set") < most);
    assert!(steps(MANY, &nested, below, "$unset") < most);
    assert!(steps(MANY, &empty, below, "$set") < most);
    assert!(steps(MANY, &nested, deeper, "$inc") < most);
}
