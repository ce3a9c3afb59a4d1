//! The definition of a view that a program made: the collection or view that it reads, and its pipeline.
//!
//! In the options of a collection the pipeline is kept in the stored form of documents, as base64, as validators are.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::document::{Collation, RawValue, Shapes, Value, encode_plain, incoming};
use crate::engine::state::namespace::{Shown, check_collection};
use crate::error::{Error, Kind, Result, codes};
use crate::query::Pipeline;
use crate::query::aggregate;
use crate::query::expression::Constants;
use crate::work::Work;

/// Bytes of a pipeline in the stored form; MongoDB's limit.
const MAX_PIPELINE: usize = 16_000_000;

/// Bytes that its compiled form may take when it is checked.
const MAX_COMPILED: usize = 100 << 20;

/// Views that may lead to one another; MongoDB's limit.
const MOST_VIEWS: usize = 20;

/// What a view reads, and how.
pub(crate) struct ViewDefinition {
    /// The plain name of the collection or view that it reads, in its own database.
    on: String,
    /// Its stages, in the stored form, without shapes.
    bytes: Vec<u8>,
    stages: Value,
    /// The plain names of all that it reads: `on`, and what its stages look up.
    reads: Vec<String>,
}

/// As the log keeps it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    on: String,
    pipeline: String,
}

impl ViewDefinition {
    /// Checks a name and a pipeline; none of the latter is an empty one.
    pub(crate) fn parse(
        on: &str,
        stages: Option<RawValue<'_>>,
        collation: &Collation,
    ) -> Result<Arc<ViewDefinition>> {
        check_collection(on)?;
        let stages = stages.map_or_else(|| Value::Array(Vec::new()), |stages| stages.to_value());
        let mut bytes = Vec::new();
        encode_plain(&stages, &mut bytes);
        if bytes.len() > MAX_PIPELINE {
            let message = format!(
                "the pipeline of the view has {} bytes, above {MAX_PIPELINE}; do less in it",
                bytes.len()
            );
            return Err(Error::new(Kind::Limit, message));
        }
        let shapes = Shapes::new();
        let constants = Constants::default().within(&Work::of_steps(u64::MAX, MAX_COMPILED));
        let constants = constants.under(collation.clone());
        let pipeline = Pipeline::parse_with(RawValue::new(&bytes, &shapes), &constants)?;
        if pipeline.destination().is_some() {
            let message = "the pipeline of a view must not write: leave $out and $merge out";
            return Err(Error::new(Kind::BadQuery, message).with_code(codes::OPTION_NOT_SUPPORTED_ON_VIEW));
        }
        Ok(Arc::new(ViewDefinition::of(on.to_owned(), bytes, stages)))
    }

    fn of(on: String, bytes: Vec<u8>, stages: Value) -> ViewDefinition {
        let mut reads = vec![on.clone()];
        aggregate::read(RawValue::new(&bytes, &Shapes::new()), &mut reads);
        ViewDefinition { on, bytes, stages, reads }
    }

    /// Whether it leads over at most so many views, itself among them, whichever way its documents come; `of` finds views by their
    /// plain names.
    pub(crate) fn is_shallow(&self, of: &impl Fn(&str) -> Option<Arc<ViewDefinition>>) -> bool {
        self.height(of, MOST_VIEWS, &mut HashMap::new()).is_some()
    }

    fn height(
        &self,
        of: &impl Fn(&str) -> Option<Arc<ViewDefinition>>,
        most: usize,
        known: &mut HashMap<String, usize>,
    ) -> Option<usize> {
        let below_most = most.checked_sub(1)?;
        let mut below = 0;
        for name in &self.reads {
            let height = match (known.get(name), of(name)) {
                (_, None) => continue,
                (Some(height), _) => *height,
                (None, Some(view)) => {
                    let height = view.height(of, below_most, known)?;
                    known.insert(name.clone(), height);
                    height
                }
            };
            below = below.max(height);
        }
        (below <= below_most).then_some(below + 1)
    }

    /// Whether it leads to the view of this plain name.
    pub(crate) fn leads_to(&self, name: &str, of: &impl Fn(&str) -> Option<Arc<ViewDefinition>>) -> bool {
        let (mut left, mut seen) = (self.reads.clone(), HashSet::new());
        while let Some(next) = left.pop() {
            if next == name {
                return true;
            }
            if let Some(view) = of(&next)
                && seen.insert(next)
            {
                left.extend(view.reads.iter().cloned());
            }
        }
        false
    }

    /// The plain name of what it reads.
    pub(crate) fn on(&self) -> &str {
        &self.on
    }

    /// Its stages, as they were given.
    pub(crate) fn stages(&self) -> &Value {
        &self.stages
    }

    /// Its pipeline, compiled for an operation.
    pub(crate) fn pipeline(&self, collation: &Collation, work: &Work) -> Result<Pipeline> {
        let shapes = Shapes::new();
        let constants = Constants::default().within(work).under(collation.clone());
        Pipeline::parse_with(RawValue::new(&self.bytes, &shapes), &constants)
    }
}

impl PartialEq for ViewDefinition {
    fn eq(&self, other: &ViewDefinition) -> bool {
        self.on == other.on && self.bytes == other.bytes
    }
}

impl std::fmt::Debug for ViewDefinition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {:?}", self.on, self.stages)
    }
}

/// Writes a definition of the options of a collection.
pub(crate) fn write<S: Serializer>(
    view: &Option<Arc<ViewDefinition>>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    let kept =
        |view: &Arc<ViewDefinition>| Kept { on: view.on.clone(), pipeline: BASE64.encode(&view.bytes) };
    view.as_ref().map(kept).serialize(serializer)
}

/// Reads a definition of the options of a collection. Its pipeline is compiled when it is used.
pub(crate) fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Arc<ViewDefinition>>, D::Error> {
    use serde::de::Error as _;
    let Kept { on, pipeline } = Kept::deserialize(deserializer)?;
    let bytes = BASE64.decode(pipeline.as_bytes()).map_err(D::Error::custom)?;
    incoming::check(&bytes, &Shapes::new()).map_err(|error| D::Error::custom(error.message()))?;
    let stages = RawValue::new(&bytes, &Shapes::new()).to_value();
    if !matches!(stages, Value::Array(_)) {
        return Err(D::Error::custom("the pipeline of a view is no array"));
    }
    Ok(Some(Arc::new(ViewDefinition::of(on, bytes, stages))))
}

/// A view leads over too many others.
pub(crate) fn too_deep(name: &str) -> Error {
    let message = format!(
        "the view '{}' leads over more than {MOST_VIEWS} views to its documents; let it read one of those below",
        Shown(name)
    );
    Error::new(Kind::BadQuery, message).with_code(codes::VIEW_DEPTH_LIMIT_EXCEEDED)
}

/// A view was named where only a collection can be.
#[cold]
pub(crate) fn no_view(name: &str) -> Error {
    let message = format!(
        "'{}' is a view: it has no documents, indexes or changes of its own; name the collection that it reads",
        Shown(name)
    );
    Error::new(Kind::BadQuery, message).with_code(codes::COMMAND_NOT_SUPPORTED_ON_VIEW)
}
