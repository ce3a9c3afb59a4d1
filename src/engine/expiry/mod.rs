//! TTL indexes: documents whose time is over are deleted in the background.
//!
//! - [`monitor`]: when that is looked after
//! - `pass`: finds them, and deletes them in small commits

pub(crate) mod monitor;
mod pass;

#[cfg(test)]
mod pass_tests;
