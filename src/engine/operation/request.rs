//! What a caller may ask of a collection, and what it is answered. The binding translates to and from these.

use super::input::Incoming;
use super::response::Reply;
use std::sync::Arc;

use crate::engine::exec::interrupt::Limits;

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
    /// Is called with the outcome.
    pub reply: Reply,
}
