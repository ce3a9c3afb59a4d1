//! `$unwind`: one document for each element of an array.

use std::sync::Arc;

use crate::document::{Object, Value};
use crate::error::{Result, codes};
use crate::query::aggregate::operands::{dollar_path, find, path, set_path, text};
use crate::query::aggregate::row::{Row, Rows};
use crate::query::expression::{FieldPath, Parser};
use crate::query::size::{field, size};
use crate::work::Work;

#[derive(Clone, Debug)]
pub(in crate::query) struct Unwind {
    path: FieldPath,
    index: Option<FieldPath>,
    /// Whether a document without elements is kept.
    preserve: bool,
}

impl Unwind {
    pub(in crate::query) fn parse(parser: &Parser, value: &Value) -> Result<Unwind> {
        let Value::Object(_) = value else {
            if !matches!(value, Value::String(_)) {
                let message = format!("$unwind needs a path such as '$tags', not {}", value.type_name());
                return parser.fail_as(codes::stage("$unwind").of_shape(), message);
            }
            return Ok(Unwind { path: dollar_path(parser, "$unwind", value)?, index: None, preserve: false });
        };
        let known = ["path", "includeArrayIndex", "preserveNullAndEmptyArrays"];
        let given = crate::query::aggregate::operands::fields(parser, "$unwind", value, &known)?;
        let Some(from) = find(given, "path") else {
            return parser.fail_as(codes::stage("$unwind").missing(), "$unwind needs path");
        };
        let index = text(parser, "$unwind", given, "includeArrayIndex")?;
        let preserve = match find(given, "preserveNullAndEmptyArrays") {
            None | Some(Value::Bool(false)) => false,
            Some(Value::Bool(true)) => true,
            Some(_) => {
                let message = "preserveNullAndEmptyArrays of $unwind must be a boolean";
                return parser.fail_as(codes::UNWIND_PRESERVE, message);
            }
        };
        if let Some(index) = index.filter(|index| index.starts_with('$')) {
            let message =
                format!("$unwind cannot use '{index}' as a field: parts must not be empty or start with '$'");
            return parser.fail_as(codes::UNWIND_INDEX, message);
        }
        let index = index.map(|index| path(parser, "$unwind", index)).transpose()?;
        Ok(Unwind { path: dollar_path(parser, "$unwind", from)?, index, preserve })
    }

    fn make(&self, document: &Object, value: Option<Value>, index: Option<usize>) -> Row {
        let mut object = document.clone();
        match value {
            Some(value) => set_path(&mut object, self.path.parts(), value),
            None => remove(&mut object, self.path.parts()),
        }
        if let Some(path) = &self.index {
            set_path(
                &mut object,
                path.parts(),
                index.map_or(Value::Null, |index| Value::number(index as f64)),
            );
        }
        Row::Tree(Value::Object(object))
    }
}

/// The field at a path of objects; arrays are not entered.
fn at_mut<'v>(object: &'v mut Object, parts: &[Box<str>]) -> Option<&'v mut Value> {
    let (first, rest) = parts.split_first()?;
    let (_, value) = object.iter_mut().find(|(key, _)| **key == **first)?;
    match (rest.is_empty(), value) {
        (true, value) => Some(value),
        (false, Value::Object(below)) => at_mut(below, rest),
        _ => None,
    }
}

fn remove(object: &mut Object, parts: &[Box<str>]) {
    let Some((last, parents)) = parts.split_last() else { return };
    if parents.is_empty() {
        object.retain(|(key, _)| **key != **last);
    } else if let Some(Value::Object(below)) = at_mut(object, parents) {
        below.retain(|(key, _)| **key != **last);
    }
}

/// The documents, unwound.
pub(in crate::query) struct Unwinding {
    input: Box<dyn Rows>,
    spec: Arc<Unwind>,
    /// The document whose elements are being returned.
    current: Option<(Object, std::iter::Enumerate<std::vec::IntoIter<Value>>)>,
    /// Bytes of the document without the array, which each result copies.
    copied: usize,
    work: Work,
}

impl Unwinding {
    pub(in crate::query) fn new(input: Box<dyn Rows>, spec: Arc<Unwind>, work: Work) -> Unwinding {
        Unwinding { input, spec, current: None, copied: 0, work }
    }
}

impl Rows for Unwinding {
    fn next(&mut self) -> Result<Option<Row>> {
        loop {
            if let Some((document, items)) = &mut self.current {
                if let Some((index, item)) = items.next() {
                    self.work.step(1 + self.copied / 128)?;
                    return Ok(Some(self.spec.make(document, Some(item), Some(index))));
                }
                self.current = None;
            }
            let Some(row) = self.input.next()? else { return Ok(None) };
            let Value::Object(mut document) = row.into_value() else { continue };
            let spec = &self.spec;
            match at_mut(&mut document, spec.path.parts()).map(|value| std::mem::replace(value, Value::Null))
            {
                Some(Value::Array(items)) if !items.is_empty() => {
                    self.copied = document.iter().map(|(key, value)| field(key) + size(value)).sum();
                    self.current = Some((document, items.into_iter().enumerate()));
                }
                None | Some(Value::Array(_)) if spec.preserve => {
                    return Ok(Some(spec.make(&document, None, None)));
                }
                Some(Value::Null) if spec.preserve => {
                    return Ok(Some(spec.make(&document, Some(Value::Null), None)));
                }
                None | Some(Value::Null | Value::Array(_)) => {}
                Some(other) => return Ok(Some(spec.make(&document, Some(other), None))),
            }
        }
    }
}
