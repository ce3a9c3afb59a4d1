//! Filter operators beyond comparison: `$type`, `$size`, `$mod`, `$contains`, `$all`, `$elemMatch`.

use super::arithmetic::as_integer;
use super::bits::Bits;
use super::every::Every;
use super::filter::{Clause, Filter, Test, is_operators};
use super::pattern::{Pattern, Source};
use super::refusal::bad_query;
use crate::document::order::Class;
use crate::document::{Node, Path, Seen};
use crate::error::{Result, codes};
use crate::work::Work;

/// What an array element must be.
#[derive(Clone, Debug)]
pub(super) enum Element {
    /// An object that matches a filter.
    Matching(Filter),
    /// A value that passes operators.
    Passing(Clause),
}

/// A set of types, one bit each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Types(u16);

/// `$mod`: the remainder that division by the divisor leaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remainder {
    divisor: i64,
    remainder: i64,
}

/// The operators of filters. `work_tests` has an example of each.
#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "$all",
    "$and",
    "$bitsAllClear",
    "$bitsAllSet",
    "$bitsAnyClear",
    "$bitsAnySet",
    "$contains",
    "$elemMatch",
    "$eq",
    "$exists",
    "$expr",
    "$gt",
    "$gte",
    "$in",
    "$jsonSchema",
    "$lt",
    "$lte",
    "$mod",
    "$ne",
    "$nin",
    "$nor",
    "$not",
    "$or",
    "$regex",
    "$size",
    "$type",
];

/// The clause of one of these operators; `None` when it is another one.
pub(super) fn parse<'a>(
    path: &Path,
    name: &str,
    operator: &str,
    operand: impl Node<'a>,
    work: &Work,
) -> Result<Option<Clause>> {
    let test = match operator {
        "$type" => Test::Type(Types::parse(name, operand)?),
        "$size" => Test::Size(parse_size(name, operand)?),
        "$mod" => Test::Mod(Remainder::parse(name, operand)?),
        "$contains" => parse_contains(name, operand, work)?,
        "$elemMatch" => Test::Element(Box::new(Element::parse(name, operand, work)?)),
        "$bitsAllSet" | "$bitsAllClear" | "$bitsAnySet" | "$bitsAnyClear" => {
            Test::Bits(Bits::parse(name, operator, operand)?)
        }
        "$all" => return parse_all(path, name, operand, work).map(Some),
        _ => return Ok(None),
    };
    Ok(Some(Clause::Field(path.clone(), test)))
}

fn parse_size<'a>(name: &str, operand: impl Node<'a>) -> Result<usize> {
    let size = as_integer(&operand.tree()).and_then(|size| usize::try_from(size).ok());
    size.ok_or_else(|| bad_query(name, format!("$size at '{name}' must be an integer that is not negative")))
}

fn parse_contains<'a>(name: &str, operand: impl Node<'a>, work: &Work) -> Result<Test> {
    if is_operators(operand) {
        return Err(bad_query(name, format!("$contains at '{name}' takes a value, not operators")));
    }
    let pattern = match operand.seen() {
        Seen::String(text) => Some(Pattern::containing(&String::from_utf8_lossy(text), name, work)?),
        _ => None,
    };
    Ok(Test::Contains(operand.tree(), pattern))
}

fn parse_all<'a>(path: &Path, name: &str, operand: impl Node<'a>, work: &Work) -> Result<Clause> {
    if !matches!(operand.seen(), Seen::Array) {
        let found = operand.seen().type_name();
        return Err(bad_query(name, format!("$all at '{name}' needs an array, not {found}")));
    }
    let mut clauses = Vec::new();
    let mut operators = 0;
    for item in operand.items() {
        let test = if let Some(source) = Source::of(item) {
            Test::Pattern(source.compile(name, work)?)
        } else if !is_operators(item) {
            Test::Equal(item.tree())
        } else if let Some(("$elemMatch", condition)) = item.fields().next() {
            operators += 1;
            Test::Element(Box::new(Element::parse(name, condition, work)?))
        } else {
            return Err(bad_query(
                name,
                format!("$all at '{name}' takes values, or $elemMatch, but no other operators"),
            ));
        };
        clauses.push(Clause::Field(path.clone(), test));
    }
    if operators != 0 && operators != clauses.len() {
        return Err(bad_query(name, format!("$all at '{name}' takes either values or $elemMatch, not both")));
    }
    // No array holds all of nothing.
    Ok(if clauses.is_empty() { Clause::Any(clauses) } else { Every::of_many(path, clauses) })
}

