//! Pages of rows: the record of each slot, or a tombstone where a newer run has none for the slot. This module does not know the
//! content of a record, except that it is not empty.

use super::LARGEST_SLOT;
use super::SLOT;
use super::bytes::u32_at;
use super::entries::partition;
use super::head::{HEAD_LEN, Head, PageKind, take};
use super::target::{Target, slot_bytes, slot_of};

/// The slots follow each other without a gap, and are not stored.
const DENSE: u8 = 1;

/// Collects the rows of one page.
#[derive(Default)]
pub struct RowsBuilder {
    first: u64,
    /// Differences to the first slot.
    slots: Vec<u32>,
    ends: Vec<u32>,
    records: Vec<u8>,
    tombstones: usize,
}

impl RowsBuilder {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The first slot.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The last slot.
    pub fn last(&self) -> Option<u64> {
        self.slots.last().map(|last| self.first + u64::from(*last))
    }

    /// The records less the tombstones.
    pub fn net(&self) -> i64 {
        self.slots.len() as i64 - 2 * self.tombstones as i64
    }

    /// The length of the page with one more record; `None` if it cannot take the slot.
    pub fn len_with(&self, slot: u64, record: &[u8]) -> Option<usize> {
        let difference = slot.checked_sub(if self.is_empty() { slot } else { self.first })?;
        let count = self.slots.len() + 1;
        if difference > u64::from(u32::MAX) || count > usize::from(u16::MAX) {
            return None;
        }
        let dense = difference == count as u64 - 1;
        Some(HEAD_LEN + SLOT + if dense { 4 } else { 8 } * count + self.records.len() + record.len())
    }

    /// Adds the record of a slot after the last one; an empty one is a tombstone.
    pub fn push(&mut self, slot: u64, record: &[u8]) {
        if self.is_empty() {
            self.first = slot;
        }
        self.slots.push((slot - self.first) as u32);
        self.records.extend_from_slice(record);
        self.ends.push(self.records.len() as u32);
        self.tombstones += usize::from(record.is_empty());
    }

    /// The page, of this tree; the builder is empty afterwards.
    pub fn finish(&mut self, tree: u32, out: &mut Vec<u8>) {
        let dense = self.slots.last().is_none_or(|last| *last as usize == self.slots.len() - 1);
        let flags = if dense { DENSE } else { 0 };
        let count = self.slots.len() as u16;
        Head { kind: PageKind::Rows, flags, count, tree, prefix: 0 }.encode(out);
        out.extend_from_slice(&slot_bytes(self.first));
        if !dense {
            self.slots.iter().for_each(|slot| out.extend_from_slice(&slot.to_le_bytes()));
        }
        self.ends.iter().for_each(|end| out.extend_from_slice(&end.to_le_bytes()));
        out.extend_from_slice(&self.records);
        self.slots.clear();
        self.ends.clear();
        self.records.clear();
        self.tombstones = 0;
    }
}

/// The rows of a page.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    count: usize,
    flags: u8,
    first: u64,
    slots: &'a [u8],
    ends: &'a [u8],
    records: &'a [u8],
}

impl<'a> Rows<'a> {
    /// No rows.
    pub const NONE: Rows<'static> =
        Rows { count: 0, flags: DENSE, first: 0, slots: &[], ends: &[], records: &[] };

    /// The rows of a page whose checksum holds; says what is wrong with it otherwise. A page that was read from a file is passed
    /// to [`Rows::check`] once.
    #[inline]
    pub fn of(page: &'a [u8]) -> Result<Rows<'a>, &'static str> {
        let head = Head::decode(page)?;
        if head.kind != PageKind::Rows || head.prefix != 0 {
            return Err("the page is of another kind than its tree says");
        }
        let count = usize::from(head.count);
        let mut rest = page.get(HEAD_LEN..).unwrap_or_default();
        let first = slot_of(take(&mut rest, SLOT)?);
        let slots = take(&mut rest, if head.flags & DENSE != 0 { 0 } else { count * 4 })?;
        let ends = take(&mut rest, count * 4)?;
        Ok(Rows { count, flags: head.flags, first, slots, ends, records: rest })
    }

