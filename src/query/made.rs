//! Limits of documents that a stage, a pipeline or a projection computes: the depth and the size of stored documents.

use crate::document::{MAX_DEPTH, MAX_DOCUMENT, Value, depth, encoded_len};
use crate::error::{Error, Kind, Result, codes};

/// Refuses a document that is nested too deep.
pub(super) fn check_depth(maker: &str, made: &Value) -> Result<()> {
    if depth(made) <= MAX_DEPTH {
        return Ok(());
    }
    let message =
        format!("{maker} makes a document deeper than {MAX_DEPTH} levels; put less into one another");
    Err(Error::new(Kind::Limit, message).with_code(codes::OVERFLOW))
}

/// Refuses a result that is larger than a document may be. Between two stages a document may be larger.
pub(crate) fn check_size(maker: &str, made: &Value) -> Result<()> {
    let len = encoded_len(made);
    if len <= MAX_DOCUMENT {
        return Ok(());
    }
    let message = format!(
        "{maker} makes a document of {len} bytes encoded, more than the {MAX_DOCUMENT} of the limit; $unwind a large array, or keep fewer fields"
    );
    Err(Error::new(Kind::Limit, message).with_code(codes::BSON_OBJECT_TOO_LARGE))
}
