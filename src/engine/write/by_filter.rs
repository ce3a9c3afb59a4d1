//! Writes by filter: candidates are found without the commit lock and changed under it. Candidates that changed meanwhile
//! are matched again, outside of the lock.

use crate::document::RawValue;
use crate::engine::commit;
use crate::engine::plan::planner::{self, key_of_value};
use crate::engine::state::version::Version;
use parking_lot::Mutex;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::modification::{Candidate, Modification};
use super::prepared::{self, Changed, change_candidates};
use super::upsert::{self, Searched, Upserted, may_match};
use crate::document::Value;
use crate::engine::commit::Committed;
use crate::engine::commit::read_ahead::{self, ReadAhead};
use crate::engine::exec::nonblocking::{is_nonblocking, would_block};
use crate::engine::operation::request::{Reach, Upsert};
use crate::engine::operation::response::UpdateOutcome;
use crate::engine::plan::planner::Query;
use crate::engine::read::fetch::ReadContext;
use crate::engine::read::results::QueryResults;
use crate::engine::read::selection::Selection;
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::{Span, Stamp};
use crate::engine::state::views::View;
use crate::engine::store::Store;
use crate::engine::store::precedence::Subject;
use crate::error::Result;
use crate::options::{PART_BYTES, PART_DOCUMENTS};
use crate::storage::Lsn;

/// How often an upsert searches again after another writer inserted a document with the same unique key.
const UPSERT_TRIES: usize = 64;
/// How often a change of a document that others keep changing is computed, before the write takes precedence.
const PATIENCE: u32 = 3;

/// Changes the documents that a filter matches.
pub fn modify(store: &Store, modification: &Modification<'_>) -> Committed<UpdateOutcome> {
    let Committed { result, lsn } = modify_answering(store, modification);
    Committed { result: result.map(|(outcome, _)| outcome), lsn }
}

/// Changes the documents that a filter matches, and returns the changed document as `answer` requests.
pub fn modify_answering(
    store: &Store,
    modification: &Modification<'_>,
) -> Committed<(UpdateOutcome, Option<Value>)> {
    let mut outcome = UpdateOutcome { matched: 0, modified: 0, upserted: None };
    let mut lsn = Lsn(0);
    let mut taken = 0;
    loop {
        let collection = store.applied_collection(modification.name);
        let recent = collection.as_ref().map(|collection| collection.recent());
        // Changes are recorded from before the search on, and until the upsert has committed.
        let _watching = modification.is_tracked().then(|| recent.map(|recent| recent.watch()));
        let searched = match searched(store, modification, collection.as_ref()) {
            Ok(searched) => searched,
            Err(error) => return Committed { result: Err(error), lsn },
        };
        let committed = modify_matching(store, modification, collection.as_ref());
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
        let upserted = upsert::insert(store, modification, searched);
        lsn = lsn.max(upserted.lsn);
        match upserted.result {
            Ok(Upserted::Inserted(id, answer)) => {
                outcome.upserted = Some(id);
                return Committed { result: Ok((outcome, answer)), lsn };
            }
            // A document that others wrote since the search matches: it must be changed.
            Ok(Upserted::Overtaken) => {}
            // Another writer inserted it meanwhile: it may match now. A duplicate key that cannot match is final.
            Err(error) => {
                taken += 1;
                if taken == UPSERT_TRIES || !may_match(modification.filter, &error) {
                    return Committed { result: Err(error), lsn };
                }
            }
        }
        if let Err(error) = modification.interrupt.check(|| store.now()) {
            return Committed { result: Err(error), lsn };
        }
    }
}

/// The state from which on the search of an upsert sees everything.
fn searched<'c>(
    store: &Store,
    modification: &Modification<'_>,
    collection: Option<&'c Arc<Collection>>,
) -> Result<Option<Searched<'c>>> {
    if !modification.is_tracked() {
        return Ok(None);
    }
    Ok(Some(Searched { collection, lsn: store.applied_to_commit()?.lsn }))
}

