//! Encodes answers and errors as result bytes, on the thread that has them.

use std::cell::RefCell;

use crate::document::outgoing::Outgoing;
use crate::document::{RawValue, Shapes};
use crate::engine::{
    Answer, BulkOutcome, Collection, CollectionInfo, Document, InsertOutcome, UpdateOutcome, WriteError,
};
use crate::error::{Error, Kind, Result};

/// Bytes before the section: ticket, status, unused.
const HEAD: usize = 8;
/// Larger scratch memory is given away with the result instead of being kept.
const KEEP: usize = 64 << 10;
/// The largest result: its length must fit the return value of `take`.
const LARGEST: usize = i32::MAX as usize;

/// The shapes of a collection that JavaScript knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The collection's number; `u32::MAX` for none.
    pub number: u32,
    /// How many of its shapes JavaScript knows.
    pub count: u32,
}

impl Known {
    /// No shapes.
    pub const NONE: Known = Known { number: u32::MAX, count: 0 };
}

#[derive(Default)]
struct Scratch {
    section: Section,
    bytes: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// The bytes of one result.
pub fn encode(ticket: u32, known: Known, collection: Option<&Collection>, result: Result<Answer>) -> Vec<u8> {
    SCRATCH.with_borrow_mut(|scratch| {
        let Scratch { section, bytes } = scratch;
        bytes.clear();
        bytes.extend_from_slice(&ticket.to_le_bytes());
        bytes.extend_from_slice(&[0; HEAD - 4]);
        let error = match result {
            Ok(Answer::Inserted(InsertOutcome { inserted, failures })) if !failures.is_empty() => {
                section.partial(&BulkOutcome { inserted, failures, ..BulkOutcome::default() }, bytes).err()
            }
            Ok(Answer::Bulk(outcome)) if !outcome.failures.is_empty() => {
                section.partial(&outcome, bytes).err()
            }
            Ok(answer) => match section.answer(&answer, collection, known) {
                Ok(section) if section.len() <= LARGEST - HEAD => {
                    bytes.extend_from_slice(section);
                    return finished(bytes);
                }
                Ok(_) => {
                    Some(Error::new(Kind::Limit, "the result is larger than 2 GiB; use a smaller batchSize"))
                }
                Err(error) => Some(error),
            },
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            bytes.truncate(HEAD);
            section.error(&error, bytes);
        }
        if let Some(status) = bytes.get_mut(4) {
            *status = 1;
        }
        finished(bytes)
    })
}

fn finished(bytes: &mut Vec<u8>) -> Vec<u8> {
    if bytes.len() > KEEP { std::mem::take(bytes) } else { bytes.to_vec() }
}

/// Writes sections one after the other, reusing the same memory.
pub struct Section {
    out: Outgoing,
}

impl Default for Section {
    fn default() -> Self {
        Section { out: Outgoing::new() }
    }
}

impl Section {
    /// The section of one document, and whether it is plain.
    #[inline]
    pub fn document(
        &mut self,
        document: &Document,
        collection: &Collection,
        known: Known,
    ) -> Result<(&[u8], bool)> {
        self.out.clear();
        self.push(document, Some(collection))?;
        let (collection, known) = ((collection.number(), collection.shapes()), (known.number, known.count));
        let plain = self.out.is_plain(collection, known);
        Ok((self.out.finish(Some(collection), known), plain))
    }

    /// The section of documents, with null for each that is missing.
    pub fn documents(
        &mut self,
        documents: Vec<Option<Document>>,
        collection: Option<&Collection>,
        known: Known,
    ) -> Result<&[u8]> {
        self.answer(&Answer::Documents(documents), collection, known)
    }

    /// The section of an answer.
    fn answer(&mut self, answer: &Answer, collection: Option<&Collection>, known: Known) -> Result<&[u8]> {
        self.out.clear();
        let documents = matches!(
            answer,
            Answer::Document(_)
                | Answer::Versioned { .. }
                | Answer::Documents(_)
                | Answer::Batch { .. }
                | Answer::Live { .. }
        );
        self.tokens(answer, collection)?;
        Ok(self.finish(collection.filter(|_| documents), known))
    }

