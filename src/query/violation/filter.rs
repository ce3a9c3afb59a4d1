//! The operators of filters.

use super::report::{Expected, Fields, Report, field, number, text};
use super::schema;
use crate::document::{Leaf, Node, Path, Value};
use crate::query::Filter;
use crate::query::pattern::Source;
use crate::query::syntax::is_operators;

/// A condition, as it is written.
enum Part<'f> {
    /// `$and`, `$or`, `$nor` or `$expr` or `$jsonSchema`, and its operand.
    Whole(&'f str, &'f Value),
    /// A path, an operator, and its operand.
    Operator(&'f str, &'f str, &'f Value, Option<&'f Value>),
    /// A path, and what it is to equal.
    Equal(&'f str, &'f Value),
}

/// The conditions of a filter.
fn parts(filter: &Value) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for (key, value) in filter.fields() {
        match key {
            "$comment" => {}
            _ if key.starts_with('$') => parts.push(Part::Whole(key, value)),
            _ if Source::of(value).is_none() && is_operators(value) => parts.extend(operators(key, value)),
            _ => parts.push(Part::Equal(key, value)),
        }
    }
    parts
}

fn operators<'f>(path: &'f str, condition: &'f Value) -> impl Iterator<Item = Part<'f>> {
    let shown = condition.fields().filter(|(operator, _)| !matches!(*operator, "$options" | "$comment"));
    shown.map(move |(operator, operand)| {
        let options = condition.field("$options").filter(|_| operator == "$regex");
        Part::Operator(path, operator, operand, options)
    })
}

/// Whether a document matches a filter.
fn matches<'a>(filter: &Value, document: impl Node<'a>, report: &Report<'_>) -> bool {
    report.looks_at_all();
    Filter::parse_under(filter, report.collation, report.work)
        .is_ok_and(|filter| filter.matches_within(document, report.work))
}

/// Why a document is not as expected of a filter; `None` where it is.
pub(super) fn explain<'a>(
    filter: &Value,
    document: impl Node<'a>,
    expected: Expected,
    report: &Report<'_>,
) -> Option<Value> {
    let parts = parts(filter);
    if let [only] = &parts[..] {
        return only.explain(document, expected, report);
    }
    all("$and", parts.iter().map(|part| part.explain(document, expected, report)), parts.len(), expected)
}

/// The clauses of a conjunction that are not as expected.
fn all(
    name: &str,
    clauses: impl Iterator<Item = Option<Value>>,
    count: usize,
    expected: Expected,
) -> Option<Value> {
    let broken = broken(clauses);
    // Under a negation all of them must match to break it.
    match (expected, broken.len()) {
        (_, 0) => None,
        (Expected::NoMatch, some) if some < count => None,
        (Expected::Match, _) => Some(list(name, "clausesNotSatisfied", broken)),
        (Expected::NoMatch, _) => Some(list(name, "clausesSatisfied", broken)),
    }
}

fn broken(clauses: impl Iterator<Item = Option<Value>>) -> Vec<Value> {
    let numbered = clauses.enumerate().filter_map(|(n, details)| {
        details.map(|details| Value::Object(vec![number("index", n), field("details", details)]))
    });
    numbered.collect()
}

fn list(name: &str, what: &str, clauses: Vec<Value>) -> Value {
    Value::Object(vec![text("operatorName", name), field(what, Value::Array(clauses))])
}

fn object(name: &str, value: Value) -> Value {
    Value::Object(vec![field(name, value)])
}

impl Part<'_> {
    fn explain<'a>(&self, document: impl Node<'a>, expected: Expected, report: &Report<'_>) -> Option<Value> {
        match *self {
            Part::Whole(name, operand) => whole(name, operand, document, expected, report),
            Part::Equal(path, operand) => {
                let written = object(path, operand.clone());
                let operator = if Source::of(operand).is_some() { "$regex" } else { "$eq" };
                of_field((path, operator, &written), document, expected, report)
            }
            Part::Operator(path, "$not", condition, _) => {
                let inner = object(path, condition.clone());
                let details = explain(&inner, document, expected.other(), report)?;
                Some(Value::Object(vec![text("operatorName", "$not"), field("details", details)]))
            }
            Part::Operator(path, operator, operand, options) => {
                let mut condition = vec![field(operator, operand.clone())];
                condition.extend(options.map(|options| field("$options", options.clone())));
                let written = object(path, Value::Object(condition));
                of_field((path, operator, &written), document, expected, report)
            }
        }
    }
}

