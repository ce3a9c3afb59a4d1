//! The results of operations. The binding encodes these.

use crate::engine::state::version::Span;
use std::ops::Range;
use std::sync::Arc;

use crate::document::{Node, RawValue, Shapes, Value, encode_plain};
use crate::engine::state::collection::Collection;
use crate::error::{Error, Result};
use crate::query::Filter;
use crate::storage::Block;

/// A document of a result: stored bytes that stay valid as long as this value.
#[derive(Clone)]
pub enum Document {
    /// The shapes of the collection, shared with the store.
    Stored {
        /// The block that holds them.
        block: Arc<Block>,
        /// Their range in the block's payload.
        range: Range<u32>,
    },
    /// The result of a projection.
    Projected(Value),
}

impl Document {
    /// The stored bytes; `None` for a projected document.
    pub fn stored<'a>(&'a self, collection: &'a Collection) -> Option<RawValue<'a>> {
        match self {
            Document::Stored { block, range } => {
                let bytes = block.bytes.get(range.start as usize..range.end as usize).unwrap_or_default();
                Some(RawValue::new(bytes, collection.shapes()))
            }
            Document::Projected(_) => None,
        }
    }
}

/// The result of an update or replacement.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateOutcome {
    /// Documents that matched.
    pub matched: u64,
    /// Documents that really changed.
    pub modified: u64,
    /// The `_id` of the document that an upsert inserted.
    pub upserted: Option<Value>,
}

/// The result of an insert.
#[derive(Clone, Debug, Default)]
pub struct InsertOutcome {
    /// Documents inserted.
    pub inserted: u64,
    /// The documents that failed, in order. With failures the operation is an error to the caller, built from the first of
    /// them.
    pub failures: Vec<WriteError>,
}

/// The result of a bulk write.
#[derive(Clone, Debug, Default)]
pub struct BulkOutcome {
    /// Documents inserted.
    pub inserted: u64,
    /// Documents that updates and replacements matched.
    pub matched: u64,
    /// Documents that really changed.
    pub modified: u64,
    /// Documents deleted.
    pub deleted: u64,
    /// The `_id`s of upserted documents, by the index of the write.
    pub upserted: Vec<(usize, Value)>,
    /// The writes that failed. With failures the operation is an error to the caller, built from the first of them.
    pub failures: Vec<WriteError>,
}

/// A failed document of an insert, or a failed write of a bulk write.
#[derive(Clone, Debug)]
pub struct WriteError {
    /// Its index among those given.
    pub index: usize,
    /// The error.
    pub error: Error,
}

impl WriteError {
    /// The same for a part that begins at this index.
    pub(crate) fn moved(self, first: usize) -> WriteError {
        WriteError { index: self.index + first, ..self }
    }
}

/// The result of an operation.
pub enum Answer {
    /// No value.
    Done,
    /// A count or number.
    Count(u64),
    /// A boolean.
    Bool(bool),
    /// Of an insert.
    Inserted(InsertOutcome),
    /// Of update and replace.
    Updated(UpdateOutcome),
    /// Of a write that returns its document.
    Modified {
        /// The document; none when nothing matched, or when an upsert inserted it and the state before was requested.
        document: Option<Value>,
        /// The result of the write.
        outcome: UpdateOutcome,
    },
    /// Of a bulk write.
    Bulk(BulkOutcome),
    /// Distinct values.
    Values(Vec<Value>),
    /// One value.
    Value(Value),
    /// Names, in the order of the request.
    Names(Vec<String>),
    /// New versions, in the order of the entries.
    Versions(Vec<u64>),
    /// One document or none.
    Document(Option<Document>),
    /// One document with its version and times (milliseconds since 1970).
    Versioned {
        /// The document.
        document: Document,
        /// Grows by one with each write, from 1.
        version: u64,
        /// When it was inserted.
        created_at: i64,
        /// When it was last written.
        modified_at: i64,
    },
    /// Documents in the order of the request.
    Documents(Vec<Option<Document>>),
    /// A batch of a cursor.
    Batch {
        /// 0 when this is the last batch.
        cursor: u64,
        /// The documents.
        documents: Vec<Document>,
    },
    /// Events of a change stream.
    Changes {
        /// 0 when the stream has ended.
        stream: u64,
        /// The events.
        events: Vec<Value>,
        /// The place after them.
        token: String,
    },
    /// A step of a live query.
    Live {
        /// The live query.
        stream: u64,
        /// The LSN of the state.
        lsn: u64,
        /// The numbers of the documents of the result, in order.
        order: Vec<u64>,
        /// Those that are new or other than in the step before.
        documents: Vec<(u64, Document)>,
    },
    /// Name, number and count of each collection.
    Collections(Vec<CollectionInfo>),
}

/// One row of a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct CollectionInfo {
    /// Its name.
    pub name: String,
    /// Its number, never reused.
    pub number: u32,
    /// Documents in it.
    pub count: u64,
    /// Its options, an object.
    pub options: Value,
}

/// Whether a filter matches a row of a listing.
pub(crate) fn matches(row: &Value, filter: &Filter) -> bool {
    let mut bytes = Vec::new();
    encode_plain(row, &mut bytes);
    filter.matches(RawValue::new(&bytes, &Shapes::new()))
}

impl CollectionInfo {
    /// Whether a filter matches the listed fields: name, type, number, count.
    pub fn matches(&self, filter: &Filter) -> bool {
        let kind = if Node::field(&self.options, "viewOn").is_some() { "view" } else { "collection" };
        let row = Value::Object(vec![
            ("name".into(), Value::String(self.name.clone())),
            ("type".into(), Value::String(kind.into())),
            ("number".into(), Value::number(self.number.into())),
            ("count".into(), Value::number(self.count as f64)),
            ("options".into(), self.options.clone()),
        ]);
        matches(&row, filter)
    }
}

/// The answer to an operation, and the collection of its documents: their shapes are needed to read them.
pub struct Answered {
    /// The collection, if there is one.
    pub collection: Option<Arc<Collection>>,
    /// The answer, or why there is none.
    pub answer: Result<Answer>,
}

impl Answered {
    /// An answer without stored documents.
    pub fn plain(answer: Result<Answer>) -> Answered {
        Answered { collection: None, answer }
    }

    /// An operation that failed.
    pub fn failed(error: Error) -> Answered {
        Answered::plain(Err(error))
    }
}

/// Called with the outcome of an operation, once, on any thread.
pub type Reply = Box<dyn FnOnce(Answered) + Send>;

impl Document {
    pub(crate) fn of_block(block: &Arc<Block>, span: Span) -> Document {
        let range = span.within(block);
        Document::Stored { block: block.clone(), range: range.start as u32..range.end as u32 }
    }
}
