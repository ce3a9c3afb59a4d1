//! A filter prepared for many documents of one collection: its fields are found together, at positions that are
//! cached by shape, and comparisons with numbers and strings read the bytes.
//!
//! Every result equals that of [`Filter::matches`], which is the oracle of the tests, and which decides wherever
//! nothing here is faster: documents stored as maps, arrays at the end of a path, BigInts, the rarer operators.

use std::cmp::Ordering;

use super::clause::{Bound, Clause, Test};
use super::matching::is_found;
use crate::document::{Columns, Fields, Leaf, Path, RawKind, RawValue, Value};
use crate::query::Filter;
use crate::query::pattern::Pattern;
use crate::work::Work;

/// A prepared filter, for one thread.
pub struct Matcher<'f> {
    filter: &'f Filter,
    columns: Columns,
    root: Ready<'f>,
    /// Whether the filter has no conditions.
    all: bool,
}

/// A clause whose fields are columns.
enum Ready<'f> {
    All(Vec<Ready<'f>>),
    Any(Vec<Ready<'f>>),
    Not(Box<Ready<'f>>),
    Field(Field<'f>),
    Plain(&'f Clause),
}

struct Field<'f> {
    column: usize,
    path: &'f Path,
    /// Whether elements of an array at the end of the path are looked at.
    elements: bool,
    test: &'f Test,
    quick: Quick<'f>,
}

/// A test that is decided by the bytes of most values.
enum Quick<'f> {
    /// A number in this order to the operand, which is neither a BigInt nor NaN.
    Number(Wanted, f64),
    /// A string in this order to the operand.
    Text(Wanted, &'f [u8]),
    /// One of these strings, which are sorted.
    Texts(Vec<&'f [u8]>),
    /// A date in this order to the operand.
    Date(Wanted, i64),
    /// This boolean.
    Bool(bool),
    /// null
    Null,
    /// A string in which the expression is found.
    Pattern(&'f Pattern),
    /// Anything else.
    No,
}

/// The orders of a value and an operand that pass.
#[derive(Clone, Copy)]
struct Wanted {
    less: bool,
    equal: bool,
    greater: bool,
}

impl Filter {
    /// The filter, prepared for many documents.
    pub fn matcher(&self) -> Matcher<'_> {
        let mut columns = Columns::default();
        let root = Ready::of(&self.root, &mut columns);
        Matcher { filter: self, columns, root, all: self.is_all() }
    }
}

impl Matcher<'_> {
    /// Whether the document matches.
    #[inline]
    pub fn matches(&mut self, document: RawValue<'_>) -> bool {
        if self.all {
            return true;
        }
        let work = &self.filter.work;
        let Some(mut fields) = self.columns.of(document) else { return self.filter.matches(document) };
        match &self.root {
            Ready::Field(field) => field.passes(&mut fields, work),
            // Most filters are a few fields: their clauses are decided without recursion.
            Ready::All(clauses) if clauses.len() < 16 => clauses.iter().all(|clause| match clause {
                Ready::Field(field) => field.passes(&mut fields, work),
                other => other.passes(document, &mut fields, work),
            }),
            other => other.passes(document, &mut fields, work),
        }
    }
}

impl<'f> Ready<'f> {
    /// Recursion follows the nesting of the filter, which is bounded.
    fn of(clause: &'f Clause, columns: &mut Columns) -> Ready<'f> {
        let mut list = |clauses: &'f [Clause]| clauses.iter().map(|one| Ready::of(one, columns)).collect();
        match clause {
            Clause::All(clauses) => Ready::All(list(clauses)),
            Clause::Any(clauses) => Ready::Any(list(clauses)),
            Clause::Not(clause) => Ready::Not(Box::new(Ready::of(clause, columns))),
            Clause::Field(path, test) => {
                let column = path.parts().first().and_then(|first| columns.column(&first.name));
                match column {
                    Some(column) => Ready::Field(Field {
                        column,
                        path,
                        elements: test.leaf() == Leaf::Elements,
                        test,
                        quick: Quick::of(test),
                    }),
                    None => Ready::Plain(clause),
                }
            }
            _ => Ready::Plain(clause),
        }
    }

    fn passes<'a>(&self, document: RawValue<'a>, fields: &mut Fields<'_, 'a>, work: &Work) -> bool {
        match self {
            Ready::Field(field) => field.passes(fields, work),
            Ready::All(clauses) => {
                goes_on(clauses, work) && clauses.iter().all(|clause| clause.passes(document, fields, work))
            }
            Ready::Any(clauses) => {
                goes_on(clauses, work) && clauses.iter().any(|clause| clause.passes(document, fields, work))
            }
            Ready::Not(clause) => !clause.passes(document, fields, work),
            Ready::Plain(clause) => clause.matches(document, work),
        }
    }
}

/// Counts the steps of many clauses, which may each be decided without one; a few are not counted.
#[inline]
fn goes_on(clauses: &[Ready<'_>], work: &Work) -> bool {
    clauses.len() < 16 || work.goes_on(clauses.len() / 4)
}

impl Field<'_> {
    #[inline]
    fn passes(&self, fields: &mut Fields<'_, '_>, work: &Work) -> bool {
        let Some(first) = fields.get(self.column) else {
            return self.test.passes(None::<RawValue<'_>>, work);
        };
        if let [_] = self.path.parts()
            && let Some(decided) = self.quick.decide(first, work)
        {
            return decided;
        }
        self.passes_below(first, work)
    }

    /// For paths of several parts, and for the values that [`Quick::decide`] leaves: arrays, BigInts, the rarer tests.
    #[inline(never)]
    fn passes_below(&self, first: RawValue<'_>, work: &Work) -> bool {
        let mut at = first;
        for part in self.path.parts().iter().skip(1) {
            match at.get(&part.name) {
                Some(next) => at = next,
                None if matches!(at.kind(), RawKind::Array(_)) => {
                    let mut visit =
                        |found: Option<RawValue<'_>>| work.goes_on(1) && self.test.passes(found, work);
                    return self.path.walk_below(first, self.test.leaf(), &mut visit);
                }
                None => return self.test.passes(None::<RawValue<'_>>, work),
            }
        }
        if let Some(decided) = self.quick.decide(at, work) {
            return decided;
        }
        if self.elements
            && let RawKind::Array(array) = at.kind()
            && work.goes_on(array.len())
            && array.iter().any(|item| {
                self.quick.decide(item, work).unwrap_or_else(|| self.test.passes(Some(item), work))
            })
        {
            return true;
        }
        work.goes_on(1) && self.test.passes(Some(at), work)
    }
}

impl<'f> Quick<'f> {
    fn of(test: &'f Test) -> Quick<'f> {
        match test {
            Test::Equal(operand) => {
                Quick::comparing(Wanted { less: false, equal: true, greater: false }, operand)
            }
            Test::Less(Bound { value, inclusive, .. }) => {
                Quick::comparing(Wanted { less: true, equal: *inclusive, greater: false }, value)
            }
            Test::Greater(Bound { value, inclusive, .. }) => {
                Quick::comparing(Wanted { less: false, equal: *inclusive, greater: true }, value)
            }
            Test::In(operands) => {
                let text = |operand: &'f Value| match operand {
                    Value::String(text) => Some(text.as_bytes()),
                    _ => None,
                };
                operands.iter().map(text).collect::<Option<_>>().map_or(Quick::No, Quick::Texts)
            }
            Test::Pattern(pattern) => Quick::Pattern(pattern),
            _ => Quick::No,
        }
    }

    fn comparing(wanted: Wanted, operand: &'f Value) -> Quick<'f> {
        match operand {
            Value::Int(value) => Quick::Number(wanted, f64::from(*value)),
            Value::Double(value) if !value.is_nan() => Quick::Number(wanted, *value),
            Value::String(text) => Quick::Text(wanted, text.as_bytes()),
            Value::Date(millis) => Quick::Date(wanted, *millis),
            Value::Bool(value) if wanted.is_equality() => Quick::Bool(*value),
            Value::Null if wanted.is_equality() => Quick::Null,
            _ => Quick::No,
        }
    }

    /// The result of [`Test::passes`] for this value; `None` if that must decide. A value that is no array has no
    /// elements that could pass.
    #[inline]
    fn decide(&self, value: RawValue<'_>, work: &Work) -> Option<bool> {
        match self {
            // The most common comparison looks at the two most common kinds of number first.
            Quick::Number(wanted, operand) => match value.kind() {
                RawKind::Double(number) => Some(wanted.takes_number(number, *operand)),
                RawKind::Int(number) => Some(wanted.takes_number(f64::from(number), *operand)),
                RawKind::Array(_) | RawKind::Long(_) => None,
                _ => Some(false),
            },
            Quick::No => None,
            _ => self.decide_others(value, work),
        }
    }

    fn decide_others(&self, value: RawValue<'_>, work: &Work) -> Option<bool> {
        let kind = value.kind();
        Some(match (self, kind) {
            (Quick::No, _) | (_, RawKind::Array(_) | RawKind::Long(_)) => return None,
            (Quick::Text(wanted, operand), RawKind::String(text)) => wanted.takes_text(text, operand),
            (Quick::Texts(operands), RawKind::String(text)) => operands.binary_search(&text).is_ok(),
            (Quick::Date(wanted, operand), RawKind::Date(millis)) => wanted.takes(millis.cmp(operand)),
            (Quick::Bool(operand), RawKind::Bool(value)) => value == *operand,
            (Quick::Null, RawKind::Null) => true,
            (Quick::Pattern(pattern), RawKind::String(text)) => is_found(pattern, text, work),
            // Of another class than the operand.
            _ => false,
        })
    }
}

impl Wanted {
    #[inline]
    fn takes(self, order: Ordering) -> bool {
        match order {
            Ordering::Less => self.less,
            Ordering::Equal => self.equal,
            Ordering::Greater => self.greater,
        }
    }

    fn is_equality(self) -> bool {
        self.equal && !self.less && !self.greater
    }

    /// NaN passes nothing.
    #[inline]
    fn takes_number(self, number: f64, operand: f64) -> bool {
        (self.less & (number < operand))
            | (self.equal & (number == operand))
            | (self.greater & (number > operand))
    }

    #[inline]
    fn takes_text(self, text: &[u8], operand: &[u8]) -> bool {
        if self.is_equality() { text == operand } else { self.takes(text.cmp(operand)) }
    }
}
