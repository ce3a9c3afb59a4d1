//! Grouping stored documents without trees: keys that are paths, and accumulators of numbers and extremes, read their
//! fields from the stored bytes. Their states can be merged, so threads group ranges of documents independently.

use parking_lot::Mutex;

use super::accumulator::{Accumulator, Kind};
use super::grouping::{Group, Key};
use super::groups::Groups;
use super::records::write_value;
use super::table::Place;
use crate::document::{Collation, Columns, Fields, Object, RawValue, Value};
use crate::error::Result;
use crate::query::aggregate::row::{Gather, Part};
use crate::query::expression::{Blocked, Env, Expression, FieldPath, identity};
use crate::work::Work;

/// A group whose expressions are all paths and constants.
pub(in crate::query) struct FastGroup<'g> {
    group: &'g Group,
    key: FastKey<'g>,
    operands: Vec<Operand<'g>>,
    columns: Columns,
    /// The groups of the finished parts; locked once per part.
    groups: Mutex<Groups>,
    work: Work,
    env: &'g Env,
}

enum FastKey<'g> {
    One(Operand<'g>),
    /// `{ a: '$x', b: '$y' }`
    Object(Vec<(&'g str, Operand<'g>)>),
}

enum Operand<'g> {
    /// With the column of its first part.
    Path(&'g FieldPath, Option<usize>),
    Constant(&'g Value),
}

/// A stored document, and its columns where its shape has them.
struct Document<'c, 'a> {
    raw: RawValue<'a>,
    fields: Option<Fields<'c, 'a>>,
}

impl<'a> Document<'_, 'a> {
    #[inline]
    fn node(&mut self, path: &FieldPath, column: Option<usize>) -> Result<Option<RawValue<'a>>, Blocked> {
        match (&mut self.fields, column) {
            (Some(fields), Some(column)) => {
                fields.get(column).map_or(Ok(None), |first| path.node_below(first))
            }
            _ => path.node(self.raw),
        }
    }
}

impl<'g> Operand<'g> {
    fn of(expression: &'g Expression, columns: &mut Columns) -> Option<Operand<'g>> {
        match (expression.as_path(), expression.as_literal()) {
            (Some(path), _) => {
                let first = path.parts().first()?;
                Some(Operand::Path(path, columns.column(first)))
            }
            (_, Some(value)) => Some(Operand::Constant(value)),
            _ => None,
        }
    }

    fn value(&self, raw: RawValue<'_>) -> Option<Value> {
        match self {
            Operand::Path(path, _) => path.of(raw),
            Operand::Constant(value) => Some((*value).clone()),
        }
    }

    /// Appends the bytes of its value in this document; false if it is missing.
    #[inline]
    fn identify(&self, document: &mut Document<'_, '_>, out: &mut Vec<u8>) -> bool {
        match self {
            Operand::Constant(value) => identity::write(*value, out),
            Operand::Path(path, column) => match document.node(path, *column) {
                Ok(Some(node)) => identity::write(node, out),
                Ok(None) => return false,
                Err(Blocked) => match path.of(document.raw) {
                    Some(value) => identity::write(&value, out),
                    None => return false,
                },
            },
        }
        true
    }
}

impl<'g> FastGroup<'g> {
    /// The group in this form, if it has one.
    pub(in crate::query) fn of(group: &'g Group, env: &'g Env) -> Option<FastGroup<'g>> {
        // Sort keys are made of trees.
        if !group.collation.is_simple() {
            return None;
        }
        let mut columns = Columns::default();
        let Key::Value(key) = &group.key else { return None };
        let key = match (Operand::of(key, &mut columns), key.as_object()) {
            (Some(one), _) => FastKey::One(one),
            (None, Some(fields)) => FastKey::Object(
                fields
                    .iter()
                    .map(|(name, one)| Some((name.as_str(), Operand::of(one, &mut columns)?)))
                    .collect::<Option<_>>()?,
            ),
            _ => return None,
        };
        let operand = |(_, accumulator): &'g (String, Accumulator)| match accumulator.kind {
            Kind::Sum | Kind::Avg | Kind::Least | Kind::Greatest => {
                Operand::of(&accumulator.operand, &mut columns)
            }
            _ => None,
        };
        let operands = group.fields.iter().map(operand).collect::<Option<_>>()?;
        let work = env.work().clone();
        let groups = Mutex::new(Groups::whole(group.stage, &work));
        Some(FastGroup { group, key, operands, columns, groups, work, env })
    }

    /// The groups of all parts.
    pub(in crate::query) fn into_groups(self) -> Groups {
        self.groups.into_inner()
    }
}

impl Gather for FastGroup<'_> {
    fn part(&self) -> Box<dyn Part + '_> {
        let groups = Groups::part(self.group.stage, &self.work);
        Box::new(GroupPart { fast: self, columns: self.columns.clone(), groups, bytes: Vec::new() })
    }
}

/// The groups of a range of documents.
struct GroupPart<'f> {
    fast: &'f FastGroup<'f>,
    columns: Columns,
    groups: Groups,
    bytes: Vec<u8>,
}

impl Part for GroupPart<'_> {
    fn add(&mut self, raw: RawValue<'_>) -> Result<()> {
        let GroupPart { fast: FastGroup { group, key, operands, .. }, columns, groups, bytes } = self;
        let mut document = Document { raw, fields: columns.of(raw) };
        bytes.clear();
        match key {
            FastKey::One(one) => {
                if !one.identify(&mut document, bytes) {
                    identity::write(&Value::Null, bytes);
                }
            }
            FastKey::Object(fields) => {
                for (n, (_, one)) in fields.iter().enumerate() {
                    // The flag distinguishes a missing field from a present one.
                    let mut there = one.identify(&mut document, bytes);
                    if !there && fields.len() == 1 {
                        identity::write(&Value::Null, bytes);
                        there = true;
                    }
                    bytes.extend_from_slice(&[u8::from(there), n as u8]);
                }
            }
        }
        let value = || match key {
            FastKey::One(one) => one.value(raw).unwrap_or(Value::Null),
            FastKey::Object(fields) => {
                let missing = (fields.len() == 1).then_some(Value::Null);
                let field = |(name, one): &(&str, Operand<'_>)| {
                    Some(((*name).to_owned(), one.value(raw).or_else(|| missing.clone())?))
                };
                Value::Object(fields.iter().filter_map(field).collect::<Object>())
            }
        };
        let (states, memory) = match groups.place(group, bytes, value)? {
            Place::Here(states, memory) => (states, memory),
            Place::Away(away) => {
                operands.iter().for_each(|operand| write_value(operand.value(raw).as_ref(), away.record));
                away.push();
                return Ok(());
            }
        };
        for (operand, state) in operands.iter().zip(states) {
            match operand {
                Operand::Constant(value) => state.add_seen(*value, &Collation::SIMPLE, memory)?,
                Operand::Path(path, column) => match document.node(path, *column) {
                    Ok(Some(node)) => state.add_seen(node, &Collation::SIMPLE, memory)?,
                    Ok(None) => {}
                    Err(Blocked) => {
                        if let Some(value) = path.of(raw) {
                            state.add_seen(&value, &Collation::SIMPLE, memory)?;
                        }
                    }
                },
            }
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.groups.is_full()
    }

    fn relieve(&mut self) -> Result<()> {
        self.groups.relieve(self.fast.group)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let FastGroup { group, groups, env, .. } = self.fast;
        groups.lock().absorb(group, self.groups, env)
    }
}
