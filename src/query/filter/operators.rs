//! Parsing the filter operators beyond comparison: `$type`, `$size`, `$mod`, `$contains`, `$all`, `$elemMatch`.

use super::bits::Bits;
use super::clause::{Clause, Element, Filter, Test};
use super::every::{Every, MANY};
use super::remainder::Remainder;
use crate::document::{Node, NodeKind, Path};
use crate::error::Result;
use crate::query::expression::Terms;
use crate::query::number::as_integer;
use crate::query::pattern::{Pattern, Source};
use crate::query::refusal::bad_query;
use crate::query::syntax::is_operators;
use crate::query::types::Types;

/// The operators of filters. `work_tests` has an example of each.
#[cfg(test)]
pub(in crate::query) const NAMES: &[&str] = &[
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

/// Parses one of these operators; `None` for another one.
pub(in crate::query) fn parse<'a>(
    path: &Path,
    name: &str,
    operator: &str,
    operand: impl Node<'a>,
    terms: Terms<'_>,
) -> Result<Option<Clause>> {
    let test = match operator {
        "$type" => Test::Type(Types::parse(name, operand)?),
        "$size" => Test::Size(parse_size(name, operand)?),
        "$mod" => Test::Mod(Remainder::parse(name, operand)?),
        "$contains" => parse_contains(name, operand, terms)?,
        "$elemMatch" => Test::Element(Box::new(Element::parse(name, operand, terms)?)),
        "$bitsAllSet" | "$bitsAllClear" | "$bitsAnySet" | "$bitsAnyClear" => {
            Test::Bits(Bits::parse(name, operator, operand)?)
        }
        "$all" => return parse_all(path, name, operand, terms).map(Some),
        _ => return Ok(None),
    };
    Ok(Some(Clause::Field(path.clone(), test.under(terms.at(path)))))
}

fn parse_size<'a>(name: &str, operand: impl Node<'a>) -> Result<usize> {
    let size = as_integer(&operand.tree()).and_then(|size| usize::try_from(size).ok());
    size.ok_or_else(|| bad_query(name, format!("$size at '{name}' must be an integer that is not negative")))
}

fn parse_contains<'a>(name: &str, operand: impl Node<'a>, terms: Terms<'_>) -> Result<Test> {
    if is_operators(operand) {
        return Err(bad_query(name, format!("$contains at '{name}' takes a value, not operators")));
    }
    let pattern = match operand.seen() {
        NodeKind::String(text) => {
            Some(Pattern::containing(&String::from_utf8_lossy(text), name, terms.work)?)
        }
        _ => None,
    };
    Ok(Test::Contains(operand.tree(), pattern))
}

fn parse_all<'a>(path: &Path, name: &str, operand: impl Node<'a>, terms: Terms<'_>) -> Result<Clause> {
    if !matches!(operand.seen(), NodeKind::Array(())) {
        let found = operand.seen().type_name();
        return Err(bad_query(name, format!("$all at '{name}' needs an array, not {found}")));
    }
    let mut clauses = Vec::new();
    let mut operators = 0;
    for item in operand.items() {
        let test = if let Some(source) = Source::of(item) {
            Test::Pattern(source.compile(name, terms.work)?)
        } else if !is_operators(item) {
            Test::Equal(item.tree()).under(terms.at(path))
        } else if let Some(("$elemMatch", condition)) = item.fields().next() {
            operators += 1;
            Test::Element(Box::new(Element::parse(name, condition, terms)?))
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
    Ok(if clauses.is_empty() { Clause::Any(clauses) } else { all_of(path, clauses) })
}

/// The clause that all of these conditions on one path hold.
fn all_of(path: &Path, clauses: Vec<Clause>) -> Clause {
    let equal = |clause: &Clause| matches!(clause, Clause::Field(_, Test::Equal(_)));
    if clauses.len() < MANY || !clauses.iter().all(equal) {
        return Clause::All(clauses);
    }
    let values = clauses.into_iter().filter_map(|clause| match clause {
        Clause::Field(_, Test::Equal(value)) => Some(value),
        _ => None,
    });
    Clause::Every(path.clone(), Every::of(values))
}

impl Element {
    pub(in crate::query) fn parse<'a>(
        name: &str,
        operand: impl Node<'a>,
        terms: Terms<'_>,
    ) -> Result<Element> {
        if !matches!(operand.seen(), NodeKind::Object(())) {
            let found = operand.seen().type_name();
            return Err(bad_query(name, format!("$elemMatch at '{name}' needs an object, not {found}")));
        }
        let logical = matches!(operand.fields().next(), Some(("$and" | "$or" | "$nor", _)));
        let whole = matches!(operand.fields().next(), Some(("$expr" | "$jsonSchema", _)));
        if is_operators(operand) && !logical && !whole {
            return Filter::parse_condition(operand, name, terms.nested()).map(Element::Passing);
        }
        let filter = Filter::parse_node(operand, terms.nested())?;
        match whole_document(&filter.root) {
            None => Ok(Element::Matching(filter)),
            Some(operator) => Err(bad_query(
                name,
                format!("{operator} is about whole documents and cannot stand in $elemMatch at '{name}'"),
            )),
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
