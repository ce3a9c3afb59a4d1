//! The writes of `$out` and `$merge`: documents that replace a whole collection, or that are merged by `_id`.
//!
//! The new documents are computed outside of the commit lock, from the versions at that time. Under the lock each one is
//! stored if that version is still the newest; the first document whose version is not, and all after it, are computed
//! again.

use crate::document::weight;
use crate::engine::commit;
use std::sync::Arc;

use crate::document::{RawValue, Shapes, Value, encode_plain, id};
use crate::engine::commit::documents::PackedDocument;
use crate::engine::commit::read_ahead::ReadAhead;
use crate::engine::commit::validation::checked_ahead;
use crate::engine::commit::{Commit, Committed, Current, CurrentDocument, Halt, Over, Target};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::format::key::{Key, key_of};
use crate::engine::state::collection::Collection;
use crate::engine::state::namespace::Shown;
use crate::engine::state::rules::Checked;
use crate::engine::state::slab::SlotId;
use crate::engine::store::Store;
use crate::engine::store::precedence::Subject;
use crate::error::{Error, Kind, Result, codes};
use crate::options::PART_BYTES;
use crate::query::aggregate::Merged;
use crate::query::difference;
use crate::storage::Lsn;

/// How often a document that others keep changing is computed before it gets precedence.
const PATIENCE: u32 = 3;

/// What is stored under a key, if the document there is still the one that was read.
struct Decided {
    key: Key,
    /// The slot of the document that was read, and its commit.
    seen: Option<(SlotId, Lsn)>,
    /// `None`: the stored document stays.
    next: Option<(Value, Option<PackedDocument>)>,
    /// By which rules it has been checked.
    checked: Checked,
}

/// Replaces the content of a collection, in one commit.
pub(crate) fn replace_all(
    store: &Store,
    collection: &str,
    documents: &[Value],
    interrupt: &Interrupt,
) -> Committed<()> {
    let keys = match documents.iter().map(key).collect::<Result<Vec<_>>>() {
        Ok(keys) => keys,
        Err(error) => return Committed::failed(error),
    };
    let applied = store.applied_collection(collection);
    // Its documents are new: what there was does not spare them.
    let checked = match checked_ahead(store, (collection, applied.as_deref()), documents, interrupt) {
        Ok(checked) => checked,
        Err(error) => return Committed::failed(error),
    };
    let bytes = documents.iter().map(|one| weight(one) + 64).sum();
    commit::run(store, bytes, |commit| {
        commit.checked = checked.clone();
        if commit.collection(collection).is_some_and(|target| target.capped().cap().is_some()) {
            let name = Shown(collection);
            let message = format!(
                "namespace '{name}' is capped so it can't be used for $out; use $merge, or another collection"
            );
            return Err(Error::new(Kind::BadQuery, message).with_code(codes::OUT_INTO_CAPPED).into());
        }
        let target = commit.recreate_collection(collection)?;
        // A result without documents makes an empty collection.
        commit.keep_created();
        for (document, key) in documents.iter().zip(&keys) {
            match commit.current(&target, key)? {
                Current::Present(_) => return Err(repeated("$out", document).into()),
                Current::Absent(place) => {
                    commit.pack_value(&target, document)?;
                    commit.put_packed(&target, key.clone(), Over::Nothing(place))?;
                }
            }
        }
        Ok(())
    })
}

/// Merges documents into a collection, in as many commits as needed.
pub(crate) fn merge(
    store: &Store,
    name: &str,
    documents: &[Value],
    merged: Merged<'_>,
    interrupt: &Interrupt,
) -> Committed<()> {
    let mut lsn = Lsn(0);
    let result = merge_all(store, name, documents, merged, interrupt, &mut lsn);
    Committed { result, lsn }
}

fn merge_all(
    store: &Store,
    name: &str,
    documents: &[Value],
    merged: Merged<'_>,
    interrupt: &Interrupt,
    written: &mut Lsn,
) -> Result<()> {
    let check = || interrupt.check(|| store.now());
    let (mut at, mut misses, mut ahead) = (0, 0, ReadAhead::default());
    let _hold = store.views().hold();
    while let Some(first) = documents.get(at) {
        check()?;
        let collection = store.applied_collection(name);
        // If the existence of the first document matters, its slot must be known.
        let slot = match &collection {
            Some(collection) => {
                let slot = collection.slot_of(&key(first)?)?;
                slot.map(|slot| Subject::Document(collection.number(), slot))
            }
            None => None,
        };
        let number = collection.as_ref().map_or(0, |collection| collection.number());
        let subject = slot.unwrap_or(Subject::Collection(number));
        let held = if misses >= PATIENCE { Some(store.precedence().take(subject, check)?) } else { None };
        let mut decided = Vec::new();
        ahead.next_batch();
        let mut bytes = 0;
        for document in documents.iter().skip(at) {
            let target = (name, collection.as_ref());
            let one = decide(store, target, document, (merged, &mut ahead), interrupt)?;
            bytes += one.next.as_ref().map_or(0, |(value, _)| weight(value) + 64);
            decided.push(one);
            if bytes > PART_BYTES || held.is_some() {
                break;
            }
        }
        let committed = commit::run_ahead(store, bytes, interrupt, &mut ahead, |commit| {
            let target = commit.collection_or_create(name)?;
            let same = collection.as_ref().is_none_or(|known| known.number() == target.number());
            let mut passed = 0;
            for one in decided.iter().take_while(|_| same) {
                if commit.size() > PART_BYTES || !put(commit, &target, one)? {
                    break;
                }
                passed += 1;
            }
            Ok(passed)
        });
        drop(held);
        *written = (*written).max(committed.lsn);
        let passed = committed.result?;
        misses = if passed == 0 { misses + 1 } else { 0 };
        at += passed;
    }
    Ok(())
}

