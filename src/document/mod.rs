//! Documents: values, the one encoding each has, and what can be asked of the encoded bytes.
//!
//! - [`token`]: the lead bytes
//! - [`value`]: a value as a tree, for updates, projections and tests
//! - [`shape`]: key lists that documents share
//! - [`raw`]: walking encoded bytes without building trees

pub mod raw;
pub mod shape;
pub mod token;
pub mod value;

pub use raw::{RawArray, RawKind, RawObject, RawValue};
pub use shape::{Shape, ShapeId, Shapes};
pub use value::{Object, Value};

/// Largest encoded document, in bytes.
pub const MAX_DOCUMENT: usize = 16 << 20;
/// Deepest nesting: the document itself is level 1.
pub const MAX_DEPTH: usize = 100;
