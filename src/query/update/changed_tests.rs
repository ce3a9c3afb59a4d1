//! The changed paths of updates: those that the server tells, and enough to make the new document from the old one.

use crate::document::changes::{Changes, Effect, Named, Steps, join, resolve};
use crate::document::{Object, RawValue, Value};
use crate::query::testing::{encoded, object, stored, value};
use crate::query::{Update, UpdateTarget, difference};

const NOW: i64 = 1_700_000_000_000;

/// Paths as text, each with what has become of it.
fn told(paths: &[u8], after: &Value) -> Vec<String> {
    let tell = |(effect, steps): (Effect, Steps<'_>)| {
        let (names, _) = resolve(after, &steps).unwrap();
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        match effect {
            Effect::Set => names.join("."),
            Effect::Unset => format!("-{}", names.join(".")),
            Effect::Truncated(len) => format!("{}[..{len}]", names.join(".")),
        }
    };
    Changes::new(paths).map(|change| tell(change.unwrap())).collect()
}

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Named::Field(name) => f.write_str(name),
            Named::Element(place) => write!(f, "{place}"),
        }
    }
}

/// The document after, and the changed paths.
fn updated(update: &Update, before: &Value) -> Option<(Value, Vec<u8>)> {
    let Value::Object(mut tree) = before.clone() else { unreachable!() };
    let changed = update.apply(&mut tree, NOW, UpdateTarget::Existing, Some(0)).ok()?;
    let (after, mut paths) = (Value::Object(tree), Vec::new());
    if changed {
        let (shapes, bytes) = stored(std::slice::from_ref(before), |_| false);
        update.changed(RawValue::new(&bytes[0], &shapes), &after, &mut paths);
    }
    Some((after, paths))
}

