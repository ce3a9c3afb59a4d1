//! Imports lines of JSON, or documents of BSON: parsed strictly, committed in batches. A record that cannot be taken ends the import, or is
//! left out and told.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::bson;
use super::rows::{self, Row, bad};
use crate::document::{Shapes, Value, encode_plain};
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::{InsertOrder, Operation, SetEntry};
use crate::engine::operation::response::{Answer, InsertOutcome};
use crate::engine::session::Session;
use crate::engine::state::namespace::{check_collection, within};
use crate::error::codes;
use crate::error::codes::Code;
use crate::error::{Error, Kind, Result};
use crate::options::PART_BYTES;

/// After so many records that are left out, some bytes come back unread, so that the list stays short.
const MOST_REJECTED: usize = 1000;

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

/// What the records of an import are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Lines of Extended JSON.
    Lines,
    /// Documents of BSON; they need a collection.
    Bson,
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
    /// The collection of all records, each of which is a document alone. Without it a line names its collection.
    pub collection: Option<String>,
    /// What the records are.
    pub input: Input,
    /// Whether a record that cannot be taken is left out; otherwise it ends the import.
    pub goes_on: bool,
    /// The field that becomes the `_id` of a document that has none.
    pub id_field: Option<String>,
    /// What the `_id` of a document without one is made from, beside the number of its record, so that it is the same each time. Without it each is
    /// a new UUIDv7.
    pub seed: Option<[u8; 10]>,
}

/// The result of importing some records.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// Documents written.
    pub imported: u64,
    /// Documents skipped because their `_id` exists.
    pub skipped: u64,
    /// Records read, including the failed one.
    pub lines: u64,
    /// Their bytes: fewer than were given when many records were left out. The rest is to be given again.
    pub bytes: usize,
    /// The records that were left out.
    pub rejected: Vec<RecordFailure>,
    /// Why the import ends here, if it does; every document of the earlier records is written or skipped.
    pub failure: Option<RecordFailure>,
}

/// A record that could not be imported.
#[derive(Debug, Serialize)]
pub struct RecordFailure {
    /// Its number, from 1 in the records given.
    pub line: u64,
    /// Its first byte in the bytes given.
    pub offset: usize,
    /// Its bytes.
    pub length: usize,
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
    /// Records of all pieces before.
    records: AtomicU64,
}

/// Where a record is in the bytes given.
#[derive(Clone, Copy, Default)]
struct Place {
    line: u64,
    offset: usize,
    length: usize,
}

/// Documents of one collection that wait to be committed.
#[derive(Default)]
struct Batch {
    /// Its full name.
    collection: String,
    bytes: Vec<u8>,
    /// The end of each document, and its record.
    documents: Vec<(usize, Place)>,
}

type Rows<'a> = &'a [(Incoming, Place)];

impl Import {
    /// An import through this session.
    pub fn new(session: Arc<Session>, options: ImportOptions) -> Import {
        Import { session, options, shapes: Arc::new(Shapes::new()), records: AtomicU64::new(0) }
    }

    /// Imports whole records. Blocks until they are committed as the storage mode promises.
    pub fn records(&self, given: &[u8]) -> Imported {
        let before = self.records.load(Ordering::Relaxed);
        let mut done = Imported::default();
        let mut batch = Batch::default();
        while done.bytes < given.len() && done.rejected.len() < MOST_REJECTED {
            let rest = given.get(done.bytes..).unwrap_or_default();
            let offset = done.bytes;
            done.lines += 1;
            let split = self.split(rest);
            let length = split.as_ref().copied().unwrap_or(rest.len());
            done.bytes += length;
            let place = Place { line: done.lines, offset, length };
            let record = rest.get(..length).unwrap_or_default();
            if self.options.input == Input::Lines && record.trim_ascii().is_empty() {
                continue;
            }
            let row = match split.and_then(|_| self.parse(record, before + done.lines)) {
                Ok(row) => row,
                Err(error) => {
                    if !self.options.goes_on {
                        self.commit(&mut batch, &mut done);
                    }
                    self.refuse(place, &error, &mut done);
                    if done.failure.is_some() {
                        break;
                    }
                    continue;
                }
            };
            let full = batch.documents.len() >= self.options.batch.max(1) || batch.bytes.len() >= PART_BYTES;
            if full || batch.collection != row.collection {
                self.commit(&mut batch, &mut done);
                if done.failure.is_some() {
                    break;
                }
                batch.collection = row.collection;
            }
            encode_plain(&row.document, &mut batch.bytes);
            batch.documents.push((batch.bytes.len(), place));
        }
        if done.failure.is_none() {
            self.commit(&mut batch, &mut done);
        }
        self.records.store(before + done.lines, Ordering::Relaxed);
        done
    }

