//! What a caller may ask of a collection, and what it is answered. The binding translates to and from these.

use std::ops::Range;
use std::sync::Arc;

use crate::document::{RawValue, Shapes, Value, encode_plain};
use crate::engine::collection::Collection;
use crate::engine::limits::Limits;
use crate::error::{Error, Result};
use crate::query::Filter;
use crate::storage::Block;

/// An encoded value as it came: not validated, with the caller's own shape numbers.
#[derive(Clone)]
pub struct Incoming {
    /// The buffer it came in.
    pub buffer: Arc<[u8]>,
    /// Its place in the buffer.
    pub range: Range<usize>,
    /// What its shape numbers mean.
    pub shapes: Arc<Shapes>,
}

impl Incoming {
    /// The value, for walking.
    pub fn raw(&self) -> RawValue<'_> {
        RawValue::new(self.bytes(), &self.shapes)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.range.clone()).unwrap_or_default()
    }
}

/// How many documents an operation may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The first that matches.
    One,
    /// All that match.
    Many,
}

/// What happens when nothing matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upsert {
    /// Nothing.
    No,
    /// A document is made from filter and update.
    Yes,
}

/// Which state of a document is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// As it was; nothing when an upsert made it.
    Before,
    /// As it is now.
    After,
}

/// Whether a failing document stops the ones after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertOrder {
    /// The first failure ends the operation; what came before stays.
    Ordered,
    /// Failures are left out.
    Unordered,
}

/// What shapes the result of a find.
#[derive(Clone)]
pub struct FindOptions {
    /// `[[path, 1 | -1], ...]`.
    pub sort: Option<Incoming>,
    /// A projection document.
    pub projection: Option<Incoming>,
    /// Documents to leave out first.
    pub skip: u64,
    /// Documents at most; 0 for all.
    pub limit: u64,
    /// Documents in a batch.
    pub batch: u32,
    /// The index to use, by name or as `[[path, 1 | -1], ...]`; `[["$natural", 1]]` for none.
    pub hint: Option<Incoming>,
}

/// One entry of a set: all entries commit or none.
#[derive(Clone)]
pub struct SetEntry {
    /// The document, `_id` first.
    pub document: Incoming,
    /// The version it must have now; 0 for none.
    pub if_version: Option<u64>,
}

