//! The check of stored bytes. Replay runs it once on every document, and all later reads rely on it: what passes is
//! one canonical value of at most [`MAX_DEPTH`](crate::document::MAX_DEPTH) levels, so that every recursion over it
//! is bounded.

use super::plain::plain_end;
use super::strict;
use crate::document::encoding::raw::RawValue;
use crate::document::shapes::shape::Shapes;
use crate::document::{MAX_DOCUMENT, id};
use crate::error::{Error, Kind, Result};

/// Checks a stored document, which must be all of `bytes`, and returns its `_id`. The error names the fault and its
/// place in the document.
pub(crate) fn check_document<'a>(bytes: &'a [u8], shapes: &'a Shapes) -> Result<RawValue<'a>> {
    check(bytes, shapes)?;
    let id = RawValue::new(bytes, shapes).get("_id");
    let id = id.ok_or_else(|| Error::new(Kind::Corrupt, "a document has no _id"))?;
    id::check_id(id)?;
    Ok(id)
}

/// Checks the `_id` of a deletion, which must be all of `bytes`.
pub(crate) fn check_deleted<'a>(bytes: &'a [u8], shapes: &'a Shapes) -> Result<RawValue<'a>> {
    check(bytes, shapes)?;
    let id = RawValue::new(bytes, shapes);
    id::check_id(id)?;
    Ok(id)
}

fn check(bytes: &[u8], shapes: &Shapes) -> Result<()> {
    // The quick check decides for most documents; the strict pass decides for the rest.
    if bytes.len() <= MAX_DOCUMENT && plain_end(bytes, shapes) == Some(bytes.len()) {
        return Ok(());
    }
    strict::check(bytes, shapes)
}
