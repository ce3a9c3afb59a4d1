//! Imports lines of JSON: parsed strictly, committed in batches, stopped at the first line that fails.

use crate::error::codes;
use crate::error::codes::Code;
use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::extended_json::Parsed;
use crate::document::{Shapes, Value, encode_plain};
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::{InsertOrder, Operation, SetEntry};
use crate::engine::operation::response::{Answer, InsertOutcome};
use crate::engine::session::Session;
use crate::engine::state::namespace::{check_collection, within};
use crate::error::{Error, Kind, Result};
use crate::options::PART_BYTES;

/// What to do with a document whose `_id` exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfExists {
    /// The import stops with `DUPLICATE_KEY`.
    Error,
    /// The document replaces the existing one.
    Replace,
    /// The document is skipped.
    Skip,
}

/// How to import.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// Documents in a commit.
    pub batch: usize,
    /// What to do with a document whose `_id` exists.
    pub if_exists: IfExists,
    /// The database of lines that name none; empty for the default one.
    pub database: String,
    /// The collection of all lines, each of which is a document alone. Without it a line names its collection.
    pub collection: Option<String>,
}

/// The result of importing some lines.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// Documents written.
    pub imported: u64,
    /// Documents skipped because their `_id` exists.
    pub skipped: u64,
    /// Lines read, including the failed one.
    pub lines: u64,
    /// Why the import ends here, if it does; every document of the earlier lines is written or skipped.
    pub failure: Option<LineFailure>,
}

/// A line that could not be imported.
#[derive(Debug, Serialize)]
pub struct LineFailure {
    /// Its number, from 1 in the lines given.
    pub line: u64,
    /// The stable kind.
    pub kind: &'static str,
    /// The message.
    pub message: String,
    /// MongoDB's error code, and its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// The name of `code`.
    #[serde(rename = "codeName", skip_serializing_if = "Option::is_none")]
    pub code_name: Option<Cow<'static, str>>,
    /// The dotted path inside the document that caused the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// A running import.
pub struct Import {
    session: Arc<Session>,
    options: ImportOptions,
    shapes: Arc<Shapes>,
}

/// Documents of one collection that wait to be committed.
#[derive(Default)]
struct Batch {
    /// Its full name.
    collection: String,
    bytes: Vec<u8>,
    /// The end of each document, and its line.
    documents: Vec<(usize, u64)>,
}

impl Import {
    /// An import through this session.
    pub fn new(session: Arc<Session>, options: ImportOptions) -> Import {
        Import { session, options, shapes: Arc::new(Shapes::new()) }
    }

    /// Imports whole lines. Blocks until they are committed as the storage mode promises.
    pub fn lines(&self, text: &[u8]) -> Imported {
        let mut done = Imported::default();
        let mut batch = Batch::default();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            done.lines += 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let row = match self.parse(line) {
                Ok(row) => row,
                Err(error) => {
                    self.commit(&mut batch, &mut done);
                    done.fail(done.lines, &error);
                    return done;
                }
            };
            let full = batch.documents.len() >= self.options.batch.max(1) || batch.bytes.len() >= PART_BYTES;
            if full || batch.collection != row.collection {
                self.commit(&mut batch, &mut done);
                if done.failure.is_some() {
                    return done;
                }
                batch.collection = row.collection;
            }
            encode_plain(&row.document, &mut batch.bytes);
            batch.documents.push((batch.bytes.len(), done.lines));
        }
        self.commit(&mut batch, &mut done);
        done
    }

    fn parse(&self, line: &[u8]) -> Result<Row> {
        let mut row = match &self.options.collection {
            None => read(line, RowVisitor)?,
            Some(collection) => {
                Row { database: None, collection: collection.clone(), document: document(line)? }
            }
        };
        if let Value::Object(fields) = &mut row.document {
            match fields.iter().position(|(key, _)| key == "_id") {
                Some(place) => fields.get_mut(..=place).unwrap_or_default().rotate_right(1),
                None if self.options.collection.is_some() => {
                    fields.insert(0, ("_id".to_owned(), self.session.store.new_id()));
                }
                None => return Err(bad("the document has no _id; give it one".to_owned())),
            }
        }
        row.collection = self.full_name(&row).map_err(|error| {
            let code = error.code().unwrap_or(codes::INVALID_NAMESPACE);
            bad(error.message().to_owned()).with_code(code)
        })?;
        Ok(row)
    }

    fn full_name(&self, row: &Row) -> Result<String> {
        check_collection(&row.collection)?;
        let database = match &row.database {
            None => &self.options.database,
            Some(name) => self.session.store.databases().find(name)?,
        };
        within(database, &row.collection)
    }

    fn commit(&self, batch: &mut Batch, done: &mut Imported) {
        let buffer: Arc<[u8]> = std::mem::take(&mut batch.bytes).into();
        let mut start = 0;
        let mut rows: Vec<_> = std::mem::take(&mut batch.documents)
            .into_iter()
            .map(|(end, line)| {
                let range = std::mem::replace(&mut start, end)..end;
                (Incoming { buffer: buffer.clone(), range, shapes: self.shapes.clone() }, line)
            })
            .collect();
        if self.options.if_exists == IfExists::Skip {
            let before = rows.len();
            rows.retain(|(document, _)| !self.is_there(&batch.collection, document));
            done.skipped += (before - rows.len()) as u64;
        }
        self.write(&batch.collection, &rows, done);
    }

