//! Write conflicts: a duplicate value in a unique index, and a version that is not the expected one.

use crate::document::{Value, encode, id, shown};
use crate::engine::commit::current_document::Over;
use crate::engine::state::namespace::Shown;
use crate::error::{Details, Error, Kind, Result};
use crate::index::Spec;

/// Whether the document has the version that the caller expects, if any; 0 means no document.
pub(crate) fn check_version(name: &str, wanted: Option<u64>, over: &Over) -> Result<()> {
    let found = match over {
        Over::Nothing(_) => 0,
        Over::Present(_, version, _) => *version,
    };
    if wanted.is_some_and(|wanted| wanted != found) { Err(conflict(name, wanted, found)) } else { Ok(()) }
}

/// The error for a document whose version is not the expected one.
pub(crate) fn conflict(name: &str, wanted: Option<u64>, found: u64) -> Error {
    let wanted = wanted.unwrap_or_default();
    let found =
        if found == 0 { "there is no such document".to_owned() } else { format!("it has version {found}") };
    let message = format!(
        "a document of {} was expected at version {wanted}, but {found}; read it and try again",
        Shown(name)
    );
    Error::new(Kind::Conflict, message)
}

/// The error for an existing document with this `_id` in the collection of this namespace.
pub(crate) fn duplicate_id(namespace: &str, id: &Value) -> Error {
    let key = Value::Object(vec![("_id".to_owned(), id.clone())]);
    let message = message(namespace, "_id_", &key);
    Error::new(Kind::DuplicateKey, message).with_details(id::taken(id))
}

/// The error for another document of the collection of this namespace with these values (an object by path) in a unique index.
pub(crate) fn duplicate_key(namespace: &str, index: &Spec, values: &Value) -> Error {
    let encode = |value: &Value| {
        let mut bytes = Vec::new();
        encode::encode_plain(value, &mut bytes);
        Some(bytes)
    };
    let details = Details {
        key_pattern: encode(&index.key_pattern()),
        key_value: encode(values),
        index: Some(index.name.to_string()),
        ..Details::default()
    };
    let message = message(namespace, &index.name, values);
    Error::new(Kind::DuplicateKey, message).with_details(details)
}

/// MongoDB's message.
fn message(namespace: &str, index: &str, key: &Value) -> String {
    format!("E11000 duplicate key error collection: {namespace} index: {index} dup key: {}", shown(key))
}
