//! Documents: values, the one encoding of each, and what can be read from the encoded bytes.
//!
//! - [`value`]: a value as a tree, for updates, projections and tests; `shown`: values in messages of errors
//! - `shapes`: key lists that documents share
//! - `encoding`: trees to bytes, and reading bytes without trees
//! - `check`: validation of bytes before anything relies on them
//! - `boundary`: values in messages to and from JavaScript
//! - [`node`]: reading encoded bytes and trees through one interface
//! - [`order`]: the total order of values; [`path`]: dotted paths through arrays
//! - [`id`]: which values may be an `_id`; ObjectIds as text

mod boundary;
mod check;
mod encoding;
pub mod id;
pub mod node;
pub mod order;
pub mod path;
mod shapes;
mod shown;
pub mod value;

pub use boundary::incoming::Translation;
pub use boundary::outgoing::Outgoing;
pub use boundary::{incoming, outgoing};
pub use check::stored;
pub use encoding::columns::{Columns, Fields, MAX_COLUMNS};
pub use encoding::encode::{encode, encode_document, encode_plain, encode_plain_part};
pub use encoding::measure::{depth, encoded_len, weight};
pub use encoding::raw::{RawArray, RawKind, RawObject, RawValue};
pub use encoding::{columns, encode, measure, raw, token};
pub use node::{Node, NodeKind};
pub use path::{Leaf, Path};
pub use shapes::shape::{Shape, ShapeId, Shapes};
pub use shapes::staged::StagedShapes;
pub use shapes::{shape, staged};
pub use shown::shown;
pub use value::{Object, Value};

/// Largest encoded document, in bytes.
pub const MAX_DOCUMENT: usize = 16 << 20;
/// Deepest nesting: the document itself is level 1.
pub const MAX_DEPTH: usize = 100;
