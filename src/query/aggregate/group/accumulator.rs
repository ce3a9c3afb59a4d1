//! Accumulators: what a group computes from its documents.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::best::{Best, Side};
use crate::document::{Collation, Node, NodeKind, Value};
use crate::error::{Result, codes};
use crate::query::aggregate::memory::{Memory, size};
use crate::query::aggregate::operands::{count, fields, find, unsupported};
use crate::query::aggregate::row::Row;
use crate::query::aggregate::stages::sorting::read_sort;
use crate::query::expression::{Expression, Num, Parser, Scope, Total, identity, percentile};
use crate::query::refusal::bad_query;
use crate::query::wide::Wide;
use crate::query::{Sort, SortKey};
use crate::work::Work;

/// An accumulator with its operand.
#[derive(Clone, Debug)]
pub(in crate::query) struct Accumulator {
    pub(in crate::query) kind: Kind,
    pub(in crate::query) operand: Expression,
    /// How values compare.
    pub(in crate::query) collation: Collation,
}

#[derive(Clone, Debug)]
pub(in crate::query) enum Kind {
    Sum,
    Avg,
    Least,
    Greatest,
    First,
    Last,
    Push,
    AddToSet,
    /// Over n, or over n - 1.
    Deviation(u64),
    MergeObjects,
    FirstN(usize),
    LastN(usize),
    LeastN(usize),
    GreatestN(usize),
    /// The first or the last n in an order; `alone` returns one value instead of an array.
    Ranked {
        sort: Sort,
        n: usize,
        last: bool,
        alone: bool,
    },
    /// The numbers at these quantiles; `alone` returns one value instead of an array.
    Percentile {
        parts: Vec<f64>,
        alone: bool,
    },
}

/// The state of an accumulator.
#[derive(Debug)]
pub(in crate::query) enum State {
    Sum(Total),
    Avg(Total, u64),
    Extreme(Ordering, Option<Value>),
    One(Option<Option<Value>>),
    List(Vec<Value>),
    Best(Best<Value>),
    Set(HashSet<Vec<u8>>, Vec<Value>),
    Deviation { less: u64, count: u64, mean: f64, squares: f64 },
    Object(Wide),
    Ranked(Best<(SortKey, Value)>),
    Numbers(Vec<f64>),
}

/// All accumulators. `work_tests` has an example of each.
#[cfg(test)]
pub(in crate::query) const NAMES: &[&str] = &[
    "$addToSet",
    "$avg",
    "$bottom",
    "$bottomN",
    "$count",
    "$first",
    "$firstN",
    "$last",
    "$lastN",
    "$max",
    "$maxN",
    "$median",
    "$mergeObjects",
    "$min",
    "$minN",
    "$percentile",
    "$push",
    "$stdDevPop",
    "$stdDevSamp",
    "$sum",
    "$top",
    "$topN",
];

impl Accumulator {
    /// Counts the documents.
    pub(in crate::query) fn counting() -> Accumulator {
        let (operand, collation) = (Expression::literal(Value::Int(1)), Collation::SIMPLE);
        Accumulator { kind: Kind::Sum, operand, collation }
    }

    fn of(kind: Kind, operand: Expression, parser: &Parser) -> Accumulator {
        Accumulator { kind, operand, collation: parser.collation().clone() }
    }

    /// Reads `{ $sum: '$a' }` and the like.
    pub(in crate::query) fn parse(parser: &mut Parser, value: &Value) -> Result<Accumulator> {
        let Value::Object(given) = value else {
            let message = "a field of $group needs an accumulator, as in { $sum: '$amount' }";
            return parser.fail_as(codes::GROUP_FIELD, message);
        };
        let [(name, operand)] = given.as_slice() else {
            return parser.fail_as(codes::GROUP_ONE, "a field of $group needs exactly one accumulator");
        };
        parser.inside(name, |parser| Accumulator::parse_named(parser, name, operand))
    }

