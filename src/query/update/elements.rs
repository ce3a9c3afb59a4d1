//! Operators on the elements of an array: `$pull`, `$pullAll`, `$pop`, `$addToSet`.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::document::{Collation, Node, Path, Value, depth};
use crate::error::{Result, codes};
use crate::query::expression::Terms;
use crate::query::filter::{Clause, Filter, Test};
use crate::query::merge_sort::sort_by;
use crate::query::number::as_integer;
use crate::query::pattern::Source;
use crate::query::refusal::bad_update;
use crate::query::syntax::{is_operators, is_reference};
use crate::work::Work;

/// The number of values that are searched one by one.
const FEW: usize = 8;

/// What an operator does if there is no array at its path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::query) enum IfMissing {
    Create,
    Ignore,
}

/// An operator on the elements.
#[derive(Clone, Debug)]
pub(in crate::query) enum Elements {
    /// Removes the elements that equal one of the values.
    PullEqual(Vec<Value>),
    /// Removes the elements that pass the operators.
    PullPassing(Clause),
    /// Removes the objects that match the filter.
    PullMatching(Filter),
    PopFirst,
    PopLast,
    /// Adds the values that are not present yet.
    AddToSet(Vec<Value>),
}

impl Elements {
    /// Parses the operand of one of these operators; `None` for another one.
    pub(in crate::query) fn parse<'a>(
        operator: &str,
        name: &str,
        operand: impl Node<'a>,
        collation: &Collation,
    ) -> Result<Option<Elements>> {
        Ok(Some(match operator {
            "$pull" => parse_pull(name, operand.tree(), collation)?,
            "$pullAll" => Elements::PullEqual(parse_list(operator, name, operand.tree())?),
            "$pop" => match as_integer(&operand.tree()) {
                Some(1) => Elements::PopLast,
                Some(-1) => Elements::PopFirst,
                _ => {
                    let message = format!("$pop at '{name}' must be 1 (the last element) or -1 (the first)");
                    return Err(bad_update(name, message).with_code(codes::FAILED_TO_PARSE));
                }
            },
            "$addToSet" => Elements::AddToSet(parse_added(name, operand)?),
            _ => return Ok(None),
        }))
    }

    /// Whether choosing elements by it is cheap: there is no regular expression.
    pub(in crate::query) fn is_light(&self) -> bool {
        match self {
            Elements::PullPassing(clause) => clause.is_light(),
            Elements::PullMatching(filter) => filter.is_light(),
            _ => true,
        }
    }

    /// What happens if there is no array.
    pub(in crate::query) fn if_missing(&self) -> IfMissing {
        match self {
            Elements::AddToSet(_) => IfMissing::Create,
            _ => IfMissing::Ignore,
        }
    }

    /// Levels of nesting that are added, including the array.
    pub(in crate::query) fn depth(&self) -> usize {
        match self {
            Elements::AddToSet(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// Changes the array and returns whether it changed.
    pub(in crate::query) fn apply(
        &self,
        items: &mut Vec<Value>,
        collation: &Collation,
        work: &Work,
    ) -> Result<bool> {
        let before = items.len();
        if !matches!(self, Elements::PopFirst | Elements::PopLast) {
            work.step(before)?;
        }
        match self {
            Elements::PullEqual(values) if values.len() <= FEW => {
                items.retain(|item| !has(values, item, collation));
            }
            Elements::PullEqual(values) => {
                let values = sorted(values, collation, work)?;
                items.retain(|item| !(work.goes_on(1) && found(&values, item, collation)));
            }
            Elements::PullPassing(clause) => items.retain(|item| !clause.matches(item, work)),
            Elements::PullMatching(filter) => {
                items.retain(|item| !(matches!(item, Value::Object(_)) && filter.root.matches(item, work)));
            }
            Elements::PopFirst => drop(items.drain(..before.min(1))),
            Elements::PopLast => drop(items.pop()),
            Elements::AddToSet(values) if values.len() > FEW => {
                let fresh = {
                    let known = sorted(items, collation, work)?;
                    let mut added = BTreeSet::new();
                    let mut fresh = Vec::new();
                    for value in values {
                        work.step(1)?;
                        if !found(&known, value, collation) && added.insert(InOrder(value, collation)) {
                            fresh.push(value.clone());
                        }
                    }
                    fresh
                };
                items.extend(fresh);
            }
            Elements::AddToSet(values) => {
                for value in values {
                    if !has(items, value, collation) {
                        items.push(value.clone());
                    }
                }
            }
        }
        // If the work was stopped, the chosen elements may be wrong.
        work.believe(items.len() != before)
    }
}

/// The values, sorted for binary search.
fn sorted<'v>(values: &'v [Value], collation: &Collation, work: &Work) -> Result<Vec<&'v Value>> {
    sort_by(values.iter().collect(), work, |a, b| collation.compare(*a, *b))
}

