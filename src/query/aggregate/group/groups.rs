//! The groups of a `$group` or `$bucket` under construction. Groups keep the order of their first documents.
//!
//! When they take more memory than there is they are split (`split`): most of them, and the documents that belong to them, go
//! to disk, and are taken up again one part after the other.

use super::accumulator::Accumulator;
use super::grouping::{Group, Key};
use super::records::{Record, take_up, write_part};
use super::split::{Parts, Split};
use super::table::{Bounds, Entry, Place, Table};
use crate::document::{Collation, Value};
use crate::error::Result;
use crate::query::aggregate::memory::{Gathered, Memory, size};
use crate::query::aggregate::row::Row;
use crate::query::aggregate::row_form::RowForm;
use crate::query::expression::{Env, identity};
use crate::query::merge_sort;
use crate::query::spill::bytes::{Reading, put_u64, put_value};
use crate::query::spill::runs::{Form, Merged, Runs};
use crate::work::Work;

/// Groups under construction.
pub(in crate::query) struct Groups {
    table: Table,
    split: Option<Box<Split>>,
    stage: &'static str,
    work: Work,
    bounds: Bounds,
    /// How often the documents were divided before.
    level: u32,
    /// More than the number of each first document.
    next: u64,
}

impl Groups {
    /// Of all documents.
    pub(in crate::query) fn new(stage: &'static str, work: &Work) -> Groups {
        Groups::within(stage, work, Bounds { least: work.sliver(), most: usize::MAX }, 0)
    }

    /// Of all documents, which come in parts: some memory is left for those.
    pub(in crate::query) fn whole(stage: &'static str, work: &Work) -> Groups {
        Groups::within(stage, work, Bounds { least: work.sliver(), most: work.memory() / 2 }, 0)
    }

    /// Of one of the parts that are computed at a time.
    pub(in crate::query) fn part(stage: &'static str, work: &Work) -> Groups {
        Groups::within(stage, work, Bounds { least: work.sliver(), most: 2 * work.sliver() }, 0)
    }

    fn within(stage: &'static str, work: &Work, bounds: Bounds, level: u32) -> Groups {
        let table = Table::new(stage, work);
        Groups { table, split: None, stage, work: work.clone(), bounds, level, next: 0 }
    }

