//! Documents in the order of an index.
//!
//! Entries with equal sort keys form a group, whose documents come in natural order. If a group is one whole key and read
//! forward, its entries are in that order already; otherwise its slots are collected and sorted.
//!
//! A document has entries of several versions while views need them, and counts only at an entry of the version that the
//! view sees. An entry found while its slot holds no other version is such an entry (see `Index`); for others the keys are
//! computed and compared.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::fetch::{ENTRIES, Examined, Last, Match, ReadContext, examine};
use crate::document::RawValue;
use crate::engine::plan::planner::{Access, Order};
use crate::engine::state::index::Index;
use crate::engine::state::slab::SlotId;
use crate::error::Result;
use crate::index::{Purpose, Range, ScanDirection, component_len};

/// Entries that are read first; most queries need few.
const FIRST: usize = 32;

/// A scan through ranges of an index.
pub(crate) struct IndexOrder {
    index: Arc<Index>,
    /// Ranges not begun, in order.
    ranges: VecDeque<Range>,
    /// The current range, and where to continue.
    current: Option<(Range, Option<Vec<u8>>)>,
    order: Order,
    /// Whether entries are in the requested order without sorting.
    plain: bool,
    size: usize,
    /// Entries read and not yet taken: slot, whether it is settled, end of the key in `keys`.
    page: Vec<(u64, bool, usize)>,
    keys: Vec<u8>,
    taken: usize,
    /// A group that may continue.
    open: Group,
    /// Slots that are ready to be fetched.
    ready: Group,
    next: usize,
}

#[derive(Default)]
struct Group {
    slots: Vec<u64>,
    settled: Vec<bool>,
    /// For a plain scan the key of each slot, one after the other; otherwise the common key.
    keys: Vec<u8>,
    ends: Vec<usize>,
}

impl Group {
    fn clear(&mut self) {
        self.slots.clear();
        self.settled.clear();
        self.keys.clear();
        self.ends.clear();
    }

    fn key(&self, n: usize) -> &[u8] {
        match self.ends.get(n) {
            None => &self.keys,
            Some(end) => {
                let start = n.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
                self.keys.get(start..*end).unwrap_or_default()
            }
        }
    }

    /// Sorts the slots and removes duplicates; a slot is settled when one of its entries is.
    fn sort(&mut self) {
        if self.slots.is_sorted_by(|a, b| a < b) {
            return;
        }
        let mut all: Vec<(u64, bool)> =
            self.slots.iter().copied().zip(self.settled.iter().map(|settled| !settled)).collect();
        all.sort_unstable();
        all.dedup_by_key(|(slot, _)| *slot);
        self.slots = all.iter().map(|(slot, _)| *slot).collect();
        self.settled = all.iter().map(|(_, unsettled)| !unsettled).collect();
    }
}

impl IndexOrder {
    pub(crate) fn new(access: &Access<Index>, order: Order) -> IndexOrder {
        let mut ranges: VecDeque<Range> = access.ranges.list.iter().cloned().collect();
        if order.direction == ScanDirection::Backward {
            ranges.make_contiguous().reverse();
        }
        IndexOrder {
            index: access.index.clone(),
            ranges,
            current: None,
            order,
            plain: order.direction == ScanDirection::Forward
                && order.fields == access.index.spec().fields.len(),
            size: FIRST,
            page: Vec::new(),
            keys: Vec::new(),
            taken: 0,
            open: Group::default(),
            ready: Group::default(),
            next: 0,
        }
    }

