//! The operations on a collection, with their options. The binding translates to these.

use super::input::Incoming;
use super::response::Reply;
use std::sync::Arc;

use crate::engine::exec::interrupt::Limits;

/// How many documents an operation may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The first that matches.
    One,
    /// All that match.
    Many,
}

/// What to do when nothing matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upsert {
    /// Nothing.
    No,
    /// Insert a document made from the filter and the update.
    Yes,
}

/// Which state of a document is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// Before the write; nothing when an upsert inserted it.
    Before,
    /// After the write.
    After,
}

/// Whether a failing document stops the ones after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertOrder {
    /// The first failure ends the operation; what came before stays.
    Ordered,
    /// Documents that fail are left out.
    Unordered,
}

/// The parameters of a find besides its filter.
#[derive(Clone, Default)]
pub struct FindOptions {
    /// `[[path, 1 | -1], ...]`.
    pub sort: Option<Incoming>,
    /// A projection document.
    pub projection: Option<Incoming>,
    /// Documents to skip first.
    pub skip: u64,
    /// The maximum number of documents; 0 for all.
    pub limit: u64,
    /// Documents in a batch.
    pub batch: u32,
    /// The index to use, by name or as `[[path, 1 | -1], ...]`; `[["$natural", 1]]` for none.
    pub hint: Option<Incoming>,
    /// Only the first document, with its version: the answer is `Versioned`.
    pub meta: bool,
}

/// One entry of a set: either all entries commit or none.
#[derive(Clone)]
pub struct SetEntry {
    /// The document, `_id` first.
    pub document: Incoming,
    /// The version it must have; 0 if it must not exist.
    pub if_version: Option<u64>,
}

/// What the commit of a transaction checks against the commits since its snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// What it has written.
    #[default]
    Snapshot,
    /// What it has read, too: the result is that of running the transactions that write one after the other, in the order of
    /// their commits.
    Serializable,
}

/// A step of a transaction besides its reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Begins it.
    Begin {
        /// How long it may be left alone (ms).
        idle: u64,
        /// How long it may be open (ms).
        total: u64,
        /// Its session, and its number in that.
        origin: ([u8; 16], u64),
        /// What its commit checks.
        isolation: Isolation,
    },
    /// Commits what it has written.
    Commit,
    /// Ends it without effect.
    Abort,
    /// Sets a savepoint; returns its number.
    Savepoint,
    /// Takes back what was written since a savepoint.
    RollBack {
        /// Its number.
        to: u64,
    },
}