    /// Where the group of a key is, by the key's bytes. Its value is computed if it is needed.
    #[inline]
    pub(in crate::query) fn place(
        &mut self,
        group: &Group,
        bytes: &[u8],
        key: impl FnOnce() -> Value,
    ) -> Result<Place<'_>> {
        self.place_of(group, bytes, key, None)
    }

    /// The same for the document with this number; `None` for the next one.
    #[inline]
    fn place_of(
        &mut self,
        group: &Group,
        bytes: &[u8],
        key: impl FnOnce() -> Value,
        first: Option<u64>,
    ) -> Result<Place<'_>> {
        if let Some(split) = &mut self.split {
            return split.place(group, bytes, key, first);
        }
        let (states, memory) = self.table.states(group, bytes, key, first)?;
        Ok(Place::Here(states, memory))
    }

    pub(in crate::query) fn add(
        &mut self,
        group: &Group,
        row: &Row,
        env: &Env,
        bytes: &mut Vec<u8>,
    ) -> Result<()> {
        row.scoped(group.stage, env, |scope| {
            let key = group.key.of(scope)?;
            bytes.clear();
            identity::write_under(&key, &group.collation, bytes);
            if let Some(split) = &mut self.split {
                return split.add(group, row, scope, bytes, key);
            }
            let (states, memory) = self.table.states(group, bytes, || key, None)?;
            for ((_, accumulator), state) in group.fields.iter().zip(states) {
                accumulator.add(state, row, scope, memory)?;
            }
            Ok(())
        })?;
        self.relieve(group)
    }

    /// Whether [`Groups::relieve`] is due.
    #[inline]
    pub(in crate::query) fn is_full(&self) -> bool {
        match &self.split {
            None => self.table.memory.is_over(self.bounds.least, self.bounds.most),
            Some(split) => split.is_full(),
        }
    }

    /// Writes to disk what there is no room for.
    #[inline]
    pub(in crate::query) fn relieve(&mut self, group: &Group) -> Result<()> {
        if self.is_full() { self.make_room(group) } else { Ok(()) }
    }

    #[cold]
    fn make_room(&mut self, group: &Group) -> Result<()> {
        if self.split.is_none() {
            if self.table.len() < 2 {
                return self.table.memory.check_alone();
            }
            self.divide(group)?;
        }
        self.split.as_mut().map_or(Ok(()), |split| split.relieve())
    }

    fn divide(&mut self, group: &Group) -> Result<()> {
        let empty = Table::new(self.stage, &self.work);
        let table = std::mem::replace(&mut self.table, empty);
        let next = self.next.max(table.len() as u64);
        let split = Split::of(table, group, next, (self.stage, &self.work, self.bounds, self.level))?;
        self.split = Some(Box::new(split));
        Ok(())
    }

    /// Merges the groups of later documents; all accumulators must be mergeable.
    pub(in crate::query) fn absorb(&mut self, group: &Group, mut other: Groups, env: &Env) -> Result<()> {
        if other.split.is_some() && self.split.is_none() {
            self.divide(group)?;
        }
        let before = self.count();
        self.next = before + other.count();
        if let Some(split) = &mut self.split {
            split.next = self.next;
        }
        match other.split.take() {
            Some(split) => other.drain_split(*split, group, env, &mut |entry| {
                self.take_part(group, &group.identify(&entry.key), entry, before)
            }),
            None => {
                // The memory of the part stays counted until it is merged.
                let (mut entries, _memory) = other.table.into_entries();
                entries.try_for_each(|(bytes, entry)| self.take_part(group, &bytes, entry, before))
            }
        }
    }

    /// More than the number of each first document.
    fn count(&self) -> u64 {
        self.split.as_ref().map_or_else(|| self.next.max(self.table.len() as u64), |split| split.next)
    }

    fn take_part(&mut self, group: &Group, bytes: &[u8], entry: Entry, before: u64) -> Result<()> {
        let Entry { key, first, states: more } = entry;
        match self.place_of(group, bytes, || key, Some(before + first))? {
            Place::Here(states, memory) => {
                for (state, more) in states.iter_mut().zip(more) {
                    state.absorb(more, &group.collation, memory)?;
                }
            }
            Place::Away(away) => write_part(away, &more),
        }
        self.relieve(group)
    }

    /// Passes on all groups, in any order.
    fn drain(mut self, group: &Group, env: &Env, emit: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
        match self.split.take() {
            None => self.table.drain(emit),
            Some(split) => self.drain_split(*split, group, env, emit),
        }
    }

    /// Those in memory, then those on disk, one part after the other.
    fn drain_split(
        &self,
        split: Split,
        group: &Group,
        env: &Env,
        emit: &mut dyn FnMut(Entry) -> Result<()>,
    ) -> Result<()> {
        let Parts { tables, chains, rows } = split.into_parts()?;
        tables.into_iter().try_for_each(|table| table.drain(emit))?;
        for chain in chains {
            // What is passed on may need a quarter.
            let most = self.bounds.most.min(self.work.memory() / 4 * 3);
            let bounds = Bounds { most, ..self.bounds };
            let mut groups = Groups::within(self.stage, &self.work, bounds, self.level + 1);
            let mut reader = chain.into_reader()?;
            while let Some(record) = reader.next()? {
                self.work.step(1)?;
                groups.add_record(group, record, &rows, env)?;
                groups.relieve(group)?;
            }
            if let Some(split) = &mut groups.split {
                split.written_by(&rows);
            }
            groups.drain(group, env, emit)?;
        }
        Ok(())
    }

    fn add_record(&mut self, group: &Group, record: &[u8], rows: &RowForm, env: &Env) -> Result<()> {
        let Record { kind, first, key, rest } = Record::read(record)?;
        let bytes = group.identify(&key);
        match self.place_of(group, &bytes, || key, Some(first))? {
            Place::Here(states, memory) => take_up(kind, rest, group, (states, memory), (rows, env)),
            Place::Away(away) => {
                away.writer.push(record);
                Ok(())
            }
        }
    }

    /// The documents of the groups.
    pub(in crate::query) fn finish(self, group: &Group, env: &Env) -> Result<Made> {
        if self.split.is_some() {
            return self.finish_split(group, env);
        }
        let (groups, mut memory) = self.table.into_groups();
        memory.settle();
        let mut all = Vec::with_capacity(groups.len());
        for entry in groups {
            memory.work().step(1)?;
            all.push(document(group, entry, memory.work())?.1);
        }
        if matches!(group.key, Key::Bucket { .. }) {
            all = merge_sort::sort_by(all, memory.work(), |a, b| group.collation.compare(id(a), id(b)))?;
        }
        Ok(Made::InMemory(Gathered::new(all, memory, size)))
    }

    fn finish_split(self, group: &Group, env: &Env) -> Result<Made> {
        let work = self.work.clone();
        let by_id = matches!(group.key, Key::Bucket { .. }).then(|| group.collation.clone());
        let form = MadeForm { by_id };
        let mut memory = Memory::movable(self.stage, &work);
        let mut runs = Runs::new(MadeForm { by_id: form.by_id.clone() }, usize::MAX, &work);
        let mut all: Vec<(u64, Value)> = Vec::new();
        let sorted = |all: &mut Vec<(u64, Value)>| {
            merge_sort::sort_by(std::mem::take(all), &work, |a, b| form.compare(a, b))
        };
        self.drain(group, env, &mut |entry| {
            let made = document(group, entry, &work)?;
            memory.take(size(&made.1) + size_of_val(&made))?;
            all.push(made);
            // The rest of the memory is for the groups that are still to be taken up.
            if memory.is_over(work.sliver(), work.memory() / 4) {
                runs.add(sorted(&mut all)?)?;
                memory.give(usize::MAX);
            }
            Ok(())
        })?;
        let rest = sorted(&mut all)?;
        Ok(Made::OnDisk(Box::new(runs.merged(rest, memory.into_hold())?)))
    }
}

