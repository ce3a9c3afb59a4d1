//! Brings the indexes of a checkpoint up to the log that was replayed after it: removes the entries of replaced documents, and adds
//! those of the newest ones. Indexes that were created since are built.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::replay::Changes;
use crate::document::RawValue;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::format::checkpoint::SLOTS;
use crate::engine::index_build::fill;
use crate::engine::read::fetch::{Last, Match};
use crate::engine::read::scan::{self, Scan};
use crate::engine::state::catalogue::Catalogue;
use crate::engine::state::collection::Collection;
use crate::engine::state::index::Index;
use crate::engine::state::slab::{Content, SlotId, Version};
use crate::engine::store::Store;
use crate::error::Result;
use crate::index::{Entries, Purpose};
use crate::query::Filter;
use crate::storage::Lsn;

/// The entries that the log after a checkpoint adds to one index, and those of the checkpoint that it removes.
#[derive(Default)]
struct Delta {
    added: Entries,
    removed: Entries,
}

/// Brings every index up to the log.
pub(crate) fn build(store: &Store, catalogue: &Catalogue, changes: &Changes) -> Result<()> {
    for (_, collection) in catalogue.iter().filter(|(_, collection)| collection.is_indexed()) {
        let is_new = |index: &Arc<Index>| changes.indexes.contains(&(collection.number(), index.number()));
        let (new, old): (Vec<_>, Vec<_>) = collection.indexes().iter().cloned().partition(is_new);
        if !new.is_empty() {
            fill::build_these(store, collection, &new)?;
        }
        if !old.is_empty() {
            bring_up(store, collection, &old, changes)?;
        }
    }
    Ok(())
}

fn bring_up(
    store: &Store,
    collection: &Arc<Collection>,
    indexes: &[Arc<Index>],
    changes: &Changes,
) -> Result<()> {
    let Some(base) = collection.base() else { return fill::build_these(store, collection, indexes) };
    let mut deltas: Vec<Delta> = indexes.iter().map(|_| Delta::default()).collect();
    let mut replaced: Vec<_> =
        changes.replaced.iter().filter(|((number, _), _)| *number == collection.number()).collect();
    // In the order of the files, so that each block is read once.
    replaced.sort_unstable_by_key(|((_, slot), disk)| (disk.place().file, disk.place().offset, slot.0));
    let mut last = Last::passing();
    for ((_, slot), disk) in replaced {
        let block = last.read(store, collection, *slot, disk)?;
        add_keys(
            indexes,
            &mut deltas,
            |delta| &mut delta.removed,
            disk.span().of(&block),
            *slot,
            collection,
        )?;
        let newest = collection.slab().newest(*slot, Version::clone)?;
        let Some(newest) = newest.filter(|newest| newest.content.is_document()) else { continue };
        let (block, span) = match newest.on_disk() {
            Some(disk) => (last.read(store, collection, *slot, &disk)?, disk.span()),
            None => match newest.content {
                Content::Hot(block, span) => (block, span),
                _ => continue,
            },
        };
        add_keys(indexes, &mut deltas, |delta| &mut delta.added, span.of(&block), *slot, collection)?;
    }
    let slab = collection.slab();
    let interrupt = Interrupt::default();
    // The first slot that the log has filled.
    let bounds = (base.end().next_multiple_of(SLOTS as u64), slab.end());
    let scan = Scan {
        collection,
        bounds,
        view: Lsn::NEWEST,
        filter: &Filter::all(),
        interrupt: &interrupt,
        keeps: false,
        own: None,
    };
    let mut failed = Ok(());
    scan::each(store, &scan, |Match { slot, block, span, .. }| {
        failed = add_keys(indexes, &mut deltas, |delta| &mut delta.added, span.of(block), slot, collection);
        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    failed?;
    for (index, Delta { mut added, mut removed }) in indexes.iter().zip(deltas) {
        added.sort();
        removed.sort();
        index.bring_up(&added, &removed);
    }
    Ok(())
}

fn add_keys(
    indexes: &[Arc<Index>],
    deltas: &mut [Delta],
    of: impl Fn(&mut Delta) -> &mut Entries,
    document: &[u8],
    slot: SlotId,
    collection: &Collection,
) -> Result<()> {
    let mut scratch = Vec::new();
    let document = RawValue::new(document, collection.shapes());
    for (index, delta) in indexes.iter().zip(deltas) {
        let keys = index.keys(document, Purpose::Entries, &mut scratch)?;
        index.note(keys.multikey, keys.truncated);
        let entries = of(delta);
        keys.list.iter().for_each(|key| entries.push(key, slot.0));
    }
    Ok(())
}
