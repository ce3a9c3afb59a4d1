//! A pipeline: its stages, read once, and chained for a run.

use std::sync::Arc;

use super::access::Access;
use super::buckets::{AutoBucketing, AutoBuckets, parse_bucket};
use super::facet::{Faceting, Facets};
use super::group::{Group, Grouping};
use super::lookup::{LookingUp, Lookup};
use super::matching::{Match, Matching};
use super::memory::{Memory, size};
use super::read::{count, fields, find, text, unsupported};
use super::row::{Counted, Row, Rows, Shared};
use super::shaping::{Shaped, Shaping};
use super::sorting::{Sorting, read_sort};
use super::steps::{Joined, Limited, Sampled, Skipped};
use super::unwind::{Unwind, Unwinding};
use super::write::{Write, Writing};
use crate::document::{Node, RawValue, Value};
use crate::error::{Result, codes};
use crate::query::expression::{Constants, Env, Parser, Rooted, Scope};
use crate::query::made::check_depth;
use crate::query::{Filter, Sort};

/// Stages that a pipeline may have; MongoDB's limit.
const MOST_STAGES: usize = 1_000;

/// Stages that MongoDB 8 has and this has not.
const UNSUPPORTED: &[&str] = &[
    "$changeStream",
    "$changeStreamSplitLargeEvent",
    "$collStats",
    "$currentOp",
    "$densify",
    "$fill",
    "$geoNear",
    "$graphLookup",
    "$indexStats",
    "$listLocalSessions",
    "$listSampledQueries",
    "$listSearchIndexes",
    "$listSessions",
    "$planCacheStats",
    "$querySettings",
    "$queryStats",
    "$rankFusion",
    "$redact",
    "$scoreFusion",
    "$search",
    "$searchMeta",
    "$setWindowFields",
    "$shardedDataDistribution",
    "$vectorSearch",
];

/// Stages that an update by pipeline cannot have.
const NOT_IN_UPDATES: &[&str] = &[
    "$bucket",
    "$bucketAuto",
    "$count",
    "$documents",
    "$facet",
    "$group",
    "$limit",
    "$lookup",
    "$match",
    "$merge",
    "$out",
    "$sample",
    "$skip",
    "$sort",
    "$sortByCount",
    "$unionWith",
    "$unwind",
];

/// The stages there are. `work_tests` has an example of each that is slow.
pub(in crate::query) const STAGES: &[&str] = &[
    "$addFields",
    "$bucket",
    "$bucketAuto",
    "$count",
    "$documents",
    "$facet",
    "$group",
    "$limit",
    "$lookup",
    "$match",
    "$merge",
    "$out",
    "$project",
    "$replaceRoot",
    "$replaceWith",
    "$sample",
    "$set",
    "$skip",
    "$sort",
    "$sortByCount",
    "$unionWith",
    "$unset",
    "$unwind",
];

/// Where a pipeline stands, which decides the stages that it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Whole,
    /// In `$lookup` or `$unionWith`.
    Inside,
    Facet,
    Update,
}

#[derive(Clone, Debug)]
enum Stage {
    Match(Arc<Match>),
    Shape(Arc<Shaping>),
    Group(Arc<Group>),
    /// With the number of documents that the stages behind it let through.
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
pub struct Pipeline {
    stages: Vec<Stage>,
}

/// Whether a pipeline, not read yet, ends in a stage that writes.
pub fn writes(pipeline: RawValue<'_>) -> bool {
    let last = pipeline.items().last();
    last.and_then(|stage| stage.fields().next()).is_some_and(|(name, _)| matches!(name, "$out" | "$merge"))
}

impl Pipeline {
    /// Reads an array of stages; `BAD_QUERY` names the path of what is wrong with it.
    pub fn parse(pipeline: RawValue<'_>) -> Result<Pipeline> {
        Pipeline::parse_with(pipeline, &Constants::default())
    }