/// The document of a group, and the number of its first document.
fn document(group: &Group, entry: Entry, work: &Work) -> Result<(u64, Value)> {
    let mut object = vec![("_id".to_owned(), entry.key)];
    for ((name, accumulator), state) in group.fields.iter().zip(entry.states) {
        object.push((name.clone(), Accumulator::finish(accumulator, state, work)?));
    }
    Ok((entry.first, Value::Object(object)))
}

fn id(value: &Value) -> &Value {
    match value {
        Value::Object(fields) => fields.first().map_or(&Value::Null, |(_, id)| id),
        _ => &Value::Null,
    }
}

/// The documents of groups, in order.
pub(in crate::query) enum Made {
    InMemory(Gathered<Value>),
    OnDisk(Box<Merged<MadeForm>>),
}

impl Made {
    pub(in crate::query) fn next(&mut self) -> Result<Option<Row>> {
        Ok(match self {
            Made::InMemory(documents) => documents.next().map(Row::Tree),
            Made::OnDisk(merged) => merged.next()?.map(|(_, document)| Row::Tree(document)),
        })
    }
}

/// How documents of groups are written to disk, with the numbers of their first documents.
pub(in crate::query) struct MadeForm {
    /// The order is that of the `_id`s, under this collation.
    by_id: Option<Collation>,
}

impl Form for MadeForm {
    type Item = (u64, Value);

    fn compare(&self, a: &(u64, Value), b: &(u64, Value)) -> std::cmp::Ordering {
        match &self.by_id {
            Some(collation) => collation.compare(id(&a.1), id(&b.1)),
            None => a.0.cmp(&b.0),
        }
    }

    fn write(&mut self, item: &(u64, Value), out: &mut Vec<u8>) {
        put_u64(item.0, out);
        put_value(&item.1, out);
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(u64, Value)> {
        let mut reading = Reading::of(bytes);
        Ok((reading.u64()?, reading.value()?))
    }
}
