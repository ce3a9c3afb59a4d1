//! `$project`, `$addFields`, `$set`, `$unset`, `$replaceRoot`, `$replaceWith`: a document becomes another.

use std::sync::Arc;

use super::branch::{Branch, Field};
use crate::document::{Node, Object, Value};
use crate::error::{Result, codes};
use crate::query::aggregate::operands::{fields, find, path};
use crate::query::aggregate::row::{Row, Rows};
use crate::query::expression::{Env, Expression, Parser, Scope};
use crate::query::refusal::bad_query;

#[derive(Clone, Debug)]
pub(in crate::query) struct Shaping {
    /// The stage as it was written: some stages have two names.
    name: &'static str,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Include(Branch),
    Exclude(Branch),
    Set(Branch),
    Replace(Expression),
}

/// The stages of this kind.
const NAMES: [&str; 6] = ["$addFields", "$project", "$replaceRoot", "$replaceWith", "$set", "$unset"];

impl Shaping {
    /// Reads one of these stages; `None` for another.
    pub(in crate::query) fn parse(
        parser: &mut Parser,
        stage: &str,
        value: &Value,
    ) -> Result<Option<Shaping>> {
        let Some(name) = NAMES.into_iter().find(|name| *name == stage) else { return Ok(None) };
        let how = match name {
            "$project" => project(parser, value)?,
            "$addFields" | "$set" => {
                let given = fields(parser, stage, value, &[])?;
                let mut branch = Branch::default();
                add_fields(parser, stage, given, "", &mut branch)?;
                How::Set(branch)
            }
            "$unset" => {
                let names = match value {
                    Value::Array(items) if !items.is_empty() => items.as_slice(),
                    one => std::slice::from_ref(one),
                };
                let mut branch = Branch::default();
                for name in names {
                    let Value::String(name) = name else {
                        let single = !matches!(value, Value::Array(_));
                        let code = if single { codes::stage(stage).of_shape() } else { codes::UNSET_TYPE };
                        return parser.fail_as(code, "$unset needs a field or an array of fields");
                    };
                    branch.add(parser, &path(parser, stage, name)?, Field::Exclude)?;
                }
                How::Exclude(branch)
            }
            "$replaceRoot" => {
                let given = fields(parser, stage, value, &["newRoot"])?;
                let Some(root) = find(given, "newRoot") else {
                    return parser.fail_as(codes::stage(stage).missing(), "$replaceRoot needs newRoot");
                };
                How::Replace(parser.inside("newRoot", |parser| parser.expression(root))?)
            }
            _ => How::Replace(parser.expression(value)?),
        };
        Ok(Some(Shaping { name, how }))
    }

    /// The removal of `_id`, with which `$count` ends.
    pub(in crate::query) fn without_id() -> Shaping {
        let mut branch = Branch::default();
        branch.push("_id", Field::Exclude);
        Shaping { name: "$count", how: How::Exclude(branch) }
    }

    /// The new document.
    pub(in crate::query) fn apply<'a>(&self, node: impl Node<'a>, scope: &Scope<'_>) -> Result<Value> {
        let object = match &self.how {
            How::Include(branch) => branch.include(Some(node), scope)?,
            How::Exclude(branch) => branch.exclude(node, scope)?,
            How::Set(branch) => {
                let mut object = Object::new();
                for (key, value) in node.fields() {
                    object.push((key.to_owned(), value.tree()));
                }
                scope.step(object.len())?;
                branch.set(&mut object, scope)?;
                object
            }
            How::Replace(root) => match root.eval(scope)? {
                Some(Value::Object(object)) => object,
                other => {
                    let found = other.as_ref().map_or("missing", Value::type_name);
                    let message = format!(
                        "{} needs an object as the new document, but it is {found}; $ifNull or $mergeObjects give one",
                        self.name
                    );
                    return Err(bad_query("", message).with_code(codes::NEW_ROOT));
                }
            },
        };
        Ok(Value::Object(object))
    }

    /// Whether a field of the document passes as it is.
    pub(in crate::query) fn keeps(&self, field: &str) -> bool {
        match &self.how {
            How::Include(branch) => matches!(branch.get(field), Some(Field::Include)),
            How::Exclude(branch) | How::Set(branch) => branch.get(field).is_none(),
            How::Replace(_) => false,
        }
    }

    /// The stage as it was written.
    pub(in crate::query) fn name(&self) -> &'static str {
        self.name
    }
}

