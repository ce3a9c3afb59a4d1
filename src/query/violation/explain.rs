//! Explains why a document does not match a validator.

use super::filter;
use super::report::{self, Expected, Report};
use crate::document::{Collation, MAX_DEPTH, Node, Value};
use crate::work::Work;

/// The most levels of what is told: with an error around it, it must be a document that can be told.
pub(super) const LEVELS: usize = MAX_DEPTH - 10;

/// Why a document does not match a filter.
pub(crate) fn explain<'a>(
    filter: &Value,
    document: impl Node<'a>,
    collation: &Collation,
    work: &Work,
) -> Value {
    let report = Report::new(work, collation, document);
    let details = filter::explain(filter, document, Expected::Match, &report);
    match details {
        Some(details) if !report.is_full() => pruned(details, LEVELS),
        _ => Value::Object(vec![report::reason("the details are too large to be told")]),
    }
}

/// The value without what is nested more deeply.
fn pruned(value: Value, levels: usize) -> Value {
    match value {
        Value::Object(_) | Value::Array(_) if levels == 0 => {
            Value::String("nested too deeply to be told".to_owned())
        }
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, pruned(value, levels - 1))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(|item| pruned(item, levels - 1)).collect()),
        other => other,
    }
}
