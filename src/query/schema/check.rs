//! Whether a value is valid. Nothing here allocates except `uniqueItems`, lookups of many names, and the report of a
//! violation.

use std::collections::HashSet;

use super::number::{is_multiple, same};
use super::schema::{Dependency, JsonSchema, Others, Properties, Rule};
use crate::document::order::{compare_nodes, compare_values};
use crate::document::{Node, NodeKind, RawValue, Value};
use crate::work::Work;

/// Names from which on a set of keys is built; also the steps that a lookup of one field counts.
const FIELD: usize = 16;

/// A violation of a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The dotted path in the document; empty for the document itself.
    pub path: String,
    /// The keyword of the schema.
    pub keyword: &'static str,
}

impl JsonSchema {
    /// Whether the document is valid.
    #[cfg(test)]
    pub(crate) fn validates(&self, document: RawValue<'_>) -> bool {
        self.holds(document, &Work::default())
    }

    /// The first keyword that the document violates, innermost if schemas nest; `None` if it is valid.
    #[cfg_attr(not(test), expect(dead_code, reason = "an independent account of violations, for tests"))]
    pub(crate) fn violation(&self, document: RawValue<'_>) -> Option<Violation> {
        let mut path = Vec::new();
        let keyword = self.broken(document, &mut path)?;
        Some(Violation { path: path.join("."), keyword })
    }

    #[inline]
    pub(in crate::query) fn holds<'a>(&self, value: impl Node<'a>, work: &Work) -> bool {
        self.rules.iter().all(|rule| work.goes_on(1) && rule.holds(value, work))
    }

    fn broken<'a>(&self, value: impl Node<'a>, path: &mut Vec<String>) -> Option<&'static str> {
        let none = &Work::default();
        let rule = self.rules.iter().find(|rule| !rule.holds(value, none))?;
        let inside = match rule {
            Rule::Properties(properties) => value.fields().find_map(|(key, value)| {
                let schema = properties.schemas(key).find(|schema| !schema.holds(value, none))?;
                path.push(key.to_owned());
                schema.broken(value, path)
            }),
            Rule::Items(schema) => value.items().enumerate().find_map(|(n, item)| {
                if schema.holds(item, none) {
                    return None;
                }
                path.push(n.to_string());
                schema.broken(item, path)
            }),
            _ => None,
        };
        inside.or_else(|| Some(rule.keyword(value)))
    }
}

impl Rule {
    /// Recursion follows the schema, whose nesting is bounded by the depth of inputs.
    fn holds<'a>(&self, value: impl Node<'a>, work: &Work) -> bool {
        let seen = value.seen();
        match (self, seen) {
            (Rule::Type(_, types), seen) => types.contains(seen),
            (Rule::Enum(values), _) => values.iter().any(|one| work.goes_on(1) && same(value, one)),
            (Rule::AllOf(all), _) => all.iter().all(|one| one.holds(value, work)),
            (Rule::AnyOf(all), _) => all.iter().any(|one| one.holds(value, work)),
            (Rule::OneOf(all), _) => all.iter().filter(|one| one.holds(value, work)).take(2).count() == 1,
            (Rule::Not(schema), _) => !schema.holds(value, work),
            (Rule::Minimum(bound, exclusive), NodeKind::Int(_) | NodeKind::Long(_) | NodeKind::Double(_)) => {
                let order = compare_nodes(value, bound);
                order.is_gt() || order.is_eq() && !exclusive
            }
            (Rule::Maximum(bound, exclusive), NodeKind::Int(_) | NodeKind::Long(_) | NodeKind::Double(_)) => {
                let order = compare_nodes(value, bound);
                order.is_eq() && !exclusive || order.is_lt() && !is_nan(seen)
            }
            (Rule::MultipleOf(divisor), NodeKind::Int(_) | NodeKind::Long(_) | NodeKind::Double(_)) => {
                is_multiple(seen, divisor.seen())
            }
            (Rule::MinLength(least), NodeKind::String(text)) => points(text) >= *least,
            (Rule::MaxLength(most), NodeKind::String(text)) => points(text) <= *most,
            (Rule::Pattern(pattern), NodeKind::String(text)) => {
                work.goes_on(1 + text.len() / 128) && pattern.is_in(text)
            }
            (Rule::Required(names), NodeKind::Object(())) => has_all(names, value, work),
            (Rule::MinProperties(least), NodeKind::Object(())) => value.fields().count() >= *least,
            (Rule::MaxProperties(most), NodeKind::Object(())) => value.fields().count() <= *most,
            (Rule::Properties(properties), NodeKind::Object(())) => properties.hold(value, work),
            (Rule::Dependencies(all), NodeKind::Object(())) => all.iter().all(|(name, dependency)| {
                !work.goes_on(FIELD) || value.field(name).is_none() || dependency.holds(value, work)
            }),
            (Rule::MinItems(least), NodeKind::Array(())) => value.items().count() >= *least,
            (Rule::MaxItems(most), NodeKind::Array(())) => value.items().count() <= *most,
            (Rule::UniqueItems, NodeKind::Array(())) => {
                work.goes_on(value.items().count()) && are_unique(value)
            }
            (Rule::Items(schema), NodeKind::Array(())) => value.items().all(|item| schema.holds(item, work)),
            (Rule::Tuple(schemas, others), NodeKind::Array(())) => {
                value.items().enumerate().all(|(n, item)| match schemas.get(n) {
                    Some(schema) => schema.holds(item, work),
                    None => others.hold(item, work),
                })
            }
            // The rule applies to another type of value.
            _ => true,
        }
    }

    /// The keyword that the value violates.
    fn keyword<'a>(&self, value: impl Node<'a>) -> &'static str {
        match self {
            Rule::Type(keyword, _) => keyword,
            Rule::Enum(_) => "enum",
            Rule::Minimum(..) => "minimum",
            Rule::Maximum(..) => "maximum",
            Rule::MultipleOf(_) => "multipleOf",
            Rule::MinLength(_) => "minLength",
            Rule::MaxLength(_) => "maxLength",
            Rule::Pattern(_) => "pattern",
            Rule::Required(_) => "required",
            Rule::MinProperties(_) => "minProperties",
            Rule::MaxProperties(_) => "maxProperties",
            Rule::Properties(_) => "additionalProperties",
            Rule::Dependencies(_) => "dependencies",
            Rule::MinItems(_) => "minItems",
            Rule::MaxItems(_) => "maxItems",
            Rule::UniqueItems => "uniqueItems",
            Rule::Tuple(schemas, _)
                if value.items().zip(schemas).all(|(item, schema)| schema.holds(item, &Work::default())) =>
            {
                "additionalItems"
            }
            Rule::Items(_) | Rule::Tuple(..) => "items",
            Rule::AllOf(_) => "allOf",
            Rule::AnyOf(_) => "anyOf",
            Rule::OneOf(_) => "oneOf",
            Rule::Not(_) => "not",
        }
    }
}

