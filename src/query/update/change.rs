//! One update operator and its effect on the value at its path.

use std::cmp::Ordering;

use super::arithmetic::{Arithmetic, Unfit};
use super::elements::{Elements, IfMissing};
use super::place::{Place, find, remove};
use super::push::Push;
use crate::document::value::MAX_DATE;
use crate::document::{Collation, MAX_DEPTH, Node, NodeKind, Object, Path, Value, depth};
use crate::error::{Error, Result, codes};
use crate::query::refusal::bad_update;
use crate::work::Work;

/// An operator with its operand.
#[derive(Clone, Debug)]
pub(in crate::query) enum Change {
    Set(Value),
    /// Only in a document that an upsert inserts.
    SetOnInsert(Value),
    Unset,
    /// `$min` and `$max`: the new value replaces the old one if it compares so with it.
    Extreme(Ordering, Value),
    CurrentDate,
    Calculate(Arithmetic),
    Push(Push),
    Elements(&'static str, Elements),
    /// The value of that path is moved here.
    RenameFrom(Path),
    /// The value here is moved to another path by the change there; this entry only conflicts with other changes of
    /// the path.
    RenameAway,
}

/// Operators that `Change::parse` parses; `update` parses `$rename`, because it has two paths.
const OPERATORS: [&str; 14] = [
    "$set",
    "$setOnInsert",
    "$unset",
    "$min",
    "$max",
    "$currentDate",
    "$inc",
    "$mul",
    "$bit",
    "$push",
    "$pull",
    "$pullAll",
    "$pop",
    "$addToSet",
];

/// The name of this operator as a static string, if it is one.
pub(in crate::query) fn known(operator: &str) -> Option<&'static str> {
    OPERATORS.into_iter().find(|known| *known == operator)
}

/// The document that an update is applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateTarget {
    /// A stored document.
    Existing,
    /// A document that an upsert inserts: `$setOnInsert` applies, and the update may set `_id`.
    Inserted,
}

/// A change and its path.
pub(in crate::query) type Entry<'c> = (&'c Path, &'c Change);

/// Circumstances of an update.
#[derive(Clone, Copy)]
pub(in crate::query) struct Moment<'w> {
    /// Milliseconds since 1970.
    pub(in crate::query) now: i64,
    pub(in crate::query) target: UpdateTarget,
    /// The work of the operation.
    pub(in crate::query) work: &'w Work,
    /// The order of strings.
    pub(in crate::query) collation: &'w Collation,
}