    fn is_there(&self, collection: &str, document: &Incoming) -> bool {
        let id = document.raw().get("_id");
        id.and_then(|id| self.session.has_hot(collection, id)).unwrap_or(false)
    }

    fn write(&self, collection: &str, mut rows: &[(Incoming, u64)], done: &mut Imported) {
        while !rows.is_empty() {
            let documents = rows.iter().map(|(document, _)| document.clone());
            let operation = match self.options.if_exists {
                IfExists::Replace => Operation::Set {
                    entries: documents.map(|document| SetEntry { document, if_version: None }).collect(),
                },
                IfExists::Error | IfExists::Skip => {
                    Operation::Insert { documents: documents.collect(), order: InsertOrder::Ordered }
                }
            };
            match self.session.call(collection, operation).answer {
                Ok(Answer::Inserted(InsertOutcome { inserted, failures })) => {
                    done.imported += inserted;
                    let Some(failure) = failures.first() else { return };
                    if self.options.if_exists != IfExists::Skip || !taken(&failure.error) {
                        let line = rows.get(failure.index).map_or(0, |(_, line)| *line);
                        return done.fail(line, &failure.error);
                    }
                    // The `_id` was used by an earlier line, or by another writer since it was looked up.
                    done.skipped += 1;
                    rows = rows.get(failure.index + 1..).unwrap_or_default();
                }
                Ok(_) => {
                    done.imported += rows.len() as u64;
                    return;
                }
                Err(error) => return self.one_by_one(&error, collection, rows, done),
            }
        }
    }

    /// Handles a batch that was refused as a whole: finds the line that causes the error, writing those before it.
    fn one_by_one(&self, refusal: &Error, collection: &str, rows: &[(Incoming, u64)], done: &mut Imported) {
        let by_line = !matches!(
            refusal.kind(),
            Kind::Closed
                | Kind::ReadOnly
                | Kind::StoragePoisoned
                | Kind::StorageFull
                | Kind::Io
                | Kind::Internal
        );
        let first = rows.first().map_or(0, |(_, line)| *line);
        if !by_line || rows.len() == 1 {
            return done.fail(first, refusal);
        }
        for row in rows {
            self.write(collection, std::slice::from_ref(row), done);
            if done.failure.is_some() {
                return;
            }
        }
    }
}

impl Imported {
    fn fail(&mut self, line: u64, error: &Error) {
        if self.failure.is_none() {
            self.failure = Some(LineFailure {
                line,
                kind: error.kind().as_str(),
                message: error.message().to_owned(),
                code: error.code().map(Code::number),
                code_name: error.code().map(Code::name),
                path: error.details().path.clone(),
            });
            self.lines = line;
        }
    }
}

/// Whether the error is about the `_id`, not about another unique field.
fn taken(error: &Error) -> bool {
    let by_id = error.details().key_pattern.as_ref().is_some_and(|pattern| {
        let mut id = Vec::new();
        encode_plain(&Value::Object(vec![("_id".to_owned(), Value::Int(1))]), &mut id);
        *pattern == id
    });
    error.kind() == Kind::DuplicateKey && by_id
}

/// A line: the database if it names one, the collection, and the document, its `_id` first.
struct Row {
    database: Option<String>,
    collection: String,
    document: Value,
}

/// The document that a line is.
fn document(line: &[u8]) -> Result<Value> {
    match read(line, Parsed)? {
        document @ Value::Object(_) => Ok(document),
        Value::Array(_) => Err(bad(
            "the line is an array; write one document a line, as mongoexport does without --jsonArray"
                .to_owned(),
        )),
        _ => Err(bad("the line is no object".to_owned())),
    }
}

/// Reads a whole line.
fn read<'de, T>(line: &'de [u8], seed: impl DeserializeSeed<'de, Value = T>) -> Result<T> {
    let mut reader = serde_json::Deserializer::from_slice(line.trim_ascii_end());
    let value = seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| {
        // The reader counts within its one line.
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        bad(format!("{what}, at column {}", error.column()))
    })
}

fn bad(message: String) -> Error {
    Error::new(Kind::BadDocument, message)
}

struct RowVisitor;

impl<'de> DeserializeSeed<'de> for RowVisitor {
    type Value = Row;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Row, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("{\"collection\": name, \"document\": {...}}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        use serde::de::Error as _;
        let (mut database, mut collection, mut document) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "database" if database.is_none() => database = Some(map.next_value::<String>()?),
                "collection" if collection.is_none() => collection = Some(map.next_value::<String>()?),
                "document" if document.is_none() => document = Some(map.next_value_seed(Parsed)?),
                "database" | "collection" | "document" => {
                    return Err(A::Error::custom(format!("the key {key} stands twice")));
                }
                _ => {
                    let message = format!(
                        "the key {key:?} is unknown; a line has collection and document, and may have database"
                    );
                    return Err(A::Error::custom(message));
                }
            }
        }
        match (collection, document) {
            (Some(collection), Some(document @ Value::Object(_))) => {
                Ok(Row { database, collection, document })
            }
            (Some(_), Some(_)) => Err(A::Error::custom("the document is no object")),
            _ => Err(A::Error::custom("the line has no collection or no document")),
        }
    }
}
