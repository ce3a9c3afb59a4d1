//! Pipelines over the events of a change stream: stages that choose and shape one event at a time.

use std::sync::Arc;

use super::parse::STAGES;
use super::pipeline::{Pipeline, Place, Stage};
use super::row::Row;
use crate::document::{Node, RawValue, Value};
use crate::error::{Error, Kind, Result, codes};
use crate::query::expression::{Constants, Env, Parser, Rooted, Scope};
use crate::query::made::check_depth;

/// The stages that it may have.
const ALLOWED: [&str; 7] =
    ["$addFields", "$match", "$project", "$replaceRoot", "$replaceWith", "$set", "$unset"];

/// The pipeline of a change stream.
#[derive(Clone, Debug)]
pub(crate) struct EventPipeline {
    pipeline: Pipeline,
}

impl EventPipeline {
    /// Reads an array of stages.
    pub(crate) fn parse(stages: RawValue<'_>, constants: &Constants) -> Result<EventPipeline> {
        let stages = stages.tree();
        if let Value::Array(given) = &stages {
            let names = given.iter().filter_map(|stage| match stage {
                Value::Object(fields) => fields.first().map(|(name, _)| name.as_str()),
                _ => None,
            });
            let mut names = names.filter(|name| STAGES.contains(name) && !ALLOWED.contains(name));
            if let Some(name) = names.next() {
                let message = format!(
                    "{name} is not permitted in the pipeline of a change stream; it may have {}",
                    ALLOWED.join(", ")
                );
                return Err(Error::new(Kind::BadQuery, message).with_code(codes::ILLEGAL_OPERATION));
            }
        }
        let pipeline = Pipeline::read(&mut Parser::at("pipeline").knowing(constants), &stages, Place::Whole)?;
        Ok(EventPipeline { pipeline })
    }

    /// The event as the stages leave it; `None` where one of them filters it out.
    pub(crate) fn apply(&self, event: Value, env: &Arc<Env>) -> Result<Option<Value>> {
        let mut row = Row::Tree(event);
        for stage in &self.pipeline.stages {
            match stage {
                Stage::Match(test) => {
                    if !test.matches(&row, env)? {
                        return Ok(None);
                    }
                }
                Stage::Shape(shaping) => {
                    let value = row.into_value();
                    let made = shaping.apply(&value, &Scope::new(&Rooted(&value), env).of(shaping.name()))?;
                    check_depth(shaping.name(), &made)?;
                    row = Row::Tree(made);
                }
                _ => return Err(Error::new(Kind::Internal, "a change stream has a stage of another kind")),
            }
        }
        Ok(Some(row.into_value()))
    }

    /// Whether it leaves every event as it is.
    pub(crate) fn is_empty(&self) -> bool {
        self.pipeline.stages.is_empty()
    }
}
