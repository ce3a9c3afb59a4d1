//! `$bucket`, which is a `$group` by boundaries, and `$bucketAuto`, which finds them.

use std::cmp::Ordering;
use std::sync::Arc;

use super::accumulator::{Accumulator, State};
use super::grouping::{Group, Key, accumulators};
use crate::document::kind::Class;
use crate::document::{Collation, Node, Value};
use crate::error::Result;
use crate::error::codes::{self, Code};
use crate::query::aggregate::memory::{Memory, size, weight};
use crate::query::aggregate::operands::{count, fields, find, unsupported};
use crate::query::aggregate::row::{Row, Rows};
use crate::query::aggregate::row_form::RowForm;
use crate::query::aggregate::sorter::{Ordered, Sorter};
use crate::query::expression::{Env, Expression, Parser};
use crate::query::spill::bytes::{Reading, put_u64, put_value};
use crate::query::spill::runs::Form;

fn output(parser: &mut Parser, given: Option<&Value>) -> Result<Vec<(String, Accumulator)>> {
    match given {
        None => Ok(vec![("count".to_owned(), Accumulator::counting())]),
        Some(given) => {
            let given = fields(parser, "output", given, &[])?;
            parser.inside("output", |parser| accumulators(parser, given))
        }
    }
}

/// Reads `groupBy`: a path or an expression, so that a forgotten `$` is no constant.
fn read_grouped(parser: &mut Parser, stage: &str, code: Code, by: &Value) -> Result<Expression> {
    let is_computed = match by {
        Value::String(text) => text.starts_with('$'),
        other => matches!(other, Value::Object(_)),
    };
    parser.inside("groupBy", |parser| match is_computed {
        true => parser.expression(by),
        false => parser
            .fail_as(code, format!("groupBy of {stage} must be a path, as in '$city', or an expression")),
    })
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
        [a, b] => parser.collation().compare(a, b).is_lt() && class(a) == class(b),
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
        && parser.collation().compare(default, first).is_ge()
        && parser.collation().compare(default, last).is_lt()
    {
        let message = "default of $bucket must lie outside of the boundaries";
        return parser.fail_as(codes::BUCKET_DEFAULT, message);
    }
    let of = read_grouped(parser, "$bucket", codes::BUCKET_BY, by)?;
    let key = Key::Bucket { of, boundaries: boundaries.clone(), default };
    let fields = output(parser, find(given, "output"))?;
    Ok(Group { stage: "$bucket", key, fields, collation: parser.collation().clone() })
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
        let by = read_grouped(parser, "$bucketAuto", codes::BUCKETS_BY, by)?;
        Ok(AutoBuckets { by, buckets, fields: output(parser, find(given, "output"))? })
    }
}

/// About equally many documents in each bucket; equal values share one.
pub(in crate::query) struct AutoBucketing {
    input: Box<dyn Rows>,
    spec: Arc<AutoBuckets>,
    env: Arc<Env>,
    out: Option<Buckets>,
}

/// A document, its value, and its number: equal values keep their order.
type Valued = (Value, u64, Row);

/// How they are written to disk.
struct ValuedForm(RowForm, Collation);

impl Form for ValuedForm {
    type Item = Valued;

    fn compare(&self, a: &Valued, b: &Valued) -> Ordering {
        in_order(a, b, &self.1)
    }

    fn write(&mut self, (value, number, row): &Valued, out: &mut Vec<u8>) {
        put_value(value, out);
        put_u64(*number, out);
        self.0.write(row, out);
    }

    fn read(&mut self, bytes: &[u8]) -> Result<Valued> {
        let mut reading = Reading::of(bytes);
        Ok((reading.value()?, reading.u64()?, self.0.read(&mut reading)?))
    }
}

fn in_order(a: &Valued, b: &Valued, collation: &Collation) -> Ordering {
    collation.compare(&a.0, &b.0).then_with(|| a.1.cmp(&b.1))
}

fn valued_weight((value, _, row): &Valued) -> usize {
    size(value) + weight(row)
}

/// The buckets, made one after the other of documents in order.
struct Buckets {
    documents: Ordered<ValuedForm>,
    /// The first document of the next bucket.
    next: Option<Valued>,
    /// Documents of a bucket.
    usual: usize,
    /// Buckets that were made.
    made: usize,
}

impl AutoBucketing {
    pub(in crate::query) fn new(
        input: Box<dyn Rows>,
        spec: Arc<AutoBuckets>,
        env: Arc<Env>,
    ) -> AutoBucketing {
        AutoBucketing { input, spec, env, out: None }
    }

    #[inline(never)]
    fn gather(&mut self) -> Result<Buckets> {
        let form = ValuedForm(RowForm::default(), self.env.collation().clone());
        let mut sorter = Sorter::new("$bucketAuto", form, usize::MAX, self.env.work(), valued_weight);
        let mut count = 0;
        while let Some(row) = self.input.next()? {
            let value = row
                .scoped("$bucketAuto", &self.env, |scope| self.spec.by.eval(scope))?
                .unwrap_or(Value::Null);
            count += 1;
            sorter.push((value, count, row))?;
        }
        let mut documents = sorter.finish(Vec::new())?;
        let usual = ((count as f64 / self.spec.buckets as f64).round() as usize).max(1);
        let next = documents.next()?;
        Ok(Buckets { documents, next, usual, made: 0 })
    }

    /// The next bucket.
    #[inline(never)]
    fn bucket(&self, buckets: &mut Buckets) -> Result<Option<Value>> {
        let Some((mut last, _, mut row)) = buckets.next.take() else { return Ok(None) };
        let work = self.env.work();
        let mut memory = Memory::new("$bucketAuto", work);
        let min = last.clone();
        let mut states: Vec<State> = self.spec.fields.iter().map(|(_, one)| one.start()).collect();
        let mut left = buckets.usual;
        buckets.made += 1;
        let max = loop {
            work.step(1)?;
            left = left.saturating_sub(1);
            row.scoped("$bucketAuto", &self.env, |scope| {
                let mut pairs = self.spec.fields.iter().zip(&mut states);
                pairs.try_for_each(|((_, one), state)| one.add(state, &row, scope, &mut memory))
            })?;
            let Some(following) = buckets.documents.next()? else { break last };
            let same = self.env.collation().equal(&last, &following.0);
            if left == 0 && !same && buckets.made < self.spec.buckets {
                let end = following.0.clone();
                buckets.next = Some(following);
                break end;
            }
            (last, _, row) = following;
        };
        let bounds = vec![("min".to_owned(), min), ("max".to_owned(), max)];
        let mut object = vec![("_id".to_owned(), Value::Object(bounds))];
        for ((name, accumulator), state) in self.spec.fields.iter().zip(states) {
            object.push((name.clone(), accumulator.finish(state, work)?));
        }
        Ok(Some(Value::Object(object)))
    }
}

impl Rows for AutoBucketing {
    fn next(&mut self) -> Result<Option<Row>> {
        let mut buckets = match self.out.take() {
            Some(buckets) => buckets,
            None => self.gather()?,
        };
        let made = self.bucket(&mut buckets)?;
        self.out = Some(buckets);
        Ok(made.map(Row::Tree))
    }
}
