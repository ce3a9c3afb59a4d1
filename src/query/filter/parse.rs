//! The grammar of filters. `operators` parses the rarer operators, of which `$elemMatch` parses its operand with
//! [`Filter::parse_node`].

use super::clause::{Bound, Clause, Filter, Test};
use super::operators;
use crate::document::{Collation, Node, NodeKind, Path, RawValue, Value};
use crate::error::{Result, codes};
use crate::query::expression::{Constants, Expression, Terms};
use crate::query::pattern::Source;
use crate::query::refusal::{bad_query, not_supported};
use crate::query::schema::JsonSchema;
use crate::query::syntax::{check_parts, is_operators};
use crate::work::Work;

impl Filter {
    /// Parses a filter without deadline or limits; `BAD_QUERY` names the path of the fault.
    pub fn parse(filter: RawValue<'_>) -> Result<Filter> {
        Filter::parse_with(filter, &Constants::default())
    }

    /// [`Filter::parse`] for an operation: with its variables of the option `let`, and its work.
    pub fn parse_with(filter: RawValue<'_>, constants: &Constants) -> Result<Filter> {
        Ok(Filter {
            root: parse_clauses(filter, "", constants, constants.terms())?,
            work: constants.work().clone(),
        })
    }

    /// [`Filter::parse_with`] for a tree.
    pub(crate) fn parse_tree(filter: &Value, constants: &Constants) -> Result<Filter> {
        Ok(Filter {
            root: parse_clauses(filter, "", constants, constants.terms())?,
            work: constants.work().clone(),
        })
    }

    pub(in crate::query) fn parse_node<'a>(filter: impl Node<'a>, terms: Terms<'_>) -> Result<Filter> {
        let constants = Constants::default().within(terms.work).under(terms.collation().clone());
        let root = parse_clauses(filter, "", &constants, terms)?;
        Ok(Filter { root, work: terms.work.clone() })
    }

    /// A filter of stored documents under a collation, without variables.
    pub(in crate::query) fn parse_under<'a>(
        filter: impl Node<'a>,
        collation: &Collation,
        work: &Work,
    ) -> Result<Filter> {
        Filter::parse_node(filter, Terms::under(collation, work).of_stored(true))
    }

    /// A condition on values instead of documents: the operators of this object, on the empty path.
    pub(in crate::query) fn parse_condition<'a>(
        operators: impl Node<'a>,
        path: &str,
        terms: Terms<'_>,
    ) -> Result<Clause> {
        let mut clauses = Vec::new();
        parse_operators(&Path::here(), path, operators, &mut clauses, terms)?;
        Ok(Clause::All(clauses))
    }
}

/// Recursion of the parser follows the nesting of the filter, which is validated to be at most `MAX_DEPTH`.
fn parse_clauses<'a>(
    filter: impl Node<'a>,
    at: &str,
    constants: &Constants,
    terms: Terms<'_>,
) -> Result<Clause> {
    let work = terms.work;
    if !matches!(filter.seen(), NodeKind::Object(())) {
        let what = if at.is_empty() { "a filter".to_owned() } else { format!("each entry of {at}") };
        let code = if at.is_empty() { codes::TYPE_MISMATCH } else { codes::BAD_VALUE };
        let message = format!("{what} must be an object, not {}", filter.seen().type_name());
        return Err(bad_query(at, message).with_code(code));
    }
    let mut clauses = Vec::new();
    for (key, value) in filter.fields() {
        work.step(1)?;
        match key {
            "$and" => clauses.push(Clause::All(parse_list(key, value, constants, terms)?)),
            "$or" => clauses.push(Clause::Any(parse_list(key, value, constants, terms)?)),
            "$nor" => {
                clauses.push(Clause::Not(Box::new(Clause::Any(parse_list(key, value, constants, terms)?))))
            }
            "$comment" => {}
            "$expr" => {
                let expression = Expression::of_filter(value, constants)?;
                clauses.push(Clause::Expression(Box::new((expression, constants.collation().clone()))));
            }
            "$jsonSchema" => {
                let schema = Test::Schema(Box::new(JsonSchema::parse_node(value, work)?));
                clauses.push(Clause::Field(Path::here(), schema));
            }
            "$where" => {
                return Err(not_supported(
                    key,
                    "$where is not supported: no code is evaluated here; use $expr",
                ));
            }
            "$text" => {
                return Err(not_supported(
                    key,
                    "$text is not supported; use $regex, or $contains on a field",
                ));
            }
            "$sampleRate" => {
                return Err(not_supported(key, "$sampleRate is not supported; use the stage $sample"));
            }
            _ if key.starts_with('$') => {
                return Err(bad_query(
                    key,
                    format!(
                        "unknown top-level operator '{key}' in a filter; a field's operators stand inside the field, as in {{ age: {{ $gt: 5 }} }}"
                    ),
                ));
            }
            _ => parse_field(key, value, &mut clauses, terms)?,
        }
    }
    Ok(match <[Clause; 1]>::try_from(clauses) {
        Ok([only]) => only,
        Err(clauses) => Clause::All(clauses),
    })
}

