//! The versions that a document had, as far as the log is kept.

use super::names::Names;
use super::options::{Scope, WatchOptions};
use crate::document::{RawValue, Value};
use crate::engine::format::key::{Key, key_of};
use crate::engine::format::record::{Made, Record};
use crate::error::{Error, Kind, Result};
use crate::storage::{Block, Lsn};

/// The latest version, with its document, that a document of the log had in each collection: a rename brings it to another name.
#[derive(Debug, Default)]
pub(super) struct Latest(Vec<(u32, Value, Value)>);

impl Latest {
    fn set(&mut self, collection: u32, version: &Value, document: &Value) {
        self.forget(collection);
        self.0.push((collection, version.clone(), document.clone()));
    }

    fn forget(&mut self, collection: u32) {
        self.0.retain(|(number, ..)| *number != collection);
    }

    fn of(&self, collection: u32) -> Option<(Value, Value)> {
        let (_, version, document) = self.0.iter().find(|(number, ..)| *number == collection)?;
        Some((version.clone(), document.clone()))
    }
}

/// The version that a record has made of the document with this key: `{ version, lsn, time, operation, document }`. `None` where it is
/// of another document. The history is that of a name: a collection that comes to it brings its document, one that leaves it takes it away.
pub(super) fn version(
    options: &WatchOptions,
    (key, latest): (&Key, &mut Latest),
    names: &mut Names<'_>,
    (block, record): (&Block, &Record<'_>),
    (lsn, time): (Lsn, i64),
) -> Result<Option<Value>> {
    let Scope::Collection(name) = &options.scope else { return Ok(None) };
    let fields = |version, operation: &str, document| {
        Value::Object(vec![
            ("version".to_owned(), version),
            ("lsn".to_owned(), Value::number(lsn.0 as f64)),
            ("time".to_owned(), Value::Date(time)),
            ("operation".to_owned(), Value::String(operation.to_owned())),
            ("document".to_owned(), document),
        ])
    };
    match record {
        Record::Put(put) => {
            let known = names.of(put.collection)?;
            let broken = || Error::new(Kind::Corrupt, "a commit in the log holds a document without an _id");
            let bytes = block.bytes.get(put.document.clone()).ok_or_else(broken)?;
            let document = RawValue::new(bytes, &known.shapes);
            if key_of(document.get("_id").ok_or_else(broken)?) != *key {
                return Ok(None);
            }
            let operation = match &put.made {
                Made::Inserted => "insert",
                Made::Updated { .. } => "update",
                Made::Replaced { .. } => "replace",
                Made::Kept if put.version == 1 => "insert",
                Made::Kept => "replace",
            };
            let (version, document) = (Value::number(put.version as f64), document.to_value());
            latest.set(put.collection, &version, &document);
            Ok((*known.name == **name).then(|| fields(version, operation, document)))
        }
        Record::Delete { collection, id, .. } => {
            let known = names.of(*collection)?;
            let is_it = key_of(RawValue::new(id, &known.shapes)) == *key;
            if is_it {
                latest.forget(*collection);
            }
            Ok((is_it && *known.name == **name).then(|| fields(Value::Null, "delete", Value::Null)))
        }
        Record::Create { collection, name: now, .. } => {
            names.named(*collection, now)?;
            Ok(None)
        }
        Record::Rename { collection, name: now } => {
            let before = names.of(*collection)?;
            names.named(*collection, now)?;
            if *before.name == **name {
                return Ok(Some(fields(Value::Null, "rename", Value::Null)));
            }
            let brought = latest.of(*collection).filter(|_| **now == **name);
            Ok(brought.map(|(version, document)| fields(version, "rename", document)))
        }
        Record::Drop { collection } => {
            let known = names.of(*collection)?;
            latest.forget(*collection);
            Ok((*known.name == **name).then(|| fields(Value::Null, "drop", Value::Null)))
        }
        _ => Ok(None),
    }
}
