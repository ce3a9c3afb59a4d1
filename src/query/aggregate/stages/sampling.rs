//! `$sample`: a random sample; each set of that size is equally likely.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Result;
use crate::query::aggregate::memory::{Gathered, Memory, weight};
use crate::query::aggregate::row::{Row, Rows};
use crate::query::aggregate::row_form::RowForm;
use crate::query::aggregate::sorter::{Ordered, Sorter};
use crate::query::expression::Env;
use crate::query::spill::bytes::{Reading, put_u64};
use crate::query::spill::chain::Writer;
use crate::query::spill::runs::Form;
use crate::work::Work;

/// About how many bytes a chosen document on disk takes in memory: its number, and its place in the result.
const REFERENCE: usize = 48;

/// The sample.
pub(in crate::query) struct Sampled {
    input: Box<dyn Rows>,
    size: u64,
    env: Arc<Env>,
    out: Option<Sample>,
}

enum Sample {
    InMemory(Gathered<Row>),
    Placed(Ordered<PlacedForm>),
}

/// Documents that were chosen at some time, on disk.
struct Chosen {
    writer: Writer,
    form: RowForm,
    record: Vec<u8>,
    /// How many were written.
    count: u64,
    /// The numbers of those that are chosen now.
    numbers: Vec<u64>,
}

impl Chosen {
    /// Writes a document; returns its number.
    fn write(&mut self, row: &Row) -> Result<u64> {
        self.record.clear();
        self.form.write(row, &mut self.record);
        self.writer.push(&self.record);
        if self.writer.is_full() {
            self.writer.flush()?;
        }
        self.count += 1;
        Ok(self.count - 1)
    }
}

/// How documents with their places in the result are written to disk.
struct PlacedForm(RowForm);

impl Form for PlacedForm {
    type Item = (u64, Row);

    fn compare(&self, a: &(u64, Row), b: &(u64, Row)) -> Ordering {
        a.0.cmp(&b.0)
    }

    fn write(&mut self, (place, row): &(u64, Row), out: &mut Vec<u8>) {
        put_u64(*place, out);
        self.0.write(row, out);
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(u64, Row)> {
        let mut reading = Reading::of(bytes);
        Ok((reading.u64()?, self.0.read(&mut reading)?))
    }
}

impl Sampled {
    pub(in crate::query) fn new(input: Box<dyn Rows>, size: u64, env: Arc<Env>) -> Sampled {
        Sampled { input, size, env, out: None }
    }

    fn gather(&mut self) -> Result<Sample> {
        let work = self.env.work().clone();
        let mut memory = Memory::movable("$sample", &work);
        let mut chosen: Vec<Row> = Vec::new();
        let mut seen = 0;
        while let Some(row) = self.input.next()? {
            seen += 1;
            if (chosen.len() as u64) < self.size {
                memory.take_row(&row)?;
                chosen.push(row);
            } else if let Some(slot) = self.replaced(seen).and_then(|at| chosen.get_mut(at)) {
                memory.take_row(&row)?;
                memory.give(weight(slot));
                *slot = row;
            }
            if memory.is_over(work.sliver(), usize::MAX) {
                return self.on_disk(chosen, memory, seen);
            }
        }
        self.shuffle(&mut chosen);
        memory.settle();
        Ok(Sample::InMemory(Gathered::new(chosen, memory, weight)))
    }

    /// The place that the document with this number takes.
    fn replaced(&self, seen: u64) -> Option<usize> {
        usize::try_from(self.env.next_random() % seen).ok()
    }

    fn shuffle<T>(&self, chosen: &mut [T]) {
        for n in (1..chosen.len()).rev() {
            chosen.swap(n, (self.env.next_random() % (n as u64 + 1)) as usize);
        }
    }

    /// Goes on with the documents on disk, and their numbers in memory.
    fn on_disk(&mut self, rows: Vec<Row>, movable: Memory, mut seen: u64) -> Result<Sample> {
        let work = self.env.work().clone();
        let mut memory = Memory::new("$sample", &work);
        work.count_spill();
        let (writer, form, numbers) = (Writer::new(&work)?, RowForm::default(), Vec::new());
        let mut chosen = Chosen { writer, form, record: Vec::new(), count: 0, numbers };
        for row in rows {
            memory.take(REFERENCE)?;
            let number = chosen.write(&row)?;
            chosen.numbers.push(number);
        }
        drop(movable);
        while let Some(row) = self.input.next()? {
            seen += 1;
            if (chosen.numbers.len() as u64) < self.size {
                memory.take(REFERENCE)?;
                let number = chosen.write(&row)?;
                chosen.numbers.push(number);
            } else if let Some(at) = self.replaced(seen).filter(|at| *at < chosen.numbers.len()) {
                let number = chosen.write(&row)?;
                if let Some(slot) = chosen.numbers.get_mut(at) {
                    *slot = number;
                }
            }
        }
        self.shuffle(&mut chosen.numbers);
        in_place(chosen, &work)
    }
}

/// The documents in the order of the result.
fn in_place(chosen: Chosen, work: &Work) -> Result<Sample> {
    let places: HashMap<u64, u64> = chosen.numbers.iter().copied().zip(0..).collect();
    let mut reader = chosen.writer.finish()?.into_reader()?;
    let form = chosen.form.clone();
    let placed = PlacedForm(chosen.form);
    let mut sorter = Sorter::new("$sample", placed, usize::MAX, work, |(_, row)| weight(row));
    let mut number = 0;
    while let Some(record) = reader.next()? {
        work.step(1)?;
        if let Some(place) = places.get(&number) {
            sorter.push((*place, form.read(&mut Reading::of(record))?))?;
        }
        number += 1;
    }
    Ok(Sample::Placed(sorter.finish(Vec::new())?))
}

impl Rows for Sampled {
    fn next(&mut self) -> Result<Option<Row>> {
        if self.out.is_none() {
            self.out = Some(self.gather()?);
        }
        match &mut self.out {
            Some(Sample::InMemory(rows)) => Ok(rows.next()),
            Some(Sample::Placed(rows)) => Ok(rows.next()?.map(|(_, row)| row)),
            None => Ok(None),
        }
    }
}
