//! The new documents of a write by filter.
//!
//! Cheap changes are computed under the commit lock: operators without patterns or positions on a small document. All others
//! are computed outside of the lock, from the version at that time. Under the lock the result is stored if that version is
//! still the newest, and computed again if it is not. A thread that must not block computes one small document, as long as
//! that takes few steps.

use std::sync::Arc;

use super::find_and_modify::projected;
use super::modification::{Candidate, Change, Modification};
use super::upsert::{object_of, replacement_of};
use crate::document::{Node, RawValue, Value};
use crate::engine::commit::documents::{How, PackedDocument};
use crate::engine::commit::read_ahead::ReadAhead;
use crate::engine::commit::{Commit, CurrentDocument, Halt, Over};
use crate::engine::exec::nonblocking::would_block;
use crate::engine::format::key::{Key, key_of};
use crate::engine::operation::request::Returned;
use crate::engine::state::collection::Collection;
use crate::engine::state::rules::Checked;
use crate::engine::state::slab::Stamp;
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::options::PART_BYTES;
use crate::query::{Rewrite, UpdateTarget};
use crate::work::Work;

/// The maximum bytes of a document, and of its replacement, that are processed under the commit lock.
const LIGHT: usize = 16 << 10;

/// The result of a commit for candidates.
#[derive(Default)]
pub(crate) struct Changed {
    pub(crate) matched: u64,
    pub(crate) modified: u64,
    /// Candidates processed; the rest goes into another commit.
    pub(crate) passed: usize,
    /// Whether the next one must be computed before it can be changed.
    pub(crate) unready: bool,
    /// Whether the collection was dropped or replaced meanwhile: its documents are still found, and none of them can be changed.
    pub(crate) gone: bool,
    /// The document to return.
    pub(crate) answer: Option<Value>,
    /// The error of the next candidate; the ones before it are committed.
    pub(crate) failure: Option<Error>,
}

/// The change of a document.
pub(crate) enum Effect {
    /// None: it does not match any more, or is deleted.
    Passed,
    /// None: it has that content already.
    Same(Option<Value>),
    Replaced(PackedDocument, Option<Value>),
    Deleted(Option<Value>),
}

/// The change of one version of a document.
pub(crate) struct Ready {
    /// None where there is no slot.
    stamp: Option<Stamp>,
    document: Option<(Key, CurrentDocument)>,
    effect: Result<Effect>,
}

impl Modification<'_> {
    /// Whether the change of a small document of this collection is cheap, with its check by a validator.
    pub(crate) fn is_light_in(&self, collection: &Collection) -> bool {
        let rules = || collection.rules().filter(|_| !self.interrupt.is_unchecked());
        self.is_light() && rules().is_none_or(|rules| rules.is_light())
    }

    /// Whether the change of a small document is cheap.
    fn is_light(&self) -> bool {
        let change = match self.change {
            // The element that `$` stands for depends on the filter.
            Change::Update(update) => update.is_light() && (!update.needs_match() || self.filter.is_light()),
            Change::Replace(replacement) => replacement.bytes().len() <= LIGHT,
            Change::Delete => true,
        };
        change && self.answer.is_none_or(|(_, projection)| projection.is_none_or(|one| !one.is_computed()))
    }
}

/// Computes the changes of candidates, at least of the first ones. `ready` may have some of them from before: those
/// whose documents have not changed since are kept.
pub(crate) fn work_out(
    store: &Store,
    collection: &Arc<Collection>,
    modification: &Modification<'_>,
    candidates: &[Candidate],
    ready: &mut Vec<Ready>,
    ahead: &mut ReadAhead,
) -> Result<()> {
    would_block(|| candidates.iter().any(|candidate| candidate.bytes > LIGHT))?;
    let work = store.work(modification.interrupt);
    let mut bytes = 0;
    for (n, candidate) in candidates.iter().enumerate() {
        let newest = collection.slab().newest(candidate.slot, Stamp::of)?;
        if ready.get(n).is_some_and(|known| known.stamp != newest) {
            ready.truncate(n);
        }
        if ready.len() == n {
            work.check()?;
            let fresh = effect_on(store, collection, modification, candidate, (&work, ahead))?;
            work.check()?;
            ready.push(fresh);
        }
        bytes += candidate.bytes + ready.get(n).map_or(0, Ready::bytes);
        // Candidates after a failing one are never reached.
        if bytes > PART_BYTES || ready.get(n).is_some_and(|one| one.effect.is_err()) {
            break;
        }
    }
    Ok(())
}

