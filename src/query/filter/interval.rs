//! Intervals of values in the order of values.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use crate::document::kind::Class;
use crate::document::order::compare_values;
use crate::document::{Node, Value, id};

/// One end of an interval.
#[derive(Clone, Debug)]
pub enum Edge<'f> {
    /// The first or last value of a class.
    Class(Class),
    /// A value, and whether the interval includes it.
    Value(Cow<'f, Value>, bool),
}

/// The values from one edge to another.
#[derive(Clone, Debug)]
pub struct Interval<'f> {
    /// Where it begins.
    pub low: Edge<'f>,
    /// Where it ends.
    pub high: Edge<'f>,
}

static NOT_A_NUMBER: Value = Value::Double(f64::NAN);

impl<'f> Interval<'f> {
    /// All values.
    pub fn everything() -> Interval<'f> {
        Interval { low: Edge::Class(Class::Null), high: Edge::Class(Class::Date) }
    }

    /// All values but null.
    pub(in crate::query) fn not_null() -> Interval<'f> {
        Interval { low: Edge::Class(Class::Number), high: Edge::Class(Class::Date) }
    }

    /// The values of a class.
    pub fn class(class: Class) -> Interval<'f> {
        Interval { low: Edge::Class(class), high: Edge::Class(class) }
    }

    /// One value.
    pub fn point(value: &'f Value) -> Interval<'f> {
        let edge = Edge::Value(Cow::Borrowed(value), true);
        Interval { low: edge.clone(), high: edge }
    }

    /// The values of its class below the value. NaN is below no number.
    pub(in crate::query) fn below(value: &'f Value, inclusive: bool) -> Vec<Interval<'f>> {
        if let Some(special) = Interval::without_order(value, inclusive) {
            return special;
        }
        let low = match value.seen().class() {
            Class::Number => Edge::Value(Cow::Borrowed(&NOT_A_NUMBER), false),
            class => Edge::Class(class),
        };
        vec![Interval { low, high: Edge::Value(Cow::Borrowed(value), inclusive) }]
    }

    /// The values of its class above the value.
    pub(in crate::query) fn above(value: &'f Value, inclusive: bool) -> Vec<Interval<'f>> {
        if let Some(special) = Interval::without_order(value, inclusive) {
            return special;
        }
        let high = Edge::Class(value.seen().class());
        vec![Interval { low: Edge::Value(Cow::Borrowed(value), inclusive), high }]
    }

    /// null and NaN are comparable with themselves alone.
    fn without_order(value: &'f Value, inclusive: bool) -> Option<Vec<Interval<'f>>> {
        let alone = match value {
            Value::Null => true,
            Value::Double(number) => number.is_nan(),
            _ => false,
        };
        alone.then(|| if inclusive { vec![Interval::point(value)] } else { Vec::new() })
    }

    /// The strings with this prefix; all strings without one.
    pub(in crate::query) fn prefix(prefix: Option<&str>) -> Interval<'f> {
        let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) else {
            return Interval::class(Class::String);
        };
        let low = Edge::Value(Cow::Owned(Value::String(prefix.to_owned())), true);
        let high = match after_prefix(prefix) {
            Some(next) => Edge::Value(Cow::Owned(Value::String(next)), false),
            None => Edge::Class(Class::String),
        };
        Interval { low, high }
    }

    /// Whether it is one value.
    pub fn is_point(&self) -> bool {
        match (&self.low, &self.high) {
            (Edge::Value(low, true), Edge::Value(high, true)) => compare_values(low, high).is_eq(),
            (Edge::Class(Class::Null), high) => high.class() == Class::Null,
            _ => false,
        }
    }

    /// Whether it contains all values.
    pub fn is_everything(&self) -> bool {
        matches!((&self.low, &self.high), (Edge::Class(Class::Null), Edge::Class(Class::Date)))
    }

    /// Whether it contains the value.
    pub fn contains(&self, value: &Value) -> bool {
        let point = Interval::point(value);
        compare_low(&self.low, &point.low).is_le() && compare_high(&point.high, &self.high).is_le()
    }

    /// The same with sort keys as text.
    pub(in crate::query) fn of_sort_keys(&self) -> Interval<'f> {
        let shown = |edge: &Edge<'f>| match edge {
            Edge::Value(value, inclusive) => Edge::Value(Cow::Owned(key_shown(value)), *inclusive),
            class => class.clone(),
        };
        Interval { low: shown(&self.low), high: shown(&self.high) }
    }

    fn is_empty(&self) -> bool {
        let order = self.low.class().cmp(&self.high.class());
        order.then_with(|| match (&self.low, &self.high) {
            (Edge::Value(low, in_low), Edge::Value(high, in_high)) => {
                let order = compare_values(low, high);
                // Equal and not both inclusive: empty.
                order.then(if *in_low && *in_high { Ordering::Equal } else { Ordering::Greater })
            }
            _ => Ordering::Less,
        }) == Ordering::Greater
    }
}

/// A value with its sort keys as text.
fn key_shown(value: &Value) -> Value {
    match value {
        Value::String(key) => {
            let digits: String = key.chars().map(|byte| format!("{:02x}", u32::from(byte))).collect();
            Value::String(format!("CollationKey(0x{digits})"))
        }
        Value::Array(items) => Value::Array(items.iter().map(key_shown).collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (key.clone(), key_shown(value))).collect())
        }
        other => other.clone(),
    }
}