    /// Fetches the next slots; none at the end.
    pub(crate) fn run(
        &mut self,
        reading: &ReadContext<'_>,
        end: u64,
        last: &mut Last,
        examined: &mut Examined,
        visit: &mut impl FnMut(Match<'_>) -> ControlFlow<()>,
    ) -> Result<Option<ControlFlow<()>>> {
        if self.next >= self.ready.slots.len() {
            self.next = 0;
            if !self.advance(reading, end, examined)? {
                return Ok(None);
            }
        }
        let (ready, index, first) = (&self.ready, &self.index, self.next);
        let mut scratch = Vec::new();
        let is_here = &mut |n: usize, _: SlotId, document: RawValue<'_>| {
            if ready.settled.get(first + n) == Some(&true) {
                return true;
            }
            let own = ready.key(first + n);
            let keys = index.keys(document, Purpose::Entries, &mut scratch);
            keys.is_ok_and(|keys| keys.list.iter().any(|key| key.starts_with(own)))
        };
        let until = (first + ENTRIES).min(ready.slots.len());
        let rest = ready.slots.get(first..until).unwrap_or_default();
        let (passed, flow) = examine(reading, rest, last, examined, is_here, visit)?;
        self.next += passed;
        Ok(Some(flow))
    }

    /// Prepares the next group; false when there is none.
    fn advance(&mut self, reading: &ReadContext<'_>, end: u64, examined: &mut Examined) -> Result<bool> {
        self.ready.clear();
        loop {
            if self.taken == self.page.len() {
                reading.interrupt.check(|| reading.store.now())?;
                if !self.read(reading, end)? {
                    std::mem::swap(&mut self.ready, &mut self.open);
                    self.ready.sort();
                    return Ok(!self.ready.slots.is_empty());
                }
                examined.keys += self.page.len() as u64;
                if self.plain {
                    self.take_page();
                    if !self.ready.slots.is_empty() {
                        return Ok(true);
                    }
                    continue;
                }
            }
            if self.take_group() {
                std::mem::swap(&mut self.ready, &mut self.open);
                self.ready.sort();
                return Ok(true);
            }
        }
    }

    /// Reads a page of entries; false when there is none.
    fn read(&mut self, reading: &ReadContext<'_>, end: u64) -> Result<bool> {
        self.page.clear();
        self.keys.clear();
        self.taken = 0;
        let (range, after) = match self.current.take() {
            Some(current) => current,
            None => match self.ranges.pop_front() {
                Some(range) => (range, None),
                None => return Ok(false),
            },
        };
        let (page, keys, slab) = (&mut self.page, &mut self.keys, reading.collection.slab());
        let direction = self.order.direction;
        let after = self.index.page(&range, after.as_deref(), direction, self.size, |key, slot| {
            if slot.0 < end {
                keys.extend_from_slice(key);
                page.push((slot.0, slab.sees_all(slot, reading.view), keys.len()));
            }
        })?;
        self.size = (2 * self.size).min(ENTRIES);
        self.current = after.map(|after| (range, Some(after)));
        Ok(true)
    }

    fn take_page(&mut self) {
        for (slot, settled, end) in self.page.drain(..) {
            self.ready.slots.push(slot);
            self.ready.settled.push(settled);
            self.ready.ends.push(end);
        }
        std::mem::swap(&mut self.ready.keys, &mut self.keys);
    }

    /// Adds entries of the page to the open group; true when one belongs to the next group.
    fn take_group(&mut self) -> bool {
        let fields = self.index.spec().fields.get(..self.order.fields).unwrap_or_default();
        while let Some((slot, settled, end)) = self.page.get(self.taken) {
            let start =
                self.taken.checked_sub(1).and_then(|before| self.page.get(before)).map_or(0, |one| one.2);
            let key = self.keys.get(start..*end).unwrap_or_default();
            let mut len = 0;
            for field in fields {
                len += component_len(key.get(len..).unwrap_or_default(), field.direction.is_descending());
            }
            let common = key.get(..len).unwrap_or_default();
            if self.open.slots.is_empty() {
                self.open.keys.extend_from_slice(common);
            } else if self.open.keys != common {
                return true;
            }
            self.open.slots.push(*slot);
            self.open.settled.push(*settled);
            self.taken += 1;
        }
        false
    }
}
