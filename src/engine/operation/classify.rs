//! Classifies operations: whether one writes, and whether it names its documents.

use super::input::Incoming;
use super::request::Operation;
use crate::document::{RawKind, RawValue, incoming};
use crate::query::aggregate;

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
            | Operation::Create
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

/// Whether this is a write that names its documents, and so commits in the order of the calls.
pub(crate) fn writes_by_id(operation: &Operation) -> bool {
    match operation {
        Operation::Insert { .. }
        | Operation::Set { .. }
        | Operation::DeleteId { .. }
        | Operation::Drop
        | Operation::Create
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
    incoming::check(pipeline.bytes(), &pipeline.shapes).is_ok() && aggregate::writes(pipeline.raw())
}
