//! Filling indexes: from a view while commits continue, or from all documents when a database is opened.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::document::RawValue;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::locks::Mutex;
use crate::engine::format::damage::damage;
use crate::engine::read::fetch::Match;
use crate::engine::read::scan::{self, Scan};
use crate::engine::state::catalogue::Catalogue;
use crate::engine::state::collection::Collection;
use crate::engine::state::index::Index;
use crate::engine::state::namespace::Shown;
use crate::engine::state::slab::{Content, SlotId};
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::index::{Entries, Purpose, Tree, merge};
use crate::query::Filter;
use crate::storage::Lsn;

/// Slots from which on a thread pays.
const SHARE: u64 = 20_000;

/// The entries of one index for some slots.
#[derive(Default)]
struct Part {
    entries: Entries,
    /// Documents that cannot be indexed.
    refused: Vec<(SlotId, Error)>,
}

/// A pass over the documents that a view of a collection sees, for some of its indexes.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'p> {
    pub(crate) store: &'p Store,
    pub(crate) collection: &'p Collection,
    pub(crate) indexes: &'p [Arc<Index>],
    pub(crate) view: Lsn,
    /// The maximum number of threads.
    pub(crate) threads: u64,
    pub(crate) interrupt: &'p Interrupt,
}

/// Fills indexes, in addition to the entries of concurrent commits. Documents that cannot be indexed become suspects.
pub(crate) fn run(pass: &Pass<'_>) -> Result<()> {
    let parts = pass.collect()?;
    let Pass { store, collection, indexes, threads, interrupt, .. } = *pass;
    interrupt.check(|| store.now())?;
    let fill = |index: &Index, parts: Vec<Part>| {
        for part in &parts {
            part.refused.iter().for_each(|(slot, _)| index.suspect(*slot));
        }
        let runs: Vec<Entries> = parts.into_iter().map(|part| part.entries).collect();
        index.fill(&runs);
        store.measure_soon();
    };
    let work = indexes.iter().zip(parts);
    if threads == 1 || collection.slab().end() < SHARE {
        work.for_each(|(index, parts)| fill(index, parts));
        return Ok(());
    }
    // One thread fills an index; many indexes are filled concurrently.
    let work = Mutex::new(work);
    let take_turns = || {
        loop {
            let next = work.lock().next();
            let Some((index, parts)) = next else { return };
            fill(index, parts);
        }
    };
    std::thread::scope(|scope| {
        (1..threads.min(indexes.len() as u64)).for_each(|_| drop(scope.spawn(take_turns)));
        take_turns();
    });
    Ok(())
}

/// Builds the indexes that recovery found, before any query uses them.
pub(crate) fn build_recovered(store: &Store, catalogue: &Catalogue) -> Result<()> {
    for (_, collection) in catalogue.iter().filter(|(_, collection)| collection.is_indexed()) {
        build_these(store, collection, &collection.indexes())?;
    }
    Ok(())
}

/// Builds indexes of a collection that recovery found.
pub(crate) fn build_these(store: &Store, collection: &Collection, indexes: &[Arc<Index>]) -> Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let interrupt = &Interrupt::default();
    run(&Pass { store, collection, indexes, view: Lsn::NEWEST, threads, interrupt })?;
    for index in indexes {
        let suspects = std::mem::take(&mut *index.suspects().lock());
        // Keys were checked when they were committed.
        if let Some(slot) = suspects.slots.first() {
            let name = &index.spec().name;
            let what = format!("a document does not fit the index '{name}', which was committed with it");
            let place = collection.slab().newest(*slot, |version| match &version.content {
                Content::Hot(block, span) => Some((block.place, *span)),
                Content::Cold(place, span) => Some((**place, *span)),
                Content::Vacant | Content::Tombstone => None,
            })?;
            return Err(match place.flatten() {
                Some((place, span)) => damage(Path::new(store.name()), &place, span.range().start, &what),
                None => Error::new(Kind::Internal, what),
            });
        }
    }
    Ok(())
}

