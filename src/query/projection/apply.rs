//! The projected document.

use std::collections::HashSet;

use super::projection::{Branch, Mode, Projection, Rule, Way};
use crate::document::{Node, Object, RawKind, RawValue, Value};
use crate::error::{Result, codes};
use crate::query::Filter;
use crate::query::expression::{Env, Rooted, Scope};
use crate::query::made::{check_depth, check_size};
use crate::query::refusal::bad_query;

impl Projection {
    /// Whether expressions make some of its fields.
    pub fn is_computed(&self) -> bool {
        self.computed
    }

    /// Whether a path ends with `$`, so that it depends on the filter.
    pub fn is_positional(&self) -> bool {
        self.positional.is_some()
    }

    /// The document with these fields: the kept ones in the order of the document, then the computed ones in the
    /// order of the projection. The filter is the one that the document matched. Rejects with `BAD_QUERY` when an
    /// expression refuses its operands.
    pub fn apply(&self, document: RawValue<'_>, filter: &Filter) -> Result<Value> {
        let Some(object) = document.as_object() else { return Ok(document.to_value()) };
        let position = self.positional.as_deref().map(|path| (path, filter.position(document)));
        let (root, env) = (Rooted(document), Env::default().under(self.collation.clone()));
        let walk = Walk {
            mode: self.mode,
            position,
            scope: Scope::within(&root, &env, &self.work).of("the projection"),
        };
        let mut result = Object::new();
        for (key, value) in object.iter() {
            let kept = if key == "_id" && (self.id.is_some() || !self.names("_id")) {
                if self.id == Some(Mode::Exclude) { None } else { Some(value.to_value()) }
            } else {
                walk.field(&self.fields, key, value, true)?
            };
            result.extend(kept.map(|value| (key.to_owned(), value)));
        }
        walk.compute(&self.fields, &mut result)?;
        let result = self.work.believe(Value::Object(result))?;
        if self.computed {
            check_depth("the projection", &result)?;
            check_size("the projection", &result)?;
        }
        Ok(result)
    }

    fn names(&self, key: &str) -> bool {
        self.fields.find(key).is_some()
    }
}

/// The projection of one document.
struct Walk<'p> {
    mode: Mode,
    /// The positional path, and the index of the matched element.
    position: Option<(&'p str, Option<usize>)>,
    scope: Scope<'p>,
}

impl Walk<'_> {
    /// The projection of a field. `outside`: there is no array on the path to it.
    fn field(&self, branch: &Branch, key: &str, value: RawValue<'_>, outside: bool) -> Result<Option<Value>> {
        self.scope.step(1)?;
        let Some(rule) = branch.rule(key) else {
            return Ok((self.mode == Mode::Exclude).then(|| value.to_value()));
        };
        Ok(match (rule, value.kind()) {
            (Rule::Whole, _) => (self.mode == Mode::Include).then(|| value.to_value()),
            (Rule::Computed(_), _) => None,
            (Rule::Below(way), _) => return self.value(way, value, way.positional && outside),
            (Rule::Matched, RawKind::Array(_)) if outside => {
                Some(Value::Array(vec![self.matched(value)?.to_value()]))
            }
            (Rule::Slice(slice), RawKind::Array(array)) => {
                let items = array.iter().skip(slice.start(array.len())).take(slice.most(array.len()));
                Some(Value::Array(items.map(|item| item.to_value()).collect()))
            }
            (Rule::Matched | Rule::Slice(_), _) => Some(value.to_value()),
            (Rule::First(element), RawKind::Array(array)) => {
                let first = array.iter().find(|item| element.takes(*item, self.scope.work()));
                first.map(|item| Value::Array(vec![item.to_value()]))
            }
            (Rule::First(_), _) => None,
        })
    }

    /// The projection of a value that paths continue into; it descends into arrays, also nested ones.
    fn value(&self, way: &Way, value: RawValue<'_>, positional: bool) -> Result<Option<Value>> {
        match value.kind() {
            RawKind::Object(object) => {
                let mut result = Object::new();
                for (key, value) in object.iter() {
                    let kept = self.field(&way.branch, key, value, positional)?;
                    result.extend(kept.map(|value| (key.to_owned(), value)));
                }
                self.compute(&way.branch, &mut result)?;
                Ok(Some(Value::Object(result)))
            }
            RawKind::Array(_) if positional => {
                let item = self.value(way, self.matched(value)?, false)?;
                Ok(Some(Value::Array(item.into_iter().collect())))
            }
            RawKind::Array(array) => {
                let mut items = Vec::new();
                for item in array.iter() {
                    items.extend(self.value(way, item, false)?);
                }
                Ok(Some(Value::Array(items)))
            }
            _ if way.computed => self.made(way).map(Some),
            _ => Ok((self.mode == Mode::Exclude).then(|| value.to_value())),
        }
    }

    /// An object of computed fields alone.
    fn made(&self, way: &Way) -> Result<Value> {
        let mut object = Object::new();
        self.compute(&way.branch, &mut object)?;
        Ok(Value::Object(object))
    }

    /// Adds the computed fields, except for missing values. Recursion is bounded by the depth of projections.
    fn compute(&self, branch: &Branch, object: &mut Object) -> Result<()> {
        // Only a field with computed fields below it may be present already.
        let leads = branch.rules.iter().any(|(_, rule)| matches!(rule, Rule::Below(way) if way.computed));
        let there: HashSet<String> =
            if leads { object.iter().map(|(key, _)| key.clone()).collect() } else { HashSet::new() };
        for (key, rule) in &branch.rules {
            let value = match rule {
                Rule::Computed(expression) => expression.eval(&self.scope)?,
                Rule::Below(way) if way.computed && !there.contains(key) => Some(self.made(way)?),
                _ => None,
            };
            object.extend(value.map(|value| (key.clone(), value)));
        }
        Ok(())
    }

    /// The element of this array by which the document matched.
    fn matched<'a>(&self, array: RawValue<'a>) -> Result<RawValue<'a>> {
        let (path, index) = self.position.unwrap_or_default();
        index.and_then(|index| array.items().nth(index)).ok_or_else(|| {
            let message = format!("the positional projection '{path}.$' found no matching element; the filter must name the array");
            bad_query(path, message).with_code(codes::PROJECTION_NO_ELEMENT)
        })
    }
}
