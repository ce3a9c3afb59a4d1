//! Generations: a snapshot and the log after it.
//!
//! - `checkpoints`: the checkpoint that a clean close leaves
//! - `generation`: makes a cut and installs its snapshot
//! - `retire`: removes or keeps the files of replaced generations
//! - `snapshot_writer`: writes a snapshot
//! - `snapshot_file`: reads its blocks

pub(crate) mod checkpoints;
pub(crate) mod generation;
pub(crate) mod retire;
pub(crate) mod snapshot_file;
pub(crate) mod snapshot_writer;
