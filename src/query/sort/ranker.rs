//! A sort prepared for many documents.

use std::cmp::Ordering;

use smallvec::SmallVec;

use super::candidate::{Candidate, best};
use super::direction::Direction;
use super::head;
use super::key::SortKey;
use super::spec::Sort;
use crate::document::{Collation, Columns, Fields, Path, RawValue};
use crate::error::Result;

/// A sort prepared for many documents: the positions of their fields are cached by shape.
pub(crate) struct Ranker<'s> {
    sort: &'s Sort,
    columns: Columns,
    /// The column that each key starts at.
    starts: SmallVec<[Option<usize>; 1]>,
}

impl<'s> Ranker<'s> {
    /// Prepares a sort.
    pub(crate) fn new(sort: &'s Sort) -> Self {
        let mut columns = Columns::default();
        let start = |(path, _): &(Path, Direction)| columns.column(&path.parts().first()?.name);
        let starts = sort.keys.iter().map(start).collect();
        Ranker { sort, columns, starts }
    }

    /// [`Sort::key`].
    pub(crate) fn key(&mut self, document: RawValue<'_>) -> Result<SortKey> {
        let mut fields = self.columns.of(document);
        let (starts, sort) = (&self.starts, self.sort);
        sort.key_of(document, |path, direction, n, met| {
            let ordered = (direction, sort.collation(n));
            from_column(document, fields.as_mut(), starts, (path, ordered, n), met)
        })
    }

    /// Whether the document sorts before this key. Refuses what [`Sort::key`] refuses, so that a result does not
    /// depend on which documents were kept before.
    pub(crate) fn is_before(&mut self, document: RawValue<'_>, key: &SortKey) -> Result<bool> {
        let mut fields = self.columns.of(document);
        let (mut before, mut arrays) = (Ordering::Equal, 0);
        let parts = self.sort.keys.iter().zip(&key.parts).enumerate();
        for (n, ((path, direction), (_, other))) in parts {
            let mut met = false;
            let collation = self.sort.collation(n);
            let ordered = (*direction, collation);
            let best = from_column(document, fields.as_mut(), &self.starts, (path, ordered, n), &mut met);
            arrays += usize::from(met);
            if before.is_eq() && !collation.is_simple() {
                let own = best.keyed(collation);
                let heads =
                    if n == 0 { head::of_standing(*direction, &own).cmp(&key.head) } else { Ordering::Equal };
                before = heads.then_with(|| direction.apply(own.order(other)));
            } else if before.is_eq() {
                let heads = if n == 0 { head::of(*direction, best).cmp(&key.head) } else { Ordering::Equal };
                before = heads.then_with(|| direction.apply(best.cmp_standing(other)));
            }
            // Two arrays are possible among the remaining fields only if there are enough of them.
            if before.is_ne() && arrays + self.sort.keys.len() - n - 1 < 2 {
                return Ok(before.is_lt());
            }
        }
        if arrays > 1 {
            self.sort.check_parallel(document)?;
        }
        Ok(before.is_lt())
    }
}

/// The best candidate of the key number `n`.
fn from_column<'a>(
    document: RawValue<'a>,
    fields: Option<&mut Fields<'_, 'a>>,
    starts: &[Option<usize>],
    (path, ordered, n): (&Path, (Direction, &Collation), usize),
    met: &mut bool,
) -> Candidate<'a> {
    match (fields, starts.get(n).copied().flatten(), path.parts().split_first()) {
        (Some(fields), Some(column), Some((_, rest))) => best(fields.get(column), rest, ordered, met),
        _ => best(Some(document), path.parts(), ordered, met),
    }
}
