//! An entry of MoltenDB 1.0, from MessagePack.

use super::entry::{Entry, Parts};
use super::json::{Budget, object, unsigned, whole};
use crate::document::{MAX_DEPTH, Value};

/// Metadata whose names are numbers from -1 down.
const NAMES: [&str; 6] = ["_v", "_key", "_seq", "_createdAt", "_modifiedAt", "_expiresAt"];
/// Commands that are numbers from -10 down.
const COMMANDS: [&str; 8] = ["INSERT", "DELETE", "DROP", "INDEX", "SCHEMA", "ENC", "TX_BEGIN", "TX_COMMIT"];

/// Reads a frame, or an entry of a snapshot.
pub(super) fn of_msgpack(bytes: &[u8]) -> Result<Entry, String> {
    let budget = Budget::of_document();
    let mut reader = Reader { bytes, budget: &budget };
    let mut parts = Parts::default();
    for _ in 0..reader.fields()? {
        let name = reader.text()?;
        match name.as_str() {
            "cmd" => parts.command = Some(reader.command()?),
            "collection" => parts.collection = Some(reader.text()?),
            "key" => parts.key = Some(reader.text()?),
            "value" => parts.value = Some(reader.value(0)?),
            _ => drop(reader.value(0)?),
        }
    }
    if !reader.bytes.is_empty() {
        return Err("bytes follow its end".to_owned());
    }
    parts.finish()
}

struct Reader<'a> {
    bytes: &'a [u8],
    budget: &'a Budget,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or("it is cut off")?;
        self.bytes = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    /// A whole number of so many bytes, the first one the most significant.
    fn number(&mut self, bytes: usize) -> Result<u64, String> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn size(&mut self, bytes: usize) -> Result<usize, String> {
        usize::try_from(self.number(bytes)?).map_err(|_| "it is cut off".to_owned())
    }

    fn fields(&mut self) -> Result<usize, String> {
        match self.byte()? {
            byte @ 0x80..=0x8f => Ok(usize::from(byte & 0xf)),
            0xde => self.size(2),
            0xdf => self.size(4),
            _ => Err("it is no entry".to_owned()),
        }
    }

    fn command(&mut self) -> Result<String, String> {
        match self.bytes.first() {
            Some(0xe0..) => {
                let token = self.byte()? as i8;
                let at = usize::try_from(-10 - i16::from(token)).ok();
                let name = at.and_then(|at| COMMANDS.get(at)).copied();
                Ok(name.map_or_else(|| token.to_string(), str::to_owned))
            }
            _ => self.text(),
        }
    }

    fn text(&mut self) -> Result<String, String> {
        match self.value(0)? {
            Value::String(text) => Ok(text),
            _ => Err("a name or a key in it is no string".to_owned()),
        }
    }

    /// The name of a field.
    fn name(&mut self) -> Result<String, String> {
        match self.bytes.first() {
            Some(0xe0..) => {
                let token = self.byte()? as i8;
                let at = usize::try_from(-1 - i16::from(token)).ok();
                let name = at.and_then(|at| NAMES.get(at)).copied();
                Ok(name.map_or_else(|| token.to_string(), str::to_owned))
            }
            _ => self.text(),
        }
    }

    fn value(&mut self, level: usize) -> Result<Value, String> {
        self.budget.take()?;
        let first = self.byte()?;
        match first {
            0x00..=0x7f => Ok(whole(i64::from(first))),
            0xe0..=0xff => Ok(whole(i64::from(first as i8))),
            0xc0 => Ok(Value::Null),
            0xc2 => Ok(Value::Bool(false)),
            0xc3 => Ok(Value::Bool(true)),
            0xcc => unsigned(self.number(1)?),
            0xcd => unsigned(self.number(2)?),
            0xce => unsigned(self.number(4)?),
            0xcf => unsigned(self.number(8)?),
            0xd0 => Ok(whole(i64::from(self.number(1)? as i8))),
            0xd1 => Ok(whole(i64::from(self.number(2)? as i16))),
            0xd2 => Ok(whole(i64::from(self.number(4)? as i32))),
            0xd3 => Ok(whole(self.number(8)? as i64)),
            0xca => Ok(Value::number(f64::from(f32::from_bits(self.number(4)? as u32)))),
            0xcb => Ok(Value::number(f64::from_bits(self.number(8)?))),
            0xa0..=0xbf => self.string(usize::from(first & 0x1f)),
            0xd9..=0xdb => {
                let length = self.size(1 << (first - 0xd9))?;
                self.string(length)
            }
            0xc4..=0xc6 => {
                let length = self.size(1 << (first - 0xc4))?;
                Ok(Value::Binary(self.take(length)?.to_vec()))
            }
            0x90..=0x9f => self.array(usize::from(first & 0xf), level),
            0xdc | 0xdd => {
                let count = self.size(if first == 0xdc { 2 } else { 4 })?;
                self.array(count, level)
            }
            0x80..=0x8f => self.map(usize::from(first & 0xf), level),
            0xde | 0xdf => {
                let count = self.size(if first == 0xde { 2 } else { 4 })?;
                self.map(count, level)
            }
            _ => Err(format!("it has a value of the unknown type {first:#x}")),
        }
    }

    fn string(&mut self, length: usize) -> Result<Value, String> {
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        Ok(Value::String(text.to_owned()))
    }

    /// Nothing is reserved: the count may be a lie.
    fn array(&mut self, count: usize, level: usize) -> Result<Value, String> {
        let level = below(level)?;
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.value(level)?);
        }
        Ok(Value::Array(values))
    }

    fn map(&mut self, count: usize, level: usize) -> Result<Value, String> {
        let inner = below(level)?;
        let mut fields = Vec::new();
        for _ in 0..count {
            let name = self.name()?;
            fields.push((name, self.value(inner)?));
        }
        Ok(object(fields, level == 0))
    }
}

fn below(level: usize) -> Result<usize, String> {
    if level < MAX_DEPTH {
        Ok(level + 1)
    } else {
        Err(format!("it is nested deeper than a document may be, {MAX_DEPTH} levels"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::transfer::molten::entry::Command;

    fn text(text: &str) -> Vec<u8> {
        let mut bytes = vec![0xa0 | text.len() as u8];
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    fn entry(value: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x84];
        for (name, content) in [("cmd", vec![0xf6]), ("collection", text("c")), ("key", text("k"))] {
            bytes.extend(text(name));
            bytes.extend(content);
        }
        bytes.extend(text("value"));
        bytes.extend_from_slice(value);
        bytes
    }

    #[test]
    fn numbers_stand_for_names_of_metadata_and_commands() {
        let read = of_msgpack(&entry(&[0x82, 0xff, 0x01, 0xfb, 0xcd, 0x01, 0x00])).unwrap();
        let value =
            Value::Object(vec![("_v".into(), Value::Int(1)), ("_modifiedAt".into(), Value::Int(256))]);
        assert_eq!(read, Entry { command: Command::Insert, collection: "c".into(), key: "k".into(), value });
    }

    #[test]
    fn lengths_that_lie_and_deep_nesting_are_refused_and_take_no_memory() {
        for bad in [
            &[0xdb, 0xff, 0xff, 0xff, 0xff][..],
            &[0xdd, 0xff, 0xff, 0xff, 0xff],
            &[0xdf, 0x7f, 0, 0, 0],
            &[0xc1],
            &[],
        ] {
            assert!(of_msgpack(&entry(bad)).is_err());
        }
        assert!(of_msgpack(&entry(&[0x91; 100_000])).unwrap_err().contains("100 levels"));
    }
}
