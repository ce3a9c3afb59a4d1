//! The commit of a transaction: the final state of each document that it has written, through the one commit path, in one
//! frame.
//!
//! Under the commit lock each key is checked once more against the snapshot, and each unique value by the commit path itself.
//! A value that was free when it was written, and is not now, is a conflict like any other. Where the transaction is serializable, what
//! it has read is compared with the commits since, too: before the lock with those up to then, under it with the few after them.

use std::collections::HashMap;
use std::sync::Arc;

use super::errors;
use super::recheck::newest::is_newest;
use super::recheck::reads::ReadCheck;
use super::work::{Origin, Present, Work};
use crate::document::RawValue;
use crate::engine::commit::read_ahead::{self, ReadAhead};
use crate::engine::commit::{self, Commit, Committed, Halt, Over, Target};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::format::key::Key;
use crate::engine::format::record::{self, Making};
use crate::engine::read::layers::own::{OwnDocument, OwnDocuments};
use crate::engine::state::collection::Collection;
use crate::engine::state::index::Index;
use crate::engine::state::rules::Checked;
use crate::engine::state::slab::SlotId;
use crate::error::{Error, Kind, Result};

/// Keys between two checks of the limits.
const STRETCH: usize = 1_024;
/// How often what was read is compared again because there were many commits meanwhile. Then they count as a conflict.
const ROUNDS: u32 = 32;

/// What is committed to one collection.
struct Part {
    name: Arc<str>,
    /// As the snapshot has it, or as the transaction has begun it.
    collection: Arc<Collection>,
    is_begun: bool,
    own: Arc<OwnDocuments>,
    /// Documents of the snapshot that are deleted, in natural order.
    deleted: Vec<(SlotId, Key)>,
    /// By which rules its documents are valid.
    checked: Checked,
}

/// Commits what a transaction has written: all of it or nothing.
pub(crate) fn run(work: &Work, interrupt: &Interrupt) -> Committed<()> {
    if work.is_empty() {
        return Committed { result: Ok(()), lsn: work.lsn() };
    }
    let mut ahead = ReadAhead::default();
    let parts = match prepared(work, interrupt, &mut ahead) {
        Ok(parts) => parts,
        Err(error) => return Committed { result: Err(error), lsn: work.store.applied_lsn() },
    };
    let bytes = usize::try_from(work.bytes()).unwrap_or(usize::MAX);
    let Origin { session, number } = work.origin;
    let mut reads = ReadCheck::of(work);
    for _ in 0..ROUNDS {
        if let Some(reads) = &mut reads
            && let Err(error) = reads.compare(interrupt)
        {
            return Committed { result: Err(error), lsn: work.store.applied_lsn() };
        }
        let committed = commit::run_ahead(&work.store, bytes, interrupt, &mut ahead, |commit| {
            if let Some(reads) = &reads
                && !reads.compare_locked(commit)?
            {
                return Ok(false);
            }
            record::transaction(commit.block(32), &session, number);
            for part in &parts {
                stage(commit, work, part).map_err(|halt| match halt {
                    Halt::Error(error) => Halt::Error(refusal(part, error)),
                    other => other,
                })?;
            }
            Ok(true)
        });
        match committed {
            Committed { result: Ok(false), .. } => {}
            done => return done.map(drop),
        }
    }
    let error = parts.first().map_or_else(errors::unknown, |part| errors::conflict(&part.name));
    Committed { result: Err(error), lsn: work.store.applied_lsn() }
}

/// Why a part cannot be staged that could be when it was written.
fn refusal(part: &Part, error: Error) -> Error {
    match error.kind() {
        Kind::DuplicateKey | Kind::BadDocument => errors::conflict(&part.name),
        _ => error,
    }
}

/// What the transaction changes, in the order of its collections; checked, and read from disk as far as the commit needs it.
fn prepared(work: &Work, interrupt: &Interrupt, ahead: &mut ReadAhead) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for (name, collection) in &work.own.begun {
        let own = work.own(collection).cloned().unwrap_or_default();
        let (name, collection) = (name.clone(), collection.clone());
        let checked = Checked::Never;
        parts.push(Part { name, collection, is_begun: true, own, deleted: Vec::new(), checked });
    }
    for (number, own) in &work.own.documents {
        let Some(name) = work.view.catalogue().name_of(*number) else { continue };
        let Some(collection) = work.view.catalogue().get(name) else { continue };
        let mut deleted: Vec<(SlotId, Key)> = own
            .keys()
            .filter_map(|(key, own)| {
                let below = own.below?;
                (own.slot != Some(below.0)).then(|| (below, key.clone()))
            })
            .collect();
        deleted.sort_by_key(|(slot, _)| *slot);
        let (name, collection, own) = (name.clone(), collection.clone(), own.clone());
        let checked = revalidated(work, &name, &collection, &own, interrupt)?;
        parts.push(Part { name, collection, is_begun: false, own, deleted, checked });
    }
    parts.sort_by(|a, b| a.name.cmp(&b.name));
    for part in parts.iter().filter(|part| !part.is_begun) {
        for (n, (key, own)) in part.own.keys().enumerate() {
            if n % STRETCH == 0 {
                interrupt.check(|| work.store.now())?;
            }
            if !is_newest(&part.collection, key, own.below, work.lsn())? {
                return Err(errors::conflict(&part.name));
            }
        }
        let hidden = part.own.hidden();
        let replaced = hidden.into_iter().map(SlotId).filter(|_| part.collection.is_indexed());
        let slots = replaced.chain(part.deleted.iter().map(|(slot, _)| *slot));
        read_ahead::read_slots(&work.store, &part.collection, slots, ahead, interrupt)?;
    }
    Ok(parts)
}

