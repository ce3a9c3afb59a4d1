//! The document that an upsert starts from.

use super::clause::Filter;
use crate::document::{MAX_DEPTH, Object, Path, Value, depth};
use crate::error::{Result, codes};
use crate::query::refusal::bad_query;

impl Filter {
    /// The document that an upsert starts from: the equalities of the filter, `_id` first, the rest in the order of
    /// their paths.
    pub fn upsert_seed(&self) -> Result<Object> {
        let mut parts: Vec<(&Path, &Value)> = Vec::new();
        self.root.equalities(&mut |path, value| parts.push((path, value)));
        let rank = |path: &Path| path.parts().first().map(|part| &*part.name != "_id");
        parts.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)).then_with(|| a.names().cmp(b.names())));
        // As in MongoDB: parts of an `_id` do not determine the whole `_id`.
        if let Some((path, _)) =
            parts.iter().find(|(path, _)| path.parts().len() > 1 && rank(path) == Some(false))
        {
            let text = path.to_string();
            let message = format!(
                "an upsert cannot tell the _id from '{text}': the field '_id' must be exactly specified; give it whole"
            );
            return Err(bad_query(&text, message).with_code(codes::NOT_EXACT_VALUE_FIELD));
        }
        for pair in parts.windows(2) {
            if let [(first, _), (second, _)] = pair
                && second.starts_with(first)
            {
                let message = format!(
                    "cannot tell the fields of the document to insert: the filter sets '{first}' twice (also as '{second}'); say it once"
                );
                return Err(bad_query(&first.to_string(), message).with_code(codes::NOT_SINGLE_VALUE_FIELD));
            }
        }
        let mut seed = Object::new();
        for (path, value) in parts {
            if path.parts().len() + depth(value) > MAX_DEPTH {
                let message = format!(
                    "a document made from '{path}' would be nested deeper than {MAX_DEPTH} levels; use a shorter path"
                );
                return Err(bad_query(&path.to_string(), message).with_code(codes::OVERFLOW));
            }
            place(&mut seed, path, value);
        }
        Ok(seed)
    }
}

/// Sets a value at the end of a path of objects. No path is a prefix of another here.
fn place(seed: &mut Object, path: &Path, value: &Value) {
    let mut at = seed;
    let mut parts = path.parts().iter().peekable();
    while let Some(part) = parts.next() {
        let found = match at.iter().position(|(key, _)| **key == *part.name) {
            Some(found) => found,
            None => {
                at.push((part.name.to_string(), Value::Object(Object::new())));
                at.len() - 1
            }
        };
        let Some((_, slot)) = at.get_mut(found) else { return };
        if parts.peek().is_none() {
            *slot = value.clone();
            return;
        }
        let Value::Object(next) = slot else { return };
        at = next;
    }
}