impl Change {
    /// Parses the operand of an operator for a path.
    pub(in crate::query) fn parse<'a>(
        operator: &'static str,
        name: &str,
        operand: impl Node<'a>,
        collation: &Collation,
    ) -> Result<Change> {
        if let Some(arithmetic) = Arithmetic::parse(operator, name, operand)? {
            return Ok(Change::Calculate(arithmetic));
        }
        if let Some(elements) = Elements::parse(operator, name, operand, collation)? {
            return Ok(Change::Elements(operator, elements));
        }
        Ok(match operator {
            "$set" => Change::Set(operand.tree()),
            "$setOnInsert" => Change::SetOnInsert(operand.tree()),
            "$unset" => Change::Unset,
            "$min" => Change::Extreme(Ordering::Less, operand.tree()),
            "$max" => Change::Extreme(Ordering::Greater, operand.tree()),
            "$currentDate" => parse_current_date(name, operand)?,
            "$push" => Change::Push(Push::parse(name, operand)?),
            _ => {
                return Err(bad_update(name, format!("unknown update operator '{operator}'"))
                    .with_code(codes::FAILED_TO_PARSE));
            }
        })
    }

    /// Refuses an operand that would be nested too deep.
    pub(in crate::query) fn check_depth(&self, path: &Path) -> Result<()> {
        let levels = match self {
            Change::Set(value) | Change::SetOnInsert(value) | Change::Extreme(_, value) => depth(value),
            Change::Push(push) => 1 + push.each.iter().map(depth).max().unwrap_or(0),
            Change::Elements(_, elements) => elements.depth(),
            _ => 0,
        };
        check_levels(path, levels)
    }

    /// Whether it may be done on stored bytes: its operand is a scalar, its path one name other than `_id`.
    pub(in crate::query) fn is_flat(&self, path: &Path) -> bool {
        matches!(path.parts(), [part] if &*part.name != "_id") && self.is_scalar()
    }

    /// Whether it replaces a scalar by a valid scalar, or does nothing.
    fn is_scalar(&self) -> bool {
        match self {
            Change::Set(value) | Change::Extreme(_, value) => match value {
                Value::Array(_) | Value::Object(_) => false,
                Value::Date(millis) => millis.unsigned_abs() <= MAX_DATE,
                _ => true,
            },
            Change::SetOnInsert(_) | Change::CurrentDate | Change::Calculate(_) => true,
            _ => false,
        }
    }

    /// Whether its operand has no regular expression.
    pub(in crate::query) fn is_light(&self) -> bool {
        !matches!(self, Change::Elements(_, elements) if !elements.is_light())
    }

    /// Whether it does nothing to an existing document.
    pub(in crate::query) fn is_for_inserts(&self) -> bool {
        matches!(self, Change::SetOnInsert(_))
    }

    /// The replacement of a scalar; `None` if the change is refused or does not apply to scalars.
    pub(in crate::query) fn of_scalar(&self, old: &Value, moment: Moment<'_>) -> Option<Value> {
        match self {
            Change::Set(value) => Some(value.clone()),
            Change::CurrentDate => Some(Value::Date(moment.now)),
            Change::Extreme(wanted, value) if moment.collation.compare(value, old) == *wanted => {
                Some(value.clone())
            }
            Change::Extreme(..) => Some(old.clone()),
            Change::Calculate(arithmetic) => arithmetic.of(old).ok(),
            _ => None,
        }
    }

    /// Changes the document at the path and returns whether anything changed.
    pub(in crate::query) fn apply(
        &self,
        document: &mut Object,
        path: &Path,
        moment: Moment<'_>,
    ) -> Result<bool> {
        match self {
            Change::SetOnInsert(_) if moment.target == UpdateTarget::Existing => Ok(false),
            Change::Set(value) | Change::SetOnInsert(value) => {
                put(document, path, value.clone(), moment.work)
            }
            Change::CurrentDate => put(document, path, Value::Date(moment.now), moment.work),
            Change::Extreme(wanted, value) => match find(document, path) {
                Place::Found(old) if moment.collation.compare(value, &*old) != *wanted => Ok(false),
                _ => put(document, path, value.clone(), moment.work),
            },
            Change::Unset => Ok(remove(document, path)),
            Change::Calculate(arithmetic) => {
                let unfit = |reason, found: &str| unfit(arithmetic.operator(), reason, path, found);
                match find(document, path) {
                    Place::Found(old) => {
                        let new = arithmetic.of(old).map_err(|reason| unfit(reason, old.type_name()))?;
                        let changed = *old != new;
                        *old = new;
                        Ok(changed)
                    }
                    Place::Missing(gap) => {
                        let new = arithmetic.of_missing().map_err(|reason| unfit(reason, "missing"))?;
                        gap.fill(path, new, moment.work).map(|()| true)
                    }
                    Place::Blocked(error) => Err(error),
                }
            }
            Change::Push(push) => {
                let operator = ("$push", IfMissing::Create);
                on_array(document, path, operator, moment.work, |items| {
                    push.apply(items, moment.collation, moment.work)
                })
            }
            Change::Elements(operator, elements) => {
                let operator = (*operator, elements.if_missing());
                on_array(document, path, operator, moment.work, |items| {
                    elements.apply(items, moment.collation, moment.work)
                })
            }
            Change::RenameFrom(source) => rename(document, source, path, moment.work),
            Change::RenameAway => Ok(false),
        }
    }
}

pub(in crate::query) fn put(document: &mut Object, path: &Path, value: Value, work: &Work) -> Result<bool> {
    match find(document, path) {
        Place::Found(old) if *old == value => Ok(false),
        Place::Found(old) => {
            *old = value;
            Ok(true)
        }
        Place::Missing(gap) => gap.fill(path, value, work).map(|()| true),
        Place::Blocked(error) => Err(error),
    }
}