#[test]
fn operators_tell_the_topmost_path_that_they_have_changed() {
    let before = r#"{"_id":1,"a":1,"b":{"c":1,"d":{"e":1}},"l":[1,2,{"x":1,"y":2}],"n":null}"#;
    let cases: [(&str, &[&str]); 20] = [
        (r#"{"$set":{"a":2}}"#, &["a"]),
        (r#"{"$set":{"a":1}}"#, &[]),
        (r#"{"$set":{"b":{"c":2,"d":{"e":1}}}}"#, &["b"]),
        (r#"{"$set":{"b.c":2,"b.d.e":3}}"#, &["b.c", "b.d.e"]),
        (r#"{"$set":{"z":1,"b.z":2}}"#, &["b.z", "z"]),
        (r#"{"$set":{"q.r.s":1,"q.r.t":2}}"#, &["q"]),
        (r#"{"$set":{"b.q.r":1}}"#, &["b.q"]),
        (r#"{"$unset":{"a":1,"b.c":1,"missing":1}}"#, &["-a", "-b.c"]),
        (r#"{"$unset":{"l.0":1}}"#, &["l.0"]),
        (r#"{"$rename":{"a":"b.a"}}"#, &["-a", "b.a"]),
        (r#"{"$push":{"l":3}}"#, &["l.3"]),
        (r#"{"$push":{"l":{"$each":[3,4]}}}"#, &["l.3", "l.4"]),
        (r#"{"$push":{"l":{"$each":[3],"$position":0}}}"#, &["l"]),
        (r#"{"$push":{"new":3}}"#, &["new"]),
        (r#"{"$pull":{"l":1}}"#, &["l"]),
        (r#"{"$pop":{"l":1}}"#, &["l"]),
        (r#"{"$addToSet":{"l":9}}"#, &["l"]),
        (r#"{"$set":{"l.2.x":5,"l.0":9}}"#, &["l.0", "l.2.x"]),
        (r#"{"$inc":{"l.$[]":0}}"#, &[]),
        (r#"{"$setOnInsert":{"a":5},"$inc":{"b.c":1}}"#, &["b.c"]),
    ];
    for (update, expected) in cases {
        let parsed = Update::parse(encoded(update).raw(), None).unwrap();
        let before = value(before);
        let Some((after, paths)) = updated(&parsed, &before) else {
            assert_eq!(update, r#"{"$inc":{"l.$[]":0}}"#, "is refused");
            continue;
        };
        assert_eq!(told(&paths, &after), expected, "{update}");
    }
}

#[test]
fn positional_paths_name_their_elements() {
    let before = value(r#"{"_id":1,"l":[{"x":1},{"x":2},{"x":3}]}"#);
    let filters = encoded(r#"[{"e.x":{"$gte":2}}]"#);
    let update = Update::parse(encoded(r#"{"$set":{"l.$[e].x":9}}"#).raw(), Some(filters.raw())).unwrap();
    let (after, paths) = updated(&update, &before).unwrap();
    assert_eq!(told(&paths, &after), ["l.1.x", "l.2.x"]);
    let update = Update::parse(encoded(r#"{"$inc":{"l.$.x":1}}"#).raw(), None).unwrap();
    let (after, paths) = updated(&update, &before).unwrap();
    assert_eq!(told(&paths, &after), ["l.0.x"]);
}

#[test]
fn pipelines_tell_the_smallest_difference() {
    let cases = [
        (r#"{"_id":1,"a":{"b":1,"c":2}}"#, r#"{"_id":1,"a":{"b":1,"c":3},"d":1}"#, vec!["a.c", "d"]),
        (r#"{"_id":1,"l":[1,2,3]}"#, r#"{"_id":1,"l":[1]}"#, vec!["l[..1]"]),
        (r#"{"_id":1,"l":[1,{"x":1}]}"#, r#"{"_id":1,"l":[0,{"x":2},5]}"#, vec!["l.0", "l.1.x", "l.2"]),
        (r#"{"_id":1,"a":1,"b":2}"#, r#"{"_id":1,"b":2}"#, vec!["-a"]),
        (r#"{"_id":1,"a":[1]}"#, r#"{"_id":1,"a":{"0":1}}"#, vec!["a"]),
    ];
    for (before, after, expected) in cases {
        let (before, after, mut paths) = (value(before), value(after), Vec::new());
        difference(&before, &after, &mut paths);
        assert_eq!(told(&paths, &after), expected);
    }
}

/// Makes the changes in a document.
fn patch(document: &mut Value, paths: &[u8], after: &Value) {
    for change in Changes::new(paths) {
        let (effect, steps) = change.unwrap();
        let (names, new) = resolve(after, &steps).unwrap();
        let mut at = &mut *document;
        let Some((last, above)) = names.split_last() else {
            *at = new.unwrap().clone();
            continue;
        };
        for name in above {
            at = child(at, name).unwrap();
        }
        match (effect, at) {
            (Effect::Truncated(len), at) => match child(at, last) {
                Some(Value::Array(items)) => items.truncate(len),
                other => panic!("{other:?} is no array"),
            },
            (Effect::Unset, Value::Object(fields)) => fields.retain(|(own, _)| *own != last.to_string()),
            (Effect::Set, Value::Array(items)) => {
                let Named::Element(place) = last else { panic!("an element is named by its place") };
                items.resize(items.len().max(place + 1), Value::Null);
                items[*place] = new.unwrap().clone();
            }
            (Effect::Set, Value::Object(fields)) => {
                let name = last.to_string();
                match fields.iter_mut().find(|(own, _)| *own == name) {
                    Some((_, value)) => *value = new.unwrap().clone(),
                    None => fields.push((name, new.unwrap().clone())),
                }
            }
            (effect, at) => panic!("{effect:?} in {at:?}"),
        }
    }
}

fn child<'v>(value: &'v mut Value, name: &Named<'_>) -> Option<&'v mut Value> {
    match (value, name) {
        (Value::Object(fields), name) => {
            let name = name.to_string();
            fields.iter_mut().find(|(own, _)| *own == name).map(|(_, value)| value)
        }
        (Value::Array(items), Named::Element(place)) => items.get_mut(*place),
        _ => None,
    }
}

/// The value with the fields of each object in the order of their names.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(fields) => {
            let mut fields: Object =
                fields.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(fields)
        }
        other => other.clone(),
    }
}

struct Dice(fastrand::Rng);

impl Dice {
    fn value(&mut self, depth: u32) -> Value {
        match self.0.u32(..if depth == 0 { 3 } else { 6 }) {
            0 => Value::Int(self.0.i32(..4)),
            1 => Value::String("x".into()),
            2 => Value::Null,
            3 => Value::Array((0..self.0.u32(..4)).map(|_| self.value(depth - 1)).collect()),
            _ => self.object(depth - 1),
        }
    }

    fn object(&mut self, depth: u32) -> Value {
        let names = ["a", "b", "c", "d", "0", "1"];
        let mut fields = Object::new();
        for name in names {
            if self.0.bool() {
                fields.push((name.to_owned(), self.value(depth)));
            }
        }
        Value::Object(fields)
    }

    fn document(&mut self) -> Value {
        let Value::Object(mut fields) = self.object(3) else { unreachable!() };
        fields.insert(0, ("_id".to_owned(), Value::Int(1)));
        Value::Object(fields)
    }

    fn path(&mut self) -> String {
        let names = ["a", "b", "c", "d", "0", "1", "$[]"];
        let part = |dice: &mut Dice, from: usize| names[dice.0.usize(..from)];
        let mut path = part(self, 6).to_owned();
        for _ in 0..self.0.u32(..3) {
            path = format!("{path}.{}", part(self, 7));
        }
        path
    }

    fn update(&mut self) -> Value {
        let mut operators = Object::new();
        for _ in 0..1 + self.0.u32(..5) {
            let (operator, operand) = match self.0.u32(..9) {
                0 => ("$unset", Value::Int(1)),
                1 => ("$inc", Value::Int(1)),
                2 => ("$push", self.value(1)),
                3 => ("$pull", Value::Int(1)),
                4 => ("$rename", Value::String(self.path())),
                5 => ("$pop", Value::Int(-1)),
                _ => ("$set", self.value(2)),
            };
            let entry = (self.path(), operand);
            match operators.iter_mut().find(|(known, _)| known == operator) {
                Some((_, Value::Object(fields))) if fields.iter().all(|(path, _)| *path != entry.0) => {
                    fields.push(entry);
                }
                Some(_) => {}
                None => operators.push((operator.to_owned(), Value::Object(vec![entry]))),
            }
        }
        Value::Object(operators)
    }
}

#[test]
fn the_changed_paths_of_one_update_or_two_make_the_new_document_from_the_old_one() {
    let (mut told, mut joined) = (0, 0);
    for seed in 0..20_000 {
        let mut dice = Dice(fastrand::Rng::with_seed(seed));
        let before = dice.document();
        let mut step = |from: &Value| {
            let update = dice.update();
            let (shapes, bytes) = stored(std::slice::from_ref(&update), |_| true);
            let update = Update::parse(RawValue::new(&bytes[0], &shapes), None).ok()?;
            updated(&update, from)
        };
        let Some((middle, first)) = step(&before) else { continue };
        told += 1;
        let mut patched = before.clone();
        patch(&mut patched, &first, &middle);
        assert_eq!(sorted(&patched), sorted(&middle), "SEED={seed}: {before:?}");
        let mut difference_only = Vec::new();
        difference(&before, &middle, &mut difference_only);
        let mut patched = before.clone();
        patch(&mut patched, &difference_only, &middle);
        assert_eq!(sorted(&patched), sorted(&middle), "SEED={seed}: the difference to {before:?}");
        let Some((after, second)) = step(&middle) else { continue };
        joined += 1;
        let mut both = Vec::new();
        join((&first, &middle), (&second, &after), &mut both).unwrap();
        let mut patched = before.clone();
        patch(&mut patched, &both, &after);
        assert_eq!(sorted(&patched), sorted(&after), "SEED={seed}: {before:?}, then {middle:?}");
    }
    assert!(told > 3_000 && joined > 500, "{told} updates, {joined} after another");
}

#[test]
fn flat_updates_of_bytes_tell_the_fields_that_they_have_changed() {
    let before = value(r#"{"_id":1,"a":1,"b":"x","c":2.5}"#);
    let (shapes, bytes) = stored(std::slice::from_ref(&before), |_| false);
    let update = Update::parse(encoded(r#"{"$set":{"a":1,"b":"y"},"$inc":{"c":1}}"#).raw(), None).unwrap();
    let (mut out, mut paths) = (Vec::new(), Vec::new());
    update.rewrite(RawValue::new(&bytes[0], &shapes), NOW, &mut out, &mut paths);
    let mut tree = object(r#"{"_id":1,"a":1,"b":"x","c":2.5}"#);
    update.apply(&mut tree, NOW, UpdateTarget::Existing, None).unwrap();
    assert_eq!(told(&paths, &Value::Object(tree)), ["b", "c"]);
}