impl Element {
    pub(super) fn parse<'a>(name: &str, operand: impl Node<'a>, work: &Work) -> Result<Element> {
        if !matches!(operand.seen(), Seen::Object) {
            let found = operand.seen().type_name();
            return Err(bad_query(name, format!("$elemMatch at '{name}' needs an object, not {found}")));
        }
        let logical = matches!(operand.fields().next(), Some(("$and" | "$or" | "$nor", _)));
        let whole = matches!(operand.fields().next(), Some(("$expr" | "$jsonSchema", _)));
        if is_operators(operand) && !logical && !whole {
            return Filter::parse_condition(operand, name, work).map(Element::Passing);
        }
        let filter = Filter::parse_node(operand, work)?;
        match whole_document(&filter.root) {
            None => Ok(Element::Matching(filter)),
            Some(operator) => Err(bad_query(
                name,
                format!("{operator} is about whole documents and cannot stand in $elemMatch at '{name}'"),
            )),
        }
    }

    /// Whether the element passes. An array among the elements has its places for keys and is not looked into
    /// by operators.
    #[inline]
    pub(super) fn takes<'a>(&self, item: impl Node<'a>, work: &Work) -> bool {
        match self {
            Element::Matching(filter) => {
                matches!(item.seen(), Seen::Object | Seen::Array) && filter.root.matches(item, work)
            }
            Element::Passing(clause) => clause.holds(item, work),
        }
    }
}

/// `$expr` or `$jsonSchema`, where a filter has one.
fn whole_document(clause: &Clause) -> Option<&'static str> {
    match clause {
        Clause::All(clauses) | Clause::Any(clauses) => clauses.iter().find_map(whole_document),
        Clause::Not(clause) => whole_document(clause),
        Clause::Field(_, Test::Schema(_)) => Some("$jsonSchema"),
        Clause::Field(..) | Clause::Every(..) => None,
        Clause::Expression(_) => Some("$expr"),
    }
}

/// Types by number and name; those that no document here can hold match nothing.
const TYPES: [(i64, &str, u16); 19] = [
    (1, "double", 1 << 1),
    (2, "string", 1 << 2),
    (3, "object", 1 << 3),
    (4, "array", 1 << 4),
    (5, "binData", 1 << 5),
    (6, "undefined", 0),
    (7, "objectId", 1 << 7),
    (8, "bool", 1 << 8),
    (9, "date", 1 << 9),
    (10, "null", 1 << 10),
    (11, "regex", 0),
    (12, "dbPointer", 0),
    (13, "javascript", 0),
    (14, "symbol", 0),
    (16, "int", 1 << 11),
    (17, "timestamp", 0),
    (18, "long", 1 << 12),
    (19, "decimal", 0),
    (127, "maxKey", 0),
];
const NUMBER: u16 = 1 << 1 | 1 << 11 | 1 << 12;

impl Types {
    /// The type of this name; `number` is three.
    pub(super) fn named(name: &str) -> Option<Types> {
        match name {
            "number" => Some(Types(NUMBER)),
            "minKey" => Some(Types(0)),
            _ => TYPES.iter().find(|(_, known, _)| *known == name).map(|(.., bit)| Types(*bit)),
        }
    }

    /// Those of both.
    pub(super) fn and(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }

