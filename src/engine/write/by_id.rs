//! Writes that name their `_id`s: inserts, sets, deletions, each resolved into commits. Each result comes with the last LSN
//! that it depends on.

use std::sync::Arc;

use crate::document::staged::StagedShapes;
use crate::document::{RawValue, Value, id, incoming};
use crate::engine::commit;
use crate::engine::commit::conflicts::{check_version, conflict, duplicate_id};
use crate::engine::commit::read_ahead::{self, ReadAhead};
use crate::engine::commit::validation::checked_ahead;
use crate::engine::commit::{Commit, Committed, Current, Halt, Over};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::format::key::{Key, key_of};
use crate::engine::operation::input::{Incoming, incoming_key};
use crate::engine::operation::request::{InsertOrder, SetEntry};
use crate::engine::operation::response::{Answer, InsertOutcome, WriteError};
use crate::engine::state::collection::Collection;
use crate::engine::state::rules::Checked;
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::options::{PART_BYTES, PART_DOCUMENTS};
use crate::storage::Lsn;

/// A document that was validated and translated before the commit lock, as far as its collection knew its shapes.
struct Prepared<'a> {
    incoming: &'a Incoming,
    /// The stored form, and the number of the collection whose shapes it uses; `None` when shapes must be numbered first.
    stored: Option<(u32, std::ops::Range<usize>)>,
    key: Key,
}

/// Inserts documents; failures are part of the result.
#[cfg(test)]
pub(crate) fn insert(
    store: &Store,
    name: &str,
    documents: &[Incoming],
    order: InsertOrder,
) -> Committed<InsertOutcome> {
    insert_within(store, name, documents, order, &Interrupt::default())
}

/// Like `insert`, but stops between two commits when the interrupt fires.
pub(crate) fn insert_within(
    store: &Store,
    name: &str,
    documents: &[Incoming],
    order: InsertOrder,
    interrupt: &Interrupt,
) -> Committed<InsertOutcome> {
    if let Err(error) = store.check_stores(name) {
        return Committed::failed(error);
    }
    let mut outcome = InsertOutcome::default();
    let mut lsn = Lsn(0);
    let mut first = 0;
    while first < documents.len() {
        let chunk = chunk_of(&documents[first..], |document| document.range.len());
        let inserted = interrupt
            .check(|| store.now())
            .and_then(|()| insert_chunk(store, name, chunk, order, interrupt).into_result(&mut lsn));
        match inserted {
            Ok(part) => {
                outcome.inserted += part.inserted;
                outcome.failures.extend(part.failures.into_iter().map(|failure| failure.moved(first)));
            }
            Err(error) => {
                outcome.failures.push(WriteError { index: first, error });
                break;
            }
        }
        if order == InsertOrder::Ordered && !outcome.failures.is_empty() {
            break;
        }
        first += chunk.len();
    }
    Committed { result: Ok(outcome), lsn }
}

/// Inserts documents in one commit.
fn insert_chunk(
    store: &Store,
    name: &str,
    chunk: &[Incoming],
    order: InsertOrder,
    interrupt: &Interrupt,
) -> Committed<InsertOutcome> {
    let mut packed = Vec::new();
    let collection = store.applied_collection(name);
    let rules = collection.as_deref().and_then(Collection::rules).filter(|_| !interrupt.is_unchecked());
    let checked = match (&rules, interrupt.is_unchecked()) {
        (_, true) => Checked::Bypassed,
        (Some(rules), _) => Checked::By(rules.clone()),
        (None, _) => Checked::Never,
    };
    let work = rules.as_ref().map(|_| store.work(interrupt));
    let prepared: Vec<_> = chunk
        .iter()
        .map(|one| {
            let prepared = prepare(one, collection.as_deref(), &mut packed)?;
            if let (Some(rules), Some(work)) = (&rules, &work) {
                rules.check(name, one.raw(), None::<RawValue<'_>>, work)?;
            }
            Ok(prepared)
        })
        .collect::<Vec<Result<_>>>();
    let bytes = chunk.iter().map(|document| document.range.len() + 64).sum();
    commit::run_within(store, bytes, interrupt, |commit| {
        let mut outcome = InsertOutcome::default();
        commit.checked = checked.clone();
        // The collection is created with the first document that can be inserted, if it does not exist.
        let mut into = None;
        for (index, prepared) in prepared.iter().enumerate() {
            let inserted = match prepared {
                Ok(prepared) => insert_one(commit, (name, &mut into), prepared, &packed),
                Err(error) => Err(Halt::Error(error.clone())),
            };
            match inserted {
                Ok(()) => outcome.inserted += 1,
                Err(Halt::Error(error)) => {
                    outcome.failures.push(WriteError { index, error });
                    if order == InsertOrder::Ordered {
                        break;
                    }
                }
                Err(halt) => return Err(halt),
            }
        }
        Ok(outcome)
    })
}

/// Inserts or replaces documents, all or none.
pub(crate) fn set(store: &Store, name: &str, entries: &[SetEntry]) -> Committed<Answer> {
    let mut packed = Vec::new();
    let collection = store.applied_collection(name);
    let prepared: Result<Vec<_>> =
        entries.iter().map(|entry| prepare(&entry.document, collection.as_deref(), &mut packed)).collect();
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return Committed::failed(error),
    };
    let interrupt = Interrupt::default();
    let documents = entries.iter().map(|entry| entry.document.raw());
    let checked = match checked_ahead(store, (name, collection.as_deref()), documents, &interrupt) {
        Ok(checked) => checked,
        Err(error) => return Committed::failed(error),
    };
    let bytes = entries.iter().map(|entry| entry.document.range.len() + 64).sum();
    let mut ahead = ReadAhead::default();
    if let Some(collection) = &collection {
        // A key that cannot be looked up is met again by the commit.
        let slots = prepared.iter().filter_map(|one| collection.slot_of(&one.key).ok().flatten());
        if let Err(error) = read_ahead::read_slots(store, collection, slots, &mut ahead, &interrupt) {
            return Committed::failed(error);
        }
    }
    commit::run_ahead(store, bytes, &interrupt, &mut ahead, |commit| {
        let mut versions = Vec::with_capacity(entries.len());
        commit.checked = checked.clone();
        for (entry, prepared) in entries.iter().zip(&prepared) {
            let collection = commit.collection_or_create(name)?;
            let over = match commit.current(&collection, &prepared.key)? {
                Current::Absent(target) => Over::Nothing(target),
                Current::Present(present) => Over::from(&present),
            };
            check_version(name, entry.if_version, &over)?;
            versions.push(put_prepared(commit, &collection, prepared, &packed, over)?);
        }
        Ok(Answer::Versions(versions))
    })
}