impl Properties {
    fn schemas<'s>(&'s self, key: &str) -> impl Iterator<Item = &'s JsonSchema> {
        let named = self.named.binary_search_by(|(name, _)| name.as_str().cmp(key)).ok();
        let named = named.and_then(|at| self.named.get(at)).map(|(_, schema)| schema).into_iter();
        let by_pattern = self.patterns.iter().filter(move |(pattern, _)| pattern.is_in(key.as_bytes()));
        named.chain(by_pattern.map(|(_, schema)| schema))
    }

    fn hold<'a>(&self, object: impl Node<'a>, work: &Work) -> bool {
        object.fields().all(|(key, value)| {
            let mut known = false;
            work.goes_on(1 + self.patterns.len())
                && self.schemas(key).all(|schema| {
                    known = true;
                    schema.holds(value, work)
                })
                && (known || self.others.hold(value, work))
        })
    }
}

impl Others {
    fn hold<'a>(&self, value: impl Node<'a>, work: &Work) -> bool {
        match self {
            Others::Allowed => true,
            Others::Forbidden => false,
            Others::Valid(schema) => schema.holds(value, work),
        }
    }
}

impl Dependency {
    fn holds<'a>(&self, object: impl Node<'a>, work: &Work) -> bool {
        match self {
            Dependency::Properties(names) => has_all(names, object, work),
            Dependency::Schema(schema) => schema.holds(object, work),
        }
    }
}

/// Whether an object has all these fields. Many names are looked up in a set of its keys.
fn has_all<'a>(names: &[String], object: impl Node<'a>, work: &Work) -> bool {
    if names.len() < FIELD {
        return work.goes_on(names.len()) && names.iter().all(|name| object.field(name).is_some());
    }
    let keys: HashSet<&str> = object.fields().map(|(key, _)| key).collect();
    work.goes_on(names.len() + keys.len()) && names.iter().all(|name| keys.contains(name.as_str()))
}

fn is_nan(seen: NodeKind<'_>) -> bool {
    matches!(seen, NodeKind::Double(value) if value.is_nan())
}

/// The number of code points: bytes that are not continuation bytes.
fn points(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// Sorts the elements, with the fields of objects in order, so that equal ones are neighbours.
fn are_unique<'a>(array: impl Node<'a>) -> bool {
    let mut items: Vec<Value> = array.items().map(|item| ordered(item.tree())).collect();
    items.sort_by(compare_values);
    items.windows(2).all(|pair| match pair {
        [a, b] => compare_values(a, b).is_ne(),
        _ => true,
    })
}

fn ordered(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.into_iter().map(|(key, value)| (key, ordered(value))).collect();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(fields)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(ordered).collect()),
        other => other,
    }
}
