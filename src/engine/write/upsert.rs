//! Inserts of upserts that matched nothing, and replacements of documents.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::find_and_modify::projected;
use super::modification::{Change, Modification};
use crate::document::{Leaf, Object, Path, RawValue, Shapes, Value, encode, id, order};
use crate::engine::commit;
use crate::engine::commit::conflicts::duplicate_id;
use crate::engine::commit::documents::PackedDocument;
use crate::engine::commit::read_ahead::ReadAhead;
use crate::engine::commit::validation::checked_ahead;
use crate::engine::commit::{Commit, Committed, Current, Halt, Over};
use crate::engine::format::key::{Key, key_of};
use crate::engine::operation::input::Incoming;
use crate::engine::operation::request::Returned;
use crate::engine::state::collection::Collection;
use crate::engine::state::recent::Since;
use crate::engine::state::slab::SlotId;
use crate::engine::store::Store;
use crate::engine::store::precedence::Subject;
use crate::error::{Error, Kind, Result, codes};
use crate::query::{Filter, UpdateTarget};
use crate::storage::Lsn;
use crate::work::Work;

/// How often an upsert matches what changed meanwhile before it takes precedence over its collection.
const PATIENCE: u32 = 8;
/// Slots that are passed between two checks of the limits.
const PAGE: u64 = 4_096;

/// The state in which a search found nothing.
#[derive(Clone, Copy)]
pub(crate) struct Searched<'c> {
    /// The collection, if it existed.
    pub(crate) collection: Option<&'c Arc<Collection>>,
    /// The search saw all commits up to this one.
    pub(crate) lsn: Lsn,
}

/// The result of an upsert.
pub(crate) enum Upserted {
    /// A document with this `_id` was inserted, and the document to return.
    Inserted(Value, Option<Value>),
    /// None: another writer has written a matching document since the search.
    Overtaken,
}

/// What an upsert finds under the commit lock.
enum Attempt {
    Inserted,
    /// Another collection has the name now.
    Elsewhere,
    /// These documents changed up to this commit.
    Changed(Lsn, Since),
    /// Its shapes must be numbered again.
    Stale,
}

/// Inserts the document of filter and change, if no other writer has written a match since the search.
pub(crate) fn insert(
    store: &Store,
    modification: &Modification<'_>,
    searched: Option<Searched<'_>>,
) -> Committed<Upserted> {
    let mut lsn = Lsn(0);
    let result = insert_since(store, modification, searched, &mut lsn);
    Committed { result, lsn }
}

fn insert_since(
    store: &Store,
    modification: &Modification<'_>,
    mut searched: Option<Searched<'_>>,
    lsn: &mut Lsn,
) -> Result<Upserted> {
    let Modification { name, interrupt, .. } = *modification;
    let work = store.work(interrupt);
    let NewDocument { document, id, key, answer } = new_document(modification, store.time(), &work)?;
    let known = searched.as_ref().and_then(|searched| searched.collection);
    let applied = store.applied_collection(name);
    let checked = checked_ahead(store, (name, applied.as_deref()), [&document], interrupt)?;
    let check = || interrupt.check(|| store.now());
    let mut packed = known.map(|known| PackedDocument::of(known, &document)).transpose()?;
    let (mut tries, mut held) = (0, None);
    loop {
        check()?;
        let insert = |commit: &mut Commit<'_>| {
            commit.checked = checked.clone();
            if let Some(Searched { collection, lsn }) = searched {
                let now = commit.collection(name);
                if now.as_ref().map(|now| now.number()) != collection.map(|one| one.number()) {
                    return Ok(Attempt::Elsewhere);
                }
                if let Some(collection) = collection.filter(|one| one.recent().is_newer(lsn)) {
                    return Ok(Attempt::Changed(commit.applied.lsn, collection.recent().since(lsn)));
                }
            }
            insert_now(commit, name, (&key, &id), &document, packed.as_ref())
        };
        let committed = commit::run_within(store, key.len() + 256, interrupt, insert);
        match (committed.into_result(lsn)?, &mut searched) {
            (Attempt::Inserted, _) => return Ok(Upserted::Inserted(id, answer)),
            (Attempt::Changed(until, since), Some(Searched { collection: Some(collection), lsn })) => {
                if has_match(store, collection, modification, *lsn, since)? {
                    return Ok(Upserted::Overtaken);
                }
                *lsn = until;
                tries += 1;
                if tries == PATIENCE {
                    let subject = Subject::Collection(collection.number());
                    held = Some(store.precedence().take(subject, check)?);
                }
            }
            (Attempt::Stale, _) => {
                packed = known.map(|known| PackedDocument::of(known, &document)).transpose()?
            }
            (Attempt::Elsewhere | Attempt::Changed(..), _) => return Ok(Upserted::Overtaken),
        }
        tracing::trace!(tries, has_precedence = held.is_some(), "an upsert met other writers");
    }
}

/// Inserts the document, unless there is one with this `_id`; `packed` is its stored form, if it was encoded before.
fn insert_now(
    commit: &mut Commit<'_>,
    name: &str,
    (key, id): (&Key, &Value),
    document: &Value,
    packed: Option<&PackedDocument>,
) -> Result<Attempt, Halt> {
    let collection = commit.collection_or_create(name)?;
    let over = match commit.current(&collection, key)? {
        Current::Present(_) => return Err(duplicate_id(&commit.namespace(name), id).into()),
        Current::Absent(target) => Over::Nothing(target),
    };
    match packed {
        Some(packed) if !packed.settle(&collection)? => return Ok(Attempt::Stale),
        Some(packed) => commit.put(&collection, key.clone(), over, packed.bytes())?,
        None => {
            commit.pack_value(&collection, document)?;
            commit.put_packed(&collection, key.clone(), over)?
        }
    };
    Ok(Attempt::Inserted)
}

