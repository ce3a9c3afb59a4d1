//! Applying one change at its path, with the rule for `_id`.

use super::change::{Change, Moment, UpdateTarget};
use crate::document::order::compare_values;
use crate::document::{Object, Path};
use crate::error::{Error, Result, codes};
use crate::query::refusal::bad_update;

/// Changes the document at the path and returns whether anything changed.
pub(in crate::query) fn apply_one(
    document: &mut Object,
    path: &Path,
    change: &Change,
    moment: Moment<'_>,
) -> Result<bool> {
    if path.names().next() == Some("_id") {
        change_id(document, path, change, moment)
    } else {
        change.apply(document, path, moment)
    }
}

/// `_id` never changes: an update may set it to the same value, or set it in a document that an upsert inserts
/// without one.
fn change_id(document: &mut Object, path: &Path, change: &Change, moment: Moment<'_>) -> Result<bool> {
    let position = document.iter().position(|(key, _)| key == "_id");
    let Some((_, old)) = position.and_then(|found| document.get(found)).cloned() else {
        if moment.target == UpdateTarget::Existing {
            return Err(immutable(path));
        }
        let changed = change.apply(document, path, moment)?;
        if let Some(found) = document.iter().position(|(key, _)| key == "_id") {
            let id = document.remove(found);
            document.insert(0, id);
        }
        return Ok(changed);
    };
    change.apply(document, path, moment)?;
    match position.and_then(|found| document.get_mut(found)) {
        Some((key, value)) if key == "_id" && compare_values(value, &old).is_eq() => {
            // 1 and 1n are the same id; the stored form is kept.
            *value = old;
            Ok(false)
        }
        _ => Err(immutable(path)),
    }
}

/// The error of an update that would change the `_id`.
pub(in crate::query) fn immutable(path: &Path) -> Error {
    let text = path.to_string();
    let message = format!(
        "performing an update on the path '{text}' would modify the immutable field '_id'; insert a new document instead"
    );
    bad_update(&text, message).with_code(codes::IMMUTABLE_FIELD)
}
