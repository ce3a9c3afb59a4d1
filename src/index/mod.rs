//! Indexes: order-preserving keys and the trees of their entries. Pure: no locks, no I/O.
//!
//! - [`key`]: bytes that compare as the values do
//! - [`spec`]: the definition of an index
//! - [`extract`]: the keys of a document
//! - [`bounds`]: ranges of keys
//! - [`tree`]: entries in order; `leaf` holds some of them, packed; an `entry` is a key and a slot
//! - [`bulk`]: bulk loading

pub(crate) mod bounds;
pub(crate) mod bulk;
pub(crate) mod entry;
pub(crate) mod extract;
pub(crate) mod key;
mod leaf;
pub(crate) mod spec;
pub(crate) mod tree;

pub(crate) use bounds::{Range, component_len};
pub(crate) use bulk::{Entries, merge};
pub(crate) use entry::cut;
pub(crate) use extract::{
    Found, KeyBytes, Keys, Purpose, encode_component, extract, extract_plain, values_of,
};
pub use key::encode_key;
pub use spec::{Direction, Field, Spec};
pub(crate) use spec::{ID_INDEX, MAX_EXPIRE_AFTER};
pub(crate) use tree::{ScanDirection, Tree};

#[cfg(test)]
mod extract_tests;
#[cfg(test)]
mod spec_tests;
