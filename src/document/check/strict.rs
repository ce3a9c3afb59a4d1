//! The strict pass alone, which translates nothing.

use super::fault::small_enough;
use super::walk::{Form, Sink, Spot, walk};
use crate::document::shapes::shape::{Shape, ShapeId, Shapes};
use crate::error::Result;

/// Validates an untrusted value, which must be all of `input`, as
/// [`incoming::store`](crate::document::incoming::store) does.
pub fn check(input: &[u8], source: &Shapes) -> Result<()> {
    small_enough(input.len())
        .and_then(|()| walk(input, source, &mut Unchanged))
        .map_err(|refusal| refusal.bad_document())
}

/// Writes nothing.
struct Unchanged;

impl Sink for Unchanged {
    const WANTS_KEYS: bool = false;
    const CHECKS_KEYS: bool = true;

    #[inline]
    fn string(&mut self, _: &[u8], _: Spot, _: &[u8], _: bool) {}

    #[inline]
    fn record(&mut self, _: &[u8], _: Spot, _: ShapeId, _: &Shape) -> Form {
        Form::Positional
    }

    fn map(&mut self, _: &[u8], _: Spot, _: &[&str]) -> Form {
        Form::Positional
    }

    fn member(&mut self, _: &[u8], _: usize, _: &str) {}

    fn omit(&mut self, _: &[u8], _: Spot, _: usize) {}
}
