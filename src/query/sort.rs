//! Sort orders, and the keys that documents have in them.

use std::cmp::Ordering;

use smallvec::SmallVec;

use super::refusal::bad_query;
use crate::document::order::{compare, compare_values};
use crate::document::path::Part;
use crate::document::{Node, Path, RawKind, RawValue, Seen, Value};
use crate::error::Result;

/// Keys a sort may have, MongoDB's limit.
pub const MAX_SORT_KEYS: usize = 32;

/// The order of a result.
#[derive(Clone, Debug)]
pub struct Sort {
    keys: Vec<(Path, Direction)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Ascending,
    Descending,
}

/// Where a document stands in a sort. Comparable with keys of the same sort only.
#[derive(Clone, Debug)]
pub struct SortKey {
    parts: SmallVec<[(Direction, Standing); 1]>,
}

/// The value that a document sorts by. An empty array stands before null.
#[derive(Clone, Debug)]
enum Standing {
    EmptyArray,
    Value(Value),
}

impl Sort {
    /// Reads `[[path, 1 | -1], ...]`; `None` when there is nothing to sort by.
    pub fn parse(sort: RawValue<'_>) -> Result<Option<Sort>> {
        if !matches!(sort.seen(), Seen::Array | Seen::Null) {
            return Err(bad_query(
                "",
                format!("a sort must be pairs of path and direction, not {}", sort.seen().type_name()),
            ));
        }
        let mut keys: Vec<(Path, Direction)> = Vec::new();
        for pair in sort.items() {
            let mut entry = pair.items();
            let (Some(Seen::String(path)), Some(direction)) = (entry.next().map(Node::seen), entry.next())
            else {
                return Err(bad_query("", "a sort must be pairs of path and direction"));
            };
            let text = String::from_utf8_lossy(path);
            let direction = parse_direction(direction.seen())
                .ok_or_else(|| bad_query(&text, format!("the sort direction of '{text}' must be 1 or -1")))?;
            let path = Path::parse(&text);
            if path.has_empty_part() || text.starts_with('$') {
                return Err(bad_query(
                    &text,
                    format!("'{text}' is no path to sort by: parts must not be empty or start with '$'"),
                ));
            }
            if keys.iter().any(|(other, _)| *other == path) {
                return Err(bad_query(&text, format!("the sort names '{text}' twice")));
            }
            if keys.len() == MAX_SORT_KEYS {
                return Err(bad_query(&text, format!("a sort has at most {MAX_SORT_KEYS} keys")));
            }
            keys.push((path, direction));
        }
        Ok(if keys.is_empty() { None } else { Some(Sort { keys }) })
    }

    /// Its paths, and whether each descends.
    pub fn parts(&self) -> impl Iterator<Item = (&Path, bool)> {
        self.keys.iter().map(|(path, direction)| (path, *direction == Direction::Descending))
    }

    /// Where the document stands: of an array its smallest element counts, or its largest when descending.
    pub fn key(&self, document: RawValue<'_>) -> SortKey {
        let part = |(path, direction): &(Path, Direction)| {
            let mut best: Option<Candidate<'_>> = None;
            candidates(Some(document), path.parts(), &mut |candidate| {
                let better = match &best {
                    None => true,
                    Some(best) => direction.apply(candidate.cmp(best)).is_lt(),
                };
                if better {
                    best = Some(candidate);
                }
            });
            (*direction, best.map_or(Standing::Value(Value::Null), Candidate::into_standing))
        };
        SortKey { parts: self.keys.iter().map(part).collect() }
    }
}

impl Direction {
    fn apply(self, order: Ordering) -> Ordering {
        match self {
            Direction::Ascending => order,
            Direction::Descending => order.reverse(),
        }
    }
}

fn parse_direction(seen: Seen<'_>) -> Option<Direction> {
    match seen {
        Seen::Int(1) | Seen::Long(1) => Some(Direction::Ascending),
        Seen::Int(-1) | Seen::Long(-1) => Some(Direction::Descending),
        _ => None,
    }
}

/// Something that a document could sort by.
#[derive(Clone, Copy)]
enum Candidate<'a> {
    EmptyArray,
    Missing,
    Value(RawValue<'a>),
}

impl<'a> Candidate<'a> {
    fn cmp(&self, other: &Candidate<'a>) -> Ordering {
        match (self, other) {
            (Candidate::Value(a), Candidate::Value(b)) => compare(*a, *b),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// Places what is no value, or null, among each other and before all values.
    fn rank(&self) -> u8 {
        match self {
            Candidate::EmptyArray => 0,
            Candidate::Missing => 1,
            Candidate::Value(value) if matches!(value.seen(), Seen::Null) => 1,
            Candidate::Value(_) => 2,
        }
    }

    fn into_standing(self) -> Standing {
        match self {
            Candidate::EmptyArray => Standing::EmptyArray,
            Candidate::Missing => Standing::Value(Value::Null),
            Candidate::Value(value) => Standing::Value(value.to_value()),
        }
    }
}

/// Sorts traverse as index keys do, which differs from filters: a number names the place in an array if there
/// is one, and elements of an array that are no objects count as missing.
fn candidates<'a>(value: Option<RawValue<'a>>, parts: &[Part], found: &mut impl FnMut(Candidate<'a>)) {
    let Some(value) = value else { return found(Candidate::Missing) };
    let Some((first, rest)) = parts.split_first() else {
        return match value.kind() {
            RawKind::Array(array) if array.is_empty() => found(Candidate::EmptyArray),
            RawKind::Array(array) => array.iter().for_each(|item| found(Candidate::Value(item))),
            _ => found(Candidate::Value(value)),
        };
    };
    match value.kind() {
        RawKind::Object(object) => candidates(object.get(&first.name), rest, found),
        RawKind::Array(array) if !array.is_empty() => match first.index.and_then(|n| array.get(n)) {
            Some(item) => candidates(Some(item), rest, found),
            None => {
                for item in array.iter() {
                    candidates(item.get(&first.name), rest, found);
                }
            }
        },
        _ => found(Candidate::Missing),
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &SortKey) -> Ordering {
        for ((direction, a), (_, b)) in self.parts.iter().zip(&other.parts) {
            let order = match (a, b) {
                (Standing::Value(a), Standing::Value(b)) => compare_values(a, b),
                (Standing::EmptyArray, Standing::EmptyArray) => Ordering::Equal,
                (Standing::EmptyArray, Standing::Value(_)) => Ordering::Less,
                (Standing::Value(_), Standing::EmptyArray) => Ordering::Greater,
            };
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
