//! Sort orders, and the keys that documents have in them.

use std::cmp::Ordering;

use smallvec::SmallVec;

use super::expression::path_fault;
use super::refusal::bad_query;
use crate::document::order::{compare, compare_nodes, compare_values};
use crate::document::path::Part;
use crate::document::{Columns, Fields, Node, NodeKind, Path, RawKind, RawValue, Value};
use crate::error::{Result, codes};

/// Keys a sort may have, MongoDB's limit.
pub(crate) const MAX_SORT_KEYS: usize = 32;

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

/// The sort key of a document. Comparable only with keys of the same sort.
#[derive(Clone, Debug)]
pub struct SortKey {
    /// A prefix of the order of the first part: it decides between two keys with different heads.
    head: u64,
    parts: SmallVec<[(Direction, Standing); 1]>,
}

/// The value that a document sorts by. An empty array sorts before null.
#[derive(Clone, Debug)]
enum Standing {
    EmptyArray,
    Value(Value),
}

/// A sort prepared for many documents: the positions of their fields are cached by shape.
pub struct Ranker<'s> {
    sort: &'s Sort,
    columns: Columns,
    /// The column that each key starts at.
    starts: SmallVec<[Option<usize>; 1]>,
}

impl Sort {
    /// Reads `[[path, 1 | -1], ...]`; `None` when there is nothing to sort by.
    pub fn parse(sort: RawValue<'_>) -> Result<Option<Sort>> {
        if !matches!(sort.seen(), NodeKind::Array | NodeKind::Null) {
            return Err(bad_query(
                "",
                format!("a sort must be pairs of path and direction, not {}", sort.seen().type_name()),
            ));
        }
        let mut keys: Vec<(Path, Direction)> = Vec::new();
        for pair in sort.items() {
            let mut entry = pair.items();
            let (Some(NodeKind::String(path)), Some(direction)) =
                (entry.next().map(Node::seen), entry.next())
            else {
                return Err(bad_query("", "a sort must be pairs of path and direction"));
            };
            let text = String::from_utf8_lossy(path);
            let direction = parse_direction(direction.seen()).ok_or_else(|| {
                let number =
                    matches!(direction.seen(), NodeKind::Int(_) | NodeKind::Long(_) | NodeKind::Double(_));
                let code = if number { codes::SORT_DIRECTION } else { codes::SORT_DIRECTION_TYPE };
                let message = format!("the sort direction of '{text}' must be 1 or -1");
                bad_query(&text, message).with_code(code)
            })?;
            let path = Path::parse(&text);
            super::syntax::check_parts(&path, &text)?;
            if path.has_empty_part() || text.starts_with('$') {
                let message =
                    format!("'{text}' is no path to sort by: parts must not be empty or start with '$'");
                return Err(bad_query(&text, message).with_code(path_fault(&text)));
            }
            if keys.iter().any(|(other, _)| *other == path) {
                let message = format!("the sort names '{text}' twice");
                return Err(bad_query(&text, message).with_code(codes::SORT_TWICE));
            }
            if keys.len() == MAX_SORT_KEYS {
                let message = format!("a sort has at most {MAX_SORT_KEYS} keys");
                return Err(bad_query(&text, message).with_code(codes::TOO_MANY_KEYS));
            }
            keys.push((path, direction));
        }
        Ok(if keys.is_empty() { None } else { Some(Sort { keys }) })
    }

    /// Its paths, and whether each descends.
    pub fn parts(&self) -> impl Iterator<Item = (&Path, bool)> {
        self.keys.iter().map(|(path, direction)| (path, *direction == Direction::Descending))
    }

    /// The sort key of the document: an array sorts by its smallest element, or by its largest if descending. Refuses
    /// a document with arrays at two of the paths.
    pub fn key(&self, document: RawValue<'_>) -> Result<SortKey> {
        self.key_of(document, |path, direction, _, met| best(Some(document), path.parts(), direction, met))
    }

    /// Whether one of the paths begins with this field, so that the sort reads it.
    pub(super) fn begins_with(&self, field: &str) -> bool {
        self.keys.iter().any(|(path, _)| path.parts().first().is_some_and(|first| &*first.name == field))
    }

