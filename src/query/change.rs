//! What one operator does to the value at its path.

use super::arithmetic::{Unsummable, add, as_double};
use super::filter::{Clause, Filter, is_operators};
use super::place::{Place, depth, find, remove};
use super::push::Push;
use super::refusal::bad_update;
use crate::document::order::compare_values;
use crate::document::{MAX_DEPTH, Node, Object, Path, Value};
use crate::error::Result;

/// An operator with its operand.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Set(Value),
    /// Only in a document that an upsert makes.
    SetOnInsert(Value),
    Unset,
    Inc(Value),
    Push(Push),
    Pull(Pull),
}

/// Which elements `$pull` takes.
#[derive(Clone, Debug)]
pub(super) enum Pull {
    /// Those equal to the value.
    Equal(Value),
    /// Those that pass the operators.
    Condition(Clause),
    /// Objects that match the filter.
    Matching(Filter),
}

impl Change {
    /// Reads the operand that an operator has for a path.
    pub(super) fn parse<'a>(operator: &str, name: &str, operand: impl Node<'a>) -> Result<Change> {
        Ok(match operator {
            "$set" => Change::Set(operand.tree()),
            "$setOnInsert" => Change::SetOnInsert(operand.tree()),
            "$unset" => Change::Unset,
            "$inc" => {
                let amount = operand.tree();
                if as_double(&amount).is_none() {
                    return Err(bad_update(
                        name,
                        format!(
                            "cannot increment '{name}' by a value of type {}; $inc needs a number",
                            amount.type_name()
                        ),
                    ));
                }
                Change::Inc(amount)
            }
            "$push" => Change::Push(Push::parse(name, operand)?),
            "$pull" => Change::Pull(Pull::parse(name, operand)?),
            _ => return Err(bad_update(name, format!("unknown update operator '{operator}'"))),
        })
    }

    /// Levels of nesting that the operand brings to its path.
    pub(super) fn depth(&self) -> usize {
        match self {
            Change::Set(value) | Change::SetOnInsert(value) => depth(value),
            Change::Push(push) => 1 + push.each.iter().map(depth).max().unwrap_or(0),
            Change::Unset | Change::Inc(_) | Change::Pull(_) => 0,
        }
    }

    /// Changes the document at the path; answers whether anything really changed.
    pub(super) fn apply(&self, document: &mut Object, path: &Path, inserting: bool) -> Result<bool> {
        match self {
            Change::SetOnInsert(_) if !inserting => Ok(false),
            Change::Set(value) | Change::SetOnInsert(value) => match find(document, path) {
                Place::Found(old) if old == value => Ok(false),
                Place::Found(old) => {
                    *old = value.clone();
                    Ok(true)
                }
                Place::Missing(gap) => gap.fill(path, value.clone()).map(|()| true),
                Place::Blocked(error) => Err(error),
            },
            Change::Unset => Ok(remove(document, path)),
            Change::Inc(amount) => match find(document, path) {
                Place::Found(old) => {
                    let sum = add(old, amount).map_err(|reason| unsummable(reason, path, old))?;
                    let changed = *old != sum;
                    *old = sum;
                    Ok(changed)
                }
                Place::Missing(gap) => gap.fill(path, amount.clone()).map(|()| true),
                Place::Blocked(error) => Err(error),
            },
            Change::Push(push) => match find(document, path) {
                Place::Found(Value::Array(items)) => Ok(push.apply(items)),
                Place::Found(other) => Err(no_array("$push", path, other)),
                Place::Missing(gap) => {
                    let mut items = Vec::new();
                    push.apply(&mut items);
                    gap.fill(path, Value::Array(items)).map(|()| true)
                }
                Place::Blocked(error) => Err(error),
            },
            Change::Pull(pull) => match find(document, path) {
                Place::Found(Value::Array(items)) => {
                    let before = items.len();
                    items.retain(|item| !pull.takes(item));
                    Ok(items.len() != before)
                }
                Place::Found(other) => Err(no_array("$pull", path, other)),
                Place::Missing(_) => Ok(false),
                Place::Blocked(error) => Err(error),
            },
        }
    }

    /// Refuses an operand that would nest deeper than documents may.
    pub(super) fn check_depth(&self, path: &Path) -> Result<()> {
        if path.parts().len() + self.depth() <= MAX_DEPTH {
            return Ok(());
        }
        let text = path.to_string();
        Err(bad_update(&text, format!("the update would nest deeper than {MAX_DEPTH} levels at '{text}'")))
    }
}

impl Pull {
    fn parse<'a>(name: &str, operand: impl Node<'a>) -> Result<Pull> {
        let value = operand.tree();
        let parsed = match &value {
            Value::Object(_) if is_operators(&value) => {
                Filter::parse_condition(&value, name).map(Pull::Condition)
            }
            Value::Object(_) => Filter::parse_node(&value).map(Pull::Matching),
            _ => return Ok(Pull::Equal(value)),
        };
        parsed.map_err(|error| bad_update(name, format!("$pull at '{name}': {}", error.message())))
    }

    fn takes(&self, item: &Value) -> bool {
        match self {
            Pull::Equal(value) => compare_values(value, item).is_eq(),
            Pull::Condition(clause) => clause.matches(item),
            Pull::Matching(filter) => matches!(item, Value::Object(_)) && filter.root.matches(item),
        }
    }
}

fn unsummable(reason: Unsummable, path: &Path, old: &Value) -> crate::error::Error {
    let text = path.to_string();
    let message = match reason {
        Unsummable::NotNumeric => {
            format!("cannot apply $inc to '{text}', which is of type {}; it needs a number", old.type_name())
        }
        Unsummable::Overflow => {
            format!("$inc at '{text}' would leave the range of a BigInt (int64); use a smaller amount")
        }
    };
    bad_update(&text, message)
}

fn no_array(operator: &str, path: &Path, found: &Value) -> crate::error::Error {
    let text = path.to_string();
    let message = format!(
        "cannot apply {operator} to '{text}', which is of type {}; it needs an array",
        found.type_name()
    );
    bad_update(&text, message)
}
