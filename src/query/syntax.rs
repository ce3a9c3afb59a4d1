//! Rules of syntax that filters, sorts and updates share.

use super::expression::FieldPath;
use super::refusal::bad_query;
use crate::document::{MAX_DEPTH, Node, Path};
use crate::error::Result;

/// Refuses paths that are deeper than documents can be, which recursions and messages would follow.
pub(super) fn check_parts(path: &Path, text: &str) -> Result<()> {
    let parts = path.parts().len();
    if parts <= MAX_DEPTH {
        return Ok(());
    }
    let shown = FieldPath::shown(text);
    Err(bad_query(shown, format!("a path has at most {MAX_DEPTH} parts, but '{shown}...' has {parts}")))
}

/// Whether this is an object of operators rather than a value, which a reference is.
pub(super) fn is_operators<'a>(value: impl Node<'a>) -> bool {
    value.fields().next().is_some_and(|(key, _)| key.starts_with('$')) && !is_reference(value)
}

/// Whether this is a reference as drivers write it, a DBRef.
pub(super) fn is_reference<'a>(value: impl Node<'a>) -> bool {
    value.field("$ref").is_some() && value.field("$id").is_some()
}