/// Deletes a document by `_id`.
pub(crate) fn delete(store: &Store, name: &str, id: &Incoming, if_version: Option<u64>) -> Committed<Answer> {
    let key = match incoming_key(id) {
        Ok(key) => key,
        Err(error) => return Committed::failed(error),
    };
    commit::run(store, id.range.len(), |commit| {
        let collection = commit.collection(name);
        collection.as_ref().map_or(Ok(()), |collection| collection.check_stores(name))?;
        let current = match collection {
            Some(collection) => Some((commit.current(&collection, &key)?, collection)),
            None => None,
        };
        Ok(Answer::Bool(match current {
            Some((Current::Present(present), collection)) => {
                check_version(name, if_version, &Over::from(&present))?;
                commit.delete(&collection, key.clone(), &present)?;
                true
            }
            _ => {
                if if_version.is_some_and(|version| version != 0) {
                    return Err(conflict(name, if_version, 0).into());
                }
                false
            }
        }))
    })
}

/// The first documents, as many as are committed under one hold of the commit lock.
fn chunk_of<T>(rest: &[T], size: impl Fn(&T) -> usize) -> &[T] {
    let mut bytes = 0;
    let taken = rest
        .iter()
        .take(PART_DOCUMENTS)
        .take_while(|one| {
            let fits = bytes == 0 || bytes + size(one) <= PART_BYTES;
            bytes += size(one);
            fits
        })
        .count();
    &rest[..taken]
}

fn prepare<'a>(
    document: &'a Incoming,
    collection: Option<&Collection>,
    packed: &mut Vec<u8>,
) -> Result<Prepared<'a>> {
    let raw = document.raw();
    let start = packed.len();
    let stored = match collection {
        None => {
            incoming::check_document(raw)?;
            None
        }
        Some(collection) => {
            let mut staged = StagedShapes::new(collection.shapes());
            incoming::store_with(raw, &collection.translation(raw.shapes()), &mut staged, packed)?;
            if staged.is_empty() {
                Some((collection.number(), start..packed.len()))
            } else {
                packed.truncate(start);
                None
            }
        }
    };
    let object = raw.as_object();
    let id = object.and_then(|object| object.get("_id"));
    let id = id.ok_or_else(|| Error::new(Kind::BadDocument, "a document must be an object with an _id"))?;
    id::check_new_id(id)?;
    Ok(Prepared { incoming: document, stored, key: key_of(id) })
}

fn insert_one(
    commit: &mut Commit<'_>,
    (name, into): (&str, &mut Option<Arc<Collection>>),
    prepared: &Prepared<'_>,
    packed: &[u8],
) -> Result<(), Halt> {
    let collection = match into {
        Some(known) => known,
        None => into.insert(commit.collection_or_create(name)?),
    };
    match commit.current(collection, &prepared.key)? {
        Current::Present(_) => {
            let id = prepared.incoming.raw().get("_id").map_or(Value::Null, |id| id.to_value());
            Err(duplicate_id(&commit.namespace(name), &id).into())
        }
        Current::Absent(target) => {
            put_prepared(commit, collection, prepared, packed, Over::Nothing(target))?;
            Ok(())
        }
    }
}

fn put_prepared(
    commit: &mut Commit<'_>,
    collection: &Arc<Collection>,
    prepared: &Prepared<'_>,
    packed: &[u8],
    over: Over,
) -> Result<u64, Halt> {
    let key = prepared.key.clone();
    match &prepared.stored {
        // Shape numbers belong to the collection at that time; it may have been dropped since.
        Some((number, range)) if *number == collection.number() => {
            commit.put(collection, key, over, &packed[range.clone()])
        }
        _ => {
            commit.pack_incoming(collection, prepared.incoming.raw())?;
            commit.put_packed(collection, key, over)
        }
    }
}
