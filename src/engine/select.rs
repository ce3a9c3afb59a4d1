//! Documents that a filter matches, by a plan: resumable, each once, in natural order or in that of an index.
//!
//! Entries are a superset of what matches, so every document is matched as the view has it. Natural order comes
//! from gathering slots and sorting them, or from a single key, whose entries stand in the order of slots. The
//! order of an index comes from its entries (`ordered`).

use std::ops::ControlFlow;
use std::sync::Arc;

use super::collection::Collection;
use super::index::Index;
use super::key::Key;
use super::limits::Watch;
use super::ordered::Ordered;
use super::plan::{Access, Plan};
use super::promptly::{PROMPT_DOCUMENTS, prompt_room, refusal, refuse};
use super::scan::Scan;
use super::slab::{Content, OnDisk, SlotId, Span};
use super::store::Store;
use crate::document::RawValue;
use crate::error::Result;
use crate::index::Range;
use crate::query::Filter;
use crate::storage::{Block, BlockPlace, Lsn};

/// Entries that are read under one hold of an index's lock.
pub(super) const ENTRIES: usize = 256;
/// Slots that are looked at between two looks at the limits.
const SLOTS: usize = 1_024;
/// Documents for which it pays to make the filter ready.
const MANY: usize = 32;

/// What is read, and how far it may go.
#[derive(Clone, Copy)]
pub struct Reading<'r> {
    /// The database.
    pub store: &'r Store,
    /// The collection.
    pub collection: &'r Arc<Collection>,
    /// The view.
    pub view: Lsn,
    /// Which documents.
    pub filter: &'r Filter,
    /// When to stop.
    pub watch: &'r Watch,
}

impl<'r> Reading<'r> {
    /// The same as a scan of everything before this slot.
    pub(super) fn scan(&self, end: u64) -> Scan<'r> {
        let Reading { collection, view, filter, watch, .. } = *self;
        Scan { collection, bounds: (0, end), view, filter, watch }
    }
}

/// Why a selection handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Whoever was called said so.
    Told,
    /// There are no more.
    End,
    /// It passed more documents than its plan was worth.
    Costly,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// Entries of indexes.
    pub keys: u64,
    /// Documents.
    pub documents: u64,
}

/// The documents that a plan finds.
pub struct Selection {
    state: State,
    /// So far.
    pub examined: Examined,
    /// Documents that may be looked at before another plan is better.
    budget: u64,
    /// Slots from here on came later.
    end: u64,
}

enum State {
    Scan(u64),
    Slots(Vec<u64>, usize),
    Key(OneKey),
    Ordered(Box<Ordered>),
    Done,
}

/// The entries of one key, which stand in the order of slots.
struct OneKey {
    index: Arc<Index>,
    range: Range,
    after: Option<Vec<u8>>,
    started: bool,
    page: Vec<u64>,
    next: usize,
}

/// The block that was read from disk last.
#[derive(Default)]
pub(super) struct Last(Option<(Arc<BlockPlace>, Arc<Block>)>);

impl Last {
    pub(super) fn read(&mut self, store: &Store, disk: &OnDisk) -> Result<Arc<Block>> {
        if let Some((known, block)) = &self.0
            && Arc::ptr_eq(known, disk.place())
        {
            return Ok(block.clone());
        }
        let block = store.read_version(disk)?;
        self.0 = Some((disk.place().clone(), block.clone()));
        Ok(block)
    }
}

impl Selection {
    /// Nothing.
    pub(super) fn none() -> Selection {
        Selection { state: State::Done, examined: Examined::default(), budget: u64::MAX, end: 0 }
    }