    /// Whether the page can be read to its end, and its slots ascend; says what is wrong otherwise.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.count == 0 || self.flags & !DENSE != 0 {
            return Err("the page of rows has no rows, or is of no known format");
        }
        if self.slot(0) != self.first || self.slot(self.count - 1) > LARGEST_SLOT {
            return Err("the slots of a page of rows are not those that its head names");
        }
        let mut begin = 0;
        for at in 0..self.count {
            if at > 0 && self.slot(at - 1) >= self.slot(at) {
                return Err("the slots of a page of rows are not in order");
            }
            if self.end(at) < begin {
                return Err("the records of a page of rows do not end where it ends");
            }
            begin = self.end(at);
        }
        if begin != self.records.len() {
            return Err("the records of a page of rows do not end where it ends");
        }
        Ok(())
    }

    /// How many rows.
    #[inline]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The slot of a row.
    #[inline]
    pub fn slot(&self, at: usize) -> u64 {
        if self.flags & DENSE != 0 {
            return self.first + at as u64;
        }
        self.first + self.slots.get(at * 4..at * 4 + 4).map_or(0, |slot| u64::from(u32_at(slot, 0)))
    }

    /// The record of a row; empty if it is a tombstone.
    #[inline]
    pub fn record(&self, at: usize) -> &'a [u8] {
        let begin = if at == 0 { 0 } else { self.end(at - 1) };
        self.records.get(begin..self.end(at)).unwrap_or_default()
    }

    /// The number of rows before this slot.
    #[inline]
    pub fn position(&self, slot: u64) -> usize {
        if self.flags & DENSE != 0 {
            return (slot.saturating_sub(self.first)).min(self.count as u64) as usize;
        }
        partition(0, self.count, |at| self.slot(at) < slot)
    }

    /// The number of rows before the target, whose bytes are those of slots.
    pub fn before(&self, target: Target<'_>) -> usize {
        partition(0, self.count, |at| target.is_behind([&slot_bytes(self.slot(at)), &[], &[]]))
    }

    /// The record of this slot, empty if it is a tombstone; `None` if the page has no row of it.
    #[inline]
    pub fn find(&self, slot: u64) -> Option<&'a [u8]> {
        let at = self.position(slot);
        (at < self.count && self.slot(at) == slot).then(|| self.record(at))
    }

    /// The records less the tombstones among the rows before this one.
    pub fn net_before(&self, at: usize) -> i64 {
        (0..at.min(self.count)).map(|at| if self.record(at).is_empty() { -1 } else { 1 }).sum()
    }

    #[inline]
    fn end(&self, at: usize) -> usize {
        self.ends.get(at * 4..at * 4 + 4).map_or(0, |end| u32_at(end, 0) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(rows: &[(u64, Vec<u8>)]) -> Vec<u8> {
        let mut builder = RowsBuilder::default();
        let mut expected = 0;
        for (slot, record) in rows {
            expected = builder.len_with(*slot, record).unwrap();
            builder.push(*slot, record);
        }
        assert_eq!((builder.first(), builder.last()), (rows[0].0, rows.last().map(|(slot, _)| *slot)));
        let mut page = Vec::new();
        builder.finish(4, &mut page);
        assert_eq!(page.len(), expected);
        page
    }

    #[test]
    fn a_page_holds_the_rows_of_its_slots() {
        let seed = fastrand::u64(..);
        let mut random = fastrand::Rng::with_seed(seed);
        for round in 0..200 {
            let (gaps, mut slot) = (random.u64(1..4), random.u64(0..1 << 40));
            let rows: Vec<(u64, Vec<u8>)> = (0..random.usize(1..50))
                .map(|_| {
                    slot += random.u64(1..=gaps);
                    (slot, (0..random.usize(0..30)).map(|_| random.u8(..)).collect())
                })
                .collect();
            let page = page_of(&rows);
            let read = Rows::of(&page).unwrap();
            read.check().unwrap_or_else(|why| panic!("{why}: seed {seed}, round {round}"));
            let mut net = 0;
            for (at, (slot, record)) in rows.iter().enumerate() {
                assert_eq!((read.slot(at), read.record(at)), (*slot, record.as_slice()), "seed {seed}");
                assert_eq!(read.find(*slot), Some(record.as_slice()));
                assert_eq!((read.position(*slot), read.net_before(at)), (at, net));
                net += if record.is_empty() { -1 } else { 1 };
            }
            for slot in rows[0].0.saturating_sub(3)..rows[0].0 + 200 {
                let before = rows.partition_point(|(own, _)| *own < slot);
                assert_eq!(read.position(slot), before, "seed {seed}, round {round}");
                let own = rows.iter().find(|(own, _)| *own == slot).map(|(_, record)| record.as_slice());
                assert_eq!(read.find(slot), own);
            }
        }
    }

    #[test]
    fn slots_that_are_too_far_apart_need_another_page() {
        let mut builder = RowsBuilder::default();
        builder.push(5, b"a");
        assert!(builder.len_with(5 + u64::from(u32::MAX), b"b").is_some());
        assert_eq!(builder.len_with(6 + u64::from(u32::MAX), b"b"), None);
        assert_eq!(builder.len_with(4, b"b"), None);
    }

    #[test]
    fn a_damaged_page_is_told_or_read_without_a_panic() {
        for rows in
            [vec![(7, b"abc".to_vec())], vec![(1, b"a".to_vec()), (2, Vec::new()), (9, b"c".to_vec())]]
        {
            let page = page_of(&rows);
            for at in 0..page.len() {
                for bit in 0..8 {
                    let mut other = page.clone();
                    other[at] ^= 1 << bit;
                    if let Ok(read) = Rows::of(&other) {
                        let _ = read.check();
                        for row in 0..read.len().min(2_000) {
                            let _ = (read.slot(row), read.record(row), read.find(row as u64));
                        }
                    }
                }
                assert!(Rows::of(&page[..at]).and_then(|read| read.check()).is_err());
            }
        }
    }
}
