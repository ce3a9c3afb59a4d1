//! `$bucket`, which is a `$group` by boundaries, and `$bucketAuto`, which finds them.

use std::sync::Arc;

use super::accumulator::{Accumulator, State};
use super::grouping::{Group, Key, accumulators};
use crate::document::kind::Class;
use crate::document::order::compare_values;
use crate::document::{Node, Value};
use crate::error::{Result, codes};
use crate::query::aggregate::memory::{Gathered, Memory, size};
use crate::query::aggregate::operands::{count, fields, find, unsupported};
use crate::query::aggregate::row::{Row, Rows};
use crate::query::expression::{Env, Expression, Parser};
use crate::query::merge_sort;

fn output(parser: &mut Parser, given: Option<&Value>) -> Result<Vec<(String, Accumulator)>> {
    match given {
        None => Ok(Group::counting("$bucket", Expression::literal(Value::Null), "count").fields),
        Some(given) => {
            let given = fields(parser, "output", given, &[])?;
            parser.inside("output", |parser| accumulators(parser, given))
        }
    }
}

/// Reads `$bucket`.
pub(in crate::query) fn parse_bucket(parser: &mut Parser, value: &Value) -> Result<Group> {
    let given = fields(parser, "$bucket", value, &["groupBy", "boundaries", "default", "output"])?;
    let (Some(by), Some(Value::Array(boundaries))) = (find(given, "groupBy"), find(given, "boundaries"))
    else {
        let code = match (find(given, "groupBy"), find(given, "boundaries")) {
            (Some(_), Some(_)) => codes::BUCKET_BOUNDARIES,
            _ => codes::stage("$bucket").missing(),
        };
        return parser.fail_as(code, "$bucket needs groupBy and boundaries, an array");
    };
    let rising = boundaries.windows(2).all(|pair| match pair {
        [a, b] => compare_values(a, b).is_lt() && class(a) == class(b),
        _ => true,
    });
    if boundaries.len() < 2 || !rising {
        let one_class = boundaries.windows(2).all(|pair| matches!(pair, [a, b] if class(a) == class(b)));
        let code = match (boundaries.len() < 2, one_class) {
            (true, _) => codes::BUCKET_FEW,
            (_, false) => codes::BUCKET_TYPES,
            _ => codes::BUCKET_ORDER,
        };
        let message = "boundaries of $bucket must be at least two values of one type in ascending order";
        return parser.fail_as(code, message);
    }
    let default = find(given, "default").cloned();
    if let (Some(default), [first, .., last]) = (&default, boundaries.as_slice())
        && compare_values(default, first).is_ge()
        && compare_values(default, last).is_lt()
    {
        let message = "default of $bucket must lie outside of the boundaries";
        return parser.fail_as(codes::BUCKET_DEFAULT, message);
    }
    let of = parser.inside("groupBy", |parser| parser.expression(by))?;
    let key = Key::Bucket { of, boundaries: boundaries.clone(), default };
    Ok(Group { stage: "$bucket", key, fields: output(parser, find(given, "output"))? })
}

fn class(value: &Value) -> Class {
    value.seen().class()
}

/// A `$bucketAuto`.
#[derive(Clone, Debug)]
pub(in crate::query) struct AutoBuckets {
    by: Expression,
    buckets: usize,
    fields: Vec<(String, Accumulator)>,
}

impl AutoBuckets {
    pub(in crate::query) fn parse(parser: &mut Parser, value: &Value) -> Result<AutoBuckets> {
        let given = fields(parser, "$bucketAuto", value, &["groupBy", "buckets", "output", "granularity"])?;
        if find(given, "granularity").is_some() {
            return unsupported(
                "granularity of $bucketAuto is not supported; leave it out",
                "$bucketAuto.granularity",
            );
        }
        let (Some(by), Some(buckets)) = (find(given, "groupBy"), find(given, "buckets")) else {
            let code = codes::stage("$bucketAuto").missing();
            return parser.fail_as(code, "$bucketAuto needs groupBy and buckets");
        };
        let buckets = count(parser, "buckets of $bucketAuto", buckets, 1)?.min(1 << 31) as usize;
        let by = parser.inside("groupBy", |parser| parser.expression(by))?;
        Ok(AutoBuckets { by, buckets, fields: output(parser, find(given, "output"))? })
    }
}

/// About equally many documents in each bucket; equal values share one.
pub(in crate::query) struct AutoBucketing {
    pub(in crate::query) input: Box<dyn Rows>,
    pub(in crate::query) spec: Arc<AutoBuckets>,
    pub(in crate::query) env: Arc<Env>,
    pub(in crate::query) out: Option<Gathered<Value>>,
}

impl AutoBucketing {
    fn gather(&mut self) -> Result<Gathered<Value>> {
        let work = self.env.work();
        let mut memory = Memory::new("$bucketAuto", work);
        let mut all: Vec<(Value, Row)> = Vec::new();
        while let Some(row) = self.input.next()? {
            let key = row
                .scoped("$bucketAuto", &self.env, |scope| self.spec.by.eval(scope))?
                .unwrap_or(Value::Null);
            memory.take(size(&key))?;
            memory.take_row(&row)?;
            all.push((key, row));
        }
        let all = merge_sort::sort_by(all, work, |(a, _), (b, _)| compare_values(a, b))?;
        let usual = ((all.len() as f64 / self.spec.buckets as f64).round() as usize).max(1);
        let mut buckets: Vec<(Value, Value, Vec<State>)> = Vec::new();
        let mut left = usual;
        let mut last: Option<Value> = None;
        for (key, row) in all {
            work.step(1)?;
            let same = last.as_ref().is_some_and(|last| compare_values(last, &key).is_eq());
            let opens = buckets.is_empty() || (left == 0 && !same && buckets.len() < self.spec.buckets);
            if opens {
                if let Some((_, end, _)) = buckets.last_mut() {
                    *end = key.clone();
                }
                let states = self.spec.fields.iter().map(|(_, accumulator)| accumulator.start()).collect();
                buckets.push((key.clone(), key.clone(), states));
                left = usual;
            }
            left = left.saturating_sub(1);
            if let Some((_, end, states)) = buckets.last_mut() {
                *end = key.clone();
                row.scoped("$bucketAuto", &self.env, |scope| {
                    let mut pairs = self.spec.fields.iter().zip(states);
                    pairs.try_for_each(|((_, one), state)| one.add(state, &row, scope, &mut memory))
                })?;
            }
            last = Some(key);
        }
        let finish = |(min, max, states): (Value, Value, Vec<State>)| {
            let bounds = vec![("min".to_owned(), min), ("max".to_owned(), max)];
            let mut object = vec![("_id".to_owned(), Value::Object(bounds))];
            for ((name, accumulator), state) in self.spec.fields.iter().zip(states) {
                object.push((name.clone(), accumulator.finish(state, work)?));
            }
            Ok(Value::Object(object))
        };
        let buckets = buckets.into_iter().map(finish).collect::<Result<_>>()?;
        Ok(Gathered::new(buckets, memory, size))
    }
}

impl Rows for AutoBucketing {
    fn next(&mut self) -> Result<Option<Row>> {
        if self.out.is_none() {
            self.out = Some(self.gather()?);
        }
        Ok(self.out.as_mut().and_then(Gathered::next).map(Row::Tree))
    }
}