    /// Begins. Slots from `end` on are left out.
    pub fn open(reading: &Reading<'_>, plan: &Plan<Index>, end: u64) -> Result<Selection> {
        let mut selection =
            Selection { state: State::Done, examined: Examined::default(), budget: u64::MAX, end };
        selection.state = match plan {
            Plan::Scan => State::Scan(0),
            Plan::Index(access) => {
                access.index.count_use();
                if let Some(order) = access.order {
                    State::Ordered(Box::new(Ordered::new(access, order)))
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

    /// Gives up once so many documents were looked at.
    #[must_use]
    pub fn within(mut self, budget: u64) -> Selection {
        self.budget = budget;
        self
    }

    fn gathered(&mut self, reading: &Reading<'_>, plan: &Plan<Index>) -> Result<State> {
        let mut slots = Vec::new();
        self.gather(reading, plan, &mut slots)?;
        slots.retain(|slot| *slot < self.end);
        if !slots.is_sorted() {
            slots.sort_unstable();
        }
        slots.dedup();
        Ok(State::Slots(slots, 0))
    }

    fn gather(&mut self, reading: &Reading<'_>, plan: &Plan<Index>, slots: &mut Vec<u64>) -> Result<()> {
        match plan {
            Plan::Scan => slots.extend(0..self.end),
            Plan::Ids(keys) => {
                let find = |key: &Key| reading.collection.find(key, || reading.view);
                slots.extend(keys.iter().filter_map(find).map(|(slot, ..)| slot.0));
            }
            Plan::Index(Access { index, ranges, .. }) => {
                for range in &ranges.list {
                    let mut after = None;
                    loop {
                        let before = slots.len();
                        after = index.page(range, after.as_deref(), false, ENTRIES, |_, slot| {
                            slots.push(slot.0);
                        });
                        self.examined.keys += (slots.len() - before) as u64;
                        refuse(|| slots.len() > 2 * PROMPT_DOCUMENTS)?;
                        reading.watch.check(|| reading.store.now())?;
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

    /// Calls with each document that the view sees and the filter matches, until told to stop. A call after that
    /// goes on behind.
    pub fn run(
        &mut self,
        reading: &Reading<'_>,
        visit: &mut impl FnMut(SlotId, Lsn, &Arc<Block>, Span) -> ControlFlow<()>,
    ) -> Result<Pause> {
        let mut last = Last::default();
        loop {
            reading.watch.check(|| reading.store.now())?;
            if self.examined.documents > self.budget {
                return Ok(Pause::Costly);
            }
            let paused = match &mut self.state {
                State::Done => return Ok(Pause::End),
                State::Scan(next) => {
                    let Reading { store, collection, view, filter, watch } = *reading;
                    let (mut told, before) = (false, *next);
                    let bounds = (*next, self.end);
                    *next =
                        store.scan(collection, bounds, view, filter, watch, |slot, lsn, block, span| {
                            let flow = visit(slot, lsn, block, span);
                            told = flow.is_break();
                            flow
                        })?;
                    self.examined.documents += next.saturating_sub(before);
                    if told { ControlFlow::Break(()) } else { self.finish() }
                }
                State::Slots(slots, next) => {
                    let rest = slots.get(*next..(*next + SLOTS).min(slots.len())).unwrap_or_default();
                    if rest.is_empty() {
                        self.finish()
                    } else {
                        let any = &mut |_, _: SlotId, _: RawValue<'_>| true;
                        let (passed, flow) =
                            examine(reading, rest, &mut last, &mut self.examined, any, visit)?;
                        *next += passed;
                        flow
                    }
                }
                State::Key(key) => {
                    let rest = key.page.get(key.next..).unwrap_or_default();
                    if !rest.is_empty() {
                        let any = &mut |_, _: SlotId, _: RawValue<'_>| true;
                        let (passed, flow) =
                            examine(reading, rest, &mut last, &mut self.examined, any, visit)?;
                        key.next += passed;
                        flow
                    } else if key.turn(self.end) {
                        self.examined.keys += key.page.len() as u64;
                        ControlFlow::Continue(())
                    } else {
                        self.finish()
                    }
                }
                State::Ordered(ordered) => {
                    match ordered.run(reading, self.end, &mut last, &mut self.examined, visit)? {
                        Some(flow) => flow,
                        None => self.finish(),
                    }
                }
            };
            if paused.is_break() {
                return Ok(Pause::Told);
            }
        }
    }

    /// Whether nothing is left, as far as is known.
    pub fn is_done(&self) -> bool {
        match &self.state {
            State::Done => true,
            State::Scan(next) => *next >= self.end,
            State::Slots(slots, next) => *next >= slots.len(),
            State::Key(key) => key.started && key.after.is_none() && key.next >= key.page.len(),
            State::Ordered(_) => false,
        }
    }

    fn finish(&mut self) -> ControlFlow<()> {
        self.state = State::Done;
        ControlFlow::Continue(())
    }
}

impl OneKey {
    /// Reads the next page; false when there is none.
    fn turn(&mut self, end: u64) -> bool {
        if self.started && self.after.is_none() {
            return false;
        }
        let (page, mut late) = (&mut self.page, false);
        page.clear();
        self.next = 0;
        let max = if self.started { ENTRIES } else { ENTRIES / 4 };
        let after = self.index.page(&self.range, self.after.as_deref(), false, max, |_, slot| {
            late |= slot.0 >= end;
            if slot.0 < end {
                page.push(slot.0);
            }
        });
        self.started = true;
        self.after = if late { None } else { after };
        !self.page.is_empty() || self.after.is_some()
    }
}

/// Matches the documents in slots, one after the other, until told to stop; answers how many slots were passed.
/// Documents in memory are matched where they lie. `is_here` is asked of those that match.
pub(super) fn examine(
    reading: &Reading<'_>,
    slots: &[u64],
    last: &mut Last,
    examined: &mut Examined,
    is_here: &mut impl FnMut(usize, SlotId, RawValue<'_>) -> bool,
    visit: &mut impl FnMut(SlotId, Lsn, &Arc<Block>, Span) -> ControlFlow<()>,
) -> Result<(usize, ControlFlow<()>)> {
    let shapes = reading.collection.shapes();
    let mut matcher = (slots.len() >= MANY).then(|| reading.filter.matcher());
    let mut matches = |document: RawValue<'_>| match &mut matcher {
        Some(matcher) => matcher.matches(document),
        None => reading.filter.matches(document),
    };
    let mut passed = 0;
    let mut flow = ControlFlow::Continue(());
    refuse(|| examined.documents > PROMPT_DOCUMENTS as u64)?;
    let mut room = Some(prompt_room());
    while passed < slots.len() && flow.is_continue() {
        let mut cold = None;
        let start = passed;
        let rest = slots.get(start..).unwrap_or_default();
        passed += reading.collection.slab().visit(rest, reading.view, |n, slot, version| {
            examined.documents += 1;
            match &version.content {
                Content::Hot(block, span) => {
                    room = room.and_then(|room| room.checked_sub(span.len()));
                    if room.is_none() {
                        return ControlFlow::Break(());
                    }
                    let document = RawValue::new(span.of(block), shapes);
                    if matches(document) && is_here(start + n, slot, document) {
                        flow = visit(slot, version.lsn, block, *span);
                    }
                    flow
                }
                Content::Cold(..) => {
                    cold = version.on_disk().map(|disk| (start + n, slot, disk));
                    ControlFlow::Break(())
                }
                Content::Vacant | Content::Tombstone => ControlFlow::Continue(()),
            }
        });
        if room.is_none() {
            return Err(refusal());
        }
        let Some((n, slot, disk)) = cold else { continue };
        let block = last.read(reading.store, &disk)?;
        let document = RawValue::new(disk.span().of(&block), shapes);
        if matches(document) && is_here(n, slot, document) {
            flow = visit(slot, disk.lsn(), &block, disk.span());
        }
    }
    reading.filter.work().believe((passed, flow))
}
