//! Grouping stored documents without a tree of any: keys that are paths, and accumulators that need a number or
//! compare, read their fields from the bytes where they lie.

use super::accumulator::{Accumulator, Kind};
use super::group::{Group, Groups, Key};
use crate::document::{Object, RawValue, Value};
use crate::error::Result;
use crate::query::expression::{Expression, FieldPath, identity};

/// A group whose expressions are all paths and constants.
pub(super) struct FastGroup<'g> {
    group: &'g Group,
    key: FastKey<'g>,
    operands: Vec<Operand<'g>>,
    bytes: Vec<u8>,
}

enum FastKey<'g> {
    One(Operand<'g>),
    /// `{ a: '$x', b: '$y' }`
    Object(Vec<(&'g str, Operand<'g>)>),
}

enum Operand<'g> {
    Path(&'g FieldPath),
    Constant(&'g Value),
}

impl<'g> Operand<'g> {
    fn of(expression: &'g Expression) -> Option<Operand<'g>> {
        match (expression.as_path(), expression.as_literal()) {
            (Some(path), _) if !path.parts().is_empty() => Some(Operand::Path(path)),
            (_, Some(value)) => Some(Operand::Constant(value)),
            _ => None,
        }
    }

    fn value(&self, raw: RawValue<'_>) -> Option<Value> {
        match self {
            Operand::Path(path) => path.of(raw),
            Operand::Constant(value) => Some((*value).clone()),
        }
    }

    /// Appends the bytes of the value that it has here; false when it is missing.
    fn identify(&self, raw: RawValue<'_>, out: &mut Vec<u8>) -> bool {
        match self {
            Operand::Constant(value) => identity::write(*value, out),
            Operand::Path(path) => match path.node(raw) {
                Ok(Some(node)) => identity::write(node, out),
                Ok(None) => return false,
                Err(_) => match path.of(raw) {
                    Some(value) => identity::write(&value, out),
                    None => return false,
                },
            },
        }
        true
    }
}

impl<'g> FastGroup<'g> {
    /// The group in this form, if it has it.
    pub(super) fn of(group: &'g Group) -> Option<FastGroup<'g>> {
        let Key::Value(key) = &group.key else { return None };
        let key = match (Operand::of(key), key.as_object()) {
            (Some(one), _) => FastKey::One(one),
            (None, Some(fields)) => FastKey::Object(
                fields
                    .iter()
                    .map(|(name, one)| Some((name.as_str(), Operand::of(one)?)))
                    .collect::<Option<_>>()?,
            ),
            _ => return None,
        };
        let operand = |(_, accumulator): &'g (String, Accumulator)| match accumulator.kind {
            Kind::Sum | Kind::Avg | Kind::Least | Kind::Greatest => Operand::of(&accumulator.operand),
            _ => None,
        };
        let operands = group.fields.iter().map(operand).collect::<Option<_>>()?;
        Some(FastGroup { group, key, operands, bytes: Vec::new() })
    }

    /// Takes a document.
    #[inline]
    pub(super) fn add(&mut self, groups: &mut Groups, raw: RawValue<'_>) -> Result<()> {
        let FastGroup { group, key, operands, bytes } = self;
        bytes.clear();
        match key {
            FastKey::One(one) => {
                if !one.identify(raw, bytes) {
                    identity::write(&Value::Null, bytes);
                }
            }
            FastKey::Object(fields) => {
                for (n, (_, one)) in fields.iter().enumerate() {
                    // The number tells a field that is missing from one that is there.
                    let there = one.identify(raw, bytes);
                    bytes.extend_from_slice(&[u8::from(there), n as u8]);
                }
            }
        }
        let value = || match key {
            FastKey::One(one) => one.value(raw).unwrap_or(Value::Null),
            FastKey::Object(fields) => {
                let field = |(name, one): &(&str, Operand<'_>)| Some(((*name).to_owned(), one.value(raw)?));
                Value::Object(fields.iter().filter_map(field).collect::<Object>())
            }
        };
        let (states, _) = groups.states(group, bytes, value)?;
        for (operand, state) in operands.iter().zip(states) {
            match operand {
                Operand::Constant(value) => state.add_seen(*value),
                Operand::Path(path) => match path.node(raw) {
                    Ok(Some(node)) => state.add_seen(node),
                    Ok(None) => {}
                    Err(_) => {
                        if let Some(value) = path.of(raw) {
                            state.add_seen(&value);
                        }
                    }
                },
            }
        }
        Ok(())
    }
}