fn decide(
    store: &Store,
    (name, collection): (&str, Option<&Arc<Collection>>),
    document: &Value,
    (merged, ahead): (Merged<'_>, &mut ReadAhead),
    interrupt: &Interrupt,
) -> Result<Decided> {
    let key = key(document)?;
    let mut found = None;
    if let Some(collection) = collection
        && let Some(slot) = collection.slot_of(&key)?
    {
        found = ahead.newest_in(store, collection, slot)?.map(|(lsn, now)| (slot, lsn, now));
    }
    let old = found.as_ref().zip(collection);
    let old = old.map(|((_, _, now), collection)| now.document(collection.shapes()).to_value());
    let seen = found.map(|(slot, lsn, _)| (slot, lsn));
    let Some(next) = merged(old.as_ref(), document)?.filter(|next| old.as_ref() != Some(next)) else {
        return Ok(Decided { key, seen, next: None, checked: Checked::Never });
    };
    if self::key(&next)? != key {
        let message = "$merge cannot change an _id; leave it out of whenMatched";
        return Err(Error::new(Kind::BadQuery, message).with_code(codes::IMMUTABLE_FIELD));
    }
    let checked = match collection.and_then(|collection| collection.rules()) {
        _ if interrupt.is_unchecked() => Checked::Bypassed,
        Some(rules) => {
            rules.check(name, &next, old.as_ref(), &store.work(interrupt))?;
            Checked::By(rules)
        }
        None => Checked::Never,
    };
    let packed = collection.map(|collection| PackedDocument::of(collection, &next)).transpose()?;
    let packed = packed.map(|packed| packed.checked(checked.clone()));
    let packed = match (packed, &old) {
        (Some(packed), Some(old)) if next != *document => {
            let mut paths = Vec::new();
            difference(old, &next, &mut paths);
            Some(packed.updated(paths))
        }
        (packed, _) => packed,
    };
    Ok(Decided { key, seen, next: Some((next, packed)), checked })
}

/// Stores a document; false if the document there is not the one that was read.
fn put(commit: &mut Commit<'_>, collection: &Arc<Collection>, one: &Decided) -> Result<bool, Halt> {
    let current = commit.current(collection, &one.key)?;
    let (now, over) = match &current {
        Current::Absent(target) => (None, Over::Nothing(*target)),
        Current::Present(present) => (seen_as(collection, present), Over::from(present)),
    };
    // The next document sees what this commit stored there.
    let is_own = matches!(current, Current::Present(CurrentDocument { target: Target::Step(_), .. }));
    if is_own || now != one.seen {
        return Ok(false);
    }
    commit.checked = one.checked.clone();
    match &one.next {
        None => {}
        Some((_, Some(packed))) => {
            if !packed.settle(collection)? {
                return Ok(false);
            }
            let present = match &current {
                Current::Present(present) => Some(present),
                Current::Absent(_) => None,
            };
            commit.put_over(collection, one.key.clone(), over, present, (packed.bytes(), packed.making()))?;
        }
        Some((next, None)) => {
            commit.pack_value(collection, next)?;
            commit.put_packed(collection, one.key.clone(), over)?;
        }
    }
    Ok(true)
}

fn seen_as(collection: &Collection, present: &CurrentDocument) -> Option<(SlotId, Lsn)> {
    let Target::Slot(slot) = present.target else { return None };
    // In memory: it was just found there.
    Some((slot, collection.slab().newest(slot, |version| version.lsn).ok()??))
}

fn repeated(stage: &str, document: &Value) -> Error {
    let found = match document {
        Value::Object(fields) => fields.first().map_or("missing", |(_, id)| id.type_name()),
        other => other.type_name(),
    };
    let message = format!(
        "{stage} met two documents with the same _id, of type {found}; group by it, or project another _id"
    );
    Error::new(Kind::DuplicateKey, message)
}

/// The directory key of a document.
pub(crate) fn key(document: &Value) -> Result<Key> {
    let found = match document {
        Value::Object(fields) => fields.iter().find(|(key, _)| key == "_id").map(|(_, id)| id),
        _ => None,
    };
    let mut plain = Vec::new();
    encode_plain(found.unwrap_or(&Value::Null), &mut plain);
    let raw = RawValue::new(&plain, Shapes::none());
    id::check_new_id(raw)?;
    Ok(key_of(raw))
}