/// Whether a document that changed since matches now.
fn has_match(
    store: &Store,
    collection: &Arc<Collection>,
    modification: &Modification<'_>,
    lsn: Lsn,
    since: Since,
) -> Result<bool> {
    let mut ahead = ReadAhead::default();
    let mut matches = |slots: &[SlotId]| -> Result<bool> {
        ahead.next_batch();
        for slot in slots {
            if let Some((_, present)) = ahead.newest_in(store, collection, *slot)?
                && modification.filter.matches(present.document(collection.shapes()))
            {
                return Ok(true);
            }
        }
        Ok(false)
    };
    if let Since::Slots(slots) = since {
        return matches(&slots);
    }
    let (mut at, end) = (0, collection.slab().end());
    while at < end {
        modification.interrupt.check(|| store.now())?;
        let mut newer = Vec::new();
        let to = end.min(at + PAGE);
        collection.slab().scan(at, to, Lsn::NEWEST, |slot, version| {
            if version.lsn > lsn {
                newer.push(slot);
            }
            ControlFlow::Continue(())
        })?;
        if matches(&newer)? {
            return Ok(true);
        }
        at = to;
    }
    Ok(false)
}

/// Whether the document that conflicts with an upsert has the values of the filter: all fields of the conflict are
/// equalities of the filter.
pub(crate) fn may_match(filter: &Filter, error: &Error) -> bool {
    let (Kind::DuplicateKey, Some(taken)) = (error.kind(), &error.details().key_value) else { return false };
    let shapes = Shapes::new();
    let taken = RawValue::new(taken, &shapes);
    let (seed, collation) = (Value::Object(filter.upsert_seed().unwrap_or_default()), filter.collation());
    taken.as_object().is_some_and(|taken| {
        taken.iter().all(|(path, value)| {
            let equal = |own: Option<&Value>| own.is_some_and(|own| collation.equal(own, value));
            Path::parse(path).walk(&seed, Leaf::Whole, &mut |own| equal(own))
        })
    })
}

/// The fields of an object.
pub(crate) fn object_of(raw: RawValue<'_>) -> Object {
    raw.as_object().map(|object| object.to_object()).unwrap_or_default()
}

/// The replacement with this `_id` first; an `_id` of its own must be equal to it.
pub(crate) fn replacement_of(replacement: &Incoming, id: &Value) -> Result<Object> {
    let mut object = object_of(replacement.raw());
    if let Some(at) = object.iter().position(|(key, _)| key == "_id") {
        let (_, own) = object.remove(at);
        if order::compare_values(&own, id).is_ne() {
            let message = "the replacement has another _id; an _id never changes, so leave it out";
            return Err(Error::new(Kind::BadUpdate, message).with_code(codes::IMMUTABLE_FIELD));
        }
    }
    object.insert(0, ("_id".to_owned(), id.clone()));
    Ok(object)
}

/// What an upsert inserts.
pub(crate) struct NewDocument {
    pub(crate) document: Value,
    pub(crate) id: Value,
    pub(crate) key: Key,
    /// The document to return, where that is asked for.
    pub(crate) answer: Option<Value>,
}

/// The document of filter and change.
pub(crate) fn new_document(modification: &Modification<'_>, now: i64, work: &Work) -> Result<NewDocument> {
    let (object, id, key) = upserted(modification, now, work)?;
    work.check()?;
    let document = Value::Object(object);
    let answer = match modification.answer {
        Some((Returned::After, projection)) => projected(&document, projection, modification.filter)?,
        _ => None,
    };
    Ok(NewDocument { document, id, key, answer })
}

/// The document that an upsert inserts, its `_id`, and its key.
fn upserted(modification: &Modification<'_>, now: i64, work: &Work) -> Result<(Object, Value, Key)> {
    let mut object = match modification.change {
        Change::Update(update) => {
            let mut seed = modification.filter.upsert_seed()?;
            update.apply_within(&mut seed, now, UpdateTarget::Inserted, None, work)?;
            seed
        }
        Change::Replace(replacement) => {
            let mut object = object_of(replacement.raw());
            if !object.iter().any(|(key, _)| key == "_id")
                && let Some(id) = modification.filter.id()
            {
                object.insert(0, ("_id".to_owned(), id.clone()));
            }
            object
        }
        Change::Delete => return Err(Error::new(Kind::Internal, "a deletion cannot upsert")),
    };
    let own = object.iter().position(|(key, _)| key == "_id").map(|at| object.remove(at).1);
    let id = match (own, modification.upsert.1) {
        (Some(id), _) => id,
        (None, Some(new_id)) => new_id.raw().to_value(),
        (None, None) => return Err(Error::new(Kind::BadDocument, "an upserted document has no _id")),
    };
    let mut plain = Vec::new();
    encode::encode_plain(&id, &mut plain);
    let raw = RawValue::new(&plain, Shapes::none());
    id::check_new_id(raw)?;
    object.insert(0, ("_id".to_owned(), id.clone()));
    Ok((object, id, key_of(raw)))
}
