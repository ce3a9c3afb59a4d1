//! The fields that `$project`, `$addFields` and `$unset` name, as a tree, and what it makes of a document.

use crate::document::{Node, Object, Seen, Value};
use crate::error::{Result, codes};
use crate::query::expression::{Expression, FieldPath, Parser, Scope, put};

/// Named fields of one object, in the order they were named.
#[derive(Clone, Debug, Default)]
pub(super) struct Branch(Vec<(String, Field)>);

#[derive(Clone, Debug)]
pub(super) enum Field {
    Include,
    Exclude,
    Computed(Expression),
    Nested(Branch),
}

impl Branch {
    pub(super) fn get(&self, key: &str) -> Option<&Field> {
        self.0.iter().find(|(own, _)| own == key).map(|(_, field)| field)
    }

    pub(super) fn push(&mut self, key: &str, field: Field) {
        self.0.push((key.to_owned(), field));
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<Field> {
        let at = self.0.iter().position(|(own, _)| own == key)?;
        Some(self.0.remove(at).1)
    }

    /// Names a path.
    pub(super) fn add(&mut self, parser: &Parser, path: &FieldPath, field: Field) -> Result<()> {
        let mut at = self;
        let Some((last, parents)) = path.parts().split_last() else { return Ok(()) };
        let collision = || {
            parser
                .error(format!("two fields of the stage collide at '{}'", path.parts().join(".")))
                .with_code(codes::PROJECTION_COLLISION_BELOW)
        };
        for part in parents {
            if at.get(part).is_none() {
                at.push(part, Field::Nested(Branch::default()));
            }
            match at.0.iter_mut().find(|(own, _)| **own == **part) {
                Some((_, Field::Nested(below))) => at = below,
                _ => return Err(collision()),
            }
        }
        if at.get(last).is_some() {
            return Err(collision());
        }
        at.push(last, field);
        Ok(())
    }

    fn computes(&self) -> bool {
        self.0.iter().any(|(_, field)| match field {
            Field::Computed(_) => true,
            Field::Nested(below) => below.computes(),
            Field::Include | Field::Exclude => false,
        })
    }

    /// The named fields, in the document's order, then those that are computed.
    pub(super) fn include<'a>(&self, node: Option<impl Node<'a>>, scope: &Scope<'_>) -> Result<Object> {
        let mut out = Object::new();
        for (key, value) in node.into_iter().flat_map(Node::fields) {
            let kept = match self.get(key) {
                Some(Field::Include) => Some(value.tree()),
                Some(Field::Nested(below)) => below.include_value(value, scope)?,
                _ => None,
            };
            out.extend(kept.map(|value| (key.to_owned(), value)));
        }
        for (key, field) in &self.0 {
            match field {
                Field::Computed(expression) => {
                    if let Some(value) = expression.eval(scope)? {
                        out.push((key.clone(), value));
                    }
                }
                Field::Nested(below) if below.computes() && !out.iter().any(|(own, _)| own == key) => {
                    let made = below.include(None::<&Value>, scope)?;
                    out.push((key.clone(), Value::Object(made)));
                }
                _ => {}
            }
        }
        Ok(out)
    }

    fn include_value<'a>(&self, node: impl Node<'a>, scope: &Scope<'_>) -> Result<Option<Value>> {
        Ok(match node.seen() {
            Seen::Object => Some(Value::Object(self.include(Some(node), scope)?)),
            Seen::Array => {
                let items = node.items().filter_map(|item| self.include_value(item, scope).transpose());
                Some(Value::Array(items.collect::<Result<_>>()?))
            }
            _ if self.computes() => Some(Value::Object(self.include(None::<&Value>, scope)?)),
            _ => None,
        })
    }

    /// All fields but those named.
    pub(super) fn exclude<'a>(&self, node: impl Node<'a>) -> Object {
        let mut out = Object::new();
        for (key, value) in node.fields() {
            let kept = match self.get(key) {
                None => value.tree(),
                Some(Field::Nested(below)) => below.exclude_value(value),
                Some(_) => continue,
            };
            out.push((key.to_owned(), kept));
        }
        out
    }

    fn exclude_value<'a>(&self, node: impl Node<'a>) -> Value {
        match node.seen() {
            Seen::Object => Value::Object(self.exclude(node)),
            Seen::Array => Value::Array(node.items().map(|item| self.exclude_value(item)).collect()),
            _ => node.tree(),
        }
    }

    /// All fields, with the computed ones set; a value that is missing takes its field away.
    pub(super) fn set(&self, object: &mut Object, scope: &Scope<'_>) -> Result<()> {
        for (key, field) in &self.0 {
            match field {
                Field::Computed(expression) => match expression.eval(scope)? {
                    Some(value) => put(object, key.clone(), value),
                    None => object.retain(|(own, _)| own != key),
                },
                Field::Nested(below) => {
                    let at = match object.iter().position(|(own, _)| own == key) {
                        Some(at) => at,
                        None => {
                            object.push((key.clone(), Value::Object(Object::new())));
                            object.len() - 1
                        }
                    };
                    if let Some((_, value)) = object.get_mut(at) {
                        below.set_value(value, scope)?;
                    }
                }
                Field::Include | Field::Exclude => {}
            }
        }
        Ok(())
    }

    fn set_value(&self, value: &mut Value, scope: &Scope<'_>) -> Result<()> {
        match value {
            Value::Object(fields) => self.set(fields, scope),
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.set_value(item, scope)),
            other => {
                let mut made = Object::new();
                self.set(&mut made, scope)?;
                *other = Value::Object(made);
                Ok(())
            }
        }
    }
}
