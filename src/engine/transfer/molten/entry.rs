//! An entry of MoltenDB's log, from a line of JSON.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::json::{Budget, Parsed};
use crate::document::Value;

/// What an entry does.
#[derive(Debug, PartialEq)]
pub(super) enum Command {
    /// Writes a document whole.
    Insert,
    /// Deletes a document.
    Delete,
    /// Drops a collection.
    Drop,
    /// Indexes the field that is its key.
    Index,
    /// Sets the schema of a collection.
    Schema,
    /// Begins the transaction that is its key.
    Begin,
    /// Commits it.
    Commit,
    /// Sets when a collection ends (1.0).
    Expiry,
    /// Holds another entry, encrypted.
    Sealed,
}

impl Command {
    /// By its name.
    pub(super) fn named(name: &str) -> Option<Command> {
        Some(match name {
            "INSERT" => Command::Insert,
            "DELETE" => Command::Delete,
            "DROP" => Command::Drop,
            "INDEX" => Command::Index,
            "SCHEMA" => Command::Schema,
            "TX_BEGIN" => Command::Begin,
            "TX_COMMIT" => Command::Commit,
            "TTL_EXPIRY" => Command::Expiry,
            "ENC" => Command::Sealed,
            _ => return None,
        })
    }
}

/// One entry.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) command: Command,
    pub(super) collection: String,
    /// The key of a document, a field, or the name of a transaction.
    pub(super) key: String,
    pub(super) value: Value,
}

/// The parts of an entry as they are found.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) command: Option<String>,
    pub(super) collection: Option<String>,
    pub(super) key: Option<String>,
    pub(super) value: Option<Value>,
}

impl Parts {
    /// The entry, if it is whole.
    pub(super) fn finish(self) -> Result<Entry, String> {
        let missing = |name: &str| format!("it has no {name:?}");
        let name = self.command.ok_or_else(|| missing("cmd"))?;
        let command = Command::named(&name).ok_or_else(|| {
            let shown: String = name.chars().take(40).collect();
            format!("its command {shown:?} is unknown")
        })?;
        Ok(Entry {
            command,
            collection: self.collection.ok_or_else(|| missing("collection"))?,
            key: self.key.ok_or_else(|| missing("key"))?,
            value: self.value.unwrap_or(Value::Null),
        })
    }
}

/// Reads a line, or an entry of a snapshot.
pub(super) fn of_json(line: &[u8]) -> Result<Entry, String> {
    if std::str::from_utf8(line).is_err() {
        return Err("it is not UTF-8".to_owned());
    }
    let budget = Budget::of_document();
    let mut reader = serde_json::Deserializer::from_slice(line);
    let parts = EntryVisitor(&budget).deserialize(&mut reader);
    let parts = parts.and_then(|parts| reader.end().map(|()| parts)).map_err(|error| {
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        format!("{what}, at column {}", error.column())
    })?;
    parts.finish()
}

struct EntryVisitor<'b>(&'b Budget);

impl<'de> DeserializeSeed<'de> for EntryVisitor<'_> {
    type Value = Parts;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Parts, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EntryVisitor<'_> {
    type Value = Parts;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an entry, {\"cmd\", \"collection\", \"key\", \"value\", \"_t\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts, A::Error> {
        let mut parts = Parts::default();
        while let Some(name) = map.next_key::<String>()? {
            let twice = match name.as_str() {
                "cmd" => parts.command.replace(map.next_value()?).is_some(),
                "collection" => parts.collection.replace(map.next_value()?).is_some(),
                "key" => parts.key.replace(map.next_value()?).is_some(),
                "value" => parts
                    .value
                    .replace(map.next_value_seed(Parsed { budget: self.0, whole: true })?)
                    .is_some(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    false
                }
            };
            if twice {
                return Err(A::Error::custom(format!("{name:?} stands twice")));
            }
        }
        Ok(parts)
    }
}