fn parse_list<'a>(
    operator: &str,
    list: impl Node<'a>,
    constants: &Constants,
    terms: Terms<'_>,
) -> Result<Vec<Clause>> {
    let parse = |item| parse_clauses(item, operator, constants, terms);
    let clauses = list.items().map(parse).collect::<Result<Vec<_>>>()?;
    if clauses.is_empty() {
        return Err(bad_query(operator, format!("{operator} must be an array of at least one filter")));
    }
    Ok(clauses)
}

fn parse_field<'a>(
    key: &str,
    value: impl Node<'a>,
    clauses: &mut Vec<Clause>,
    terms: Terms<'_>,
) -> Result<()> {
    let path = Path::parse(key);
    check_parts(&path, key)?;
    if let Some(source) = Source::of(value) {
        clauses.push(Clause::Field(path, Test::Pattern(source.compile(key, terms.work)?)));
        Ok(())
    } else if is_operators(value) {
        parse_operators(&path, key, value, clauses, terms)
    } else {
        let test = Test::Equal(value.tree()).under(terms.at(&path));
        clauses.push(Clause::Field(path, test));
        Ok(())
    }
}

fn parse_operators<'a>(
    path: &Path,
    name: &str,
    operators: impl Node<'a>,
    clauses: &mut Vec<Clause>,
    terms: Terms<'_>,
) -> Result<()> {
    for (operator, operand) in operators.fields() {
        match operator {
            "$regex" => clauses.push(parse_regex(path, name, operand, operators.field("$options"), terms)?),
            "$options" if operators.field("$regex").is_some() => {}
            "$options" => {
                return Err(bad_query(name, format!("$options at '{name}' needs $regex beside it")));
            }
            "$comment" => {}
            _ => clauses.push(parse_operator(path, name, operator, operand, terms)?),
        }
    }
    Ok(())
}

fn parse_regex<'a, N: Node<'a>>(
    path: &Path,
    name: &str,
    operand: N,
    options: Option<N>,
    terms: Terms<'_>,
) -> Result<Clause> {
    let text = |value: N| match value.seen() {
        NodeKind::String(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    };
    let options = match options.map(text) {
        Some(None) => return Err(bad_query(name, format!("$options at '{name}' must be a string"))),
        given => given.flatten(),
    };
    let source = match (Source::of(operand), text(operand), options) {
        (Some(source), _, Some(_)) if !source.options.is_empty() => {
            let message = format!(
                "the options of $regex at '{name}' stand in the expression and in $options; give them once"
            );
            return Err(bad_query(name, message).with_code(codes::REGEX_OPTIONS_TWICE));
        }
        (Some(source), _, options) => Source { options: options.unwrap_or(source.options), ..source },
        (None, Some(pattern), options) => Source { pattern, options: options.unwrap_or_default() },
        (None, None, _) => {
            let found = operand.seen().type_name();
            return Err(bad_query(
                name,
                format!("$regex at '{name}' must be a string or a regular expression, not {found}"),
            ));
        }
    };
    Ok(Clause::Field(path.clone(), Test::Pattern(source.compile(name, terms.work)?)))
}

/// Refuses a regular expression where it has no meaning.
fn refuse_pattern<'a>(name: &str, operator: &str, operand: impl Node<'a>) -> Result<()> {
    if Source::of(operand).is_none() {
        return Ok(());
    }
    let message = match operator {
        "$ne" => format!("$ne at '{name}' cannot take a regular expression; use $not"),
        _ => format!("{operator} at '{name}' cannot compare with a regular expression; use $regex"),
    };
    Err(bad_query(name, message))
}

