//! A row of writes in one operation: resolved one after the other, each through the commit path.

use super::commit::Committed;
use super::limits::Watch;
use super::operation::{Answer, BulkOutcome, Incoming, InsertOrder, Operation, UpdateOutcome, WriteError};
use super::store::Store;
use crate::error::{Error, Kind, Result};
use crate::storage::Lsn;

impl Store {
    /// Runs the writes in order; `modify` runs one that is no insert. Inserts that follow one another are one.
    /// Ordered, the first failure is the last write. A failure of the whole operation (its time is up) ends it
    /// either way.
    pub fn bulk(
        &self,
        name: &str,
        operations: Vec<Operation>,
        order: InsertOrder,
        watch: &Watch,
        mut modify: impl FnMut(Operation) -> Committed<Write>,
    ) -> Committed<Answer> {
        let mut outcome = BulkOutcome::default();
        let mut lsn = Lsn(0);
        let mut operations = operations.into_iter().enumerate().peekable();
        while let Some((index, operation)) = operations.next() {
            match operation {
                Operation::Insert { mut documents, .. } => {
                    let more = |next: &(usize, Operation)| matches!(next.1, Operation::Insert { .. });
                    while let Some((_, Operation::Insert { documents: next, .. })) = operations.next_if(more)
                    {
                        documents.extend(next);
                    }
                    lsn = lsn.max(self.bulk_insert(name, index, &documents, (order, watch), &mut outcome));
                }
                other => {
                    let Committed { result, lsn: own } = modify(other);
                    lsn = lsn.max(own);
                    outcome.add(index, result);
                }
            }
            let Some(last) = outcome.failures.last() else { continue };
            if order == InsertOrder::Ordered || ends_all(last.error.kind()) {
                break;
            }
        }
        Committed { result: Ok(Answer::Bulk(outcome)), lsn }
    }

    fn bulk_insert(
        &self,
        name: &str,
        first: usize,
        documents: &[Incoming],
        (order, watch): (InsertOrder, &Watch),
        outcome: &mut BulkOutcome,
    ) -> Lsn {
        let Committed { result, lsn } = self.insert_within(name, documents, order, watch);
        match result {
            Ok(Answer::Inserted { inserted, failures }) => {
                outcome.inserted += inserted;
                let moved = |failure: WriteError| WriteError { index: failure.index + first, ..failure };
                outcome.failures.extend(failures.into_iter().map(moved));
            }
            Ok(_) => {
                let error = Error::new(Kind::Internal, "an insert had the answer of another operation");
                outcome.failures.push(WriteError { index: first, error });
            }
            Err(error) => outcome.failures.push(WriteError { index: first, error }),
        }
        lsn
    }
}

/// What one write of a row did.
pub enum Write {
    /// An update or a replacement.
    Updated(UpdateOutcome),
    /// Documents deleted.
    Deleted(u64),
}

impl BulkOutcome {
    fn add(&mut self, index: usize, result: Result<Write>) {
        match result {
            Ok(Write::Deleted(count)) => self.deleted += count,
            Ok(Write::Updated(outcome)) => {
                self.matched += outcome.matched;
                self.modified += outcome.modified;
                self.upserted.extend(outcome.upserted.map(|id| (index, id)));
            }
            Err(error) => self.failures.push(WriteError { index, error }),
        }
    }
}

/// Whether what failed one write fails those after it too.
fn ends_all(kind: Kind) -> bool {
    matches!(kind, Kind::Timeout | Kind::Aborted | Kind::Closed | Kind::StoragePoisoned)
}