    /// The length of the first record.
    fn split(&self, rest: &[u8]) -> Result<usize> {
        match self.options.input {
            Input::Lines => Ok(memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1)),
            Input::Bson => bson::length(rest).map_err(|refused| bad(refused.message)),
        }
    }

    fn parse(&self, record: &[u8], number: u64) -> Result<Row> {
        let mut row = match (&self.options.collection, self.options.input) {
            (None, _) => rows::row(record)?,
            (Some(collection), input) => Row {
                database: None,
                collection: collection.clone(),
                document: match input {
                    Input::Lines => rows::document(record)?,
                    Input::Bson => rows::bson_document(record)?,
                },
            },
        };
        if let Value::Object(fields) = &mut row.document {
            let named = |name: &str| fields.iter().position(|(key, _)| key == name);
            let place = named("_id").or_else(|| named(self.options.id_field.as_deref()?));
            match place {
                Some(place) => {
                    let head = fields.get_mut(..=place).unwrap_or_default();
                    head.rotate_right(1);
                    if let Some((name, _)) = head.first_mut() {
                        "_id".clone_into(name);
                    }
                }
                None => {
                    let id = match self.options.seed {
                        Some(seed) => rows::derived_id(seed, number),
                        None if self.options.collection.is_some() => self.session.store.new_id(),
                        None => return Err(bad("the document has no _id; give it one".to_owned())),
                    };
                    fields.insert(0, ("_id".to_owned(), id));
                }
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
            .map(|(end, place)| {
                let range = std::mem::replace(&mut start, end)..end;
                (Incoming { buffer: buffer.clone(), range, shapes: self.shapes.clone() }, place)
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

    fn write(&self, collection: &str, mut rows: Rows<'_>, done: &mut Imported) {
        while !rows.is_empty() {
            let documents = rows.iter().map(|(document, _)| document.clone());
            let operation = match self.options.if_exists {
                IfExists::Replace => Operation::Set {
                    entries: documents.map(|document| SetEntry { document, if_version: None }).collect(),
                },
                IfExists::Error | IfExists::Skip => {
                    let order =
                        if self.options.goes_on { InsertOrder::Unordered } else { InsertOrder::Ordered };
                    Operation::Insert { documents: documents.collect(), order }
                }
            };
            match self.session.call(collection, operation).answer {
                Ok(Answer::Inserted(InsertOutcome { inserted, failures })) => {
                    done.imported += inserted;
                    let mut next = rows.len();
                    for failure in &failures {
                        // The `_id` was used by an earlier record, or by another writer since it was looked up.
                        if self.options.if_exists == IfExists::Skip && taken(&failure.error) {
                            done.skipped += 1;
                        } else {
                            let place =
                                rows.get(failure.index).map_or_else(Place::default, |(_, place)| *place);
                            self.refuse(place, &failure.error, done);
                        }
                        if !self.options.goes_on {
                            next = failure.index + 1;
                        }
                        if done.failure.is_some() {
                            return;
                        }
                    }
                    rows = rows.get(next..).unwrap_or_default();
                }
                Ok(_) => {
                    done.imported += rows.len() as u64;
                    return;
                }
                Err(error) => return self.one_by_one(&error, collection, rows, done),
            }
        }
    }

    /// Handles a batch that was refused as a whole: finds the records that cause the error, writing the others.
    fn one_by_one(&self, refusal: &Error, collection: &str, rows: Rows<'_>, done: &mut Imported) {
        let first = rows.first().map_or_else(Place::default, |(_, place)| *place);
        if !is_of_record(refusal) || rows.len() == 1 {
            return self.refuse(first, refusal, done);
        }
        for row in rows {
            self.write(collection, std::slice::from_ref(row), done);
            if done.failure.is_some() {
                return;
            }
        }
    }

    /// Leaves a record out, or ends the import with it.
    fn refuse(&self, place: Place, error: &Error, done: &mut Imported) {
        let failure = RecordFailure {
            line: place.line,
            offset: place.offset,
            length: place.length,
            kind: error.kind().as_str(),
            message: error.message().to_owned(),
            code: error.code().map(Code::number),
            code_name: error.code().map(Code::name),
            path: error.details().path.clone(),
        };
        if self.options.goes_on && is_of_record(error) {
            done.rejected.push(failure);
        } else if done.failure.is_none() {
            done.lines = place.line;
            done.failure = Some(failure);
        }
    }
}

/// Whether an error is about what was to be written, so that other records may be taken.
fn is_of_record(error: &Error) -> bool {
    !matches!(
        error.kind(),
        Kind::Closed | Kind::ReadOnly | Kind::StoragePoisoned | Kind::StorageFull | Kind::Io | Kind::Internal
    )
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
