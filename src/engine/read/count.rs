//! Counts matching documents.

use std::ops::ControlFlow;

use super::fetch::{ENTRIES, Examined, Last, ReadContext, examine};
use super::layers::overlay;
use super::layers::source::Source;
use super::missing_indexes;
use super::results::QueryResults;
use super::scan::{self, Scan};
use crate::document::RawValue;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::exec::nonblocking::would_block;
use crate::engine::plan::hint::Hint;
use crate::engine::plan::planner::{self, Access, Plan, Query};
use crate::engine::state::index::Index;
use crate::engine::store::Store;
use crate::error::Result;
use crate::index::{Purpose, Range, ScanDirection};
use crate::query::Filter;

/// Counts the matching documents of a source.
pub(crate) fn matches(
    store: &Store,
    (source, name): (&Source, &str),
    filter: &Filter,
    (skip, limit): (u64, u64),
    hint: Option<&Hint>,
    interrupt: &Interrupt,
) -> Result<u64> {
    source.note(name, filter)?;
    let Some(collection) = source.collection(name) else { return Ok(0) };
    let enough = if limit == 0 { u64::MAX } else { skip.saturating_add(limit) };
    let wanted = (limit != 0).then_some(enough);
    let query = Query { wanted, hint, counted: true, ..Query::of(filter) };
    let plan = planner::plan(collection, &query, source.lsn())?;
    let own = source.own(collection);
    let reading = ReadContext::new(store, collection, source.lsn(), filter, interrupt).over(own.as_deref());
    let (count, _) = by_plan(&reading, &query, &plan, enough)?;
    Ok(count.saturating_sub(skip))
}

/// The number of documents that match by a plan, at most `enough`.
pub(crate) fn by_plan(
    reading: &ReadContext<'_>,
    query: &Query<'_>,
    plan: &Plan<Index>,
    enough: u64,
) -> Result<(u64, Examined)> {
    if let Plan::Index(access) = plan
        && access.covers
        // What is hidden has to be looked at: where that is more, the entries are.
        && reading.own.is_none_or(|own| own.hidden_count() <= access.keys)
    {
        access.index.count_use();
        // The index has the documents of the view, also those that are replaced or deleted in it.
        let (added, hidden) = overlay::counts(reading, plan)?;
        let below = ReadContext { own: None, ..*reading };
        let (count, examined) = covered(&below, access, enough.saturating_add(hidden))?;
        return Ok(((count + added).saturating_sub(hidden).min(enough), examined));
    }
    if matches!(plan, Plan::Scan) {
        would_block(|| true)?;
        let end = reading.collection.slab().end();
        let count = scan::count(reading.store, &Scan::of(reading, end), enough)?;
        missing_indexes::note_scan(reading.store, reading, None, end, count);
        let count = count.saturating_add(overlay::added(reading, plan)?).min(enough);
        return Ok((count, Examined { keys: 0, documents: end }));
    }
    let mut count = 0;
    let mut results = QueryResults::open(reading, query, plan)?;
    results.run(reading, None, &mut |_| {
        count += 1;
        if count == enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok((count, results.examined()))
}

/// The number of documents with entries in ranges that are equivalent to the filter; only documents with several versions
/// are read.
fn covered(reading: &ReadContext<'_>, access: &Access<Index>, enough: u64) -> Result<(u64, Examined)> {
    let ReadContext { store, view, .. } = *reading;
    let index = &access.index;
    let mut examined = Examined::default();
    if let Some(sum) = index.count_in(&access.ranges.list, view) {
        examined.keys = sum;
        return Ok((sum, examined));
    }
    would_block(|| true)?;
    let mut count = 0;
    let mut doubtful: (Vec<u64>, Vec<Vec<u8>>) = Default::default();
    for range in &access.ranges.list {
        count += settled(reading, index, range, &mut doubtful, &mut examined)?;
        if count >= enough {
            return Ok((count, examined));
        }
    }
    let (slots, keys) = doubtful;
    let mut scratch = Vec::new();
    let is_here = &mut |n: usize, _, document: RawValue<'_>| {
        let own = index.keys(document, Purpose::Entries, &mut scratch);
        keys.get(n).is_some_and(|key| own.is_ok_and(|own| own.contains(key)))
    };
    let (mut last, mut at) = (Last::default(), 0);
    while at < slots.len() {
        reading.interrupt.check(|| store.now())?;
        let start = at;
        let here = &mut |n: usize, slot, document: RawValue<'_>| is_here(start + n, slot, document);
        let rest = slots.get(at..(at + ENTRIES).min(slots.len())).unwrap_or_default();
        let (passed, _) = examine(reading, rest, &mut last, &mut examined, here, &mut |_| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        at += passed;
    }
    Ok((count, examined))
}

/// Counts the entries of documents with one version; collects slot and key of the others.
fn settled(
    reading: &ReadContext<'_>,
    index: &Index,
    range: &Range,
    doubtful: &mut (Vec<u64>, Vec<Vec<u8>>),
    examined: &mut Examined,
) -> Result<u64> {
    let slab = reading.collection.slab();
    let (mut count, mut after) = (0, None);
    loop {
        after = index.page(range, after.as_deref(), ScanDirection::Forward, ENTRIES, |key, slot| {
            examined.keys += 1;
            if slab.sees_all(slot, reading.view) {
                count += 1;
            } else {
                doubtful.0.push(slot.0);
                doubtful.1.push(key.to_vec());
            }
        })?;
        reading.interrupt.check(|| reading.store.now())?;
        if after.is_none() {
            return Ok(count);
        }
    }
}
