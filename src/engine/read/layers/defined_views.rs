//! Views that programs have made: a read of one is a pipeline on the collection below it.

use std::sync::Arc;

use super::source::Source;
use crate::document::{Collation, Node, Object, RawValue, Shapes, Value, encode_plain, incoming};
use crate::engine::operation::input::{Incoming, check_part};
use crate::engine::operation::request::{FindOptions, Operation};
use crate::engine::state::namespace::{Shown, within};
use crate::engine::state::rules::ViewDefinition;
use crate::engine::state::rules::view_definition::too_deep;
use crate::error::{Error, Kind, Result, codes};
use crate::query::Pipeline;
use crate::work::Work;

/// The name of the collection below a view, and the pipeline that leads from there to the documents of the view.
pub(crate) type Below = (String, Arc<Pipeline>);

/// What a view leads to.
pub(crate) fn below(
    source: &Source,
    database: &str,
    name: &str,
    collation: &Collation,
    work: &Work,
) -> Result<Below> {
    let of = |name: &str| definition(source, database, name);
    // What its stages look up is resolved when they run, one view within the other.
    if of(name).is_some_and(|view| !view.is_shallow(&of)) {
        return Err(too_deep(name));
    }
    let (mut at, mut pipeline) = (name.to_owned(), Pipeline::default());
    while let Some(view) = of(&at) {
        let full = within(database, &at)?;
        source.note_collection(&full)?;
        if source.collection(&full).is_some_and(|view| view.collation() != *collation) {
            return Err(other_collation(&at));
        }
        pipeline = pipeline.after(&view.pipeline(collation, work)?);
        view.on().clone_into(&mut at);
    }
    Ok((at, Arc::new(pipeline)))
}

/// The error of an operation that compares strings otherwise than a view that it reads.
fn other_collation(name: &str) -> Error {
    let message = format!(
        "the view '{}' has another collation than the operation: a view compares strings by its own; leave the option collation out, or make a view with it",
        Shown(name)
    );
    Error::new(Kind::BadQuery, message).with_code(codes::OPTION_NOT_SUPPORTED_ON_VIEW)
}

/// The definition of a view in the state that is read.
fn definition(source: &Source, database: &str, name: &str) -> Option<Arc<ViewDefinition>> {
    let collection = source.collection(&within(database, name).ok()?)?;
    collection.is_view().then(|| collection.options().view().cloned()).flatten()
}

/// The first conditions of a view, and of a pipeline behind it, as they were given.
pub(crate) fn conditions(source: &Source, database: &str, name: &str, pipeline: &Incoming) -> Value {
    let mut all = vec![pipeline.raw().to_value()];
    let mut at = name.to_owned();
    while let Some(view) = definition(source, database, &at) {
        all.push(view.stages().clone());
        view.on().clone_into(&mut at);
    }
    let stages = all.iter().rev().flat_map(|stages| stages.items());
    let mut given: Vec<Value> = Vec::new();
    for stage in stages {
        match stage.field("$match") {
            Some(condition) => given.push(condition.clone()),
            None if stage.field("$sort").is_some() => {}
            None => break,
        }
    }
    match given.len() {
        0 => Value::Object(Vec::new()),
        1 => given.remove(0),
        _ => Value::Object(vec![("$and".to_owned(), Value::Array(given))]),
    }
}

/// The pipeline of a read of a view, and its hint; `None` for what is no read of documents.
pub(crate) fn as_pipeline(operation: &Operation) -> Result<Option<(Incoming, Option<Incoming>)>> {
    let mut stages = Stages(Vec::new());
    let hint = match operation {
        Operation::Find { filter, options } => {
            stages.find(filter, options)?;
            options.hint.clone()
        }
        Operation::Count { filter, skip, limit, hint } => {
            stages.filter(filter)?;
            stages.part(*skip, *limit);
            hint.clone()
        }
        Operation::Distinct { filter, hint, .. } => {
            stages.filter(filter)?;
            hint.clone()
        }
        Operation::Get { id, .. } | Operation::Has { id } => {
            stages.id(id)?;
            None
        }
        Operation::Aggregate { pipeline, hint, .. } => return Ok(Some((pipeline.clone(), hint.clone()))),
        _ => return Ok(None),
    };
    Ok(Some((stages.into_pipeline(), hint)))
}