/// One operation on one collection.
pub enum Operation {
    /// Inserts documents.
    Insert {
        /// `_id` first in each.
        documents: Vec<Incoming>,
        /// What a failure does.
        order: InsertOrder,
    },
    /// Opens a cursor and answers its first batch.
    Find {
        /// Which documents.
        filter: Incoming,
        /// In which form.
        options: FindOptions,
    },
    /// Runs a pipeline and answers its first batch, as `Find` does; one that writes answers none.
    Aggregate {
        /// An array of stages.
        pipeline: Incoming,
        /// Documents in the batch.
        batch: u32,
        /// The index to use, by name or as `[[path, 1 | -1], ...]`; `[["$natural", 1]]` for none.
        hint: Option<Incoming>,
    },
    /// The next batch of a cursor.
    More {
        /// The cursor.
        cursor: u64,
        /// Documents in the batch.
        batch: u32,
    },
    /// Ends a cursor.
    CloseCursor {
        /// The cursor.
        cursor: u64,
    },
    /// Counts documents.
    Count {
        /// Which documents.
        filter: Incoming,
        /// Documents to leave out first.
        skip: u64,
        /// Count at most this many; 0 for all.
        limit: u64,
        /// The index to use, by name or as `[[path, 1 | -1], ...]`; `[["$natural", 1]]` for none.
        hint: Option<Incoming>,
    },
    /// Changes documents by update operators.
    Update {
        /// Which documents.
        filter: Incoming,
        /// The operators.
        update: Incoming,
        /// The conditions on array elements that its paths name.
        array_filters: Option<Incoming>,
        /// One or many.
        reach: Reach,
        /// When nothing matches.
        upsert: Upsert,
        /// The `_id` of an upserted document that names none.
        new_id: Incoming,
        /// The index to use, by name or as `[[path, 1 | -1], ...]`; `[["$natural", 1]]` for none.
        hint: Option<Incoming>,
        /// Of one document: the first in this order, `[[path, 1 | -1], ...]`.
        sort: Option<Incoming>,
    },
    /// Replaces one document.
    Replace {
        /// Which document.
        filter: Incoming,
        /// The new content; an `_id` in it must be the old one.
        document: Incoming,
        /// When nothing matches.
        upsert: Upsert,
        /// The `_id` of an upserted document that names none.
        new_id: Incoming,
        /// The index to use, by name or as `[[path, 1 | -1], ...]`; `[["$natural", 1]]` for none.
        hint: Option<Incoming>,
        /// The first in this order, `[[path, 1 | -1], ...]`.
        sort: Option<Incoming>,
    },
    /// Changes, replaces or deletes one document and answers it.
    FindOneAnd {
        /// An update, replace or delete of one document.
        write: Box<Operation>,
        /// Which one, of those that match: the first in this order.
        sort: Option<Incoming>,
        /// A projection document.
        projection: Option<Incoming>,
        /// The document before or after the write.
        returned: Returned,
    },
    /// Inserts, updates, replaces and deletes, one after the other.
    Bulk {
        /// The writes.
        operations: Vec<Operation>,
        /// What a failure does.
        order: InsertOrder,
    },
    /// The different values of a field.
    Distinct {
        /// The path of the field.
        key: Incoming,
        /// Of which documents.
        filter: Incoming,
        /// The index to use, by name or as `[[path, 1 | -1], ...]`; `[["$natural", 1]]` for none.
        hint: Option<Incoming>,
    },
    /// Gives the collection another name.
    Rename {
        /// The new name.
        to: Incoming,
        /// Whether a collection that has this name is dropped.
        drop_target: bool,
    },
    /// Deletes documents.
    Delete {
        /// Which documents.
        filter: Incoming,
        /// One or many.
        reach: Reach,
        /// The index to use, by name or as `[[path, 1 | -1], ...]`; `[["$natural", 1]]` for none.
        hint: Option<Incoming>,
    },
    /// Reads one document by `_id`; answers `Document` or, with meta, `Versioned`.
    Get {
        /// The `_id`.
        id: Incoming,
        /// Whether to answer version and times too.
        meta: bool,
    },
    /// Reads documents by `_id`.
    GetMany {
        /// The `_id`s.
        ids: Vec<Incoming>,
    },
    /// Whether a document is there.
    Has {
        /// The `_id`.
        id: Incoming,
    },
    /// Inserts or replaces documents, all or none.
    Set {
        /// The documents.
        entries: Vec<SetEntry>,
    },
    /// Deletes one document by `_id`.
    DeleteId {
        /// The `_id`.
        id: Incoming,
        /// The version it must have now.
        if_version: Option<u64>,
    },
    /// Drops the collection.
    Drop,
    /// Makes the collection, with no document in it.
    Create,
    /// Lists the collections of the database.
    ListCollections {
        /// Which rows of the listing.
        filter: Option<Incoming>,
    },
    /// Makes indexes, and the collection where it is missing.
    CreateIndexes {
        /// What each is to be.
        specs: Vec<Incoming>,
    },
    /// Drops an index.
    DropIndex {
        /// Its name, its key as `[[path, 1 | -1], ...]`, or `"*"` for all but that of `_id`.
        index: Incoming,
    },
    /// Lists the indexes of the collection.
    ListIndexes,
    /// Tells how another operation would be done, or was.
    Explain {
        /// What is explained; a write changes nothing.
        operation: Box<Operation>,
        /// In which detail.
        verbosity: Verbosity,
    },
    /// Figures about the collection.
    Stats,
    /// Another operation, whose expressions see these variables.
    Let {
        /// `{ name: expression, ... }`.
        variables: Incoming,
        /// What is done.
        operation: Box<Operation>,
    },
}

impl Operation {
    /// The operation itself, and the variables of its expressions.
    pub fn with_variables(&self) -> (&Operation, Option<&Incoming>) {
        match self {
            Operation::Let { variables, operation } => (operation, Some(variables)),
            plain => (plain, None),
        }
    }

    /// Which document an update or a replacement of one changes.
    pub fn sort(&self) -> Option<&Incoming> {
        match self {
            Operation::Update { sort, .. } | Operation::Replace { sort, .. } => sort.as_ref(),
            _ => None,
        }
    }

