//! `$out` and `$merge`: the documents are written to a collection, and the pipeline returns none.

use std::sync::Arc;

use super::lookup::{bound, read_let};
use crate::document::{Value, id};
use crate::error::{Error, Kind, Result, codes};
use crate::query::aggregate::access::Access;
use crate::query::aggregate::memory::{Memory, size};
use crate::query::aggregate::operands::{Destination, find, text, unsupported};
use crate::query::aggregate::pipeline::{Matched, Merge, Missing, Pipeline, Place, Write};
use crate::query::aggregate::row::{Row, Rows};
use crate::query::expression::{Env, Parser, lay_over};
use crate::query::name_fault;
use crate::query::refusal::bad_query;

/// Documents that are merged at a time.
const BATCH: usize = 500;
/// Approximate bytes that are merged at a time.
const BATCH_BYTES: usize = 8 << 20;

/// The collection that a stage writes to.
fn target(parser: &Parser, stage: &str, value: &Value) -> Result<Destination> {
    let (database, name) = match value {
        Value::String(name) => (None, name.as_str()),
        Value::Object(given) => {
            if find(given, "timeseries").is_some() {
                return unsupported(format!("{stage} writes plain collections only; give a name"), stage);
            }
            (text(parser, stage, given, "db")?, text(parser, stage, given, "coll")?.unwrap_or_default())
        }
        _ => (None, ""),
    };
    if let Some(fault) = name_fault(name) {
        let code = match value {
            Value::String(_) => codes::INVALID_NAMESPACE,
            Value::Object(_) => codes::stage(stage).missing(),
            _ => codes::stage(stage).of_shape(),
        };
        let shown = name.replace('\0', "\\0");
        return parser
            .fail_as(code, format!("{stage} needs the name of a collection, not '{shown}', which {fault}"));
    }
    Ok(Destination { database: database.map(str::to_owned), collection: name.to_owned() })
}

impl Write {
    pub(in crate::query) fn parse_out(parser: &Parser, value: &Value) -> Result<Write> {
        target(parser, "$out", value).map(Write::Out)
    }

    pub(in crate::query) fn parse_merge(parser: &mut Parser, value: &Value) -> Result<Write> {
        if let Value::String(_) = value {
            let into = target(parser, "$merge", value)?;
            let (matched, missing) = (Matched::Merge, Missing::Insert);
            return Ok(Write::Merge(Merge { into, variables: Vec::new(), matched, missing }));
        }
        let known = ["into", "on", "let", "whenMatched", "whenNotMatched"];
        let given = crate::query::aggregate::operands::fields(parser, "$merge", value, &known)?;
        let Some(into) = find(given, "into") else {
            return parser.fail_as(codes::stage("$merge").missing(), "$merge needs into");
        };
        let into = target(parser, "$merge", into)?;
        let on_id = match find(given, "on") {
            None => true,
            Some(Value::String(on)) => on == "_id",
            Some(Value::Array(on)) => matches!(on.as_slice(), [Value::String(on)] if on == "_id"),
            Some(_) => false,
        };
        if !on_id {
            return unsupported(
                "$merge merges by _id only; group by the field or put it into _id first",
                "$merge.on",
            );
        }
        let mut variables = read_let(parser, find(given, "let"))?;
        let matched = match find(given, "whenMatched") {
            None => Matched::Merge,
            Some(Value::String(name)) => match name.as_str() {
                "replace" => Matched::Replace,
                "keepExisting" => Matched::Keep,
                "merge" => Matched::Merge,
                "fail" => Matched::Fail,
                _ => return parser.fail(format!("whenMatched of $merge cannot be '{name}'; it is replace, keepExisting, merge, fail or a pipeline")),
            },
            Some(stages @ Value::Array(_)) => {
                variables.push(("new".into(), parser.expression(&Value::String("$$ROOT".into()))?));
                let mut inner = parser.with(variables.iter().map(|(name, _)| name.clone()));
                Matched::Pipeline(inner.inside("whenMatched", |inner| Pipeline::read(inner, stages, Place::Update))?)
            }
            Some(_) => return parser.fail("whenMatched of $merge must be a word or a pipeline"),
        };
        let missing = match text(parser, "$merge", given, "whenNotMatched")? {
            None | Some("insert") => Missing::Insert,
            Some("discard") => Missing::Discard,
            Some("fail") => Missing::Fail,
            Some(name) => {
                return parser.fail(format!(
                    "whenNotMatched of $merge cannot be '{name}'; it is insert, discard or fail"
                ));
            }
        };
        Ok(Write::Merge(Merge { into, variables, matched, missing }))
    }
}

