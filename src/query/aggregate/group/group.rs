//! `$group`: documents with equal keys become one. Stored documents are grouped without trees where `fast_group` can.

use std::sync::Arc;

use super::fast_group::FastGroup;
use super::grouping::Group;
use super::groups::{Groups, Made};
use crate::error::Result;
use crate::query::aggregate::row::{Row, Rows};
use crate::query::expression::Env;

/// The groups of the input.
pub(in crate::query) struct Grouping {
    pub(in crate::query) input: Box<dyn Rows>,
    pub(in crate::query) group: Arc<Group>,
    pub(in crate::query) env: Arc<Env>,
    pub(in crate::query) out: Option<Made>,
}

impl Grouping {
    fn gather(&mut self) -> Result<Made> {
        let group = &*self.group;
        if let Some(fast) = FastGroup::of(group, &self.env)
            && self.input.gather(&fast)?
        {
            return fast.into_groups().finish(group, &self.env);
        }
        let mut groups = Groups::new(group.stage, self.env.work());
        let mut bytes = Vec::new();
        while let Some(row) = self.input.next()? {
            groups.add(group, &row, &self.env, &mut bytes)?;
        }
        groups.finish(group, &self.env)
    }
}

impl Rows for Grouping {
    fn next(&mut self) -> Result<Option<Row>> {
        if self.out.is_none() {
            self.out = Some(self.gather()?);
        }
        self.out.as_mut().map_or(Ok(None), Made::next)
    }
}
