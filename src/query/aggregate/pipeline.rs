//! A pipeline and its stages, as they were parsed. Stages that hold pipelines have their types here: `$lookup`, `$facet`, `$unionWith`,
//! `$merge`.

use std::sync::Arc;

use super::group::{AutoBuckets, Group};
use super::operands::Destination;
use super::stages::matching::Match;
use super::stages::shaping::Shaping;
use super::stages::unwind::Unwind;
use crate::document::{Collation, Node, Path, RawKind, RawValue, Value};
use crate::query::expression::{Env, Expression, FieldPath};
use crate::query::{Filter, Sort};

/// Stages that a pipeline may have; MongoDB's limit.
pub(super) const MOST_STAGES: usize = 1_000;

/// The place of a pipeline, which decides the stages that it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Whole,
    /// In `$lookup` or `$unionWith`.
    Inside,
    Facet,
    Update,
}

/// A stage, ready to run.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    Match(Arc<Match>),
    Shape(Arc<Shaping>),
    Group(Arc<Group>),
    /// With the number of documents that later stages need.
    Sort(Arc<Sort>, usize),
    Limit(u64),
    Skip(u64),
    Unwind(Arc<Unwind>),
    Lookup(Arc<Lookup>),
    Facet(Arc<Facets>),
    AutoBuckets(Arc<AutoBuckets>),
    Sample(u64),
    Union(Option<String>, Pipeline),
    Documents(Arc<Vec<Value>>),
    Write(Arc<Write>),
}

/// An aggregation pipeline.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pipeline {
    pub(super) stages: Vec<Stage>,
}

/// `$lookup`.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    /// `None` if the pipeline starts with `$documents`.
    pub(super) from: Option<String>,
    /// The path whose values are looked up, and where.
    pub(super) equal: Option<(FieldPath, Path)>,
    pub(super) variables: Vec<(Box<str>, Expression)>,
    pub(super) pipeline: Option<Pipeline>,
    pub(super) target: FieldPath,
}

/// `$facet`: names and their pipelines.
#[derive(Clone, Debug)]
pub(super) struct Facets(pub(super) Vec<(String, Pipeline)>);

/// `$out` and `$merge`.
#[derive(Clone, Debug)]
pub(super) enum Write {
    Out(Destination),
    Merge(Merge),
}

#[derive(Clone, Debug)]
pub(super) struct Merge {
    pub(super) into: Destination,
    pub(super) variables: Vec<(Box<str>, Expression)>,
    pub(super) matched: Matched,
    pub(super) missing: Missing,
}

/// The action for a document whose `_id` is stored already.
#[derive(Clone, Debug)]
pub(super) enum Matched {
    Replace,
    Keep,
    Merge,
    Fail,
    Pipeline(Pipeline),
}

/// The action for a document whose `_id` is not stored.
#[derive(Clone, Copy, Debug)]
pub(super) enum Missing {
    Insert,
    Discard,
    Fail,
}

/// Whether a pipeline that is not parsed yet ends in a stage that writes.
pub(crate) fn writes(pipeline: RawValue<'_>) -> bool {
    let last = pipeline.items().last();
    last.and_then(|stage| stage.fields().next()).is_some_and(|(name, _)| matches!(name, "$out" | "$merge"))
}

/// The collection that such a pipeline writes; `None` when it writes none, or is not valid.
pub(crate) fn written(pipeline: RawValue<'_>) -> Option<Destination> {
    let (name, value) = pipeline.items().last()?.fields().next()?;
    let target = match name {
        "$out" => value,
        "$merge" => value.get("into").unwrap_or(value),
        _ => return None,
    };
    let text = |value: RawValue<'_>| match value.kind() {
        RawKind::String(name) => Some(String::from_utf8_lossy(name).into_owned()),
        _ => None,
    };
    let collection = text(target.get("coll").unwrap_or(target))?;
    Some(Destination { database: target.get("db").and_then(text), collection })
}

