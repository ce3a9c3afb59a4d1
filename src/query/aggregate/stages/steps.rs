//! Stages that only choose documents: `$limit`, `$skip`; and `$unionWith`, which appends documents.

use crate::error::Result;
use crate::query::aggregate::row::{Row, Rows};

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