/// The pipeline that finds the documents of a view with these `_id`s.
pub(crate) fn by_ids(ids: &[Incoming]) -> Result<Incoming> {
    let mut values = Vec::with_capacity(ids.len());
    for id in ids {
        incoming::check(id.bytes(), &id.shapes)?;
        values.push(id.raw().to_value());
    }
    let among = Value::Object(vec![("$in".to_owned(), Value::Array(values))]);
    let mut stages = Stages(Vec::new());
    stages.add("$match", Value::Object(vec![("_id".to_owned(), among)]));
    Ok(stages.into_pipeline())
}

struct Stages(Vec<Value>);

impl Stages {
    fn add(&mut self, name: &str, operand: Value) {
        self.0.push(Value::Object(vec![(name.to_owned(), operand)]));
    }

    fn filter(&mut self, filter: &Incoming) -> Result<()> {
        check_part(Some(filter))?;
        if filter.raw().fields().next().is_some() {
            self.add("$match", filter.raw().to_value());
        }
        Ok(())
    }

    fn id(&mut self, id: &Incoming) -> Result<()> {
        incoming::check(id.bytes(), &id.shapes)?;
        let equal = Value::Object(vec![("$eq".to_owned(), id.raw().to_value())]);
        self.add("$match", Value::Object(vec![("_id".to_owned(), equal)]));
        self.add("$limit", Value::Int(1));
        Ok(())
    }

    fn find(&mut self, filter: &Incoming, options: &FindOptions) -> Result<()> {
        self.filter(filter)?;
        check_part(options.sort.as_ref())?;
        check_part(options.projection.as_ref())?;
        let pairs = options.sort.as_ref().map(|sort| sort.raw().items().filter_map(pair).collect());
        if let Some(order) = pairs.filter(|order: &Object| !order.is_empty()) {
            self.add("$sort", Value::Object(order));
        }
        self.part(options.skip, options.limit);
        let projection = options.projection.as_ref().map(|projection| projection.raw().to_value());
        if let Some(projection) = projection.filter(|one| one.fields().next().is_some()) {
            if let Some(operator) = of_find(&projection) {
                let message = format!(
                    "a projection of a view cannot have {operator}; use aggregate, or name the collection below"
                );
                return Err(
                    Error::new(Kind::BadQuery, message).with_code(codes::OPTION_NOT_SUPPORTED_ON_VIEW)
                );
            }
            self.add("$project", projection);
        }
        Ok(())
    }

    fn part(&mut self, skip: u64, limit: u64) {
        let number = |count: u64| Value::Long(i64::try_from(count).unwrap_or(i64::MAX));
        if skip > 0 {
            self.add("$skip", number(skip));
        }
        if limit > 0 {
            self.add("$limit", number(limit));
        }
    }

    fn into_pipeline(self) -> Incoming {
        let mut bytes = Vec::new();
        encode_plain(&Value::Array(self.0), &mut bytes);
        Incoming { range: 0..bytes.len(), buffer: bytes.into(), shapes: Arc::new(Shapes::new()) }
    }
}

/// A path of a sort, and its direction.
fn pair(given: RawValue<'_>) -> Option<(String, Value)> {
    let mut items = given.items();
    match (items.next()?.to_value(), items.next()?.to_value()) {
        (Value::String(path), direction) => Some((path, direction)),
        _ => None,
    }
}

/// What only the projection of a find on a collection can have.
fn of_find(projection: &Value) -> Option<&'static str> {
    let is_number = |value: &Value| matches!(value, Value::Int(_) | Value::Long(_) | Value::Double(_));
    let operator = |(name, operand): &(String, Value)| match (name.as_str(), operand) {
        ("$elemMatch", _) => Some("$elemMatch"),
        ("$slice", Value::Array(items)) if !items.first().is_some_and(is_number) => None,
        ("$slice", _) => Some("$slice as that of a find"),
        _ => None,
    };
    projection.fields().find_map(|(path, value)| match value {
        _ if path.ends_with(".$") => Some("a positional path"),
        Value::Object(fields) => fields.iter().find_map(operator),
        _ => None,
    })
}
