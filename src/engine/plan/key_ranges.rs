//! From bounds on the fields of an index to ranges of its keys.

use std::borrow::Cow;

use crate::document::kind::Class;
use crate::document::{Path, RawValue, Shapes, Value, encode_plain};
use crate::index::entry::MAX_KEY;
use crate::index::key::class_tag;
use crate::index::{Direction, Range, Spec};
use crate::query::{Bounds, Edge, Interval};

/// The maximum number of ranges from combining bounds on several fields.
const MOST: usize = 1_000;

/// A bound on a path.
pub(crate) type Bounded<'f> = (Cow<'f, Path>, Bounds<'f>);

/// The key ranges of an index that may contain matching documents.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranges {
    /// Disjoint, ascending.
    pub list: Vec<Range>,
    /// Leading fields whose bounds the ranges express.
    pub used: usize,
    /// Leading fields that have a single value in all of them.
    pub single: usize,
    /// Whether they express exactly the bounds of these fields.
    pub exact: bool,
}

impl Ranges {
    /// Whether they are a single whole key, whose entries are in slot order.
    pub(crate) fn is_key(&self, spec: &Spec) -> bool {
        self.single == spec.fields.len()
    }

    /// The ranges for these bounds of the index's fields.
    pub(crate) fn of(spec: &Spec, bounds: &[Bounds<'_>]) -> Ranges {
        let mut prefixes: Vec<Vec<u8>> = vec![Vec::new()];
        let mut ranges = Ranges { exact: true, ..Ranges::default() };
        let mut list: Option<Vec<Range>> = None;
        for (field, bounds) in spec.fields.iter().zip(bounds) {
            let count = bounds.intervals.len();
            if bounds.is_everything() || (ranges.used > 0 && prefixes.len().saturating_mul(count) > MOST) {
                break;
            }
            ranges.used += 1;
            ranges.exact &= bounds.exact;
            if bounds.is_points() {
                if count == 1 && ranges.single + 1 == ranges.used {
                    ranges.single += 1;
                }
                let keys: Vec<_> = in_order(bounds, field.direction)
                    .map(|point| component(value_of(&point.low), field.direction))
                    .collect();
                prefixes =
                    prefixes.iter().flat_map(|one| keys.iter().map(|key| [&one[..], key].concat())).collect();
                continue;
            }
            let of = |prefix: &Vec<u8>| {
                let (prefix, direction) = (prefix.clone(), field.direction);
                in_order(bounds, direction).map(move |interval| range(&prefix, interval, direction))
            };
            list = Some(prefixes.iter().flat_map(of).collect());
            break;
        }
        let list = list.unwrap_or_else(|| prefixes.iter().map(|key| Range::only(key)).collect());
        ranges.list = list;
        ranges.join();
        ranges
    }

    /// Entries hold only the beginning of a long key, so ranges may overlap.
    fn join(&mut self) {
        for range in &mut self.list {
            if range.low.len().max(range.high.len()) > MAX_KEY {
                range.low.truncate(MAX_KEY);
                range.high.truncate(MAX_KEY);
                self.exact = false;
            }
        }
        self.list.dedup_by(|next, last| {
            let meet = last.contains(&next.low);
            if meet && !last.high.is_empty() && next.high > last.high {
                last.high = std::mem::take(&mut next.high);
            }
            meet
        });
    }
}

fn in_order<'b, 'f>(
    bounds: &'b Bounds<'f>,
    direction: Direction,
) -> impl Iterator<Item = &'b Interval<'f>> + 'b {
    let (list, count) = (&bounds.intervals, bounds.intervals.len());
    let place = move |n| if direction.is_descending() { count - 1 - n } else { n };
    (0..count).filter_map(move |n| list.get(place(n)))
}

fn value_of<'e>(edge: &'e Edge<'_>) -> &'e Value {
    match edge {
        Edge::Value(value, _) => value,
        // The class of null is the only one with a single value.
        Edge::Class(_) => &Value::Null,
    }
}

fn component(value: &Value, direction: Direction) -> Vec<u8> {
    let mut plain = Vec::new();
    encode_plain(value, &mut plain);
    let mut key = Vec::new();
    crate::index::encode_component(RawValue::new(&plain, Shapes::none()), direction, &mut key);
    key
}

/// The range of an interval after this prefix. The bytes of a component are never a prefix of another's, and the byte that
/// may follow is never `ff`. So an exclusive low end is expressed by appending `ff`, and an exclusive high end by
/// subtracting one from the number that the bytes make.
fn range(prefix: &[u8], interval: &Interval<'_>, direction: Direction) -> Range {
    let (first, last) = match direction {
        Direction::Ascending => (&interval.low, &interval.high),
        Direction::Descending => (&interval.high, &interval.low),
    };
    let bytes = |edge: &Edge<'_>| match edge {
        Edge::Value(value, inclusive) => (component(value, direction), *inclusive),
        Edge::Class(class) => (vec![class_tag(*class) ^ direction.mask()], true),
    };
    let (low, in_low) = bytes(first);
    let (mut high, in_high) = bytes(last);
    let mut low = [prefix, &low].concat();
    if !in_low {
        low.push(0xff);
    }
    if !in_high {
        for byte in high.iter_mut().rev() {
            let (less, borrow) = byte.overflowing_sub(1);
            *byte = less;
            if !borrow {
                break;
            }
        }
    }
    // The lowest and the highest class need no bound.
    let whole = |edge: &Edge<'_>, end| matches!(edge, Edge::Class(class) if *class == end);
    let (least, most) = match direction {
        Direction::Ascending => (Class::Null, Class::Date),
        Direction::Descending => (Class::Date, Class::Null),
    };
    if whole(first, least) {
        low.truncate(prefix.len());
    }
    if whole(last, most) {
        high.clear();
    }
    Range { low, high: [prefix, &high].concat() }
}
