//! `$lookup`: documents of another collection, by equal fields, by a pipeline with variables, or both.

use std::collections::HashMap;
use std::sync::Arc;

use crate::document::{Collation, Value};
use crate::error::{Result, codes};
use crate::query::aggregate::access::Access;
use crate::query::aggregate::memory::{Memory, size};
use crate::query::aggregate::operands::{find, path, set_path, text, unsupported};
use crate::query::aggregate::pipeline::{Lookup, Pipeline, Place};
use crate::query::aggregate::row::{Listed, Row, Rows};
use crate::query::expression::{Env, Expression, FieldPath, Parser, identity};

impl Lookup {
    pub(in crate::query) fn parse(parser: &mut Parser, value: &Value) -> Result<Lookup> {
        let known = ["from", "localField", "foreignField", "let", "pipeline", "as"];
        let given = crate::query::aggregate::operands::fields(parser, "$lookup", value, &known)?;
        let read = |name: &str| text(parser, "$lookup", given, name);
        if matches!(find(given, "from"), Some(Value::Object(_))) {
            return unsupported(
                "$lookup reads collections of this database only; give from as a name",
                "$lookup.from",
            );
        }
        let from = read("from")?.map(str::to_owned);
        let Some(target) = read("as")? else {
            return parser.fail_as(codes::FAILED_TO_PARSE, "$lookup needs 'as'");
        };
        let target = path(parser, "$lookup", target)?;
        let equal = match (read("localField")?, read("foreignField")?) {
            (Some(local), Some(foreign)) => {
                Some((path(parser, "$lookup", local)?, path(parser, "$lookup", foreign)?))
            }
            (None, None) => None,
            _ => {
                let message = "$lookup needs localField and foreignField together";
                return parser.fail_as(codes::FAILED_TO_PARSE, message);
            }
        };
        let variables = read_let(parser, find(given, "let"))?;
        let pipeline = match find(given, "pipeline") {
            None => None,
            Some(stages) => {
                let mut inner = parser.with(variables.iter().map(|(name, _)| name.clone()));
                Some(inner.inside("pipeline", |inner| Pipeline::read(inner, stages, Place::Inside))?)
            }
        };
        if equal.is_none() && pipeline.is_none() {
            let message = "$lookup needs localField and foreignField, or a pipeline";
            return parser.fail_as(codes::FAILED_TO_PARSE, message);
        }
        if from.is_none() && !pipeline.as_ref().is_some_and(Pipeline::has_documents) {
            let message = "$lookup needs 'from', the name of a collection";
            return parser.fail_as(codes::FAILED_TO_PARSE, message);
        }
        Ok(Lookup { from, equal, variables, pipeline, target })
    }
}

/// Reads `{ name: expression, ... }`.
pub(in crate::query) fn read_let(
    parser: &mut Parser,
    value: Option<&Value>,
) -> Result<Vec<(Box<str>, Expression)>> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let Value::Object(given) = value else {
        return parser.fail_as(codes::FAILED_TO_PARSE, "'let' needs an object of variables");
    };
    let mut all = Vec::new();
    for (name, value) in given {
        parser.check_variable(name)?;
        all.push((name.as_str().into(), parser.inside(name, |parser| parser.expression(value))?));
    }
    Ok(all)
}

/// The values of variables for a document.
pub(in crate::query) fn bound(
    variables: &[(Box<str>, Expression)],
    row: &Row,
    env: &Env,
) -> Result<Vec<(Box<str>, Option<Value>)>> {
    row.scoped("$lookup", env, |scope| {
        variables.iter().map(|(name, value)| Ok((name.clone(), value.eval(scope)?))).collect()
    })
}

/// Documents of the other collection with their numbers in natural order, by the bytes of the foreign values.
type Index = HashMap<Vec<u8>, Vec<(usize, Row)>, foldhash::fast::RandomState>;

/// Each document with the documents that were looked up.
pub(in crate::query) struct LookingUp {
    pub(in crate::query) input: Box<dyn Rows>,
    pub(in crate::query) spec: Arc<Lookup>,
    pub(in crate::query) env: Arc<Env>,
    pub(in crate::query) access: Arc<dyn Access>,
    pub(in crate::query) found: Option<Found>,
    /// The memory of what was found.
    pub(in crate::query) memory: Memory,
}

/// What is cached for the next document.
pub(in crate::query) enum Found {
    Index(Index),
    /// The result of a pipeline without variables.
    Fixed(Vec<Value>),
}

impl LookingUp {
    /// How the fields compare: an `_id` of the other collection by bytes.
    fn collation(&self) -> &Collation {
        match &self.spec.equal {
            Some((_, foreign)) if foreign.is_id() => &Collation::SIMPLE,
            _ => self.env.collation(),
        }
    }