    fn parse_named(parser: &mut Parser, name: &str, operand: &Value) -> Result<Accumulator> {
        let kind = match name {
            "$sum" => Kind::Sum,
            "$avg" => Kind::Avg,
            "$min" => Kind::Least,
            "$max" => Kind::Greatest,
            "$first" => Kind::First,
            "$last" => Kind::Last,
            "$push" => Kind::Push,
            "$addToSet" => Kind::AddToSet,
            "$stdDevPop" => Kind::Deviation(0),
            "$stdDevSamp" => Kind::Deviation(1),
            "$mergeObjects" => Kind::MergeObjects,
            "$count" => {
                fields(parser, name, operand, &["(nothing)"])?;
                return Ok(Accumulator::counting());
            }
            "$firstN" | "$lastN" | "$minN" | "$maxN" => {
                return Accumulator::parse_many(parser, name, operand);
            }
            "$top" | "$bottom" | "$topN" | "$bottomN" => {
                return Accumulator::parse_ranked(parser, name, operand);
            }
            "$median" | "$percentile" => {
                return Accumulator::parse_percentile(parser, name, operand);
            }
            "$accumulator" => {
                return unsupported("$accumulator is not supported: no code is evaluated here", name);
            }
            "$concatArrays" | "$setUnion" => {
                let message = format!(
                    "{name} is not supported as an accumulator; $push the arrays, and join them after the group"
                );
                return unsupported(message, name);
            }
            _ if !name.starts_with('$') => {
                let message = format!("'{name}' is no accumulator: it does not start with '$'");
                return parser.fail_as(codes::GROUP_FIELD, message);
            }
            _ => {
                let message = format!("unknown accumulator '{name}'");
                return parser.fail_as(codes::UNKNOWN_ACCUMULATOR, message);
            }
        };
        if matches!(operand, Value::Array(items) if items.len() != 1) {
            let message = format!("{name} takes one expression; an array goes into $concatArrays or a $let");
            return parser.fail_as(codes::GROUP_UNARY, message);
        }
        let operand = match operand {
            Value::Array(items) => items.first().unwrap_or(operand),
            one => one,
        };
        let operand = parser.expression(operand)?;
        Ok(Accumulator::of(kind, operand, parser))
    }

    fn parse_many(parser: &mut Parser, name: &str, operand: &Value) -> Result<Accumulator> {
        let given = fields(parser, name, operand, &["input", "n"])?;
        let (Some(input), Some(n)) = (find(given, "input"), find(given, "n")) else {
            let code = if find(given, "n").is_some() { codes::N_INPUT } else { codes::stage(name).missing() };
            return parser.fail_as(code, format!("{name} needs input and n"));
        };
        let n = size_of(parser, name, n)?;
        let kind = match name {
            "$firstN" => Kind::FirstN(n),
            "$lastN" => Kind::LastN(n),
            "$minN" => Kind::LeastN(n),
            _ => Kind::GreatestN(n),
        };
        let operand = parser.expression(input)?;
        Ok(Accumulator::of(kind, operand, parser))
    }

    fn parse_ranked(parser: &mut Parser, name: &str, operand: &Value) -> Result<Accumulator> {
        let alone = !name.ends_with('N');
        let known: &[&str] = if alone { &["sortBy", "output"] } else { &["sortBy", "output", "n"] };
        let given = fields(parser, name, operand, known)?;
        let (Some(sort), Some(output)) = (find(given, "sortBy"), find(given, "output")) else {
            let ordered = find(given, "sortBy").is_some();
            let code = if ordered { codes::RANKED_OUTPUT } else { codes::RANKED_SORT };
            return parser.fail_as(code, format!("{name} needs sortBy and output"));
        };
        let n = match find(given, "n") {
            Some(n) => size_of(parser, name, n)?,
            None if alone => 1,
            None => return parser.fail_as(codes::RANKED_N, format!("{name} needs n")),
        };
        let kind =
            Kind::Ranked { sort: read_sort(parser, sort)?, n, last: name.starts_with("$bottom"), alone };
        let operand = parser.expression(output)?;
        Ok(Accumulator::of(kind, operand, parser))
    }

    fn parse_percentile(parser: &mut Parser, name: &str, operand: &Value) -> Result<Accumulator> {
        let alone = name == "$median";
        let known: &[&str] = if alone { &["input", "method"] } else { &["input", "p", "method"] };
        let given = fields(parser, name, operand, known)?;
        let Some(input) = find(given, "input") else {
            return parser.fail_as(codes::stage(name).missing(), format!("{name} needs input"));
        };
        let wrong = |message: String| parser.error(format!("{name} {message}"));
        percentile::method(find(given, "method")).map_err(wrong)?;
        let parts = if alone {
            vec![0.5]
        } else {
            percentile::parts(find(given, "p"))
                .map_err(|message| wrong(message).with_code(codes::PERCENTILE_PARTS))?
        };
        let operand = parser.expression(input)?;
        Ok(Accumulator::of(Kind::Percentile { parts, alone }, operand, parser))
    }

