//! Indexes: order-preserving keys.
//!
//! - [`key`]: bytes that compare as the values do

pub mod key;

pub use key::encode_key;
