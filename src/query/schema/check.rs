//! Whether a value is valid. Nothing here allocates, but `uniqueItems` of objects and the account of a violation.

use super::number::{is_multiple, same};
use super::{Dependency, JsonSchema, Others, Properties, Rule};
use crate::document::order::{compare_nodes, compare_values};
use crate::document::{Node, RawValue, Seen, Value};

/// What a value breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The dotted path in the document; empty for the document itself.
    pub path: String,
    /// The keyword of the schema.
    pub keyword: &'static str,
}

impl JsonSchema {
    /// Whether the document is valid.
    pub fn validates(&self, document: RawValue<'_>) -> bool {
        self.holds(document)
    }

    /// The first keyword that the document breaks, innermost where schemas nest; `None` when it is valid.
    pub fn violation(&self, document: RawValue<'_>) -> Option<Violation> {
        let mut path = Vec::new();
        let keyword = self.broken(document, &mut path)?;
        Some(Violation { path: path.join("."), keyword })
    }

    #[inline]
    pub(in crate::query) fn holds<'a>(&self, value: impl Node<'a>) -> bool {
        self.rules.iter().all(|rule| rule.holds(value))
    }

    fn broken<'a>(&self, value: impl Node<'a>, path: &mut Vec<String>) -> Option<&'static str> {
        let rule = self.rules.iter().find(|rule| !rule.holds(value))?;
        let inside = match rule {
            Rule::Properties(properties) => value.fields().find_map(|(key, value)| {
                let schema = properties.schemas(key).find(|schema| !schema.holds(value))?;
                path.push(key.to_owned());
                schema.broken(value, path)
            }),
            Rule::Items(schema) => value.items().enumerate().find_map(|(n, item)| {
                if schema.holds(item) {
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
    fn holds<'a>(&self, value: impl Node<'a>) -> bool {
        let seen = value.seen();
        match (self, seen) {
            (Rule::Type(_, types), seen) => types.contains(seen),
            (Rule::Enum(values), _) => values.iter().any(|one| same(value, one)),
            (Rule::AllOf(all), _) => all.iter().all(|one| one.holds(value)),
            (Rule::AnyOf(all), _) => all.iter().any(|one| one.holds(value)),
            (Rule::OneOf(all), _) => all.iter().filter(|one| one.holds(value)).take(2).count() == 1,
            (Rule::Not(schema), _) => !schema.holds(value),
            (Rule::Minimum(bound, exclusive), Seen::Int(_) | Seen::Long(_) | Seen::Double(_)) => {
                let order = compare_nodes(value, bound);
                order.is_gt() || order.is_eq() && !exclusive
            }
            (Rule::Maximum(bound, exclusive), Seen::Int(_) | Seen::Long(_) | Seen::Double(_)) => {
                let order = compare_nodes(value, bound);
                order.is_eq() && !exclusive || order.is_lt() && !is_nan(seen)
            }
            (Rule::MultipleOf(divisor), Seen::Int(_) | Seen::Long(_) | Seen::Double(_)) => {
                is_multiple(seen, divisor.seen())
            }
            (Rule::MinLength(least), Seen::String(text)) => points(text) >= *least,
            (Rule::MaxLength(most), Seen::String(text)) => points(text) <= *most,
            (Rule::Pattern(pattern), Seen::String(text)) => pattern.is_in(text),
            (Rule::Required(names), Seen::Object) => names.iter().all(|name| value.field(name).is_some()),
            (Rule::MinProperties(least), Seen::Object) => value.fields().count() >= *least,
            (Rule::MaxProperties(most), Seen::Object) => value.fields().count() <= *most,
            (Rule::Properties(properties), Seen::Object) => properties.hold(value),
            (Rule::Dependencies(all), Seen::Object) => {
                all.iter().all(|(name, dependency)| value.field(name).is_none() || dependency.holds(value))
            }
            (Rule::MinItems(least), Seen::Array) => value.items().count() >= *least,
            (Rule::MaxItems(most), Seen::Array) => value.items().count() <= *most,
            (Rule::UniqueItems, Seen::Array) => are_unique(value),
            (Rule::Items(schema), Seen::Array) => value.items().all(|item| schema.holds(item)),
            (Rule::Tuple(schemas, others), Seen::Array) => {
                value.items().enumerate().all(|(n, item)| match schemas.get(n) {
                    Some(schema) => schema.holds(item),
                    None => others.hold(item),
                })
            }
            // About another kind of value.
            _ => true,
        }
    }

    /// The keyword that the value breaks.
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
                if value.items().zip(schemas).all(|(item, schema)| schema.holds(item)) =>
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
        let named = self.named.iter().filter(move |(name, _)| name == key).map(|(_, schema)| schema);
        let by_pattern = self.patterns.iter().filter(move |(pattern, _)| pattern.is_in(key.as_bytes()));
        named.chain(by_pattern.map(|(_, schema)| schema))
    }

    fn hold<'a>(&self, object: impl Node<'a>) -> bool {
        object.fields().all(|(key, value)| {
            let mut known = false;
            self.schemas(key).all(|schema| {
                known = true;
                schema.holds(value)
            }) && (known || self.others.hold(value))
        })
    }
}

impl Others {
    fn hold<'a>(&self, value: impl Node<'a>) -> bool {
        match self {
            Others::Allowed => true,
            Others::Forbidden => false,
            Others::Valid(schema) => schema.holds(value),
        }
    }
}

impl Dependency {
    fn holds<'a>(&self, object: impl Node<'a>) -> bool {
        match self {
            Dependency::Properties(names) => names.iter().all(|name| object.field(name).is_some()),
            Dependency::Schema(schema) => schema.holds(object),
        }
    }
}

fn is_nan(seen: Seen<'_>) -> bool {
    matches!(seen, Seen::Double(value) if value.is_nan())
}

/// How many code points: bytes that do not go on with one.
fn points(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// Sorted, equals are neighbours, once the fields of objects are in order.
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
