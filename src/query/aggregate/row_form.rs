//! Documents of pipelines in records: stored ones as they are stored, with the number of their collection's home, computed
//! ones as plain values.

use std::sync::Arc;

use super::row::{Home, Row};
use crate::document::encode_plain;
use crate::error::Result;
use crate::query::spill::bytes::{Reading, put_u64, value_of};

const TREE: u8 = 0;
const STORED: u8 = 1;

/// Writes and reads rows.
#[derive(Clone, Default)]
pub(in crate::query) struct RowForm {
    /// The collections of stored rows; few.
    homes: Vec<Arc<dyn Home>>,
}

impl RowForm {
    /// Appends a row, to the end of the record.
    pub(in crate::query) fn write(&mut self, row: &Row, out: &mut Vec<u8>) {
        let stored = match row {
            Row::Tree(value) => {
                out.push(TREE);
                return encode_plain(value, out);
            }
            Row::Stored(stored) => stored,
        };
        let Some(home) = stored.home() else {
            out.push(TREE);
            return encode_plain(&stored.raw().to_value(), out);
        };
        let known = self.homes.iter().position(|known| known.number() == home.number());
        let at = known.unwrap_or_else(|| {
            self.homes.push(home);
            self.homes.len() - 1
        });
        out.push(STORED);
        put_u64(at as u64, out);
        out.extend_from_slice(stored.raw().bytes());
    }

    /// The row at the end of a record.
    pub(in crate::query) fn read(&self, reading: &mut Reading<'_>) -> Result<Row> {
        if reading.byte()? == TREE {
            return Ok(Row::Tree(value_of(reading.rest())));
        }
        let at = reading.len()?;
        let bytes = reading.rest();
        Ok(match self.homes.get(at) {
            Some(home) => Row::Stored(home.row(bytes.to_vec())),
            None => Row::Tree(value_of(bytes)),
        })
    }
}
