//! `$jsonSchema`: MongoDB's subset of JSON Schema draft 4, with `bsonType` beside `type`.
//!
//! A schema is compiled once and checks encoded values or trees. It serves the filter `$jsonSchema`, and validates documents on its own.
//!
//! - `schema`: a schema, compiled
//! - `parse`: the grammar; refuses what is not well formed
//! - `check`: whether a value is valid, and which keyword it violates
//! - `number`: `multipleOf`, and equality as `enum` and `uniqueItems` define it

mod check;
mod number;
mod parse;
#[cfg(test)]
mod property_tests;
#[expect(clippy::module_inception, reason = "the main file of the folder, private")]
mod schema;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use check::Violation;
pub(crate) use schema::JsonSchema;
