//! The documents that a write by filter is going to change: found without the commit lock.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::modification::{Candidate, Modification};
use crate::document::RawValue;
use crate::engine::commit::read_ahead::ReadAhead;
use crate::engine::exec::nonblocking::would_block;
use crate::engine::operation::request::Reach;
use crate::engine::plan::planner::{self, Query, key_of_value};
use crate::engine::read::fetch::{Match, ReadContext};
use crate::engine::read::results::QueryResults;
use crate::engine::read::selection::Selection;
use crate::engine::state::collection::Collection;
use crate::engine::state::slab::Stamp;
use crate::engine::state::version::Version;
use crate::engine::state::views::View;
use crate::engine::store::Store;
use crate::error::Result;
use crate::options::PART_DOCUMENTS;
use crate::storage::Lsn;

/// Slots whose newest applied documents match; `search` continues where it stopped.
pub(crate) fn find(
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
    // The steps below are short only for a document that is named by `_id`.
    would_block(|| filter.id().is_none())?;
    let mut reading = ReadContext::new(store, collection, Lsn::NEWEST, filter, interrupt);
    let mut found = Vec::new();
    let wanted = if reach == Reach::One { 1 } else { PART_DOCUMENTS };
    let mut take = |Match { slot, lsn, span, .. }: Match<'_>| {
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
                let mut results = QueryResults::open(&reading, &query, &plan)?;
                results.run(&reading, sort, &mut take)?;
                return Ok(found);
            }
            let end = collection.slab().end();
            fresh.insert(Selection::open(&reading, &plan, end)?)
        }
    };
    reading.view = Lsn::NEWEST;
    selection.run(&reading, &mut take)?;
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
    let slot = match filter.id() {
        Some(id) => collection.slot_of(&key_of_value(id))?,
        None => None,
    };
    let Some(slot) = slot else {
        return Ok(None);
    };
    let Some(version) = collection.slab().newest(slot, Version::clone)? else { return Ok(None) };
    let Some(disk) = version.on_disk() else { return Ok(None) };
    let Some(block) = ahead.get(&disk) else { return Ok(None) };
    let span = disk.span();
    let matches = filter.matches(RawValue::new(span.of(block), collection.shapes()));
    let found = filter.work().believe(matches)?;
    let candidate = Candidate { slot, stamp: Stamp::of(&version), bytes: span.len() };
    Ok(Some(found.then_some(candidate).into_iter().collect()))
}

#[cfg(test)]
pub(crate) fn count(
    store: &Store,
    collection: &Arc<Collection>,
    modification: &Modification<'_>,
) -> Result<usize> {
    find(store, collection, modification, &mut None, &ReadAhead::default()).map(|found| found.len())
}

/// A view of the newest applied state.
fn applied_view(store: &Store) -> Result<View> {
    let applied = store.applied_to_commit()?;
    Ok(store.views().open_applied(applied.lsn, applied.catalogue.clone(), store.now()))
}
