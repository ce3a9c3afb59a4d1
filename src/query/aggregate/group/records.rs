//! Groups on disk, as records: the states of a group, and what is added to them.

use super::accumulator::{Accumulator, Kind, State};
use super::grouping::Group;
use super::table::Away;
use crate::document::{Object, Value};
use crate::error::Result;
use crate::query::SortKey;
use crate::query::aggregate::memory::Memory;
use crate::query::aggregate::row::Row;
use crate::query::aggregate::row_form::RowForm;
use crate::query::expression::{Env, Scope};
use crate::query::spill::bytes::{Reading, put_optional, put_u64, put_value};

/// The states of a group, which has no documents before.
pub(super) const STATES: u8 = 0;
/// States of later documents, to be merged.
const MERGED: u8 = 1;
/// The operands of one document.
pub(super) const DOCUMENT: u8 = 2;

const MISSING: u8 = 0;
const PRESENT: u8 = 1;
/// The expression failed, which matters only if the accumulator needs its value. The document is at the end.
const FAILED: u8 = 2;

pub(super) fn head(kind: u8, first: u64, key: &Value, record: &mut Vec<u8>) {
    record.clear();
    record.push(kind);
    put_u64(first, record);
    put_value(key, record);
}

/// Writes states of later documents after those of a group on disk.
pub(super) fn write_part(away: Away<'_>, states: &[State]) {
    if let Some(kind) = away.record.first_mut() {
        *kind = MERGED;
    }
    states.iter().for_each(|state| state.write(away.record));
    away.push();
}

/// Appends an operand, of an accumulator that needs no tree of the document.
pub(super) fn write_value(value: Option<&Value>, record: &mut Vec<u8>) {
    // MISSING and PRESENT.
    put_optional(value, record);
}

/// Appends the operand of a document; returns whether its expression failed.
pub(super) fn write_operand(
    accumulator: &Accumulator,
    row: &Row,
    scope: &Scope<'_>,
    record: &mut Vec<u8>,
) -> Result<bool> {
    match accumulator.operand.eval(scope) {
        // In memory the first value is the only one that is computed.
        Err(_) if matches!(accumulator.kind, Kind::First) && scope.step(0).is_ok() => {
            record.push(FAILED);
            Ok(true)
        }
        value => {
            put_optional(value?.as_ref(), record);
            if let Some(key) = accumulator.rank(row)? {
                key.write(record);
            }
            Ok(false)
        }
    }
}

enum Operand {
    Value(Option<Value>, Option<SortKey>),
    Failed,
}

/// A record: what is added to which group.
pub(super) struct Record<'r> {
    pub(super) kind: u8,
    pub(super) first: u64,
    pub(super) key: Value,
    pub(super) rest: Reading<'r>,
}

impl<'r> Record<'r> {
    pub(super) fn read(record: &'r [u8]) -> Result<Record<'r>> {
        let mut rest = Reading::of(record);
        Ok(Record { kind: rest.byte()?, first: rest.u64()?, key: rest.value()?, rest })
    }
}

/// Adds the rest of a record to its group.
pub(super) fn take_up(
    kind: u8,
    mut reading: Reading<'_>,
    group: &Group,
    (states, memory): (&mut [State], &mut Memory),
    (rows, env): (&RowForm, &Env),
) -> Result<()> {
    let pairs = group.fields.iter().map(|(_, accumulator)| accumulator).zip(states);
    match kind {
        STATES => {
            for (accumulator, state) in pairs {
                *state = accumulator.read(&mut reading)?;
                memory.take(state.bytes())?;
            }
        }
        MERGED => {
            for (accumulator, state) in pairs {
                state.absorb(accumulator.read(&mut reading)?, &group.collation, memory)?;
            }
        }
        _ => {
            let mut operands = Vec::with_capacity(group.fields.len());
            for (_, accumulator) in &group.fields {
                operands.push(match reading.byte()? {
                    FAILED => Operand::Failed,
                    found => {
                        debug_assert!(matches!(found, MISSING | PRESENT), "an operand is there or not");
                        let value = if found == MISSING { None } else { Some(reading.value()?) };
                        let ranked = matches!(accumulator.kind, Kind::Ranked { .. });
                        let key = if ranked { Some(SortKey::read(&mut reading)?) } else { None };
                        Operand::Value(value, key)
                    }
                });
            }
            let failed = operands.iter().any(|operand| matches!(operand, Operand::Failed));
            let row = if failed { rows.read(&mut reading)? } else { Row::Tree(Value::Object(Object::new())) };
            for ((accumulator, state), operand) in pairs.zip(operands) {
                match operand {
                    Operand::Value(value, key) => accumulator.add_value(state, value, key, memory)?,
                    Operand::Failed => {
                        row.scoped(group.stage, env, |scope| accumulator.add(state, &row, scope, memory))?
                    }
                }
            }
        }
    }
    Ok(())
}