    /// [`Pipeline::parse`] of one operation: its expressions see the variables of the option `let`, and count with its work.
    pub fn parse_with(pipeline: RawValue<'_>, constants: &Constants) -> Result<Pipeline> {
        let mut parser = Parser::at("pipeline").knowing(constants);
        Pipeline::read(&mut parser, &pipeline.to_value(), Place::Whole)
    }

    pub(super) fn read(parser: &mut Parser, stages: &Value, place: Place) -> Result<Pipeline> {
        let Value::Array(given) = stages else {
            let code = if place == Place::Facet { codes::FACET_PIPELINE } else { codes::TYPE_MISMATCH };
            let message = format!("a pipeline needs an array of stages, not {}", stages.type_name());
            return parser.fail_as(code, message);
        };
        if given.len() > MOST_STAGES {
            let message = format!("a pipeline has at most {MOST_STAGES} stages");
            return parser.fail_as(codes::TOO_MANY_STAGES, message);
        }
        let mut stages = Vec::new();
        for (n, stage) in given.iter().enumerate() {
            parser.inside(&n.to_string(), |parser| {
                let (name, operand) = match stage {
                    Value::Object(fields) => match fields.as_slice() {
                        [(name, operand)] => (name, operand),
                        _ => {
                            return parser.fail_as(codes::STAGE_FIELDS, "a stage needs exactly one operator");
                        }
                    },
                    other => {
                        let message = format!("a stage must be an object, not {}", other.type_name());
                        return parser.fail_as(codes::TYPE_MISMATCH, message);
                    }
                };
                let ends = (n == 0, n + 1 == given.len());
                parser.inside(name, |parser| read_stage(parser, name, operand, place, ends, &mut stages))
            })?;
        }
        keep_less(&mut stages);
        Ok(Pipeline { stages })
    }

    /// Whether it brings its own documents.
    pub(super) fn has_documents(&self) -> bool {
        matches!(self.stages.first(), Some(Stage::Documents(_)))
    }

    /// Whether it changes the database.
    pub fn writes(&self) -> bool {
        matches!(self.stages.last(), Some(Stage::Write(_)))
    }

    /// Runs on a collection. A filter at the head is matched where the documents are stored, and a sort behind it left
    /// to an index where there is one.
    pub fn open(&self, collection: &str, env: &Arc<Env>, access: &Arc<dyn Access>) -> Result<Box<dyn Rows>> {
        if let Some((Stage::Documents(documents), rest)) = self.stages.split_first() {
            let source = Shared::boxed(documents.clone(), |document| Row::Tree(document.clone()));
            return chain(rest, source, env, access);
        }
        let (filter, rest) = self.head();
        if let Some((Stage::Sort(sort, keep), rest)) = rest.split_first()
            && let Some(sorted) = access.scan_sorted(collection, &filter, sort, *keep)?
        {
            return chain(rest, sorted, env, access);
        }
        chain(rest, access.scan(collection, filter)?, env, access)
    }

    /// The filter that it begins with, and the stages behind it.
    fn head(&self) -> (Filter, &[Stage]) {
        if let Some((Stage::Match(test), rest)) = self.stages.split_first()
            && let Match::Plain(filter) = &**test
        {
            return (filter.clone(), rest);
        }
        (Filter::all(), &self.stages)
    }

    /// What it asks of its collection first: a filter, and an order with how many documents of it.
    pub fn asks(&self) -> (Filter, Option<(&Sort, Option<u64>)>) {
        let (filter, rest) = self.head();
        let order = match rest.first() {
            Some(Stage::Sort(sort, keep)) => Some((&**sort, (*keep != usize::MAX).then_some(*keep as u64))),
            _ => None,
        };
        (filter, order)
    }

    /// Runs on documents that are there.
    pub(super) fn over(
        &self,
        source: Box<dyn Rows>,
        env: &Arc<Env>,
        access: &Arc<dyn Access>,
    ) -> Result<Box<dyn Rows>> {
        chain(&self.stages, source, env, access)
    }

