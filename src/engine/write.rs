//! Writes: each operation resolved into commits. The last number that an answer rests on comes with it.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::collection::Collection;
use super::commit::{Commit, Committed, Current, Halt, Over, Present};
use super::key::{Key, key_of};
use super::limits::Watch;
use super::operation::{
    Answer, Incoming, InsertOrder, Reach, Returned, SetEntry, UpdateOutcome, Upsert, WriteError,
};
use super::read::incoming_key;
use super::slab::SlotId;
use super::store::Store;
use crate::document::staged::StagedShapes;
use crate::document::{Object, RawValue, Shapes, Value, encode, id, incoming, order};
use crate::error::{Details, Error, Kind, Result};
use crate::query::{Filter, Projection, Sort, SortKey, Update};
use crate::storage::Lsn;

/// Documents resolved under one hold of the commit lock.
const DOCUMENTS: usize = 1_000;
/// Bytes resolved under one hold of the commit lock; a frame holds hardly more.
const BYTES: usize = 8 << 20;
/// How often an upsert looks again after someone else inserted what it was about to.
const UPSERT_TRIES: usize = 8;

/// What a write does to a document that matches.
pub enum Change<'a> {
    /// Applies operators.
    Update(&'a Update),
    /// Puts another in its place.
    Replace(&'a Incoming),
    /// Deletes it.
    Delete,
}

/// A write by filter.
pub struct Modification<'a> {
    /// The collection's name.
    pub name: &'a str,
    /// Which documents.
    pub filter: &'a Filter,
    /// One or many.
    pub reach: Reach,
    /// What happens to them.
    pub change: Change<'a>,
    /// When none matches; the `_id` is for a document that gets none from filter and change.
    pub upsert: (Upsert, Option<&'a Incoming>),
    /// Of one document: the first in this order.
    pub sort: Option<&'a Sort>,
    /// The document that the answer is to hold, in this form.
    pub answer: Option<(Returned, Option<&'a Projection>)>,
    /// When to stop.
    pub watch: &'a Watch,
}

/// A document checked and translated before the commit lock, as far as its collection knew its shapes.
struct Prepared<'a> {
    incoming: &'a Incoming,
    /// The stored form, and the number of the collection whose shapes it names; `None` when shapes have to be
    /// numbered first.
    stored: Option<(u32, std::ops::Range<usize>)>,
    key: Key,
}

struct Candidate {
    slot: SlotId,
    lsn: Lsn,
    bytes: usize,
}

impl Store {
    /// Inserts documents; failures are part of the answer.
    pub fn insert(&self, name: &str, documents: &[Incoming], order: InsertOrder) -> Committed<Answer> {
        let mut inserted = 0;
        let mut failures: Vec<WriteError> = Vec::new();
        let mut lsn = Lsn(0);
        let mut first = 0;
        while first < documents.len() {
            let chunk = chunk_of(&documents[first..], |document| document.range.len());
            let mut packed = Vec::new();
            let collection = self.applied_collection(name);
            let prepared: Vec<_> =
                chunk.iter().map(|one| prepare(one, collection.as_deref(), &mut packed)).collect();
            let bytes = chunk.iter().map(|document| document.range.len() + 64).sum();
            let committed = self.commit(bytes, |commit| {
                let mut failed = Vec::new();
                let mut count = 0;
                for (n, prepared) in prepared.iter().enumerate() {
                    let outcome = match prepared {
                        Ok(prepared) => insert_one(commit, name, prepared, &packed),
                        Err(error) => Err(Halt::Error(error.clone())),
                    };
                    match outcome {
                        Ok(()) => count += 1,
                        Err(Halt::Error(error)) => {
                            failed.push(WriteError { index: first + n, error });
                            if order == InsertOrder::Ordered {
                                break;
                            }
                        }
                        Err(cold) => return Err(cold),
                    }
                }
                Ok((count, failed))
            });
            lsn = lsn.max(committed.lsn);
            match committed.result {
                Ok((count, failed)) => {
                    inserted += count;
                    failures.extend(failed);
                }
                Err(error) => {
                    failures.push(WriteError { index: first, error });
                    break;
                }
            }
            if order == InsertOrder::Ordered && !failures.is_empty() {
                break;
            }
            first += chunk.len();
        }
        Committed { result: Ok(Answer::Inserted { inserted, failures }), lsn }
    }

    /// Inserts or replaces documents, all or none.
    pub fn set(&self, name: &str, entries: &[SetEntry]) -> Committed<Answer> {
        let mut packed = Vec::new();
        let collection = self.applied_collection(name);
        let prepared: Result<Vec<_>> = entries
            .iter()
            .map(|entry| prepare(&entry.document, collection.as_deref(), &mut packed))
            .collect();
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Committed { result: Err(error), lsn: Lsn(0) },
        };
        let bytes = entries.iter().map(|entry| entry.document.range.len() + 64).sum();
        self.commit(bytes, |commit| {
            let mut versions = Vec::with_capacity(entries.len());
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
    pub fn delete_id(&self, name: &str, id: &Incoming, if_version: Option<u64>) -> Committed<Answer> {
        let key = match incoming_key(id) {
            Ok(key) => key,
            Err(error) => return Committed { result: Err(error), lsn: Lsn(0) },
        };
        self.commit(id.range.len(), |commit| {
            let current = match commit.collection(name) {
                Some(collection) => Some((commit.current(&collection, &key)?, collection)),
                None => None,
            };
            Ok(Answer::Bool(match current {
                Some((Current::Present(present), collection)) => {
                    check_version(name, if_version, &Over::from(&present))?;
                    commit.delete(&collection, key.clone(), &present);
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

    /// Drops a collection.
    pub fn drop_collection(&self, name: &str) -> Committed<Answer> {
        self.commit(64, |commit| Ok(Answer::Bool(commit.drop_collection(name))))
    }

    /// Gives a collection another name; with `drop_target` in place of the collection that has it.
    pub fn rename(&self, name: &str, to: &str, drop_target: bool) -> Committed<Answer> {
        self.commit(to.len() + 64, |commit| {
            let Some(collection) = commit.collection(name) else {
                let message = format!("the collection '{name}' does not exist, so it cannot be renamed");
                return Err(Error::new(Kind::BadQuery, message).into());
            };
            if name == to {
                let message = format!("the collection '{name}' has this name already; give another");
                return Err(Error::new(Kind::BadQuery, message).into());
            }
            if commit.collection(to).is_some() && !drop_target {
                let message = format!(
                    "there is a collection '{to}' already; drop it first, or rename with {{ dropTarget: true }}"
                );
                return Err(Error::new(Kind::Conflict, message).into());
            }
            commit.drop_collection(to);
            commit.rename_collection(&collection, to);
            Ok(Answer::Done)
        })
    }

    /// Changes what a filter matches.
    pub fn modify(&self, modification: &Modification<'_>) -> Committed<UpdateOutcome> {
        let Committed { result, lsn } = self.modify_answering(modification);
        Committed { result: result.map(|(outcome, _)| outcome), lsn }
    }

    /// Changes what a filter matches, and answers the document that was changed as `answer` asks.
    pub fn modify_answering(
        &self,
        modification: &Modification<'_>,
    ) -> Committed<(UpdateOutcome, Option<Value>)> {
        let mut outcome = UpdateOutcome { matched: 0, modified: 0, upserted: None };
        let mut lsn = Lsn(0);
        for _ in 0..UPSERT_TRIES {
            let committed = self.modify_matching(modification);
            lsn = lsn.max(committed.lsn);
            match committed.result {
                Ok(changed) => {
                    (outcome.matched, outcome.modified) = (changed.matched, changed.modified);
                    if outcome.matched > 0 || modification.upsert.0 == Upsert::No {
                        return Committed { result: Ok((outcome, changed.answer)), lsn };
                    }
                }
                Err(error) => return Committed { result: Err(error), lsn },
            }
            let upserted = self.upsert(modification);
            lsn = lsn.max(upserted.lsn);
            match upserted.result {
                Ok((id, answer)) => {
                    outcome.upserted = Some(id);
                    return Committed { result: Ok((outcome, answer)), lsn };
                }
                // Someone else inserted it meanwhile: it may match now. An `_id` that cannot match is final.
                Err(error) if error.kind() == Kind::DuplicateKey && modification.filter.id().is_some() => {}
                Err(error) => return Committed { result: Err(error), lsn },
            }
        }
        let message = format!("an upsert into {} met other writers {UPSERT_TRIES} times", modification.name);
        Committed { result: Err(Error::new(Kind::Conflict, message)), lsn }
    }

    fn modify_matching(&self, modification: &Modification<'_>) -> Committed<Changed> {
        let Modification { name, filter, reach, .. } = modification;
        let Some(collection) = self.applied_collection(name) else {
            return Committed { result: Ok(Changed::default()), lsn: self.applied_lsn() };
        };
        let mut all = Changed::default();
        let mut lsn = Lsn(0);
        let end = collection.slab().end();
        let mut from = 0;
        let _hold = self.views().hold();
        loop {
            let (candidates, next) = match self.candidates(&collection, modification, (from, end)) {
                Ok(found) => found,
                Err(error) => return Committed { result: Err(error), lsn },
            };
            // Read before the number, so that the answer rests on no later state than the number says.
            lsn = lsn.max(self.applied_lsn());
            if candidates.is_empty() {
                return Committed { result: Ok(all), lsn };
            }
            let mut at = 0;
            while at < candidates.len() {
                if let Err(error) = modification.watch.check(|| self.now()) {
                    return Committed { result: Err(error), lsn };
                }
                let bytes = candidates[at..].iter().map(|one| one.bytes + 64).sum::<usize>().min(BYTES);
                let committed = self.commit(bytes, |commit| {
                    change_candidates(commit, &collection, modification, &candidates[at..])
                });
                lsn = lsn.max(committed.lsn);
                match committed.result {
                    Ok(changed) => {
                        all.matched += changed.matched;
                        all.modified += changed.modified;
                        all.answer = changed.answer;
                        at += changed.passed;
                        if let Some(error) = changed.failure {
                            return Committed { result: Err(error), lsn };
                        }
                    }
                    Err(error) => return Committed { result: Err(error), lsn },
                }
            }
            match reach {
                Reach::One if all.matched > 0 => return Committed { result: Ok(all), lsn },
                // The one that was found has gone: look again, from where it was if by scan in natural order.
                Reach::One if filter.id().is_some() || modification.sort.is_some() => {}
                _ => from = next,
            }
        }
    }

    /// Slots whose newest applied documents match, and where to look on.
    fn candidates(
        &self,
        collection: &Collection,
        modification: &Modification<'_>,
        bounds: (u64, u64),
    ) -> Result<(Vec<Candidate>, u64)> {
        let Modification { filter, reach, watch, .. } = *modification;
        let newest = Lsn(u64::MAX);
        let mut found = Vec::new();
        if let Some(id) = filter.id() {
            let mut bytes = Vec::new();
            encode::encode_plain(id, &mut bytes);
            let key = key_of(RawValue::new(&bytes, collection.shapes()));
            if bounds.0 < bounds.1
                && let Some((slot, lsn, content)) = collection.find(&key, || newest)
                && let Some((block, span)) = self.load(&content)?
                && filter.matches(RawValue::new(span.of(&block), collection.shapes()))
            {
                found.push(Candidate { slot, lsn, bytes: span.len() });
            }
            return Ok((found, bounds.1));
        }
        if let Some(sort) = modification.sort {
            let mut best: Option<(SortKey, Candidate)> = None;
            let next = self.scan(collection, bounds, newest, filter, watch, |slot, lsn, block, span| {
                let bytes = span.of(block);
                let key = sort.key(RawValue::new(bytes, collection.shapes()));
                if best.as_ref().is_none_or(|(least, _)| key < *least) {
                    best = Some((key, Candidate { slot, lsn, bytes: span.len() }));
                }
                ControlFlow::Continue(())
            })?;
            found.extend(best.map(|(_, candidate)| candidate));
            return Ok((found, next));
        }
        let wanted = if reach == Reach::One { 1 } else { DOCUMENTS };
        let next = self.scan(collection, bounds, newest, filter, watch, |slot, lsn, _, span| {
            found.push(Candidate { slot, lsn, bytes: span.len() });
            if found.len() == wanted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok((found, next))
    }

    fn upsert(&self, modification: &Modification<'_>) -> Committed<(Value, Option<Value>)> {
        let made = upserted(modification, self.now());
        let (object, id) = match made {
            Ok(made) => made,
            Err(error) => return Committed { result: Err(error), lsn: Lsn(0) },
        };
        let document = Value::Object(object);
        let answer = match modification.answer {
            Some((Returned::After, projection)) => projected(&document, projection, modification.filter),
            _ => Ok(None),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Committed { result: Err(error), lsn: Lsn(0) },
        };
        let mut plain = Vec::new();
        encode::encode_plain(&id, &mut plain);
        let key = key_of(RawValue::new(&plain, &Shapes::new()));
        self.commit(plain.len() + 256, |commit| {
            let collection = commit.collection_or_create(modification.name)?;
            match commit.current(&collection, &key)? {
                Current::Present(_) => Err(duplicate(modification.name, &id).into()),
                Current::Absent(target) => {
                    commit.pack_value(&collection, &document)?;
                    commit.put_packed(&collection, key.clone(), Over::Nothing(target));
                    Ok((id.clone(), answer.clone()))
                }
            }
        })
    }
}

/// The document as the answer is to hold it.
fn projected(document: &Value, projection: Option<&Projection>, filter: &Filter) -> Result<Option<Value>> {
    let Some(projection) = projection else { return Ok(Some(document.clone())) };
    let mut plain = Vec::new();
    encode::encode_plain(document, &mut plain);
    projection.apply(RawValue::new(&plain, &Shapes::new()), filter).map(Some)
}

/// The first documents, as many as one hold of the commit lock takes.
fn chunk_of<T>(rest: &[T], size: impl Fn(&T) -> usize) -> &[T] {
    let mut bytes = 0;
    let taken = rest
        .iter()
        .take(DOCUMENTS)
        .take_while(|one| {
            let fits = bytes == 0 || bytes + size(one) <= BYTES;
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
            incoming::check(document.bytes(), &document.shapes)?;
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
    id::check_id(id)?;
    Ok(Prepared { incoming: document, stored, key: key_of(id) })
}

fn insert_one(
    commit: &mut Commit<'_>,
    name: &str,
    prepared: &Prepared<'_>,
    packed: &[u8],
) -> Result<(), Halt> {
    let collection = commit.collection_or_create(name)?;
    match commit.current(&collection, &prepared.key)? {
        Current::Present(_) => {
            let id = prepared.incoming.raw().get("_id").map_or(Value::Null, |id| id.to_value());
            Err(duplicate(name, &id).into())
        }
        Current::Absent(target) => {
            put_prepared(commit, &collection, prepared, packed, Over::Nothing(target))?;
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
) -> Result<u64> {
    let key = prepared.key.clone();
    match &prepared.stored {
        // Shape numbers belong to the collection that was there; it may have been dropped since.
        Some((number, range)) if *number == collection.number() => {
            Ok(commit.put(collection, key, over, &packed[range.clone()]))
        }
        _ => {
            commit.pack_incoming(collection, prepared.incoming.raw())?;
            Ok(commit.put_packed(collection, key, over))
        }
    }
}

#[derive(Default)]
struct Changed {
    matched: u64,
    modified: u64,
    /// Candidates dealt with; the rest goes into another commit.
    passed: usize,
    /// The document that was asked for.
    answer: Option<Value>,
    /// The candidate after those failed; what came before is committed.
    failure: Option<Error>,
}

fn change_candidates(
    commit: &mut Commit<'_>,
    collection: &Arc<Collection>,
    modification: &Modification<'_>,
    candidates: &[Candidate],
) -> Result<Changed, Halt> {
    let mut changed = Changed::default();
    let still = commit.collection(modification.name);
    if still.is_none_or(|now| now.number() != collection.number()) {
        changed.passed = candidates.len();
        return Ok(changed);
    }
    for candidate in candidates {
        if commit.size() > BYTES {
            break;
        }
        let present = match commit.in_slot(collection, candidate.slot) {
            Ok(present) => present,
            Err(Halt::Error(error)) => {
                changed.failure = Some(error);
                break;
            }
            Err(cold) => return Err(cold),
        };
        changed.passed += 1;
        let Some((lsn, present)) = present else { continue };
        let document = present.document(collection.shapes());
        if lsn != candidate.lsn && !modification.filter.matches(document) {
            continue;
        }
        match change_one(commit, collection, modification, &present) {
            Ok((modified, answer)) => {
                changed.matched += 1;
                changed.modified += u64::from(modified);
                changed.answer = answer;
            }
            Err(error) => {
                changed.failure = Some(error);
                break;
            }
        }
    }
    Ok(changed)
}

/// Changes one document; answers whether it is different now, and the document that was asked for.
fn change_one(
    commit: &mut Commit<'_>,
    collection: &Arc<Collection>,
    modification: &Modification<'_>,
    present: &Present,
) -> Result<(bool, Option<Value>)> {
    let before = present.document(collection.shapes());
    let id = before.get("_id").ok_or_else(|| Error::new(Kind::Internal, "a stored document has no _id"))?;
    let key = key_of(id);
    let after = match modification.change {
        Change::Delete => {
            let answer = answered(modification, before, None)?;
            commit.delete(collection, key, present);
            return Ok((true, answer));
        }
        Change::Update(update) => {
            let mut object = object_of(before);
            let matched = if update.needs_match() { modification.filter.position(before) } else { None };
            if !update.apply(&mut object, commit.time(), false, matched)? {
                return Ok((false, answered(modification, before, None)?));
            }
            Value::Object(object)
        }
        Change::Replace(replacement) => {
            let value = Value::Object(replacement_of(replacement, &id.to_value())?);
            if value == before.to_value() {
                return Ok((false, answered(modification, before, None)?));
            }
            value
        }
    };
    let answer = answered(modification, before, Some(&after))?;
    commit.pack_value(collection, &after)?;
    commit.put_packed(collection, key, Over::from(present));
    Ok((true, answer))
}

/// The document that a write answers; without `after` it is as before. Made before anything is staged, so that a
/// projection that fails changes nothing.
fn answered(
    modification: &Modification<'_>,
    before: RawValue<'_>,
    after: Option<&Value>,
) -> Result<Option<Value>> {
    match (modification.answer, after) {
        (None, _) => Ok(None),
        (Some((Returned::After, projection)), Some(after)) => {
            projected(after, projection, modification.filter)
        }
        (Some((_, Some(projection))), _) => projection.apply(before, modification.filter).map(Some),
        (Some((_, None)), _) => Ok(Some(before.to_value())),
    }
}

fn object_of(raw: RawValue<'_>) -> Object {
    raw.as_object().map(|object| object.to_object()).unwrap_or_default()
}

/// The replacement with this `_id` in front; an `_id` of its own must be equal to it.
fn replacement_of(replacement: &Incoming, id: &Value) -> Result<Object> {
    let mut object = object_of(replacement.raw());
    if let Some(at) = object.iter().position(|(key, _)| key == "_id") {
        let (_, own) = object.remove(at);
        if order::compare_values(&own, id).is_ne() {
            let message = "the replacement has another _id; an _id never changes, so leave it out";
            return Err(Error::new(Kind::BadUpdate, message));
        }
    }
    object.insert(0, ("_id".to_owned(), id.clone()));
    Ok(object)
}

/// The document that an upsert inserts, and its `_id`.
fn upserted(modification: &Modification<'_>, now: i64) -> Result<(Object, Value)> {
    let mut object = match modification.change {
        Change::Update(update) => {
            let mut seed = modification.filter.upsert_seed()?;
            update.apply(&mut seed, now, true, None)?;
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
    id::check_id(RawValue::new(&plain, &Shapes::new()))?;
    object.insert(0, ("_id".to_owned(), id.clone()));
    Ok((object, id))
}

fn check_version(name: &str, wanted: Option<u64>, over: &Over) -> Result<()> {
    let found = match over {
        Over::Nothing(_) => 0,
        Over::Present(_, version, _) => *version,
    };
    if wanted.is_some_and(|wanted| wanted != found) { Err(conflict(name, wanted, found)) } else { Ok(()) }
}

fn conflict(name: &str, wanted: Option<u64>, found: u64) -> Error {
    let wanted = wanted.unwrap_or_default();
    let found =
        if found == 0 { "there is no such document".to_owned() } else { format!("it has version {found}") };
    let message =
        format!("a document of {name} was expected at version {wanted}, but {found}; read it and try again");
    Error::new(Kind::Conflict, message)
}

fn duplicate(name: &str, id: &Value) -> Error {
    let encode = |value: Value| {
        let mut bytes = Vec::new();
        encode::encode_plain(&Value::Object(vec![("_id".to_owned(), value)]), &mut bytes);
        Some(bytes)
    };
    let details =
        Details { key_pattern: encode(Value::Int(1)), key_value: encode(id.clone()), ..Details::default() };
    let shown = match id {
        Value::String(text) => format!("{text:?}"),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Long(number) => number.to_string(),
        Value::ObjectId(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("ObjectId('{hex}')")
        }
        other => other.type_name().to_owned(),
    };
    let message =
        format!("E11000 duplicate key error collection: {name} index: _id_ dup key: {{ _id: {shown} }}");
    Error::new(Kind::DuplicateKey, message).with_details(details)
}
