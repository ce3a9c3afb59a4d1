//! Validation of bytes before anything relies on them.
//!
//! - `walk`: the strict pass over untrusted bytes; `strict`: that pass alone; `plain`: a quick pass that settles most documents
//! - `stored`: the check of stored documents
//! - `fault`: what can be wrong with a value, and where

pub(super) mod fault;
pub(super) mod plain;
pub(crate) mod stored;
pub(super) mod strict;
pub(super) mod walk;
