//! Updates of many fields of one object, in time linear in the changes and the fields.
//!
//! Fields are found by an index of their positions. Removed fields keep their position until the end, so that
//! positions stay valid. Each change is applied to its field alone, wrapped in the names that its path has before it.
//! Changes below one field are adjacent, because changes are sorted by path, and are applied in the same way one
//! level down.

use std::collections::{HashMap, HashSet};

use super::change::{Change, Entry, Moment, check_levels, enter_no_array, put};
use super::change_at::apply_one;
use super::moved::Moved;
use super::place::{drop_all, name_at, places_of};
use crate::document::{Object, Path, Value, depth};
use crate::error::Result;

/// The number of changes from which on fields are looked up in an index.
pub(in crate::query) const WIDE: usize = 32;

/// Applies changes, which are sorted by path; no path is a prefix of another. `least` is the number of changes below one
/// field from which on they are looked up too.
pub(in crate::query) fn apply_wide(
    changes: &[Entry<'_>],
    document: &mut Object,
    moment: Moment<'_>,
    least: usize,
) -> Result<bool> {
    let moved = Moved::take(changes, document, moment.work, least)?;
    Wide { moment, least, moved }.apply(changes, 0, document)
}

/// How the changes are applied.
struct Wide<'w> {
    moment: Moment<'w>,
    least: usize,
    moved: Moved<'w>,
}

/// A field that was taken out of its object.
type Field = Option<(String, Value)>;

impl Wide<'_> {
    /// Applies changes, whose paths are equal up to this level, to the object there.
    fn apply(&mut self, changes: &[Entry<'_>], level: usize, object: &mut Object) -> Result<bool> {
        let mut places = places_of(object);
        let mut removed = HashSet::new();
        let mut changed = false;
        let mut left = changes;
        self.moment.work.step(object.len())?;
        while let Some(&(path, change)) = left.first() {
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
                        changed |= self.apply_to_id(object, path, change)?;
                    }
                    places = places_of(object);
                }
                (Change::RenameAway, _) if is_leaf => {}
                (Change::Unset, place) if is_leaf => {
                    changed |= place.is_some_and(|place| removed.insert(place));
                }
                (Change::RenameFrom(source), place) if is_leaf => {
                    let Some(value) = self.moved.value_of(source) else { continue };
                    check_levels(path, depth(&value))?;
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
    fn apply_alone(&mut self, group: &[Entry<'_>], level: usize, field: Field) -> Result<(Field, bool)> {
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
            changed |= match change {
                Change::RenameFrom(source) => self.move_to(&mut alone, path, source)?,
                change => change.apply(&mut alone, path, self.moment)?,
            };
        }
        Ok((unwrapped(alone, level), changed))
    }

    /// Puts the value of a `$rename` at its target.
    fn move_to(&mut self, object: &mut Object, target: &Path, source: &Path) -> Result<bool> {
        let Some(value) = self.moved.value_of(source) else { return Ok(false) };
        enter_no_array(object, target)?;
        check_levels(target, depth(&value))?;
        put(object, target, value, self.moment.work)?;
        Ok(true)
    }

    fn apply_to_id(&mut self, document: &mut Object, path: &Path, change: &Change) -> Result<bool> {
        let Change::RenameFrom(source) = change else {
            return apply_one(document, path, change, self.moment);
        };
        let Some(value) = self.moved.value_of(source) else { return Ok(false) };
        enter_no_array(document, path)?;
        check_levels(path, depth(&value))?;
        apply_one(document, path, &Change::Set(value), self.moment)?;
        Ok(true)
    }
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

#[cfg(test)]
#[path = "wide_tests.rs"]
mod tests;