    fn index(&mut self, from: &str, foreign: &FieldPath) -> Result<Found> {
        let mut index = Index::default();
        let mut rows = Pipeline::default().open(from, &self.env, &self.access)?;
        let mut number = 0;
        while let Some(row) = rows.next()? {
            self.env.work().step(1)?;
            self.memory.take_row(&row)?;
            number += 1;
            let value = match &row {
                Row::Tree(value) => foreign.of(value),
                Row::Stored(stored) => foreign.of(stored.raw()),
            };
            for key in keys_of(value, Side::Foreign, self.collation()) {
                self.memory.take(key.len() + 64)?;
                index.entry(key).or_default().push((number, row.clone()));
            }
        }
        Ok(Found::Index(index))
    }

    fn equal(&mut self, row: &Row, from: &str) -> Result<Vec<Row>> {
        let spec = self.spec.clone();
        let Some((local, foreign)) = &spec.equal else { return Ok(Vec::new()) };
        if self.found.is_none() {
            self.found = Some(self.index(from, foreign)?);
        }
        let value = row.scoped("$lookup", &self.env, |_| match row {
            Row::Tree(value) => local.of(value),
            Row::Stored(stored) => local.of(stored.raw()),
        });
        let Some(Found::Index(index)) = &self.found else { return Ok(Vec::new()) };
        let mut found: Vec<&(usize, Row)> = Vec::new();
        for key in keys_of(value, Side::Local, self.collation()) {
            found.extend(index.get(&key).into_iter().flatten());
            self.env.work().step(1)?;
        }
        self.env.work().step(found.len())?;
        // Several values may find one document; the result is in natural order.
        found.sort_unstable_by_key(|(number, _)| *number);
        found.dedup_by_key(|(number, _)| *number);
        Ok(found.into_iter().map(|(_, row)| row.clone()).collect())
    }

    fn look_up(&mut self, row: &Row) -> Result<Vec<Value>> {
        let spec = self.spec.clone();
        let from = spec.from.as_deref().unwrap_or_default();
        let env = if spec.variables.is_empty() {
            self.env.clone()
        } else {
            Arc::new(self.env.with(bound(&spec.variables, row, &self.env)?))
        };
        let mut rows: Box<dyn Rows> = match (&spec.equal, &spec.pipeline) {
            (Some(_), None) => Listed::boxed(self.equal(row, from)?),
            (Some(_), Some(pipeline)) => {
                let source = Listed::boxed(self.equal(row, from)?);
                pipeline.over(source, &env, &self.access)?
            }
            (None, Some(pipeline)) => {
                if let Some(Found::Fixed(values)) = &self.found {
                    self.env.work().step(values.len())?;
                    return Ok(values.clone());
                }
                pipeline.open(from, &env, &self.access)?
            }
            (None, None) => return Ok(Vec::new()),
        };
        let mut memory = Memory::new("$lookup", self.env.work());
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let value = row.into_value();
            let bytes = size(&value);
            memory.take(bytes)?;
            self.env.work().step(1 + bytes / 128)?;
            all.push(value);
        }
        if spec.equal.is_none() && spec.variables.is_empty() {
            self.memory.take(all.iter().map(size).sum())?;
            self.found = Some(Found::Fixed(all.clone()));
        }
        Ok(all)
    }
}

/// The side of an equality.
#[derive(PartialEq, Eq)]
enum Side {
    Local,
    Foreign,
}

/// The values that an equality compares: null for a missing one, each element of an array and, on the foreign side,
/// the array itself.
fn keys_of(value: Option<Value>, side: Side, collation: &Collation) -> Vec<Vec<u8>> {
    let of = |value: &Value| identity::of_under(value, collation);
    match value {
        None => vec![of(&Value::Null)],
        Some(Value::Array(items)) => {
            let mut keys: Vec<Vec<u8>> = items.iter().map(of).collect();
            if side == Side::Foreign {
                keys.push(of(&Value::Array(items)));
            }
            keys.sort_unstable();
            keys.dedup();
            keys
        }
        Some(one) => vec![of(&one)],
    }
}

impl Rows for LookingUp {
    fn next(&mut self) -> Result<Option<Row>> {
        let Some(row) = self.input.next()? else { return Ok(None) };
        let found = self.look_up(&row)?;
        let Value::Object(mut object) = row.into_value() else { return Ok(None) };
        set_path(&mut object, self.spec.target.parts(), Value::Array(found));
        Ok(Some(Row::Tree(Value::Object(object))))
    }
}
