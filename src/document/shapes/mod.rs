//! Shapes: the key lists that objects share.
//!
//! - `shape`: the shapes of a collection
//! - `staged`: shapes that an uncommitted write adds

pub mod shape;
pub(crate) mod staged;
