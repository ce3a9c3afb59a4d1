//! Updates by pipeline: stages that compute a new document from a document.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::pipeline::{Pipeline, Place};
use crate::document::{Collation, Node, Object, Value};
use crate::error::{Result, codes};
use crate::query::expression::{Constants, Env, Parser};
use crate::query::refusal::bad_update;
use crate::work::Work;

/// A pipeline as an update.
#[derive(Clone, Debug)]
pub(in crate::query) struct UpdatePipeline {
    pipeline: Pipeline,
    /// The seed of the next document's `$rand`.
    chance: Arc<AtomicU64>,
    work: Work,
    collation: Collation,
}

impl UpdatePipeline {
    /// Reads an array of stages.
    pub(in crate::query) fn parse<'a>(
        stages: impl Node<'a>,
        constants: &Constants,
    ) -> Result<UpdatePipeline> {
        let stages = stages.tree();
        if matches!(&stages, Value::Array(stages) if stages.is_empty()) {
            return Err(bad_update(
                "",
                "an update by pipeline needs at least one stage, as in [{ $set: { age: 5 } }]",
            ));
        }
        let read = Pipeline::read(&mut Parser::at("pipeline").knowing(constants), &stages, Place::Update);
        let (chance, work) = (Arc::new(AtomicU64::new(constants.seed())), constants.work().clone());
        let collation = constants.collation().clone();
        read.map(|pipeline| UpdatePipeline { pipeline, chance, work, collation }).map_err(as_update)
    }

    /// Changes the document and returns whether it differs. `_id` never changes.
    pub(in crate::query) fn apply(&self, document: &mut Object, now: i64) -> Result<bool> {
        let old = Value::Object(std::mem::take(document));
        let env = Env::new(now, self.chance.fetch_add(1, Ordering::Relaxed));
        let env = env.within(self.work.clone()).under(self.collation.clone());
        let made = self.pipeline.shape(old.clone(), &env).map_err(as_update)?;
        let (Value::Object(old), Value::Object(mut new)) = (old, made) else {
            return Err(bad_update("", "an update by pipeline must make an object"));
        };
        let find = |object: &Object| object.iter().position(|(key, _)| key == "_id");
        let id = find(&old).and_then(|at| old.get(at)).map(|(_, id)| id.clone());
        let made = find(&new).map(|at| new.remove(at).1);
        match (id, made) {
            (Some(id), Some(made)) if crate::document::order::compare_values(&id, &made).is_ne() => {
                let message = "performing an update on the path '_id' would modify the immutable field '_id'; insert a new document instead";
                return Err(bad_update("_id", message).with_code(codes::IMMUTABLE_FIELD));
            }
            (Some(id), _) | (None, Some(id)) => new.insert(0, ("_id".to_owned(), id)),
            (None, None) => {}
        }
        let changed = new != old;
        *document = new;
        Ok(changed)
    }
}

/// An error of the query becomes an error of the update.
fn as_update(error: crate::error::Error) -> crate::error::Error {
    match error.kind() {
        crate::error::Kind::BadQuery => {
            let path = error.details().path.as_deref().unwrap_or_default();
            bad_update(path, error.message()).with_code(error.code().unwrap_or(codes::BAD_VALUE))
        }
        _ => error,
    }
}
