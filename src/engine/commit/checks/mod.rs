//! What a commit refuses.
//!
//! - `conflicts`: duplicate values of unique indexes, and versions that are not the expected ones
//! - `validation`: documents that a validator refuses

pub(crate) mod conflicts;
pub(crate) mod validation;
