//! Writes of a transaction that name their `_id`s.

use std::sync::Arc;

use super::work::{Seen, Work};
use crate::document::{RawValue, Value, id};
use crate::engine::commit::Over;
use crate::engine::commit::Target;
use crate::engine::commit::conflicts::{check_version, conflict, duplicate_id};
use crate::engine::commit::documents::PackedDocument;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::format::key::{Key, key_of};
use crate::engine::operation::input::{Incoming, incoming_key};
use crate::engine::operation::request::SetEntry;
use crate::engine::operation::response::{InsertOutcome, WriteError};
use crate::engine::state::collection::Collection;
use crate::engine::state::rules::Checked;
use crate::error::{Error, Kind, Result};

/// Documents between two checks of the limits.
const STRETCH: usize = 64;

/// Inserts documents until one fails: a failed write ends the transaction.
pub(crate) fn insert(
    work: &mut Work,
    name: &str,
    documents: &[Incoming],
    interrupt: &Interrupt,
) -> Result<InsertOutcome> {
    let mut outcome = InsertOutcome::default();
    for (index, document) in documents.iter().enumerate() {
        if index % STRETCH == 0 {
            interrupt.check(|| work.store.now())?;
        }
        match insert_one(work, name, document, interrupt) {
            Ok(()) => outcome.inserted += 1,
            Err(error) => {
                outcome.failures.push(WriteError { index, error });
                break;
            }
        }
    }
    Ok(outcome)
}

fn insert_one(work: &mut Work, name: &str, document: &Incoming, interrupt: &Interrupt) -> Result<()> {
    let raw = document.raw();
    let key = key_of_document(raw)?;
    let collection = work.collection_or_begin(name)?;
    let checked = bypassed(interrupt);
    let packed = pack(work, &collection, || PackedDocument::of_incoming(&collection, raw))?.checked(checked);
    let seen = work.seen(&collection, &key)?;
    if seen.present.is_some() {
        let id = raw.get("_id").map_or(Value::Null, |id| id.to_value());
        return Err(duplicate_id(&work.namespace(name), &id));
    }
    work.put(name, &collection, &key, &seen, &packed).map(drop)
}

/// Inserts or replaces documents; returns their versions.
pub(crate) fn set(
    work: &mut Work,
    name: &str,
    entries: &[SetEntry],
    interrupt: &Interrupt,
) -> Result<Vec<u64>> {
    let mut versions = Vec::with_capacity(entries.len());
    for (n, entry) in entries.iter().enumerate() {
        if n % STRETCH == 0 {
            interrupt.check(|| work.store.now())?;
        }
        let raw = entry.document.raw();
        let key = key_of_document(raw)?;
        let collection = work.collection_or_begin(name)?;
        let packed = pack(work, &collection, || PackedDocument::of_incoming(&collection, raw))?;
        let packed = packed.checked(bypassed(interrupt));
        let seen = work.seen(&collection, &key)?;
        check_version(name, entry.if_version, &over(&seen))?;
        versions.push(work.put(name, &collection, &key, &seen, &packed)?);
    }
    Ok(versions)
}

/// What is known of a document that has not been checked.
pub(super) fn bypassed(interrupt: &Interrupt) -> Checked {
    if interrupt.is_unchecked() { Checked::Bypassed } else { Checked::Never }
}

/// Deletes one document; returns whether there was one.
pub(crate) fn delete(work: &mut Work, name: &str, id: &Incoming, if_version: Option<u64>) -> Result<bool> {
    let key = incoming_key(id)?;
    let collection = work.collection(name);
    collection.as_ref().map_or(Ok(()), |collection| collection.check_stores(name))?;
    let seen = match collection {
        Some(collection) => Some((work.seen(&collection, &key)?, collection)),
        None => None,
    };
    match seen {
        Some((seen, collection)) if seen.present.is_some() => {
            check_version(name, if_version, &over(&seen))?;
            work.delete(name, &collection, &key, &seen)?;
            Ok(true)
        }
        _ if if_version.is_some_and(|version| version != 0) => Err(conflict(name, if_version, 0)),
        _ => Ok(false),
    }
}

fn over(seen: &Seen) -> Over {
    match &seen.present {
        Some(present) => Over::Present(Target::New(None), present.version, present.created_at),
        None => Over::Nothing(Target::New(None)),
    }
}

fn key_of_document(raw: RawValue<'_>) -> Result<Key> {
    let object = raw.as_object();
    let id = object.and_then(|object| object.get("_id"));
    let id = id.ok_or_else(|| Error::new(Kind::BadDocument, "a document must be an object with an _id"))?;
    id::check_new_id(id)?;
    Ok(key_of(id))
}

/// A document in its stored form, whose new shapes are numbered: those of a transaction that is aborted stay without documents.
pub(super) fn pack(
    work: &Work,
    collection: &Arc<Collection>,
    encode: impl Fn() -> Result<PackedDocument>,
) -> Result<PackedDocument> {
    loop {
        let packed = encode()?;
        if settle(work, collection, &packed)? {
            return Ok(packed);
        }
    }
}

/// Numbers the shapes of a document; false if it must be encoded again.
pub(super) fn settle(work: &Work, collection: &Collection, packed: &PackedDocument) -> Result<bool> {
    if packed.is_settled() {
        return Ok(true);
    }
    let _applied = work.store.applied_to_commit()?;
    packed.settle(collection)
}
