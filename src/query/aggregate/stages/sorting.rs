//! `$sort`. If a `$limit` follows, only that many documents are held.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::document::{RawValue, Shapes, Value, encode_plain};
use crate::error::{Result, codes};
use crate::query::aggregate::memory::weight;
use crate::query::aggregate::row::{Row, Rows};
use crate::query::aggregate::row_form::RowForm;
use crate::query::aggregate::sorter::{Ordered, Sorter};
use crate::query::expression::Parser;
use crate::query::spill::bytes::{Reading, put_u64};
use crate::query::spill::runs::Form;
use crate::query::{Sort, SortKey};
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
    match Sort::parse_in(RawValue::new(&bytes, &Shapes::new()), parser.terms())? {
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
    out: Option<Ordered<RankedForm>>,
}

impl Sorting {
    pub(in crate::query) fn new(input: Box<dyn Rows>, sort: Arc<Sort>, keep: usize, work: &Work) -> Sorting {
        Sorting { input, sort, keep, work: work.clone(), out: None }
    }

    #[inline(never)]
    fn gather(&mut self) -> Result<Ordered<RankedForm>> {
        let form = RankedForm(RowForm::default());
        let mut sorter = Sorter::new("$sort", form, self.keep, &self.work, Ranked::weight);
        let mut heap = BinaryHeap::new();
        let mut number = 0;
        while let Some(row) = self.input.next()? {
            let key = row.sort_key(&self.sort)?;
            number += 1;
            let ranked = Ranked { key, number, row };
            if sorter.is_behind(&ranked) {
                continue;
            }
            if self.keep == usize::MAX {
                sorter.push(ranked)?;
                continue;
            }
            if heap.len() < self.keep {
                sorter.exchange(&ranked, None)?;
                heap.push(ranked);
            } else if let Some(mut worst) = heap.peek_mut()
                && ranked.key < worst.key
            {
                sorter.exchange(&ranked, Some(&worst))?;
                *worst = ranked;
            }
            if sorter.is_over() {
                sorter.put_away(std::mem::take(&mut heap).into_vec())?;
            }
        }
        sorter.finish(heap.into_vec())
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
            Some(ordered) => Ok(ordered.next()?.map(|ranked| ranked.row)),
            None => Ok(None),
        }
    }
}
