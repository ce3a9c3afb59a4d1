//! `$push`: elements added to an array at a position, then sorted and cut by `$sort` and `$slice`.

use std::cmp::Ordering;

use crate::document::{Collation, Node, Path, Value};
use crate::error::Result;
use crate::query::merge_sort::sort_by;
use crate::query::number::as_integer;
use crate::query::refusal::bad_update;
use crate::work::Work;

/// A `$push` with its modifiers.
#[derive(Clone, Debug)]
pub(in crate::query) struct Push {
    pub(in crate::query) each: Vec<Value>,
    position: Option<i64>,
    slice: Option<i64>,
    sort: Option<ElementSort>,
}

/// How the elements are sorted.
#[derive(Clone, Debug)]
enum ElementSort {
    /// By the elements themselves; true for descending.
    Whole(bool),
    /// By paths in the elements; true for descending.
    Fields(Vec<(Path, bool)>),
}

impl Push {
    /// Whether it only adds elements behind the others.
    pub(in crate::query) fn appends(&self) -> bool {
        self.position.is_none() && self.slice.is_none() && self.sort.is_none()
    }

    pub(in crate::query) fn parse<'a>(name: &str, operand: impl Node<'a>) -> Result<Push> {
        let mut push = Push { each: Vec::new(), position: None, slice: None, sort: None };
        if operand.field("$each").is_none() {
            if let Some((clause @ ("$position" | "$slice" | "$sort"), _)) = operand.fields().next() {
                return Err(bad_update(name, format!("{clause} of $push at '{name}' needs $each beside it")));
            }
            push.each.push(operand.tree());
            return Ok(push);
        }
        for (clause, value) in operand.fields() {
            let integer = || {
                whole(&value.tree()).ok_or_else(|| {
                    bad_update(name, format!("{clause} of $push at '{name}' must be an integer"))
                })
            };
            match clause {
                "$each" => match value.tree() {
                    Value::Array(items) => push.each = items,
                    other => {
                        let message =
                            format!("$each of $push at '{name}' must be an array, not {}", other.type_name());
                        return Err(bad_update(name, message));
                    }
                },
                "$position" => push.position = Some(integer()?),
                "$slice" => push.slice = Some(integer()?),
                "$sort" => push.sort = Some(ElementSort::parse(name, &value.tree())?),
                _ => return Err(bad_update(name, format!("unknown clause '{clause}' of $push at '{name}'"))),
            }
        }
        Ok(push)
    }

    /// Changes the array and returns whether it changed.
    pub(in crate::query) fn apply(
        &self,
        items: &mut Vec<Value>,
        collation: &Collation,
        work: &Work,
    ) -> Result<bool> {
        let len = items.len();
        // As in MongoDB, adding, sorting and cutting count as a change, even if the array is equal afterwards.
        let mut changed = !self.each.is_empty() || self.sort.is_some();
        let at = match self.position {
            None => len,
            Some(at) if at >= 0 => usize::try_from(at).unwrap_or(len).min(len),
            Some(back) => len.saturating_sub(usize::try_from(back.unsigned_abs()).unwrap_or(len)),
        };
        // Moving the later elements is cheap compared with a step for each new element.
        work.step(self.each.len() + (len - at) / 64)?;
        items.splice(at..at, self.each.iter().cloned());
        if let Some(sort) = &self.sort {
            *items = sort_by(std::mem::take(items), work, |a, b| sort.compare(a, b, collation))?;
        }
        if let Some(slice) = self.slice {
            let keep = usize::try_from(slice.unsigned_abs()).unwrap_or(usize::MAX);
            changed |= items.len() > keep;
            if slice >= 0 {
                items.truncate(keep);
            } else {
                items.drain(..items.len().saturating_sub(keep));
            }
        }
        Ok(changed)
    }
}

/// An integer of any number type; beyond int64 it is clamped.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Double(number) if number.is_finite() && number.fract() == 0.0 => Some(*number as i64),
        other => as_integer(other),
    }
}

impl ElementSort {
    fn parse(name: &str, value: &Value) -> Result<ElementSort> {
        let direction = |value: &Value| match as_integer(value) {
            Some(1) => Some(false),
            Some(-1) => Some(true),
            _ => None,
        };
        if let Some(descending) = direction(value) {
            return Ok(ElementSort::Whole(descending));
        }
        let fields: Option<Vec<_>> = match value {
            Value::Object(fields) if !fields.is_empty() => {
                let field = |(key, value): &(String, Value)| {
                    let path = Path::parse(key);
                    if path.has_empty_part() || key.starts_with('$') {
                        None
                    } else {
                        Some((path, direction(value)?))
                    }
                };
                fields.iter().map(field).collect()
            }
            _ => None,
        };
        fields.map(ElementSort::Fields).ok_or_else(|| {
            bad_update(
                name,
                format!("$sort of $push at '{name}' must be 1, -1, or an object of paths with 1 or -1"),
            )
        })
    }

    fn compare(&self, a: &Value, b: &Value, collation: &Collation) -> Ordering {
        let directed = |order: Ordering, descending: bool| if descending { order.reverse() } else { order };
        match self {
            ElementSort::Whole(descending) => directed(collation.compare(a, b), *descending),
            ElementSort::Fields(fields) => {
                fields.iter().fold(Ordering::Equal, |order, (path, descending)| {
                    order.then_with(|| {
                        directed(collation.compare(field_of(a, path), field_of(b, path)), *descending)
                    })
                })
            }
        }
    }
}

/// The value at a path of an element, which enters arrays by index only; null if missing.
fn field_of<'a>(element: &'a Value, path: &Path) -> &'a Value {
    let mut at = element;
    for part in path.parts() {
        let next = match at {
            Value::Array(items) => part.index.and_then(|index| items.get(index)),
            _ => at.field(&part.name),
        };
        match next {
            Some(next) => at = next,
            None => return &Value::Null,
        }
    }
    at
}
