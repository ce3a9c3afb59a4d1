//! Classifies operations: whether one writes, whether it names its documents, and which document it returns.

use super::input::{Incoming, check_part};
use super::request::{Operation, Returned};
use crate::document::{RawKind, RawValue, incoming};
use crate::error::{Error, Kind, Result};
use crate::query::expression::Constants;
use crate::query::{Projection, Sort, aggregate};

/// The document that a write returns, if any.
#[derive(Default)]
pub(crate) struct Answering {
    pub(crate) sort: Option<Sort>,
    pub(crate) projection: Option<Projection>,
    pub(crate) returned: Option<Returned>,
}

impl Answering {
    pub(crate) fn parse(
        sort: Option<&Incoming>,
        projection: Option<&Incoming>,
        returned: Returned,
        constants: &Constants,
    ) -> Result<Answering> {
        check_part(sort)?;
        check_part(projection)?;
        let sort = sort.map(|sort| Sort::parse(sort.raw())).transpose()?.flatten();
        let projection =
            projection.map(|one| Projection::parse_with(one.raw(), constants)).transpose()?.flatten();
        if returned == Returned::After && projection.as_ref().is_some_and(Projection::is_positional) {
            let message = "a positional projection needs the document as it was; return it before the write";
            return Err(Error::new(Kind::BadQuery, message));
        }
        Ok(Answering { sort, projection, returned: Some(returned) })
    }
}

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
