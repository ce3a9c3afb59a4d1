//! The check of stored bytes before anything rests on them: replay makes it once of every document, and what reads
//! documents afterwards relies on it. What passes is one value in its one encoding, at most [`MAX_DEPTH`](crate::document::MAX_DEPTH)
//! levels deep, so that every recursion over it is bounded.

use super::plain::plain_end;
use super::strict;
use crate::document::encoding::raw::RawValue;
use crate::document::shapes::shape::Shapes;
use crate::document::{MAX_DOCUMENT, id};
use crate::error::{Error, Kind, Result};

/// Checks a stored document, which is to be all of `bytes`; answers its `_id`. The error says what is wrong, and where
/// in the document.
pub fn check_document<'a>(bytes: &'a [u8], shapes: &'a Shapes) -> Result<RawValue<'a>> {
    check(bytes, shapes)?;
    let id = RawValue::new(bytes, shapes).get("_id");
    let id = id.ok_or_else(|| Error::new(Kind::Corrupt, "a document has no _id"))?;
    id::check_id(id)?;
    Ok(id)
}

/// Checks the `_id` that a deletion names, which is to be all of `bytes`.
pub fn check_deleted<'a>(bytes: &'a [u8], shapes: &'a Shapes) -> Result<RawValue<'a>> {
    check(bytes, shapes)?;
    let id = RawValue::new(bytes, shapes);
    id::check_id(id)?;
    Ok(id)
}

fn check(bytes: &[u8], shapes: &Shapes) -> Result<()> {
    // The quick look decides for most; what it has no verdict on is walked strictly.
    if bytes.len() <= MAX_DOCUMENT && plain_end(bytes, shapes) == Some(bytes.len()) {
        return Ok(());
    }
    strict::check(bytes, shapes)
}
