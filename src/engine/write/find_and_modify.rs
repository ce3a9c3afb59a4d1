//! The document that a write by filter returns: which version of it, and which of its fields.

use crate::document::{RawValue, Shapes, Value, encode};
use crate::engine::operation::input::{Incoming, check_part};
use crate::engine::operation::request::Returned;
use crate::error::{Error, Kind, Result};
use crate::query::expression::Constants;
use crate::query::{Filter, Projection, Sort};

/// The document that a write returns, if any; the first one in the order of `sort`.
#[derive(Default)]
pub(crate) struct ReturnedDocument {
    pub(crate) sort: Option<Sort>,
    pub(crate) projection: Option<Projection>,
    pub(crate) returned: Option<Returned>,
}

impl ReturnedDocument {
    /// Reads the parts of the request.
    pub(crate) fn parse(
        sort: Option<&Incoming>,
        projection: Option<&Incoming>,
        returned: Returned,
        constants: &Constants,
    ) -> Result<ReturnedDocument> {
        check_part(sort)?;
        check_part(projection)?;
        let sort = sort.map(|sort| Sort::parse_with(sort.raw(), constants)).transpose()?.flatten();
        let projection =
            projection.map(|one| Projection::parse_with(one.raw(), constants)).transpose()?.flatten();
        if returned == Returned::After && projection.as_ref().is_some_and(Projection::is_positional) {
            let message = "a positional projection needs the document as it was; return it before the write";
            return Err(Error::new(Kind::BadQuery, message));
        }
        Ok(ReturnedDocument { sort, projection, returned: Some(returned) })
    }
}

/// The document in the form in which it is returned.
pub(crate) fn projected(
    document: &Value,
    projection: Option<&Projection>,
    filter: &Filter,
) -> Result<Option<Value>> {
    let Some(projection) = projection else { return Ok(Some(document.clone())) };
    let mut plain = Vec::new();
    encode::encode_plain(document, &mut plain);
    projection.apply(RawValue::new(&plain, Shapes::none()), filter).map(Some)
}