    pub(in crate::query) fn start(&self) -> State {
        match self.kind {
            Kind::Sum => State::Sum(Total::default()),
            Kind::Avg => State::Avg(Total::default(), 0),
            Kind::Least => State::Extreme(Ordering::Less, None),
            Kind::Greatest => State::Extreme(Ordering::Greater, None),
            Kind::First | Kind::Last => State::One(None),
            Kind::Push | Kind::FirstN(_) => State::List(Vec::new()),
            Kind::LastN(n) => State::Best(Best::new(n, Side::Last)),
            Kind::LeastN(n) | Kind::GreatestN(n) => State::Best(Best::new(n, Side::First)),
            Kind::AddToSet => State::Set(HashSet::new(), Vec::new()),
            Kind::Deviation(less) => State::Deviation { less, count: 0, mean: 0.0, squares: 0.0 },
            Kind::MergeObjects => State::Object(Wide::default()),
            Kind::Ranked { n, last, .. } => {
                State::Ranked(Best::new(n, if last { Side::Last } else { Side::First }))
            }
            Kind::Percentile { .. } => State::Numbers(Vec::new()),
        }
    }

    /// Adds a document. One function on purpose: a function for each kind was measured slower.
    pub(in crate::query) fn add(
        &self,
        state: &mut State,
        row: &Row,
        scope: &Scope<'_>,
        memory: &mut Memory,
    ) -> Result<()> {
        if matches!((&self.kind, &*state), (Kind::First, State::One(Some(_)))) {
            return Ok(());
        }
        let value = self.operand.eval(scope)?;
        let key = self.rank(row)?;
        self.add_value(state, value, key, memory)
    }

    /// The place of a document in the order of the accumulator, if it has one.
    #[inline]
    pub(super) fn rank(&self, row: &Row) -> Result<Option<SortKey>> {
        match &self.kind {
            Kind::Ranked { sort, .. } => row.sort_key(sort).map(Some),
            _ => Ok(None),
        }
    }

    /// Adds the operand's value of a document.
    #[inline]
    pub(super) fn add_value(
        &self,
        state: &mut State,
        value: Option<Value>,
        key: Option<SortKey>,
        memory: &mut Memory,
    ) -> Result<()> {
        match state {
            State::Sum(_) | State::Avg(..) | State::Extreme(..) => {
                if let Some(value) = &value {
                    state.add_seen(value, &self.collation, memory)?;
                }
            }
            State::One(Some(_)) if matches!(self.kind, Kind::First) => {}
            State::One(slot) => {
                memory.give(slot.iter().flatten().map(size).sum());
                memory.take(value.as_ref().map_or(0, size))?;
                *slot = Some(value);
            }
            State::List(items) => match (&self.kind, value) {
                (Kind::Push, None) => {}
                (Kind::FirstN(n), _) if items.len() >= *n => {}
                (_, value) => {
                    let value = value.unwrap_or(Value::Null);
                    memory.take(size(&value))?;
                    items.push(value);
                }
            },
            State::Best(best) => {
                let value = match (&self.kind, value) {
                    (Kind::LeastN(_) | Kind::GreatestN(_), None | Some(Value::Null)) => return Ok(()),
                    (_, value) => value.unwrap_or(Value::Null),
                };
                best.add(value, size, self.order(), memory)?;
            }
            State::Set(known, items) => {
                if let Some(value) = value {
                    let key = identity::of_under(&value, &self.collation);
                    let bytes = key.len() + size(&value);
                    if known.insert(key) {
                        memory.take(bytes)?;
                        items.push(value);
                    }
                }
            }
            State::Deviation { count, mean, squares, .. } => {
                // Welford's method: one pass, and no difference of large sums.
                if let Some(x) = value.as_ref().and_then(Num::of).map(Num::as_f64) {
                    *count += 1;
                    let delta = x - *mean;
                    *mean += delta / *count as f64;
                    *squares += delta * (x - *mean);
                }
            }
            State::Object(object) => match value {
                None | Some(Value::Null) => {}
                Some(Value::Object(fields)) => {
                    for (key, value) in fields {
                        memory.work().step(1)?;
                        // Twice the key: the object and its index have it.
                        memory.take(72 + 2 * key.len() + size(&value))?;
                        object.put(key, value);
                    }
                }
                Some(other) => {
                    let message = format!("$mergeObjects needs objects, not {}", other.type_name());
                    return Err(bad_query("", message).with_code(codes::operator("$mergeObjects").of_value()));
                }
            },
            State::Numbers(numbers) => {
                if let Some(x) = value.as_ref().and_then(Num::of).map(Num::as_f64).filter(|x| !x.is_nan()) {
                    memory.take(size_of_val(&x))?;
                    numbers.push(x);
                }
            }
            State::Ranked(best) => {
                let Some(key) = key else { return Ok(()) };
                let value = value.unwrap_or(Value::Null);
                best.add(
                    (key, value),
                    |(key, value)| key.size() + size(value),
                    |a, b| a.0.cmp(&b.0),
                    memory,
                )?;
            }
        }
        Ok(())
    }