fn on_array(
    document: &mut Object,
    path: &Path,
    (operator, if_missing): (&str, IfMissing),
    work: &Work,
    apply: impl FnOnce(&mut Vec<Value>) -> Result<bool>,
) -> Result<bool> {
    match find(document, path) {
        Place::Found(Value::Array(items)) => apply(items),
        Place::Found(other) => {
            let (text, found) = (path.to_string(), other.type_name());
            let message =
                format!("cannot apply {operator} to '{text}', which is of type {found}; it needs an array");
            let code = if operator == "$pop" { codes::TYPE_MISMATCH } else { codes::BAD_VALUE };
            Err(bad_update(&text, message).with_code(code))
        }
        Place::Missing(gap) if if_missing == IfMissing::Create => {
            let mut items = Vec::new();
            apply(&mut items)?;
            gap.fill(path, Value::Array(items), work).map(|()| true)
        }
        Place::Missing(_) => Ok(false),
        Place::Blocked(error) => Err(error),
    }
}

/// Neither path may lead through an array. A missing source changes nothing.
fn rename(document: &mut Object, source: &Path, target: &Path, work: &Work) -> Result<bool> {
    let value = match find(document, source) {
        Place::Found(value) => value.clone(),
        Place::Missing(_) => return Ok(false),
        Place::Blocked(error) => return Err(error),
    };
    enter_no_array(document, source)?;
    enter_no_array(document, target)?;
    check_levels(target, depth(&value))?;
    remove(document, source);
    put(document, target, value, work)?;
    Ok(true)
}

/// Refuses a path of `$rename` that leads through an array.
pub(in crate::query) fn enter_no_array(document: &Object, path: &Path) -> Result<()> {
    let mut names = path.names();
    let first = names.next().and_then(|name| document.iter().find(|(key, _)| key == name));
    let mut at = first.map(|(_, value)| value);
    for name in names {
        match at {
            Some(Value::Array(_)) => return Err(element_of_array(path)),
            Some(value) => at = value.field(name),
            None => return Ok(()),
        }
    }
    Ok(())
}

pub(in crate::query) fn element_of_array(path: &Path) -> Error {
    let text = path.to_string();
    let message = format!("$rename cannot name an element of an array, as '{text}' does");
    bad_update(&text, message)
}

fn parse_current_date<'a>(name: &str, operand: impl Node<'a>) -> Result<Change> {
    match operand.seen() {
        NodeKind::Bool(_) => return Ok(Change::CurrentDate),
        NodeKind::Object(()) => {
            let mut fields = operand.fields();
            if let (Some(("$type", kind)), None) = (fields.next(), fields.next())
                && matches!(kind.seen(), NodeKind::String(b"date"))
            {
                return Ok(Change::CurrentDate);
            }
        }
        _ => {}
    }
    let message =
        format!("$currentDate at '{name}' must be true or {{ $type: 'date' }}; there are no timestamps");
    Err(bad_update(name, message))
}

pub(in crate::query) fn check_levels(path: &Path, levels: usize) -> Result<()> {
    if path.parts().len() + levels <= MAX_DEPTH {
        return Ok(());
    }
    let text = path.to_string();
    let message = format!("the update would nest deeper than {MAX_DEPTH} levels at '{text}'");
    Err(bad_update(&text, message).with_code(codes::OVERFLOW))
}

fn unfit(operator: &str, reason: Unfit, path: &Path, found: &str) -> Error {
    let text = path.to_string();
    let message = match reason {
        Unfit::Type(wanted) => {
            format!("cannot apply {operator} to '{text}', which is of type {found}; it needs {wanted}")
        }
        Unfit::Overflow => {
            format!("{operator} at '{text}' would leave the range of a BigInt (int64); use smaller numbers")
        }
    };
    let wrong_type = matches!(reason, Unfit::Type(_)) && operator != "$bit";
    bad_update(&text, message).with_code(if wrong_type { codes::TYPE_MISMATCH } else { codes::BAD_VALUE })
}
