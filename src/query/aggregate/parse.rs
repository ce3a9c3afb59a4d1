//! The grammar of pipelines. `$lookup`, `$facet`, `$unionWith` and `$merge` call [`Pipeline::read`] for theirs, and it calls them: the
//! one recursion of the language.

use std::sync::Arc;

use super::group::{AutoBuckets, Group, parse_bucket};
use super::memory::size;
use super::operands::{count, fields, find, text, unsupported};
use super::pipeline::{Facets, Lookup, MOST_STAGES, Pipeline, Place, Stage, Write, keep_less};
use super::stages::matching::Match;
use super::stages::shaping::Shaping;
use super::stages::sorting::read_sort;
use super::stages::unwind::Unwind;
use crate::document::{RawValue, Value};
use crate::error::{Result, codes};
use crate::query::expression::{Constants, Env, Expression, Parser, Rooted, Scope};
use crate::query::made::check_depth;

/// Stages of MongoDB 8 that are not supported.
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

/// All stages. `work_tests` has a slow example of each.
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

impl Pipeline {
    /// Reads an array of stages; `BAD_QUERY` names the path of what is wrong with it.
    #[cfg(test)]
    pub(crate) fn parse(pipeline: RawValue<'_>) -> Result<Pipeline> {
        Pipeline::parse_with(pipeline, &Constants::default())
    }

    /// [`Pipeline::parse`] of one operation: its expressions see the variables of the option `let`, and count with its work.
    pub(crate) fn parse_with(pipeline: RawValue<'_>, constants: &Constants) -> Result<Pipeline> {
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
        // The documents of a facet are those of the stages before it.
        let outer = parser.set_stored(false);
        parser.set_stored(if place == Place::Facet { outer } else { true });
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
                parser.inside(name, |parser| read_stage(parser, name, operand, place, ends, &mut stages))?;
                if !matches!(name.as_str(), "$match" | "$sort" | "$limit" | "$skip" | "$sample") {
                    parser.set_stored(false);
                }
                Ok(())
            })?;
        }
        parser.set_stored(outer);
        keep_less(&mut stages);
        Ok(Pipeline { stages })
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
    let known = STAGES.contains(&name) || UNSUPPORTED.contains(&name);
    let code = if known { codes::INVALID_OPTIONS } else { codes::UNKNOWN_STAGE };
    let message = format!(
        "an update by pipeline has $addFields, $set, $project, $unset, $replaceRoot and $replaceWith, but not {name}"
    );
    parser.fail_as(code, message)
}

/// `$sortByCount` is a group that counts, and a sort.
fn read_sort_by_count(parser: &mut Parser, operand: &Value, stages: &mut Vec<Stage>) -> Result<()> {
    let refused = match operand {
        Value::String(text) => (!text.starts_with('$')).then_some(codes::SORT_BY_COUNT_TEXT),
        Value::Object(fields) => {
            let is_call = matches!(fields.as_slice(), [(name, _)] if name.starts_with('$'));
            (!is_call).then_some(codes::SORT_BY_COUNT_OBJECT)
        }
        _ => Some(codes::SORT_BY_COUNT_TYPE),
    };
    if let Some(code) = refused {
        return parser.fail_as(
            code,
            "$sortByCount needs a path, as in '$city', or an expression, as in { $year: '$date' }",
        );
    }
    let key = parser.expression(operand)?;
    stages.push(Stage::Group(Arc::new(Group::counting("$sortByCount", key, "count", parser))));
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
    let env = Env::default().within(parser.work().clone()).under(parser.collation().clone());
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
            let all = Expression::literal(Value::Null);
            stages.push(Stage::Group(Arc::new(Group::counting("$count", all, field, parser))));
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
