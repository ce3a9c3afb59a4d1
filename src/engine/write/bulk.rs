//! Bulk writes: several writes in one operation, resolved in order, each through the commit path.

use super::by_id;
use crate::document::incoming;
use crate::engine::commit::Committed;
use crate::engine::commit::read_ahead::{self, ReadAhead};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::locks::LongMutex;
use crate::engine::format::key::{Key, key_of};
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::{InsertOrder, Operation};
use crate::engine::operation::response::{Answer, BulkOutcome, InsertOutcome, UpdateOutcome, WriteError};
use crate::engine::state::version::Version;
use crate::engine::store::Store;
use crate::error::{Kind, Result};
use crate::options::{PART_BYTES, PART_DOCUMENTS};
use crate::storage::Lsn;

/// Runs the writes in order; `modify` runs one that is not an insert. Consecutive inserts are run as one. Ordered, it
/// stops at the first failure. A failure of the whole operation (such as its time limit) ends it in either mode.
/// Documents on disk that the writes name by `_id` are read ahead in stretches, each block once.
pub(crate) fn run(
    store: &Store,
    name: &str,
    operations: Vec<Operation>,
    order: InsertOrder,
    interrupt: &Interrupt,
    mut modify: impl FnMut(Operation, &LongMutex<ReadAhead>) -> Committed<Write>,
) -> Committed<Answer> {
    let mut outcome = BulkOutcome::default();
    let mut lsn = Lsn(0);
    let mut stretches = Stretches::new(store, name, &operations);
    let mut operations = operations.into_iter().enumerate().peekable();
    while let Some((index, operation)) = operations.next() {
        stretches.reach(index, interrupt);
        match operation {
            Operation::Insert { mut documents, .. } => {
                let more = |next: &(usize, Operation)| matches!(next.1, Operation::Insert { .. });
                while let Some((_, Operation::Insert { documents: next, .. })) = operations.next_if(more) {
                    documents.extend(next);
                }
                lsn = lsn.max(bulk_insert(store, name, index, &documents, (order, interrupt), &mut outcome));
            }
            other => {
                let Committed { result, lsn: own } = modify(other, &stretches.ahead);
                lsn = lsn.max(own);
                add(&mut outcome, index, result);
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
    store: &Store,
    name: &str,
    first: usize,
    documents: &[Incoming],
    (order, interrupt): (InsertOrder, &Interrupt),
    outcome: &mut BulkOutcome,
) -> Lsn {
    let Committed { result, lsn } = by_id::insert_within(store, name, documents, order, interrupt);
    match result {
        Ok(InsertOutcome { inserted, failures }) => {
            outcome.inserted += inserted;
            outcome.failures.extend(failures.into_iter().map(|failure| failure.moved(first)));
        }
        Err(error) => outcome.failures.push(WriteError { index: first, error }),
    }
    lsn
}

/// Reads ahead for the writes of a bulk write that name an `_id`, stretch by stretch.
struct Stretches<'s> {
    store: &'s Store,
    name: &'s str,
    /// The key of each write, if it names one. Empty when every document is in memory.
    keys: Vec<Option<Key>>,
    /// The end of the stretch that was read.
    end: usize,
    ahead: LongMutex<ReadAhead>,
}

impl<'s> Stretches<'s> {
    fn new(store: &'s Store, name: &'s str, operations: &[Operation]) -> Stretches<'s> {
        let based = store.applied_collection(name).is_some_and(|collection| collection.is_based());
        let spills = based || store.has_evicted();
        let keys = if spills { operations.iter().map(named).collect() } else { Vec::new() };
        Stretches { store, name, keys, end: 0, ahead: LongMutex::default() }
    }

    /// Reads for the write at this index and the following ones, unless that was done. A failed read is left to its write.
    fn reach(&mut self, index: usize, interrupt: &Interrupt) {
        if index < self.end || index >= self.keys.len() {
            return;
        }
        let rest = self.keys.get(index..).unwrap_or_default();
        self.end = index + rest.len().min(PART_DOCUMENTS);
        let Some(collection) = self.store.applied_collection(self.name) else { return };
        let (mut found, mut bytes) = (Vec::new(), 0);
        for (n, key) in rest.iter().take(PART_DOCUMENTS).enumerate() {
            let Some(key) = key else { continue };
            let Ok(Some(slot)) = collection.slot_of(key) else { continue };
            let Ok(Some(Some(disk))) = collection.slab().newest(slot, Version::on_disk) else { continue };
            bytes += disk.span().len();
            if bytes > PART_BYTES && !found.is_empty() {
                self.end = index + n;
                break;
            }
            found.push((**disk.place(), slot));
        }
        // In file order, so that documents of one block are adjacent.
        found.sort_unstable_by_key(|(place, slot)| (place.file, place.offset, slot.0));
        let ahead = self.ahead.get_mut();
        ahead.next_batch();
        let _ = read_ahead::read_slots(
            self.store,
            &collection,
            found.into_iter().map(|(_, slot)| slot),
            ahead,
            interrupt,
        );
    }
}

/// The key of the document that a write names by its filter.
fn named(operation: &Operation) -> Option<Key> {
    match operation.with_variables().0 {
        Operation::Update { filter, .. }
        | Operation::Replace { filter, .. }
        | Operation::Delete { filter, .. } => {
            incoming::check(filter.bytes(), &filter.shapes).ok()?;
            filter.raw().get("_id").map(key_of)
        }
        _ => None,
    }
}

/// The result of one write of a bulk write.
pub(crate) enum Write {
    /// An update or a replacement.
    Updated(UpdateOutcome),
    /// Documents deleted.
    Deleted(u64),
}

fn add(outcome: &mut BulkOutcome, index: usize, result: Result<Write>) {
    match result {
        Ok(Write::Deleted(count)) => outcome.deleted += count,
        Ok(Write::Updated(update)) => {
            outcome.matched += update.matched;
            outcome.modified += update.modified;
            outcome.upserted.extend(update.upserted.map(|id| (index, id)));
        }
        Err(error) => outcome.failures.push(WriteError { index, error }),
    }
}

/// Whether the error of one write also applies to the following ones.
fn ends_all(kind: Kind) -> bool {
    matches!(kind, Kind::Timeout | Kind::Aborted | Kind::Closed | Kind::StoragePoisoned)
}
