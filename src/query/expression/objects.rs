//! Objects.

use super::operator::{ANY, Args, Operator, Outcome, array, list, named, null};
use crate::document::{Object, Value};
use crate::error::codes::{self, Code};
use crate::query::wide::Wide;

pub(super) const OPERATORS: &[Operator] = &[
    list("$arrayToObject", 1, 1, from_array),
    list("$mergeObjects", 0, ANY, merge),
    list("$objectToArray", 1, 1, to_array),
    named("$setField", &["field", "input", "value"], 3, set_field),
    named("$unsetField", &["field", "input"], 2, set_field),
];

/// Sets the fields of the second object in the first.
pub(in crate::query) fn lay_over(object: &mut Object, other: Object) {
    let mut wide = Wide::of(std::mem::take(object));
    wide.lay_over(other);
    *object = wide.into_object();
}

/// The memory of an entry of an index of keys besides the key.
const ENTRY: usize = 48;
/// The memory of `{ k: ..., v: ... }` besides its key and value.
const PAIR: usize = 144;

fn merge(args: &mut Args<'_>) -> Outcome {
    let mut all = Wide::default();
    let take = |args: &mut Args<'_>, index| match args.take(index) {
        None | Some(Value::Null) => Ok(vec![]),
        Some(Value::Object(fields)) => Ok(vec![fields]),
        Some(Value::Array(items)) if args.len() == 1 => items
            .into_iter()
            .filter(|item| !matches!(item, Value::Null))
            .map(|item| match item {
                Value::Object(fields) => Ok(fields),
                other => args.fail(format!("needs objects, not {}", other.type_name())),
            })
            .collect(),
        Some(other) => args.fail(format!("needs objects, not {}", other.type_name())),
    };
    for index in 0..args.len() {
        for fields in take(args, index)? {
            for (key, value) in fields {
                args.step(1)?;
                args.hold(key.len() + ENTRY)?;
                all.put(key, value);
            }
        }
    }
    Ok(Some(Value::Object(all.into_object())))
}

fn to_array(args: &mut Args<'_>) -> Outcome {
    if args.nullish(0) {
        return null();
    }
    let mut pairs = Vec::new();
    for (key, value) in args.object(0)? {
        args.step(1)?;
        args.hold(PAIR + key.len() + crate::query::size::size(value))?;
        pairs.push(Value::Object(vec![
            ("k".to_owned(), Value::String(key.clone())),
            ("v".to_owned(), value.clone()),
        ]));
    }
    array(pairs)
}

fn from_array(args: &mut Args<'_>) -> Outcome {
    if args.nullish(0) {
        return null();
    }
    let mut object = Wide::default();
    let items = args.take_array(0)?;
    let arrays = items.iter().filter(|item| matches!(item, Value::Array(_))).count();
    if arrays != 0 && arrays != items.len() {
        let pairs = matches!(items.first(), Some(Value::Array(_)));
        let code = if pairs { codes::ARRAY_TO_OBJECT_PAIRS } else { codes::ARRAY_TO_OBJECT_OBJECTS };
        let message = "needs either pairs [key, value] or objects { k: key, v: value }, not both";
        return args.fail_as(code, message);
    }
    for item in items {
        let code = entry_fault(&item);
        let (key, value) = match item {
            Value::Array(pair) => match <[Value; 2]>::try_from(pair) {
                Ok([key, value]) => (Some(key), Some(value)),
                Err(_) => (None, None),
            },
            Value::Object(fields) if fields.len() == 2 => {
                let (mut key, mut value) = (None, None);
                for (name, part) in fields {
                    match name.as_str() {
                        "k" => key = Some(part),
                        "v" => value = Some(part),
                        _ => {}
                    }
                }
                (key, value)
            }
            _ => (None, None),
        };
        match (key, value) {
            (Some(Value::String(key)), Some(value)) => {
                args.step(1)?;
                args.hold(key.len() + ENTRY)?;
                object.put(key, value);
            }
            _ => {
                let message = "needs pairs [key, value] or { k: key, v: value }, each key a string";
                return args.fail_as(code.unwrap_or(codes::operator(args.name()).of_value()), message);
            }
        }
    }
    Ok(Some(Value::Object(object.into_object())))
}

/// The fault of a malformed entry of `$arrayToObject`.
fn entry_fault(item: &Value) -> Option<Code> {
    match item {
        Value::Array(pair) if pair.len() != 2 => Some(codes::ARRAY_TO_OBJECT_PAIR),
        Value::Array(_) => Some(codes::ARRAY_TO_OBJECT_KEY),
        Value::Object(fields) if fields.len() != 2 => Some(codes::ARRAY_TO_OBJECT_FIELDS),
        Value::Object(fields) if ["k", "v"].iter().all(|name| fields.iter().any(|(key, _)| key == name)) => {
            Some(codes::ARRAY_TO_OBJECT_K)
        }
        Value::Object(_) => Some(codes::ARRAY_TO_OBJECT_KV),
        _ => None,
    }
}

/// `$unsetField` has no value.
fn set_field(args: &mut Args<'_>) -> Outcome {
    let field = args.text(0)?.to_owned();
    if args.nullish(1) {
        return null();
    }
    let value = args.take(2);
    args.object(1)?;
    let Some(Value::Object(mut object)) = args.take(1) else { return null() };
    args.step(1 + object.len() / 16)?;
    match value {
        Some(value) => match object.iter_mut().find(|(own, _)| *own == field) {
            Some((_, slot)) => *slot = value,
            None => object.push((field, value)),
        },
        None => object.retain(|(key, _)| *key != field),
    }
    Ok(Some(Value::Object(object)))
}
