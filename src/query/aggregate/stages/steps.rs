//! Stages that only choose documents: `$limit`, `$skip`, `$sample`; and `$unionWith`, which appends documents.

use crate::error::Result;
use crate::query::aggregate::memory::{Gathered, Memory, weight};
use crate::query::aggregate::row::{Row, Rows};
use crate::query::expression::Env;
use std::sync::Arc;

/// The first documents.
pub(in crate::query) struct Limited {
    pub(in crate::query) input: Box<dyn Rows>,
    pub(in crate::query) left: u64,
}

impl Rows for Limited {
    fn next(&mut self) -> Result<Option<Row>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.input.next()
    }
}

/// All but the first documents.
pub(in crate::query) struct Skipped {
    pub(in crate::query) input: Box<dyn Rows>,
    pub(in crate::query) left: u64,
}

impl Rows for Skipped {
    fn next(&mut self) -> Result<Option<Row>> {
        while self.left > 0 {
            self.left -= 1;
            if self.input.next()?.is_none() {
                self.left = 0;
                return Ok(None);
            }
        }
        self.input.next()
    }
}

/// A random sample; each set of that size is equally likely.
pub(in crate::query) struct Sampled {
    pub(in crate::query) input: Box<dyn Rows>,
    pub(in crate::query) size: u64,
    pub(in crate::query) env: Arc<Env>,
    pub(in crate::query) out: Option<Gathered<Row>>,
}

impl Sampled {
    fn gather(&mut self) -> Result<Gathered<Row>> {
        let mut memory = Memory::new("$sample", self.env.work());
        let mut chosen: Vec<Row> = Vec::new();
        let mut seen = 0;
        while let Some(row) = self.input.next()? {
            seen += 1;
            if (chosen.len() as u64) < self.size {
                memory.take_row(&row)?;
                chosen.push(row);
            } else if let Ok(at) = usize::try_from(self.env.next_random() % seen)
                && let Some(slot) = chosen.get_mut(at)
            {
                memory.take_row(&row)?;
                memory.give(weight(slot));
                *slot = row;
            }
        }
        for n in (1..chosen.len()).rev() {
            chosen.swap(n, (self.env.next_random() % (n as u64 + 1)) as usize);
        }
        Ok(Gathered::new(chosen, memory, weight))
    }
}

impl Rows for Sampled {
    fn next(&mut self) -> Result<Option<Row>> {
        if self.out.is_none() {
            self.out = Some(self.gather()?);
        }
        Ok(self.out.as_mut().and_then(Gathered::next))
    }
}

/// One stream after another.
pub(in crate::query) struct Joined {
    pub(in crate::query) first: Box<dyn Rows>,
    pub(in crate::query) second: Box<dyn Rows>,
    pub(in crate::query) in_second: bool,
}

impl Rows for Joined {
    fn next(&mut self) -> Result<Option<Row>> {
        if !self.in_second {
            if let Some(row) = self.first.next()? {
                return Ok(Some(row));
            }
            self.in_second = true;
        }
        self.second.next()
    }
}
