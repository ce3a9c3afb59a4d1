//! What sorts and groups write to disk when memory is short, as bytes: chains of records, sorted runs of them, and their
//! merge. The file is that of the operation's budget (`work`).
//!
//! - `bytes`: values and numbers in records
//! - `chain`: records in pages
//! - `runs`: sorted runs and their merge

pub(crate) mod bytes;
pub(crate) mod chain;
pub(crate) mod runs;
#[cfg(test)]
pub(super) mod testing;