impl Merge {
    /// The document to store under the `_id` of a new document.
    fn decide(&self, old: Option<&Value>, new: &Value, env: &Env) -> Result<Option<Value>> {
        let Some(old) = old else {
            return match self.missing {
                Missing::Insert => Ok(Some(new.clone())),
                Missing::Discard => Ok(None),
                Missing::Fail => {
                    let message = format!(
                        "$merge found no document in {} for one of its documents, and whenNotMatched is fail",
                        self.into
                    );
                    Err(Error::new(Kind::BadQuery, message)
                        .with_code(codes::MERGE_STAGE_NO_MATCHING_DOCUMENT))
                }
            };
        };
        match &self.matched {
            Matched::Replace => Ok(Some(new.clone())),
            Matched::Keep => Ok(None),
            Matched::Merge => {
                let (Value::Object(mut object), Value::Object(fields)) = (old.clone(), new.clone()) else {
                    return Ok(None);
                };
                lay_over(&mut object, fields);
                Ok(Some(Value::Object(object)))
            }
            Matched::Fail => {
                let message = format!(
                    "$merge found a document in {} with the _id of one of its own, and whenMatched is fail",
                    self.into
                );
                let id = match old {
                    Value::Object(fields) => fields.iter().find(|(name, _)| name == "_id").map(|(_, id)| id),
                    _ => None,
                };
                Err(Error::new(Kind::DuplicateKey, message)
                    .with_details(id::taken(id.unwrap_or(&Value::Null))))
            }
            Matched::Pipeline(pipeline) => {
                let row = Row::Tree(new.clone());
                let env = env.with(bound(&self.variables, &row, env)?);
                pipeline.shape(old.clone(), &env).map(Some)
            }
        }
    }
}

/// Writes all documents and returns none.
pub(in crate::query) struct Writing {
    pub(in crate::query) input: Box<dyn Rows>,
    pub(in crate::query) write: Arc<Write>,
    pub(in crate::query) env: Arc<Env>,
    pub(in crate::query) access: Arc<dyn Access>,
}

impl Writing {
    /// The document with its `_id` as the first field.
    fn document(&self, row: Row) -> Result<Value> {
        let Value::Object(mut object) = row.into_value() else {
            return Err(bad_query("", "a stage that writes met something that is no document"));
        };
        let id = match object.iter().position(|(key, _)| key == "_id") {
            Some(at) => object.remove(at).1,
            None => self.access.new_id(),
        };
        object.insert(0, ("_id".to_owned(), id));
        Ok(Value::Object(object))
    }
}

impl Rows for Writing {
    fn next(&mut self) -> Result<Option<Row>> {
        let write = self.write.clone();
        let mut memory = Memory::new("$out", self.env.work());
        let mut documents = Vec::new();
        let mut bytes = 0;
        while let Some(row) = self.input.next()? {
            let document = self.document(row)?;
            bytes += size(&document);
            if matches!(*write, Write::Out(_)) {
                memory.take(size(&document))?;
            }
            documents.push(document);
            if let Write::Merge(merge) = &*write
                && (documents.len() == BATCH || bytes > BATCH_BYTES)
            {
                let full = std::mem::take(&mut documents);
                bytes = 0;
                self.access.merge(&merge.into, full, &|old, new| merge.decide(old, new, &self.env))?;
            }
        }
        match &*write {
            Write::Out(into) => self.access.replace_all(into, documents)?,
            Write::Merge(_) if documents.is_empty() => {}
            Write::Merge(merge) => {
                self.access.merge(&merge.into, documents, &|old, new| merge.decide(old, new, &self.env))?;
            }
        }
        Ok(None)
    }
}
