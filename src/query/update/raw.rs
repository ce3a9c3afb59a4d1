//! Updates on stored bytes: new scalars replace old ones, and the bytes around them are copied.
//!
//! ```text
//! before   head  field field  old    field ...
//! after    head  field field  new    field ...     the same shape, so the same head
//! ```
//!
//! This applies to changes of existing top-level fields from scalar to scalar. Everything else, and every error, is
//! left to `update`, which works on trees and with which this must agree.

use smallvec::SmallVec;

use super::change::{Change, Moment, UpdateTarget};
use super::update::Update;
use crate::document::changes::{self, Effect, Step};
use crate::document::raw::step_over;
use crate::document::{Collation, MAX_DOCUMENT, Path, RawKind, RawValue, ShapeId, encode_plain, token};
use crate::work::Work;

/// The result of an update of stored bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// The document is unchanged.
    Same,
    /// The new bytes were appended.
    Changed,
    /// The update must be applied to the tree.
    Tree,
}

impl Update {
    /// Appends the updated document, which exists and is not inserted by an upsert. `now` is in milliseconds. The
    /// appended bytes are valid only if the result is [`Rewrite::Changed`]; the changed paths are then appended to `paths`.
    pub fn rewrite(&self, before: RawValue<'_>, now: i64, out: &mut Vec<u8>, paths: &mut Vec<u8>) -> Rewrite {
        match self.flat_changes() {
            Some(changes) => rewritten(changes, before, now, out, paths).unwrap_or(Rewrite::Tree),
            None => Rewrite::Tree,
        }
    }
}

fn rewritten(
    changes: &[(Path, Change)],
    before: RawValue<'_>,
    now: i64,
    out: &mut Vec<u8>,
    paths: &mut Vec<u8>,
) -> Option<Rewrite> {
    let (bytes, shapes) = (before.bytes(), before.shapes());
    let &[token::RECORD, high, low, ..] = bytes else { return None };
    let shape = shapes.get(ShapeId(u16::from_be_bytes([high, low])))?;
    let mut places: SmallVec<[(usize, &Change); 4]> = SmallVec::new();
    for (path, change) in changes {
        if !change.is_for_inserts() {
            places.push((shape.position(&path.parts().first()?.name)?, change));
        }
    }
    places.sort_unstable_by_key(|(place, _)| *place);
    let begin = out.len();
    let work = Work::default();
    let moment = Moment { now, target: UpdateTarget::Existing, work: &work, collation: &Collation::SIMPLE };
    let (mut copied, mut at, mut passed) = (0, 3, 0);
    let mut changed = false;
    for (place, change) in places {
        let start = step_over(bytes, at, place - passed, shapes);
        let end = step_over(bytes, start, 1, shapes);
        let old = RawValue::new(bytes.get(start..end).filter(|old| !old.is_empty())?, shapes);
        if matches!(old.kind(), RawKind::Array(_) | RawKind::Object(_)) {
            return None;
        }
        let old = old.to_value();
        let new = change.of_scalar(&old, moment)?;
        if new != old {
            changed = true;
            out.extend_from_slice(bytes.get(copied..start)?);
            encode_plain(&new, out);
            changes::write(paths, Effect::Set, &[Step::Place(place)]);
            copied = end;
        }
        (at, passed) = (end, place + 1);
    }
    if !changed {
        return Some(Rewrite::Same);
    }
    out.extend_from_slice(bytes.get(copied..)?);
    (out.len() - begin <= MAX_DOCUMENT).then_some(Rewrite::Changed)
}