    fn tokens(&mut self, answer: &Answer, collection: Option<&Collection>) -> Result<()> {
        match answer {
            Answer::Done => self.out.nil(),
            Answer::Count(count) | Answer::Inserted(InsertOutcome { inserted: count, .. }) => {
                self.count(*count)
            }
            Answer::Bool(value) => self.out.bool(*value),
            Answer::Updated(outcome) => {
                self.out.array(4);
                self.count(outcome.matched);
                self.count(outcome.modified);
                self.upserted(outcome);
            }
            Answer::Modified { document, outcome } => {
                self.out.array(4);
                match document {
                    Some(document) => self.out.value(document),
                    None => self.out.nil(),
                }
                self.count(outcome.matched);
                self.upserted(outcome);
            }
            Answer::Bulk(outcome) => {
                self.out.map(5);
                self.bulk(outcome);
            }
            Answer::Values(values) => {
                self.out.array(values.len());
                values.iter().for_each(|value| self.out.value(value));
            }
            Answer::Value(value) => self.out.value(value),
            Answer::Names(names) => {
                self.out.array(names.len());
                names.iter().for_each(|name| self.out.string(name));
            }
            Answer::Versions(versions) => {
                self.out.array(versions.len());
                versions.iter().for_each(|version| self.count(*version));
            }
            Answer::Collections(rows) => self.collections(rows),
            Answer::Changes { stream, events, token } => {
                self.out.array(3);
                self.count(*stream);
                self.out.array(events.len());
                events.iter().for_each(|event| self.out.value(event));
                self.out.string(token);
            }
            Answer::Document(_)
            | Answer::Versioned { .. }
            | Answer::Documents(_)
            | Answer::Batch { .. }
            | Answer::Live { .. } => {
                return self.with_documents(answer, collection);
            }
        }
        Ok(())
    }