fn modify_matching(
    store: &Store,
    modification: &Modification<'_>,
    collection: Option<&Arc<Collection>>,
) -> Committed<Changed> {
    let Modification { filter, reach, interrupt, .. } = modification;
    let Some(collection) = collection else {
        return Committed { result: Ok(Changed::default()), lsn: store.applied_lsn() };
    };
    let mut all = Changed::default();
    let mut lsn = Lsn(0);
    // Where blocking is refused no file is read, and dropping a hold may delete files.
    let _hold = (!is_nonblocking()).then(|| store.views().hold());
    let mut search = None;
    let mut own = ReadAhead::default();
    let mut shared = modification.ahead.filter(|_| filter.id().is_some()).map(Mutex::lock);
    let is_shared = shared.is_some();
    let ahead = shared.as_deref_mut().unwrap_or(&mut own);
    loop {
        let candidates = match candidates(store, collection, modification, &mut search, ahead) {
            Ok(found) => found,
            Err(error) => return Committed { result: Err(error), lsn },
        };
        // Read before the LSN, so that the result depends on no later state than the LSN says.
        lsn = lsn.max(store.applied_lsn());
        if candidates.is_empty() {
            return Committed { result: Ok(all), lsn };
        }
        if !is_shared {
            ahead.next_batch();
        }
        let slots = candidates.iter().map(|candidate| candidate.slot);
        if let Err(error) = read_ahead::read_slots(store, collection, slots, ahead, interrupt) {
            return Committed { result: Err(error), lsn };
        }
        // A change that is more than a little work is computed before the lock is taken.
        let first = u32::from(!modification.is_light());
        let (mut at, mut ready, mut misses) = (0, Vec::new(), first);
        while at < candidates.len() {
            if let Err(error) = interrupt.check(|| store.now()) {
                return Committed { result: Err(error), lsn };
            }
            if let Err(error) = would_block(|| misses > 1) {
                return Committed { result: Err(error), lsn };
            }
            let rest = &candidates[at..];
            let slot = rest.first().map(|candidate| candidate.slot);
            let held = match slot.filter(|_| misses >= PATIENCE) {
                None => Ok(None),
                Some(slot) => {
                    let subject = Subject::Document(collection.number(), slot);
                    store.precedence().take(subject, || interrupt.check(|| store.now())).map(Some)
                }
            };
            let worked = held.and_then(|held| {
                if misses > 0 {
                    prepared::work_out(store, collection, modification, rest, &mut ready, ahead)?;
                }
                Ok(held)
            });
            let held = match worked {
                Ok(held) => held,
                Err(error) => return Committed { result: Err(error), lsn },
            };
            let bytes = rest.iter().map(|one| one.bytes + 64).sum::<usize>().min(PART_BYTES);
            let committed = commit::run_ahead(store, bytes, interrupt, ahead, |commit| {
                let changed = change_candidates(commit, collection, modification, rest, &ready)?;
                if changed.unready && misses == 0 {
                    // Computed completely first, so that a part is one commit. If other writers keep changing documents
                    // in between, the part is cut there, and the write continues.
                    commit.abandon();
                    return Ok(Changed { unready: true, ..Changed::default() });
                }
                Ok(changed)
            });
            drop(held);
            lsn = lsn.max(committed.lsn);
            match committed.result {
                Ok(changed) => {
                    all.matched += changed.matched;
                    all.modified += changed.modified;
                    all.answer = changed.answer;
                    at += changed.passed;
                    ready.drain(..changed.passed.min(ready.len()));
                    // The next one must be computed first, or again.
                    misses = match (changed.passed, changed.unready) {
                        (0, true) => misses + 1,
                        (_, true) => 1,
                        (_, false) => first,
                    };
                    if let Some(error) = changed.failure {
                        return Committed { result: Err(error), lsn };
                    }
                }
                Err(error) => return Committed { result: Err(error), lsn },
            }
        }
        match reach {
            Reach::One if all.matched > 0 => return Committed { result: Ok(all), lsn },
            // The found document is gone: search again, in natural order from its place. A search in another order
            // starts from the beginning.
            Reach::One if filter.id().is_some() => search = None,
            _ => {}
        }
    }
}

