//! `$match`: a filter, split where it has expressions, which see the variables of the pipeline.

use std::sync::Arc;

use super::shaping::Shaping;
use crate::document::{Collation, Value};
use crate::error::{Result, codes};
use crate::query::Filter;
use crate::query::aggregate::row::{Row, Rows};
use crate::query::expression::{Env, Expression, Parser};

#[derive(Clone, Debug)]
pub(in crate::query) enum Match {
    Plain(Filter),
    Expression(Expression),
    All(Vec<Match>),
    Any(Vec<Match>),
    Nor(Vec<Match>),
}

impl Match {
    pub(in crate::query) fn parse(parser: &mut Parser, value: &Value) -> Result<Match> {
        let Value::Object(fields) = value else {
            let message = format!("$match needs a filter, not {}", value.type_name());
            return parser.fail_as(codes::stage("$match").of_shape(), message);
        };
        if !has_expression(value) {
            return Filter::parse_node(value, parser.terms()).map(Match::Plain);
        }
        let mut all = Vec::new();
        for (key, operand) in fields {
            let list = |parser: &mut Parser| match operand {
                Value::Array(items) if !items.is_empty() => {
                    items.iter().map(|item| Match::parse(parser, item)).collect::<Result<Vec<_>>>()
                }
                _ => parser.fail(format!("{key} must be an array of at least one filter")),
            };
            all.push(match key.as_str() {
                "$expr" => Match::Expression(parser.inside("$expr", |parser| parser.expression(operand))?),
                "$and" => Match::All(list(parser)?),
                "$or" => Match::Any(list(parser)?),
                "$nor" => Match::Nor(list(parser)?),
                _ => {
                    let alone = Value::Object(vec![(key.clone(), operand.clone())]);
                    Match::Plain(Filter::parse_node(&alone, parser.terms())?)
                }
            });
        }
        Ok(Match::All(all))
    }

    /// Whether the documents that match are the same before a stage that makes others of them.
    pub(in crate::query) fn passes(&self, shaping: &Shaping) -> bool {
        matches!(self, Match::Plain(filter) if filter.looks_only_at(&|field| shaping.keeps(field)))
    }

    /// One filter for both, where none has an expression.
    pub(in crate::query) fn joined(&self, other: &Match) -> Option<Match> {
        match (self, other) {
            (Match::Plain(one), Match::Plain(other)) => Some(Match::Plain(one.clone().and(other.clone()))),
            _ => None,
        }
    }

    /// What every document fulfils that matches, as a filter: all of it where it has no expression, else its plain parts, and the
    /// equalities of its expressions.
    pub(in crate::query) fn demanded(&self, env: Option<&Env>, collation: &Collation) -> Filter {
        match self {
            Match::Plain(filter) => filter.clone(),
            Match::Expression(expression) => {
                let mut all = Filter::all();
                expression.equalities(env, collation, &mut |path, value| {
                    let filter = std::mem::replace(&mut all, Filter::all());
                    all = filter.and(Filter::of_values(path, vec![value.into_owned()], collation));
                });
                all
            }
            Match::All(all) => {
                all.iter().fold(Filter::all(), |filter, one| filter.and(one.demanded(env, collation)))
            }
            Match::Any(_) | Match::Nor(_) => Filter::all(),
        }
    }

    pub(in crate::query) fn matches(&self, row: &Row, env: &Env) -> Result<bool> {
        match self {
            Match::Plain(filter) => {
                let matches = match row {
                    Row::Stored(stored) => filter.matches(stored.raw()),
                    Row::Tree(value) => filter.root.matches(value, filter.work()),
                };
                filter.work().believe(matches)
            }
            Match::Expression(expression) => row.scoped("$match", env, |scope| expression.holds(scope)),
            Match::All(all) => {
                for one in all {
                    if !one.matches(row, env)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Match::Any(all) => any(all, row, env),
            Match::Nor(all) => any(all, row, env).map(|matched| !matched),
        }
    }
}

fn any(all: &[Match], row: &Row, env: &Env) -> Result<bool> {
    for one in all {
        if one.matches(row, env)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the filter has `$expr` at its top level or in `$and`, `$or` or `$nor`.
fn has_expression(value: &Value) -> bool {
    let Value::Object(fields) = value else { return false };
    fields.iter().any(|(key, operand)| match (key.as_str(), operand) {
        ("$expr", _) => true,
        ("$and" | "$or" | "$nor", Value::Array(items)) => items.iter().any(has_expression),
        _ => false,
    })
}

/// The documents that match.
pub(in crate::query) struct Matching {
    pub(in crate::query) input: Box<dyn Rows>,
    pub(in crate::query) test: Arc<Match>,
    pub(in crate::query) env: Arc<Env>,
}

impl Rows for Matching {
    fn next(&mut self) -> Result<Option<Row>> {
        while let Some(row) = self.input.next()? {
            if self.test.matches(&row, &self.env)? {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}
