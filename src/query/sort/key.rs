//! The sort keys of documents, and their order.

use std::cmp::Ordering;

use smallvec::SmallVec;

use super::direction::Direction;
use crate::document::Value;
use crate::document::order::compare_values;
use crate::query::size;

/// The sort key of a document. Comparable only with keys of the same sort.
#[derive(Clone, Debug)]
pub struct SortKey {
    /// A prefix of the order of the first part: it decides between two keys with different heads.
    pub(super) head: u64,
    pub(super) parts: SmallVec<[(Direction, Standing); 1]>,
}

/// The value that a document sorts by, with sort keys in place of strings under a collation. An empty array sorts before null.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    EmptyArray,
    Value(Value),
}

impl Standing {
    pub(super) fn order(&self, other: &Standing) -> Ordering {
        match (self, other) {
            (Standing::Value(a), Standing::Value(b)) => compare_values(a, b),
            (Standing::EmptyArray, Standing::EmptyArray) => Ordering::Equal,
            (Standing::EmptyArray, Standing::Value(_)) => Ordering::Less,
            (Standing::Value(_), Standing::EmptyArray) => Ordering::Greater,
        }
    }
}

impl SortKey {
    /// About how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        let value = |(_, standing): &(Direction, Standing)| match standing {
            Standing::EmptyArray => 0,
            Standing::Value(value) => size::size(value),
        };
        32 + self.parts.iter().map(value).sum::<usize>()
    }

    /// A number to sort keys by first: of two keys with different heads, the one with the smaller head is smaller.
    pub fn head(&self) -> u64 {
        self.head
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &SortKey) -> Ordering {
        if self.head != other.head {
            return self.head.cmp(&other.head);
        }
        for ((direction, a), (_, b)) in self.parts.iter().zip(&other.parts) {
            let order = a.order(b);
            if order.is_ne() {
                return direction.apply(order);
            }
        }
        Ordering::Equal
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &SortKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SortKey {
    fn eq(&self, other: &SortKey) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for SortKey {}