/// Compares every ready index with the documents: each document's keys must be entries, and when no view is open there
/// may be no others. Returns the number of entries; a difference is an `INTERNAL` error.
pub(crate) fn check_indexes(store: &Store) -> Result<u64> {
    let _hold = store.views().hold();
    let applied = store.applied();
    let (mut count, newest) = (0, Lsn::NEWEST);
    let views = store.views();
    let settled = views.published() == applied.lsn && views.held().0 == 0 && !views.has_garbage();
    for (name, collection) in applied.catalogue.iter() {
        let indexes: Vec<_> =
            collection.indexes().iter().filter(|one| one.is_ready(newest)).cloned().collect();
        let interrupt = &Interrupt::default();
        let pass = Pass { store, collection, indexes: &indexes, view: newest, threads: 1, interrupt };
        for (index, parts) in indexes.iter().zip(pass.collect()?) {
            let mut expected = merge_parts(&parts);
            let mut stale = 0u64;
            index.each(|key, slot, times| {
                let there = expected.remove(key, slot.0);
                stale += u64::from(times) - u64::from(there);
                count += 1;
            })?;
            if !expected.is_empty() || (stale > 0 && settled) {
                let message = format!(
                    "the index '{}' of '{}' lacks {} entries and has {stale} too many",
                    index.spec().name,
                    Shown(name),
                    expected.len()
                );
                return Err(Error::new(Kind::Internal, message));
            }
        }
    }
    Ok(count)
}

impl Pass<'_> {
    /// The sorted entries of each index, in as many parts as threads were used.
    fn collect(&self) -> Result<Vec<Vec<Part>>> {
        let end = self.collection.slab().end();
        // Slots, of which few are empty.
        self.interrupt.expect(end);
        let shares = self.threads.min(end / SHARE).max(1);
        let bounds = (0..shares).map(|n| (end * n / shares, end * (n + 1) / shares));
        let collected: Vec<Result<Vec<Part>>> = if shares == 1 {
            vec![self.collect_share((0, end))]
        } else {
            std::thread::scope(|scope| {
                let work = |bounds| move || self.collect_share(bounds);
                let running: Vec<_> = bounds.map(|bounds| scope.spawn(work(bounds))).collect();
                let lost = || Err(Error::new(Kind::Internal, "a thread that built an index panicked"));
                running.into_iter().map(|one| one.join().unwrap_or_else(|_| lost())).collect()
            })
        };
        let mut by_index: Vec<Vec<Part>> = self.indexes.iter().map(|_| Vec::new()).collect();
        for parts in collected {
            for (all, part) in by_index.iter_mut().zip(parts?) {
                all.push(part);
            }
        }
        Ok(by_index)
    }

    /// The sorted entries of each index for these slots.
    fn collect_share(&self, (mut from, end): (u64, u64)) -> Result<Vec<Part>> {
        let Pass { store, collection, indexes, view, interrupt, .. } = *self;
        let mut parts: Vec<Part> = indexes.iter().map(|_| Part::default()).collect();
        let (all, mut scratch) = (Filter::all(), Vec::new());
        while from < end {
            if store.is_closing() {
                return Err(Error::new(Kind::Closed, "the database was closed while an index was built"));
            }
            let to = end.min(from + SHARE);
            let scan = Scan {
                collection,
                bounds: (from, to),
                view,
                filter: &all,
                interrupt,
                keeps: false,
                own: None,
            };
            scan::each(store, &scan, |Match { slot, block, span, .. }| {
                let document = RawValue::new(span.of(block), collection.shapes());
                for (index, part) in indexes.iter().zip(&mut parts) {
                    match index.keys(document, Purpose::Entries, &mut scratch) {
                        Ok(keys) => {
                            index.note(keys.multikey, keys.truncated);
                            keys.list.iter().for_each(|key| part.entries.push(key, slot.0));
                        }
                        Err(error) => part.refused.push((slot, error)),
                    }
                }
                ControlFlow::Continue(())
            })?;
            interrupt.advance(to - from);
            from = to;
        }
        parts.iter_mut().for_each(|part| part.entries.sort());
        Ok(parts)
    }
}

fn merge_parts(parts: &[Part]) -> Tree {
    let mut tree = Tree::new();
    for part in parts {
        merge(std::slice::from_ref(&part.entries), |_| {}).each(|key, slot, _| tree.insert(key, slot));
    }
    tree
}
