//! A schema, compiled.

use crate::document::Value;
use crate::query::pattern::Pattern;
use crate::query::types::Types;

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
pub(crate) struct JsonSchema {
    /// All must hold. A rule for another type of value holds.
    pub(super) rules: Vec<Rule>,
}

/// The rule of one keyword, or of a few that belong together.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    Type(&'static str, Types),
    Enum(Vec<Value>),
    /// A number, and whether the bound itself is excluded.
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
    /// The schema of each element by position, then of the rest.
    Tuple(Vec<JsonSchema>, Others),
    AllOf(Vec<JsonSchema>),
    AnyOf(Vec<JsonSchema>),
    OneOf(Vec<JsonSchema>),
    Not(JsonSchema),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Properties {
    pub(super) named: Vec<(String, JsonSchema)>,
    pub(super) patterns: Vec<(Pattern, JsonSchema)>,
    pub(super) others: Others,
}

/// The rule for properties or elements without a schema.
#[derive(Clone, Debug, Default)]
pub(super) enum Others {
    #[default]
    Allowed,
    Forbidden,
    Valid(Box<JsonSchema>),
}

#[derive(Clone, Debug)]
pub(super) enum Dependency {
    Properties(Vec<String>),
    Schema(JsonSchema),
}
