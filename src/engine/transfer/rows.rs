//! The records of an import: a line of JSON or a document of BSON, and the document that it is.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::bson;
use super::extended_json::Parsed;
use crate::document::Value;
use crate::error::{Details, Error, Kind, Result};

/// A line: the database if it names one, the collection, and the document, its `_id` first.
pub(super) struct Row {
    pub(super) database: Option<String>,
    pub(super) collection: String,
    pub(super) document: Value,
}

/// The document that a line is.
pub(super) fn document(line: &[u8]) -> Result<Value> {
    match read(line, Parsed)? {
        document @ Value::Object(_) => Ok(document),
        Value::Array(_) => Err(bad(
            "the line is an array; write one document a line, as mongoexport does without --jsonArray"
                .to_owned(),
        )),
        _ => Err(bad("the line is no object".to_owned())),
    }
}

/// The document of a line that names its collection.
pub(super) fn row(line: &[u8]) -> Result<Row> {
    read(line, RowVisitor)
}

/// The document that these bytes of BSON are.
pub(super) fn bson_document(bytes: &[u8]) -> Result<Value> {
    bson::document(bytes).map_err(|refused| {
        if refused.path.is_empty() {
            return bad(refused.message);
        }
        let message = format!("{}: {}", refused.path, refused.message);
        bad(message).with_details(Details { path: Some(refused.path), ..Details::default() })
    })
}

/// An `_id` for the record of this number: a UUID of version 8, in the order of the records.
pub(super) fn derived_id(seed: [u8; 10], number: u64) -> Value {
    let mut bytes = [0; 16];
    bytes[..10].copy_from_slice(&seed);
    bytes[10..].copy_from_slice(&number.to_be_bytes()[2..]);
    Value::String(uuid::Builder::from_custom_bytes(bytes).into_uuid().hyphenated().to_string())
}

/// Reads a whole line.
fn read<'de, T>(line: &'de [u8], seed: impl DeserializeSeed<'de, Value = T>) -> Result<T> {
    let mut reader = serde_json::Deserializer::from_slice(line.trim_ascii_end());
    let value = seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| {
        // The reader counts within its one line.
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        bad(format!("{what}, at column {}", error.column()))
    })
}

pub(super) fn bad(message: String) -> Error {
    Error::new(Kind::BadDocument, message)
}

struct RowVisitor;

impl<'de> DeserializeSeed<'de> for RowVisitor {
    type Value = Row;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Row, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("{\"collection\": name, \"document\": {...}}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        use serde::de::Error as _;
        let (mut database, mut collection, mut document) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "database" if database.is_none() => database = Some(map.next_value::<String>()?),
                "collection" if collection.is_none() => collection = Some(map.next_value::<String>()?),
                "document" if document.is_none() => document = Some(map.next_value_seed(Parsed)?),
                "database" | "collection" | "document" => {
                    return Err(A::Error::custom(format!("the key {key} stands twice")));
                }
                _ => {
                    let message = format!(
                        "the key {key:?} is unknown; a line has collection and document, and may have database"
                    );
                    return Err(A::Error::custom(message));
                }
            }
        }
        match (collection, document) {
            (Some(collection), Some(document @ Value::Object(_))) => {
                Ok(Row { database, collection, document })
            }
            (Some(_), Some(_)) => Err(A::Error::custom("the document is no object")),
            _ => Err(A::Error::custom("the line has no collection or no document")),
        }
    }
}