/// Slots whose newest applied documents match; `search` continues where it stopped.
fn candidates(
    store: &Store,
    collection: &Arc<Collection>,
    modification: &Modification<'_>,
    search: &mut Option<Selection>,
    ahead: &ReadAhead,
) -> Result<Vec<Candidate>> {
    let Modification { filter, reach, interrupt, sort, hint, .. } = *modification;
    if search.is_none()
        && let Some(found) = candidate_ahead(collection, modification, ahead)?
    {
        *search = Some(Selection::none());
        return Ok(found);
    }
    // The following is short for a document that is named by `_id`, and for no other.
    would_block(|| filter.id().is_none())?;
    let mut reading = ReadContext { store, collection, view: Lsn::NEWEST, filter, interrupt };
    let mut found = Vec::new();
    let wanted = if reach == Reach::One { 1 } else { PART_DOCUMENTS };
    let mut take = |slot, lsn, span: Span| {
        let stamp = Stamp::new(lsn, u64::from(span.version()));
        found.push(Candidate { slot, stamp, bytes: span.len() });
        if found.len() == wanted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let selection = match search {
        Some(selection) => selection,
        fresh => {
            let limit = (reach == Reach::One).then_some(1);
            let query = Query { sort, wanted: limit, hint, ..Query::of(filter) };
            // Entries are complete for a state as long as a view of it is open.
            let view = match filter.id().is_none() && !collection.indexes().is_empty() {
                true => Some(applied_view(store)?),
                false => None,
            };
            let plan = match &view {
                Some(view) => {
                    reading.view = view.lsn();
                    planner::plan(collection, &query, view.lsn())?
                }
                None => planner::plan_without_view(collection, &query)?,
            };
            if sort.is_some() || (limit.is_some() && query.is_backward()) {
                let mut hits = QueryResults::open(&reading, &query, &plan)?;
                hits.run(&reading, sort, &mut |slot, lsn, _, span| take(slot, lsn, span))?;
                return Ok(found);
            }
            let end = collection.slab().end();
            fresh.insert(Selection::open(&reading, &plan, end)?)
        }
    };
    reading.view = Lsn::NEWEST;
    selection.run(&reading, &mut |slot, lsn, _, span| take(slot, lsn, span))?;
    Ok(found)
}

/// The same for a filter that names an `_id` whose document was read ahead: it is not read again. `None` where it was
/// not read ahead.
fn candidate_ahead(
    collection: &Collection,
    modification: &Modification<'_>,
    ahead: &ReadAhead,
) -> Result<Option<Vec<Candidate>>> {
    let Modification { filter, sort: None, hint: None, ahead: Some(_), .. } = *modification else {
        return Ok(None);
    };
    let Some(slot) = filter.id().and_then(|id| collection.slot_of(&key_of_value(id))) else {
        return Ok(None);
    };
    let Some(version) = collection.slab().newest(slot, Version::clone) else { return Ok(None) };
    let Some(disk) = version.on_disk() else { return Ok(None) };
    let Some(block) = ahead.get(&disk) else { return Ok(None) };
    let span = disk.span();
    let matches = filter.matches(RawValue::new(span.of(block), collection.shapes()));
    let found = filter.work().believe(matches)?;
    let candidate = Candidate { slot, stamp: Stamp::of(&version), bytes: span.len() };
    Ok(Some(found.then_some(candidate).into_iter().collect()))
}

#[cfg(test)]
pub(crate) fn count_candidates(
    store: &Store,
    collection: &Arc<Collection>,
    modification: &Modification<'_>,
) -> Result<usize> {
    candidates(store, collection, modification, &mut None, &ReadAhead::default()).map(|found| found.len())
}

/// A view of the newest applied state.
fn applied_view(store: &Store) -> Result<View> {
    let applied = store.applied_to_commit()?;
    Ok(store.views().open_applied(applied.lsn, applied.catalogue.clone(), store.now()))
}
