//! Groups that memory has no room for, as in a hybrid hash join.
//!
//! The groups are divided in 16 parts by a hash of their keys. While memory is short the largest part goes to disk: the states
//! of its groups, and after them, as they come, the documents that belong to it, as the operands of the accumulators. At the
//! end each part on disk is read in order, into groups that can be divided again, by other bits of the hash. So each
//! accumulator gets the same values in the same order as in memory, and has the same result, to the last bit of a sum.

use std::hash::{BuildHasher, Hasher};

use super::grouping::Group;
use super::records::{DOCUMENT, STATES, head, write_operand};
use super::table::{Away, Bounds, Place, Table};
use crate::document::Value;
use crate::error::Result;
use crate::query::aggregate::memory::Memory;
use crate::query::aggregate::row::Row;
use crate::query::aggregate::row_form::RowForm;
use crate::query::expression::Scope;
use crate::query::refusal::bad_query;
use crate::query::spill::chain::{Chain, Writer};
use crate::work::Work;

const PARTS: usize = 16;
/// Groups that cannot be told apart by the hashes of so many divisions stay together.
const DEEPEST: u32 = 12;

/// Divided groups.
pub(super) struct Split {
    parts: Vec<PartOfGroups>,
    stage: &'static str,
    work: Work,
    bounds: Bounds,
    level: u32,
    /// The number of the next document.
    pub(super) next: u64,
    record: Vec<u8>,
    rows: RowForm,
    /// Of the writers.
    buffers: Memory,
    /// A writer has a whole page.
    page_due: bool,
}

/// The parts of divided groups.
pub(super) struct Parts {
    pub(super) tables: Vec<Table>,
    pub(super) chains: Vec<Chain>,
    /// Reads the documents of records.
    pub(super) rows: RowForm,
}

struct PartOfGroups {
    /// Empty if the part is on disk.
    table: Table,
    away: Option<Writer>,
}

impl Split {
    /// Divides groups.
    pub(super) fn of(
        table: Table,
        group: &Group,
        next: u64,
        (stage, work, bounds, level): (&'static str, &Work, Bounds, u32),
    ) -> Result<Split> {
        let part = |_| PartOfGroups { table: Table::new(stage, work), away: None };
        let mut split = Split {
            parts: (0..PARTS).map(part).collect(),
            stage,
            work: work.clone(),
            bounds,
            level,
            next,
            record: Vec::new(),
            rows: RowForm::default(),
            buffers: Memory::movable(stage, work),
            page_due: false,
        };
        let (entries, memory) = table.into_entries();
        drop(memory);
        for (bytes, entry) in entries {
            let at = split.part_of(&bytes);
            if let Some(part) = split.parts.get_mut(at) {
                part.table.insert(group, bytes, entry)?;
            }
        }
        Ok(split)
    }

    fn part_of(&self, bytes: &[u8]) -> usize {
        let seed = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(u64::from(self.level) + 1);
        let mut hasher = foldhash::fast::FixedState::with_seed(seed).build_hasher();
        hasher.write(bytes);
        (hasher.finish() >> 32) as usize % PARTS
    }

    /// Where the group of a key is. Of one on disk the record has the head of a document's.
    pub(super) fn place(
        &mut self,
        group: &Group,
        bytes: &[u8],
        key: impl FnOnce() -> Value,
        first: Option<u64>,
    ) -> Result<Place<'_>> {
        let first = first.unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        });
        let at = self.part_of(bytes);
        let Some(part) = self.parts.get_mut(at) else {
            return Err(bad_query("", "a group was lost; please report it"));
        };
        let Some(writer) = &mut part.away else {
            let (states, memory) = part.table.states(group, bytes, key, Some(first))?;
            return Ok(Place::Here(states, memory));
        };
        // Looked at before what is added now: a page more is in memory at most.
        self.page_due |= writer.is_full();
        head(DOCUMENT, first, &key(), &mut self.record);
        Ok(Place::Away(Away { writer, record: &mut self.record }))
    }

    /// Adds a document.
    pub(super) fn add(
        &mut self,
        group: &Group,
        row: &Row,
        scope: &Scope<'_>,
        bytes: &[u8],
        key: Value,
    ) -> Result<()> {
        let mut rows = std::mem::take(&mut self.rows);
        let away = match self.place(group, bytes, || key, None)? {
            Place::Here(states, memory) => {
                for ((_, accumulator), state) in group.fields.iter().zip(states) {
                    accumulator.add(state, row, scope, memory)?;
                }
                None
            }
            Place::Away(away) => Some(away),
        };
        if let Some(away) = away {
            let mut failed = false;
            for (_, accumulator) in &group.fields {
                failed |= write_operand(accumulator, row, scope, away.record)?;
            }
            if failed {
                rows.write(row, away.record);
            }
            away.push();
        }
        self.rows = rows;
        Ok(())
    }

    fn own(&self) -> usize {
        self.parts.iter().map(|part| part.table.memory.bytes()).sum()
    }

    fn is_crowded(&self) -> bool {
        let own = self.own();
        own > self.bounds.most || (own > self.bounds.least && self.work.is_crowded())
    }

    pub(super) fn is_full(&self) -> bool {
        self.page_due || self.is_crowded()
    }

    /// Writes whole pages, and moves parts to disk until there is room.
    pub(super) fn relieve(&mut self) -> Result<()> {
        if std::mem::take(&mut self.page_due) {
            self.parts.iter_mut().filter_map(|part| part.away.as_mut()).try_for_each(Writer::flush)?;
        }
        while self.is_crowded() {
            let Some(largest) = self.parts.iter_mut().max_by_key(|part| part.table.memory.bytes()) else {
                return Ok(());
            };
            if self.level >= DEEPEST {
                return largest.table.memory.check_alone();
            }
            if largest.table.len() == 1 {
                largest.table.memory.check_alone()?;
            }
            self.work.count_spill();
            let mut writer = Writer::new(&self.work)?;
            let table = std::mem::replace(&mut largest.table, Table::new(self.stage, &self.work));
            let (entries, memory) = table.into_entries();
            for (_, entry) in entries {
                self.work.step(1)?;
                head(STATES, entry.first, &entry.key, &mut self.record);
                entry.states.iter().for_each(|state| state.write(&mut self.record));
                writer.push(&self.record);
                if writer.is_full() {
                    writer.flush()?;
                }
            }
            drop(memory);
            largest.away = Some(writer);
            self.buffers.take(self.work.page())?;
        }
        Ok(())
    }

    /// The parts in memory, and those on disk.
    pub(super) fn into_parts(self) -> Result<Parts> {
        let Split { parts, rows, buffers, .. } = self;
        let (mut tables, mut chains) = (Vec::new(), Vec::new());
        for part in parts {
            match part.away {
                Some(writer) => chains.push(writer.finish()?),
                None => tables.push(part.table),
            }
        }
        drop(buffers);
        Ok(Parts { tables, chains, rows })
    }

    /// The documents of records are written by this.
    pub(super) fn written_by(&mut self, rows: &RowForm) {
        self.rows = rows.clone();
    }
}
