//! `$group`: documents with equal keys become one. Stored documents are grouped without trees where `fast_group` can.

use std::sync::Arc;

use super::fast_group::FastGroup;
use super::grouping::{Group, Groups};
use crate::document::Value;
use crate::error::Result;
use crate::query::aggregate::memory::Gathered;
use crate::query::aggregate::row::{Row, Rows};
use crate::query::expression::Env;

/// The groups of the input.
pub(in crate::query) struct Grouping {
    pub(in crate::query) input: Box<dyn Rows>,
    pub(in crate::query) group: Arc<Group>,
    pub(in crate::query) env: Arc<Env>,
    pub(in crate::query) out: Option<Gathered<Value>>,
}

impl Grouping {
    fn gather(&mut self) -> Result<Gathered<Value>> {
        let group = &*self.group;
        if let Some(fast) = FastGroup::of(group, self.env.work())
            && self.input.gather(&fast)?
        {
            return fast.into_groups().finish(group);
        }
        let mut groups = Groups::new(group.stage, self.env.work());
        let mut bytes = Vec::new();
        while let Some(row) = self.input.next()? {
            groups.add(group, &row, &self.env, &mut bytes)?;
        }
        groups.finish(group)
    }
}

impl Rows for Grouping {
    fn next(&mut self) -> Result<Option<Row>> {
        if self.out.is_none() {
            self.out = Some(self.gather()?);
        }
        Ok(self.out.as_mut().and_then(Gathered::next).map(Row::Tree))
    }
}
