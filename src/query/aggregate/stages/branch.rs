//! The fields that `$project`, `$addFields` and `$unset` name, as a tree, and its application to a document.

use std::collections::HashSet;

use crate::document::{Node, NodeKind, Object, Value};
use crate::error::{Result, codes};
use crate::query::expression::{Expression, FieldPath, Parser, Scope};
use crate::query::wide::{Keys, Wide};

/// Named fields of one object, in the order they were named.
#[derive(Clone, Debug, Default)]
pub(in crate::query) struct Branch {
    fields: Vec<(String, Field)>,
    keys: Keys,
}

#[derive(Clone, Debug)]
pub(in crate::query) enum Field {
    Include,
    Exclude,
    Computed(Expression),
    Nested(Branch),
}

impl Branch {
    pub(in crate::query) fn get(&self, key: &str) -> Option<&Field> {
        self.keys.find(&self.fields, key).and_then(|at| self.fields.get(at)).map(|(_, field)| field)
    }

    pub(in crate::query) fn push(&mut self, key: &str, field: Field) {
        self.fields.push((key.to_owned(), field));
        self.keys.follow(&self.fields);
    }

    pub(in crate::query) fn remove(&mut self, key: &str) -> Option<Field> {
        let at = self.keys.find(&self.fields, key)?;
        let (_, field) = self.fields.remove(at);
        self.keys = Keys::default();
        self.keys.follow(&self.fields);
        Some(field)
    }

    /// Adds a path.
    pub(in crate::query) fn add(&mut self, parser: &Parser, path: &FieldPath, field: Field) -> Result<()> {
        parser.work().step(path.parts().len())?;
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
            let place = at.keys.find(&at.fields, part);
            match place.and_then(|place| at.fields.get_mut(place)) {
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
        self.fields.iter().any(|(_, field)| match field {
            Field::Computed(_) => true,
            Field::Nested(below) => below.computes(),
            Field::Include | Field::Exclude => false,
        })
    }

    /// The named fields in the order of the document, then the computed ones.
    pub(in crate::query) fn include<'a>(
        &self,
        node: Option<impl Node<'a>>,
        scope: &Scope<'_>,
    ) -> Result<Object> {
        let mut out = Object::new();
        let mut there = vec![false; self.fields.len()];
        for (key, value) in node.into_iter().flat_map(Node::fields) {
            scope.step(1)?;
            let Some(at) = self.keys.find(&self.fields, key) else { continue };
            let kept = match self.fields.get(at) {
                Some((_, Field::Include)) => Some(value.tree()),
                Some((_, Field::Nested(below))) => below.include_value(value, scope)?,
                _ => None,
            };
            if let (Some(there), true) = (there.get_mut(at), kept.is_some()) {
                *there = true;
            }
            out.extend(kept.map(|value| (key.to_owned(), value)));
        }
        for ((key, field), there) in self.fields.iter().zip(there) {
            match field {
                Field::Computed(expression) => {
                    if let Some(value) = expression.eval(scope)? {
                        out.push((key.clone(), value));
                    }
                }
                Field::Nested(below) if below.computes() && !there => {
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
            NodeKind::Object(()) => Some(Value::Object(self.include(Some(node), scope)?)),
            NodeKind::Array(()) => {
                let items = node.items().filter_map(|item| self.include_value(item, scope).transpose());
                Some(Value::Array(items.collect::<Result<_>>()?))
            }
            _ if self.computes() => Some(Value::Object(self.include(None::<&Value>, scope)?)),
            _ => None,
        })
    }

    /// All fields but those named.
    pub(in crate::query) fn exclude<'a>(&self, node: impl Node<'a>, scope: &Scope<'_>) -> Result<Object> {
        let mut out = Object::new();
        for (key, value) in node.fields() {
            scope.step(1)?;
            let kept = match self.get(key) {
                None => value.tree(),
                Some(Field::Nested(below)) => below.exclude_value(value, scope)?,
                Some(_) => continue,
            };
            out.push((key.to_owned(), kept));
        }
        Ok(out)
    }

    fn exclude_value<'a>(&self, node: impl Node<'a>, scope: &Scope<'_>) -> Result<Value> {
        Ok(match node.seen() {
            NodeKind::Object(()) => Value::Object(self.exclude(node, scope)?),
            NodeKind::Array(()) => {
                let items = node.items().map(|item| self.exclude_value(item, scope));
                Value::Array(items.collect::<Result<_>>()?)
            }
            _ => node.tree(),
        })
    }

    /// All fields, with the computed ones set; a missing value removes its field.
    pub(in crate::query) fn set(&self, object: &mut Object, scope: &Scope<'_>) -> Result<()> {
        let mut wide = Wide::of(std::mem::take(object));
        let mut gone = HashSet::new();
        for (key, field) in &self.fields {
            scope.step(1)?;
            match field {
                Field::Computed(expression) => match expression.eval(scope)? {
                    Some(value) => _ = wide.put(key.clone(), value),
                    None => _ = gone.insert(key.as_str()),
                },
                Field::Nested(below) => match wide.get_mut(key) {
                    Some(value) => below.set_value(value, scope)?,
                    None => {
                        let mut made = Object::new();
                        below.set(&mut made, scope)?;
                        wide.put(key.clone(), Value::Object(made));
                    }
                },
                Field::Include | Field::Exclude => {}
            }
        }
        *object = wide.into_object();
        if !gone.is_empty() {
            object.retain(|(own, _)| !gone.contains(own.as_str()));
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
