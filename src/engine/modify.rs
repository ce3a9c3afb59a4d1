//! Writes by filter: candidates are found without the commit lock and matched again under it.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::collection::Collection;
use super::commit::{Commit, Committed, Halt, Present};
use super::hint::Hint;
use super::hits::Hits;
use super::insert::{BYTES, DOCUMENTS};
use super::key::key_of;
use super::limits::Watch;
use super::operation::{Incoming, Reach, Returned, UpdateOutcome, Upsert};
use super::plan::Query;
use super::promptly::{must_be_prompt, refuse};
use super::select::{Reading, Selection};
use super::slab::{SlotId, Span};
use super::store::Store;
use super::upsert::{may_match, object_of, replacement_of};
use super::views::View;
use crate::document::{RawValue, Shapes, Value, encode};
use crate::error::{Error, Kind, Result};
use crate::query::{Filter, Projection, Rewrite, Sort, Update};
use crate::storage::Lsn;

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
    /// The index to use.
    pub hint: Option<&'a Hint>,
    /// The document that the answer is to hold, in this form.
    pub answer: Option<(Returned, Option<&'a Projection>)>,
    /// When to stop.
    pub watch: &'a Watch,
}

struct Candidate {
    slot: SlotId,
    lsn: Lsn,
    bytes: usize,
}

impl Store {
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
        let mut last = None;
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
                // Someone else inserted it meanwhile: it may match now. A key that cannot match is final.
                Err(error) if may_match(modification.filter, &error) => last = Some(error),
                Err(error) => return Committed { result: Err(error), lsn },
            }
        }
        let message = format!("an upsert into {} met other writers {UPSERT_TRIES} times", modification.name);
        Committed { result: Err(last.unwrap_or_else(|| Error::new(Kind::Conflict, message))), lsn }
    }

    fn modify_matching(&self, modification: &Modification<'_>) -> Committed<Changed> {
        let Modification { name, filter, reach, .. } = modification;
        let Some(collection) = self.applied_collection(name) else {
            return Committed { result: Ok(Changed::default()), lsn: self.applied_lsn() };
        };
        let mut all = Changed::default();
        let mut lsn = Lsn(0);
        // Where waiting is refused no file is read, and letting go of a hold may delete files.
        let _hold = (!must_be_prompt()).then(|| self.views().hold());
        let mut search = None;
        loop {
            let candidates = match self.candidates(&collection, modification, &mut search) {
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
                // The one that was found has gone: look again, from where it was if in natural order.
                // A search in another order begins anew by itself.
                Reach::One if filter.id().is_some() => search = None,
                _ => {}
            }
        }
    }

    /// Slots whose newest applied documents match; `search` goes on where it was.
    fn candidates(
        &self,
        collection: &Arc<Collection>,
        modification: &Modification<'_>,
        search: &mut Option<Selection>,
    ) -> Result<Vec<Candidate>> {
        let Modification { filter, reach, watch, sort, hint, .. } = *modification;
        // What follows is short for a document that is named, and for no other.
        refuse(|| filter.id().is_none())?;
        let mut reading = Reading { store: self, collection, view: Lsn(u64::MAX), filter, watch };
        let mut found = Vec::new();
        let wanted = if reach == Reach::One { 1 } else { DOCUMENTS };
        let mut take = |slot, lsn, span: Span| {
            found.push(Candidate { slot, lsn, bytes: span.len() });
            if found.len() == wanted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let selection = match search {
            Some(selection) => selection,
            fresh => {
                let limit = (reach == Reach::One).then_some(1);
                let query = Query { sort, wanted: limit, hint, ..Query::of(filter) };
                // Entries are complete for a state, and stay as long as a view of it is open.
                let view = match filter.id().is_none() && !collection.indexes().is_empty() {
                    true => Some(self.applied_view()?),
                    false => None,
                };
                let plan = match &view {
                    Some(view) => {
                        reading.view = view.lsn();
                        collection.plan(&query, view.lsn())?
                    }
                    None => collection.plan_without_view(&query)?,
                };
                if sort.is_some() || (limit.is_some() && query.is_backward()) {
                    let mut hits = Hits::open(&reading, &query, &plan)?;
                    hits.run(&reading, sort, &mut |slot, lsn, _, span| take(slot, lsn, span))?;
                    return Ok(found);
                }
                let end = collection.slab().end();
                fresh.insert(Selection::open(&reading, &plan, end)?)
            }
        };
        reading.view = Lsn(u64::MAX);
        selection.run(&reading, &mut |slot, lsn, _, span| take(slot, lsn, span))?;
        Ok(found)
    }

    #[cfg(test)]
    pub(super) fn count_candidates(
        &self,
        collection: &Arc<Collection>,
        modification: &Modification<'_>,
    ) -> Result<usize> {
        self.candidates(collection, modification, &mut None).map(|found| found.len())
    }

    /// A view of the newest applied state.
    fn applied_view(&self) -> Result<View> {
        let applied = self.applied_to_commit()?;
        Ok(self.views().open_applied(applied.lsn, applied.catalogue.clone(), self.now()))
    }
}

/// The document as the answer is to hold it.
pub(super) fn projected(
    document: &Value,
    projection: Option<&Projection>,
    filter: &Filter,
) -> Result<Option<Value>> {
    let Some(projection) = projection else { return Ok(Some(document.clone())) };
    let mut plain = Vec::new();
    encode::encode_plain(document, &mut plain);
    projection.apply(RawValue::new(&plain, &Shapes::new()), filter).map(Some)
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
            Err(Halt::Error(error)) => {
                changed.failure = Some(error);
                break;
            }
            Err(cold) => return Err(cold),
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
) -> Result<(bool, Option<Value>), Halt> {
    let before = present.document(collection.shapes());
    let id = before.get("_id").ok_or_else(|| Error::new(Kind::Internal, "a stored document has no _id"))?;
    let key = key_of(id);
    let after = match modification.change {
        Change::Delete => {
            let answer = answered(modification, before, None)?;
            commit.delete(collection, key, present)?;
            return Ok((true, answer));
        }
        Change::Update(update) => {
            if modification.answer.is_none() {
                match commit.pack_rewritten(update, before) {
                    Rewrite::Same => return Ok((false, None)),
                    Rewrite::Changed => {
                        commit.replace_packed(collection, key, present)?;
                        return Ok((true, None));
                    }
                    Rewrite::Tree => {}
                }
            }
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
    commit.replace_packed(collection, key, present)?;
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
