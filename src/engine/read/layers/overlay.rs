//! The documents of a transaction that match a query, merged into those of its view.
//!
//! Both come in the order of the query: natural order is that of slots, and documents with equal sort keys are in natural
//! order. So whichever plan finds the documents of the view, one merge by sort key and slot gives the whole.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::own::{OwnDocument, OwnDocuments};
use crate::document::RawValue;
use crate::engine::plan::planner::{Plan, Query};
use crate::engine::read::fetch::{Examined, Found, Last, Match, ReadContext, examine};
use crate::engine::state::index::Index;
use crate::engine::state::slab::SlotId;
use crate::error::{Error, Result};
use crate::query::{Ranker, Sort, SortKey};
use crate::storage::Lsn;

/// Documents of the view that are taken at a time.
const TAKEN: usize = 64;
/// Own documents that are matched between two checks of the limits.
const STRETCH: usize = 256;

/// Matches of both layers, as far as they were taken and not returned.
pub(in crate::engine::read) struct Overlay {
    own: VecDeque<Placed>,
    below: VecDeque<Placed>,
    /// Whether the view has no more.
    ended: bool,
    /// From the last document to the first.
    backward: bool,
}

/// A document and its place in the order.
struct Placed {
    key: Option<SortKey>,
    found: Found,
}

impl Overlay {
    /// For a query that reads what a transaction has written; `None` for any other.
    pub(in crate::engine::read) fn of(
        reading: &ReadContext<'_>,
        query: &Query<'_>,
        plan: &Plan<Index>,
    ) -> Result<Option<Overlay>> {
        if reading.own.is_none() {
            return Ok(None);
        }
        let backward = query.is_backward();
        let shapes = reading.collection.shapes();
        let mut ranker = query.sort.map(Ranker::new);
        let mut own = matching(reading, plan)?
            .into_iter()
            .map(|found| {
                let document = RawValue::new(found.span.of(&found.block), shapes);
                let key = ranker.as_mut().map(|ranker| ranker.key(document)).transpose()?;
                Ok(Placed { key, found })
            })
            .collect::<Result<Vec<_>>>()?;
        own.sort_by(|a, b| order(a, b, backward));
        Ok(Some(Overlay { own: own.into(), below: VecDeque::new(), ended: false, backward }))
    }

    /// Whether everything was returned.
    pub(in crate::engine::read) fn is_done(&self) -> bool {
        self.ended && self.below.is_empty() && self.own.is_empty()
    }