    /// The sort, prepared for many documents.
    pub fn ranker(&self) -> Ranker<'_> {
        let mut columns = Columns::default();
        let start = |(path, _): &(Path, Direction)| columns.column(&path.parts().first()?.name);
        let starts = self.keys.iter().map(start).collect();
        Ranker { sort: self, columns, starts }
    }

    fn key_of<'a>(
        &self,
        document: RawValue<'a>,
        mut best: impl FnMut(&Path, Direction, usize, &mut bool) -> Candidate<'a>,
    ) -> Result<SortKey> {
        let (mut head, mut arrays) = (0, 0);
        let part = |(n, (path, direction)): (usize, &(Path, Direction))| {
            let mut met = false;
            let best = best(path, *direction, n, &mut met);
            arrays += usize::from(met);
            if n == 0 {
                head = direction.head(best);
            }
            (*direction, best.into_standing())
        };
        let parts = self.keys.iter().enumerate().map(part).collect();
        if arrays > 1 {
            self.check_parallel(document)?;
        }
        Ok(SortKey { head, parts })
    }

    /// Refuses arrays at two paths, unless both paths lead through the same array: it is undefined which elements
    /// would belong together.
    fn check_parallel(&self, document: RawValue<'_>) -> Result<()> {
        let paths: Vec<&[Part]> = self.keys.iter().map(|(path, _)| path.parts()).collect();
        if !parallel(document, &paths) {
            return Ok(());
        }
        let message = "cannot sort with keys that are parallel arrays: sort by one of them, or by fields of one array's elements";
        Err(bad_query("", message))
    }
}

impl SortKey {
    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        let value = |(_, standing): &(Direction, Standing)| match standing {
            Standing::EmptyArray => 0,
            Standing::Value(value) => super::size::size(value),
        };
        32 + self.parts.iter().map(value).sum::<usize>()
    }

    /// A number to sort keys by first: of two keys with different heads, the one with the smaller head is smaller.
    pub fn head(&self) -> u64 {
        self.head
    }
}

impl Ranker<'_> {
    /// [`Sort::key`].
    pub fn key(&mut self, document: RawValue<'_>) -> Result<SortKey> {
        let mut fields = self.columns.of(document);
        let starts = &self.starts;
        self.sort.key_of(document, |path, direction, n, met| {
            from_column(document, fields.as_mut(), starts, (path, direction, n), met)
        })
    }

    /// Whether the document sorts before this key. Refuses what [`Sort::key`] refuses, so that a result does not
    /// depend on which documents were kept before.
    pub fn is_before(&mut self, document: RawValue<'_>, key: &SortKey) -> Result<bool> {
        let mut fields = self.columns.of(document);
        let (mut before, mut arrays) = (Ordering::Equal, 0);
        let parts = self.sort.keys.iter().zip(&key.parts).enumerate();
        for (n, ((path, direction), (_, other))) in parts {
            let mut met = false;
            let best = from_column(document, fields.as_mut(), &self.starts, (path, *direction, n), &mut met);
            arrays += usize::from(met);
            if before.is_eq() {
                let head = if n == 0 { direction.head(best).cmp(&key.head) } else { Ordering::Equal };
                before = head.then_with(|| direction.apply(best.cmp_standing(other)));
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
    (path, direction, n): (&Path, Direction, usize),
    met: &mut bool,
) -> Candidate<'a> {
    match (fields, starts.get(n).copied().flatten(), path.parts().split_first()) {
        (Some(fields), Some(column), Some((_, rest))) => best(fields.get(column), rest, direction, met),
        _ => best(Some(document), path.parts(), direction, met),
    }
}

/// The value that a document sorts by; `met` becomes true if there is an array on the path.
fn best<'a>(
    value: Option<RawValue<'a>>,
    parts: &[Part],
    direction: Direction,
    met: &mut bool,
) -> Candidate<'a> {
    // The most common case: a missing field, or one that is no array.
    match (value, parts) {
        (None, _) => return Candidate::Missing,
        (Some(value), []) if !matches!(value.kind(), RawKind::Array(_)) => return Candidate::Value(value),
        _ => {}
    }
    let mut best: Option<Candidate<'a>> = None;
    candidates(value, parts, met, &mut |candidate| {
        let better = match &best {
            None => true,
            Some(best) => direction.apply(candidate.cmp(best)).is_lt(),
        };
        if better {
            best = Some(candidate);
        }
    });
    best.unwrap_or(Candidate::Missing)
}

impl Direction {
    fn apply(self, order: Ordering) -> Ordering {
        match self {
            Direction::Ascending => order,
            Direction::Descending => order.reverse(),
        }
    }

    fn head(self, candidate: Candidate<'_>) -> u64 {
        match self {
            Direction::Ascending => head(candidate),
            Direction::Descending => !head(candidate),
        }
    }
}

/// A number that never contradicts the order: the class, and as many bits of the value as fit. Sorting compares heads
/// first, which avoids most comparisons of values.
fn head(candidate: Candidate<'_>) -> u64 {
    const SIGN: u64 = 1 << 63;
    let Candidate::Value(value) = candidate else {
        return if matches!(candidate, Candidate::EmptyArray) { 0 } else { 1 << 56 };
    };
    let seen = value.seen();
    let number = |number: f64| {
        // NaN is the smallest, and -0 is 0.
        let bits = if number == 0.0 { 0 } else { number.to_bits() };
        match (number.is_nan(), bits & SIGN) {
            (true, _) => 0,
            (false, 0) => bits | SIGN,
            (false, _) => !bits,
        }
    };
    let bits = match seen {
        NodeKind::Int(value) => number(f64::from(value)),
        // Rounding keeps the order.
        NodeKind::Long(value) => number(value as f64),
        NodeKind::Double(value) => number(value),
        NodeKind::String(text) => first_bytes(text),
        NodeKind::ObjectId(id) => first_bytes(id),
        NodeKind::Bool(value) => u64::from(value) << 63,
        NodeKind::Date(millis) => millis as u64 ^ SIGN,
        NodeKind::Null | NodeKind::Object | NodeKind::Array | NodeKind::Binary(_) => 0,
    };
    // Classes are in the order of values; missing values and empty arrays sort before them.
    (seen.class() as u64 + 1) << 56 | bits >> 8
}

