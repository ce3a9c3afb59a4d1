//! Documents: values, the one encoding each has, and what can be asked of the encoded bytes.
//!
//! - [`token`]: the lead bytes
//! - [`value`]: a value as a tree, for updates, projections and tests
//! - [`shape`]: key lists that documents share
//! - [`raw`]: walking encoded bytes without building trees
//! - [`node`]: reading encoded bytes and trees by one interface
//! - [`order`]: the total order over values
//! - [`path`]: dotted paths through arrays

pub mod node;
pub mod order;
pub mod path;
pub mod raw;
pub mod shape;
pub mod token;
pub mod value;

pub use node::{Node, Seen};
pub use path::{Leaf, Path};
pub use raw::{RawArray, RawKind, RawObject, RawValue};
pub use shape::{Shape, ShapeId, Shapes};
pub use value::{Object, Value};

/// Largest encoded document, in bytes.
pub const MAX_DOCUMENT: usize = 16 << 20;
/// Deepest nesting: the document itself is level 1.
pub const MAX_DEPTH: usize = 100;
