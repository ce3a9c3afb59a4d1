//! The versions that a document had, as far as the log is kept.

use super::names::Names;
use super::options::{Scope, WatchOptions};
use crate::document::{RawValue, Value};
use crate::engine::format::key::{Key, key_of};
use crate::engine::format::record::{Made, Record};
use crate::error::{Error, Kind, Result};
use crate::storage::{Block, Lsn};

/// The version that a record has made of the document with this key: `{ version, lsn, time, operation, document }`. `None` where it is
/// of another document.
pub(super) fn version(
    options: &WatchOptions,
    key: &Key,
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
            if *known.name != **name {
                return Ok(None);
            }
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
            Ok(Some(fields(Value::number(put.version as f64), operation, document.to_value())))
        }
        Record::Delete { collection, id, .. } => {
            let known = names.of(*collection)?;
            let is_it = *known.name == **name && key_of(RawValue::new(id, &known.shapes)) == *key;
            Ok(is_it.then(|| fields(Value::Null, "delete", Value::Null)))
        }
        Record::Create { collection, name: now, .. } => {
            names.named(*collection, now)?;
            Ok(None)
        }
        Record::Rename { collection, name: now } => {
            names.of(*collection)?;
            names.named(*collection, now)?;
            Ok(None)
        }
        Record::Drop { collection } => {
            let known = names.of(*collection)?;
            Ok((*known.name == **name).then(|| fields(Value::Null, "drop", Value::Null)))
        }
        _ => Ok(None),
    }
}