fn effect_on(
    store: &Store,
    collection: &Arc<Collection>,
    modification: &Modification<'_>,
    candidate: &Candidate,
    (work, ahead): (&Work, &mut ReadAhead),
) -> Result<Ready> {
    let Some((lsn, present)) = ahead.newest_in(store, collection, candidate.slot)? else {
        let stamp = collection.slab().newest(candidate.slot, Stamp::of)?;
        return Ok(Ready { stamp, document: None, effect: Ok(Effect::Passed) });
    };
    let before = present.document(collection.shapes());
    let stamp = Stamp::new(lsn, present.version);
    if stamp != candidate.stamp && !modification.filter.matches(before) {
        let stamp = Some(stamp);
        return Ok(Ready { stamp, document: None, effect: Ok(Effect::Passed) });
    }
    let key = key_of(id_of(before)?);
    let effect = effect(collection, modification, before, store.time(), work);
    Ok(Ready { stamp: Some(stamp), document: Some((key, present)), effect })
}

impl Ready {
    fn bytes(&self) -> usize {
        match &self.effect {
            Ok(Effect::Replaced(packed, _)) => packed.len(),
            _ => 0,
        }
    }
}

/// The change of a matching document; `now` is in milliseconds.
pub(crate) fn effect(
    collection: &Collection,
    modification: &Modification<'_>,
    before: RawValue<'_>,
    now: i64,
    work: &Work,
) -> Result<Effect> {
    if let (Change::Update(update), None) = (&modification.change, modification.answer) {
        let (mut bytes, mut paths) = (Vec::new(), Vec::new());
        match update.rewrite(before, now, &mut bytes, &mut paths) {
            Rewrite::Same => return Ok(Effect::Same(None)),
            Rewrite::Changed => {
                let after = RawValue::new(&bytes, collection.shapes());
                let checked = checked(collection, modification, after, before, work)?;
                let packed = PackedDocument::settled(bytes).updated(paths).checked(checked);
                return Ok(Effect::Replaced(packed, None));
            }
            Rewrite::Tree => {}
        }
    }
    let after = match after(modification, before, now, work)? {
        After::Gone => return Ok(Effect::Deleted(answered(modification, before, None)?)),
        After::Same => return Ok(Effect::Same(answered(modification, before, None)?)),
        After::Tree(after) => after,
    };
    let checked = checked(collection, modification, &after, before, work)?;
    let answer = answered(modification, before, Some(&after))?;
    let packed = PackedDocument::of(collection, &after)?.checked(checked);
    let packed = match modification.change {
        Change::Update(update) => {
            let mut paths = Vec::new();
            update.changed(before, &after, &mut paths);
            packed.updated(paths)
        }
        Change::Replace(_) | Change::Delete => packed,
    };
    Ok(Effect::Replaced(packed, answer))
}

/// Refuses a document that is not valid; returns by which rules it is.
fn checked<'a>(
    collection: &Collection,
    modification: &Modification<'_>,
    after: impl Node<'a>,
    before: RawValue<'_>,
    work: &Work,
) -> Result<Checked> {
    if modification.interrupt.is_unchecked() {
        return Ok(Checked::Bypassed);
    }
    let Some(rules) = collection.rules() else { return Ok(Checked::Never) };
    rules.check(modification.name, after, Some(before), work)?;
    Ok(Checked::By(rules))
}

/// A document after a write.
enum After {
    Gone,
    Same,
    Tree(Value),
}

fn after(modification: &Modification<'_>, before: RawValue<'_>, now: i64, work: &Work) -> Result<After> {
    Ok(match modification.change {
        Change::Delete => After::Gone,
        Change::Update(update) => {
            let mut object = object_of(before);
            let matched = if update.needs_match() { modification.filter.position(before) } else { None };
            match update.apply_within(&mut object, now, UpdateTarget::Existing, matched, work)? {
                true => After::Tree(Value::Object(object)),
                false => After::Same,
            }
        }
        Change::Replace(replacement) => {
            let value = Value::Object(replacement_of(replacement, &id_of(before)?.to_value())?);
            if value == before.to_value() { After::Same } else { After::Tree(value) }
        }
    })
}

