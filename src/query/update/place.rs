//! The place in a tree that a path of an update names, which is found or created.

use std::collections::{HashMap, HashSet};

use crate::document::path::Part;
use crate::document::{Object, Path, Value};
use crate::error::{Error, Result, codes};
use crate::query::refusal::bad_update;
use crate::work::Work;

/// Largest index that an update may create in an array, the elements before it becoming null; MongoDB's limit.
pub(in crate::query) const MAX_PADDING: usize = 1_500_000;

/// The place that a path names in a tree.
pub(in crate::query) enum Place<'a> {
    /// There is a value at the place.
    Found(&'a mut Value),
    /// There is no value; these parts are missing below this container.
    Missing(Gap<'a>),
    /// There can be no value: a part of the path names a child of a value that has no such children.
    Blocked(Error),
}

/// A container, and the parts of the path that it lacks.
pub(in crate::query) struct Gap<'a> {
    container: Container<'a>,
    first: &'a Part,
    rest: &'a [Part],
}

enum Container<'a> {
    Object(&'a mut Object),
    /// With the index that the first part names.
    Array(&'a mut Vec<Value>, usize),
}

/// Finds the place. Updates enter array elements by index only.
pub(in crate::query) fn find<'a>(document: &'a mut Object, path: &'a Path) -> Place<'a> {
    let mut container = document;
    let mut parts = path.parts();
    loop {
        let Some((first, rest)) = parts.split_first() else {
            return Place::Blocked(bad_update("", "an update cannot change the whole document"));
        };
        let Some(found) = container.iter().position(|(key, _)| **key == *first.name) else {
            return Place::Missing(Gap { container: Container::Object(container), first, rest });
        };
        let Some((_, value)) = container.get_mut(found) else {
            return Place::Blocked(bad_update("", "the document changed while it was read"));
        };
        match below(value, first, rest, path) {
            Step::Into(object, rest) => (container, parts) = (object, rest),
            Step::End(place) => return place,
        }
    }
}

enum Step<'a> {
    /// The path continues in an object.
    Into(&'a mut Object, &'a [Part]),
    End(Place<'a>),
}

/// Follows the rest of the path from a value, through arrays, until an object or the end.
fn below<'a>(value: &'a mut Value, name: &'a Part, rest: &'a [Part], path: &Path) -> Step<'a> {
    let (mut value, mut name, mut rest) = (value, name, rest);
    loop {
        let Some((first, after)) = rest.split_first() else { return Step::End(Place::Found(value)) };
        match value {
            Value::Object(object) => return Step::Into(object, rest),
            Value::Array(items) => {
                let Some(index) = first.index else { return Step::End(blocked(path, first, name, "array")) };
                if index >= items.len() {
                    let container = Container::Array(items, index);
                    return Step::End(Place::Missing(Gap { container, first, rest: after }));
                }
                let Some(item) = items.get_mut(index) else {
                    return Step::End(blocked(path, first, name, "array"));
                };
                (value, name, rest) = (item, first, after);
            }
            other => return Step::End(blocked(path, first, name, other.type_name())),
        }
    }
}

fn blocked<'a>(path: &Path, part: &Part, container: &Part, kind: &str) -> Place<'a> {
    Place::Blocked(blocked_at(path, part, container, kind))
}

/// The error of a path whose part at this level names a child of a value of a kind that has no such children.
pub(in crate::query) fn not_viable(path: &Path, level: usize, kind: &str) -> Error {
    match (path.parts().get(level), level.checked_sub(1).and_then(|before| path.parts().get(before))) {
        (Some(part), Some(container)) => blocked_at(path, part, container, kind),
        _ => bad_update("", "an update cannot change the whole document"),
    }
}

fn blocked_at(path: &Path, part: &Part, container: &Part, kind: &str) -> Error {
    let text = path.to_string();
    let message = format!(
        "cannot create field '{}' in '{}', which is of type {kind}; the path '{text}' needs an object there{}",
        part.name,
        container.name,
        if kind == "array" { ", or the number of an element" } else { "" },
    );
    bad_update(&text, message).with_code(codes::PATH_NOT_VIABLE)
}

impl Gap<'_> {
    /// Creates the place, with objects along the path and nulls before it in an array.
    pub(in crate::query) fn fill(self, path: &Path, value: Value, work: &Work) -> Result<()> {
        let wrap = |value, part: &Part| Value::Object(vec![(part.name.to_string(), value)]);
        let value = self.rest.iter().rev().fold(value, wrap);
        match self.container {
            Container::Object(object) => object.push((self.first.name.to_string(), value)),
            Container::Array(items, index) => {
                if index > MAX_PADDING {
                    let text = path.to_string();
                    let message = format!(
                        "cannot fill the array up to '{text}': an update creates elements up to {MAX_PADDING} only"
                    );
                    return Err(bad_update(&text, message).with_code(codes::CANNOT_BACKFILL_ARRAY));
                }
                work.step((index - items.len()) / 16)?;
                items.resize(index, Value::Null);
                items.push(value);
            }
        }
        Ok(())
    }
}

/// Removes the value: a field of an object is removed, an element of an array becomes null. Returns whether anything
/// changed.
pub(in crate::query) fn remove(document: &mut Object, path: &Path) -> bool {
    let Some((last, parents)) = path.parts().split_last() else { return false };
    let mut container: Option<&mut Value> = None;
    for part in parents {
        let next = match container {
            None => document.iter_mut().find(|(key, _)| **key == *part.name).map(|(_, value)| value),
            Some(Value::Object(object)) => {
                object.iter_mut().find(|(key, _)| **key == *part.name).map(|(_, value)| value)
            }
            Some(Value::Array(items)) => part.index.and_then(|index| items.get_mut(index)),
            Some(_) => None,
        };
        match next {
            Some(next) => container = Some(next),
            None => return false,
        }
    }
    let object = match container {
        None => document,
        Some(Value::Object(object)) => object,
        Some(Value::Array(items)) => {
            return match last.index.and_then(|index| items.get_mut(index)) {
                Some(Value::Null) | None => false,
                Some(item) => {
                    *item = Value::Null;
                    true
                }
            };
        }
        Some(_) => return false,
    };
    match object.iter().position(|(key, _)| **key == *last.name) {
        Some(found) => {
            object.remove(found);
            true
        }
        None => false,
    }
}

/// The name that a path has at this level.
pub(in crate::query) fn name_at(path: &Path, level: usize) -> &str {
    path.parts().get(level).map_or("", |part| &part.name)
}

/// The positions of the fields.
pub(in crate::query) fn places_of(object: &Object) -> HashMap<String, usize> {
    object.iter().enumerate().map(|(n, (name, _))| (name.clone(), n)).collect()
}

/// Removes the fields at these positions.
pub(in crate::query) fn drop_all(object: &mut Object, removed: &mut HashSet<usize>) {
    if removed.is_empty() {
        return;
    }
    let mut place = 0;
    object.retain(|_| {
        place += 1;
        !removed.contains(&(place - 1))
    });
    removed.clear();
}
