//! The distinct values of a field from the keys of its index.

use std::sync::Arc;

use super::key_ranges::{Bounded, Ranges};
use super::planner::{Access, Conditions, FETCH, Keys, Part, Plan, Planner, in_words};
use crate::document::kind::Class;
use crate::document::{Collation, Path};
use crate::index::key::class_tag;
use crate::index::{Direction, Range, Spec};
use crate::query::Bounds;

impl<I: Keys> Planner<'_, '_, I> {
    /// The index on just this path, where its keys are the values: none is of an array or cut. Null is the key of documents without the
    /// field too, which are all looked at.
    pub(super) fn distinct(&self, path: &Path, collation: &Collation) -> Option<Access<I>> {
        let of_path = |index: &&Arc<I>| {
            let [field] = &*index.spec().fields else { return false };
            field.path == *path
                && field.collation == *collation
                && index.multikey() == 0
                && !index.is_truncated()
        };
        let all = self.query.filter.is_all();
        let demands = self.query.filter.demands();
        let fields: Vec<&Bounded<'_>> = demands.fields.iter().collect();
        let conditions = Conditions::of(&demands, &fields, Part::Filter);
        let of_index = |index: &Arc<I>| {
            let access = if all {
                // Documents without the field have no value.
                let complete = index.partial().is_none();
                complete.then(|| self.whole(index))?
            } else {
                let priced = self.of_index(index, &conditions)?;
                let Plan::Index(access) = priced.plan else { return None };
                access
            };
            let null = Range::only(&null_of(index.spec()));
            let looked_at = if access.ranges.list.iter().any(|range| range.contains(&null.low)) {
                index.estimate(&null) as f64 * FETCH
            } else {
                0.0
            };
            (access.covers && looked_at <= self.documents as f64 / FETCH)
                .then_some(Access { distinct: true, ..access })
        };
        self.indexes.iter().filter(of_path).find_map(of_index)
    }

    /// All entries of an index that covers everything.
    fn whole(&self, index: &Arc<I>) -> Access<I> {
        let ranges = Ranges { list: vec![Range::all()], exact: true, ..Ranges::default() };
        let text = if self.query.explained { in_words(&[Bounds::everything()], 0) } else { Vec::new() };
        Access {
            index: index.clone(),
            ranges,
            order: None,
            covers: true,
            distinct: true,
            keys: self.documents,
            text,
        }
    }
}

/// The key of null in an index with one field.
fn null_of(spec: &Spec) -> Vec<u8> {
    let direction = spec.fields.first().map_or(Direction::Ascending, |field| field.direction);
    vec![class_tag(Class::Null) ^ direction.mask()]
}
