//! What a `$group` or `$bucket` groups by, and its fields.

use super::accumulator::Accumulator;
use crate::document::{Collation, Object, Value};
use crate::error::{Result, codes};
use crate::query::aggregate::operands::{fields, find};
use crate::query::expression::{Expression, Parser, identity};
use crate::query::refusal::bad_query;

/// A `$group`, or a stage that is equivalent to one.
#[derive(Clone, Debug)]
pub(in crate::query) struct Group {
    pub(in crate::query) stage: &'static str,
    pub(in crate::query) key: Key,
    pub(in crate::query) fields: Vec<(String, Accumulator)>,
    /// How keys compare.
    pub(in crate::query) collation: Collation,
}

#[derive(Clone, Debug)]
pub(in crate::query) enum Key {
    Value(Expression),
    /// The lower boundary of the bucket, or the default for values outside of all buckets.
    Bucket {
        of: Expression,
        boundaries: Vec<Value>,
        default: Option<Value>,
    },
}

impl Group {
    pub(in crate::query) fn parse(parser: &mut Parser, value: &Value) -> Result<Group> {
        let given = fields(parser, "$group", value, &[])?;
        let Some(id) = find(given, "_id") else {
            let message = "$group needs _id, the expression to group by; null for one group of all";
            return parser.fail_as(codes::stage("$group").missing(), message);
        };
        let key = Key::Value(parser.inside("_id", |parser| parser.expression(id))?);
        let fields = accumulators(parser, given)?;
        Ok(Group { stage: "$group", key, fields, collation: parser.collation().clone() })
    }

    /// A group that counts: of all documents, or of each value of the key.
    pub(in crate::query) fn counting(
        stage: &'static str,
        key: Expression,
        name: &str,
        parser: &Parser,
    ) -> Group {
        let fields = vec![(name.to_owned(), Accumulator::counting())];
        Group { stage, key: Key::Value(key), fields, collation: parser.collation().clone() }
    }

    /// The bytes of a key: equal ones are of one group.
    pub(super) fn identify(&self, key: &Value) -> Vec<u8> {
        identity::of_under(key, &self.collation)
    }
}

/// The fields of a group besides `_id`.
pub(in crate::query) fn accumulators(
    parser: &mut Parser,
    given: &Object,
) -> Result<Vec<(String, Accumulator)>> {
    let mut all = Vec::new();
    for (name, value) in given.iter().filter(|(name, _)| name != "_id") {
        if name.contains('.') || name.starts_with('$') {
            let dot = name.contains('.');
            let code = if dot { codes::GROUP_FIELD_DOT } else { codes::GROUP_FIELD_DOLLAR };
            let message = format!("'{name}' cannot name a field of a group: it has a dot or starts with '$'");
            return parser.fail_as(code, message);
        }
        all.push((name.clone(), parser.inside(name, |parser| Accumulator::parse(parser, value))?));
    }
    Ok(all)
}

impl Key {
    pub(super) fn of(&self, scope: &crate::query::expression::Scope<'_>) -> Result<Value> {
        match self {
            Key::Value(expression) => {
                let value = expression.eval(scope)?.unwrap_or(Value::Null);
                // A key of one field whose expression is missing has null in that field.
                if let (Some([(name, _)]), Value::Object(fields)) = (expression.as_object(), &value)
                    && fields.is_empty()
                {
                    return Ok(Value::Object(vec![(name.clone(), Value::Null)]));
                }
                Ok(value)
            }
            Key::Bucket { of, boundaries, default } => {
                let value = of.eval(scope)?.unwrap_or(Value::Null);
                let above =
                    boundaries.partition_point(|bound| scope.collation().compare(bound, &value).is_le());
                let bucket = if above < boundaries.len() { above.checked_sub(1) } else { None };
                match bucket.and_then(|bucket| boundaries.get(bucket)).or(default.as_ref()) {
                    Some(bucket) => Ok(bucket.clone()),
                    None => {
                        let message = "$bucket has no bucket for a document; give it a default, or boundaries around all values";
                        Err(bad_query("", message).with_code(codes::BUCKET_NONE))
                    }
                }
            }
        }
    }
}
