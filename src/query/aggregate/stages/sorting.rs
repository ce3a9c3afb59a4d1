//! `$sort`. If a `$limit` follows, only that many documents are held.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::document::{RawValue, Shapes, Value, encode_plain};
use crate::error::{Result, codes};
use crate::query::aggregate::memory::{Gathered, Memory, weight};
use crate::query::aggregate::row::{Row, Rows};
use crate::query::aggregate::row_form::RowForm;
use crate::query::expression::Parser;
use crate::query::spill::bytes::{Reading, put_u64};
use crate::query::spill::runs::{Form, Merged, Runs};
use crate::query::{Sort, SortKey, merge_sort};
use crate::work::Work;

/// Reads `{ path: 1 | -1, ... }`.
pub(in crate::query) fn read_sort(parser: &Parser, value: &Value) -> Result<Sort> {
    let Value::Object(given) = value else {
        let message = format!("a sort needs an object of paths and directions, not {}", value.type_name());
        return parser.fail_as(codes::SORT_NOT_AN_OBJECT, message);
    };
    let pair = |(path, direction): &(String, Value)| {
        Value::Array(vec![Value::String(path.clone()), direction.clone()])
    };
    let mut bytes = Vec::new();
    encode_plain(&Value::Array(given.iter().map(pair).collect()), &mut bytes);
    match Sort::parse(RawValue::new(&bytes, &Shapes::new()))? {
        Some(sort) => Ok(sort),
        None => parser.fail_as(codes::SORT_EMPTY, "a sort needs at least one path"),
    }
}

struct Ranked {
    key: SortKey,
    /// Equal keys keep their order.
    number: u64,
    row: Row,
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key).then_with(|| self.number.cmp(&other.number))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

/// How they are written to disk.
struct RankedForm(RowForm);

impl Form for RankedForm {
    type Item = Ranked;

    fn compare(&self, a: &Ranked, b: &Ranked) -> Ordering {
        a.cmp(b)
    }

    fn write(&mut self, item: &Ranked, out: &mut Vec<u8>) {
        item.key.write(out);
        put_u64(item.number, out);
        self.0.write(&item.row, out);
    }

    fn read(&mut self, bytes: &[u8]) -> Result<Ranked> {
        let mut reading = Reading::of(bytes);
        let (key, number) = (SortKey::read(&mut reading)?, reading.u64()?);
        Ok(Ranked { key, number, row: self.0.read(&mut reading)? })
    }
}

/// The documents in order.
pub(in crate::query) struct Sorting {
    input: Box<dyn Rows>,
    sort: Arc<Sort>,
    /// The number of documents that are needed at most.
    keep: usize,
    work: Work,
    out: Option<Sorted>,
}

enum Sorted {
    InMemory(Gathered<Row>),
    OnDisk(Box<Merged<RankedForm>>),
}

impl Sorting {
    pub(in crate::query) fn new(input: Box<dyn Rows>, sort: Arc<Sort>, keep: usize, work: &Work) -> Sorting {
        Sorting { input, sort, keep, work: work.clone(), out: None }
    }

    fn gather(&mut self) -> Result<Sorted> {
        let mut memory = Memory::movable("$sort", &self.work);
        let mut runs = Runs::new(RankedForm(RowForm::default()), self.keep, &self.work);
        let mut heap = BinaryHeap::new();
        let mut all = Vec::new();
        let mut number = 0;
        while let Some(row) = self.input.next()? {
            let key = row.sort_key(&self.sort)?;
            number += 1;
            let ranked = Ranked { key, number, row };
            if runs.is_behind(&ranked) {
                continue;
            }
            if self.keep == usize::MAX {
                memory.take(ranked.weight())?;
                all.push(ranked);
            } else if heap.len() < self.keep {
                memory.take(ranked.weight())?;
                heap.push(ranked);
            } else if let Some(mut worst) = heap.peek_mut()
                && ranked.key < worst.key
            {
                memory.take(ranked.weight())?;
                memory.give(worst.weight());
                *worst = ranked;
            }
            if memory.is_over(self.work.sliver(), usize::MAX) {
                all.append(&mut std::mem::take(&mut heap).into_vec());
                runs.add(merge_sort::sort_by(std::mem::take(&mut all), &self.work, Ord::cmp)?)?;
                memory.give(usize::MAX);
            }
        }
        all.append(&mut heap.into_vec());
        let ranked = merge_sort::sort_by(all, &self.work, Ord::cmp)?;
        if !runs.is_empty() {
            return Ok(Sorted::OnDisk(Box::new(runs.merged(ranked, memory.into_hold())?)));
        }
        memory.settle();
        Ok(Sorted::InMemory(Gathered::new(ranked.into_iter().map(|one| one.row).collect(), memory, weight)))
    }
}

impl Ranked {
    fn weight(&self) -> usize {
        weight(&self.row) + self.key.size()
    }
}

impl Rows for Sorting {
    fn next(&mut self) -> Result<Option<Row>> {
        if self.out.is_none() {
            self.out = Some(self.gather()?);
        }
        match &mut self.out {
            Some(Sorted::InMemory(rows)) => Ok(rows.next()),
            Some(Sorted::OnDisk(merged)) => Ok(merged.next()?.map(|ranked| ranked.row)),
            None => Ok(None),
        }
    }
}
