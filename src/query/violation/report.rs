//! What is told of a document that does not match, within a bound: a large value that breaks a thousand rules is not told a thousand times.

use std::cell::Cell;

use crate::document::{Collation, Node, Value, weight};
use crate::work::Work;

/// The most bytes of values and operands that are told.
const MOST: usize = 1 << 20;
/// About what a rule takes without its values.
pub(super) const RULE: usize = 128;
/// The most values at one path that are told.
const MOST_VALUES: usize = 10;
/// The most values of the document that all operators together may look at: some 50 milliseconds of it. The commit lock may be held.
const MOST_LOOKS: usize = 4 << 20;

/// What was expected of a document and is not so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Match,
    /// It is under a negation.
    NoMatch,
}

impl Expected {
    pub(super) fn other(self) -> Expected {
        match self {
            Expected::Match => Expected::NoMatch,
            Expected::NoMatch => Expected::Match,
        }
    }

    /// Whether a result is not the expected one.
    pub(super) fn is_broken_by(self, matches: bool) -> bool {
        matches != (self == Expected::Match)
    }
}

/// The bound of one explanation.
pub(super) struct Report<'w> {
    pub(super) work: &'w Work,
    pub(super) collation: &'w Collation,
    room: Cell<usize>,
    looks: Cell<usize>,
    /// The values of the document.
    width: usize,
}

pub(super) type Fields = Vec<(String, Value)>;

/// One field.
pub(super) fn field(name: &str, value: Value) -> (String, Value) {
    (name.to_owned(), value)
}

pub(super) fn text(name: &str, text: &str) -> (String, Value) {
    field(name, Value::String(text.to_owned()))
}

pub(super) fn reason(why: &str) -> (String, Value) {
    text("reason", why)
}

pub(super) fn number(name: &str, number: usize) -> (String, Value) {
    field(name, Value::number(number as f64))
}

/// The values in a value, as far as there are no more than `most`.
fn width<'a>(value: impl Node<'a>, most: usize) -> usize {
    let mut sum = 1;
    for part in value.items() {
        if sum >= most {
            return sum;
        }
        sum += width(part, most - sum);
    }
    for (_, part) in value.fields() {
        if sum >= most {
            return sum;
        }
        sum += width(part, most - sum);
    }
    sum
}

impl<'w> Report<'w> {
    pub(super) fn new<'a>(work: &'w Work, collation: &'w Collation, document: impl Node<'a>) -> Report<'w> {
        let width = width(document, MOST_LOOKS);
        Report { work, collation, room: Cell::new(MOST), looks: Cell::new(MOST_LOOKS + 8 * width), width }
    }

    /// Whether so many more values may be looked at. If not, it counts as full.
    pub(super) fn looks_at(&self, values: usize) -> bool {
        let left = self.looks.get().checked_sub(values + 1);
        self.looks.set(left.unwrap_or(0));
        if left.is_none() {
            self.room.set(0);
        }
        !self.is_full()
    }

    /// The same for a filter, which may look at the whole document.
    pub(super) fn looks_at_all(&self) -> bool {
        self.looks_at(self.width)
    }

    /// Whether something was left out.
    pub(super) fn is_full(&self) -> bool {
        self.room.get() == 0
    }

    /// Whether there is room for so many bytes.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let room = self.room.get();
        self.room.set(room.saturating_sub(bytes));
        room > bytes
    }

    /// A value, if there is room for it.
    pub(super) fn value<'a>(&self, value: impl Node<'a>) -> Option<Value> {
        if self.is_full() {
            return None;
        }
        let tree = value.tree();
        self.take(weight(&tree)).then_some(tree)
    }

    /// `{ operatorName, specifiedAs: { name: operand }, reason }`.
    pub(super) fn operator(&self, name: &str, specified: &Value, why: &str) -> Fields {
        self.take(RULE);
        let mut fields = vec![text("operatorName", name)];
        fields.extend(self.value(specified).map(|specified| field("specifiedAs", specified)));
        fields.push(reason(why));
        fields
    }

    /// The values that an operator has looked at.
    pub(super) fn considered<'a>(&self, values: &[impl Node<'a>], fields: &mut Fields) {
        match values {
            [] => {}
            [only] => fields.extend(self.value(*only).map(|value| field("consideredValue", value))),
            many => {
                let told = many.iter().take(MOST_VALUES).map_while(|value| self.value(*value)).collect();
                fields.push(field("consideredValues", Value::Array(told)));
                if many.len() > MOST_VALUES {
                    fields.push(field("consideredValuesTruncated", Value::Bool(true)));
                }
            }
        }
    }

    /// The types of the values that an operator has looked at.
    pub(super) fn types<'a>(&self, values: &[impl Node<'a>], fields: &mut Fields) {
        let name = |value: &_| Value::String(Node::seen(*value).type_name().to_owned());
        match values {
            [] => {}
            [only] => fields.push(field("consideredType", name(only))),
            many => {
                let told = many.iter().take(MOST_VALUES).map(name).collect();
                fields.push(field("consideredTypes", Value::Array(told)));
            }
        }
    }
}
