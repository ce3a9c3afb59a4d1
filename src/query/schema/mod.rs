//! `$jsonSchema`: MongoDB's subset of JSON Schema draft 4, with `bsonType` beside `type`.
//!
//! A schema is compiled once and asked about encoded values or trees. It serves the filter `$jsonSchema`, and stands on its own for
//! a caller that has a document to check.
//!
//! - `parse`: reads a schema and refuses what is not well formed
//! - `check`: whether a value is valid, and which keyword it breaks
//! - `number`: `multipleOf` and equality as `enum` and `uniqueItems` mean them

mod check;
mod number;
mod parse;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

use super::operators::Types;
use super::pattern::Pattern;
use crate::document::Value;

pub use check::Violation;

/// A compiled schema.
///
/// ```
/// use moltendb_node::document::{RawValue, Shapes, Value, encode_plain};
/// use moltendb_node::query::JsonSchema;
///
/// let encode = |value: Value| {
///     let mut bytes = Vec::new();
///     encode_plain(&value, &mut bytes);
///     bytes
/// };
/// let text = |text: &str| Value::String(text.to_owned());
/// let schema = encode(Value::Object(vec![("required".to_owned(), Value::Array(vec![text("name")]))]));
/// let document = encode(Value::Object(vec![("name".to_owned(), text("Ada"))]));
/// let shapes = Shapes::new();
/// let schema = JsonSchema::parse(RawValue::new(&schema, &shapes)).unwrap();
/// assert!(schema.validates(RawValue::new(&document, &shapes)));
/// ```
#[derive(Clone, Debug)]
pub struct JsonSchema {
    /// All must hold. A rule about another kind of value holds.
    rules: Vec<Rule>,
}

/// What one keyword asks, or a few that belong together.
#[derive(Clone, Debug)]
enum Rule {
    Type(&'static str, Types),
    Enum(Vec<Value>),
    /// A number; true when the bound itself is not allowed.
    Minimum(Value, bool),
    Maximum(Value, bool),
    MultipleOf(Value),
    MinLength(usize),
    MaxLength(usize),
    Pattern(Pattern),
    Required(Vec<String>),
    MinProperties(usize),
    MaxProperties(usize),
    Properties(Properties),
    Dependencies(Vec<(String, Dependency)>),
    MinItems(usize),
    MaxItems(usize),
    UniqueItems,
    /// Every element.
    Items(JsonSchema),
    /// Element by element; then those that are left.
    Tuple(Vec<JsonSchema>, Others),
    AllOf(Vec<JsonSchema>),
    AnyOf(Vec<JsonSchema>),
    OneOf(Vec<JsonSchema>),
    Not(JsonSchema),
}

#[derive(Clone, Debug, Default)]
struct Properties {
    named: Vec<(String, JsonSchema)>,
    patterns: Vec<(Pattern, JsonSchema)>,
    others: Others,
}

/// Properties or elements that no schema is given for.
#[derive(Clone, Debug, Default)]
enum Others {
    #[default]
    Allowed,
    Forbidden,
    Valid(Box<JsonSchema>),
}

#[derive(Clone, Debug)]
enum Dependency {
    Properties(Vec<String>),
    Schema(JsonSchema),
}