/// The least string above all strings with this prefix; `None` if there is none.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// The order of two lower edges.
pub(in crate::query) fn compare_low(a: &Edge<'_>, b: &Edge<'_>) -> Ordering {
    a.class().cmp(&b.class()).then_with(|| match (a, b) {
        (Edge::Class(_), Edge::Class(_)) => Ordering::Equal,
        (Edge::Class(_), Edge::Value(..)) => Ordering::Less,
        (Edge::Value(..), Edge::Class(_)) => Ordering::Greater,
        (Edge::Value(a, in_a), Edge::Value(b, in_b)) => compare_values(a, b).then(in_b.cmp(in_a)),
    })
}

/// The order of two upper edges.
pub(in crate::query) fn compare_high(a: &Edge<'_>, b: &Edge<'_>) -> Ordering {
    a.class().cmp(&b.class()).then_with(|| match (a, b) {
        (Edge::Class(_), Edge::Class(_)) => Ordering::Equal,
        (Edge::Class(_), Edge::Value(..)) => Ordering::Greater,
        (Edge::Value(..), Edge::Class(_)) => Ordering::Less,
        (Edge::Value(a, in_a), Edge::Value(b, in_b)) => compare_values(a, b).then(in_a.cmp(in_b)),
    })
}

/// The intersection of two lists. Both lists, and the result, are ascending and disjoint.
pub(in crate::query) fn intersect<'f>(a: &[Interval<'f>], b: &[Interval<'f>]) -> Vec<Interval<'f>> {
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    let mut all = Vec::new();
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let low = if compare_low(&a.low, &b.low).is_ge() { &a.low } else { &b.low };
        let a_first = compare_high(&a.high, &b.high).is_le();
        let high = if a_first { &a.high } else { &b.high };
        let both = Interval { low: low.clone(), high: high.clone() };
        if !both.is_empty() {
            all.push(both);
        }
        if a_first {
            left.next();
        } else {
            right.next();
        }
    }
    all
}

/// Sorted, and joined where they overlap.
pub(in crate::query) fn normalise(mut intervals: Vec<Interval<'_>>) -> Vec<Interval<'_>> {
    if !intervals.is_sorted_by(|a, b| compare_low(&a.low, &b.low).is_le()) {
        intervals.sort_by(|a, b| compare_low(&a.low, &b.low));
    }
    intervals.dedup_by(|next, last| {
        let meet = Interval { low: next.low.clone(), high: last.high.clone() };
        if meet.is_empty() {
            return false;
        }
        if compare_high(&last.high, &next.high).is_lt() {
            last.high = next.high.clone();
        }
        true
    });
    intervals
}

/// Whether one of the intervals contains this one.
pub(in crate::query) fn is_within(interval: &Interval<'_>, all: &[Interval<'_>]) -> bool {
    all.iter().any(|wide| {
        compare_low(&wide.low, &interval.low).is_le() && compare_high(&interval.high, &wide.high).is_le()
    })
}

impl fmt::Display for Interval<'_> {
    /// As MongoDB's explain writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_everything() {
            return f.write_str("[MinKey, MaxKey]");
        }
        match &self.low {
            Edge::Value(value, inclusive) => {
                write!(f, "{}{}", if *inclusive { "[" } else { "(" }, Text(value))
            }
            Edge::Class(class) => write!(f, "[{}", first_of(*class)),
        }?;
        match &self.high {
            Edge::Value(value, inclusive) => {
                write!(f, ", {}{}", Text(value), if *inclusive { "]" } else { ")" })
            }
            Edge::Class(class) => write!(f, ", {}", last_of(*class)),
        }
    }
}

fn first_of(class: Class) -> &'static str {
    match class {
        Class::Null => "null",
        Class::Number => "NaN",
        Class::String => "\"\"",
        Class::Object => "{}",
        Class::Array => "[]",
        Class::Binary => "BinData()",
        Class::ObjectId => "ObjectId('000000000000000000000000')",
        Class::Bool => "false",
        Class::Date => "Date(-9223372036854775808)",
    }
}

/// With its bracket. A class without a last value ends before the first value of the next class.
fn last_of(class: Class) -> &'static str {
    match class {
        Class::Null => "null]",
        Class::Number => "Infinity]",
        Class::String => "{})",
        Class::Object => "[])",
        Class::Array => "BinData())",
        Class::Binary => "ObjectId('000000000000000000000000'))",
        Class::ObjectId => "ObjectId('ffffffffffffffffffffffff')]",
        Class::Bool => "true]",
        Class::Date => "MaxKey]",
    }
}

/// A value as text.
struct Text<'a>(&'a Value);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Int(value) => write!(f, "{value}"),
            Value::Double(value) if value.is_infinite() => {
                f.write_str(if *value > 0.0 { "Infinity" } else { "-Infinity" })
            }
            Value::Double(value) => write!(f, "{value}"),
            Value::Long(value) => write!(f, "{value}"),
            Value::String(text) => write!(f, "{text:?}"),
            Value::Binary(bytes) => write!(f, "BinData({} bytes)", bytes.len()),
            Value::ObjectId(id) => write!(f, "ObjectId('{}')", id::object_id_to_hex(id)),
            Value::Date(millis) => write!(f, "Date({millis})"),
            Value::Array(items) => {
                f.write_str("[")?;
                for (n, item) in items.iter().enumerate() {
                    write!(f, "{}{}", if n == 0 { "" } else { ", " }, Text(item))?;
                }
                f.write_str("]")
            }
            Value::Object(fields) => {
                f.write_str("{")?;
                for (n, (key, value)) in fields.iter().enumerate() {
                    write!(f, "{}{key}: {}", if n == 0 { " " } else { ", " }, Text(value))?;
                }
                f.write_str(" }")
            }
        }
    }
}
