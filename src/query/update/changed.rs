//! The paths that an update has changed, for the log: as the operators name them, topmost where they begin something new; of
//! a pipeline, the smallest difference of the two documents.

use std::collections::HashMap;

use super::change::Change;
use super::positional;
use crate::document::changes::{self, Effect, Step, Steps};
use crate::document::path::Part;
use crate::document::{Node, NodeKind, Path, Value};

/// The number of fields from which on they are looked up in an index.
const WIDE: usize = 16;

/// Appends the paths in which the documents differ, given the changes that an update was made of, sorted by their paths.
pub(super) fn by_operators<'a, B: Node<'a>>(
    before: B,
    after: &'a Value,
    changes: &'a [(Path, Change)],
    out: &mut Vec<u8>,
) {
    let entries: Vec<(&[Part], bool)> = changes
        .iter()
        .map(|(path, change)| (path.parts(), matches!(change, Change::Push(push) if push.appends())))
        .collect();
    let mut steps = Steps::new();
    below_operators(before, after, &entries, 0, &mut Found { steps: &mut steps, out });
}

/// Appends the smallest difference of two documents.
pub(crate) fn difference<'a, B: Node<'a>>(before: B, after: &'a Value, out: &mut Vec<u8>) {
    let mut steps = Steps::new();
    between(before, after, &mut Found { steps: &mut steps, out });
}

/// What was found so far, and the path that leads here.
struct Found<'f, 'a> {
    steps: &'f mut Steps<'a>,
    out: &'f mut Vec<u8>,
}

impl<'a> Found<'_, 'a> {
    fn note(&mut self, effect: Effect, step: Step<'a>) {
        self.steps.push(step);
        changes::write(self.out, effect, self.steps);
        self.steps.pop();
    }

    fn here(&mut self, effect: Effect) {
        changes::write(self.out, effect, self.steps);
    }

    fn within(&mut self, place: usize, look: impl FnOnce(&mut Found<'_, 'a>)) {
        self.steps.push(Step::Place(place));
        look(self);
        self.steps.pop();
    }
}

/// A path of an operator, and whether it appends to an array.
type Entry<'a> = (&'a [Part], bool);

/// The fields of an object by name, looked up in an index where there are many.
enum Fields<'a, N> {
    Few(Vec<(&'a str, N)>),
    Many(HashMap<&'a str, (usize, N)>),
}

impl<'a, N: Node<'a>> Fields<'a, N> {
    /// Those of this object. One that is looked at once is not indexed.
    fn of(object: N, looks: usize) -> Fields<'a, N> {
        let fields: Vec<_> = object.fields().collect();
        if looks < WIDE || fields.len() < WIDE {
            return Fields::Few(fields);
        }
        Fields::Many(fields.into_iter().enumerate().map(|(n, (name, value))| (name, (n, value))).collect())
    }

    fn get(&self, name: &str) -> Option<(usize, N)> {
        match self {
            Fields::Few(fields) => {
                let place = fields.iter().position(|(own, _)| *own == name)?;
                Some((place, fields.get(place)?.1))
            }
            Fields::Many(fields) => fields.get(name).copied(),
        }
    }
}

/// Looks at the paths of operators, which are equal up to this level.
fn below_operators<'a, B: Node<'a>>(
    before: B,
    after: &'a Value,
    entries: &[Entry<'a>],
    level: usize,
    found: &mut Found<'_, 'a>,
) {
    let same_part = |a: &Entry<'a>, b: &Entry<'a>| part(a, level).map(name) == part(b, level).map(name);
    match (before.seen(), after) {
        (NodeKind::Object(()), Value::Object(_)) => {
            let groups = entries.chunk_by(same_part).count();
            let (old, new) = (Fields::of(before, groups), Fields::of(after, groups));
            for group in entries.chunk_by(same_part) {
                let Some(name) = group.first().and_then(|one| part(one, level)).map(|part| &*part.name)
                else {
                    continue;
                };
                match (old.get(name), new.get(name)) {
                    (None, None) => {}
                    (Some(_), None) => found.note(Effect::Unset, Step::Name(name)),
                    (None, Some((place, _))) => found.note(Effect::Set, Step::Place(place)),
                    (Some((_, old)), Some((place, new))) => {
                        found.within(place, |found| at_operators(old, new, group, level, found));
                    }
                }
            }
        }
        (NodeKind::Array(()), Value::Array(new)) => {
            let old: Vec<B> = before.items().collect();
            // A part that stands for elements of the array, and those after it, are looked at in each element.
            for group in entries.chunk_by(same_part) {
                let Some(part) = group.first().and_then(|one| part(one, level)) else { continue };
                let places = match part.index {
                    Some(index) => index..index + 1,
                    None if positional::stands_for_elements(&part.name) => 0..new.len(),
                    None => continue,
                };
                for place in places {
                    match (old.get(place), new.get(place)) {
                        (Some(old), Some(new)) => {
                            found.within(place, |found| at_operators(*old, new, group, level, found));
                        }
                        (None, Some(_)) => found.note(Effect::Set, Step::Place(place)),
                        (_, None) => {}
                    }
                }
            }
        }
        _ if before.tree() == *after => {}
        _ => found.here(Effect::Set),
    }
}

/// Looks at a value that both documents have where paths of operators end or go on.
fn at_operators<'a, B: Node<'a>>(
    old: B,
    new: &'a Value,
    group: &[Entry<'a>],
    level: usize,
    found: &mut Found<'_, 'a>,
) {
    let Some((path, appends)) = group.first() else { return };
    if path.len() > level + 1 {
        return below_operators(old, new, group, level + 1, found);
    }
    // No other change concerns the array, so the elements before are as they were.
    if let (true, NodeKind::Array(()), Value::Array(items)) = (*appends, old.seen(), new) {
        for place in old.items().count()..items.len() {
            found.note(Effect::Set, Step::Place(place));
        }
        return;
    }
    if old.tree() != *new {
        found.here(Effect::Set);
    }
}

fn part<'a>((path, _): &Entry<'a>, level: usize) -> Option<&'a Part> {
    path.get(level)
}

fn name(part: &Part) -> &str {
    &part.name
}

/// The difference of two values at one path.
fn between<'a, B: Node<'a>>(before: B, after: &'a Value, found: &mut Found<'_, 'a>) {
    match (before.seen(), after) {
        (NodeKind::Object(()), Value::Object(new)) => {
            let old = Fields::of(before, new.len());
            let mut kept = 0;
            for (place, (name, value)) in new.iter().enumerate() {
                match old.get(name) {
                    Some((_, old)) => {
                        kept += 1;
                        found.within(place, |found| between(old, value, found));
                    }
                    None => found.note(Effect::Set, Step::Place(place)),
                }
            }
            if before.fields().count() > kept {
                let new = Fields::of(after, before.fields().count());
                for (name, _) in before.fields().filter(|(name, _)| new.get(name).is_none()) {
                    found.note(Effect::Unset, Step::Name(name));
                }
            }
        }
        (NodeKind::Array(()), Value::Array(new)) => {
            let old: Vec<B> = before.items().collect();
            if new.len() < old.len() {
                found.here(Effect::Truncated(new.len()));
            }
            for (place, value) in new.iter().enumerate() {
                match old.get(place) {
                    Some(old) => found.within(place, |found| between(*old, value, found)),
                    None => found.note(Effect::Set, Step::Place(place)),
                }
            }
        }
        _ if before.tree() == *after => {}
        _ => found.here(Effect::Set),
    }
}