fn found(sorted: &[&Value], wanted: &Value, collation: &Collation) -> bool {
    sorted.binary_search_by(|value| collation.compare(*value, wanted)).is_ok()
}

/// A value with the order of a collation as its order.
struct InOrder<'v>(&'v Value, &'v Collation);

impl Ord for InOrder<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.1.compare(self.0, other.0)
    }
}

impl PartialOrd for InOrder<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for InOrder<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for InOrder<'_> {}

fn has(values: &[Value], wanted: &Value, collation: &Collation) -> bool {
    values.iter().any(|value| collation.equal(value, wanted))
}

fn parse_pull(name: &str, value: Value, collation: &Collation) -> Result<Elements> {
    let work = Work::default();
    let terms = Terms::under(collation, &work);
    let passing = |pattern| Elements::PullPassing(Clause::Field(Path::here(), Test::Pattern(pattern)));
    let pattern = Source::of(&value).map(|source| source.compile(name, &work).map(passing));
    let parsed = match (pattern, &value) {
        (Some(pattern), _) => pattern,
        (None, Value::Object(_)) if is_operators(&value) && !is_of_filters(&value) => {
            Filter::parse_condition(&value, name, terms).map(Elements::PullPassing)
        }
        (None, Value::Object(_)) if !is_reference(&value) => {
            Filter::parse_node(&value, terms).map(Elements::PullMatching)
        }
        _ => return Ok(Elements::PullEqual(vec![value])),
    };
    parsed.map_err(|error| {
        let message = format!("$pull at '{name}': {}", error.message());
        bad_update(name, message).with_code(error.code().unwrap_or(codes::BAD_VALUE))
    })
}

/// Whether it begins as a filter of the element does that names no field first.
fn is_of_filters(value: &Value) -> bool {
    let first = value.fields().next().map(|(key, _)| key);
    matches!(first, Some("$and" | "$or" | "$nor" | "$expr" | "$jsonSchema" | "$comment"))
}

fn parse_list(operator: &str, name: &str, value: Value) -> Result<Vec<Value>> {
    match value {
        Value::Array(items) => Ok(items),
        other => {
            let message = format!("{operator} at '{name}' must be an array, not {}", other.type_name());
            let code = if operator.ends_with("$addToSet") { codes::TYPE_MISMATCH } else { codes::BAD_VALUE };
            Err(bad_update(name, message).with_code(code))
        }
    }
}

fn parse_added<'a>(name: &str, operand: impl Node<'a>) -> Result<Vec<Value>> {
    let mut fields = operand.fields();
    match (fields.next(), fields.next()) {
        (Some(("$each", list)), None) => parse_list("$each of $addToSet", name, list.tree()),
        (Some(("$each", _)), Some((clause, _))) => {
            Err(bad_update(name, format!("unknown clause '{clause}' of $addToSet at '{name}'")))
        }
        _ => Ok(vec![operand.tree()]),
    }
}