    /// What becomes of one document, in a pipeline of an update.
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

/// A sort needs to hold no more documents than the limit behind it lets through.
fn keep_less(stages: &mut [Stage]) {
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

fn read_stage(
    parser: &mut Parser,
    name: &str,
    operand: &Value,
    place: Place,
    (first, last): (bool, bool),
    stages: &mut Vec<Stage>,
) -> Result<()> {
    if UNSUPPORTED.contains(&name) {
        return unsupported(format!("the stage {name} is not supported"), name);
    }
    if !STAGES.contains(&name) {
        return parser.fail_as(codes::UNKNOWN_STAGE, format!("unknown stage '{name}'"));
    }
    if let Some(shaping) = Shaping::parse(parser, name, operand)? {
        stages.push(Stage::Shape(Arc::new(shaping)));
        return Ok(());
    }
    if place == Place::Update {
        return refuse_in_update(parser, name);
    }
    let stage = match name {
        "$match" => Stage::Match(Arc::new(Match::parse(parser, operand)?)),
        "$group" => Stage::Group(Arc::new(Group::parse(parser, operand)?)),
        "$bucket" => Stage::Group(Arc::new(parse_bucket(parser, operand)?)),
        "$bucketAuto" => Stage::AutoBuckets(Arc::new(AutoBuckets::parse(parser, operand)?)),
        "$sort" => Stage::Sort(Arc::new(read_sort(parser, operand)?), usize::MAX),
        "$limit" => Stage::Limit(count(parser, name, operand, 1)?),
        "$skip" => Stage::Skip(count(parser, name, operand, 0)?),
        "$unwind" => Stage::Unwind(Arc::new(Unwind::parse(parser, operand)?)),
        "$lookup" => Stage::Lookup(Arc::new(Lookup::parse(parser, operand)?)),
        "$count" => return read_count(parser, operand, stages),
        "$sortByCount" => return read_sort_by_count(parser, operand, stages),
        "$sample" => read_sample(parser, operand)?,
        "$unionWith" => read_union(parser, operand)?,
        "$facet" if place == Place::Facet => {
            return parser.fail_as(codes::NOT_IN_FACET, "$facet cannot stand inside of $facet");
        }
        "$facet" => Stage::Facet(Arc::new(Facets::parse(parser, operand)?)),
        "$documents" if !first || place == Place::Facet => {
            let code = if place == Place::Facet { codes::NOT_IN_FACET } else { codes::MUST_BE_FIRST };
            return parser.fail_as(code, "$documents must be the first stage of its pipeline");
        }
        "$documents" => read_documents(parser, operand)?,
        "$out" | "$merge" if place != Place::Whole || !last => {
            let code = if place == Place::Facet { codes::NOT_IN_FACET } else { codes::MUST_BE_LAST };
            return parser.fail_as(code, format!("{name} must be the last stage of the whole pipeline"));
        }
        "$out" => Stage::Write(Arc::new(Write::parse_out(parser, operand)?)),
        "$merge" => Stage::Write(Arc::new(Write::parse_merge(parser, operand)?)),
        _ => return parser.fail_as(codes::UNKNOWN_STAGE, format!("unknown stage '{name}'")),
    };
    stages.push(stage);
    Ok(())
}

fn refuse_in_update(parser: &Parser, name: &str) -> Result<()> {
    let known = NOT_IN_UPDATES.contains(&name) || UNSUPPORTED.contains(&name);
    let code = if known { codes::INVALID_OPTIONS } else { codes::UNKNOWN_STAGE };
    let message = format!(
        "an update by pipeline has $addFields, $set, $project, $unset, $replaceRoot and $replaceWith, but not {name}"
    );
    parser.fail_as(code, message)
}

/// `$sortByCount` is a group that counts, and a sort.
fn read_sort_by_count(parser: &mut Parser, operand: &Value, stages: &mut Vec<Stage>) -> Result<()> {
    let key = parser.expression(operand)?;
    stages.push(Stage::Group(Arc::new(Group::counting("$sortByCount", key, "count"))));
    let order = Value::Object(vec![("count".to_owned(), Value::Int(-1))]);
    stages.push(Stage::Sort(Arc::new(read_sort(parser, &order)?), usize::MAX));
    Ok(())
}

fn read_sample(parser: &mut Parser, operand: &Value) -> Result<Stage> {
    let given = fields(parser, "$sample", operand, &["size"])?;
    let Some(size) = find(given, "size") else {
        return parser.fail_as(codes::stage("$sample").missing(), "$sample needs size");
    };
    Ok(Stage::Sample(count(parser, "size of $sample", size, 1)?))
}

fn read_documents(parser: &mut Parser, operand: &Value) -> Result<Stage> {
    let evaluated = parser.expression(operand)?;
    let env = Env::default().within(parser.work().clone());
    match evaluated.eval(&Scope::new(&Rooted(&Value::Null), &env).of("$documents"))? {
        Some(Value::Array(items)) if items.iter().all(|item| matches!(item, Value::Object(_))) => {
            parser.work().hold("$documents", items.iter().map(size).sum())?;
            items.iter().try_for_each(|item| check_depth("$documents", item))?;
            Ok(Stage::Documents(Arc::new(items)))
        }
        _ => parser.fail_as(codes::DOCUMENTS_NOT_AN_ARRAY, "$documents needs an array of objects"),
    }
}

/// `$count` is a group of all, without its `_id`.
fn read_count(parser: &Parser, operand: &Value, stages: &mut Vec<Stage>) -> Result<()> {
    match operand {
        Value::String(field)
            if !field.is_empty() && !field.starts_with('$') && !field.contains(['.', '\0']) =>
        {
            let all = crate::query::expression::Expression::literal(Value::Null);
            stages.push(Stage::Group(Arc::new(Group::counting("$count", all, field))));
            if field != "_id" {
                stages.push(Stage::Shape(Arc::new(Shaping::without_id())));
            }
            Ok(())
        }
        _ => {
            let code = match operand {
                Value::String(field) if field.is_empty() => codes::COUNT_EMPTY,
                Value::String(field) if field.starts_with('$') => codes::COUNT_DOLLAR,
                Value::String(_) => codes::COUNT_DOT,
                _ => codes::stage("$count").of_shape(),
            };
            parser.fail_as(code, "$count needs the name of a field, without '$' in front and without dots")
        }
    }
}

fn read_union(parser: &mut Parser, operand: &Value) -> Result<Stage> {
    if let Value::String(name) = operand {
        return Ok(Stage::Union(Some(name.clone()), Pipeline::default()));
    }
    let given = fields(parser, "$unionWith", operand, &["coll", "pipeline"])?;
    let name = text(parser, "$unionWith", given, "coll")?.map(str::to_owned);
    let pipeline = match find(given, "pipeline") {
        Some(stages) => parser.inside("pipeline", |parser| Pipeline::read(parser, stages, Place::Inside))?,
        None => Pipeline::default(),
    };
    if name.is_none() && !pipeline.has_documents() {
        let message = "$unionWith needs coll, the name of a collection";
        return parser.fail_as(codes::FAILED_TO_PARSE, message);
    }
    Ok(Stage::Union(name, pipeline))
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
            Stage::Sort(sort, keep) => {
                Box::new(Sorting { input, sort: sort.clone(), keep: *keep, work: work.clone(), out: None })
            }
            Stage::Limit(left) => Box::new(Limited { input, left: *left }),
            Stage::Skip(left) => Box::new(Skipped { input, left: *left }),
            Stage::Unwind(spec) => Box::new(Unwinding::new(input, spec.clone(), work.clone())),
            Stage::Lookup(spec) => {
                let memory = Memory::new("$lookup", &work);
                Box::new(LookingUp { input, spec: spec.clone(), env, access, found: None, memory })
            }
            Stage::Facet(facets) => {
                Box::new(Faceting { input, facets: facets.clone(), env, access, done: false })
            }
            Stage::AutoBuckets(spec) => Box::new(AutoBucketing { input, spec: spec.clone(), env, out: None }),
            Stage::Sample(size) => Box::new(Sampled { input, size: *size, env, out: None }),
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
    /// The name of a stage that makes documents; `None` for one that lets them through.
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
