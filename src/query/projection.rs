//! Projections: which fields of a document a caller gets.

use super::Filter;
use super::operators::Element;
use super::refusal::bad_query;
use super::slice::Slice;
use crate::document::{MAX_DEPTH, Node, Object, Path, RawKind, RawValue, Seen, Value};
use crate::error::{Error, Result};

/// Which fields stay, and what of them.
#[derive(Clone, Debug)]
pub struct Projection {
    mode: Mode,
    /// Whether `_id` stays, where the projection names it as a whole.
    id: Option<Mode>,
    fields: Branch,
    /// The path that ends with `$`, without it.
    positional: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Include,
    Exclude,
}

/// Named paths as a tree.
type Branch = Vec<(String, Rule)>;

/// What becomes of a field that a path names, or leads through.
#[derive(Clone, Debug)]
enum Rule {
    /// It stays or goes, by the mode.
    Whole,
    /// Paths lead into it. True on the way of the positional path.
    Below(Branch, bool),
    /// The element at the position of the match; other values stay whole.
    Matched,
    /// These elements of an array; other values stay whole.
    Slice(Slice),
    /// The first element like this, in an array; nothing of other values.
    First(Box<Element>),
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
        let mut parser = Parser::default();
        parser.read(projection, &mut String::new())?;
        // Alone, $elemMatch asks for its field and $slice for all of the document.
        let mode = match (parser.mode, parser.first, parser.id) {
            (Some(mode), ..) => mode,
            (None, true, _) => Mode::Include,
            (None, false, Some(mode)) => mode,
            (None, false, None) if parser.fields.is_empty() => return Ok(None),
            (None, false, None) => Mode::Exclude,
        };
        let Parser { id, fields, positional, .. } = parser;
        if mode == Mode::Exclude
            && let Some(path) = &positional
        {
            return Err(bad_query(
                path,
                format!("'{path}.$' cannot stand in a projection that excludes fields"),
            ));
        }
        Ok(Some(Projection { mode, id, fields, positional }))
    }

    /// Whether a path ends with `$`, so that it depends on the filter.
    pub fn is_positional(&self) -> bool {
        self.positional.is_some()
    }

    /// The document with these fields, in the document's order. The filter is the one that the document matched.
    pub fn apply(&self, document: RawValue<'_>, filter: &Filter) -> Result<Value> {
        let Some(object) = document.as_object() else { return Ok(document.to_value()) };
        let position = self.positional.as_deref().map(|path| (path, filter.position(document)));
        let walk = Walk { mode: self.mode, position };
        let mut result = Object::new();
        for (key, value) in object.iter() {
            let kept = if key == "_id" && (self.id.is_some() || !self.names("_id")) {
                if self.id == Some(Mode::Exclude) { None } else { Some(value.to_value()) }
            } else {
                walk.field(&self.fields, key, value, true)?
            };
            result.extend(kept.map(|value| (key.to_owned(), value)));
        }
        Ok(Value::Object(result))
    }

    fn names(&self, key: &str) -> bool {
        self.fields.iter().any(|(own, _)| own == key)
    }
}

/// One document on its way through the projection.
struct Walk<'p> {
    mode: Mode,
    /// The positional path, and the element that made the document match.
    position: Option<(&'p str, Option<usize>)>,
}

impl Walk<'_> {
    /// What stays of a field. `outside` says that no array was passed on the way here.
    fn field(&self, branch: &Branch, key: &str, value: RawValue<'_>, outside: bool) -> Result<Option<Value>> {
        let Some((_, rule)) = branch.iter().find(|(own, _)| own == key) else {
            return Ok((self.mode == Mode::Exclude).then(|| value.to_value()));
        };
        Ok(match (rule, value.kind()) {
            (Rule::Whole, _) => (self.mode == Mode::Include).then(|| value.to_value()),
            (Rule::Below(below, positional), _) => return self.value(below, value, *positional && outside),
            (Rule::Matched, RawKind::Array(_)) if outside => {
                Some(Value::Array(vec![self.matched(value)?.to_value()]))
            }
            (Rule::Slice(slice), RawKind::Array(array)) => {
                let items = array.iter().skip(slice.start(array.len())).take(slice.most(array.len()));
                Some(Value::Array(items.map(|item| item.to_value()).collect()))
            }
            (Rule::Matched | Rule::Slice(_), _) => Some(value.to_value()),
            (Rule::First(element), RawKind::Array(array)) => {
                let first = array.iter().find(|item| element.takes(*item));
                first.map(|item| Value::Array(vec![item.to_value()]))
            }
            (Rule::First(_), _) => None,
        })
    }

    /// What stays of a value that paths lead into; arrays are looked through, however nested.
    fn value(&self, branch: &Branch, value: RawValue<'_>, positional: bool) -> Result<Option<Value>> {
        match value.kind() {
            RawKind::Object(object) => {
                let mut result = Object::new();
                for (key, value) in object.iter() {
                    let kept = self.field(branch, key, value, positional)?;
                    result.extend(kept.map(|value| (key.to_owned(), value)));
                }
                Ok(Some(Value::Object(result)))
            }
            RawKind::Array(_) if positional => {
                let item = self.value(branch, self.matched(value)?, false)?;
                Ok(Some(Value::Array(item.into_iter().collect())))
            }
            RawKind::Array(array) => {
                let mut items = Vec::new();
                for item in array.iter() {
                    items.extend(self.value(branch, item, false)?);
                }
                Ok(Some(Value::Array(items)))
            }
            _ => Ok((self.mode == Mode::Exclude).then(|| value.to_value())),
        }
    }

    /// The element of this array that made the document match.
    fn matched<'a>(&self, array: RawValue<'a>) -> Result<RawValue<'a>> {
        let (path, index) = self.position.unwrap_or_default();
        index.and_then(|index| array.items().nth(index)).ok_or_else(|| {
            bad_query(
                path,
                format!("the positional projection '{path}.$' found no matching element; the filter must name the array"),
            )
        })
    }
}

