//! Values from the boundary: validated and decoded before anything depends on them.

use std::ops::Range;
use std::sync::Arc;

use crate::document::{RawKind, RawValue, Shapes, incoming};
use crate::engine::format::key::{Key, key_of};
use crate::error::{Error, Kind, Result};
use crate::query::Filter;
use crate::query::expression::Constants;

/// An encoded value from the boundary: not validated, with the caller's own shape numbers.
#[derive(Clone)]
pub struct Incoming {
    /// The buffer that holds it.
    pub buffer: Arc<[u8]>,
    /// Its range in the buffer.
    pub range: Range<usize>,
    /// The shapes of its shape numbers.
    pub shapes: Arc<Shapes>,
}

impl Incoming {
    /// The value, for reading.
    pub fn raw(&self) -> RawValue<'_> {
        RawValue::new(self.bytes(), &self.shapes)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.range.clone()).unwrap_or_default()
    }
}

/// Validates a filter from the boundary and compiles it.
pub(crate) fn parse_filter(filter: &Incoming) -> Result<Filter> {
    incoming::check(filter.bytes(), &filter.shapes)?;
    Filter::parse(filter.raw())
}

/// [`parse_filter`] for a filter whose expressions see these variables.
pub(crate) fn parse_filter_with(filter: &Incoming, constants: &Constants) -> Result<Filter> {
    incoming::check(filter.bytes(), &filter.shapes)?;
    Filter::parse_with(filter.raw(), constants)
}

/// Validates a sort or projection from the boundary.
pub(crate) fn check_part(part: Option<&Incoming>) -> Result<()> {
    part.map_or(Ok(()), |part| incoming::check(part.bytes(), &part.shapes))
}

/// The key of an `_id` from the boundary.
pub(crate) fn incoming_key(id: &Incoming) -> Result<Key> {
    incoming::check(id.bytes(), &id.shapes)?;
    Ok(key_of(id.raw()))
}

/// The text of a name.
pub(crate) fn text_of(value: &Incoming) -> Result<String> {
    incoming::check(value.bytes(), &value.shapes)?;
    match value.raw().kind() {
        RawKind::String(text) => Ok(String::from_utf8_lossy(text).into_owned()),
        _ => Err(Error::new(Kind::Internal, "a name crossed as another value; please report it")),
    }
}
