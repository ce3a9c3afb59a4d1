//! Making and dropping indexes.
//!
//! - [`create`]: both as operations: checks, the commit that begins, the commit that ends
//! - [`fill`]: the pass over the documents that are there
//! - [`requests`]: specifications and names as they came over the boundary

pub mod create;
pub mod fill;
pub mod requests;

#[cfg(test)]
pub(crate) mod index_tests;