fn project(parser: &mut Parser, value: &Value) -> Result<How> {
    let given = fields(parser, "$project", value, &[])?;
    if given.is_empty() {
        return parser.fail_as(codes::PROJECTION_EMPTY, "$project needs at least one field");
    }
    let mut branch = Branch::default();
    let mut mode = None;
    read_fields(parser, given, "", &mut branch, &mut mode)?;
    let id_goes = matches!(branch.get("_id"), Some(Field::Exclude));
    if mode.unwrap_or(!id_goes) {
        if id_goes {
            branch.remove("_id");
        } else if branch.get("_id").is_none() {
            branch.push("_id", Field::Include);
        }
        return Ok(How::Include(branch));
    }
    if matches!(branch.get("_id"), Some(Field::Include)) {
        branch.remove("_id");
    }
    Ok(How::Exclude(branch))
}

/// The first field other than `_id` decides whether named fields are included (true) or excluded.
fn read_fields(
    parser: &mut Parser,
    given: &Object,
    prefix: &str,
    branch: &mut Branch,
    mode: &mut Option<bool>,
) -> Result<()> {
    for (key, value) in given {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        let field = match value {
            Value::Bool(_) | Value::Int(_) | Value::Long(_) | Value::Double(_) => {
                let is_zero = crate::query::number::as_double(value) == Some(0.0);
                if is_zero || matches!(value, Value::Bool(false)) { Field::Exclude } else { Field::Include }
            }
            Value::Object(below) if below.is_empty() => {
                let message = format!("$project needs something in '{name}', not an empty object");
                return parser.fail_as(codes::PROJECTION_EMPTY_OBJECT, message);
            }
            Value::Object(below) if !below.iter().any(|(key, _)| key.starts_with('$')) => {
                read_fields(parser, below, &name, branch, mode)?;
                continue;
            }
            other => Field::Computed(parser.inside(&name, |parser| parser.expression(other))?),
        };
        let keeps = !matches!(field, Field::Exclude);
        let decides = name != "_id" || matches!(field, Field::Computed(_));
        if decides && *mode.get_or_insert(keeps) != keeps {
            let code = if keeps { codes::PROJECTION_INCLUDES } else { codes::PROJECTION_EXCLUDES };
            let message = format!(
                "$project cannot both include and exclude fields, as it does with '{name}'; only _id may differ"
            );
            return parser.fail_as(code, message);
        }
        branch.add(parser, &path(parser, "$project", &name)?, field)?;
    }
    Ok(())
}

fn add_fields(
    parser: &mut Parser,
    stage: &str,
    given: &Object,
    prefix: &str,
    branch: &mut Branch,
) -> Result<()> {
    if given.is_empty() && prefix.is_empty() {
        let code = codes::stage(stage).missing();
        return parser.fail_as(code, format!("{stage} needs at least one field"));
    }
    for (key, value) in given {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Object(below)
                if !below.is_empty() && !below.iter().any(|(key, _)| key.starts_with('$')) =>
            {
                add_fields(parser, stage, below, &name, branch)?;
            }
            other => {
                let expression = parser.inside(&name, |parser| parser.expression(other))?;
                branch.add(parser, &path(parser, stage, &name)?, Field::Computed(expression))?;
            }
        }
    }
    Ok(())
}

/// The new documents.
pub(in crate::query) struct Shaped {
    pub(in crate::query) input: Box<dyn Rows>,
    pub(in crate::query) shaping: Arc<Shaping>,
    pub(in crate::query) env: Arc<Env>,
}

impl Rows for Shaped {
    fn next(&mut self) -> Result<Option<Row>> {
        let Some(row) = self.input.next()? else { return Ok(None) };
        let shaped = row.scoped(self.shaping.name, &self.env, |scope| match &row {
            Row::Tree(value) => self.shaping.apply(value, scope),
            Row::Stored(stored) => self.shaping.apply(stored.raw(), scope),
        })?;
        Ok(Some(Row::Tree(shaped)))
    }
}