    /// Calls a function with each document in order until it stops. `below` calls another with those of the view, until that
    /// stops.
    pub(in crate::engine::read) fn run(
        &mut self,
        reading: &ReadContext<'_>,
        sort: Option<&Sort>,
        mut below: impl FnMut(&mut dyn FnMut(Match<'_>) -> ControlFlow<()>) -> Result<()>,
        visit: &mut impl FnMut(Match<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        loop {
            if self.below.is_empty() && !self.ended {
                self.take(reading, sort, &mut below)?;
            }
            let first = match (self.below.front(), self.own.front()) {
                (None, None) => return Ok(()),
                (Some(under), Some(own)) if order(own, under, self.backward).is_lt() => self.own.pop_front(),
                (Some(_), _) => self.below.pop_front(),
                (None, Some(_)) => self.own.pop_front(),
            };
            if let Some(Placed { found, .. }) = first
                && visit(found.as_match()).is_break()
            {
                return Ok(());
            }
        }
    }

    fn take(
        &mut self,
        reading: &ReadContext<'_>,
        sort: Option<&Sort>,
        below: &mut impl FnMut(&mut dyn FnMut(Match<'_>) -> ControlFlow<()>) -> Result<()>,
    ) -> Result<()> {
        let shapes = reading.collection.shapes();
        // Nothing has to be compared once the transaction has no more.
        let mut ranker = sort.filter(|_| !self.own.is_empty()).map(Ranker::new);
        let (mut refused, mut full) = (Ok(()), false);
        let taken = &mut self.below;
        below(&mut |one| {
            let document = RawValue::new(one.span.of(one.block), shapes);
            match ranker.as_mut().map(|ranker| ranker.key(document)).transpose() {
                Ok(key) => taken.push_back(Placed { key, found: one.to_found() }),
                Err(error) => refused = Err(error),
            }
            full = taken.len() >= TAKEN;
            if full || refused.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        refused?;
        self.ended = !full;
        Ok(())
    }
}

/// The order of two documents with the same kind of key.
fn order(a: &Placed, b: &Placed, backward: bool) -> Ordering {
    let natural = a.found.slot.cmp(&b.found.slot);
    let natural = if backward { natural.reverse() } else { natural };
    match (&a.key, &b.key) {
        (Some(one), Some(other)) => one.cmp(other).then(natural),
        _ => natural,
    }
}

fn found(slot: u64, document: &OwnDocument) -> Found {
    Found { slot: SlotId(slot), lsn: Lsn::NEWEST, block: document.block.clone(), span: document.span }
}

/// The own documents that the filter matches, in natural order.
fn matching(reading: &ReadContext<'_>, plan: &Plan<Index>) -> Result<Vec<Found>> {
    let Some(own) = reading.own else { return Ok(Vec::new()) };
    let (filter, collection) = (reading.filter, reading.collection);
    let mut matcher = filter.matcher();
    let mut matched = Vec::new();
    let mut visit = |n: usize, slot: u64, document: &OwnDocument| {
        if n.is_multiple_of(STRETCH) {
            reading.interrupt.check(|| reading.store.now())?;
        }
        if matcher.matches(document.raw(collection)) {
            matched.push(found(slot, document));
        }
        Ok::<(), Error>(())
    };
    let mut slots = Vec::new();
    if gather(own, plan, &mut slots) {
        slots.sort_unstable();
        slots.dedup();
        for (n, slot) in slots.into_iter().enumerate() {
            own.at(slot).map_or(Ok(()), |document| visit(n, slot, document))?;
        }
    } else {
        for (n, (slot, document)) in own.documents().enumerate() {
            visit(n, slot, document)?;
        }
    }
    filter.work().believe(matched)
}

/// Adds the slots of own documents that may match by a plan; false where it names none, so that all may.
fn gather(own: &OwnDocuments, plan: &Plan<Index>, slots: &mut Vec<u64>) -> bool {
    match plan {
        Plan::Scan => false,
        Plan::Ids(keys) => {
            slots.extend(keys.iter().filter_map(|key| own.key(key)?.slot));
            true
        }
        Plan::Index(access) => own.in_ranges(access.index.number(), &access.ranges.list, slots),
        Plan::Union(plans) => plans.iter().all(|plan| gather(own, plan, slots)),
    }
}

/// How many own documents match.
pub(in crate::engine::read) fn added(reading: &ReadContext<'_>, plan: &Plan<Index>) -> Result<u64> {
    matching(reading, plan).map(|matched| matched.len() as u64)
}

/// How many own documents match, and how many of the view's that they, or deletions, hide.
pub(in crate::engine::read) fn counts(reading: &ReadContext<'_>, plan: &Plan<Index>) -> Result<(u64, u64)> {
    let Some(own) = reading.own else { return Ok((0, 0)) };
    let added = added(reading, plan)?;
    let below = ReadContext { own: None, ..*reading };
    let (mut last, mut examined, mut hidden) = (Last::default(), Examined::default(), 0);
    let slots = own.hidden();
    let mut at = 0;
    while at < slots.len() {
        reading.interrupt.check(|| reading.store.now())?;
        let rest = slots.get(at..(at + STRETCH).min(slots.len())).unwrap_or_default();
        let here = &mut |_: usize, _, _: RawValue<'_>| true;
        let (passed, _) = examine(&below, rest, &mut last, &mut examined, here, &mut |_| {
            hidden += 1;
            ControlFlow::Continue(())
        })?;
        at += passed;
    }
    Ok((added, hidden))
}