fn parse_operator<'a>(
    path: &Path,
    name: &str,
    operator: &str,
    operand: impl Node<'a>,
    terms: Terms<'_>,
) -> Result<Clause> {
    let field = |test: Test| Clause::Field(path.clone(), test.under(terms.at(path)));
    let not = |clause: Clause| Clause::Not(Box::new(clause));
    if let "$eq" | "$ne" | "$lt" | "$lte" | "$gt" | "$gte" = operator {
        refuse_pattern(name, operator, operand)?;
    }
    let bound = |inclusive| {
        let value = operand.tree();
        Bound { class: operand.seen().class(), value, inclusive }
    };
    Ok(match operator {
        "$eq" => field(Test::Equal(operand.tree())),
        "$ne" => not(field(Test::Equal(operand.tree()))),
        "$lt" => field(Test::Less(bound(false))),
        "$lte" => field(Test::Less(bound(true))),
        "$gt" => field(Test::Greater(bound(false))),
        "$gte" => field(Test::Greater(bound(true))),
        "$in" => field(parse_in(name, operator, operand, (path, terms))?),
        "$nin" => not(field(parse_in(name, operator, operand, (path, terms))?)),
        "$exists" if is_true(operand.seen()) => field(Test::Exists),
        "$exists" => not(field(Test::Exists)),
        "$not" => not(parse_not(path, name, operand, terms)?),
        "$geoIntersects" | "$geoWithin" | "$near" | "$nearSphere" | "$within" | "$minDistance"
        | "$maxDistance" => {
            return Err(not_supported(
                name,
                format!("{operator} at '{name}' is not supported: there are no geospatial queries"),
            ));
        }
        _ if operator.starts_with('$') => operators::parse(path, name, operator, operand, terms)?
            .ok_or_else(|| {
                bad_query(name, format!("unknown operator '{operator}' at '{name}' in a filter"))
            })?,
        _ => {
            return Err(bad_query(
                name,
                format!(
                    "'{operator}' at '{name}' stands among operators; a value to compare with goes into $eq"
                ),
            ));
        }
    })
}

/// The condition that `$not` negates.
fn parse_not<'a>(path: &Path, name: &str, operand: impl Node<'a>, terms: Terms<'_>) -> Result<Clause> {
    if let Some(source) = Source::of(operand) {
        return Ok(Clause::Field(path.clone(), Test::Pattern(source.compile(name, terms.work)?)));
    }
    if !is_operators(operand) {
        let message = format!(
            "$not at '{name}' needs an object of operators, as in {{ $not: {{ $gt: 5 }} }}, or a regular expression"
        );
        return Err(bad_query(name, message));
    }
    let mut clauses = Vec::new();
    parse_operators(path, name, operand, &mut clauses, terms)?;
    Ok(Clause::All(clauses))
}

fn parse_in<'a>(
    name: &str,
    operator: &str,
    operand: impl Node<'a>,
    (path, terms): (&Path, Terms<'_>),
) -> Result<Test> {
    if !matches!(operand.seen(), NodeKind::Array(())) {
        return Err(bad_query(
            name,
            format!("{operator} at '{name}' needs an array, not {}", operand.seen().type_name()),
        ));
    }
    let (mut values, mut patterns) = (Vec::new(), Vec::new());
    for item in operand.items() {
        if let Some(source) = Source::of(item) {
            patterns.push(source.compile(name, terms.work)?);
            continue;
        }
        if is_operators(item) {
            return Err(bad_query(name, format!("{operator} at '{name}' takes values, not operators")));
        }
        values.push(item.tree());
    }
    let collation = terms.at(path);
    values.sort_by(|a, b| collation.compare(a, b));
    Ok(if patterns.is_empty() { Test::In(values) } else { Test::Among(values, patterns) })
}

/// Whether an operand counts as true: all values do except false, null and zero.
fn is_true(seen: NodeKind<'_>) -> bool {
    match seen {
        NodeKind::Bool(value) => value,
        NodeKind::Null => false,
        NodeKind::Int(value) => value != 0,
        NodeKind::Long(value) => value != 0,
        NodeKind::Double(value) => value != 0.0,
        _ => true,
    }
}