/// Checks the documents of a part by the newest rules of their collection, where those are others than when they were written.
fn revalidated(
    work: &Work,
    name: &str,
    collection: &Collection,
    own: &OwnDocuments,
    interrupt: &Interrupt,
) -> Result<Checked> {
    let Some(rules) = collection.rules() else { return Ok(Checked::Never) };
    let budget = work.store.work(interrupt);
    for (_, document) in own.documents().filter(|(_, document)| !document.checked.is_by(&rules)) {
        let below = own.key(&document.key).and_then(|own| own.below);
        let before = match below {
            Some(slot) => work.in_slot(collection, slot, work.lsn())?,
            None => None,
        };
        let before =
            before.as_ref().map(|(_, block, span)| RawValue::new(span.of(block), collection.shapes()));
        rules.check(name, document.raw(collection), before, &budget)?;
    }
    Ok(Checked::By(rules))
}

/// By which rules a document of a part has been checked.
fn checked(part: &Part, document: &OwnDocument) -> Checked {
    match (&document.checked, &part.checked) {
        (Checked::Bypassed, _) => Checked::Bypassed,
        (own, Checked::Never) => own.clone(),
        (_, newer) => newer.clone(),
    }
}

fn stage(commit: &mut Commit<'_>, work: &Work, part: &Part) -> Result<(), Halt> {
    if part.is_begun {
        return stage_begun(commit, part);
    }
    let Part { name, collection, own, deleted, .. } = part;
    if commit.collection(name).is_none_or(|now| now.number() != collection.number()) {
        return Err(errors::conflict(name).into());
    }
    for (key, own) in own.keys() {
        if !is_newest(collection, key, own.below, work.lsn())? {
            return Err(errors::conflict(name).into());
        }
    }
    // The keys of these documents in unique indexes are free, whichever of them is staged first.
    commit.release_keys(collection, own.hidden().into_iter().map(SlotId));
    let mut steps: HashMap<&Key, usize> = HashMap::with_capacity(deleted.len());
    for (slot, key) in deleted {
        let Some((_, present)) = commit.in_slot(collection, *slot)? else {
            return Err(errors::conflict(name).into());
        };
        commit.delete(collection, key.clone(), &present)?;
        steps.insert(key, commit.last_step());
    }
    for (slot, document) in own.documents() {
        let key = &document.key;
        let below = own.key(key).and_then(|own| own.below);
        let target = match (steps.get(key), below) {
            (Some(step), _) => Target::After(*step),
            (None, Some(below)) if below.0 == slot => Target::Slot(below),
            (None, _) => Target::New(collection.slot_of(key)?),
        };
        let Present { version, created_at, .. } = Present::of(document.block.clone(), document.span)?;
        let over = Over::Present(target, version.saturating_sub(1), created_at);
        let making = document.changes().map_or(Making::Replaced, Making::Updated);
        let put = (document.span.of(&document.block), making);
        commit.checked = checked(part, document);
        commit.put_over(collection, key.clone(), over, None, put)?;
        if target.slot().is_none() {
            commit.count_inserted(collection);
        }
    }
    Ok(())
}

/// A collection that the transaction has begun gets its number now; its documents are encoded for its own shapes.
fn stage_begun(commit: &mut Commit<'_>, part: &Part) -> Result<(), Halt> {
    if commit.collection(&part.name).is_some() {
        return Err(errors::conflict(&part.name).into());
    }
    let collection = commit.collection_or_create_with(&part.name, &part.collection.options())?;
    collection.set_options_of(&part.collection);
    commit.keep_created();
    for index in part.collection.indexes().iter() {
        let index = Index::new(collection.next_index(), index.definition())?;
        commit.begin_index(&collection, &Arc::new(index));
    }
    for (_, document) in part.own.documents() {
        let Present { version, created_at, .. } = Present::of(document.block.clone(), document.span)?;
        commit.pack_incoming(&collection, document.raw(&part.collection))?;
        commit.checked = checked(part, document);
        let over = Over::Present(Target::New(None), version.saturating_sub(1), created_at);
        commit.put_packed(&collection, document.key.clone(), over)?;
        commit.count_inserted(&collection);
    }
    Ok(())
}
