//! Compaction, checkpoints and backups.
//!
//! - [`compaction`]: a new generation from a snapshot; [`memory_compaction`]: the same without files
//! - `snapshot`: writes the blocks of a snapshot from a view
//! - `proof`: checks a new generation against memory before it is used
//! - [`checkpoint`]: the pages of a checkpoint, which a clean close leaves for a quick opening
//! - [`rebase`]: a checkpoint while the database is open, in place of what is in memory
//! - [`backup`]: a copy while the database is in use
//! - `auto_index`: creates the indexes that costly scans need

pub(crate) mod auto_index;
pub(crate) mod backup;
pub(crate) mod checkpoint;
pub(crate) mod compaction;
pub(crate) mod memory_compaction;
pub(crate) mod proof;
pub(crate) mod rebase;
pub(crate) mod snapshot;

pub use backup::Backup;
pub use snapshot::Compaction;

#[cfg(test)]
mod proof_tests;
