//! `$all` of many values: one walk over the values at the path, instead of one for each value.

use crate::document::order::{compare_nodes, compare_values};
use crate::document::{Leaf, Node, Path, Value};
use crate::work::Work;

/// Fewer values are searched one after another.
pub(in crate::query) const MANY: usize = 16;

/// Distinct values, sorted by the total order, each with its position in the filter.
#[derive(Clone, Debug)]
pub(in crate::query) struct Every(Vec<(Value, usize)>);

impl Every {
    pub(in crate::query) fn of(values: impl Iterator<Item = Value>) -> Every {
        let mut values: Vec<_> = values.enumerate().map(|(place, value)| (value, place)).collect();
        // The last of equal values gives the position.
        values.sort_by(|(a, first), (b, second)| compare_values(a, b).then(second.cmp(first)));
        values.dedup_by(|(a, _), (b, _)| compare_values(a, b).is_eq());
        Every(values)
    }

    /// The values, in order.
    pub(in crate::query) fn values(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().map(|(value, _)| value)
    }

    pub(in crate::query) fn is_met<'a>(&self, path: &Path, document: impl Node<'a>, work: &Work) -> bool {
        self.visit(path, document, work, &mut |_, _| {})
    }

    /// The same, and sets `position` to the element of the last value of the filter that was found in an array.
    pub(in crate::query) fn locate<'a>(
        &self,
        path: &Path,
        document: impl Node<'a>,
        position: &mut Option<usize>,
        work: &Work,
    ) -> bool {
        let mut last: Option<(usize, usize)> = None;
        let met = self.visit(path, document, work, &mut |place, element| {
            if last.is_none_or(|(known, _)| known < place) {
                last = Some((place, element));
            }
        });
        if let Some((_, element)) = last.filter(|_| met) {
            *position = Some(element);
        }
        met
    }

    /// Walks once and reports each value that is found in an array: its position in the filter, and the element.
    fn visit<'a>(
        &self,
        path: &Path,
        document: impl Node<'a>,
        work: &Work,
        found: &mut impl FnMut(usize, usize),
    ) -> bool {
        let mut met = vec![false; self.0.len()];
        let mut left = self.0.len();
        path.walk_indexed(document, Leaf::Elements, &mut |value, outer| {
            if !work.goes_on(4) {
                return true;
            }
            let at = self.0.binary_search_by(|(own, _)| match value {
                Some(value) => compare_nodes(own, value),
                // A missing value compares as null.
                None => compare_values(own, &Value::Null),
            });
            if let Ok(at) = at
                && let (Some(known), Some((_, place))) = (met.get_mut(at), self.0.get(at))
                && !std::mem::replace(known, true)
            {
                left -= 1;
                if let Some(element) = outer {
                    found(*place, element);
                }
            }
            left == 0
        }) && left == 0
    }
}