#[derive(Default)]
struct Parser {
    mode: Option<Mode>,
    id: Option<Mode>,
    fields: Branch,
    positional: Option<String>,
    /// Whether there is an `$elemMatch`.
    first: bool,
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
            if let Some(path) = prefix.strip_suffix(".$") {
                let path = path.to_owned();
                self.add_positional(&path, value)?;
                prefix.truncate(outer);
                continue;
            }
            if key.contains(".$.") {
                return Err(bad_query(
                    prefix,
                    format!(
                        "'$' in '{prefix}' may only stand at the end, as in 'a.b.$'; leave out what follows it"
                    ),
                ));
            }
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
            self.add_mode(prefix, mode)?;
            prefix.truncate(outer);
        }
        Ok(())
    }

    fn read_nested(&mut self, value: RawValue<'_>, prefix: &mut String) -> Result<()> {
        match value.fields().next() {
            None => {
                Err(bad_query(prefix, format!("the projection of '{prefix}' must not be an empty object")))
            }
            Some((operator, operand)) if operator.starts_with('$') => {
                if value.fields().nth(1).is_some() {
                    let message = format!("the projection of '{prefix}' takes one operator, but has more");
                    return Err(bad_query(prefix, message));
                }
                self.read_operator(prefix, operator, operand)
            }
            Some(_) => self.read(value, prefix),
        }
    }

    fn read_operator(&mut self, path: &str, operator: &str, operand: RawValue<'_>) -> Result<()> {
        let rule = match operator {
            "$slice" => Rule::Slice(Slice::parse(path, operand)?),
            "$elemMatch" if path.contains('.') => {
                let message = format!("$elemMatch at '{path}' cannot be projected inside another field");
                return Err(bad_query(path, message));
            }
            "$elemMatch" => {
                self.first = true;
                Rule::First(Box::new(Element::parse(path, operand)?))
            }
            _ => {
                let message = format!("unknown operator '{operator}' at '{path}' in a projection");
                return Err(bad_query(path, message));
            }
        };
        if path == "_id" && self.id.is_some() {
            return Err(collision(path));
        }
        self.add(path, rule)
    }

    fn add_positional(&mut self, path: &str, value: RawValue<'_>) -> Result<()> {
        let text = format!("{path}.$");
        let included = match value.seen() {
            Seen::Bool(value) => value,
            Seen::Int(n) => n != 0,
            Seen::Long(n) => n != 0,
            Seen::Double(n) => n != 0.0,
            _ => false,
        };
        if !included {
            return Err(bad_query(&text, format!("'{text}' can only be included: give it 1 or true")));
        }
        if path.split('.').any(|part| part.is_empty() || part.starts_with('$')) {
            return Err(bad_query(
                &text,
                format!("'{text}' cannot be projected: '$' stands at the end only, after a path"),
            ));
        }
        if self.positional.is_some() {
            return Err(bad_query(&text, "a projection has at most one positional path"));
        }
        self.include_or_exclude(&text, Mode::Include)?;
        self.positional = Some(path.to_owned());
        self.add(path, Rule::Matched)
    }

    fn add_mode(&mut self, text: &str, mode: Mode) -> Result<()> {
        if text == "_id" {
            if self.id.is_some() || self.fields.iter().any(|(own, _)| own == "_id") {
                return Err(collision(text));
            }
            self.id = Some(mode);
            return Ok(());
        }
        self.include_or_exclude(text, mode)?;
        self.add(text, Rule::Whole)
    }

    fn include_or_exclude(&mut self, text: &str, mode: Mode) -> Result<()> {
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
        Ok(())
    }

    fn add(&mut self, text: &str, rule: Rule) -> Result<()> {
        if text.starts_with("_id.") && self.id.is_some() {
            return Err(collision(text));
        }
        let path = Path::parse(text);
        if path.parts().len() > MAX_DEPTH {
            return Err(bad_query(text, format!("a projected path has at most {MAX_DEPTH} parts")));
        }
        let on_way = matches!(rule, Rule::Matched);
        let mut rule = Some(rule);
        let mut at = &mut self.fields;
        let mut parts = path.parts().iter().peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            let found = match at.iter().position(|(key, _)| **key == *part.name) {
                Some(_) if last => return Err(collision(text)),
                Some(found) => found,
                None => {
                    let own = if last { rule.take() } else { None };
                    at.push((
                        part.name.to_string(),
                        own.unwrap_or_else(|| Rule::Below(Branch::new(), false)),
                    ));
                    at.len() - 1
                }
            };
            if last {
                return Ok(());
            }
            match at.get_mut(found) {
                Some((_, Rule::Below(below, positional))) => {
                    *positional |= on_way;
                    at = below;
                }
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
