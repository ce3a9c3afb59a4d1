//! A schema, compiled.

use crate::document::Value;
use crate::query::pattern::Pattern;
use crate::query::types::Types;

/// A compiled schema.
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
