//! What of a validator a document does not match, in the form of the `errInfo.details` of MongoDB's server.
//!
//! The filter is read once more as it was written, so that each operator is told with its own operand. This is done only for a document
//! that is refused, or logged.
//!
//! - `explain`: the entry
//! - `filter`: the operators of filters
//! - `schema`: the keywords of `$jsonSchema`
//! - `report`: what is told, within a bound

mod explain;
mod filter;
mod report;
mod schema;
#[cfg(test)]
mod tests;

pub(crate) use explain::explain;
