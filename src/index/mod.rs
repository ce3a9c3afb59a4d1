//! Indexes: order-preserving keys and the trees of their entries. Pure: no locks, no I/O.
//!
//! - [`key`]: bytes that compare as the values do
//! - [`spec`]: the definition of an index
//! - [`extract`]: the keys of a document
//! - [`bounds`]: ranges of keys
//! - [`tree`]: entries in order; `leaf` holds some of them, packed
//! - [`bulk`]: bulk loading

pub mod bounds;
pub mod bulk;
pub mod extract;
pub mod key;
mod leaf;
pub mod spec;
pub mod tree;

pub use bounds::{Range, component_len};
pub use bulk::{Entries, merge};
pub use extract::{Found, KeyBytes, Keys, Purpose, encode_component, extract, extract_plain, values_of};
pub use key::encode_key;
pub use spec::{Direction, Field, ID_INDEX, Spec};
pub use tree::{Tree, cut};

#[cfg(test)]
mod extract_tests;
#[cfg(test)]
mod spec_tests;
