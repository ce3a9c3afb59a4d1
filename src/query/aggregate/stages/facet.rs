//! `$facet`: several pipelines over the same documents, one document with all their results.

use std::sync::Arc;

use crate::document::{Object, Value};
use crate::error::{Result, codes};
use crate::query::aggregate::access::Access;
use crate::query::aggregate::memory::{Memory, size};
use crate::query::aggregate::pipeline::{Facets, Pipeline, Place};
use crate::query::aggregate::row::{Row, Rows};
use crate::query::aggregate::row_form::RowForm;
use crate::query::expression::{Env, Parser};
use crate::query::spill::bytes::Reading;
use crate::query::spill::chain::{Chain, Reader, Writer};
use crate::work::Work;

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

/// Documents that several pipelines read: in memory, or on disk if there are too many.
struct Kept {
    rows: Vec<Row>,
    on_disk: Option<(Chain, RowForm)>,
    _memory: Memory,
}

struct KeptRows {
    kept: Arc<Kept>,
    next: usize,
    on_disk: Option<Reader>,
}

impl Kept {
    fn of(input: &mut dyn Rows, work: &Work) -> Result<Kept> {
        let mut memory = Memory::movable("$facet", work);
        let (mut rows, mut form, mut record) = (Vec::new(), RowForm::default(), Vec::new());
        let mut writer = None;
        let mut put = |rows: &mut Vec<Row>, writer: &mut Writer, form: &mut RowForm| {
            work.count_spill();
            for row in std::mem::take(rows) {
                work.step(1)?;
                record.clear();
                form.write(&row, &mut record);
                writer.push(&record);
                if writer.is_full() {
                    writer.flush()?;
                }
            }
            Ok(())
        };
        while let Some(row) = input.next()? {
            memory.take_row(&row)?;
            rows.push(row);
            if memory.is_over(work.sliver(), usize::MAX) {
                let writer = match &mut writer {
                    Some(writer) => writer,
                    none => none.insert(Writer::new(work)?),
                };
                put(&mut rows, writer, &mut form)?;
                memory.give(usize::MAX);
            }
        }
        let Some(mut writer) = writer else {
            memory.settle();
            return Ok(Kept { rows, on_disk: None, _memory: memory });
        };
        put(&mut rows, &mut writer, &mut form)?;
        memory.give(usize::MAX);
        Ok(Kept { rows, on_disk: Some((writer.finish()?, form)), _memory: memory })
    }

    fn read(this: &Arc<Kept>) -> Result<Box<dyn Rows>> {
        let on_disk = this.on_disk.as_ref().map(|(chain, _)| chain.reader()).transpose()?;
        Ok(Box::new(KeptRows { kept: this.clone(), next: 0, on_disk }))
    }
}

impl Rows for KeptRows {
    fn next(&mut self) -> Result<Option<Row>> {
        if let (Some(reader), Some((_, form))) = (&mut self.on_disk, &self.kept.on_disk) {
            let row = |record: &[u8]| form.read(&mut Reading::of(record));
            return reader.next()?.map(row).transpose();
        }
        let row = self.kept.rows.get(self.next).cloned();
        self.next += 1;
        Ok(row)
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
        let rows = Arc::new(Kept::of(&mut *self.input, self.env.work())?);
        let mut memory = Memory::new("$facet", self.env.work());
        let mut object = Object::new();
        for (name, pipeline) in &self.facets.0 {
            let mut results = pipeline.over(Kept::read(&rows)?, &self.env, &self.access)?;
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
