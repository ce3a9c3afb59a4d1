//! Writes by filter: candidates are found without the commit lock and changed under it. Candidates that changed meanwhile
//! are matched again, outside of the lock.

use std::sync::Arc;

use super::candidates;
use super::modification::{Candidate, Modification};
use super::prepared::{self, Changed, Ready, change_candidates};
use super::upsert::{self, Searched, Upserted, may_match};
use crate::document::Value;
use crate::engine::commit::read_ahead::{self, ReadAhead};
use crate::engine::commit::{self, Committed};
use crate::engine::exec::locks::LongMutex;
use crate::engine::exec::nonblocking::{is_nonblocking, would_block};
use crate::engine::operation::request::{Reach, Upsert};
use crate::engine::operation::response::UpdateOutcome;
use crate::engine::state::collection::Collection;
use crate::engine::store::Store;
use crate::engine::store::precedence::Subject;
use crate::error::Result;
use crate::options::PART_BYTES;
use crate::storage::Lsn;

/// How often an upsert searches again after another writer inserted a document with the same unique key.
const UPSERT_TRIES: usize = 64;
/// How often a change of a document that others keep changing is computed, before the write takes precedence.
const PATIENCE: u32 = 3;

/// Changes the documents that a filter matches.
#[cfg(test)]
pub(crate) fn modify(store: &Store, modification: &Modification<'_>) -> Committed<UpdateOutcome> {
    modify_and_return(store, modification).map(|(outcome, _)| outcome)
}

/// Changes the documents that a filter matches, and returns the changed document as `answer` requests.
pub(crate) fn modify_and_return(
    store: &Store,
    modification: &Modification<'_>,
) -> Committed<(UpdateOutcome, Option<Value>)> {
    let mut lsn = Lsn(0);
    let result = modify_or_upsert(store, modification, &mut lsn);
    Committed { result, lsn }
}

