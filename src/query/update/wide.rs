//! Updates of many fields of one object, in time linear in the changes and the fields.
//!
//! Fields are found by an index of their positions. Removed fields keep their position until the end, so that
//! positions stay valid. Each change is applied to its field alone, wrapped in the names that its path has before it.
//! Changes below one field are adjacent, because changes are sorted by path, and are applied in the same way one
//! level down.

use std::collections::{HashMap, HashSet};

use super::change::{Change, Moment, check_levels};
use super::change_at::apply_one;
use crate::document::{Object, Path, Value, depth};
use crate::error::Result;

/// The number of changes from which on fields are looked up in an index.
pub(in crate::query) const WIDE: usize = 32;

/// How the changes are applied.
pub(in crate::query) struct Wide<'w> {
    pub(in crate::query) moment: Moment<'w>,
    /// The number of changes below one field from which on they are looked up too.
    pub(in crate::query) least: usize,
}

/// Whether this change can be applied in this way: `$rename` only between fields of one object.
pub(in crate::query) fn is_fit((path, change): &(Path, Change)) -> bool {
    match change {
        Change::RenameFrom(source) => {
            let object = |path: &Path| path.names().count() - 1;
            let level = object(path);
            level == object(source) && path.names().take(level).eq(source.names().take(level))
        }
        _ => true,
    }
}

/// A field that was taken out of its object.
type Field = Option<(String, Value)>;

impl Wide<'_> {
    /// Applies changes, whose paths are equal up to this level, to the object there. They are sorted by path, and no
    /// path is a prefix of another.
    pub(in crate::query) fn apply(
        &self,
        changes: &[(Path, Change)],
        level: usize,
        object: &mut Object,
    ) -> Result<bool> {
        let mut places = places_of(object);
        let mut removed = HashSet::new();
        let mut changed = false;
        let mut left = changes;
        self.moment.work.step(object.len())?;
        while let Some((path, change)) = left.first() {
            let name = name_at(path, level);
            let (group, after) =
                left.split_at(left.iter().take_while(|(path, _)| name_at(path, level) == name).count());
            left = after;
            self.moment.work.step(group.len())?;
            let place = places.get(name).copied();
            let is_leaf = path.parts().len() == level + 1;
            match (change, place) {
                _ if level == 0 && name == "_id" => {
                    // An upsert may insert it at the front, which moves all others.
                    drop_all(object, &mut removed);
                    for (path, change) in group {
                        self.moment.work.step(object.len())?;
                        changed |= apply_one(object, path, change, self.moment)?;
                    }
                    places = places_of(object);
                }
                (Change::RenameAway, _) if is_leaf => {}
                (Change::Unset, place) if is_leaf => {
                    changed |= place.is_some_and(|place| removed.insert(place));
                }
                (Change::RenameFrom(source), place) if is_leaf => {
                    let from = places.get(name_at(source, level)).copied();
                    let Some((from, (_, value))) = from.zip(from.and_then(|from| object.get_mut(from)))
                    else {
                        continue;
                    };
                    let value = std::mem::replace(value, Value::Null);
                    check_levels(path, depth(&value))?;
                    removed.insert(from);
                    put_back(object, &mut places, place, Some((name.to_owned(), value)));
                    changed = true;
                }
                (_, place) => {
                    let field = place.and_then(|place| object.get_mut(place));
                    let field =
                        field.map(|(name, value)| (name.clone(), std::mem::replace(value, Value::Null)));
                    let (field, differs) = self.apply_alone(group, level, field)?;
                    put_back(object, &mut places, place, field);
                    changed |= differs;
                }
            }
        }
        drop_all(object, &mut removed);
        Ok(changed)
    }

    /// Applies the changes of one field, or of fields below it.
    fn apply_alone(&self, group: &[(Path, Change)], level: usize, field: Field) -> Result<(Field, bool)> {
        let Some((path, _)) = group.first() else { return Ok((field, false)) };
        let mut alone = wrapped(path, level, field);
        let mut changed = false;
        for (n, (path, change)) in group.iter().enumerate() {
            let rest = group.get(n..).unwrap_or_default();
            let value = value_in(&mut alone, level);
            self.moment.work.step(1 + value.as_deref().map_or(0, width))?;
            if rest.len() > self.least
                && let Some(Value::Object(object)) = value
            {
                changed |= self.apply(rest, level + 1, object)?;
                break;
            }
            changed |= change.apply(&mut alone, path, self.moment)?;
        }
        Ok((unwrapped(alone, level), changed))
    }
}

fn name_at(path: &Path, level: usize) -> &str {
    path.parts().get(level).map_or("", |part| &part.name)
}

/// The number of fields that a search in the value reads.
fn width(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields.len(),
        _ => 0,
    }
}

/// The field alone, wrapped in the names that a path has before it.
fn wrapped(path: &Path, level: usize, field: Field) -> Object {
    let before = path.parts().get(..level).unwrap_or_default();
    before.iter().rev().fold(field.into_iter().collect(), |object, part| {
        vec![(part.name.to_string(), Value::Object(object))]
    })
}

/// The value of the field.
fn value_in(alone: &mut Object, level: usize) -> Option<&mut Value> {
    let mut object = alone;
    for _ in 0..level {
        match object.last_mut() {
            Some((_, Value::Object(below))) => object = below,
            _ => return None,
        }
    }
    object.last_mut().map(|(_, value)| value)
}

/// Unwraps the field.
fn unwrapped(mut alone: Object, level: usize) -> Field {
    for _ in 0..level {
        match alone.pop() {
            Some((_, Value::Object(below))) => alone = below,
            _ => return None,
        }
    }
    alone.pop()
}

fn put_back(object: &mut Object, places: &mut HashMap<String, usize>, place: Option<usize>, field: Field) {
    match (place.and_then(|place| object.get_mut(place)), field) {
        (Some((_, old)), Some((_, value))) => *old = value,
        (None, Some((name, value))) => {
            places.insert(name.clone(), object.len());
            object.push((name, value));
        }
        (_, None) => {}
    }
}

fn places_of(object: &Object) -> HashMap<String, usize> {
    object.iter().enumerate().map(|(n, (name, _))| (name.clone(), n)).collect()
}

/// Removes the fields at these positions.
fn drop_all(object: &mut Object, removed: &mut HashSet<usize>) {
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

#[cfg(test)]
#[path = "wide_tests.rs"]
mod tests;
