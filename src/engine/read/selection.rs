//! The documents that a filter matches, by a plan: resumable, without duplicates, in natural order or in that of an index.
//!
//! Entries are a superset of the matches, so the filter is applied to every document as the view sees it. For natural order
//! slots are collected and sorted, or read from a single key, whose entries are in slot order. The order of an index comes
//! from its entries (`index_order`).

use std::ops::ControlFlow;
use std::sync::Arc;

use super::fetch::{ENTRIES, Examined, Last, Match, ReadContext, examine};
use super::index_order::IndexOrder;
use super::scan::{self, Scan};
use crate::document::RawValue;
use crate::engine::exec::nonblocking::{NONBLOCKING_DOCUMENTS, would_block};
use crate::engine::plan::planner::{Access, Plan};
use crate::engine::state::index::Index;
use crate::engine::state::slab::SlotId;
use crate::error::Result;
use crate::index::{Range, ScanDirection};

/// Slots that are passed between two checks of the limits.
const SLOTS: usize = 1_024;
/// Why a selection returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The visitor stopped it.
    Told,
    /// There are no more.
    End,
    /// It has read more documents than its plan was worth.
    Costly,
}

/// The documents of a plan.
pub(crate) struct Selection {
    state: State,
    /// So far.
    pub examined: Examined,
    /// The number of documents to read before another plan is better.
    budget: u64,
    /// Slots from here on are newer than the selection.
    end: u64,
}

enum State {
    Scan(u64),
    Slots(Vec<u64>, usize),
    Key(OneKey),
    Ordered(Box<IndexOrder>),
    Done,
}

/// The entries of one key, which are in slot order.
struct OneKey {
    index: Arc<Index>,
    range: Range,
    after: Option<Vec<u8>>,
    started: bool,
    page: Vec<u64>,
    next: usize,
}

impl Selection {
    /// Nothing.
    pub(crate) fn none() -> Selection {
        Selection { state: State::Done, examined: Examined::default(), budget: u64::MAX, end: 0 }
    }

    /// Starts. Slots from `end` on are left out.
    pub(crate) fn open(reading: &ReadContext<'_>, plan: &Plan<Index>, end: u64) -> Result<Selection> {
        let mut selection =
            Selection { state: State::Done, examined: Examined::default(), budget: u64::MAX, end };
        selection.state = match plan {
            Plan::Scan => State::Scan(0),
            Plan::Index(access) => {
                access.index.count_use();
                if let Some(order) = access.order {
                    State::Ordered(Box::new(IndexOrder::new(access, order)))
                } else if let ([range], true) =
                    (&*access.ranges.list, access.ranges.is_key(access.index.spec()))
                {
                    State::Key(OneKey {
                        index: access.index.clone(),
                        range: range.clone(),
                        after: None,
                        started: false,
                        page: Vec::new(),
                        next: 0,
                    })
                } else {
                    selection.gathered(reading, plan)?
                }
            }
            _ => selection.gathered(reading, plan)?,
        };
        Ok(selection)
    }

    /// Stops once so many documents were read.
    #[must_use]
    pub(crate) fn within(mut self, budget: u64) -> Selection {
        self.budget = budget;
        self
    }

    fn gathered(&mut self, reading: &ReadContext<'_>, plan: &Plan<Index>) -> Result<State> {
        let mut slots = Vec::new();
        self.gather(reading, plan, &mut slots)?;
        slots.retain(|slot| *slot < self.end);
        if !slots.is_sorted() {
            slots.sort_unstable();
        }
        slots.dedup();
        Ok(State::Slots(slots, 0))
    }

    fn gather(&mut self, reading: &ReadContext<'_>, plan: &Plan<Index>, slots: &mut Vec<u64>) -> Result<()> {
        match plan {
            Plan::Scan => slots.extend(0..self.end),
            Plan::Ids(keys) => {
                for key in keys {
                    let found = reading.collection.find(key, || reading.view)?;
                    slots.extend(found.map(|(slot, ..)| slot.0));
                }
            }
            Plan::Index(Access { index, ranges, .. }) => {
                for range in &ranges.list {
                    let mut after = None;
                    loop {
                        let before = slots.len();
                        let next = index.page(
                            range,
                            after.as_deref(),
                            ScanDirection::Forward,
                            ENTRIES,
                            |_, slot| {
                                slots.push(slot.0);
                            },
                        );
                        after = next?;
                        self.examined.keys += (slots.len() - before) as u64;
                        would_block(|| slots.len() > 2 * NONBLOCKING_DOCUMENTS)?;
                        reading.interrupt.check(|| reading.store.now())?;
                        if after.is_none() {
                            break;
                        }
                    }
                }
            }
            Plan::Union(plans) => {
                for plan in plans {
                    if let Plan::Index(access) = plan {
                        access.index.count_use();
                    }
                    self.gather(reading, plan, slots)?;
                }
            }
        }
        Ok(())
    }