fn first_bytes(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(bytes) {
        *to = *from;
    }
    u64::from_be_bytes(first)
}

fn parse_direction(seen: NodeKind<'_>) -> Option<Direction> {
    match seen {
        NodeKind::Int(1) | NodeKind::Long(1) => Some(Direction::Ascending),
        NodeKind::Int(-1) | NodeKind::Long(-1) => Some(Direction::Descending),
        _ => None,
    }
}

/// A candidate for the value that a document sorts by.
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

    /// The order of empty arrays, missing values and null, before all other values.
    fn rank(&self) -> u8 {
        match self {
            Candidate::EmptyArray => 0,
            Candidate::Missing => 1,
            Candidate::Value(value) if matches!(value.seen(), NodeKind::Null) => 1,
            Candidate::Value(_) => 2,
        }
    }

    /// The order of its value and another key's.
    fn cmp_standing(&self, other: &Standing) -> Ordering {
        match (self, other) {
            (Candidate::EmptyArray, Standing::EmptyArray) => Ordering::Equal,
            (Candidate::EmptyArray, Standing::Value(_)) => Ordering::Less,
            (_, Standing::EmptyArray) => Ordering::Greater,
            (Candidate::Missing, Standing::Value(other)) => compare_values(&Value::Null, other),
            (Candidate::Value(value), Standing::Value(other)) => compare_nodes(*value, other),
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

/// Sorts traverse as index keys do, unlike filters: a number names an index of an array if it has one, and elements
/// that are not objects count as missing.
fn candidates<'a>(
    value: Option<RawValue<'a>>,
    parts: &[Part],
    met: &mut bool,
    found: &mut impl FnMut(Candidate<'a>),
) {
    let Some(value) = value else { return found(Candidate::Missing) };
    let Some((first, rest)) = parts.split_first() else {
        return match value.kind() {
            RawKind::Array(array) => {
                *met = true;
                if array.is_empty() {
                    return found(Candidate::EmptyArray);
                }
                array.iter().for_each(|item| found(Candidate::Value(item)));
            }
            _ => found(Candidate::Value(value)),
        };
    };
    match value.kind() {
        RawKind::Object(object) => candidates(object.get(&first.name), rest, met, found),
        RawKind::Array(array) => {
            *met = true;
            if array.is_empty() {
                return found(Candidate::Missing);
            }
            match first.index.and_then(|n| array.get(n)) {
                Some(item) => candidates(Some(item), rest, met, found),
                None => {
                    for item in array.iter() {
                        candidates(item.get(&first.name), rest, met, found);
                    }
                }
            }
        }
        _ => found(Candidate::Missing),
    }
}

/// Whether two of the paths reach different arrays first; if they reach the same one, its elements decide. Recursion
/// is bounded by the depth of the document.
fn parallel<'p>(value: RawValue<'_>, paths: &[&'p [Part]]) -> bool {
    let mut shared: Option<RawValue<'_>> = None;
    let mut below: Vec<&'p [Part]> = Vec::new();
    for path in paths {
        let (mut at, mut rest) = (value, *path);
        let array = loop {
            match (at.kind(), rest.split_first()) {
                (RawKind::Array(_), _) => break Some(at),
                (RawKind::Object(object), Some((first, after))) => match object.get(&first.name) {
                    Some(next) => (at, rest) = (next, after),
                    None => break None,
                },
                _ => break None,
            }
        };
        match (array, shared) {
            (None, _) => continue,
            (Some(array), None) => shared = Some(array),
            // The same array has the same address.
            (Some(array), Some(other)) if std::ptr::eq(array.bytes(), other.bytes()) => {}
            (Some(_), Some(_)) => return true,
        }
        below.push(rest);
    }
    let Some(array) = shared.filter(|_| below.len() > 1) else { return false };
    array.items().enumerate().any(|(n, item)| {
        // A number names one element and is consumed by it.
        let step = |path: &&'p [Part]| {
            let (first, rest) = path.split_first()?;
            match first.index {
                Some(index) => (index == n).then_some(rest),
                None => Some(*path),
            }
        };
        let paths: Vec<&[Part]> = below.iter().filter_map(step).collect();
        paths.len() > 1 && parallel(item, &paths)
    })
}

impl Ord for SortKey {
    fn cmp(&self, other: &SortKey) -> Ordering {
        if self.head != other.head {
            return self.head.cmp(&other.head);
        }
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