    fn parse<'a>(name: &str, operand: impl Node<'a>) -> Result<Types> {
        if !matches!(operand.seen(), Seen::Array) {
            return Types::parse_one(name, operand);
        }
        let mut types = Types(0);
        let mut empty = true;
        for item in operand.items() {
            types.0 |= Types::parse_one(name, item)?.0;
            empty = false;
        }
        if empty {
            let message = format!("$type at '{name}' needs at least one type");
            return Err(bad_query(name, message).with_code(codes::FAILED_TO_PARSE));
        }
        Ok(types)
    }

    fn parse_one<'a>(name: &str, operand: impl Node<'a>) -> Result<Types> {
        let found = match operand.seen() {
            Seen::String(text) => std::str::from_utf8(text).ok().and_then(Types::named),
            _ => match as_integer(&operand.tree()) {
                Some(-1) => Some(Types(0)),
                Some(code) => TYPES.iter().find(|(known, ..)| *known == code).map(|(.., bit)| Types(*bit)),
                None => None,
            },
        };
        found.ok_or_else(|| {
            bad_query(
                name,
                format!("$type at '{name}' needs the name or number of a type, such as 'string' or 2"),
            )
        })
    }

    /// The classes that its values stand in, in order, and whether all values of these are of its types.
    pub(super) fn classes(self) -> (Vec<Class>, bool) {
        const CLASSES: [(u16, Class); 9] = [
            (1 << 10, Class::Null),
            (NUMBER, Class::Number),
            (1 << 2, Class::String),
            (1 << 3, Class::Object),
            (1 << 4, Class::Array),
            (1 << 5, Class::Binary),
            (1 << 7, Class::ObjectId),
            (1 << 8, Class::Bool),
            (1 << 9, Class::Date),
        ];
        let found: Vec<_> = CLASSES.iter().filter(|(bits, _)| self.0 & bits != 0).collect();
        // A missing value has the key of null and is of no type.
        let exact = found.iter().all(|(bits, class)| self.0 & bits == *bits && *class != Class::Null);
        (found.into_iter().map(|(_, class)| *class).collect(), exact)
    }

    #[inline]
    pub(super) fn contains(self, seen: Seen<'_>) -> bool {
        let bit = match seen {
            Seen::Double(_) => 1,
            Seen::String(_) => 2,
            Seen::Object => 3,
            Seen::Array => 4,
            Seen::Binary(_) => 5,
            Seen::ObjectId(_) => 7,
            Seen::Bool(_) => 8,
            Seen::Date(_) => 9,
            Seen::Null => 10,
            Seen::Int(_) => 11,
            Seen::Long(_) => 12,
        };
        self.0 & 1 << bit != 0
    }
}

impl Remainder {
    fn parse<'a>(name: &str, operand: impl Node<'a>) -> Result<Remainder> {
        let mut items = operand.items();
        let (divisor, remainder, more) = (items.next(), items.next(), items.next());
        let whole = |item: Option<_>| item.and_then(|item| truncated(Node::seen(item)));
        match (whole(divisor), whole(remainder), more) {
            (Some(0), ..) => Err(bad_query(name, format!("the divisor of $mod at '{name}' must not be 0"))),
            (Some(divisor), Some(remainder), None) => Ok(Remainder { divisor, remainder }),
            _ => Err(bad_query(
                name,
                format!("$mod at '{name}' needs an array of two numbers, divisor and remainder"),
            )),
        }
    }

    #[inline]
    pub(super) fn is_of(self, seen: Seen<'_>) -> bool {
        truncated(seen).is_some_and(|value| value.wrapping_rem(self.divisor) == self.remainder)
    }
}

/// The integer part of a number, where int64 holds it.
fn truncated(seen: Seen<'_>) -> Option<i64> {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    match seen {
        Seen::Int(value) => Some(i64::from(value)),
        Seen::Long(value) => Some(value),
        Seen::Double(value) if (-TWO_63..TWO_63).contains(&value) => Some(value as i64),
        _ => None,
    }
}
