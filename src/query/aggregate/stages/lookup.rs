//! `$lookup`: documents of another collection, by equal fields, by a pipeline with variables, or both.

use std::collections::HashMap;
use std::sync::Arc;

use crate::document::{Collation, Leaf, Node, NodeKind, Path, Value};
use crate::error::{Result, codes};
use crate::query::Filter;
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
                Some((path(parser, "$lookup", local)?, path(parser, "$lookup", foreign)?.in_filters()))
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

/// What a look-up in an index of the other collection costs, in documents of a scan.
const LOOKUP: u64 = 16;
/// About the bytes that a document takes in [`Found::Index`].
const EACH: u64 = 256;

/// Documents of the other collection with their numbers in natural order, by the bytes of the foreign values.
type Index = HashMap<Vec<u8>, Vec<(usize, Row)>, foldhash::fast::RandomState>;

/// Each document with the documents that were looked up.
pub(in crate::query) struct LookingUp {
    pub(in crate::query) input: Box<dyn Rows>,
    pub(in crate::query) spec: Arc<Lookup>,
    pub(in crate::query) env: Arc<Env>,
    pub(in crate::query) access: Arc<dyn Access>,
    pub(in crate::query) found: Option<Found>,
    /// What looking up by an index has cost, about as many documents of a scan.
    pub(in crate::query) spent: u64,
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

    fn index(&mut self, from: &str, foreign: &Path) -> Result<Found> {
        let mut index = Index::default();
        let mut rows = Pipeline::default().open(from, &self.env, &self.access)?;
        let mut number = 0;
        while let Some(row) = rows.next()? {
            self.env.work().step(1)?;
            self.memory.take_row(&row)?;
            number += 1;
            let keys = match &row {
                Row::Tree(value) => keys_at(foreign, value, self.collation()),
                Row::Stored(stored) => keys_at(foreign, stored.raw(), self.collation()),
            };
            for key in keys {
                self.memory.take(key.len() + 64)?;
                index.entry(key).or_default().push((number, row.clone()));
            }
        }
        Ok(Found::Index(index))
    }

    /// The documents that an index of the other collection finds; `None` where there is none, or so much was looked up that the
    /// index of [`LookingUp::index`] costs less, and there is room for it.
    fn by_its_index(&mut self, values: &[Value], from: &str, foreign: &Path) -> Result<Option<Vec<Row>>> {
        if self.access.view(from)?.is_some() {
            return Ok(None);
        }
        let documents = self.access.count(from)?;
        let has_room = documents.saturating_mul(EACH) < self.env.work().memory() as u64;
        if has_room && self.spent >= documents {
            return Ok(None);
        }
        let filter =
            Filter::of_values(foreign.clone(), values.to_vec(), self.collation()).within(self.env.work());
        let Some(rows) = self.access.find(from, filter)? else { return Ok(None) };
        self.spent += LOOKUP + rows.len() as u64;
        self.env.work().step(rows.len())?;
        Ok(Some(rows))
    }

    fn equal(&mut self, row: &Row, from: &str) -> Result<Vec<Row>> {
        let spec = self.spec.clone();
        let Some((local, foreign)) = &spec.equal else { return Ok(Vec::new()) };
        let values = match row {
            Row::Tree(value) => values_at(local, value),
            Row::Stored(stored) => values_at(local, stored.raw()),
        };
        if self.found.is_none() {
            if let Some(rows) = self.by_its_index(&values, from, foreign)? {
                return Ok(rows);
            }
            self.found = Some(self.index(from, foreign)?);
        }
        let Some(Found::Index(index)) = &self.found else { return Ok(Vec::new()) };
        let mut found: Vec<&(usize, Row)> = Vec::new();
        for value in values {
            let key = identity::of_under(&value, self.collation());
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

/// What a filter compares with at a path of a document, as bytes: values, elements of arrays, and null where there is none.
fn keys_at<'a>(path: &Path, document: impl Node<'a>, collation: &Collation) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    path.walk(document, Leaf::Elements, &mut |value| {
        let mut key = Vec::new();
        match value {
            Some(value) => identity::write_under(value, collation, &mut key),
            None => identity::write(&Value::Null, &mut key),
        }
        keys.push(key);
        false
    });
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The values at a path that are looked up: the elements of an array at its end, not the array; null where there is nothing.
fn values_at<'a>(path: &FieldPath, document: impl Node<'a>) -> Vec<Value> {
    let mut values = Vec::new();
    if let Some((first, rest)) = path.parts().split_first() {
        visit(rest, document.field(first), &mut values);
    }
    if values.is_empty() {
        values.push(Value::Null);
    }
    values
}

/// Recursion is bounded by the parts of the path.
fn visit<'a, N: Node<'a>>(mut parts: &[Box<str>], value: Option<N>, values: &mut Vec<Value>) {
    let Some(mut value) = value else { return };
    // A number names the place in an array, and nothing else there.
    while let Some((part, rest)) = parts.split_first()
        && let NodeKind::Array(()) = value.seen()
        && part.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(place) = part.parse::<usize>()
    {
        let Some(element) = value.items().nth(place) else { return };
        (value, parts) = (element, rest);
    }
    match (parts.split_first(), value.seen()) {
        (None, NodeKind::Array(())) => values.extend(value.items().map(Node::tree)),
        (None, _) => values.push(value.tree()),
        (Some((part, rest)), NodeKind::Array(())) => {
            for item in value.items() {
                if let NodeKind::Object(()) = item.seen() {
                    visit(rest, item.field(part), values);
                }
            }
        }
        (Some((part, rest)), NodeKind::Object(())) => visit(rest, value.field(part), values),
        _ => {}
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