    /// The order in which the elements of a list are kept.
    fn order(&self) -> impl Fn(&Value, &Value) -> Ordering {
        |a, b| match self.kind {
            Kind::LeastN(_) => self.collation.compare(a, b),
            Kind::GreatestN(_) => self.collation.compare(b, a),
            _ => Ordering::Equal,
        }
    }

    /// The value for the group.
    pub(in crate::query) fn finish(&self, state: State, work: &Work) -> Result<Value> {
        Ok(match state {
            State::Sum(total) => total.value(),
            State::Avg(_, 0) => Value::Null,
            State::Avg(total, count) => Value::number(total.as_f64() / count as f64),
            State::Extreme(_, value) => value.unwrap_or(Value::Null),
            State::One(value) => value.flatten().unwrap_or(Value::Null),
            State::List(items) | State::Set(_, items) => Value::Array(items),
            State::Best(best) => Value::Array(best.finish(self.order(), work)?),
            State::Deviation { less, count, .. } if count <= less => Value::Null,
            State::Deviation { less, count, squares, .. } => {
                Value::number((squares / (count - less) as f64).sqrt())
            }
            State::Object(object) => Value::Object(object.into_object()),
            State::Numbers(numbers) => match &self.kind {
                Kind::Percentile { parts, alone } => {
                    let mut values = percentile::of_parts(numbers, parts, work)?;
                    if *alone { values.pop().unwrap_or(Value::Null) } else { Value::Array(values) }
                }
                _ => Value::Null,
            },
            State::Ranked(best) => {
                let best = best.finish(|a, b| a.0.cmp(&b.0), work)?;
                let mut values = best.into_iter().map(|(_, value)| value);
                if matches!(self.kind, Kind::Ranked { alone: true, .. }) {
                    values.next().unwrap_or(Value::Null)
                } else {
                    Value::Array(values.collect())
                }
            }
        })
    }
}

impl State {
    /// Adds a value, for the accumulators that need no tree of it.
    #[inline]
    pub(in crate::query) fn add_seen<'a>(
        &mut self,
        node: impl Node<'a>,
        collation: &Collation,
        memory: &mut Memory,
    ) -> Result<()> {
        match self {
            State::Sum(total) => {
                if let Some(number) = number(node.seen()) {
                    total.add(number);
                }
            }
            State::Avg(total, count) => {
                if let Some(number) = number(node.seen()) {
                    total.add(number);
                    *count += 1;
                }
            }
            State::Extreme(wanted, best)
                if !matches!(node.seen(), NodeKind::Null)
                    && best.as_ref().is_none_or(|best| collation.compare(node, best) == *wanted) =>
            {
                let value = node.tree();
                memory.give(best.as_ref().map_or(0, size));
                memory.take(size(&value))?;
                *best = Some(value);
            }
            _ => {}
        }
        Ok(())
    }
}

impl State {
    /// Merges the state that later documents gave the same accumulator, which must be one of those of `add_seen`.
    pub(in crate::query) fn absorb(
        &mut self,
        other: State,
        collation: &Collation,
        memory: &mut Memory,
    ) -> Result<()> {
        match (self, other) {
            (State::Sum(total), State::Sum(more)) => total.absorb(&more),
            (State::Avg(total, count), State::Avg(more, others)) => {
                total.absorb(&more);
                *count += others;
            }
            (state @ State::Extreme(..), State::Extreme(_, Some(best))) => {
                state.add_seen(&best, collation, memory)?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn number(seen: NodeKind<'_>) -> Option<Num> {
    match seen {
        NodeKind::Int(value) => Some(Num::Int(value)),
        NodeKind::Long(value) => Some(Num::Long(value)),
        NodeKind::Double(value) => Some(Num::Double(value)),
        _ => None,
    }
}

fn size_of(parser: &Parser, name: &str, n: &Value) -> Result<usize> {
    Ok(usize::try_from(count(parser, &format!("n of {name}"), n, 1)?).unwrap_or(usize::MAX))
}
