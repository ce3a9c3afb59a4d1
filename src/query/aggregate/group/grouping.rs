//! The groups of a `$group` or `$bucket`: their key, their fields and their states. Groups keep the order of their
//! first documents.

use std::collections::HashMap;

use super::accumulator::{Accumulator, State};
use crate::document::order::compare_values;
use crate::document::{Object, Value};
use crate::error::{Result, codes};
use crate::query::aggregate::memory::{Gathered, Memory, size};
use crate::query::aggregate::operands::{fields, find};
use crate::query::aggregate::row::Row;
use crate::query::expression::{Env, Expression, Parser, identity};
use crate::query::merge_sort;
use crate::query::refusal::bad_query;
use crate::work::Work;

/// A `$group`, or a stage that is equivalent to one.
#[derive(Clone, Debug)]
pub(in crate::query) struct Group {
    pub(in crate::query) stage: &'static str,
    pub(in crate::query) key: Key,
    pub(in crate::query) fields: Vec<(String, Accumulator)>,
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
        Ok(Group { stage: "$group", key, fields: accumulators(parser, given)? })
    }

    /// A group that counts: of all documents, or of each value of the key.
    pub(in crate::query) fn counting(stage: &'static str, key: Expression, name: &str) -> Group {
        let one =
            Accumulator { kind: super::accumulator::Kind::Sum, operand: Expression::literal(Value::Int(1)) };
        Group { stage, key: Key::Value(key), fields: vec![(name.to_owned(), one)] }
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

/// Groups under construction.
pub(in crate::query) struct Groups {
    by_key: HashMap<Vec<u8>, usize, foldhash::fast::RandomState>,
    groups: Vec<(Value, Vec<State>)>,
    pub(in crate::query) memory: Memory,
}

impl Groups {
    pub(in crate::query) fn new(stage: &'static str, work: &Work) -> Groups {
        Groups { by_key: HashMap::default(), groups: Vec::new(), memory: Memory::new(stage, work) }
    }

    /// The states of a key, by its bytes. Its value is computed if the key is new.
    #[inline]
    pub(in crate::query) fn states(
        &mut self,
        group: &Group,
        bytes: &[u8],
        key: impl FnOnce() -> Value,
    ) -> Result<(&mut Vec<State>, &mut Memory)> {
        let at = match self.by_key.get(bytes) {
            Some(at) => *at,
            None => {
                let key = key();
                self.memory.take(bytes.len() + size(&key) + 64 + 96 * group.fields.len())?;
                let states = group.fields.iter().map(|(_, accumulator)| accumulator.start()).collect();
                self.groups.push((key, states));
                self.by_key.insert(bytes.to_vec(), self.groups.len() - 1);
                self.groups.len() - 1
            }
        };
        match self.groups.get_mut(at) {
            Some((_, states)) => Ok((states, &mut self.memory)),
            None => Err(bad_query("", "a group was lost; please report it")),
        }
    }

    pub(in crate::query) fn add(
        &mut self,
        group: &Group,
        row: &Row,
        env: &Env,
        bytes: &mut Vec<u8>,
    ) -> Result<()> {
        row.scoped(group.stage, env, |scope| {
            let key = group.key.of(scope)?;
            bytes.clear();
            identity::write(&key, bytes);
            let (states, memory) = self.states(group, bytes, || key)?;
            for ((_, accumulator), state) in group.fields.iter().zip(states) {
                accumulator.add(state, row, scope, memory)?;
            }
            Ok(())
        })
    }

    /// Merges the groups of later documents; all accumulators must be mergeable.
    pub(in crate::query) fn absorb(&mut self, group: &Group, other: Groups) -> Result<()> {
        let mut keys = vec![Vec::new(); other.groups.len()];
        for (bytes, at) in other.by_key {
            if let Some(key) = keys.get_mut(at) {
                *key = bytes;
            }
        }
        for (bytes, (key, states)) in keys.into_iter().zip(other.groups) {
            let (known, memory) = self.states(group, &bytes, || key)?;
            for (state, more) in known.iter_mut().zip(states) {
                state.absorb(more, memory)?;
            }
        }
        Ok(())
    }

    /// The documents of the groups.
    pub(in crate::query) fn finish(self, group: &Group) -> Result<Gathered<Value>> {
        let Groups { by_key, groups, memory } = self;
        drop(by_key);
        let mut all = Vec::with_capacity(groups.len());
        for (key, states) in groups {
            memory.work().step(1)?;
            let mut object = vec![("_id".to_owned(), key)];
            for ((name, accumulator), state) in group.fields.iter().zip(states) {
                object.push((name.clone(), accumulator.finish(state, memory.work())?));
            }
            all.push(Value::Object(object));
        }
        if matches!(group.key, Key::Bucket { .. }) {
            all = merge_sort::sort_by(all, memory.work(), |a, b| compare_values(id(a), id(b)))?;
        }
        Ok(Gathered::new(all, memory, size))
    }
}

fn id(value: &Value) -> &Value {
    match value {
        Value::Object(fields) => fields.first().map_or(&Value::Null, |(_, id)| id),
        _ => &Value::Null,
    }
}

impl Key {
    fn of(&self, scope: &crate::query::expression::Scope<'_>) -> Result<Value> {
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
                let above = boundaries.partition_point(|bound| compare_values(bound, &value).is_le());
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
