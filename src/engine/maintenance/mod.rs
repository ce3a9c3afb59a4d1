//! Compaction, checkpoints and backups.
//!
//! - [`compaction`]: a new generation from a snapshot; [`memory_compaction`]: the same without files
//! - `snapshot`: writes the blocks of a snapshot from a view
//! - `places`: where its documents are, in the trees of slots of the checkpoint that is written with it
//! - `proof`: checks a new generation against memory before it is used; `due`: the documents that it must have
//! - `moving`: gives slots their new places
//! - `below`: puts a checkpoint below what is in memory
//! - [`checkpoint`]: the pages of a checkpoint, which a clean close leaves for a quick opening
//! - [`rebase`]: a checkpoint while the database is open, in place of what is in memory
//! - [`backup`]: a copy while the database is in use
//! - `auto_index`: creates the indexes that costly scans need

pub(crate) mod auto_index;
pub(crate) mod backup;
mod below;
pub(crate) mod checkpoint;
pub(crate) mod compaction;
mod due;
pub(crate) mod memory_compaction;
mod moving;
mod places;
pub(crate) mod proof;
pub(crate) mod rebase;
pub(crate) mod snapshot;

pub use backup::Backup;
pub use snapshot::Compaction;

#[cfg(test)]
mod moving_tests;
#[cfg(test)]
mod proof_tests;
