//! Bulk writes of a transaction: one write after the other, until one fails.

use super::by_id;
use super::work::Work;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::operation::request::Operation;
use crate::engine::operation::response::{BulkOutcome, UpdateOutcome, WriteError};
use crate::error::Result;

/// Runs the writes in order; `modify` runs one that is not an insert.
pub(crate) fn run(
    work: &mut Work,
    name: &str,
    operations: &[Operation],
    interrupt: &Interrupt,
    mut modify: impl FnMut(&mut Work, &Operation) -> Result<UpdateOutcome>,
) -> BulkOutcome {
    let mut outcome = BulkOutcome::default();
    for (index, operation) in operations.iter().enumerate() {
        let done = match operation {
            Operation::Insert { documents, .. } => {
                by_id::insert(work, name, documents, interrupt).and_then(|mut inserted| {
                    outcome.inserted += inserted.inserted;
                    inserted.failures.pop().map_or(Ok(()), |failure| Err(failure.error))
                })
            }
            write => modify(work, write).map(|changed| {
                if matches!(write.with_variables().0, Operation::Delete { .. }) {
                    outcome.deleted += changed.matched;
                } else {
                    outcome.matched += changed.matched;
                    outcome.modified += changed.modified;
                    outcome.upserted.extend(changed.upserted.map(|id| (index, id)));
                }
            }),
        };
        if let Err(error) = done {
            outcome.failures.push(WriteError { index, error });
            break;
        }
    }
    outcome
}
