//! Sort keys in the records of a spill.

use super::direction::Direction;
use super::key::{SortKey, Standing};
use crate::error::Result;
use crate::query::spill::bytes::{Reading, put_u64, put_value};

const EMPTY_ARRAY: u8 = 0;
const VALUE: u8 = 1;
/// Added to the kind of a part that descends.
const DESCENDING: u8 = 2;

impl SortKey {
    /// Appends the key.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_u64(self.head, out);
        out.push(self.parts.len() as u8);
        for (direction, standing) in &self.parts {
            let descending = if *direction == Direction::Descending { DESCENDING } else { 0 };
            match standing {
                Standing::EmptyArray => out.push(descending | EMPTY_ARRAY),
                Standing::Value(value) => {
                    out.push(descending | VALUE);
                    put_value(value, out);
                }
            }
        }
    }

    /// The key at the beginning of these bytes.
    pub(crate) fn read(reading: &mut Reading<'_>) -> Result<SortKey> {
        let head = reading.u64()?;
        let part = |kind: u8, reading: &mut Reading<'_>| {
            let direction = if kind & DESCENDING != 0 { Direction::Descending } else { Direction::Ascending };
            let standing =
                if kind & VALUE != 0 { Standing::Value(reading.value()?) } else { Standing::EmptyArray };
            Ok((direction, standing))
        };
        let parts = (0..reading.byte()?).map(|_| {
            let kind = reading.byte()?;
            part(kind, reading)
        });
        Ok(SortKey { head, parts: parts.collect::<Result<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Sort;
    use crate::query::testing::{encode, value};

    #[test]
    fn a_key_that_was_written_stands_where_it_stood() {
        let sort = Sort::parse(encode(&value(r#"[["a", 1], ["b", -1]]"#)).raw()).unwrap().unwrap();
        let documents =
            ["{}", r#"{"a": [], "b": 1}"#, r#"{"a": "x", "b": {"@long": 1}}"#, r#"{"a": {"c": [1.5]}}"#];
        let keys: Vec<SortKey> =
            documents.iter().map(|one| sort.key(encode(&value(one)).raw()).unwrap()).collect();
        for key in &keys {
            let mut bytes = Vec::new();
            key.write(&mut bytes);
            let read = SortKey::read(&mut Reading::of(&bytes)).unwrap();
            for other in &keys {
                assert_eq!(read.cmp(other), key.cmp(other));
            }
        }
    }
}