    /// Calls a function with each document that the view sees and the filter matches, until it stops. The next call
    /// continues after the last document.
    pub(crate) fn run(
        &mut self,
        reading: &ReadContext<'_>,
        visit: &mut impl FnMut(Match<'_>) -> ControlFlow<()>,
    ) -> Result<Pause> {
        let mut last = Last::of_entries();
        loop {
            reading.interrupt.check(|| reading.store.now())?;
            if self.examined.documents > self.budget {
                return Ok(Pause::Costly);
            }
            let flow = match &mut self.state {
                State::Done => return Ok(Pause::End),
                State::Scan(next) => run_scan(reading, (next, self.end), &mut self.examined, visit)?,
                State::Slots(slots, next) => {
                    let rest = slots.get(*next..(*next + SLOTS).min(slots.len())).unwrap_or_default();
                    run_slots(reading, (rest, next), &mut last, &mut self.examined, visit)?
                }
                State::Key(key) => key.run(reading, self.end, &mut last, &mut self.examined, visit)?,
                State::Ordered(ordered) => {
                    ordered.run(reading, self.end, &mut last, &mut self.examined, visit)?
                }
            };
            match flow {
                Some(ControlFlow::Break(())) => return Ok(Pause::Told),
                Some(ControlFlow::Continue(())) => {}
                None => self.state = State::Done,
            }
        }
    }

    /// Whether nothing is left, as far as is known.
    pub(crate) fn is_done(&self) -> bool {
        match &self.state {
            State::Done => true,
            State::Scan(next) => *next >= self.end,
            State::Slots(slots, next) => *next >= slots.len(),
            State::Key(key) => key.started && key.after.is_none() && key.next >= key.page.len(),
            State::Ordered(_) => false,
        }
    }
}

/// Scans on from slot `next`; `None` at the end.
fn run_scan(
    reading: &ReadContext<'_>,
    (next, end): (&mut u64, u64),
    examined: &mut Examined,
    visit: &mut impl FnMut(Match<'_>) -> ControlFlow<()>,
) -> Result<Option<ControlFlow<()>>> {
    let (before, mut told) = (*next, false);
    let scan = Scan { bounds: (before, end), ..Scan::of(reading, end) };
    *next = scan::each(reading.store, &scan, |one| {
        let flow = visit(one);
        told = flow.is_break();
        flow
    })?;
    examined.documents += next.saturating_sub(before);
    Ok(told.then_some(ControlFlow::Break(())))
}

/// Reads the slots, from `next` on; `None` where there are none.
fn run_slots(
    reading: &ReadContext<'_>,
    (slots, next): (&[u64], &mut usize),
    last: &mut Last,
    examined: &mut Examined,
    visit: &mut impl FnMut(Match<'_>) -> ControlFlow<()>,
) -> Result<Option<ControlFlow<()>>> {
    if slots.is_empty() {
        return Ok(None);
    }
    let any = &mut |_, _: SlotId, _: RawValue<'_>| true;
    let (passed, flow) = examine(reading, slots, last, examined, any, visit)?;
    *next += passed;
    Ok(Some(flow))
}

impl OneKey {
    /// Reads the rest of the page, or the next page of entries; `None` at the end.
    fn run(
        &mut self,
        reading: &ReadContext<'_>,
        end: u64,
        last: &mut Last,
        examined: &mut Examined,
        visit: &mut impl FnMut(Match<'_>) -> ControlFlow<()>,
    ) -> Result<Option<ControlFlow<()>>> {
        let rest = self.page.get(self.next..).unwrap_or_default();
        if !rest.is_empty() {
            return run_slots(reading, (rest, &mut self.next), last, examined, visit);
        }
        if !self.turn(end)? {
            return Ok(None);
        }
        examined.keys += self.page.len() as u64;
        Ok(Some(ControlFlow::Continue(())))
    }

    /// Reads the next page; false when there is none.
    fn turn(&mut self, end: u64) -> Result<bool> {
        if self.started && self.after.is_none() {
            return Ok(false);
        }
        let (page, mut late) = (&mut self.page, false);
        page.clear();
        self.next = 0;
        let max = if self.started { ENTRIES } else { ENTRIES / 4 };
        let next =
            self.index.page(&self.range, self.after.as_deref(), ScanDirection::Forward, max, |_, slot| {
                late |= slot.0 >= end;
                if slot.0 < end {
                    page.push(slot.0);
                }
            });
        let after = next?;
        self.started = true;
        self.after = if late { None } else { after };
        Ok(!self.page.is_empty() || self.after.is_some())
    }
}
