//! Documents: values, the one encoding each has, and what can be asked of the encoded bytes.
//!
//! - [`token`]: the lead bytes
//! - [`value`]: a value as a tree, for updates, projections and tests
//! - [`shape`]: key lists that documents share
//! - [`stored`]: the check of stored bytes before anything rests on them
//! - [`staged`]: shapes that an uncommitted write wants
//! - [`raw`]: walking encoded bytes without building trees
//! - [`columns`]: finding the same fields in document after document
//! - `walk`: the strict pass over bytes that nobody vouches for
//! - `fault`: what can be wrong with a value, and where
//! - [`encode`]: trees to bytes
//! - [`measure`]: how large a tree is
//! - [`incoming`]: what crosses the boundary to the stored form
//! - [`outgoing`]: the stored form to what crosses the boundary
//! - `plain`: which stored values cross as they are
//! - [`id`]: which values may be an `_id`; ObjectIds as text
//! - [`node`]: reading encoded bytes and trees by one interface
//! - [`order`]: the total order over values
//! - [`path`]: dotted paths through arrays

pub mod columns;
pub mod encode;
mod fault;
pub mod id;
pub mod incoming;
pub mod measure;
pub mod node;
pub mod order;
pub mod outgoing;
pub mod path;
mod plain;
pub mod raw;
pub mod shape;
mod shown;
pub mod staged;
pub mod stored;
pub mod token;
pub mod value;
mod walk;

pub use columns::{Columns, Fields, MAX_COLUMNS};
pub use encode::{encode, encode_document, encode_plain, encode_plain_part};
pub use incoming::Translation;
pub use measure::{encoded_len, weight};
pub use node::{Node, Seen};
pub use outgoing::Outgoing;
pub use path::{Leaf, Path};
pub use raw::{RawArray, RawKind, RawObject, RawValue};
pub use shape::{Shape, ShapeId, Shapes};
pub use staged::StagedShapes;
pub use value::{Object, Value};

/// Largest encoded document, in bytes.
pub const MAX_DOCUMENT: usize = 16 << 20;
/// Deepest nesting: the document itself is level 1.
pub const MAX_DEPTH: usize = 100;