/// The `_id` of a stored document.
pub(crate) fn id_of(document: RawValue<'_>) -> Result<RawValue<'_>> {
    document.get("_id").ok_or_else(|| Error::new(Kind::Internal, "a stored document has no _id"))
}

/// Changes candidates, each as it was computed, or here if that is cheap, until one must be computed first.
pub(crate) fn change_candidates(
    commit: &mut Commit<'_>,
    collection: &Arc<Collection>,
    modification: &Modification<'_>,
    candidates: &[Candidate],
    ready: &[Ready],
) -> Result<Changed, Halt> {
    let mut changed = Changed::default();
    let still = commit.collection(modification.name);
    if still.is_none_or(|now| now.number() != collection.number()) {
        (changed.passed, changed.gone) = (candidates.len(), true);
        return Ok(changed);
    }
    let light = modification.is_light_in(collection);
    let unchecked = modification.interrupt.is_unchecked();
    for (n, candidate) in candidates.iter().enumerate() {
        if commit.size() > PART_BYTES {
            break;
        }
        commit.checked = if unchecked { Checked::Bypassed } else { Checked::Never };
        let done = match ready.get(n) {
            Some(ready) => put_ready(commit, collection, modification, candidate, ready),
            None if light => change_here(commit, collection, modification, candidate),
            None => Ok(Done::Unready),
        };
        match done {
            Ok(Done::Unready) => {
                changed.unready = true;
                break;
            }
            Ok(Done::Passed) => changed.passed += 1,
            Ok(Done::Changed(modified, answer)) => {
                changed.passed += 1;
                changed.matched += 1;
                changed.modified += u64::from(modified);
                changed.answer = answer;
            }
            Err(Halt::Error(error)) => {
                changed.failure = Some(error);
                break;
            }
            Err(halt) => return Err(halt),
        }
    }
    Ok(changed)
}

/// The result of a commit for one candidate.
enum Done {
    /// None yet: it must be computed.
    Unready,
    /// None: it does not match any more.
    Passed,
    /// It matched. Whether its content changed, and the document to return.
    Changed(bool, Option<Value>),
}

/// Stores what was computed, if the document is still the one from which it was computed.
fn put_ready(
    commit: &mut Commit<'_>,
    collection: &Arc<Collection>,
    modification: &Modification<'_>,
    candidate: &Candidate,
    ready: &Ready,
) -> Result<Done, Halt> {
    if collection.slab().newest(candidate.slot, Stamp::of)? != ready.stamp {
        return Ok(Done::Unready);
    }
    let effect = ready.effect.as_ref().map_err(|error| Halt::Error(error.clone()))?;
    let Some((key, present)) = &ready.document else { return Ok(Done::Passed) };
    modification.check_version(present.version)?;
    Ok(match effect {
        Effect::Passed => Done::Passed,
        Effect::Same(answer) => Done::Changed(false, answer.clone()),
        Effect::Deleted(answer) => {
            commit.delete(collection, key.clone(), present)?;
            Done::Changed(true, answer.clone())
        }
        Effect::Replaced(packed, answer) => {
            if !packed.settle(collection)? {
                return Ok(Done::Unready);
            }
            let over = Over::from(present);
            commit.checked = packed.checks().clone();
            let document = (packed.bytes(), packed.making());
            commit.put_over(collection, key.clone(), over, Some(present), document)?;
            Done::Changed(true, answer.clone())
        }
    })
}

/// Changes a small document.
fn change_here(
    commit: &mut Commit<'_>,
    collection: &Arc<Collection>,
    modification: &Modification<'_>,
    candidate: &Candidate,
) -> Result<Done, Halt> {
    let Some((lsn, present)) = commit.in_slot(collection, candidate.slot)? else { return Ok(Done::Passed) };
    let before = present.document(collection.shapes());
    let stamp = Stamp::new(lsn, present.version);
    // Whether another version matches is checked outside of the lock, unless the filter only depends on what never changes.
    if present.size() > LIGHT || (stamp != candidate.stamp && !modification.filter.is_of_id()) {
        return Ok(Done::Unready);
    }
    modification.check_version(present.version)?;
    let key = key_of(id_of(before)?);
    if let (Change::Update(update), None) = (&modification.change, modification.answer) {
        match commit.pack_rewritten(update, before) {
            Rewrite::Same => return Ok(Done::Changed(false, None)),
            Rewrite::Changed => {
                commit.replace_packed(collection, key, &present, How::Updated)?;
                return Ok(Done::Changed(true, None));
            }
            Rewrite::Tree => {}
        }
    }
    match after(modification, before, commit.time(), &Work::default())? {
        After::Gone => {
            let answer = answered(modification, before, None)?;
            commit.delete(collection, key, &present)?;
            Ok(Done::Changed(true, answer))
        }
        After::Same => Ok(Done::Changed(false, answered(modification, before, None)?)),
        After::Tree(after) => {
            let answer = answered(modification, before, Some(&after))?;
            commit.pack_value(collection, &after)?;
            let how = match modification.change {
                Change::Update(update) => {
                    commit.paths.clear();
                    update.changed(before, &after, &mut commit.paths);
                    How::Updated
                }
                Change::Replace(_) | Change::Delete => How::Replaced,
            };
            commit.replace_packed(collection, key, &present, how)?;
            Ok(Done::Changed(true, answer))
        }
    }
}

/// The document that a write returns; without `after` the one before. Built before anything is staged, so that a failing
/// projection changes nothing.
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
