//! How much a stage may hold: as much as MongoDB's stages, with an error where MongoDB goes to disk or fails.

use super::row::Row;
use crate::document::Value;
use crate::error::{Error, Kind, Result, codes};

/// Bytes that one stage may hold.
const LIMIT: usize = 100 << 20;

/// What a stage holds.
#[derive(Debug)]
pub(super) struct Memory {
    stage: &'static str,
    used: usize,
    limit: usize,
}

impl Memory {
    pub(super) fn new(stage: &'static str) -> Memory {
        Memory { stage, used: 0, limit: LIMIT }
    }

    /// Counts bytes; `LIMIT` when they are too many.
    pub(super) fn take(&mut self, bytes: usize) -> Result<()> {
        self.used += bytes;
        if self.used <= self.limit {
            return Ok(());
        }
        let message = format!(
            "{} would hold more than {} MiB; put a $match or a $project of fewer fields before it, or a $limit behind a $sort",
            self.stage,
            self.limit >> 20
        );
        Err(Error::new(Kind::Limit, message).with_code(codes::QUERY_EXCEEDED_MEMORY_LIMIT))
    }

    pub(super) fn take_row(&mut self, row: &Row) -> Result<()> {
        self.take(match row {
            Row::Tree(value) => size(value),
            // The bytes are the store's.
            Row::Stored(_) => 64,
        })
    }

    pub(super) fn give(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }
}

/// About how many bytes a tree takes.
pub(super) fn size(value: &Value) -> usize {
    32 + match value {
        Value::String(text) => text.len(),
        Value::Binary(bytes) => bytes.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.iter().map(|(key, value)| 24 + key.len() + size(value)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_is_an_error_that_names_the_stage_and_the_next_step() {
        let mut memory = Memory::new("$group");
        memory.take(LIMIT).unwrap();
        let error = memory.take(1).unwrap_err();
        assert_eq!(error.kind(), Kind::Limit);
        assert!(error.message().starts_with("$group would hold more than 100 MiB; put a $match"), "{error}");
    }
}