/// Adds the collections that the stages of a valid value read, besides the one that the pipeline is run on. Its nesting bounds
/// the recursion; a pipeline with more stages than there may be is refused later.
pub(crate) fn read(pipeline: RawValue<'_>, names: &mut Vec<String>) {
    for (stage, value) in pipeline.items().take(MOST_STAGES).flat_map(|stage| stage.fields()) {
        let (from, inner) = match stage {
            "$lookup" => (value.get("from"), value.get("pipeline")),
            "$unionWith" => (Some(value.get("coll").unwrap_or(value)), value.get("pipeline")),
            "$facet" => {
                value.fields().for_each(|(_, part)| read(part, names));
                continue;
            }
            _ => continue,
        };
        if let Some(RawKind::String(name)) = from.map(|from| from.kind()) {
            names.push(String::from_utf8_lossy(name).into_owned());
        }
        if let Some(inner) = inner {
            read(inner, names);
        }
    }
}

impl Pipeline {
    /// The collection that its last stage writes, if it writes.
    pub(crate) fn destination(&self) -> Option<&Destination> {
        match self.stages.last() {
            Some(Stage::Write(write)) => match &**write {
                Write::Out(into) | Write::Merge(Merge { into, .. }) => Some(into),
            },
            _ => None,
        }
    }

    /// The stages of a view, and then its own. What it asks for is asked of the collection where that is the same.
    #[must_use]
    pub(crate) fn after(&self, view: &Pipeline) -> Pipeline {
        let mut stages = view.stages.clone();
        for stage in &self.stages {
            // What matches behind a sort, or behind a change of other fields, matches before it.
            let behind = match stage {
                Stage::Match(test) => stages.iter().rev().take_while(|before| passes(test, before)).count(),
                _ => 0,
            };
            let at = stages.len() - behind;
            let joined = match (at.checked_sub(1).and_then(|before| stages.get(before)), stage) {
                (Some(Stage::Match(first)), Stage::Match(then)) => first.joined(then),
                _ => None,
            };
            match joined {
                Some(both) => stages[at - 1] = Stage::Match(Arc::new(both)),
                None => stages.insert(at, stage.clone()),
            }
        }
        keep_less(&mut stages);
        Pipeline { stages }
    }

    /// Whether it starts with `$documents`.
    pub(super) fn has_documents(&self) -> bool {
        matches!(self.stages.first(), Some(Stage::Documents(_)))
    }

    /// The filter at its start, and the stages after it. Where it has expressions the filter is what they need at least, with the
    /// variables of `env`, and the stages decide.
    pub(super) fn head(&self, env: Option<&Env>, collation: &Collation) -> (Filter, &[Stage]) {
        let Some((Stage::Match(test), rest)) = self.stages.split_first() else {
            return (Filter::all(), &self.stages);
        };
        let rest = if matches!(**test, Match::Plain(_)) { rest } else { &self.stages };
        (test.demanded(env, collation), rest)
    }

    /// Its first read of the collection: a filter, and an order with the number of documents that are needed.
    pub(crate) fn asks(&self, collation: &Collation) -> (Filter, Option<(&Sort, Option<u64>)>) {
        let (filter, rest) = self.head(None, collation);
        let order = match rest.first() {
            Some(Stage::Sort(sort, keep)) => Some((&**sort, (*keep != usize::MAX).then_some(*keep as u64))),
            _ => None,
        };
        (filter, order)
    }
}

/// Whether it makes no difference if documents are matched before a stage or behind it.
fn passes(test: &Match, stage: &Stage) -> bool {
    match stage {
        Stage::Sort(_, keep) => *keep == usize::MAX,
        Stage::Shape(shaping) => test.passes(shaping),
        _ => false,
    }
}

/// A sort holds no more documents than a later limit needs.
pub(super) fn keep_less(stages: &mut [Stage]) {
    for at in 0..stages.len() {
        let mut skipped = 0_u64;
        let mut wanted = None;
        for stage in stages.iter().skip(at + 1) {
            match stage {
                Stage::Skip(count) => skipped = skipped.saturating_add(*count),
                Stage::Limit(count) => {
                    wanted = Some(skipped.saturating_add(*count));
                    break;
                }
                Stage::Shape(_) | Stage::Lookup(_) => {}
                _ => break,
            }
        }
        if let (Some(Stage::Sort(_, keep)), Some(wanted)) = (stages.get_mut(at), wanted) {
            *keep = usize::try_from(wanted).unwrap_or(usize::MAX);
        }
    }
}
