//! A validator: the filter that documents must match, with its level and action.
//!
//! In the options of a collection it is kept in the stored form of documents, as base64: all types of its values stay as they are.

use std::sync::Arc;

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::document::{Collation, Node, RawKind, RawValue, Shapes, Value, encode_plain, incoming};
use crate::error::{Details, Error, Kind, Result, codes};
use crate::query::Filter;
use crate::query::expression::Constants;
use crate::work::Work;

/// Bytes of a validator in the stored form.
pub(crate) const MAX_VALIDATOR: usize = 1 << 20;

/// Bytes that its compiled form may take.
const MAX_COMPILED: usize = 100 << 20;

/// Operators that a validator must not have, as on the server: they ask for more than the document.
const FORBIDDEN: &[&str] = &["$near", "$nearSphere", "$geoNear", "$text", "$where"];

/// To which documents a validator applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Level {
    /// To none.
    Off,
    /// To all.
    #[default]
    Strict,
    /// To new documents, and to those that were valid.
    Moderate,
}

/// What is done about a document that is not valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Action {
    /// It is refused.
    #[default]
    Error,
    /// It is logged and stored.
    Warn,
    /// It is logged and refused.
    ErrorAndLog,
}

impl Level {
    const ALL: [(Level, &str); 3] =
        [(Level::Off, "off"), (Level::Strict, "strict"), (Level::Moderate, "moderate")];

    pub(crate) fn parse(value: RawValue<'_>) -> Result<Level> {
        named("validationLevel", &Level::ALL, value)
    }

    pub(crate) fn name(self) -> &'static str {
        Level::ALL.iter().find(|(level, _)| *level == self).map_or("strict", |(_, name)| name)
    }
}

impl Action {
    const ALL: [(Action, &str); 3] =
        [(Action::Error, "error"), (Action::Warn, "warn"), (Action::ErrorAndLog, "errorAndLog")];

    pub(crate) fn parse(value: RawValue<'_>) -> Result<Action> {
        named("validationAction", &Action::ALL, value)
    }

    pub(crate) fn name(self) -> &'static str {
        Action::ALL.iter().find(|(action, _)| *action == self).map_or("error", |(_, name)| name)
    }
}

fn named<T: Copy>(option: &str, all: &[(T, &str)], value: RawValue<'_>) -> Result<T> {
    let found = match value.kind() {
        RawKind::String(text) => all.iter().find(|(_, name)| name.as_bytes() == text),
        _ => None,
    };
    found.map(|(one, _)| *one).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|(_, name)| format!("'{name}'")).collect();
        let message = format!("the option {option} must be one of {}", names.join(", "));
        Error::new(Kind::BadQuery, message).with_code(codes::BAD_VALUE)
    })
}

/// The filter that documents must match.
pub(crate) struct Validator {
    /// In the stored form, without shapes.
    bytes: Vec<u8>,
    pub(super) source: Value,
    pub(super) filter: Filter,
    /// How strings compare.
    pub(super) collation: Collation,
}

impl Validator {
    /// Compiles what was given; an empty one is none.
    pub(crate) fn parse(given: RawValue<'_>, collation: &Collation) -> Result<Option<Arc<Validator>>> {
        let source = given.to_value();
        match &source {
            Value::Object(fields) if fields.is_empty() => return Ok(None),
            Value::Object(_) => {}
            other => {
                let message = format!("a validator must be an object, not {}", other.type_name());
                return Err(error(message).with_code(codes::TYPE_MISMATCH));
            }
        }
        if let Some(operator) = forbidden(&source) {
            return Err(error(format!("{operator} is not allowed in a validator")));
        }
        let mut bytes = Vec::new();
        encode_plain(&source, &mut bytes);
        if bytes.len() > MAX_VALIDATOR {
            let message = format!(
                "the validator has {} bytes, above {MAX_VALIDATOR}; check fewer things, or in fewer words",
                bytes.len()
            );
            return Err(Error::new(Kind::Limit, message));
        }
        // Regular expressions are bounded as those of a query are.
        Validator::of(bytes, collation, &Work::of_steps(u64::MAX, MAX_COMPILED)).map(Some)
    }

    /// The same under a collation.
    pub(crate) fn under(&self, collation: &Collation) -> Result<Arc<Validator>> {
        Validator::of(self.bytes.clone(), collation, &Work::default())
    }

    fn of(bytes: Vec<u8>, collation: &Collation, work: &Work) -> Result<Arc<Validator>> {
        let shapes = Shapes::new();
        let raw = RawValue::new(&bytes, &shapes);
        let constants = Constants::default().within(work).under(collation.clone());
        let (source, filter) = (raw.to_value(), Filter::parse_with(raw, &constants)?);
        Ok(Arc::new(Validator { bytes, source, filter, collation: collation.clone() }))
    }

    /// Its filter, as it was given.
    pub(crate) fn source(&self) -> &Value {
        &self.source
    }
}

impl PartialEq for Validator {
    fn eq(&self, other: &Validator) -> bool {
        self.bytes == other.bytes
    }
}

impl std::fmt::Debug for Validator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.source.fmt(f)
    }
}

/// Writes a validator of the options of a collection.
pub(crate) fn write<S: Serializer>(
    validator: &Option<Arc<Validator>>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    let text = validator.as_ref().map(|validator| BASE64.encode(&validator.bytes));
    text.serialize(serializer)
}

/// Reads a validator of the options of a collection; one that does not compile is refused.
pub(crate) fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Arc<Validator>>, D::Error> {
    use serde::de::Error as _;
    let text = String::deserialize(deserializer)?;
    let bytes = BASE64.decode(text.as_bytes()).map_err(D::Error::custom)?;
    incoming::check(&bytes, &Shapes::new()).map_err(|error| D::Error::custom(error.message()))?;
    Validator::of(bytes, &Collation::SIMPLE, &Work::default())
        .map(Some)
        .map_err(|error| D::Error::custom(error.message()))
}

/// The first operator of a filter that a validator must not have.
fn forbidden(filter: &Value) -> Option<&'static str> {
    filter.fields().find_map(|(key, value)| match key {
        "$and" | "$or" | "$nor" => value.items().find_map(forbidden),
        _ if key.starts_with('$') => FORBIDDEN.iter().find(|name| **name == key).copied(),
        _ => of_field(value),
    })
}

/// The same of the condition on a field.
fn of_field(condition: &Value) -> Option<&'static str> {
    condition.fields().find_map(|(key, value)| match key {
        "$not" | "$elemMatch" => of_field(value).or_else(|| forbidden(value)),
        _ => FORBIDDEN.iter().find(|name| **name == key).copied(),
    })
}

fn error(message: String) -> Error {
    let details = Details { path: Some("validator".to_owned()), ..Details::default() };
    Error::new(Kind::BadQuery, message).with_details(details)
}
