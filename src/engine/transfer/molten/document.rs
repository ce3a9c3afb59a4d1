//! A document of ours from one of MoltenDB's, and the names of its fields back.

use crate::document::{
    MAX_DEPTH, MAX_DOCUMENT, Object, RawValue, Shapes, Value, depth, encode_plain, encoded_len, id,
};
use crate::engine::state::namespace::check_collection;
use crate::query::date;

use super::source::Written;

/// A document of MoltenDB may have a field `_id` beside its key, which is another here: `__id`, so `__id` is `___id`, and so on.
const ID: &str = "_id";

/// The document with this key, or why there can be none.
pub(super) fn stored(collection: &str, key: &str, value: Value, written: Written) -> Result<Value, String> {
    check_collection(collection).map_err(|error| error.message().to_owned())?;
    let Value::Object(fields) = value else {
        return Err(format!(
            "its value is no object but of type {}, and a document is an object",
            value.type_name()
        ));
    };
    let mut document: Object = Vec::with_capacity(fields.len() + 1);
    document.push((ID.to_owned(), Value::String(key.to_owned())));
    for (mut name, field) in fields {
        if name == ID && field == Value::String(key.to_owned()) {
            continue;
        }
        if is_id(&name) {
            name.insert(0, '_');
        }
        document.push((name, field));
    }
    if written == Written::MessagePack {
        name_times(&mut document);
    }
    let document = Value::Object(document);
    check(&document)?;
    Ok(document)
}

/// The name that a field of a document has in MoltenDB; `None` for the `_id`, which is the key.
pub(super) fn name_there(name: &str) -> Option<&str> {
    if name == ID { None } else { Some(if is_id(name) { &name[1..] } else { name }) }
}

/// Whether it is `_id`, with any number of further underscores before it.
fn is_id(name: &str) -> bool {
    name.strip_suffix("id").is_some_and(|start| !start.is_empty() && start.bytes().all(|byte| byte == b'_'))
}

/// Times of MoltenDB 1.0 become those of 0.6: another name, and text. A field of the program keeps its name.
fn name_times(document: &mut Object) {
    for (there, here) in [("_createdAt", "createdAt"), ("_modifiedAt", "modifiedAt")] {
        let is_taken = document.iter().any(|(name, _)| name == here);
        let Some((name, time)) = document.iter_mut().find(|(name, _)| name == there) else { continue };
        let millis = match time {
            Value::Int(millis) => i64::from(*millis),
            Value::Double(millis) => *millis as i64,
            _ => continue,
        };
        *time = Value::String(date::text_of(millis));
        if !is_taken {
            here.clone_into(name);
        }
    }
}

fn check(document: &Value) -> Result<(), String> {
    let levels = depth(document);
    if levels > MAX_DEPTH {
        return Err(format!("it has {levels} levels; a document has at most {MAX_DEPTH}"));
    }
    let length = encoded_len(document);
    if length > MAX_DOCUMENT {
        return Err(format!("it takes {length} bytes; a document takes at most {} MiB", MAX_DOCUMENT >> 20));
    }
    let Value::Object(fields) = document else { return Ok(()) };
    let Some((_, key)) = fields.first() else { return Ok(()) };
    let mut bytes = Vec::new();
    encode_plain(key, &mut bytes);
    id::check_new_id(RawValue::new(&bytes, &Shapes::new())).map_err(|error| error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_named_like_the_key_keeps_its_value_under_another_name() {
        let text = |text: &str| Value::String(text.to_owned());
        let fields = |fields: &[(&str, &str)]| {
            Value::Object(fields.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect())
        };
        let made = |value| stored("c", "k", value, Written::Json).unwrap();
        assert_eq!(made(fields(&[("_id", "k"), ("a", "b")])), fields(&[("_id", "k"), ("a", "b")]));
        assert_eq!(
            made(fields(&[("__id", "x"), ("_id", "y")])),
            fields(&[("_id", "k"), ("___id", "x"), ("__id", "y")])
        );
        for (here, there) in
            [("_id", None), ("__id", Some("_id")), ("id", Some("id")), ("a_id", Some("a_id"))]
        {
            assert_eq!(name_there(here), there);
        }
    }

    #[test]
    fn what_cannot_be_stored_is_refused_with_its_reason() {
        let object = || Value::Object(Vec::new());
        for (collection, key, value, reason) in [
            ("c", "k", Value::Int(5), "no object"),
            ("a$b", "k", object(), "collection name"),
            ("c", &"k".repeat(1_100), object(), "_id"),
        ] {
            let refused = stored(collection, key, value, Written::Json).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
    }
}
