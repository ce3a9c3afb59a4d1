//! Parsing the operands of stages.

use std::fmt::{Display, Formatter};

use crate::document::{Object, Value};
use crate::error::{Details, Error, Kind, Result, codes};
use crate::query::expression::{FieldPath, Parser, path_fault};
use crate::query::number::{as_double, as_integer};

/// The object that a stage takes, with these fields only.
pub(in crate::query) fn fields<'v>(
    parser: &Parser,
    stage: &str,
    value: &'v Value,
    known: &[&str],
) -> Result<&'v Object> {
    let Value::Object(given) = value else {
        let message = format!("{stage} needs an object, not {}", value.type_name());
        return parser.fail_as(codes::stage(stage).of_shape(), message);
    };
    match given.iter().find(|(key, _)| !known.is_empty() && !known.contains(&key.as_str())) {
        Some((key, _)) => {
            let message = format!("{stage} knows {}, but not '{key}'", known.join(", "));
            parser.fail_as(codes::stage(stage).unknown(), message)
        }
        None => Ok(given),
    }
}

pub(in crate::query) fn find<'v>(given: &'v Object, name: &str) -> Option<&'v Value> {
    given.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

pub(in crate::query) fn text<'v>(
    parser: &Parser,
    stage: &str,
    given: &'v Object,
    name: &str,
) -> Result<Option<&'v str>> {
    match find(given, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => {
            let message = format!("'{name}' of {stage} must be a string, not {}", other.type_name());
            parser.fail_as(codes::stage(stage).of_text(), message)
        }
    }
}

/// A whole number of at least this.
pub(in crate::query) fn count(parser: &Parser, stage: &str, value: &Value, least: u64) -> Result<u64> {
    match as_integer(value).and_then(|count| u64::try_from(count).ok()) {
        Some(count) if count >= least => Ok(count),
        _ => {
            // A field is named in front of its stage, as in 'size of $sample'.
            let numbers = codes::stage(stage.rsplit(' ').next().unwrap_or(stage));
            let positive = stage == "$limit" && as_integer(value) == Some(0);
            let code = if positive { codes::LIMIT_OF_NONE } else { numbers.of_count() };
            let large = as_integer(value).is_none()
                && as_double(value).is_some_and(|number| number.fract() == 0.0 && number > 0.0);
            let bound = if large { "below 2^63".to_owned() } else { format!("of at least {least}") };
            parser.fail_as(code, format!("{stage} needs a whole number {bound}"))
        }
    }
}

/// A path without `$`, for a field that a stage writes.
pub(in crate::query) fn path(parser: &Parser, stage: &str, text: &str) -> Result<FieldPath> {
    match FieldPath::parse(text) {
        Some(path) => Ok(path),
        None => {
            let (shown, why) = (FieldPath::shown(text), FieldPath::fault(text));
            parser.fail_as(path_fault(text), format!("{stage} cannot use '{shown}' as a field: {why}"))
        }
    }
}

/// `$a.b`, the path of a field that a stage reads.
pub(in crate::query) fn dollar_path(parser: &Parser, stage: &str, value: &Value) -> Result<FieldPath> {
    match value {
        Value::String(text) => match text.strip_prefix('$').and_then(FieldPath::parse) {
            Some(path) => Ok(path),
            None => {
                let code =
                    if text.starts_with('$') { path_fault(text) } else { codes::UNWIND_WITHOUT_DOLLAR };
                let (shown, why) = (FieldPath::shown(text), FieldPath::fault(text.trim_start_matches('$')));
                let message =
                    format!("{stage} needs a path with a '$' in front, as in '$tags', not '{shown}': {why}");
                parser.fail_as(code, message)
            }
        },
        other => {
            let message = format!("{stage} needs a path such as '$tags', not {}", other.type_name());
            parser.fail_as(codes::UNWIND_PATH_TYPE, message)
        }
    }
}

/// The error of a feature of MongoDB that is not supported.
pub(in crate::query) fn unsupported<T>(message: impl Into<String>, path: &str) -> Result<T> {
    let details = Details { path: Some(path.to_owned()), ..Details::default() };
    Err(Error::new(Kind::NotSupported, message).with_details(details))
}

/// Sets a value at a path of objects and creates missing ones; a value on the way that is no object is replaced.
pub(in crate::query) fn set_path(object: &mut Object, parts: &[Box<str>], value: Value) {
    let Some((first, rest)) = parts.split_first() else { return };
    let at = match object.iter().position(|(key, _)| **key == **first) {
        Some(at) => at,
        None => {
            object.push((first.to_string(), Value::Null));
            object.len() - 1
        }
    };
    let Some((_, slot)) = object.get_mut(at) else { return };
    if rest.is_empty() {
        *slot = value;
        return;
    }
    if !matches!(slot, Value::Object(_)) {
        *slot = Value::Object(Object::new());
    }
    if let Value::Object(next) = slot {
        set_path(next, rest, value);
    }
}

/// A collection that a stage writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// The name of its database; `None` for that of the pipeline.
    pub(crate) database: Option<String>,
    pub(crate) collection: String,
}

impl Display for Destination {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        match &self.database {
            None => out.write_str(&self.collection),
            Some(database) => write!(out, "{database}.{}", self.collection),
        }
    }
}