/// One operation on one collection.
pub enum Operation {
    /// A step of the transaction itself.
    Transaction(Step),
    /// Inserts documents.
    Insert {
        /// `_id` first in each.
        documents: Vec<Incoming>,
        /// What to do about a failure.
        order: InsertOrder,
    },
    /// Opens a cursor and returns its first batch.
    Find {
        /// The filter.
        filter: Incoming,
        /// The parameters.
        options: FindOptions,
    },
    /// Runs a pipeline and returns its first batch, like `Find`; one that writes returns no documents.
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
    /// Closes a cursor.
    CloseCursor {
        /// The cursor.
        cursor: u64,
    },
    /// Counts documents.
    Count {
        /// The filter.
        filter: Incoming,
        /// Documents to skip first.
        skip: u64,
        /// The maximum to count; 0 for all.
        limit: u64,
        /// The index to use, by name or as `[[path, 1 | -1], ...]`; `[["$natural", 1]]` for none.
        hint: Option<Incoming>,
    },
    /// Changes documents by update operators.
    Update {
        /// The filter.
        filter: Incoming,
        /// The operators.
        update: Incoming,
        /// The array filters: conditions on array elements that its paths name.
        array_filters: Option<Incoming>,
        /// One or many.
        reach: Reach,
        /// What to do when nothing matches.
        upsert: Upsert,
        /// The `_id` of an upserted document that has none.
        new_id: Incoming,
        /// The index to use, by name or as `[[path, 1 | -1], ...]`; `[["$natural", 1]]` for none.
        hint: Option<Incoming>,
        /// For a single document: the sort order that chooses it, `[[path, 1 | -1], ...]`.
        sort: Option<Incoming>,
        /// For a single document: its expected version; 0 for none.
        if_version: Option<u64>,
    },
    /// Replaces one document.
    Replace {
        /// The filter.
        filter: Incoming,
        /// The new content; its `_id`, if any, must be the old one.
        document: Incoming,
        /// What to do when nothing matches.
        upsert: Upsert,
        /// The `_id` of an upserted document that has none.
        new_id: Incoming,
        /// The index to use, by name or as `[[path, 1 | -1], ...]`; `[["$natural", 1]]` for none.
        hint: Option<Incoming>,
        /// The sort order that chooses the document, `[[path, 1 | -1], ...]`.
        sort: Option<Incoming>,
        /// The expected version of the document; 0 for none.
        if_version: Option<u64>,
    },
    /// Changes, replaces or deletes one document and returns it.
    FindOneAnd {
        /// An update, replace or delete of one document.
        write: Box<Operation>,
        /// The sort order that chooses the document.
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
        /// What to do about a failure.
        order: InsertOrder,
    },
    /// The distinct values of a field.
    Distinct {
        /// The path of the field.
        key: Incoming,
        /// The filter.
        filter: Incoming,
        /// The index to use, by name or as `[[path, 1 | -1], ...]`; `[["$natural", 1]]` for none.
        hint: Option<Incoming>,
    },
    /// Renames the collection.
    Rename {
        /// The new name.
        to: Incoming,
        /// Whether an existing collection of this name is dropped.
        drop_target: bool,
    },
    /// Deletes documents.
    Delete {
        /// The filter.
        filter: Incoming,
        /// One or many.
        reach: Reach,
        /// The index to use, by name or as `[[path, 1 | -1], ...]`; `[["$natural", 1]]` for none.
        hint: Option<Incoming>,
        /// For a single document: its expected version; 0 for none.
        if_version: Option<u64>,
    },
    /// Reads one document by `_id`; returns `Document` or, with meta, `Versioned`.
    Get {
        /// The `_id`.
        id: Incoming,
        /// Whether to return version and times, too.
        meta: bool,
    },
    /// Reads documents by `_id`.
    GetMany {
        /// The `_id`s.
        ids: Vec<Incoming>,
    },
    /// Whether a document exists.
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
        /// The version that it must have.
        if_version: Option<u64>,
    },
    /// Drops the collection.
    Drop,
    /// Drops the database with all of its collections.
    DropDatabase,
    /// Lists the databases.
    ListDatabases {
        /// A filter on the listing.
        filter: Option<Incoming>,
    },
    /// Creates an empty collection.
    Create {
        /// `{ changeStreamPreAndPostImages }`; `None` for none.
        options: Option<Incoming>,
    },
    /// Changes options of the collection.
    CollMod {
        /// `{ changeStreamPreAndPostImages }`.
        changes: Incoming,
    },
    /// Lists the collections of the database.
    ListCollections {
        /// A filter on the listing.
        filter: Option<Incoming>,
    },
    /// Creates indexes, and the collection if it is missing.
    CreateIndexes {
        /// The definition of each.
        specs: Vec<Incoming>,
    },
    /// Drops an index.
    DropIndex {
        /// Its name, its key as `[[path, 1 | -1], ...]`, or `"*"` for all except the one on `_id`.
        index: Incoming,
    },
    /// Lists the indexes of the collection.
    ListIndexes,
    /// Explains another operation.
    Explain {
        /// The explained operation; a write changes nothing.
        operation: Box<Operation>,
        /// The verbosity.
        verbosity: Verbosity,
    },
    /// Statistics of the collection.
    Stats,
    /// Opens a change stream, which begins with the writes after this.
    Watch {
        /// What is watched, and how.
        options: Incoming,
    },
    /// Opens a live query. Its steps are read as the events of a change stream are.
    Live {
        /// The filter.
        filter: Incoming,
        /// The parameters.
        options: FindOptions,
    },
    /// Opens a tailable cursor. Its documents are read as the events of a change stream are.
    Tail {
        /// The filter.
        filter: Incoming,
        /// The parameters.
        options: FindOptions,
    },
    /// The next events of a change stream.
    Changes {
        /// The stream.
        stream: u64,
        /// Events in the batch.
        batch: u32,
        /// How long (ms) to wait for one; `None` for as long as it takes.
        wait: Option<u64>,
    },
    /// Closes a change stream.
    Unwatch {
        /// The stream.
        stream: u64,
    },
    /// Takes a snapshot of the database in memory, with all databases in it.
    Snapshot,
    /// Puts it back in the state of a snapshot.
    Restore {
        /// The snapshot.
        snapshot: u64,
    },
    /// Nothing, after the writes that were called before.
    Barrier,
    /// Forgets a snapshot.
    Release {
        /// The snapshot.
        snapshot: u64,
    },
    /// Another operation with variables for its expressions.
    Let {
        /// `{ name: expression, ... }`.
        variables: Incoming,
        /// The operation.
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

    /// The version that the document of a write by filter must have; 0 for none.
    pub fn if_version(&self) -> Option<u64> {
        match self {
            Operation::Update { if_version, .. }
            | Operation::Replace { if_version, .. }
            | Operation::Delete { if_version, .. } => *if_version,
            _ => None,
        }
    }

    /// The sort order that chooses the document of an update or a replacement of one.
    pub fn sort(&self) -> Option<&Incoming> {
        match self {
            Operation::Update { sort, .. } | Operation::Replace { sort, .. } => sort.as_ref(),
            _ => None,
        }
    }

    /// The hint of an operation that searches documents.
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

/// The verbosity of explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Only the plan; nothing is read.
    Planner,
    /// Also the execution statistics.
    Execution,
    /// Also those of the rejected plans.
    AllPlans,
}

/// How large a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Small enough to run on the caller's thread, if nothing has to block.
    Small,
    /// Any size.
    Any,
}

/// One operation as it is submitted.
pub struct Task {
    /// The collection's full name; that of a database as a whole has no collection.
    pub name: Arc<str>,
    /// What to do.
    pub operation: Operation,
    /// The number of its transaction; 0 for none.
    pub transaction: u16,
    /// When to stop.
    pub limits: Limits,
    /// Called with the outcome.
    pub reply: Reply,
}
