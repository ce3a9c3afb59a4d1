//! Running a pipeline: its stages pull documents from one another. Stages that hold pipelines run them by [`Pipeline::open`] and
//! [`Pipeline::over`].

use std::sync::Arc;

use super::access::Access;
use super::group::{AutoBucketing, Grouping};
use super::memory::Memory;
use super::pipeline::{Pipeline, Stage};
use super::row::{Counted, Row, Rows, Shared};
use super::stages::facet::Faceting;
use super::stages::lookup::LookingUp;
use super::stages::matching::Matching;
use super::stages::sampling::Sampled;
use super::stages::shaping::Shaped;
use super::stages::sorting::Sorting;
use super::stages::steps::{Joined, Limited, Skipped};
use super::stages::unwind::Unwinding;
use super::stages::write::Writing;
use crate::document::Value;
use crate::error::Result;
use crate::query::expression::{Env, Rooted, Scope};
use crate::query::made::check_depth;

impl Pipeline {
    /// Runs on a collection. A filter at the start is matched by the scan, and a sort after it uses an index if there
    /// is one.
    pub(crate) fn open(
        &self,
        collection: &str,
        env: &Arc<Env>,
        access: &Arc<dyn Access>,
    ) -> Result<Box<dyn Rows>> {
        if let Some((Stage::Documents(documents), rest)) = self.stages.split_first() {
            let source = Shared::boxed(documents.clone(), |document| Row::Tree(document.clone()));
            return chain(rest, source, env, access);
        }
        match access.view(collection)? {
            None => self.scan(collection, env, access),
            Some((below, view)) => self.after(&view).open_whole(&below, env, access),
        }
    }

    /// Runs on a collection, unless it begins with documents of its own.
    fn open_whole(
        &self,
        collection: &str,
        env: &Arc<Env>,
        access: &Arc<dyn Access>,
    ) -> Result<Box<dyn Rows>> {
        match self.has_documents() {
            true => self.open(collection, env, access),
            false => self.scan(collection, env, access),
        }
    }

    fn scan(&self, collection: &str, env: &Arc<Env>, access: &Arc<dyn Access>) -> Result<Box<dyn Rows>> {
        let (filter, rest) = self.head(Some(env), env.collation());
        let filter = filter.within(env.work());
        if let Some((Stage::Sort(sort, keep), rest)) = rest.split_first()
            && let Some(sorted) = access.scan_sorted(collection, &filter, sort, *keep)?
        {
            return chain(rest, sorted, env, access);
        }
        chain(rest, access.scan(collection, filter)?, env, access)
    }

    /// Runs on these documents.
    pub(super) fn over(
        &self,
        source: Box<dyn Rows>,
        env: &Arc<Env>,
        access: &Arc<dyn Access>,
    ) -> Result<Box<dyn Rows>> {
        chain(&self.stages, source, env, access)
    }

    /// Applies the pipeline of an update to one document.
    pub(super) fn shape(&self, document: Value, env: &Env) -> Result<Value> {
        let mut at = document;
        for stage in &self.stages {
            if let Stage::Shape(shaping) = stage {
                at = shaping.apply(&at, &Scope::new(&Rooted(&at), env).of(shaping.name()))?;
                check_depth(shaping.name(), &at)?;
            }
        }
        Ok(at)
    }
}

fn chain(
    stages: &[Stage],
    source: Box<dyn Rows>,
    env: &Arc<Env>,
    access: &Arc<dyn Access>,
) -> Result<Box<dyn Rows>> {
    let work = env.work().clone();
    let mut input = Counted::boxed(source, &work, None);
    for stage in stages {
        let (env, access) = (env.clone(), access.clone());
        let made: Box<dyn Rows> = match stage {
            Stage::Match(test) => Box::new(Matching { input, test: test.clone(), env }),
            Stage::Shape(shaping) => Box::new(Shaped { input, shaping: shaping.clone(), env }),
            Stage::Group(group) => Box::new(Grouping { input, group: group.clone(), env, out: None }),
            Stage::Sort(sort, keep) => Box::new(Sorting::new(input, sort.clone(), *keep, &work)),
            Stage::Limit(left) => Box::new(Limited { input, left: *left }),
            Stage::Skip(left) => Box::new(Skipped { input, left: *left }),
            Stage::Unwind(spec) => Box::new(Unwinding::new(input, spec.clone(), work.clone())),
            Stage::Lookup(spec) => {
                let memory = Memory::new("$lookup", &work);
                Box::new(LookingUp { input, spec: spec.clone(), env, access, found: None, spent: 0, memory })
            }
            Stage::Facet(facets) => {
                Box::new(Faceting { input, facets: facets.clone(), env, access, done: false })
            }
            Stage::AutoBuckets(spec) => Box::new(AutoBucketing::new(input, spec.clone(), env)),
            Stage::Sample(size) => Box::new(Sampled::new(input, *size, env)),
            Stage::Union(name, pipeline) => {
                let second = pipeline.open(name.as_deref().unwrap_or_default(), &env, &access)?;
                Box::new(Joined { first: input, second, in_second: false })
            }
            Stage::Documents(documents) => {
                Shared::boxed(documents.clone(), |document| Row::Tree(document.clone()))
            }
            Stage::Write(write) => Box::new(Writing { input, write: write.clone(), env, access }),
        };
        input = Counted::boxed(made, &work, stage.makes());
    }
    Ok(input)
}

impl Stage {
    /// The name of a stage that computes documents; `None` for one that passes them on.
    fn makes(&self) -> Option<&'static str> {
        match self {
            Stage::Shape(shaping) => Some(shaping.name()),
            Stage::Group(group) => Some(group.stage),
            Stage::Unwind(_) => Some("$unwind"),
            Stage::Lookup(_) => Some("$lookup"),
            Stage::Facet(_) => Some("$facet"),
            Stage::AutoBuckets(_) => Some("$bucketAuto"),
            Stage::Match(_) | Stage::Sort(..) | Stage::Limit(_) | Stage::Skip(_) | Stage::Sample(_) => None,
            Stage::Union(..) | Stage::Documents(_) | Stage::Write(_) => None,
        }
    }
}
