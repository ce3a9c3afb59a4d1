//! Projections: which fields of a document a caller gets.

use super::refusal::bad_query;
use crate::document::{MAX_DEPTH, Node, Object, Path, RawKind, RawValue, Seen, Value};
use crate::error::{Error, Result};

/// Which fields stay.
#[derive(Clone, Debug)]
pub struct Projection {
    mode: Mode,
    /// Whether `_id` stays, where the projection names it as a whole.
    id: Option<Mode>,
    fields: Branch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Include,
    Exclude,
}

/// Named paths as a tree; a path's end has no branch below it.
type Branch = Vec<(String, Option<Box<Tree>>)>;

#[derive(Clone, Debug, Default)]
struct Tree {
    fields: Branch,
}

impl Projection {
    /// Reads a projection; `None` for one that names nothing.
    pub fn parse(projection: RawValue<'_>) -> Result<Option<Projection>> {
        match projection.seen() {
            Seen::Object => {}
            Seen::Null => return Ok(None),
            other => {
                return Err(bad_query(
                    "",
                    format!("a projection must be an object, not {}", other.type_name()),
                ));
            }
        }
        let mut parser = Parser { mode: None, id: None, fields: Branch::new() };
        parser.read(projection, &mut String::new())?;
        let mode = match (parser.mode, parser.id) {
            (Some(mode), _) | (None, Some(mode)) => mode,
            (None, None) => return Ok(None),
        };
        Ok(Some(Projection { mode, id: parser.id, fields: parser.fields }))
    }

    /// The document with these fields, in the document's order.
    pub fn apply(&self, document: RawValue<'_>) -> Value {
        let Some(object) = document.as_object() else { return document.to_value() };
        let mut result = Object::new();
        for (key, value) in object.iter() {
            let kept = if key == "_id" && (self.id.is_some() || !self.names("_id")) {
                if self.id == Some(Mode::Exclude) { None } else { Some(value.to_value()) }
            } else {
                self.mode.field(&self.fields, key, value)
            };
            result.extend(kept.map(|value| (key.to_owned(), value)));
        }
        Value::Object(result)
    }

    fn names(&self, key: &str) -> bool {
        self.fields.iter().any(|(own, _)| own == key)
    }
}

impl Mode {
    /// What stays of a field.
    fn field(self, branch: &Branch, key: &str, value: RawValue<'_>) -> Option<Value> {
        match (self, branch.iter().find(|(own, _)| own == key)) {
            (Mode::Include, None) | (Mode::Exclude, Some((_, None))) => None,
            (Mode::Include, Some((_, None))) | (Mode::Exclude, None) => Some(value.to_value()),
            (_, Some((_, Some(below)))) => self.value(&below.fields, value),
        }
    }

    /// What stays of a value that paths lead into; arrays are looked through, however nested.
    fn value(self, branch: &Branch, value: RawValue<'_>) -> Option<Value> {
        match value.kind() {
            RawKind::Object(object) => {
                let field = |(key, value): (&str, RawValue<'_>)| {
                    Some((key.to_owned(), self.field(branch, key, value)?))
                };
                Some(Value::Object(object.iter().filter_map(field).collect()))
            }
            RawKind::Array(array) => {
                Some(Value::Array(array.iter().filter_map(|item| self.value(branch, item)).collect()))
            }
            _ if self == Mode::Exclude => Some(value.to_value()),
            _ => None,
        }
    }
}

struct Parser {
    mode: Option<Mode>,
    id: Option<Mode>,
    fields: Branch,
}

impl Parser {
    /// `{ a: { b: 1 } }` says the same as `{ 'a.b': 1 }`. Recursion is bounded by the depth of the input.
    fn read(&mut self, projection: RawValue<'_>, prefix: &mut String) -> Result<()> {
        for (key, value) in projection.fields() {
            let outer = prefix.len();
            if !prefix.is_empty() {
                prefix.push('.');
            }
            prefix.push_str(key);
            if key.split('.').any(|part| part.is_empty() || part.starts_with('$')) {
                return Err(bad_query(
                    prefix,
                    format!(
                        "'{prefix}' cannot be projected: parts of a path must not be empty or start with '$'"
                    ),
                ));
            }
            let mode = match value.seen() {
                Seen::Bool(true) => Mode::Include,
                Seen::Bool(false) => Mode::Exclude,
                Seen::Int(n) => {
                    if n != 0 {
                        Mode::Include
                    } else {
                        Mode::Exclude
                    }
                }
                Seen::Long(n) => {
                    if n != 0 {
                        Mode::Include
                    } else {
                        Mode::Exclude
                    }
                }
                Seen::Double(n) => {
                    if n != 0.0 {
                        Mode::Include
                    } else {
                        Mode::Exclude
                    }
                }
                Seen::Object => {
                    self.read_nested(value, prefix)?;
                    prefix.truncate(outer);
                    continue;
                }
                other => {
                    return Err(bad_query(
                        prefix,
                        format!(
                            "the projection of '{prefix}' must be 1 or 0 (true or false), not {}",
                            other.type_name()
                        ),
                    ));
                }
            };
            self.add(prefix, mode)?;
            prefix.truncate(outer);
        }
        Ok(())
    }

    fn read_nested(&mut self, value: RawValue<'_>, prefix: &mut String) -> Result<()> {
        match value.fields().next() {
            None => {
                Err(bad_query(prefix, format!("the projection of '{prefix}' must not be an empty object")))
            }
            Some((operator, _)) if operator.starts_with('$') => {
                Err(bad_query(prefix, format!("unknown operator '{operator}' at '{prefix}' in a projection")))
            }
            Some(_) => self.read(value, prefix),
        }
    }

    fn add(&mut self, text: &str, mode: Mode) -> Result<()> {
        if text == "_id" {
            if self.id.is_some() {
                return Err(collision(text));
            }
            self.id = Some(mode);
            return if self.fields.iter().any(|(own, _)| own == "_id") {
                Err(collision(text))
            } else {
                Ok(())
            };
        }
        if text.starts_with("_id.") && self.id.is_some() {
            return Err(collision(text));
        }
        if *self.mode.get_or_insert(mode) != mode {
            let (verb, other) = match mode {
                Mode::Include => ("include", "excludes"),
                Mode::Exclude => ("exclude", "includes"),
            };
            return Err(bad_query(
                text,
                format!("cannot {verb} '{text}' in a projection that {other} fields; only _id may differ"),
            ));
        }
        let path = Path::parse(text);
        if path.parts().len() > MAX_DEPTH {
            return Err(bad_query(text, format!("a projected path has at most {MAX_DEPTH} parts")));
        }
        let mut at = &mut self.fields;
        let mut parts = path.parts().iter().peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            let found = match at.iter().position(|(key, _)| **key == *part.name) {
                Some(_) if last => return Err(collision(text)),
                Some(found) => found,
                None => {
                    let below = if last { None } else { Some(Box::default()) };
                    at.push((part.name.to_string(), below));
                    at.len() - 1
                }
            };
            if last {
                return Ok(());
            }
            match at.get_mut(found) {
                Some((_, Some(below))) => at = &mut below.fields,
                _ => return Err(collision(text)),
            }
        }
        Ok(())
    }
}

fn collision(path: &str) -> Error {
    bad_query(
        path,
        format!(
            "the projection says two things about '{path}'; name each path once, and not also a part of it"
        ),
    )
}
