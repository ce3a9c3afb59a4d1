//! `$facet`: several pipelines over the same documents, one document with all their results.

use std::sync::Arc;

use crate::document::{Object, Value};
use crate::error::{Result, codes};
use crate::query::aggregate::access::Access;
use crate::query::aggregate::memory::{Memory, size};
use crate::query::aggregate::pipeline::{Facets, Pipeline, Place};
use crate::query::aggregate::row::{Row, Rows, Shared};
use crate::query::expression::{Env, Parser};

impl Facets {
    pub(in crate::query) fn parse(parser: &mut Parser, value: &Value) -> Result<Facets> {
        let given = crate::query::aggregate::operands::fields(parser, "$facet", value, &[])?;
        if given.is_empty() {
            let code = codes::stage("$facet").missing();
            return parser.fail_as(code, "$facet needs at least one field with a pipeline");
        }
        let mut all = Vec::new();
        for (name, stages) in given {
            if name.contains('.') || name.starts_with('$') {
                let code = if name.contains('.') { codes::DOT_IN_FIELD_NAME } else { codes::DOLLAR_IN_PATH };
                let message = format!("'{name}' cannot name a facet: it has a dot or starts with '$'");
                return parser.fail_as(code, message);
            }
            let pipeline = parser.inside(name, |parser| Pipeline::read(parser, stages, Place::Facet))?;
            all.push((name.clone(), pipeline));
        }
        Ok(Facets(all))
    }
}

/// The one document.
pub(in crate::query) struct Faceting {
    pub(in crate::query) input: Box<dyn Rows>,
    pub(in crate::query) facets: Arc<Facets>,
    pub(in crate::query) env: Arc<Env>,
    pub(in crate::query) access: Arc<dyn Access>,
    pub(in crate::query) done: bool,
}

impl Rows for Faceting {
    fn next(&mut self) -> Result<Option<Row>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let mut memory = Memory::new("$facet", self.env.work());
        let mut rows = Vec::new();
        while let Some(row) = self.input.next()? {
            memory.take_row(&row)?;
            rows.push(row);
        }
        let rows = Arc::new(rows);
        let mut object = Object::new();
        for (name, pipeline) in &self.facets.0 {
            let mut results =
                pipeline.over(Shared::boxed(rows.clone(), Row::clone), &self.env, &self.access)?;
            let mut all = Vec::new();
            while let Some(row) = results.next()? {
                let value = row.into_value();
                memory.take(size(&value))?;
                all.push(value);
            }
            object.push((name.clone(), Value::Array(all)));
        }
        Ok(Some(Row::Tree(Value::Object(object))))
    }
}
