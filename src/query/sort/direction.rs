//! The direction of one path of a sort.

use std::cmp::Ordering;

use crate::document::NodeKind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

impl Direction {
    /// Reads 1 or -1.
    pub(super) fn parse(seen: NodeKind<'_>) -> Option<Direction> {
        match seen {
            NodeKind::Int(1) | NodeKind::Long(1) => Some(Direction::Ascending),
            NodeKind::Int(-1) | NodeKind::Long(-1) => Some(Direction::Descending),
            _ => None,
        }
    }

    pub(super) fn apply(self, order: Ordering) -> Ordering {
        match self {
            Direction::Ascending => order,
            Direction::Descending => order.reverse(),
        }
    }
}
