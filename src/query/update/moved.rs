//! The values that `$rename` moves, in time linear in the renames and the fields.
//!
//! They are taken out before anything else changes. No other change may concern a source or what is above or below it, so its
//! value is the same at that time as when the value is put at its target.

use std::collections::{HashMap, HashSet};

use super::change::{Change, Entry, element_of_array};
use super::place::{drop_all, name_at, not_viable, places_of};
use crate::document::{Object, Path, Value};
use crate::error::Result;
use crate::work::Work;

/// Values by their sources.
pub(in crate::query) struct Moved<'c>(HashMap<&'c Path, Value>);

impl<'c> Moved<'c> {
    /// Takes the value of each source that exists out of the document. More than `least` sources in one object are looked up
    /// in an index of its fields.
    pub(in crate::query) fn take(
        changes: &[Entry<'c>],
        document: &mut Object,
        work: &Work,
        least: usize,
    ) -> Result<Moved<'c>> {
        let mut sources = Vec::new();
        for (path, change) in changes {
            if matches!(change, Change::RenameAway) {
                sources.push(*path);
            }
        }
        let mut taking = Taking { moved: HashMap::new(), work, least };
        if !sources.is_empty() {
            taking.fields(&sources, 0, document, Around::Objects)?;
        }
        Ok(Moved(taking.moved))
    }

    /// The value that was at this path.
    pub(in crate::query) fn value_of(&mut self, source: &Path) -> Option<Value> {
        self.0.remove(source)
    }
}

/// What a path has led through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Objects,
    /// An array too: there is nothing to take.
    Array,
}

struct Taking<'c, 'w> {
    moved: HashMap<&'c Path, Value>,
    work: &'w Work,
    least: usize,
}

impl<'c> Taking<'c, '_> {
    /// Sources, sorted and equal up to this level, in the object there. Recursion is bounded by the parts of a path.
    fn fields(
        &mut self,
        sources: &[&'c Path],
        level: usize,
        object: &mut Object,
        around: Around,
    ) -> Result<()> {
        let places = (sources.len() > self.least).then(|| places_of(object));
        self.work.step(object.len())?;
        let mut removed = HashSet::new();
        for group in sources.chunk_by(|a, b| name_at(a, level) == name_at(b, level)) {
            let Some(&path) = group.first() else { continue };
            let name = name_at(path, level);
            let place = match &places {
                Some(places) => places.get(name).copied(),
                None => {
                    self.work.step(object.len())?;
                    object.iter().position(|(key, _)| key == name)
                }
            };
            self.work.step(group.len())?;
            let Some((place, (_, value))) = place.zip(place.and_then(|place| object.get_mut(place))) else {
                continue;
            };
            if path.parts().len() > level + 1 {
                self.below(group, level + 1, value, around)?;
            } else if around == Around::Array {
                return Err(element_of_array(path));
            } else {
                self.moved.insert(path, std::mem::replace(value, Value::Null));
                removed.insert(place);
            }
        }
        drop_all(object, &mut removed);
        Ok(())
    }

    /// Sources below a value.
    fn below(&mut self, sources: &[&'c Path], level: usize, value: &mut Value, around: Around) -> Result<()> {
        match value {
            Value::Object(object) => self.fields(sources, level, object, around),
            Value::Array(items) => {
                for group in sources.chunk_by(|a, b| name_at(a, level) == name_at(b, level)) {
                    let Some(&path) = group.first() else { continue };
                    let Some(index) = path.parts().get(level).and_then(|part| part.index) else {
                        return Err(not_viable(path, level, "array"));
                    };
                    let Some(item) = items.get_mut(index) else { continue };
                    if path.parts().len() == level + 1 {
                        return Err(element_of_array(path));
                    }
                    self.below(group, level + 1, item, Around::Array)?;
                }
                Ok(())
            }
            other => match sources.first() {
                Some(path) => Err(not_viable(path, level, other.type_name())),
                None => Ok(()),
            },
        }
    }
}
