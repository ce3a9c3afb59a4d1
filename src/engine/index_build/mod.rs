//! Creating and dropping indexes.
//!
//! - [`create`]: both operations: checks, the commit that begins, the commit that ends
//! - [`fill`]: the pass over the existing documents
//! - [`requests`]: specifications and names from the boundary

pub(crate) mod create;
pub(crate) mod fill;
pub(crate) mod requests;

#[cfg(test)]
pub(crate) mod index_tests;
