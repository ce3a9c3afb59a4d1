//! States of accumulators in the records of a spill: the exact state, so that it continues as if it had stayed in memory.

use std::collections::HashSet;

use super::accumulator::{Accumulator, State};
use crate::document::{Object, Value};
use crate::error::{Error, Kind, Result};
use crate::query::SortKey;
use crate::query::aggregate::memory::size;
use crate::query::expression::{Total, identity};
use crate::query::spill::bytes::{Reading, put_bytes, put_optional, put_u64, put_value};
use crate::query::wide::Wide;

impl State {
    /// The bytes that were counted for it.
    pub(super) fn bytes(&self) -> usize {
        match self {
            State::Sum(_) | State::Avg(..) | State::Deviation { .. } => 0,
            State::Extreme(_, value) => value.as_ref().map_or(0, size),
            State::One(value) => value.iter().flatten().map(size).sum(),
            State::List(items) => items.iter().map(size).sum(),
            State::Best(best) => best.items().iter().map(size).sum(),
            State::Set(known, items) => {
                known.iter().map(Vec::len).sum::<usize>() + items.iter().map(size).sum::<usize>()
            }
            State::Object(object) => {
                object.fields().iter().map(|(key, value)| 72 + 2 * key.len() + size(value)).sum()
            }
            State::Ranked(best) => best.items().iter().map(|(key, value)| key.size() + size(value)).sum(),
            State::Numbers(numbers) => size_of_val(numbers.as_slice()),
        }
    }

    /// Appends the state.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            State::Sum(total) => total.write(out),
            State::Avg(total, count) => {
                total.write(out);
                put_u64(*count, out);
            }
            State::Extreme(_, value) => put_optional(value.as_ref(), out),
            State::One(value) => {
                out.push(u8::from(value.is_some()));
                if let Some(value) = value {
                    put_optional(value.as_ref(), out);
                }
            }
            State::List(items) | State::Set(_, items) => put_values(items, out),
            State::Best(best) => {
                put_u64(best.sorted() as u64, out);
                put_values(best.items(), out);
            }
            State::Deviation { count, mean, squares, .. } => {
                put_u64(*count, out);
                put_u64(mean.to_bits(), out);
                put_u64(squares.to_bits(), out);
            }
            State::Object(object) => {
                put_u64(object.fields().len() as u64, out);
                for (key, value) in object.fields() {
                    put_bytes(key.as_bytes(), out);
                    put_value(value, out);
                }
            }
            State::Ranked(best) => {
                put_u64(best.sorted() as u64, out);
                put_u64(best.items().len() as u64, out);
                for (key, value) in best.items() {
                    key.write(out);
                    put_value(value, out);
                }
            }
            State::Numbers(numbers) => {
                put_u64(numbers.len() as u64, out);
                numbers.iter().for_each(|number| put_u64(number.to_bits(), out));
            }
        }
    }
}

impl Accumulator {
    /// Reads a state of this accumulator.
    pub(super) fn read(&self, reading: &mut Reading<'_>) -> Result<State> {
        let mut state = self.start();
        match &mut state {
            State::Sum(total) => *total = Total::read(reading)?,
            State::Avg(total, count) => (*total, *count) = (Total::read(reading)?, reading.u64()?),
            State::Extreme(_, value) => *value = reading.optional()?,
            State::One(value) => {
                *value = if reading.byte()? == 0 { None } else { Some(reading.optional()?) };
            }
            State::List(items) => *items = values(reading)?,
            State::Set(known, items) => {
                *items = values(reading)?;
                *known = items
                    .iter()
                    .map(|item| identity::of_under(item, &self.collation))
                    .collect::<HashSet<_>>();
            }
            State::Best(best) => {
                let sorted = reading.len()?;
                best.restore(values(reading)?, sorted);
            }
            State::Deviation { count, mean, squares, .. } => {
                (*count, *mean, *squares) = (reading.u64()?, reading.f64()?, reading.f64()?);
            }
            State::Object(object) => {
                let mut fields = Object::new();
                for _ in 0..reading.len()? {
                    let key = std::str::from_utf8(reading.bytes()?).map_err(|_| unreadable())?;
                    fields.push((key.to_owned(), reading.value()?));
                }
                *object = Wide::of(fields);
            }
            State::Ranked(best) => {
                let sorted = reading.len()?;
                let items: Vec<(SortKey, Value)> = (0..reading.len()?)
                    .map(|_| Ok((SortKey::read(reading)?, reading.value()?)))
                    .collect::<Result<_>>()?;
                best.restore(items, sorted);
            }
            State::Numbers(numbers) => {
                *numbers = (0..reading.len()?).map(|_| reading.f64()).collect::<Result<_>>()?;
            }
        }
        Ok(state)
    }
}

fn put_values(items: &[Value], out: &mut Vec<u8>) {
    put_u64(items.len() as u64, out);
    items.iter().for_each(|item| put_value(item, out));
}

fn values(reading: &mut Reading<'_>) -> Result<Vec<Value>> {
    (0..reading.len()?).map(|_| reading.value()).collect()
}

fn unreadable() -> Error {
    Error::new(Kind::Internal, "a record of a temporary file has a name that is no text; please report it")
}