/// `lsn` becomes the last one that the result depends on.
fn modify_or_upsert(
    store: &Store,
    modification: &Modification<'_>,
    lsn: &mut Lsn,
) -> Result<(UpdateOutcome, Option<Value>)> {
    let mut taken = 0;
    loop {
        let collection = store.applied_collection(modification.name);
        collection.as_ref().map_or(Ok(()), |collection| collection.check_stores(modification.name))?;
        let recent = collection.as_ref().map(|collection| collection.recent());
        // Changes are recorded from before the search on, and until the upsert has committed.
        let _watching = modification.is_tracked().then(|| recent.map(|recent| recent.watch()));
        let searched = searched(store, modification, collection.as_ref())?;
        let changed = modify_matching(store, modification, collection.as_ref(), lsn)?;
        if changed.gone && changed.matched == 0 {
            // Another thread dropped it, or put another one in its place: that is searched.
            modification.interrupt.check(|| store.now())?;
            continue;
        }
        if changed.matched == 0 {
            modification.check_version(0)?;
        }
        if changed.matched > 0 || modification.upsert.0 == Upsert::No {
            let Changed { matched, modified, answer, .. } = changed;
            return Ok((UpdateOutcome { matched, modified, upserted: None }, answer));
        }
        match upsert::insert(store, modification, searched).into_result(lsn) {
            Ok(Upserted::Inserted(id, answer)) => {
                return Ok((UpdateOutcome { matched: 0, modified: 0, upserted: Some(id) }, answer));
            }
            // A document that others wrote since the search matches: it must be changed.
            Ok(Upserted::Overtaken) => {}
            // Another writer inserted it meanwhile: it may match now. A duplicate key that cannot match is final.
            Err(error) => {
                taken += 1;
                if taken == UPSERT_TRIES || !may_match(modification.filter, &error) {
                    return Err(error);
                }
            }
        }
        modification.interrupt.check(|| store.now())?;
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

/// Searches and changes, until no document matches or enough were changed.
pub(super) fn modify_matching(
    store: &Store,
    modification: &Modification<'_>,
    collection: Option<&Arc<Collection>>,
    lsn: &mut Lsn,
) -> Result<Changed> {
    let Modification { filter, reach, interrupt, .. } = *modification;
    let Some(collection) = collection else {
        *lsn = (*lsn).max(store.applied_lsn());
        return Ok(Changed::default());
    };
    // Where blocking is refused no file is read, and dropping a hold may delete files.
    let _hold = (!is_nonblocking()).then(|| store.views().hold());
    let mut search = None;
    let mut own = ReadAhead::default();
    let mut shared = modification.ahead.filter(|_| filter.id().is_some()).map(LongMutex::lock);
    let is_shared = shared.is_some();
    let ahead = shared.as_deref_mut().unwrap_or(&mut own);
    let mut parts = Parts { store, collection, modification, ahead, changed: Changed::default(), lsn };
    loop {
        let candidates = candidates::find(store, collection, modification, &mut search, parts.ahead)?;
        // Read before the LSN, so that the result depends on no later state than the LSN says.
        *parts.lsn = (*parts.lsn).max(store.applied_lsn());
        if candidates.is_empty() {
            return Ok(parts.changed);
        }
        if !is_shared {
            parts.ahead.next_batch();
        }
        let slots = candidates.iter().map(|candidate| candidate.slot);
        read_ahead::read_slots(store, collection, slots, parts.ahead, interrupt)?;
        parts.change_all(&candidates)?;
        if parts.changed.gone {
            return Ok(parts.changed);
        }
        match reach {
            Reach::One if parts.changed.matched > 0 => return Ok(parts.changed),
            // The found document is gone: search again, in natural order from its place. A search in another order
            // starts from the beginning.
            Reach::One if filter.id().is_some() => search = None,
            _ => {}
        }
    }
}

/// The commits that change the candidates, a part of them each.
struct Parts<'m> {
    store: &'m Store,
    collection: &'m Arc<Collection>,
    modification: &'m Modification<'m>,
    ahead: &'m mut ReadAhead,
    /// The changes of all parts.
    changed: Changed,
    /// The last LSN that they depend on.
    lsn: &'m mut Lsn,
}

impl Parts<'_> {
    /// Changes all of these candidates.
    fn change_all(&mut self, candidates: &[Candidate]) -> Result<()> {
        // A change that is more than a little work is computed before the lock is taken.
        let first = u32::from(!self.modification.is_light_in(self.collection));
        let (mut rest, mut ready, mut misses) = (candidates, Vec::new(), first);
        let mut most = usize::MAX;
        while !rest.is_empty() {
            let part = self.change_part(rest, &mut ready, misses, most)?;
            self.changed.matched += part.matched;
            self.changed.modified += part.modified;
            self.changed.answer = part.answer;
            self.changed.gone |= part.gone;
            rest = &rest[part.passed..];
            ready.drain(..part.passed.min(ready.len()));
            if part.unready && misses > 0 {
                // Even if the next document is the same: the numbers that its new shapes were given may be taken, by this write
                // too. So what was computed ahead is computed again, and less of it: where every document has a shape of its
                // own, nearly all of it would be in vain.
                ready.clear();
                most = 2 * part.passed.max(1);
            } else {
                most = most.saturating_mul(2);
            }
            // The next one must be computed first, or again.
            misses = match (part.passed, part.unready) {
                (0, true) => misses + 1,
                (_, true) => 1,
                (_, false) => first,
            };
            if let Some(error) = part.failure {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Changes the first of these candidates in one commit. `misses` counts how often the change of the first one was
    /// computed in vain; `ready` has what was computed; at most `most` are computed ahead.
    fn change_part(
        &mut self,
        candidates: &[Candidate],
        ready: &mut Vec<Ready>,
        misses: u32,
        most: usize,
    ) -> Result<Changed> {
        let Parts { store, collection, modification, .. } = *self;
        let interrupt = modification.interrupt;
        let check = || interrupt.check(|| store.now());
        check()?;
        would_block(|| misses > 1)?;
        let slot = candidates.first().map(|candidate| candidate.slot).filter(|_| misses >= PATIENCE);
        let subject = slot.map(|slot| Subject::Document(collection.number(), slot));
        let _held = subject.map(|subject| store.precedence().take(subject, check)).transpose()?;
        if misses > 0 {
            let candidates = &candidates[..most.min(candidates.len())];
            prepared::work_out(store, collection, modification, candidates, ready, self.ahead)?;
        }
        let bytes = candidates.iter().map(|one| one.bytes + 64).sum::<usize>().min(PART_BYTES);
        let committed = commit::run_ahead(store, bytes, interrupt, self.ahead, |commit| {
            let changed = change_candidates(commit, collection, modification, candidates, ready)?;
            if changed.unready && misses == 0 {
                // Computed completely first, so that a part is one commit. If other writers keep changing documents
                // in between, the part is cut there, and the write continues.
                commit.abandon();
                return Ok(Changed { unready: true, ..Changed::default() });
            }
            Ok(changed)
        });
        committed.into_result(self.lsn)
    }
}
