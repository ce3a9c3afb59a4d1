//! Classifies operations: whether one writes, and whether it names its documents.

use super::input::Incoming;
use super::request::Operation;
use crate::document::{RawKind, RawValue, incoming};
use crate::engine::state::namespace::{Databases, within};
use crate::query::aggregate::{self, Destination};

/// Prefixes of the operators that make a filter costly whatever it reads.
const LABORIOUS: [&[u8]; 3] = [b"$reg", b"$expr", b"$jsonSchema"];

/// Whether it changes the database.
pub(crate) fn writes(operation: &Operation) -> bool {
    let (operation, _) = operation.with_variables();
    if let Operation::Aggregate { pipeline, .. } = operation {
        return is_write(pipeline);
    }
    matches!(
        operation,
        Operation::Insert { .. }
            | Operation::Set { .. }
            | Operation::DeleteId { .. }
            | Operation::Drop
            | Operation::DropDatabase
            | Operation::Restore { .. }
            | Operation::Create { .. }
            | Operation::CollMod { .. }
            | Operation::CreateIndexes { .. }
            | Operation::DropIndex { .. }
            | Operation::Rename { .. }
            | Operation::Bulk { .. }
            | Operation::FindOneAnd { .. }
            | Operation::Update { .. }
            | Operation::Replace { .. }
            | Operation::Delete { .. }
    )
}

/// Whether this is a write that names its documents, and so is executed in the order of the calls.
pub(crate) fn writes_by_id(operation: &Operation) -> bool {
    match operation {
        Operation::Insert { .. }
        | Operation::Set { .. }
        | Operation::DeleteId { .. }
        | Operation::Drop
        | Operation::Create { .. }
        | Operation::Rename { .. } => true,
        Operation::Update { filter, .. }
        | Operation::Replace { filter, .. }
        | Operation::Delete { filter, .. } => names_id(filter.raw()),
        Operation::FindOneAnd { write, .. } => writes_by_id(write),
        Operation::Let { operation, .. } => writes_by_id(operation),
        Operation::Bulk { operations, .. } => operations.iter().all(writes_by_id),
        _ => false,
    }
}

/// Whether a write by `_id` computes what may take any time, for each document: by a pipeline, an expression or a pattern.
pub(crate) fn is_laborious(operation: &Operation) -> bool {
    match operation {
        Operation::Update { filter, update, .. } => {
            matches!(update.raw().kind(), RawKind::Array(_)) || is_laborious_filter(filter)
        }
        Operation::Replace { filter, .. } | Operation::Delete { filter, .. } => is_laborious_filter(filter),
        Operation::FindOneAnd { write, .. } => is_laborious(write),
        Operation::Let { operation, .. } => is_laborious(operation),
        Operation::Bulk { operations, .. } => operations.iter().any(is_laborious),
        _ => false,
    }
}

/// Writes of more documents are long, also when they name them.
const MANY: usize = 1_000;

/// Whether a write names so many documents that writes to other collections should not wait for it.
pub(crate) fn names_many(operation: &Operation) -> bool {
    match operation {
        Operation::Insert { documents, .. } => documents.len() > MANY,
        Operation::Set { entries } => entries.len() > MANY,
        Operation::Bulk { operations, .. } => operations.len() > MANY,
        _ => false,
    }
}

/// Whether a filter has an operator that may take any time, whatever it reads.
pub(crate) fn is_laborious_filter(filter: &Incoming) -> bool {
    LABORIOUS.iter().any(|name| memchr::memmem::find(filter.bytes(), name).is_some())
}

/// Whether a filter pins `_id` to a plain value; the bytes are only read here, not validated yet.
pub(crate) fn names_id(filter: RawValue<'_>) -> bool {
    filter.get("_id").is_some_and(|id| match id.kind() {
        RawKind::Object(object) => {
            !object.iter().next().is_some_and(|(key, _)| key.starts_with('$') && key != "$eq")
        }
        _ => true,
    })
}

/// Whether a pipeline, not validated yet, ends in a stage that writes.
pub(crate) fn is_write(pipeline: &Incoming) -> bool {
    names_stage_that_writes(pipeline)
        && incoming::check(pipeline.bytes(), &pipeline.shapes).is_ok()
        && aggregate::writes(pipeline.raw())
}

/// The collection that such a pipeline writes; `None` when it writes none, or is not valid.
pub(crate) fn destination_of(pipeline: &Incoming) -> Option<Destination> {
    let is_valid = || incoming::check(pipeline.bytes(), &pipeline.shapes).is_ok();
    if !names_stage_that_writes(pipeline) || !is_valid() {
        return None;
    }
    aggregate::written(pipeline.raw())
}

/// The full names of the collections that such a pipeline in this database writes, and that its stages read; empty when it
/// writes none, or is not valid.
pub(crate) fn concerned_by(pipeline: &Incoming, database: &str, databases: &Databases) -> Vec<String> {
    let Some(into) = destination_of(pipeline) else { return Vec::new() };
    let target = into.database.as_deref().map_or(Ok(database), |name| databases.find(name));
    let mut read = Vec::new();
    aggregate::read(pipeline.raw(), &mut read);
    let read = read.iter().map(|name| within(database, name));
    // A name that is not valid fails when the pipeline runs.
    read.chain([target.and_then(|target| within(target, &into.collection))]).flatten().collect()
}

/// Whether such a stage is named anywhere in it. Validating takes longer than this, and most pipelines name none.
fn names_stage_that_writes(pipeline: &Incoming) -> bool {
    ["$out", "$merge"].iter().any(|name| memchr::memmem::find(pipeline.bytes(), name.as_bytes()).is_some())
}