    /// What it was told to use, of operations that look for documents.
    pub fn hint(&self) -> Option<&Incoming> {
        match self {
            Operation::Find { options, .. } => options.hint.as_ref(),
            Operation::FindOneAnd { write, .. } => write.hint(),
            Operation::Let { operation, .. } => operation.hint(),
            Operation::Aggregate { hint, .. }
            | Operation::Count { hint, .. }
            | Operation::Update { hint, .. }
            | Operation::Replace { hint, .. }
            | Operation::Distinct { hint, .. }
            | Operation::Delete { hint, .. } => hint.as_ref(),
            _ => None,
        }
    }
}

/// How much an explanation tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// The plan alone; nothing is read.
    Planner,
    /// What running it took, too.
    Execution,
    /// The same of the plans that were not chosen.
    AllPlans,
}

/// A document of an answer: stored bytes that stay valid as long as this value.
#[derive(Clone)]
pub enum Document {
    /// Bytes of the collection, shared with the store.
    Stored {
        /// The block that holds them.
        block: Arc<Block>,
        /// Their place in the block's payload.
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

/// What an update or replace did.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateOutcome {
    /// Documents that matched.
    pub matched: u64,
    /// Documents that really changed.
    pub modified: u64,
    /// The `_id` of the document that an upsert made.
    pub upserted: Option<Value>,
}

/// What a row of writes did.
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
    /// The `_id`s of the documents that upserts made, by the places of the writes.
    pub upserted: Vec<(usize, Value)>,
    /// The writes that failed. With failures the operation is an error to the caller, built from the first of them.
    pub failures: Vec<WriteError>,
}

/// One failed document of an insert, or write of a row.
#[derive(Clone, Debug)]
pub struct WriteError {
    /// Its place among the documents given.
    pub index: usize,
    /// Why.
    pub error: Error,
}

/// What an operation is answered.
pub enum Answer {
    /// Nothing to say.
    Done,
    /// A count or number.
    Count(u64),
    /// Yes or no.
    Bool(bool),
    /// An insert: how many went in and, in order, which failed. With failures the operation is an error to the
    /// caller, built from the first of them.
    Inserted {
        /// Documents inserted.
        inserted: u64,
        /// Documents that failed.
        failures: Vec<WriteError>,
    },
    /// Of update and replace.
    Updated(UpdateOutcome),
    /// Of a write that answers its document.
    Modified {
        /// The document; none when nothing matched, or when an upsert made it and it was asked for as it was before.
        document: Option<Value>,
        /// What the write did.
        outcome: UpdateOutcome,
    },
    /// Of a row of writes.
    Bulk(BulkOutcome),
    /// Different values.
    Values(Vec<Value>),
    /// One value.
    Value(Value),
    /// Names, in the order asked for.
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
    /// Documents in the order asked for.
    Documents(Vec<Option<Document>>),
    /// A batch of a cursor.
    Batch {
        /// 0 when this is the last batch.
        cursor: u64,
        /// The documents.
        documents: Vec<Document>,
    },
    /// Name, number and count of each collection.
    Collections(Vec<CollectionInfo>),
}

/// One row of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionInfo {
    /// Its name.
    pub name: String,
    /// Its number, never reused.
    pub number: u32,
    /// Documents in it.
    pub count: u64,
}

impl CollectionInfo {
    /// Whether a filter of a listing lets it through. It sees what the listing shows: name, type, number, count.
    pub fn matches(&self, filter: &Filter) -> bool {
        let row = Value::Object(vec![
            ("name".into(), Value::String(self.name.clone())),
            ("type".into(), Value::String("collection".into())),
            ("number".into(), Value::number(self.number.into())),
            ("count".into(), Value::number(self.count as f64)),
            ("options".into(), Value::Object(Vec::new())),
        ]);
        let mut bytes = Vec::new();
        encode_plain(&row, &mut bytes);
        filter.matches(RawValue::new(&bytes, &Shapes::new()))
    }
}

/// Hears the outcome of an operation, once, on any thread. The collection is the one that answered, where the
/// answer holds documents; its shapes are needed to read them.
pub type Reply = Box<dyn FnOnce(Option<Arc<Collection>>, Result<Answer>) + Send>;

/// How much work comes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Little enough to be done while the caller waits, if none of it has to wait.
    Small,
    /// Any amount.
    Any,
}

/// One operation as it is submitted.
pub struct Task {
    /// The collection's name.
    pub name: Arc<str>,
    /// What to do.
    pub operation: Operation,
    /// When to stop.
    pub limits: Limits,
    /// Who hears the outcome.
    pub reply: Reply,
}