/// An operator about the whole document.
fn whole<'a>(
    name: &str,
    operand: &Value,
    document: impl Node<'a>,
    expected: Expected,
    report: &Report<'_>,
) -> Option<Value> {
    let clauses = |expected| operand.items().map(move |clause| explain(clause, document, expected, report));
    let count = operand.items().count();
    match (name, expected) {
        ("$and", _) => all(name, clauses(expected), count, expected),
        ("$or", Expected::Match) => {
            let broken = broken(clauses(expected));
            (broken.len() == count).then(|| list(name, "clausesNotSatisfied", broken))
        }
        ("$or", Expected::NoMatch) => {
            let broken = broken(clauses(expected));
            (!broken.is_empty()).then(|| list(name, "clausesSatisfied", broken))
        }
        // None of them may match.
        ("$nor", Expected::Match) => {
            let broken = broken(clauses(Expected::NoMatch));
            (!broken.is_empty()).then(|| list(name, "clausesSatisfied", broken))
        }
        ("$nor", Expected::NoMatch) => {
            let broken = broken(clauses(Expected::Match));
            (broken.len() == count).then(|| list(name, "clausesNotSatisfied", broken))
        }
        ("$jsonSchema", _) => schema::explain(operand, document, expected, report),
        _ => {
            let written = object(name, operand.clone());
            let holds = matches(&written, document, report);
            if !expected.is_broken_by(holds) {
                return None;
            }
            let why = if holds { "expression did match" } else { "expression did not match" };
            let mut fields = report.operator(name, &written, why);
            fields.push(field("expressionResult", Value::Bool(holds)));
            Some(Value::Object(fields))
        }
    }
}

/// An operator on a path, and the filter that it is alone.
fn of_field<'a>(
    (path, operator, filter): (&str, &str, &Value),
    document: impl Node<'a>,
    expected: Expected,
    report: &Report<'_>,
) -> Option<Value> {
    if report.is_full() {
        return None;
    }
    let holds = matches(filter, document, report);
    if !expected.is_broken_by(holds) {
        return None;
    }
    let mut values = Vec::new();
    let leaf = match operator {
        "$exists" | "$size" | "$elemMatch" | "$all" | "$contains" => Leaf::Whole,
        _ => Leaf::Elements,
    };
    Path::parse(path).walk(document, leaf, &mut |value| {
        values.extend(value);
        !report.work.goes_on(1)
    });
    // `$ne` and `$nin` are the negation of another operator: they fail where that one holds.
    let negated = matches!(operator, "$ne" | "$nin");
    let is_missing = values.is_empty() && operator != "$exists";
    let why = if is_missing { "field was missing" } else { why(operator, filter, holds != negated) };
    let mut fields: Fields = report.operator(operator, filter, why);
    report.considered(&values, &mut fields);
    if operator == "$type" {
        report.types(&values, &mut fields);
    }
    Some(Value::Object(fields))
}

/// The words of the server for an operator that holds, or does not.
fn why(operator: &str, filter: &Value, holds: bool) -> &'static str {
    let (does, does_not) = match operator {
        "$in" | "$nin" => ("matching value found in array", "no matching value found in array"),
        "$exists" => {
            let wanted = filter.fields().next().and_then(|(_, condition)| condition.field("$exists"));
            let is_wanted = !matches!(wanted, Some(Value::Bool(false) | Value::Null | Value::Int(0)));
            return if holds == is_wanted { "path does exist" } else { "path does not exist" };
        }
        "$type" => ("type did match", "type did not match"),
        "$regex" => ("regular expression did match", "regular expression did not match"),
        "$mod" => ("$mod did evaluate to expected remainder", "$mod did not evaluate to expected remainder"),
        "$size" => ("array length was equal to given size", "array length was not equal to given size"),
        "$all" => ("array did contain all specified values", "array did not contain all specified values"),
        "$elemMatch" => {
            ("array did satisfy the child predicate", "array did not satisfy the child predicate")
        }
        "$bitsAllSet" | "$bitsAllClear" | "$bitsAnySet" | "$bitsAnyClear" => {
            ("bitwise operator matched successfully", "bitwise operator failed to match")
        }
        _ => ("comparison succeeded", "comparison failed"),
    };
    if holds { does } else { does_not }
}
