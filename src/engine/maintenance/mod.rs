//! Keeping the files small and copied.
//!
//! - [`compaction`]: a new generation from a snapshot; [`memory_compaction`]: the same without files
//! - `snapshot`: the blocks of a snapshot, written from a view
//! - `proof`: a new generation is proved against memory before it counts
//! - [`checkpoint`]: what a clean close leaves for a quick opening
//! - [`backup`]: a copy while the database is in use
//! - `auto_index`: indexes that are made when costly scans would need them

pub mod backup;
pub mod checkpoint;
pub mod compaction;
pub(crate) mod memory_compaction;
pub(crate) mod proof;
pub(crate) mod snapshot;

pub use backup::Backup;
pub use compaction::Compaction;

#[cfg(test)]
mod proof_tests;
