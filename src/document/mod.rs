//! Documents: values, the one encoding of each, and what can be read from the encoded bytes.
//!
//! - [`value`]: a value as a tree, for updates, projections and tests; `shown`: values in messages of errors
//! - `shapes`: key lists that documents share
//! - `encoding`: trees to bytes, and reading bytes without trees
//! - `check`: validation of bytes before anything relies on them
//! - `boundary`: values in messages to and from JavaScript
//! - [`kind`]: what a value is; [`node`]: reading encoded bytes and trees through one interface
//! - [`order`]: the total order of values; [`path`]: dotted paths through arrays
//! - [`collation`]: orders of strings by language
//! - `changes`: the paths that an update has changed, as the log keeps them
//! - [`id`]: which values may be an `_id`; ObjectIds as text

mod boundary;
pub(crate) mod changes;
mod check;
pub(crate) mod collation;
mod encoding;
pub mod id;
pub(crate) mod kind;
pub(crate) mod node;
pub mod order;
pub(crate) mod path;
mod shapes;
mod shown;
pub(crate) mod value;

pub use boundary::incoming::Translation;
pub use boundary::outgoing::Outgoing;
pub use boundary::{incoming, outgoing};
pub(crate) use check::stored;
pub use collation::Collation;
#[cfg(test)]
pub(crate) use encoding::columns::MAX_COLUMNS;
pub(crate) use encoding::columns::{Columns, Fields};
pub use encoding::encode::{encode, encode_plain};
pub(crate) use encoding::encode::{encode_document, encode_plain_part};
pub(crate) use encoding::measure::{depth, encoded_len, weight};
pub use encoding::raw::{RawArray, RawKind, RawObject, RawValue};
pub(crate) use encoding::{encode, raw, token};
pub use kind::NodeKind;
pub use node::Node;
pub use path::{Leaf, Path};
pub use shapes::shape;
pub use shapes::shape::{Shape, ShapeId, Shapes};
pub(crate) use shapes::staged;
pub use shapes::staged::StagedShapes;
pub(crate) use shown::shown;
pub use value::{Object, Value};

/// Largest encoded document, in bytes.
pub const MAX_DOCUMENT: usize = 16 << 20;
/// Deepest nesting: the document itself is level 1.
pub const MAX_DEPTH: usize = 100;