    /// Answers that hold documents of the collection.
    fn with_documents(&mut self, answer: &Answer, collection: Option<&Collection>) -> Result<()> {
        match answer {
            Answer::Document(document) => self.push_or_nil(document.as_ref(), collection)?,
            Answer::Versioned { document, version, created_at, modified_at } => {
                self.out.array(4);
                self.push(document, collection)?;
                self.count(*version);
                self.out.number(*created_at as f64);
                self.out.number(*modified_at as f64);
            }
            Answer::Documents(documents) => {
                self.out.array(documents.len());
                for document in documents {
                    self.push_or_nil(document.as_ref(), collection)?;
                }
            }
            Answer::Batch { cursor, documents } => {
                self.out.array(2);
                self.count(*cursor);
                self.out.array(documents.len());
                for document in documents {
                    self.push(document, collection)?;
                }
            }
            Answer::Live { stream, lsn, order, documents } => {
                self.out.array(4);
                self.count(*stream);
                self.count(*lsn);
                self.out.array(order.len());
                order.iter().for_each(|number| self.count(*number));
                self.out.array(2 * documents.len());
                for (number, document) in documents {
                    self.count(*number);
                    self.push(document, collection)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn collections(&mut self, rows: &[CollectionInfo]) {
        self.out.array(rows.len());
        for row in rows {
            self.out.map(4);
            self.text("name", &row.name);
            self.out.string("number");
            self.count(row.number.into());
            self.out.string("count");
            self.count(row.count);
            self.out.string("options");
            self.out.value(&row.options);
        }
    }

    /// The `_id` of the document that an upsert inserted, and whether it inserted one.
    fn upserted(&mut self, outcome: &UpdateOutcome) {
        match &outcome.upserted {
            Some(id) => self.out.value(id),
            None => self.out.nil(),
        }
        self.count(outcome.upserted.is_some().into());
    }

    /// The five counters of a bulk write.
    fn bulk(&mut self, outcome: &BulkOutcome) {
        for (name, count) in [
            ("inserted", outcome.inserted),
            ("matched", outcome.matched),
            ("modified", outcome.modified),
            ("deleted", outcome.deleted),
        ] {
            self.out.string(name);
            self.count(count);
        }
        self.out.string("upserted");
        self.out.array(outcome.upserted.len());
        for (index, id) in &outcome.upserted {
            self.out.array(2);
            self.count(*index as u64);
            self.out.value(id);
        }
    }

    /// Appends the section of a write that failed in part: the first error, what was done, and all errors.
    fn partial(&mut self, outcome: &BulkOutcome, bytes: &mut Vec<u8>) -> Result<()> {
        let Some(first) = outcome.failures.first() else { return Ok(()) };
        self.out.clear();
        self.out.map(fields(&first.error) + 6);
        self.fields(&first.error)?;
        self.bulk(outcome);
        self.out.string("writeErrors");
        self.out.array(outcome.failures.len());
        for WriteError { index, error } in &outcome.failures {
            self.out.map(1 + 2 + keys(error));
            self.out.string("index");
            self.count(*index as u64);
            self.text("kind", error.kind().as_str());
            self.text("message", error.message());
            self.keys(error)?;
        }
        bytes.extend_from_slice(self.finish(None, Known::NONE));
        Ok(())
    }

    /// Appends the section of an error. An error whose keys are damaged is written without its details.
    fn error(&mut self, error: &Error, bytes: &mut Vec<u8>) {
        self.out.clear();
        self.out.map(fields(error));
        if self.fields(error).is_err() {
            self.out.clear();
            self.out.map(2);
            self.text("kind", error.kind().as_str());
            self.text("message", error.message());
        }
        bytes.extend_from_slice(self.finish(None, Known::NONE));
    }

    fn fields(&mut self, error: &Error) -> Result<()> {
        let details = error.details();
        self.text("kind", error.kind().as_str());
        self.text("message", error.message());
        if let Some(path) = &details.path {
            self.text("path", path);
        }
        if let Some(file) = &details.file {
            self.text("file", &file.to_string_lossy());
        }
        if let Some(offset) = details.offset {
            self.out.string("offset");
            self.count(offset);
        }
        if let Some(pid) = details.pid {
            self.out.string("pid");
            self.count(pid.into());
        }
        if details.transient {
            self.out.string("transient");
            self.out.bool(true);
        }
        self.keys(error)
    }

    fn keys(&mut self, error: &Error) -> Result<()> {
        let details = error.details();
        if let Some(code) = error.code() {
            self.out.string("code");
            self.out.number(code.number().into());
            self.text("codeName", &code.name());
        }
        if let Some(index) = &details.index {
            self.text("indexName", index);
        }
        let values = [
            ("keyPattern", &details.key_pattern),
            ("keyValue", &details.key_value),
            ("errInfo", &details.info),
        ];
        for (name, key) in values {
            if let Some(key) = key {
                self.out.string(name);
                self.out.raw(RawValue::new(key, Shapes::none()))?;
            }
        }
        Ok(())
    }

    #[inline]
    fn push(&mut self, document: &Document, collection: Option<&Collection>) -> Result<()> {
        if let Document::Projected(value) = document {
            self.out.value(value);
            return Ok(());
        }
        match collection.and_then(|collection| document.stored(collection)) {
            Some(raw) => self.out.raw(raw),
            None => Err(Error::new(Kind::Internal, "a stored document came without its collection")),
        }
    }

    fn push_or_nil(&mut self, document: Option<&Document>, collection: Option<&Collection>) -> Result<()> {
        match document {
            Some(document) => self.push(document, collection),
            None => {
                self.out.nil();
                Ok(())
            }
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        self.out.string(name);
        self.out.string(text);
    }

    fn count(&mut self, count: u64) {
        self.out.number(count as f64);
    }

    fn finish(&mut self, collection: Option<&Collection>, known: Known) -> &[u8] {
        let collection = collection.map(|collection| (collection.number(), collection.shapes()));
        self.out.finish(collection, (known.number, known.count))
    }
}

/// The number of fields in the map of an error.
fn fields(error: &Error) -> usize {
    let details = error.details();
    let present = [
        details.path.is_some(),
        details.file.is_some(),
        details.offset.is_some(),
        details.pid.is_some(),
        details.transient,
    ];
    2 + present.into_iter().filter(|present| *present).count() + keys(error)
}

fn keys(error: &Error) -> usize {
    let details = error.details();
    let present = [
        details.index.is_some(),
        details.key_pattern.is_some(),
        details.key_value.is_some(),
        details.info.is_some(),
    ];
    let codes = if error.code().is_some() { 2 } else { 0 };
    present.into_iter().filter(|present| *present).count() + codes
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
